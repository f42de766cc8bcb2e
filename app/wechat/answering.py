"""What readers are answered: commands, dates, tags, and for all else the best passage there is."""

import re
import unicodedata
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

from app.bulletins.shapes import anchor
from app.ingest.dates import parse_date
from app.kit.db import Database
from app.wechat import reading
from app.wechat.accounts import Account
from app.wechat.messages import Answer

HITS = 6
TAGGED = 8
SUGGESTED = 6
DESCRIPTION = 200
"""A card shows so many characters under its title."""
ASKED = 100
"""So much of a question is looked at."""

HELP = """可以这样查《新质生产力每日动态》：
· 最新：看最近一期
· 6月25日 或 2026-06-25：看那一期
· 标签，如 数据要素、算力：看相关的最新条目
· 其他任何词句：搜索全部往期
· 更多：上次搜索的其余结果
· 帮助：看这份说明"""
WELCOME = "欢迎关注！这里每天一期《新质生产力每日动态》。"

_MONTH_DAY = re.compile(r"[\d一二三四五六七八九十]{1,3}月[\d一二三四五六七八九十]{1,3}[日号]?")


@dataclass(frozen=True, slots=True)
class Passage:
    """A section that was found, with its best passage as plain text; section 0 is an abstract."""

    slug: str
    date: date
    number: int
    heading: str
    text: str


class Search(Protocol):
    """Finds passages, the best first; nothing for what cannot be searched for."""

    async def __call__(self, q: str, limit: int) -> Sequence[Passage]: ...


@dataclass(frozen=True, slots=True)
class Answering:
    """Answers the readers of one account."""

    database: Database
    account: Account
    search: Search

    async def text(self, written: str, more: str | None) -> Answer:
        """The answer to a message; ``more`` is what the reader's last answer left."""
        asked = " ".join(unicodedata.normalize("NFKC", written[:ASKED]).split()).strip("#。！!？?") or "帮助"
        if command := _COMMANDS.get(asked.lower()):
            return await command(self)
        if asked in {"更多", "more"}:
            if not more:
                return Answer("没有更多结果了。直接发送想查的词句，就可以搜索。")
            return Answer(more, more=more)
        if days := _days(asked):
            return await self._day(asked, days)
        return await self._tag(asked) or await self._search(asked)

    async def welcome(self) -> Answer:
        async with self.database.snapshot() as session:
            issue = await reading.latest(session)
        newest = f"\n最新一期：{self._link(issue.title, issue.slug)}" if issue else ""
        return Answer(f"{WELCOME}{newest}\n\n{HELP}")

    async def latest(self) -> Answer:
        async with self.database.snapshot() as session:
            issue = await reading.latest(session)
        return self._issue(issue) if issue else Answer("还没有发布任何一期。")

    async def help(self) -> Answer:
        return Answer(HELP)

    async def clicked(self, key: str) -> Answer | None:
        """What an entry of the menu answers: a command, or anything that might be typed."""
        return await self.text(key.removeprefix("q:"), None) if key else None

    def late(self, written: str) -> Answer:
        """The answer when there is no time for a better one."""
        asked = " ".join(written[:ASKED].split())
        if url := self.account.search_url(asked):
            return Answer(f"结果还在路上，请到网站上看：{_anchor('搜索“' + asked + '”', url)}")
        return Answer("现在查询的人有点多，请稍后再发一次。")

    async def _day(self, asked: str, days: Sequence[date]) -> Answer:
        async with self.database.snapshot() as session:
            issue = await reading.on(session, days)
            newest = None if issue else await reading.latest(session)
        if issue:
            return self._issue(issue)
        other = f"最近的一期是 {self._link(newest.title, newest.slug)}。" if newest else ""
        return Answer(f"{asked} 没有出刊。{other}")

    async def _tag(self, asked: str) -> Answer | None:
        async with self.database.snapshot() as session:
            tag = await reading.tag_called(session, asked)
            entries = await reading.newest(session, tag, TAGGED) if tag else []
        if not tag or not entries:
            return None
        lines = [
            f"{number}. {self._link(entry.heading, entry.slug, entry.number)}（{_day(entry.date)}）"
            for number, entry in enumerate(entries, start=1)
        ]
        return Answer("\n".join([f"【{tag.name}】最新条目：", *lines]), asked=asked)

    async def _search(self, asked: str) -> Answer:
        found = await self.search(asked, HITS)
        if not found:
            return await self._nothing(asked)
        best, *others = found
        lines = [
            f"{number}. {self._link(other.heading, other.slug, other.number)}（{_day(other.date)}）"
            for number, other in enumerate(others, start=2)
        ]
        if url := self.account.search_url(asked):
            lines.append(_anchor("在网站上看全部结果", url))
        note = f"\n还有 {len(others)} 条结果，回复“更多”查看。" if others else ""
        return Answer(
            f"{_cut(best.text, DESCRIPTION)}\n——{_day(best.date)}的每日动态{note}",
            title=best.heading,
            url=self._url(best.slug, best.number),
            more="\n".join([f"“{asked}”的其余结果：", *lines]) if others else "",
            asked=asked,
        )

    async def _nothing(self, asked: str) -> Answer:
        async with self.database.snapshot() as session:
            names = await reading.popular(session, SUGGESTED)
        hint = f"\n可以试试：{'、'.join(names)}。" if names else ""
        return Answer(
            f"没有找到与“{_plain(asked)}”有关的内容。{hint}\n回复“帮助”看更多用法。", asked=asked, found=False
        )

    def _issue(self, issue: reading.Issue) -> Answer:
        headings = "\n".join(issue.headings)
        return Answer(_cut(headings, DESCRIPTION), title=issue.title, url=self._url(issue.slug))

    def _link(self, text: str, slug: str, number: int | None = None) -> str:
        return _anchor(text, self._url(slug, number))

    def _url(self, slug: str, number: int | None = None) -> str:
        fragment = None if number is None else anchor(number) if number else "abstract"
        return self.account.bulletin_url(slug, fragment)


_COMMANDS: Mapping[str, Callable[[Answering], Awaitable[Answer]]] = {
    **dict.fromkeys(("最新", "今日", "今天", "最新一期", "latest"), Answering.latest),
    **dict.fromkeys(("帮助", "help", "?", "菜单"), Answering.help),
}


def _days(asked: str) -> list[date]:
    """The days that may be meant; without a year, that day of each of the last years."""
    if _MONTH_DAY.fullmatch(asked):
        year = datetime.now(UTC).year + 1
        days = (parse_date(f"{year - n}年{asked}") for n in range(reading.YEARS))
        return [day for day in days if day]
    day = parse_date(asked)
    return [day] if day else []


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _anchor(text: str, url: str) -> str:
    """A link in a text, which WeChat writes as HTML but does not read as HTML otherwise."""
    return f'<a href="{url.replace(chr(34), "%22")}">{_plain(text)}</a>'


def _plain(text: str) -> str:
    return text.replace("<", "＜").replace(">", "＞")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
