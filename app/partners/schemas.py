"""What the partners' operations take and answer."""

import datetime as dt
from typing import Literal

from pydantic import MISSING, Field

from app.bulletins.document import Contact
from app.bulletins.schemas import BulletinHead, CitationInBulletin, Output, SectionInBulletin, TagName


class Quota(Output):
    window: str = Field(examples=["day"])
    seconds: int = Field(examples=[86_400])
    requests: int = Field(examples=[200_000])


class DailyUsage(Output):
    """What one key asked of one route on one day (Asia/Shanghai)."""

    day: dt.date = Field(examples=["2026-06-25"])
    key: str = Field(description="The key's prefix", examples=["k3v9x0a1bz"])
    route: str = Field(examples=["/v1/bulletins"])
    requests: int = Field(description="Counted against the quota", examples=[812])
    unchanged: int = Field(description="Answered 304, not counted", examples=[1_450])
    refused: int = Field(description="Refused with 429, not counted", examples=[0])


class UsageReport(Output):
    partner: str = Field(examples=["博雅云创"])
    plan: str = Field(examples=["partner"])
    quotas: list[Quota] = Field(examples=[[{"window": "day", "seconds": 86_400, "requests": 200_000}]])
    items: list[DailyUsage] = Field(
        description="Newest day first",
        examples=[
            [
                {
                    "day": "2026-06-25",
                    "key": "k3v9x0a1bz",
                    "route": "/v1/bulletins",
                    "requests": 812,
                    "unchanged": 1_450,
                    "refused": 0,
                }
            ]
        ],
    )


class SyncedBulletin(BulletinHead):
    """A bulletin as one version made it public, with what stands for tags and references merged since.

    Its neighbours are left out: they change without it.
    """

    contacts: list[Contact]
    tags: list[TagName]
    version: int
    content_hash: str
    published_at: dt.datetime
    updated_at: dt.datetime
    sections: list[SectionInBulletin]
    citations: list[CitationInBulletin]


class SyncedTag(TagName):
    aliases: list[str]
    parent: str | None = Field(description="Slug of the broader tag")


class SyncItem(Output):
    """Something to do to a copy. Do it again and it changes nothing."""

    action: Literal["put", "remove"] = Field(
        description="`put`: keep the object instead of what you have of it; `remove`: delete what you have"
    )
    object: Literal["bulletin", "tag", "reference"]
    id: str = Field(description="A slug; of references the id", examples=["2026-06-25"])
    version: int | None = Field(description="Of a bulletin; it only grows")
    seq: int = Field(description="The change of the log that did it; in the state, the last one before it")
    event: str = Field(
        description="The kind of the change, or `state`", examples=["bulletin.published", "state"]
    )
    at: dt.datetime
    note: str = Field(description="What the editors say of it, in Chinese")
    reason: Literal["withdrawn", "filtered", "merged"] | MISSING = Field(
        default=MISSING,
        description="With `remove`. `filtered`: it does not pass the filters any more",
    )
    into: str | MISSING = Field(
        default=MISSING, description="With `merged`: the id of what stands for it now"
    )
    bulletin: SyncedBulletin | MISSING = Field(default=MISSING, description="With `put` of a bulletin")
    tag: SyncedTag | MISSING = Field(default=MISSING, description="With `put` of a tag")


class SyncPage(Output):
    """A page of the feed. Follow `token`; while `more` is true there is more right now."""

    items: list[SyncItem]
    token: str
    more: bool
