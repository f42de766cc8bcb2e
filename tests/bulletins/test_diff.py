"""Differences are read back: with the older document, each makes the newer one."""

import time
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.bulletins.diff import DocumentDiff, ListChange, SectionChange, diff
from app.bulletins.diff_text import words
from app.bulletins.document import (
    MAX_TEXT,
    BulletinDocument,
    Citation,
    Contact,
    Evidence,
    Image,
    ListBlock,
    Paragraph,
    ReferenceItem,
    Section,
    SectionTag,
    Subheading,
    Table,
    block_text,
    canonical_content,
    content_hash,
)
from scripts.archive import generate

DAY = date(2026, 6, 25)

text = st.lists(st.sampled_from(["数据要素", "市场化", "算力", "的", "，", "AI", " 17 个", "。"]), min_size=1)
line = text.map("".join).map(str.strip).filter(bool)
tags = st.lists(st.sampled_from(["compute", "energy", "hubei"]), unique=True, max_size=3)
blocks = st.one_of(
    line.map(lambda value: Paragraph(text=value)),
    line.map(lambda value: Subheading(text=value)),
    st.builds(ListBlock, ordered=st.booleans(), items=st.lists(line, min_size=1, max_size=3).map(tuple)),
    st.lists(st.tuples(line, line), min_size=1, max_size=3).map(lambda rows: Table(rows=tuple(rows))),
    st.builds(Image, src=line, alt=line),
)


@st.composite
def documents(draw: st.DrawFn) -> BulletinDocument:
    count = draw(st.integers(0, 5))
    sections = tuple(
        Section(
            number=number,
            numeral=draw(st.sampled_from(["", "一", "二"])),
            heading=draw(line),
            page=draw(st.none() | st.integers(1, 3)),
            body=tuple(draw(st.lists(blocks, max_size=4))),
            tags=tuple(SectionTag(slug=slug) for slug in draw(tags)),
        )
        for number in range(1, count + 1)
    )
    used = st.lists(st.integers(1, count), unique=True).map(sorted) if count else st.just([])
    items = st.builds(
        ReferenceItem,
        source=st.sampled_from(["Reuters", "新华社"]),
        title=line,
        date=st.sampled_from([None, DAY]),
        url=st.sampled_from([None, "https://example.org"]),
    )
    citations = tuple(
        Citation(number=n, purpose=draw(line), sections=tuple(draw(used)), reference=draw(items))
        for n in range(1, draw(st.integers(0, 4)) + 1)
    )
    contact = st.builds(Contact, name=line, description=line)
    return BulletinDocument(
        title=draw(line),
        date=draw(st.sampled_from([None, DAY])),
        abstract=draw(st.just("") | line),
        producers=tuple(draw(st.lists(line, max_size=3))),
        sections=sections,
        citations=citations,
        contacts=tuple(draw(st.lists(contact, max_size=3))),
    )


@st.composite
def edited(draw: st.DrawFn) -> tuple[BulletinDocument, BulletinDocument]:
    """A document and what an editor may have made of it: parts are taken over, changed, moved, lost."""
    old, other = draw(documents()), draw(documents())
    pool = [*old.sections, *other.sections]
    order = draw(st.lists(st.integers(0, len(pool) - 1), max_size=6)) if pool else []
    sections = [pool[at].model_copy(update={"number": n}) for n, at in enumerate(order, 1)]
    cited = draw(st.permutations([*old.citations, *other.citations]))
    citations = [
        each.model_copy(
            update={"number": n, "sections": tuple(s for s in each.sections if s <= len(sections))}
        )
        for n, each in enumerate(cited, 1)
    ]
    changes = {"sections": sections, "citations": citations, "contacts": draw(st.permutations(old.contacts))}
    return old, BulletinDocument.model_validate({**dict(old), **changes, "title": draw(line)})


def older(pieces: Sequence[Any]) -> str:
    return "".join(piece.text for piece in pieces if piece.op != "added")


