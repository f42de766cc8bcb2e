"""Secrets of webhooks at rest: sealed with Fernet where a key is set."""

from collections.abc import Sequence

from app.kit.sealing import Seal, SealError

_SEALED = "fernet:"
_PLAIN = "plain:"


class VaultError(Exception):
    """A secret cannot be opened."""


class Vault:
    """Seals with the first of its keys, opens with any; without keys it only marks what is not sealed."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        """
        :param keys: Fernet keys, 32 bytes in URL-safe base64.
        """
        self._own = Seal(keys) if keys else None

    def seal(self, secret: str) -> str:
        if self._own is None:
            return _PLAIN + secret
        return _SEALED + self._own.seal(secret.encode())

    def open(self, kept: str) -> str:
        """
        :raises VaultError: none of the keys sealed it.
        """
        if kept.startswith(_PLAIN):
            return kept.removeprefix(_PLAIN)
        if self._own is None:
            raise VaultError("secrets are sealed, and NQPF_SECRETS_KEYS is not set")
        try:
            return self._own.open(kept.removeprefix(_SEALED)).decode()
        except SealError:
            raise VaultError("no key of NQPF_SECRETS_KEYS has sealed this secret") from None
