"""Surrogate keys: the names by which answers are dropped when what they say changes."""

from uuid import UUID

CONTENT = "content"
"""Of every answer that any publication, correction or withdrawal may change."""


def bulletin(slug: str) -> str:
    """Of what shows a bulletin."""
    return f"bulletin:{slug}"


def tag(tag_id: UUID) -> str:
    """Of what depends on which bulletins and sections have a tag."""
    return f"tag:{tag_id}"


def source(source_id: UUID) -> str:
    """Of what depends on which bulletins cite a source."""
    return f"source:{source_id}"


def reference(reference_id: UUID) -> str:
    """Of what depends on which bulletins cite a reference."""
    return f"reference:{reference_id}"
