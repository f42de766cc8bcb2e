"""Changes of a document that an editor asks for; pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from app.bulletins.document import BulletinDocument, Evidence, Section, SectionTag, block_text

MAX_DEPTH = 30
"""No document is nested deeper than half of this."""


_Keep = Callable[[Section, tuple[Evidence, ...]], tuple[Evidence, ...]]


def merge_patch(target: Any, patch: Any, depth: int = MAX_DEPTH) -> Any:
    """JSON Merge Patch (RFC 7396): members replace members, null removes one, all else replaces the whole.

    :raises ValueError: the patch is nested too deep to be one of a document.
    """
    if not isinstance(patch, Mapping):
        return patch
    if not depth:
        raise ValueError("the patch is nested too deep")
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value, depth - 1)
    return merged


def patched(document: BulletinDocument, patch: Mapping[str, Any]) -> BulletinDocument:
    """The document with a merge patch applied; a removed member has its default.

    :raises ValueError: the result is no document (pydantic's ValidationError names the places).
    """
    return BulletinDocument.model_validate(merge_patch(document.model_dump(mode="json"), patch))


def with_item(
    document: BulletinDocument, name: str, number: int, patch: Mapping[str, Any]
) -> BulletinDocument:
    """The document with a merge patch applied to one of its ``sections`` or ``citations``.

    :raises LookupError: there is none of this number.
    :raises ValueError: the result is no document.
    """
    items = list(document.model_dump(mode="json")[name])
    if not 1 <= number <= len(items):
        raise LookupError(number)
    items[number - 1] = merge_patch(items[number - 1], patch)
    return patched(document, {name: items})


def with_sections(document: BulletinDocument, order: Sequence[int]) -> BulletinDocument:
    """The document with its sections in this order, those left out removed; citations follow them.

    :param order: numbers of sections as they are now, each at most once.
    :raises ValueError: a number is unknown or named twice.
    """
    now = _renumbering(order, len(document.sections))
    sections = tuple(
        document.sections[old - 1].model_copy(update={"number": new}) for old, new in now.items()
    )
    citations = tuple(
        citation.model_copy(update={"sections": tuple(sorted(now[n] for n in citation.sections if n in now))})
        for citation in document.citations
    )
    return document.model_copy(update={"sections": sections, "citations": citations})


def with_citations(document: BulletinDocument, order: Sequence[int]) -> BulletinDocument:
    """The document with its citations in this order, those left out removed; evidence follows them.

    :raises ValueError: a number is unknown or named twice.
    """
    now = _renumbering(order, len(document.citations))
    citations = tuple(
        document.citations[old - 1].model_copy(update={"number": new}) for old, new in now.items()
    )

    def renumbered(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
        return tuple(
            each if each.where != "purpose" else each.model_copy(update={"index": now[each.index]})
            for each in evidence
            if each.where != "purpose" or each.index in now
        )

    return _with_evidence(
        document.model_copy(update={"citations": citations}), lambda _, evidence: renumbered(evidence)
    )


def _renumbering(order: Sequence[int], count: int) -> dict[int, int]:
    if len(set(order)) != len(order):
        raise ValueError("a number is named twice")
    if unknown := [number for number in order if not 1 <= number <= count]:
        raise ValueError(f"there is no number {unknown[0]}")
    return {old: new for new, old in enumerate(order, start=1)}


def settled(document: BulletinDocument) -> BulletinDocument:
    """The document without the evidence of tags whose words no longer stand where it says."""
    purposes = {citation.number: citation for citation in document.citations}

    def holds(section: Section, evidence: Evidence) -> bool:
        match evidence.where:
            case "heading":
                text = section.heading
            case "body":
                text = block_text(section.body[evidence.index]) if evidence.index < len(section.body) else ""
            case "purpose":
                citation = purposes.get(evidence.index)
                text = citation.purpose if citation and section.number in citation.sections else ""
        return text[evidence.start :].startswith(evidence.text)

    return _with_evidence(
        document, lambda section, evidence: tuple(each for each in evidence if holds(section, each))
    )


def _with_evidence(document: BulletinDocument, keep: _Keep) -> BulletinDocument:
    sections = tuple(
        section.model_copy(
            update={
                "tags": tuple(
                    tag.model_copy(update={"evidence": keep(section, tag.evidence)}) for tag in section.tags
                )
            }
        )
        for section in document.sections
    )
    return document.model_copy(update={"sections": sections})


def retagged(
    document: BulletinDocument, numbers: Sequence[int], add: Sequence[str], remove: Sequence[str]
) -> BulletinDocument:
    """The document with tags added to, and removed from, the sections of these numbers."""

    def tags(section: Section) -> tuple[SectionTag, ...]:
        kept = [tag for tag in section.tags if tag.slug not in remove]
        known = {tag.slug for tag in kept}
        return (*kept, *(SectionTag(slug=slug) for slug in dict.fromkeys(add) if slug not in known))

    sections = tuple(
        section.model_copy(update={"tags": tags(section)}) if section.number in numbers else section
        for section in document.sections
    )
    return document.model_copy(update={"sections": sections})