def newer(pieces: Sequence[Any]) -> str:
    return "".join(piece.text for piece in pieces if piece.op != "removed")


def in_place(items: list[Any], changes: list[tuple[int | None, int | None, Any]]) -> list[Any]:
    """The newer list: what is not named keeps its order around what is, by old index, new index, value."""
    named = {old for old, _, _ in changes}
    placed = {new: value for _, new, value in changes if new is not None}
    others = iter([item for index, item in enumerate(items) if index not in named])
    size = len(items) - len(named - {None}) + len(placed)
    return [placed[index] if index in placed else next(others) for index in range(size)]


def dump(value: Any) -> Any:
    return value and value.model_dump(mode="json")


def number(value: Any) -> int | None:
    return None if value is None else int(value.number) - 1


def section(old: Any, change: SectionChange) -> Any:
    """The newer section, made of the older one's JSON (None for a new one) and the change."""
    if change.new is None:
        return None
    section = dict(old or {"heading": "", "body": [], "tags": []})
    assert older(change.heading) in (section["heading"], "")
    for each in change.body:
        assert each.old is None or dump(each.old) == section["body"][each.old_index]
        assert older(each.words) in (block_text(each.old) if each.old else "", "")
        assert newer(each.words) in (block_text(each.new) if each.new else "", "")
    moves = [(each.old_index, each.new_index, dump(each.new)) for each in change.body]
    return {
        **section,
        **dump(change.new),
        "heading": newer(change.heading) or section["heading"],
        "body": in_place(section["body"], moves),
        "tags": list(change.tags.now) if change.tags else section["tags"],
    }


def rebuilt(old: BulletinDocument, change: DocumentDiff) -> dict[str, Any]:
    """The newer document's content, from the older one and the difference alone."""
    content = canonical_content(old)
    for field in change.fields:
        assert older(field.words) == content[field.field]
        content[field.field] = newer(field.words)
    if change.day:
        content["date"] = change.day.new and change.day.new.isoformat()
    if change.producers:
        content["producers"] = list(change.producers.now)
    contacts = [(each.old_index, each.new_index, dump(each.new)) for each in change.contacts]
    content["contacts"] = in_place(content["contacts"], contacts)
    parts = content["sections"]
    content["sections"] = in_place(
        parts,
        [
            (number(each.old), number(each.new), section(each.old and parts[each.old.number - 1], each))
            for each in change.sections
        ],
    )
    renumbered = {part["number"]: part["number"] for part in parts}
    renumbered |= {each.old.number: each.new and each.new.number for each in change.sections if each.old}
    for citation in content["citations"]:
        citation["sections"] = sorted(filter(None, map(renumbered.get, citation["sections"])))
    citations = [(number(each.old), number(each.new), dump(each.new)) for each in change.citations]
    content["citations"] = in_place(content["citations"], citations)
    return content


@settings(max_examples=200, deadline=None)
@given(edited())
def test_a_difference_and_the_older_document_make_the_newer_one(
    pair: tuple[BulletinDocument, BulletinDocument],
) -> None:
    old, new = pair
    for one, other in ((old, new), (new, old)):
        change = diff(one, other)
        assert rebuilt(one, change) == canonical_content(other)
        assert change.is_empty == (content_hash(one) == content_hash(other))
        assert DocumentDiff.model_validate_json(change.model_dump_json()) == change


@given(documents())
def test_a_document_does_not_differ_from_itself(document: BulletinDocument) -> None:
    assert diff(document, document) == DocumentDiff()


@given(st.text(), st.text())
def test_no_character_of_two_texts_is_lost_in_their_words(old: str, new: str) -> None:
    pieces = words(old, new)
    assert (older(pieces), newer(pieces)) == (("", "") if old == new else (old, new))
    assert all(piece.text for piece in pieces)
    assert all(one.op != other.op for one, other in pairwise(pieces))


