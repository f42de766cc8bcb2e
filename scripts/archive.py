"""Generates realistic archives of the bulletin, the same ones for the same seed.

The text is made of the templates in ``archive.toml`` and the names of the curated taxonomy. What it
says is invented: it is for benchmarks and trials, never for readers.
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

from app.bulletins.document import (
    SERIES,
    BulletinDocument,
    Citation,
    Contact,
    Paragraph,
    ReferenceItem,
    Section,
    block_text,
    default_title,
)
from app.bulletins.taxonomy import Tag, curated
from app.ingest.tagging import suggest_tags

UNTIL = date(2026, 6, 24)
"""The day before the real bulletin."""

_NUMERALS = "一二三四五六七八"
_CHARACTERS_A_PAGE = 900
_CONTACTS = (
    Contact(name="新质生产力工作委员会", description="提供政策解读、技术咨询和产业对接服务。"),
    Contact(name="工业智能算网", description="提供每日动态分析和技术趋势解读。", url="https://gyznsw.cn"),
)
_LASTING = ("topic", "region", "company")
"""The sorts of words that stay when a story is returned to; a story has two of each."""
_SPOKEN = ("topic", "region", "agency")
"""The sorts of words whose tags are also called by their Chinese aliases."""


def generate(count: int, seed: int, until: date = UNTIL) -> Iterator[BulletinDocument]:
    """``count`` bulletins, one for each day, from ``until`` backwards.

    They have tags with evidence and citations, one in five of whose references other bulletins cite
    too. A longer archive of the same seed begins with the shorter one.
    """
    random = Random(seed)  # noqa: S311 - text for trials, not secrets
    background: list[_Background] = []
    for age in range(count):
        day = until - timedelta(days=age)
        background = [known for known in background if known.story.day <= day]
        background.append(_background(random, day))
        yield _bulletin(random, day, background)


@dataclass(frozen=True, slots=True)
class _Ranking:
    """Tags of one sort, the most frequent first, with their cumulative weights."""

    tags: Sequence[Tag]
    weights: Sequence[float]

    def pick(self, random: Random, count: int) -> list[Tag]:
        """Different tags, the first ones of the ranking more often."""
        picked: dict[str, Tag] = {}
        while len(picked) < count:
            (tag,) = random.choices(self.tags, cum_weights=self.weights)
            picked[tag.slug] = tag
        return list(picked.values())


@dataclass(frozen=True, slots=True)
class _Story:
    """What a section is about: the words that fill the fields of its kind's templates."""

    random: Random
    kind: dict[str, Any]
    day: date
    tags: dict[str, Tag]
    words: dict[str, str]

    def say(self, template: str) -> str:
        """The template with the story's words and new numbers."""
        random = self.random
        numbers = {
            "count": random.randint(12, 480),
            "few": random.randint(2, 9),
            "percent": f"{random.randint(3, 58)}.{random.randint(1, 9)}%",
            "money": f"{random.choice((random.randint(2, 99), random.randint(10, 90) * 10))}亿元",
        }
        return template.format_map(self.words | numbers)

    def paragraph(self, opening: Sequence[str], more: list[str]) -> str:
        """The opening sentences and some of the others, which are used up: 100 to 250 characters."""
        text = "".join(map(self.say, opening))
        enough = self.random.randint(105, 165)
        while len(text) < enough:
            text += self.say(more.pop())
        return text

    def reference(self) -> ReferenceItem:
        source = self.say(self.random.choice(self.kind["sources"]))
        title = self.say(self.random.choice(self.kind["titles"]))
        address = f"https://www.example.com/{self.day:%Y%m%d}/{self.random.getrandbits(32):08x}"
        return ReferenceItem(
            source=source, title=title, date=self.day, url=self.random.choice((address, None))
        )

    def purpose(self) -> str:
        return self.say(self.random.choice(self.kind["purposes"]))


@dataclass(frozen=True, slots=True)
class _Background:
    """A reference that the bulletins of some weeks come back to, with its story."""

    story: _Story
    reference: ReferenceItem


@dataclass(slots=True)
class _Use:
    """A citation in the making."""

    purpose: str
    sections: list[int]


