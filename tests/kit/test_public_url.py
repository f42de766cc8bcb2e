from types import SimpleNamespace

import pytest
from fastapi import Request

from app.kit.public_url import public_url


def request(configured: str | None, server: tuple[str, int | None] | None) -> Request:
    return Request(
        {
            "type": "http",
            "headers": [(b"host", b"evil.example"), (b"x-forwarded-host", b"evil.example")],
            "scheme": "https",
            "server": server,
            "app": SimpleNamespace(state=SimpleNamespace(public_url=configured)),
        }
    )


@pytest.mark.parametrize(
    ("configured", "server", "expected"),
    [
        ("https://example.org/news", ("127.0.0.1", 8000), "https://example.org/news"),
        (None, ("127.0.0.1", 8000), "http://127.0.0.1:8000"),
        (None, ("::1", 8000), "http://[::1]:8000"),
        (None, ("/run/nqpf.sock", None), "http://127.0.0.1"),
        (None, None, "http://127.0.0.1"),
    ],
)
def test_addresses_are_never_what_a_request_says_of_itself(
    configured: str | None, server: tuple[str, int | None] | None, expected: str
) -> None:
    assert public_url(request(configured, server)) == expected
