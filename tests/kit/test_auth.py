import asyncio

import pytest
from fastapi import Request

from app.kit.auth import bearer_token, hash_password, new_token, token_digest, verify_password
from app.kit.problems import Problem


def request(header: str | None) -> Request:
    headers = [(b"authorization", header.encode("latin-1"))] if header is not None else []
    return Request({"type": "http", "headers": headers})


def test_a_password_is_known_by_its_argon2id_hash_alone() -> None:
    hashed = asyncio.run(hash_password("密码"))
    assert hashed.startswith("$argon2id$")
    assert asyncio.run(verify_password("密码", hashed))
    assert not asyncio.run(verify_password("密碼", hashed))
    assert not asyncio.run(verify_password("密码", None))


def test_tokens_are_different_and_their_digests_say_nothing_of_them() -> None:
    tokens = {new_token("t") for _ in range(100)}
    assert len(tokens) == 100
    for token in tokens:
        assert token.startswith("t_")
        assert len(token_digest(token)) == 64
        assert token[2:] not in token_digest(token)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_bearer_token_is_read_from_the_header(scheme: str) -> None:
    token = new_token("t")
    assert bearer_token(request(f"{scheme} {token}")) == token


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer x", "Basic eDp5", "Bearer " + "é" * 30])
def test_anything_else_is_no_token(header: str | None) -> None:
    with pytest.raises(Problem) as problem:
        bearer_token(request(header))
    assert (problem.value.kind, problem.value.headers) == ("unauthenticated", {"WWW-Authenticate": "Bearer"})
