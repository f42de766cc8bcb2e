"""The forms in which a bulletin can be had beside its JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.rendering.edition import Edition, Site
from app.rendering.html import render_html
from app.rendering.markdown import render_markdown
from app.rendering.text import render_text


@dataclass(frozen=True, slots=True)
class Format:
    media_type: str
    render: Callable[[Edition, Site], str]


FORMATS: Mapping[str, Format] = {
    "html": Format("text/html", render_html),
    "md": Format("text/markdown", lambda edition, _: render_markdown(edition.document)),
    "txt": Format("text/plain", lambda edition, _: render_text(edition.document)),
}
"""Every format by its extension."""
