"""Passwords and bearer tokens: made, hashed, compared."""

import asyncio
import hashlib
import re
import secrets
from functools import cache

from fastapi import Request
from pwdlib import PasswordHash

from app.kit.problems import Problem

_BEARER = re.compile(r"[Bb]earer +([A-Za-z0-9_-]{20,200}) *")

_passwords = PasswordHash.recommended()


@cache
def _nobodys() -> str:
    return _passwords.hash(secrets.token_urlsafe())


async def hash_password(password: str) -> str:
    """The argon2id hash of a password, with its salt and parameters."""
    return await asyncio.to_thread(_passwords.hash, password)


async def verify_password(password: str, hashed: str | None) -> bool:
    """Whether the password is the hashed one; without a hash it takes as long, and is not."""
    same = await asyncio.to_thread(lambda: _passwords.verify(password, hashed or _nobodys()))
    return same and hashed is not None


def new_token(prefix: str) -> str:
    """An opaque token of 256 random bits; the prefix lets scanners of leaked secrets know it."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def token_digest(token: str) -> str:
    """What is kept of a token: as it is random, a plain SHA-256 cannot be turned back."""
    return hashlib.sha256(token.encode()).hexdigest()


def bearer_token(request: Request) -> str:
    """The token of the ``Authorization`` header.

    :raises Problem: there is none.
    """
    found = _BEARER.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        raise unauthenticated("A bearer token is needed: `Authorization: Bearer …`.")
    return found[1]


def unauthenticated(detail: str) -> Problem:
    return Problem("unauthenticated", detail, headers={"WWW-Authenticate": "Bearer"})
