import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import update

from app.bulletins.models import Tag
from app.kit.db import connect
from app.kit.settings import Settings
from app.search.contract import Query
from app.search.vocabulary import understand
from tests.conftest import Cluster, publish_into
from tests.search.shelf import bulletin

ARCHIVE = (
    bulletin(
        "2026-05-01",
        ("软银投资日本", "软银计划在日本建设AI数据中心，满足算力与电力需求。", ["softbank", "compute"]),
        ("数据要素改革", "湖北推进数据要素市场化配置改革，交通运输先行。", ["data-elements"]),
        ("低碳转型", "碳达峰与低碳转型同步推进，采矿车实现电动化。", []),
        ("Report", "OpenAI and SoftBank plan more compute. Masayoshi Son spoke.", ["openai"]),
    ),
    bulletin("2026-05-02", ("再谈数据要素", "数据要素与人工智能融合，数据要素价值显现。", ["data-elements"])),
)


@pytest.fixture(scope="module")
def archive(cluster: Cluster, template: str) -> Iterator[Settings]:
    with cluster.database(template) as settings:
        publish_into(settings, ARCHIVE)
        yield settings


def understood(settings: Settings, q: str) -> Query:
    async def run() -> Query:
        async with connect(settings) as database, database.snapshot() as session:
            return await understand(session, q)

    return asyncio.run(run())


def texts(query: Query) -> list[list[str]]:
    """What each term may be found by."""
    return [[phrase.text for phrase in term.phrases] for term in query.terms]


def test_an_empty_query_has_no_terms(archive: Settings) -> None:
    assert understood(archive, "  ") == Query(typed="", terms=())


def test_words_of_a_chinese_compound_are_terms_of_their_own(archive: Settings) -> None:
    query = understood(archive, "湖北交通运输数据要素")

    assert [phrases[0] for phrases in texts(query)] == ["湖北", "交通运输", "数据要素"]


def test_particles_are_not_asked_for_beside_other_words(archive: Settings) -> None:
    assert [phrases[0] for phrases in texts(understood(archive, "软银的算力"))] == ["软银", "算力"]
    assert [phrases[0] for phrases in texts(understood(archive, "的"))] == ["的"]


@pytest.mark.parametrize(
    ("q", "also"),
    [
        ("算力", "compute"),
        ("compute", "算力"),
        ("Data  Elements", "数据要素"),
        ("数据要素", "data elements"),
        ("国数局", "国家数据局"),
        ("electricity", "电力"),
        ("人工智能", "ai"),
        ("AI", "人工智能"),
    ],
)
def test_a_tags_names_stand_for_each_other(archive: Settings, q: str, also: str) -> None:
    (phrases,) = texts(understood(archive, q))

    assert also in phrases[1:]


@pytest.mark.parametrize(("q", "wider"), [("电力", "能源"), ("ChatGPT-5", "openai"), ("C919", "航空")])
def test_a_narrower_alias_does_not_stand_for_its_tag(archive: Settings, q: str, wider: str) -> None:
    assert wider not in texts(understood(archive, q))[0]


def test_an_alias_that_the_archive_does_not_use_stands_for_its_tag(archive: Settings) -> None:
    assert "创业投资" in texts(understood(archive, "创投"))[0]


def test_quoted_and_excluded_words_are_taken_literally(archive: Settings) -> None:
    query = understood(archive, '"算力" -compute')

    assert texts(query) == [["算力"]]
    assert [phrase.text for phrase in query.excluded] == ["compute"]


@pytest.mark.parametrize(
    ("q", "text"),
    [
        ("shujuyaosu", "数据要素"),
        ("sjys", "数据要素"),
        ("ruanyin", "软银"),
        ("hubeijiaotong", "湖北交通"),
        ("shujuyao", "数据要素"),
        ("Sofbank", "softbank"),
        ("Opnai", "openai"),
        ("Masayohsi", "masayoshi"),
    ],
)
def test_latin_letters_that_are_no_word_are_pinyin_or_misspelt(archive: Settings, q: str, text: str) -> None:
    (phrases,) = texts(understood(archive, q))

    assert text in phrases[1:]


def test_a_misspelt_name_stands_for_what_the_tag_is_called(archive: Settings) -> None:
    assert "软银" in texts(understood(archive, "Sofbank"))[0]
    assert "数据要素" in texts(understood(archive, "data elemnets"))[0]


@pytest.mark.parametrize("q", ["compute", "GPT-6", "ab", "zzzzqqqq"])
def test_words_that_are_known_or_like_no_other_are_not_corrected(archive: Settings, q: str) -> None:
    assert "openai" not in texts(understood(archive, q))[0]
    assert texts(understood(archive, q))[0][0] == q.lower()


@pytest.mark.parametrize(
    ("q", "text"), [("新质生", "新质生"), ("数据要", "数据要"), ("softb", "softb"), ("湖北 数据要", "数据要")]
)
def test_the_last_word_may_be_half_typed(archive: Settings, q: str, text: str) -> None:
    last = understood(archive, q).terms[-1]

    assert (last.phrases[0].text, last.prefix) == (text, True)


@pytest.mark.parametrize("q", ["数据要素", "softbank", '"数据要"', "数据要素 -湖"])
def test_a_whole_word_is_not_half_typed(archive: Settings, q: str) -> None:
    assert not any(term.prefix for term in understood(archive, q).terms)


def test_a_single_character_stands_for_the_words_that_contain_it(archive: Settings) -> None:
    assert {"低碳", "碳达峰"} <= set(texts(understood(archive, "碳"))[0])


def test_characters_side_by_side_that_are_no_word_belong_together(archive: Settings) -> None:
    assert [phrases[0] for phrases in texts(understood(archive, "李书福 软银"))] == ["李书福", "软银"]


@pytest.mark.parametrize(
    ("q", "text"),
    [("數據要素", "数据要素"), ("資料中心", "数据中心"), ("人工智慧", "人工智能"), ("智慧醫療", "智慧医疗")],
)
def test_traditional_characters_and_taiwans_words_are_understood(
    archive: Settings, q: str, text: str
) -> None:
    assert texts(understood(archive, q))[0][0] == text


def test_the_rarest_words_come_first_and_unknown_ones_last(archive: Settings) -> None:
    rare = understood(archive, "数据要素和湖北的关系").rare

    assert rare.index("湖北") < rare.index("数据要素") < rare.index("关系")


def test_a_changed_alias_counts_at_once(settings: Settings) -> None:
    async def rename() -> None:
        async with connect(settings) as database, database.session() as session:
            await session.execute(update(Tag).where(Tag.slug == "compute").values(aliases=["算能"]))

    assert "算能" not in texts(understood(settings, "算力"))[0]
    asyncio.run(rename())
    assert "算能" in texts(understood(settings, "算力"))[0]


@pytest.mark.parametrize(
    "q",
    [
        "数" * 1_000,
        "数据 " * 300,
        "a" * 1_000,
        "'; DROP TABLE tag; --",
        "%_\\",
        "算力 & | ! ( ) : *",
        "\u202e数据",
    ],
)
def test_every_query_is_understood(archive: Settings, q: str) -> None:
    query = understood(archive, q)

    assert all(phrase.words for term in query.terms for phrase in term.phrases)
