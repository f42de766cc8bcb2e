"""What only those with a key can make and open, by Fernet. It takes 6 MB: it is loaded where it is needed."""

from collections.abc import Sequence


class SealError(Exception):
    """None of the keys has sealed it."""


class Seal:
    """Seals with the first of its keys, and opens what any of them has sealed."""

    def __init__(self, keys: Sequence[str]) -> None:
        """
        :param keys: at least one; 32 bytes in URL-safe base64.
        :raises ValueError: one is not.
        """
        from cryptography.fernet import Fernet, InvalidToken, MultiFernet

        self._keys = MultiFernet([Fernet(key) for key in keys])
        self._refusal = InvalidToken

    def seal(self, plain: bytes) -> str:
        return self._keys.encrypt(plain).decode()

    def open(self, sealed: str) -> bytes:
        """
        :raises SealError: none of the keys has sealed it.
        """
        try:
            return self._keys.decrypt(sealed.encode())
        except self._refusal:
            raise SealError from None


def new_key() -> str:
    """A key that nobody else has."""
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()