def written(*headings: str, body: str = "正文") -> tuple[Section, ...]:
    return tuple(
        Section(number=n, heading=heading, body=(Paragraph(text=f"{heading}的{body}"),))
        for n, heading in enumerate(headings, 1)
    )


def bulletin(*sections: Section, **fields: Any) -> BulletinDocument:
    return BulletinDocument(title="标题", date=DAY, sections=sections, **fields)


def marked(old: str, new: str) -> str:
    signs = {"same": "{}", "removed": "[-{}]", "added": "[+{}]"}
    return "".join(signs[piece.op].format(piece.text) for piece in words(old, new))


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("设置 17 个赛道", "设置 18 个赛道", "设置 [-17][+18] 个赛道"),
        ("软银押注数据中心", "软银继续押注数据中心", "软银[+继续]押注数据中心"),
        ("国家数据局发布湖北案例", "国家数据局发布广东案例", "国家数据局发布[-湖北][+广东]案例"),
        ("甲，乙。其余文字都没有变", "丙，丁。其余文字都没有变", "[-甲，乙][+丙，丁]。其余文字都没有变"),
        ("一\n二\n三", "一\n四\n三", "一\n[-二][+四]\n三"),
    ],
)
def test_changes_are_shown_in_whole_words(old: str, new: str, shown: str) -> None:
    assert marked(old, new) == shown


def test_one_word_changed_in_a_long_bulletin_is_one_change_of_one_block() -> None:
    (old,) = generate(1, seed=5)
    text = old.sections[1].body[0].text  # type: ignore[union-attr]
    content = old.model_dump()
    content["sections"][1]["body"][0]["text"] = f"{text}更正。"
    change = diff(old, BulletinDocument.model_validate(content))
    (section,) = change.sections
    (block,) = section.body
    assert (section.change, section.moved, section.heading, section.tags) == ("changed", False, (), None)
    assert newer(block.words) == f"{text}更正。"
    assert [piece.text for piece in block.words if piece.op != "same"] == ["更正。"]
    assert change == DocumentDiff(sections=(section,))


def test_a_section_that_changed_places_is_moved_and_the_others_are_only_renumbered() -> None:
    change = diff(bulletin(*written("甲", "乙", "丙", "丁")), bulletin(*written("丁", "甲", "乙", "丙")))
    assert [(each.change, each.old and each.old.heading) for each in change.sections] == [
        ("moved", "丁"), ("renumbered", "甲"), ("renumbered", "乙"), ("renumbered", "丙"),
    ]  # fmt: skip
    assert [each.moved for each in change.sections] == [True, False, False, False]


def test_a_section_with_a_new_heading_and_a_changed_text_is_still_the_same_section() -> None:
    body = "交通运输拥有车辆、港航、道路、枢纽、物流、监管和企业经营等多源数据"
    old = bulletin(*written("甲"), Section(number=2, heading="湖北案例", body=(Paragraph(text=body),)))
    text = body.replace("物流、", "")
    new = bulletin(Section(number=1, heading="交通数据", body=(Paragraph(text=text),)), *written("甲")[:0])
    gone, kept = diff(old, new).sections
    assert (gone.change, gone.old and gone.old.heading) == ("removed", "甲")
    assert (kept.change, kept.old and kept.old.number, kept.new and kept.new.number) == ("changed", 2, 1)
    assert [piece.text for piece in kept.body[0].words if piece.op == "removed"] == ["物流、"]


def test_a_rewritten_section_is_known_by_its_heading() -> None:
    old = bulletin(Section(number=1, heading="甲", body=(Paragraph(text="一二三四五"),)))
    new = bulletin(Section(number=1, heading="甲", body=(Paragraph(text="全部重写过了"),)))
    (section,) = diff(old, new).sections
    assert (section.change, [block.change for block in section.body]) == ("changed", ["removed", "added"])


