"""The curated tags, as data: names, aliases, parents."""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Annotated, Self

from pydantic import Field, model_validator

from app.bulletins.document import BulletinDocument, SectionTag, Value, Words, normalised


class TagKind(StrEnum):
    topic = "topic"
    region = "region"
    organisation = "organisation"
    person = "person"
    event = "event"


class Tag(Value):
    """A tag. ``aliases`` also find it; ``lookalikes`` are words that contain a name without meaning it."""

    slug: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
    kind: TagKind
    name: Words
    name_en: Words
    aliases: tuple[Words, ...] = ()
    lookalikes: tuple[Words, ...] = ()
    parent: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every word the tag is known by."""
        return (self.name, self.name_en, *self.aliases)


class Taxonomy(Value):
    """All tags. Slugs are unique, a name or alias belongs to one tag, parents exist and form no ring."""

    tags: tuple[Tag, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        by_slug = self.by_slug
        if len(by_slug) != len(self.tags):
            raise ValueError("a slug is used twice")
        owners: dict[str, str] = {}
        for tag in self.tags:
            for name in tag.names:
                owner = owners.setdefault(normalised(name), tag.slug)
                if owner != tag.slug:
                    raise ValueError(f"{name!r} belongs to both {owner} and {tag.slug}")
            seen = {tag.slug}
            parent = tag.parent
            while parent is not None:
                if parent not in by_slug:
                    raise ValueError(f"{tag.slug} has the unknown parent {parent}")
                if parent in seen:
                    raise ValueError(f"{tag.slug} is its own ancestor")
                seen.add(parent)
                parent = by_slug[parent].parent
        return self

    @property
    def by_slug(self) -> dict[str, Tag]:
        return {tag.slug: tag for tag in self.tags}


def replaced(document: BulletinDocument, slugs: Mapping[str, str]) -> BulletinDocument:
    """The document with other slugs for some of its tags; a section has each tag once, the first one."""
    if not slugs.keys() & set(document.tag_slugs):
        return document
    sections = []
    for section in document.sections:
        tags: dict[str, SectionTag] = {}
        for tag in section.tags:
            slug = slugs.get(tag.slug, tag.slug)
            tags.setdefault(slug, tag.model_copy(update={"slug": slug}))
        sections.append(section.model_copy(update={"tags": tuple(tags.values())}))
    return document.model_copy(update={"sections": tuple(sections)})


@cache
def curated() -> Taxonomy:
    """The taxonomy that ships with the program (``taxonomy.toml``)."""
    data = tomllib.loads(files("app.bulletins").joinpath("taxonomy.toml").read_text("utf-8"))
    return Taxonomy.model_validate({"tags": data["tag"]})
