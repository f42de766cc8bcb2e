"""The templates; whatever is put into one is escaped."""

from datetime import datetime
from email.utils import format_datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from app.bulletins.document import is_web_address
from app.rendering import layout


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("app.rendering"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    environment.tests["web_address"] = is_web_address
    environment.filters["numbered_heading"] = layout.numbered_heading
    environment.filters["rfc822"] = rfc822
    return environment


def render(template: str, **values: Any) -> str:
    """The template, such as ``bulletin.html``, filled with values."""
    return _environment().get_template(template).render(values)


def rfc822(moment: datetime) -> str:
    """A moment as RSS and OPML write it."""
    return format_datetime(moment)
