import asyncio
import socket
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

import httpx2
import pytest

from app.partners.guard import AddressRefusedError, Guard
from tests.partners.receiver import receiving

LOOPBACK = [ip_network("127.0.0.1/32")]

Addresses = Callable[[str], list[str]]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",  # metadata of clouds
        "100.100.100.200",  # metadata of Alibaba Cloud, shared address space
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00:ec2::254",  # metadata of AWS over IPv6
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",  # Teredo around 10.0.0.1
        "ff02::1",
    ],
)
def test_addresses_that_are_not_on_the_internet_are_refused(address: str) -> None:
    assert not Guard().reachable(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_not(address: str) -> None:
    assert Guard().reachable(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]:8443/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://user:password@example.org/",
        "https://example.invalid/",
        "ftp://1.1.1.1/",
        "http://1.1.1.1/",
        "https://",
        "https://1.1.1.1:99999/",
        "https://1.1.1.1/#fragment",
        "https://1.1.1.1/\n",
        "//1.1.1.1/",
    ],
)
def test_urls_that_lead_inside_or_nowhere_are_refused(url: str) -> None:
    with pytest.raises(AddressRefusedError):
        asyncio.run(Guard().check(url))


def test_urls_of_the_internet_and_of_allowed_networks_are_taken() -> None:
    asyncio.run(Guard().check("https://1.1.1.1/hooks?x=1"))
    asyncio.run(Guard(LOOPBACK).check("http://127.0.0.1:8080/"))


def named(monkeypatch: pytest.MonkeyPatch, addresses: Addresses) -> None:
    """Let names resolve to what a hostile name server says."""
    genuine = socket.getaddrinfo

    def look_up(host: str, port: int, *more: Any, **options: Any) -> Any:
        if not str(host).endswith(".example"):
            return genuine(host, port, *more, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses(host)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


async def post(guard: Guard, url: str) -> httpx2.Response:
    async with httpx2.AsyncClient(transport=guard.transport(4), trust_env=False, timeout=5) as client:
        return await client.post(url, content=b"{}")


def test_a_name_that_is_bound_anew_after_it_was_checked_leads_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with receiving() as receiver:
        answers = iter([["1.1.1.1"], ["127.0.0.1"]])
        named(monkeypatch, lambda _: next(answers))
        guard = Guard()
        url = f"https://rebound.example:{receiver.port}/"
        asyncio.run(guard.check(url))
        with pytest.raises(AddressRefusedError, match="not on the internet"):
            asyncio.run(post(guard, url))
        assert receiver.received == []


def test_a_name_with_one_address_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, lambda _: ["1.1.1.1", "10.0.0.1"])
    with pytest.raises(AddressRefusedError):
        asyncio.run(Guard().check("https://mixed.example/"))


def test_it_connects_to_the_address_that_was_checked_and_keeps_the_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with receiving() as receiver:
        asked: list[str] = []

        def addresses(host: str) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.99"]

        named(monkeypatch, addresses)
        answer = asyncio.run(post(Guard(LOOPBACK), f"http://partner.example:{receiver.port}/"))
        assert answer.status_code == 204
        assert asked == ["partner.example"]
        assert receiver.received[0].headers["host"] == f"partner.example:{receiver.port}"
