from app.bulletins.taxonomy import Tag, TagKind, Taxonomy, curated
from app.search.meilisearch_schema import over_limits, settings


def test_settings_tell_what_meilisearch_would_leave_out() -> None:
    names = [chr(ord("一") + n) for n in range(60)]
    assert over_limits({"新质生产力": names}) == {"新质生产力": names[50:]}
    assert over_limits({"x": ["很长的名字" * 15, "很长的名字" * 10]}) == {"x": ["很长的名字" * 10]}


def test_synonyms_go_both_ways_and_are_folded() -> None:
    tag = Tag(slug="x", kind=TagKind.topic, name="數據要素", name_en="Data Elements", aliases=("数据要素",))
    assert settings(Taxonomy(tags=(tag,)))["synonyms"] == {
        "数据要素": ["data elements"],
        "data elements": ["数据要素"],
    }


def test_the_curated_taxonomy_is_within_the_limits() -> None:
    assert over_limits(settings(curated())["synonyms"]) == {}
