import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.bulletins.document import (
    MAX_SECTIONS,
    MAX_TEXT,
    Block,
    BulletinDocument,
    Citation,
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
    canonical_json,
    content_hash,
    default_title,
    normalised,
)

ITEM = ReferenceItem(source="Reuters", title="Article", date=None)


def document(**changes: Any) -> BulletinDocument:
    return BulletinDocument.model_validate({"title": "标题", "date": "2026-06-25", **changes})


def sections(*numbers: int) -> list[dict[str, Any]]:
    return [{"number": number, "heading": "条目"} for number in numbers]


def citation(number: int, *used_by: int) -> dict[str, Any]:
    item = {"source": "Reuters", "title": "Article", "date": None}
    return {"number": number, "purpose": "", "sections": used_by, "reference": item}


CONTROLS = [*range(9), *range(0xB, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF]


@pytest.mark.parametrize("character", [chr(code) for code in CONTROLS], ids=[hex(code) for code in CONTROLS])
@pytest.mark.parametrize("field", ["title", "abstract", "organisation"])
def test_control_characters_are_not_text(field: str, character: str) -> None:
    with pytest.raises(ValidationError):
        document(**{field: f"前{character}后"})


@pytest.mark.parametrize("text", [" 标题", "标题　", "标题\n", "\t标题", "\u00a0标题"])
def test_text_has_no_outer_white_space(text: str) -> None:
    with pytest.raises(ValidationError):
        document(abstract=text)


@pytest.mark.parametrize("text", ["一\n二", "一\t二"])
def test_only_text_of_several_paragraphs_has_line_breaks(text: str) -> None:
    assert document(abstract=text).abstract == text
    with pytest.raises(ValidationError, match="one line is expected"):
        document(title=text)


@pytest.mark.parametrize("text", ["“×”", "a\u200bb", "العربية", "😀", "Ａ", "\ufffd", "C:\\a_b <b> & %"])
def test_what_editors_write_is_kept_as_it_is(text: str) -> None:
    assert document(title=text).title == text


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"title": ""}, "at least 1"),
        ({"abstract": "长" * (MAX_TEXT + 1)}, "at most"),
        ({"unknown": 1}, "not permitted"),
        ({"sections": sections(2)}, "numbered 1, 2, 3"),
        ({"sections": sections(1, 3)}, "numbered 1, 2, 3"),
        ({"sections": sections(2, 1)}, "numbered 1, 2, 3"),
        ({"sections": sections(1, 1)}, "numbered 1, 2, 3"),
        ({"sections": sections(0)}, "greater than or equal to 1"),
        ({"sections": sections(*range(1, MAX_SECTIONS + 2))}, "at most 200"),
        ({"citations": [citation(2)]}, "citations must be numbered"),
        ({"citations": [citation(1), citation(1)]}, "citations must be numbered"),
        ({"sections": sections(1), "citations": [citation(1, 2)]}, "does not exist"),
        ({"sections": sections(1), "citations": [citation(1, 0)]}, "counted from 1"),
        ({"sections": sections(1, 2), "citations": [citation(1, 2, 1)]}, "in order and named once"),
        ({"sections": sections(1), "citations": [citation(1, 1, 1)]}, "in order and named once"),
        (
            {"sections": [{"number": 1, "heading": "条目", "tags": [{"slug": "a"}, {"slug": "a"}]}]},
            "carries a tag twice",
        ),
        ({"sections": [{"number": 1, "heading": "条目", "tags": [{"slug": "A"}]}]}, "pattern"),
        ({"sections": [{"number": 1, "heading": "条目", "page": 0}]}, "greater than or equal to 1"),
        ({"sections": [{"number": 1, "heading": "条目", "body": [{"type": "video"}]}]}, "expected tags"),
        ({"title": "长" * 301}, "at most 300"),
        ({"series": "长" * 201}, "at most 200"),
        ({"organisation": "长" * 201}, "at most 200"),
        ({"producers": ["长" * 201]}, "at most 200"),
        ({"contacts": [{"name": "长" * 201}]}, "at most 200"),
        ({"contacts": [{"name": "名", "description": "长" * 2_001}]}, "at most 2000"),
        ({"sections": [{"number": 1, "heading": "长" * 301}]}, "at most 300"),
        (
            {
                "sections": [
                    {"number": 1, "heading": "条目", "body": [{"type": "heading", "text": "长" * 301}]}
                ]
            },
            "at most 300",
        ),
        ({"citations": [{**citation(1), "purpose": "长" * 2_001}]}, "at most 2000"),
    ],
)
def test_an_inconsistent_document_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        document(**changes)


@pytest.mark.parametrize("language", ["zh-CN", "en", "zh-Hant-TW", "sl-rozaj-biske", "de-1996"])
def test_a_language_is_a_tag_of_bcp_47(language: str) -> None:
    assert document(language=language).language == language


