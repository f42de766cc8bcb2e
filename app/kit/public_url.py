"""The address under which readers know this server."""

from fastapi import Request


def public_url(request: Request) -> str:
    """The base of absolute addresses in answers, without a slash at its end.

    It is the configured one or, without, the address that the server listens on. It is never what a
    request says of itself (``Host``, ``Forwarded``): answers are cached, and the next reader would get
    the address that another one made up.
    """
    if configured := request.app.state.public_url:
        return str(configured)
    host, port = request.scope.get("server") or ("", None)
    if port is None:
        return "http://127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
