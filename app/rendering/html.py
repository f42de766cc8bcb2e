"""A bulletin as a page of HTML with schema.org JSON-LD, and its content as a fragment for feeds."""

from datetime import datetime

from app.bulletins.document import SERIES, Section
from app.rendering.edition import Edition, Site
from app.rendering.json_ld import json_ld
from app.rendering.templating import render


def render_html(edition: Edition, site: Site) -> str:
    """A whole page."""
    return render("bulletin.html", edition=edition, site=site, json_ld=json_ld(edition, site))


def render_absence(site: Site, note: str = "", withdrawn_at: datetime | None = None) -> str:
    """The page in the place of a bulletin that was withdrawn, with what editors say of it, or never was."""
    heading = "本期已撤回" if withdrawn_at else "没有这一期"
    values = {"heading": heading, "note": note, "withdrawn_at": withdrawn_at}
    return render("absent.html", series=SERIES, site=site, **values)


def render_content(edition: Edition, site: Site) -> str:
    """Abstract, sections and references as HTML that may stand inside another page."""
    return render("content.html", edition=edition, site=site, here=site.bulletin(edition.document.slug))


def render_section(edition: Edition, section: Section, site: Site) -> str:
    """One of its sections as such a fragment; what it uses is linked to in the page of the bulletin."""
    here = site.bulletin(edition.document.slug)
    return render("section.html", edition=edition, section=section, site=site, here=here)
