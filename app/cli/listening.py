"""Taking the port before anything else is started."""

import errno
import socket
import time
import urllib.request

from app.cli.terminal import Failure


def listen(host: str, port: int, patience: float = 0.0) -> socket.socket:
    """A listening socket; connections wait in it until a server takes them.

    :param port: 0 takes a free one.
    :param patience: how many seconds to wait for a port that another process is about to leave.
    :raises Failure: the address cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise Failure(
            f"NQPF_HOST: {host} is no address ({error.strerror}): 127.0.0.1 is the default"
        ) from None
    deadline = time.monotonic() + patience
    while True:
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(2048)
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise Failure(_refusal(error, host, port)) from None
            time.sleep(0.1)
        else:
            return listener


def address(listener: socket.socket) -> str:
    """The address of the server as a URL without a path."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


def answers(url: str) -> bool:
    """Whether a server answers 200 there."""
    # Not through a proxy: the address is ours.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5):
            return True
    except OSError:
        return False


def _refusal(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} is taken: stop the server that has it, or choose another with --port"
        case errno.EACCES:
            return f"port {port} may not be used by this user: choose one above 1023 with --port"
        case errno.EADDRNOTAVAIL:
            return f"NQPF_HOST: {host} is no address of this machine"
        case _:
            return f"cannot listen on {host} port {port}: {error.strerror}"
