"""Signatures and the encryption of callback messages, as WeChat defines them.

A message is padded to 32 bytes and encrypted by AES-256-CBC; what is encrypted is 16 random bytes, the
length of the message (4 bytes, big endian), the message, and the appid.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC

_BLOCK = 32
_RANDOM = 16
_HEAD = _RANDOM + 4


class CryptoError(Exception):
    """The text was not encrypted for us; it says nothing of why."""


def signature(*parts: str) -> str:
    """SHA-1 of the sorted parts, in hexadecimal."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def same(given: str, expected: str) -> bool:
    """Whether two signatures are equal, in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())


class Crypter:
    """Encrypts and decrypts for one appid; ``keys`` are EncodingAESKeys, the current one first."""

    def __init__(self, appid: str, keys: Sequence[str]) -> None:
        self._appid = appid.encode()
        self._keys = [b64decode(f"{key}=") for key in keys]

    def decrypt(self, encrypted: str) -> tuple[bytes, int]:
        """The message, and the place of the key that opened it, which the reply is to use.

        :raises CryptoError: no key opens it, or it was meant for another appid.
        """
        try:
            content = b64decode(encrypted, validate=True)
        except (Base64Error, ValueError):
            raise CryptoError from None
        if not content or len(content) % 16:
            raise CryptoError
        for place, key in enumerate(self._keys):
            message = self._open(content, key)
            if message is not None:
                return message, place
        raise CryptoError

    def encrypt(self, message: bytes, *, key: int = 0, random: bytes | None = None) -> str:
        """The message as base64; ``random`` is 16 bytes, new ones unless given."""
        head = random or secrets.token_bytes(_RANDOM)
        plain = head + len(message).to_bytes(4, "big") + message + self._appid
        padding = _BLOCK - len(plain) % _BLOCK
        encryptor = self._cipher(self._keys[key]).encryptor()
        return b64encode(encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()).decode()

    def _open(self, content: bytes, key: bytes) -> bytes | None:
        decryptor = self._cipher(key).decryptor()
        plain = decryptor.update(content) + decryptor.finalize()
        padding = plain[-1]
        if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes([padding]) * padding:
            return None
        plain = plain[:-padding]
        end = _HEAD + int.from_bytes(plain[_RANDOM:_HEAD], "big")
        if len(plain) < _HEAD or not hmac.compare_digest(plain[end:], self._appid):
            return None
        return plain[_HEAD:end]

    @staticmethod
    def _cipher(key: bytes) -> "Cipher[CBC]":
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        return Cipher(algorithms.AES256(key), modes.CBC(key[:16]))