def test_added_and_removed_sections_are_shown_whole() -> None:
    added = diff(bulletin(), bulletin(*written("甲"))).sections[0]
    removed = diff(bulletin(*written("甲")), bulletin()).sections[0]
    assert (added.change, newer(added.heading), newer(added.body[0].words)) == ("added", "甲", "甲的正文")
    assert (removed.change, older(removed.heading), older(removed.body[0].words)) == (
        "removed", "甲", "甲的正文",
    )  # fmt: skip


def test_tags_say_what_joined_and_what_left() -> None:
    def tagged(*slugs: str) -> BulletinDocument:
        (section,) = written("甲")
        return bulletin(section.model_copy(update={"tags": tuple(SectionTag(slug=s) for s in slugs)}))

    (section,) = diff(tagged("compute", "energy"), tagged("hubei", "energy")).sections
    assert section.tags == ListChange(removed=("compute",), added=("hubei",), now=("hubei", "energy"))
    (section,) = diff(tagged("compute", "energy"), tagged("energy", "compute")).sections
    assert section.tags == ListChange(removed=(), added=(), now=("energy", "compute"))


def cited(number: int, title: str, *sections: int, url: str | None = None) -> Citation:
    reference = ReferenceItem(source="Reuters", title=title, date=DAY, url=url)
    return Citation(number=number, purpose="用于分析。", sections=sections, reference=reference)


def test_a_citation_follows_its_section_without_having_changed() -> None:
    old = bulletin(*written("甲", "乙"), citations=(cited(1, "One", 1), cited(2, "Two", 2)))
    new = bulletin(*written("乙", "甲"), citations=(cited(1, "One", 2), cited(2, "Two", 1)))
    assert diff(old, new).citations == ()


def test_a_citation_whose_section_stays_behind_has_changed() -> None:
    old = bulletin(*written("甲", "乙"), citations=(cited(1, "One", 1),))
    new = bulletin(*written("乙", "甲"), citations=(cited(1, "One", 1),))
    assert [each.change for each in diff(old, new).citations] == ["changed"]


def test_a_reference_is_the_same_one_with_another_address_or_a_mended_title() -> None:
    old = bulletin(citations=(cited(1, "Talk of a bubble"), cited(2, "Gone"), cited(3, "SoftBank and AI")))
    new = bulletin(
        citations=(cited(1, "SoftBank and AI", url="https://a.example"), cited(2, "Talk of the bubble"))
    )
    gone, first, second = diff(old, new).citations
    assert (gone.change, gone.old and gone.old.number) == ("removed", 2)
    assert (first.change, first.title, first.new and first.new.reference.url) == (
        "changed", (), "https://a.example",
    )  # fmt: skip
    assert (second.change, newer(second.title)) == ("changed", "Talk of the bubble")
    assert first.moved != second.moved


def test_evidence_and_lines_without_a_place_are_no_public_difference() -> None:
    (section,) = written("甲")
    evidence = Evidence(where="heading", index=0, start=0, text="甲")
    with_evidence = section.model_copy(update={"tags": (SectionTag(slug="compute", evidence=(evidence,)),)})
    without = section.model_copy(update={"tags": (SectionTag(slug="compute"),)})
    assert diff(bulletin(with_evidence, unplaced=("行",)), bulletin(without)).is_empty


def test_two_huge_documents_are_compared_in_seconds() -> None:
    random = Random(1)  # noqa: S311

    def huge() -> BulletinDocument:
        def text(size: int) -> str:
            return "".join(chr(0x4E00 + random.randrange(2_000)) for _ in range(size))

        paragraphs = tuple(Paragraph(text=text(60)) for _ in range(999))
        first = Section(number=1, heading="甲", body=(*paragraphs, Paragraph(text=text(MAX_TEXT))))
        others = (
            Section(number=n, heading=text(20), body=(Paragraph(text=text(500)),)) for n in range(2, 201)
        )
        return bulletin(first, *others)

    old, new = huge(), huge()
    began = time.process_time()
    diff(old, new)
    assert time.process_time() - began < 10
