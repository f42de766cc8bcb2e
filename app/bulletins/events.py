"""What can happen to a bulletin. Each class is a kind of the change log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from app.bulletins.document import BulletinDocument, content_hash


@dataclass(frozen=True, slots=True)
class BulletinPublished:
    """A bulletin became public: as version 1, or again after it had been withdrawn.

    ``note`` is public, and may be empty.
    """

    document: BulletinDocument
    version: int
    at: datetime
    note: str = ""

    kind: ClassVar[str] = "bulletin.published"

    @property
    def subject(self) -> str:
        return self.document.slug

    def payload(self) -> dict[str, Any]:
        return {
            "content_hash": content_hash(self.document),
            "tags": self.document.tag_slugs,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class BulletinCorrected(BulletinPublished):
    """A public bulletin was replaced by a newer version; ``note`` says what was corrected (更正说明)."""

    kind: ClassVar[str] = "bulletin.corrected"


@dataclass(frozen=True, slots=True)
class BulletinWithdrawn:
    """A bulletin is public no more, nor are its former versions; ``note`` says why (撤回说明)."""

    slug: str
    version: int
    note: str
    at: datetime

    kind: ClassVar[str] = "bulletin.withdrawn"

    @property
    def subject(self) -> str:
        return self.slug

    def payload(self) -> dict[str, Any]:
        return {"note": self.note}


@dataclass(frozen=True, slots=True)
class TagsCurated:
    """Tags were created, or their names, aliases or parents changed; ``version`` counts the times."""

    slugs: frozenset[str]
    version: int
    at: datetime

    kind: ClassVar[str] = "tags.curated"

    @property
    def subject(self) -> str:
        return "taxonomy"

    def payload(self) -> dict[str, Any]:
        return {"tags": sorted(self.slugs)}


@dataclass(frozen=True, slots=True)
class TagMerged:
    """The tag ``slug`` was merged into another one, whose slug stands for both from now on."""

    slug: str
    into: str
    at: datetime

    kind: ClassVar[str] = "tag.merged"
    version: ClassVar[int] = 1

    @property
    def subject(self) -> str:
        return self.slug

    @property
    def slugs(self) -> frozenset[str]:
        """The tags whose bulletins read differently since."""
        return frozenset({self.slug})

    def payload(self) -> dict[str, Any]:
        return {"slug": self.slug, "into": self.into}


@dataclass(frozen=True, slots=True)
class ReferenceMerged:
    """The reference ``id`` was merged into another one, which is cited in its place from now on."""

    id: UUID
    into: UUID
    at: datetime

    kind: ClassVar[str] = "reference.merged"
    version: ClassVar[int] = 1

    @property
    def subject(self) -> str:
        return str(self.id)

    def payload(self) -> dict[str, Any]:
        return {"id": str(self.id), "into": str(self.into)}


TAG_EVENTS = (TagsCurated.kind, TagMerged.kind)
"""The kinds of changes of tags."""
