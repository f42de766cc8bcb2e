"""One name for every way to write the same request."""

from urllib.parse import parse_qsl, urlencode

Key = tuple[str, str]
"""A decoded path and its normalised query."""

MAX_TARGET = 8_192
MAX_PARAMETERS = 50


def normalised(path: str, query: bytes) -> Key | None:
    """The key of a request; None when it is too long, has too many parameters or is not UTF-8, to be kept.

    The query is read as Starlette reads it, so two requests share a key only if the application
    sees the same pairs; their order says nothing. ``path`` is decoded already, as routing sees it.
    """
    if len(path) + len(query) > MAX_TARGET:
        return None
    if not query:
        return path, ""
    try:
        pairs = parse_qsl(
            query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_PARAMETERS, errors="strict"
        )
    except ValueError:
        return None
    return path, urlencode(sorted(pairs))