@pytest.mark.parametrize(
    "language", ["", "<script>", "z" * 500, "zh_CN", "中文", "zh-", "en\n", "e", "en" + "-abcdefgh" * 4]
)
def test_what_is_no_tag_of_a_language_is_refused(language: str) -> None:
    with pytest.raises(ValidationError):
        document(language=language)


@pytest.mark.parametrize("rows", [[], [[]], [["a"], ["b", "c"]]])
def test_rows_of_a_table_are_equally_long_and_there_is_one(rows: list[list[str]]) -> None:
    with pytest.raises(ValidationError):
        Table.model_validate({"rows": rows})


def test_a_document_never_changes() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        document().title = "anders"  # type: ignore[misc]


def test_the_slug_is_the_date_and_a_draft_without_a_date_has_none() -> None:
    assert document().slug == "2026-06-25"
    with pytest.raises(ValueError, match="no slug"):
        _ = document(date=None).slug


def test_the_title_of_an_issue_without_one_is_the_series_with_the_date() -> None:
    assert default_title("动态", date(2026, 6, 25)) == "动态 2026-06-25"
    assert default_title("动态", None) == "动态"


def test_tags_are_those_of_the_sections_each_once_in_order_of_use() -> None:
    tagged = [
        Section(number=n, heading="条目", tags=tuple(SectionTag(slug=slug) for slug in slugs))
        for n, slugs in enumerate([("b", "a"), (), ("c", "b")], start=1)
    ]
    assert document(sections=tagged).tag_slugs == ["b", "a", "c"]


def test_every_block_has_its_words() -> None:
    blocks: list[Block] = [
        Paragraph(text="段"),
        Subheading(text="题"),
        ListBlock(items=("甲", "乙")),
        Table(rows=(("a", "b"), ("c", ""))),
        Image(src="sha256:0", alt="图"),
    ]
    assert [block_text(block) for block in blocks] == ["段", "题", "甲\n乙", "a\tb\nc\t", "图"]


def test_the_canonical_form_and_its_hash_never_change(everything: BulletinDocument) -> None:
    # Readers verify hashes they have stored: a new value here breaks every one of them.
    assert content_hash(everything) == GOLDEN
    assert canonical_json(canonical_content(document())).decode() == (
        '{"abstract":"","citations":[],"contacts":[],"date":"2026-06-25","language":"zh-CN",'
        '"organisation":"","producers":[],"sections":[],"series":"新质生产力每日动态","title":"标题"}'
    )


GOLDEN = "sha256:c04372d110f3fd26e5391b5806aec4e437c4cf89c8a3edab1ede282ddf8b88f5"


def test_the_hash_is_of_what_is_public_and_of_all_of_that(everything: BulletinDocument) -> None:
    first, *rest = everything.sections
    assert content_hash(everything.model_copy(update={"unplaced": ()})) == GOLDEN
    evidence = {"where": "heading", "index": 0, "start": 0, "text": "上"}
    tag = SectionTag.model_validate({"slug": "energy", "evidence": [evidence]})
    proven = first.model_copy(update={"tags": (tag, *first.tags[1:])})
    assert content_hash(everything.model_copy(update={"sections": (proven, *rest)})) == GOLDEN
    changes: list[dict[str, Any]] = [
        {"series": "x"}, {"title": "x"}, {"date": date(2026, 6, 26)}, {"language": "x"},
        {"organisation": "x"}, {"producers": ("乙", "甲")}, {"abstract": "x"},
        {"sections": everything.sections[:1]},
        {"sections": (first.model_copy(update={"tags": first.tags[::-1]}), *rest)},
        {"citations": everything.citations[:1]}, {"contacts": ()},
    ]  # fmt: skip
    hashes = {content_hash(everything.model_copy(update=change)) for change in changes}
    assert len(hashes | {GOLDEN}) == len(changes) + 1


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_canonical_json_is_the_same_after_parsing(text: str) -> None:
    written = canonical_json({"b": text, "a": [1, None, True]})
    assert canonical_json(json.loads(written)) == written
    assert written.startswith(b'{"a":[1,null,true],"b":')


@pytest.mark.parametrize(
    ("text", "form"),
    [("ＡＩ　芯片", "ai 芯片"), ("  A \n\t B ", "a b"), ("①％", "1%"), ("要素 ×", "要素 ×"), ("", "")],
)
def test_text_is_compared_without_case_width_and_spacing(text: str, form: str) -> None:
    assert normalised(text) == form


def test_a_document_survives_its_json(everything: BulletinDocument) -> None:
    assert BulletinDocument.model_validate_json(everything.model_dump_json()) == everything
    assert Citation(number=1, purpose="", reference=ITEM).reference == ITEM
