"""A bulletin as a draft: its pictures and cover are found, checked and uploaded, then its text is written."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Protocol

import segno
from sqlalchemy.dialects.postgresql import insert

from app.kit.db import Database
from app.kit.image_store import ImageStore
from app.rendering import wechat
from app.rendering.wechat_article import (
    Article,
    Finding,
    author,
    check,
    check_cover,
    check_pictures,
    digest,
    picture_type,
)
from app.wechat.accounts import Account
from app.wechat.client import Client, DraftArticle
from app.wechat.library import Live
from app.wechat.models import WechatUpload

_ADDRESS = f"https://mmbiz.qpic.cn/{'0' * 120}/640"
"""As long as WeChat's addresses are."""
_STORED = "sha256:"


class ImageSource(Protocol):
    """Finds the bytes of a bulletin's picture by its ``src``, cut for a ``cover`` if asked, or None."""

    async def __call__(self, src: str, *, cover: bool) -> bytes | None: ...


class Uploads(Protocol):
    """What an account has of the pictures, by SHA-256; ``use`` is ``text`` or ``cover``."""

    async def address(self, use: str, sha256: str) -> str | None: ...
    async def keep(self, use: str, sha256: str, address: str) -> None: ...


def stored(store: ImageStore) -> ImageSource:
    """The pictures of the store, in the sizes that are made for WeChat."""

    async def find(src: str, *, cover: bool) -> bytes | None:
        found = await store.get(src.removeprefix(_STORED), "wechat-cover" if cover else "wechat")
        return found[1] if found else None

    return find


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that is needed, before anything is sent. ``findings`` are what WeChat would refuse."""

    live: Live
    pictures: Mapping[str, bytes | None]
    cover: bytes | None
    article: Article
    findings: Sequence[Finding]


async def prepare(account: Account, live: Live, images: ImageSource) -> Prepared:
    """Find the pictures and check every limit; nothing is sent."""
    document = live.document
    pictures: dict[str, bytes | None] = {}
    for name in wechat.pictures(document):
        pictures[name] = (
            _qr(name.removeprefix(wechat.QR)) if _is_qr(name) else await images(name, cover=False)
        )
    cover = await _cover(account, [name for name in pictures if not _is_qr(name)], images)
    article = write(account, live, dict.fromkeys(pictures, _ADDRESS))
    findings = [*check(document, article), *check_pictures(pictures), *check_cover(cover)]
    return Prepared(live, pictures, cover, article, findings)


def write(account: Account, live: Live, uploaded: Mapping[str, str]) -> Article:
    """The article with its pictures where WeChat keeps them."""
    document = live.document
    return Article(
        title=document.title,
        author=author(document),
        digest=digest(document),
        content=wechat.render_wechat(document, tags=live.tags, uploaded=uploaded),
        source_url=account.bulletin_url(document.slug),
    )


async def upload(account: Account, prepared: Prepared, client: Client, uploads: Uploads) -> DraftArticle:
    """Upload what WeChat has not got yet, and write the draft.

    :raises WechatError: nothing else has been done then.
    """
    uploaded = {
        name: await _uploaded("text", content, client, uploads)
        for name, content in prepared.pictures.items()
        if content
    }
    assert prepared.cover is not None  # noqa: S101 - a finding otherwise
    cover = await _uploaded("cover", prepared.cover, client, uploads)
    article = write(account, prepared.live, uploaded)
    return DraftArticle(
        title=article.title,
        author=article.author,
        digest=article.digest,
        content=article.content,
        content_source_url=article.source_url,
        thumb_media_id=cover,
        need_open_comment=1 if account.comments else 0,
    )


async def _uploaded(use: str, content: bytes, client: Client, uploads: Uploads) -> str:
    sha256 = hashlib.sha256(content).hexdigest()
    if known := await uploads.address(use, sha256):
        return known
    name = f"{sha256[:16]}.{picture_type(content)}"
    address = await (client.upload_cover if use == "cover" else client.upload_picture)(name, content)
    await uploads.keep(use, sha256, address)
    return address


async def _cover(account: Account, names: Sequence[str], images: ImageSource) -> bytes | None:
    """The bulletin's first picture that can be one, else the account's, else that of the house."""
    for name in names:
        picture = await images(name, cover=True)
        if picture and not list(check_cover(picture)):
            return picture
    if account.cover is None:
        return files("app.wechat").joinpath("cover.png").read_bytes()
    try:
        return account.cover.read_bytes()
    except OSError:
        return None


def _is_qr(name: str) -> bool:
    return name.startswith(wechat.QR)


def _qr(address: str) -> bytes:
    picture = io.BytesIO()
    segno.make(address, error="m").save(picture, kind="png", scale=8)
    return picture.getvalue()


@dataclass(frozen=True, slots=True)
class KeptUploads:
    """What an account has, by the database."""

    database: Database
    account: str

    async def address(self, use: str, sha256: str) -> str | None:
        async with self.database.session() as session:
            row = await session.get(WechatUpload, (self.account, use, sha256))
            return row.address if row else None

    async def keep(self, use: str, sha256: str, address: str) -> None:
        values = {"account": self.account, "use": use, "sha256": sha256, "address": address}
        async with self.database.session() as session:
            statement = insert(WechatUpload).values(values)
            await session.execute(
                statement.on_conflict_do_update(
                    index_elements=["account", "use", "sha256"], set_={"address": address}
                )
            )
