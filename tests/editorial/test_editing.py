from typing import Any

import pytest

from app.bulletins.document import Evidence, SectionTag
from app.editorial.editing import merge_patch, settled, with_citations, with_sections
from tests.editorial.conftest import bulletin


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_does_what_the_standard_shows(target: Any, patch: Any, result: Any) -> None:
    """The cases of RFC 7396, appendix A."""
    assert merge_patch(target, patch) == result


def test_evidence_in_a_purpose_follows_its_citation() -> None:
    document = bulletin()
    first = document.citations[0]
    second = first.model_copy(update={"number": 2, "purpose": "用于湖北", "sections": (1,)})
    evidence = Evidence(where="purpose", index=2, start=2, text="湖北")
    tagged = document.sections[0].model_copy(
        update={"tags": (SectionTag(slug="hubei", evidence=(evidence,)),)}
    )
    document = document.model_copy(
        update={"citations": (first, second), "sections": (tagged, document.sections[1])}
    )
    assert settled(document) == document
    turned = with_citations(document, [2, 1])
    assert turned.sections[0].tags[0].evidence[0].index == 1
    assert settled(turned) == turned
    assert with_citations(document, [1]).sections[0].tags[0].evidence == ()


def test_putting_sections_back_gives_the_same_document() -> None:
    document = bulletin(sections=3)
    assert with_sections(with_sections(document, [3, 1, 2]), [2, 3, 1]) == document
