"""The forms of a bulletin by ``Accept``, as the front and the routes choose them."""

from functools import lru_cache

from starlette.types import Scope

from app.kit.caching import JSON, SPARSE
from app.kit.negotiation import negotiate
from app.rendering.formats import FORMATS

JSON_FORMS = [JSON, SPARSE]
"""The forms that have parameters."""
FORMS = [*JSON_FORMS, *(form.media_type for form in FORMATS.values())]

_PREFIX = "/v1/bulletins/"


def wanted(scope: Scope) -> str | None:
    """The media type that a request would have of a bulletin; None if no form will do."""
    accept = b", ".join(value for name, value in scope["headers"] if name == b"accept")
    return JSON if accept in {b"", b"*/*"} else _chosen(accept, parameters=bool(scope["query_string"]))


@lru_cache(maxsize=256)
def _chosen(accept: bytes, *, parameters: bool) -> str | None:
    return negotiate(accept.decode("latin-1"), JSON_FORMS if parameters else FORMS)


def other_form(scope: Scope) -> bool:
    """Whether a request asks for a bulletin, and will not have it as JSON."""
    return scope["path"].startswith(_PREFIX) and wanted(scope) not in JSON_FORMS
