"""The forms of a bulletin by ``Accept``, as the front and the routes choose them."""

from functools import lru_cache

from starlette.types import Scope

from app.kit.caching import JSON, SPARSE
from app.kit.negotiation import negotiate
from app.rendering.formats import FORMATS

FORMS = [JSON, SPARSE, *(form.media_type for form in FORMATS.values())]

_PREFIX = "/v1/bulletins/"


def wanted(scope: Scope) -> str | None:
    """The media type that a request would have of a bulletin; None if no form will do."""
    accept = b", ".join(value for name, value in scope["headers"] if name == b"accept")
    return JSON if accept in {b"", b"*/*"} else _chosen(accept)


@lru_cache(maxsize=256)
def _chosen(accept: bytes) -> str | None:
    return negotiate(accept.decode("latin-1"), FORMS)


def other_form(scope: Scope) -> bool:
    """Whether a request asks for a bulletin in another form than JSON, which alone has parameters."""
    return (
        scope["path"].startswith(_PREFIX)
        and not scope["query_string"]
        and wanted(scope) not in {JSON, SPARSE}
    )
