"""Keeps webhooks out of our own network: addresses are checked when a connection is made, not before."""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

import httpcore2
import httpx2

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = ip_network("64:ff9b::/96")
_RESOLVERS = 32
"""Names that do not resolve keep a thread for long; others are not to wait for it."""


class AddressRefusedError(Exception):
    """The address is not one that webhooks may go to; the message says why."""


class Guard:
    """Knows which addresses may be reached: those of the internet, and ``allowed`` networks."""

    def __init__(self, allowed: Iterable[Network] = ()) -> None:
        self._allowed = tuple(allowed)
        self._threads = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolve")

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a host, all of which may be reached.

        :raises AddressRefusedError: one may not, or there is none.
        """
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)
        except (OSError, UnicodeError):
            raise AddressRefusedError(f"{host} has no address") from None
        for address in found:
            if not self.reachable(ip_address(address)):
                raise AddressRefusedError(f"{host} is at {address}, which is not on the internet")
        return found

    def reachable(self, address: Address) -> bool:
        """Whether webhooks may go there."""
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            return self.reachable(address.ipv4_mapped)
        return self.allows(address) or all(
            each.is_global and not each.is_multicast and not each.is_reserved
            for each in (address, *_embedded(address))
        )

    def allows(self, address: Address) -> bool:
        """Whether the operators have allowed it."""
        return any(address in network for network in self._allowed)

    async def check(self, url: str) -> None:
        """Refuse a URL that webhooks are not to be sent to.

        :raises AddressRefusedError: it is no ``https://`` address, or leads where nothing may go.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise AddressRefusedError("it is no address") from None
        if parts.scheme not in {"http", "https"} or not host or not url.isascii() or not url.isprintable():
            raise AddressRefusedError("it is no https:// address")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise AddressRefusedError("a user, a password or a fragment does not belong into it")
        found = await self.resolve(host, port or (443 if parts.scheme == "https" else 80))
        if parts.scheme == "http" and not all(self.allows(ip_address(address)) for address in found):
            raise AddressRefusedError("it is no https:// address")

    def transport(self, connections: int) -> httpx2.AsyncHTTPTransport:
        """A transport whose every connection is checked."""
        return _Transport(_Backend(self), connections)


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


def _embedded(address: Address) -> Sequence[IPv4Address]:
    """The addresses of version 4 that one of version 6 leads to."""
    if isinstance(address, IPv4Address):
        return ()
    inner = [address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in inner if each is not None]


class _Backend(httpcore2.AsyncNetworkBackend):
    """Connects to the very address that was checked; TLS still asks for the name."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failure: Exception = AddressRefusedError(f"{host} has no address")
        for address in await self._guard.resolve(host, port):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore2.ConnectError as error:
                failure = error
        raise failure


class _Transport(httpx2.AsyncHTTPTransport):
    def __init__(self, backend: httpcore2.AsyncNetworkBackend, connections: int) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=15.0,
            network_backend=backend,
        )
