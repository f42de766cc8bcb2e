"""The templates; whatever is put into one is escaped."""

import re
from datetime import datetime
from email.utils import format_datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from app.rendering import layout

_WEB = re.compile(r"https?://[^\s/]", re.IGNORECASE)


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


def is_web_address(address: str | None) -> bool:
    """Whether an address may become a link: ``javascript:`` and the like may not."""
    return address is not None and _WEB.match(address) is not None


def rfc822(moment: datetime) -> str:
    """A moment as RSS and OPML write it."""
    return format_datetime(moment)
