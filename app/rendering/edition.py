"""What renderers are given: a published bulletin, and where the things it names are found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from uuid import UUID, uuid5

from app.bulletins.document import BulletinDocument
from app.bulletins.taxonomy import TagKind

_NAMES = UUID("5b0f5d0a-6c43-5d0e-9d2e-2a6f1d3c8e47")


@dataclass(frozen=True, slots=True)
class TagName:
    slug: str
    name: str
    name_en: str
    kind: TagKind


@dataclass(frozen=True, slots=True)
class Edition:
    """A published version of a bulletin; ``tags`` has the names of all its tags by slug, in their order."""

    document: BulletinDocument
    version: int
    content_hash: str
    published_at: datetime
    updated_at: datetime
    tags: Mapping[str, TagName]

    @property
    def urn(self) -> str:
        """Its name for ever: the same in every format, on every host and in every version."""
        return urn(f"bulletin:{self.document.slug}")


def urn(name: str) -> str:
    """A name for ever, as ``urn:uuid:…``, made of what it names."""
    return uuid5(_NAMES, name).urn


@dataclass(frozen=True, slots=True)
class Site:
    """The public addresses below ``base``, such as ``https://example.org``; pictures are below ``images``."""

    base: str
    images: str = "/v1/images"

    def bulletin(self, slug: str, extension: str = "html") -> str:
        return f"{self.base}/v1/bulletins/{slug}{extension and '.'}{extension}"

    @property
    def home(self) -> str:
        """Where a reader begins: the newest bulletin."""
        return self.bulletin("latest")

    def feed(self, extension: str) -> str:
        """The feed of everything."""
        return f"{self.base}/v1/feed.{extension}"

    def tag_feed(self, slug: str, extension: str) -> str:
        return f"{self.base}/v1/tags/{slug}/feed.{extension}"

    def image(self, src: str) -> str:
        """The address of a picture: of one inside the bulletin, ``sha256:…``, here."""
        name = src.removeprefix("sha256:")
        return src if name == src else f"{self.base}{self.images}/{name}"

    def sitemap(self, part: str) -> str:
        """A part of the sitemap: a year, or ``news``."""
        return f"{self.base}/v1/sitemap-{part}.xml"

    def at(self, path: str, query: str = "") -> str:
        """A path of this server, with its query string as it was sent."""
        return f"{self.base}{quote(path)}{query and '?'}{query}"