def _bulletin(random: Random, day: date, background: Sequence[_Background]) -> BulletinDocument:
    count = random.randint(4, 8)
    topics = _rankings()["topic"].pick(random, count)
    returns = {0: background[-1]} | {place: random.choice(background) for place in (1, 2)}
    places = random.sample(range(count), count)
    sections: list[Section] = []
    uses: dict[ReferenceItem, _Use] = {}
    page, written = 2, 0
    for number, (topic, place) in enumerate(zip(topics, places, strict=True), start=1):
        story = _story(random, day - timedelta(days=random.randint(0, 1)), topic, returns.get(place))
        section = _section(story, number, page)
        sections.append(section)
        written += sum(len(block_text(block)) for block in section.body)
        page = 2 + written // _CHARACTERS_A_PAGE
        for reference in _references(story, returns.get(place)):
            uses.setdefault(reference, _Use(story.purpose(), [])).sections.append(number)
    return suggest_tags(
        BulletinDocument(
            title=default_title(SERIES, day),
            date=day,
            organisation="中国高技术产业发展促进会新质生产力工作委员会",
            producers=("博雅云创", "中科创新驱动"),
            abstract=_abstract(random, topics, sections),
            sections=tuple(sections),
            citations=_citations(random, uses),
            contacts=_CONTACTS,
        ),
        curated(),
    )


def _section(story: _Story, number: int, page: int) -> Section:
    random, texts = story.random, _templates()["texts"]
    details = random.sample(texts["details"], len(texts["details"]))
    analyses = random.sample(texts["analyses"], len(texts["analyses"]))
    opening = random.choice(story.kind["openings"])
    paragraphs = [story.paragraph([opening], details), story.paragraph([], analyses)]
    if random.random() < 0.4:
        paragraphs.insert(1, story.paragraph([], details))
    return Section(
        number=number,
        numeral=_NUMERALS[number - 1],
        heading=story.say(random.choice(story.kind["headings"])),
        page=page,
        body=tuple(Paragraph(text=text) for text in paragraphs),
    )


def _references(story: _Story, returned: _Background | None) -> Iterator[ReferenceItem]:
    if returned:
        yield returned.reference
    if story.random.random() < (0.3 if returned else 0.75):
        yield story.reference()


def _citations(random: Random, uses: dict[ReferenceItem, _Use]) -> tuple[Citation, ...]:
    return tuple(
        Citation(
            number=number,
            purpose=use.purpose,
            sections=tuple(use.sections),
            inferred=random.random() < 0.5,
            reference=reference,
        )
        for number, (reference, use) in enumerate(uses.items(), start=1)
    )


def _abstract(random: Random, topics: Sequence[Tag], sections: Sequence[Section]) -> str:
    texts = _templates()["texts"]
    lead, second, third = (topic.name for topic in topics[:3])
    beginning = random.choice(texts["abstracts"]).format(lead=lead, second=second, third=third)
    middle = "；".join(section.heading for section in sections)
    return f"{beginning}{middle}。{random.choice(texts['abstract_ends'])}"


def _background(random: Random, day: date) -> _Background:
    (topic,) = _rankings()["topic"].pick(random, 1)
    story = _story(random, day - timedelta(days=random.randint(5, 60)), topic, None)
    return _Background(story, story.reference())


def _story(random: Random, day: date, topic: Tag, returned: _Background | None) -> _Story:
    """A new story, or a new turn of the one that is returned to."""
    kinds = _templates()["kind"]
    (kind,) = random.choices(kinds, weights=[kind["weight"] for kind in kinds])
    rankings = _rankings()
    tags = {sort: ranking.pick(random, 1)[0] for sort, ranking in rankings.items()} | {"topic": topic}
    if returned:
        tags |= {sort: returned.story.tags[sort] for sort in _LASTING}
    for sort in _LASTING:
        first, second = rankings[sort].pick(random, 2)
        tags[f"{sort}2"] = second if first is tags[sort] else first
    words = {sort: _called(random, sort, tag) for sort, tag in tags.items()}
    words |= {f"{sort}_en": tag.name_en for sort, tag in tags.items()}
    words |= {"year": str(day.year), "day": f"{day.month}月{day.day}日"}
    words["source"] = random.choice(("路透社", "彭博社", "财联社", "新华社"))
    return _Story(random, kind, day, tags, words)


def _called(random: Random, sort: str, tag: Tag) -> str:
    """The tag's name or, now and then, one of its Chinese aliases."""
    aliases = [alias for alias in tag.aliases if not alias.isascii()]
    if sort in _SPOKEN and aliases and random.random() < 0.2:
        return random.choice(aliases)
    return tag.name


@cache
def _templates() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


@cache
def _rankings() -> dict[str, _Ranking]:
    by_slug = curated().by_slug
    rankings = {}
    for sort, slugs in _templates()["frequent"].items():
        others = [tag.slug for tag in curated().tags if tag.kind == sort and sort != "person"]
        tags = [by_slug[slug] for slug in dict.fromkeys((*slugs, *others))]
        rankings[sort] = _Ranking(tags, list(accumulate(1 / (rank + 3) for rank in range(len(tags)))))
    return rankings
