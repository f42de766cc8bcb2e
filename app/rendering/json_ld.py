"""A bulletin in the words of schema.org, as JSON-LD."""

from typing import Any

from app.bulletins.document import Citation, Section, block_text, is_web_address
from app.bulletins.taxonomy import TagKind
from app.rendering.edition import Edition, Site, TagName

_TYPES = {
    TagKind.topic: "DefinedTerm",
    TagKind.region: "Place",
    TagKind.organisation: "Organization",
    TagKind.person: "Person",
    TagKind.event: "Event",
}
_ENCODINGS = {"": "application/json", "md": "text/markdown", "txt": "text/plain"}


def json_ld(edition: Edition, site: Site) -> dict[str, Any]:
    """A ``NewsArticle`` with its sections as parts, its tags as subjects and its references as citations."""
    document = edition.document
    url = site.bulletin(document.slug)
    described = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "@id": edition.urn,
        "url": url,
        "headline": document.title,
        "abstract": document.abstract,
        "inLanguage": document.language,
        "datePublished": edition.published_at.isoformat(),
        "dateModified": edition.updated_at.isoformat(),
        "version": edition.version,
        "identifier": edition.content_hash,
        "isPartOf": {"@type": "Periodical", "name": document.series},
        "publisher": _organisation(document.organisation or document.series),
        "author": [_organisation(name) for name in document.producers],
        "about": [_subject(tag) for tag in edition.tags.values()],
        "hasPart": [_part(edition, section, url) for section in document.sections],
        "citation": [_work(citation) for citation in document.citations],
        "encoding": [
            {
                "@type": "MediaObject",
                "encodingFormat": media_type,
                "contentUrl": site.bulletin(document.slug, extension),
            }
            for extension, media_type in _ENCODINGS.items()
        ],
    }
    return _known(described)


def _organisation(name: str) -> dict[str, Any]:
    return {"@type": "Organization", "name": name}


def _subject(tag: TagName) -> dict[str, Any]:
    return {"@type": _TYPES[tag.kind], "name": tag.name, "alternateName": tag.name_en, "identifier": tag.slug}


def _part(edition: Edition, section: Section, url: str) -> dict[str, Any]:
    return _known(
        {
            "@type": "Article",
            "@id": f"{edition.urn}#section-{section.number}",
            "url": f"{url}#section-{section.number}",
            "position": section.number,
            "headline": section.heading,
            "articleBody": "\n".join(map(block_text, section.body)),
            "about": [_subject(edition.tags[tag.slug]) for tag in section.tags],
        }
    )


def _work(citation: Citation) -> dict[str, Any]:
    item = citation.reference
    return _known(
        {
            "@type": "CreativeWork",
            "name": item.title,
            "publisher": _organisation(item.source) if item.source else None,
            "datePublished": item.date.isoformat() if item.date else None,
            "url": item.url if is_web_address(item.url) else None,
        }
    )


def _known(described: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty: schema.org has no word for nothing."""
    return {name: value for name, value in described.items() if value not in (None, "", [])}
