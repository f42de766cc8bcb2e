import asyncio
from datetime import date
from typing import Any

import psycopg
import pytest

from app import wiring
from app.bulletins.document import BulletinDocument, Paragraph, Section, SectionTag, content_hash
from app.bulletins.taxonomy import Tag, TagKind, Taxonomy
from app.editorial import commands
from app.editorial.commands import Imported, Published, Withdrawn
from app.editorial.refused import Refused
from app.ingest.report import Finding, ImportReport, ImportResult, Severity
from app.kit.db import connect
from app.kit.settings import Settings


def document(
    text: str = "正文", day: date | None = date(2026, 6, 25), tag: str = "compute"
) -> BulletinDocument:
    section = Section(
        number=1, heading="条目", body=(Paragraph(text=text),), tags=(SectionTag(slug=tag),)
    )  # fmt: skip
    return BulletinDocument(title="标题", date=day, sections=(section,))


def imported(
    settings: Settings, *documents: BulletinDocument, findings: tuple[Finding, ...] = (), sha256: str = ""
) -> list[Imported]:
    async def one(value: BulletinDocument) -> Imported:
        digest = sha256 or content_hash(value)
        report = ImportReport(file="a.txt", format="text", sha256=digest, findings=findings)
        async with connect(settings) as database, database.session() as session:
            result = ImportResult(document=value, report=report)
            return await commands.import_file(session, result, b"bytes", author="editor")

    async def run() -> list[Imported]:
        return list(await asyncio.gather(*map(one, documents)))

    return asyncio.run(run())


def publish(settings: Settings, slug: str = "2026-06-25", note: str = "") -> Published:
    async def run() -> Published:
        async with connect(settings) as database, database.session() as session:
            return await commands.publish(session, wiring.changes, slug, note=note)

    return asyncio.run(run())


def rows(settings: Settings, query: str) -> list[Any]:
    with psycopg.connect(settings.conninfo) as connection:
        return connection.execute(query.encode()).fetchall()


def test_a_first_import_creates_a_draft_and_its_file_is_kept(settings: Settings) -> None:
    (result,) = imported(settings, document())
    assert (result.outcome, result.slug, result.revision) == ("created", "2026-06-25", 1)
    assert rows(settings, "SELECT name, content FROM source_file") == [("a.txt", b"bytes")]


def test_importing_the_same_document_again_changes_nothing_and_says_so(settings: Settings) -> None:
    imported(settings, document())
    (again,) = imported(settings, document())
    assert (again.outcome, again.revision) == ("unchanged", 1)
    assert rows(settings, "SELECT count(*) FROM revision") == [(1,)]


def test_a_file_that_was_revised_since_changes_nothing_wherever_it_stands(settings: Settings) -> None:
    imported(settings, document())
    imported(settings, document("改了"))
    (again,) = imported(settings, document())
    assert (again.outcome, again.revision, again.superseded) == ("unchanged", 2, True)
    assert [(f.severity, f.code) for f in again.report.findings] == [(Severity.note, "import.superseded")]
    assert "修订 1 的来源" in again.report.findings[0].message
    assert rows(settings, "SELECT count(*) FROM revision") == [(2,)]


def test_a_file_that_is_read_otherwise_now_changes_nothing(settings: Settings) -> None:
    imported(settings, document(), sha256="1")
    (again,) = imported(settings, document(tag="energy"), sha256="1")
    assert (again.outcome, again.superseded) == ("unchanged", False)


def test_a_changed_file_is_a_new_revision_of_the_same_bulletin(settings: Settings) -> None:
    imported(settings, document())
    (changed,) = imported(settings, document("改了"))
    assert (changed.outcome, changed.revision) == ("revised", 2)
    assert rows(settings, "SELECT count(*) FROM draft") == [(1,)]


def test_a_file_without_a_date_is_known_by_its_bytes(settings: Settings) -> None:
    undated = document(day=None)
    imported(settings, undated)
    (again,) = imported(settings, undated)
    (other,) = imported(settings, undated, sha256="1")
    assert (again.outcome, other.outcome) == ("unchanged", "created")


LONG = "数据要素市场化配置改革继续推进，多地公共数据授权运营平台上线。" * 8


def test_a_corrected_date_moves_the_draft_and_makes_no_second_bulletin(settings: Settings) -> None:
    imported(settings, document(LONG, day=date(2026, 6, 24)))
    (corrected,) = imported(settings, document(LONG, day=date(2026, 6, 25)), sha256="1")
    assert (corrected.outcome, corrected.slug, corrected.revision) == ("revised", "2026-06-25", 2)
    assert corrected.formerly == "2026-06-24"
    assert rows(settings, "SELECT slug FROM draft") == [("2026-06-25",)]
    assert publish(settings).version == 1


def test_a_date_that_was_missing_is_added_to_the_same_draft(settings: Settings) -> None:
    imported(settings, document(LONG, day=None))
    (dated,) = imported(settings, document(LONG), sha256="1")
    assert (dated.outcome, dated.slug, dated.formerly) == ("revised", "2026-06-25", None)
    assert rows(settings, "SELECT slug FROM draft") == [("2026-06-25",)]


def test_a_date_that_was_lost_by_mistake_stays_the_drafts(settings: Settings) -> None:
    imported(settings, document(LONG))
    (undated,) = imported(settings, document(LONG, day=None), sha256="1")
    assert (undated.outcome, undated.slug) == ("revised", "2026-06-25")


def test_a_public_bulletin_keeps_its_date_and_the_file_with_another_one_is_kept(settings: Settings) -> None:
    imported(settings, document(LONG, day=date(2026, 6, 24)))
    publish(settings, "2026-06-24")
    (other,) = imported(settings, document(LONG), sha256="1")
    assert (other.slug, other.revision) == ("2026-06-24", 2)
    assert [(f.severity, f.code) for f in other.report.findings] == [(Severity.error, "date.published")]
    with pytest.raises(Refused, match=r"2026-06-24.*2026-06-25.*撤下") as refusal:
        publish(settings, "2026-06-24")
    assert refusal.value.code == "date.published"
    assert rows(settings, "SELECT slug, version FROM bulletin") == [("2026-06-24", 1)]


OTHER = "低空经济应用场景扩展，多个城市发布无人机航线管理办法与试点名单。" * 8


def test_another_issue_under_the_date_of_a_public_one_does_not_replace_it(settings: Settings) -> None:
    imported(settings, document(LONG))
    publish(settings)
    for _ in range(2):
        (other,) = imported(settings, document(OTHER), sha256="1")
        assert [(f.severity, f.code) for f in other.report.findings] == [(Severity.error, "text.unrelated")]
        with pytest.raises(Refused, match="几乎没有相同之处"):
            publish(settings)
    assert rows(settings, "SELECT slug, version FROM bulletin") == [("2026-06-25", 1)]


def test_another_issue_under_the_date_of_a_draft_is_warned_of(settings: Settings) -> None:
    imported(settings, document(LONG))
    (other,) = imported(settings, document(OTHER), sha256="1")
    assert [(f.severity, f.code) for f in other.report.findings] == [(Severity.warning, "text.unrelated")]
    assert publish(settings).version == 1


def test_a_short_issue_whose_date_was_corrected_is_the_same(settings: Settings) -> None:
    short = "数据要素市场化配置改革继续推进，多地公共数据授权运营平台上线并开始试运行，成效待观察。"
    imported(settings, document(short, day=date(2026, 6, 24)))
    (corrected,) = imported(settings, document(short), sha256="1")
    assert (corrected.outcome, corrected.slug) == ("revised", "2026-06-25")


def test_an_issue_that_only_shares_some_text_with_another_is_its_own(settings: Settings) -> None:
    imported(settings, document(LONG, day=date(2026, 6, 24)))
    other = document(LONG)
    more = other.sections[0].model_copy(update={"number": 2, "body": (Paragraph(text="另一条" * 60),)})
    (result,) = imported(settings, other.model_copy(update={"sections": (*other.sections, more)}))
    assert (result.outcome, result.slug) == ("created", "2026-06-25")


def test_concurrent_imports_of_one_file_without_a_date_make_one_draft(settings: Settings) -> None:
    imported(settings, *(document(LONG, day=None) for _ in range(4)))
    assert rows(settings, "SELECT count(*) FROM draft") == [(1,)]


def test_concurrent_imports_of_one_bulletin_make_one_draft_and_lose_no_revision(settings: Settings) -> None:
    results = imported(settings, *(document(f"第{number}版") for number in range(6)))
    assert sorted(result.revision for result in results) == [1, 2, 3, 4, 5, 6]
    assert rows(settings, "SELECT count(*) FROM draft") == [(1,)]


def test_an_imported_draft_is_not_public_until_it_is_published(settings: Settings) -> None:
    imported(settings, document())
    assert rows(settings, "SELECT slug FROM bulletin") == []
    assert publish(settings) == Published(slug="2026-06-25", version=1, outcome="published")
    assert rows(settings, "SELECT slug, version FROM bulletin") == [("2026-06-25", 1)]


def test_publishing_again_without_a_change_does_nothing(settings: Settings) -> None:
    imported(settings, document())
    publish(settings)
    assert publish(settings).outcome == "unchanged"
    assert rows(settings, "SELECT count(*) FROM change") == [(1,)]


def test_publishing_a_newer_revision_is_a_correction_with_the_next_version(settings: Settings) -> None:
    imported(settings, document())
    publish(settings)
    imported(settings, document("改了"))
    assert publish(settings).version == 2
    kinds = rows(settings, "SELECT kind, version FROM change ORDER BY seq")
    assert kinds == [("bulletin.published", 1), ("bulletin.corrected", 2)]


def test_an_error_in_the_report_refuses_publication_with_its_message(settings: Settings) -> None:
    finding = Finding(severity=Severity.error, code="date.missing", message="没有找到日期。")
    imported(settings, document(), findings=(finding,))
    with pytest.raises(Refused, match="没有找到日期") as refusal:
        publish(settings)
    assert refusal.value.code == "report.errors"
    assert rows(settings, "SELECT slug FROM bulletin") == []


def test_a_warning_does_not_refuse_publication(settings: Settings) -> None:
    finding = Finding(severity=Severity.warning, code="contact.missing", message="没有联系方式。")
    imported(settings, document(), findings=(finding,))
    assert publish(settings).outcome == "published"


def test_publishing_a_bulletin_that_was_never_imported_is_refused(settings: Settings) -> None:
    with pytest.raises(Refused) as refusal:
        publish(settings)
    assert refusal.value.code == "draft.missing"


def test_an_unknown_tag_refuses_publication_and_leaves_nothing_behind(settings: Settings) -> None:
    imported(settings, document(tag="no-such-tag"))
    with pytest.raises(Refused, match="no-such-tag") as refusal:
        publish(settings)
    assert refusal.value.code == "tag.unknown"
    for table in ("bulletin", "change", "procrastinate_jobs"):
        assert rows(settings, f"SELECT 1 FROM {table}") == [], table  # noqa: S608 - names from this line
    assert rows(settings, "SELECT version, published_revision FROM draft") == [(0, None)]


def test_concurrent_publishing_gives_one_version(settings: Settings) -> None:
    imported(settings, document())

    async def one() -> Published:
        async with connect(settings) as database, database.session() as session:
            return await commands.publish(session, wiring.changes, "2026-06-25")

    async def run() -> list[Published]:
        return list(await asyncio.gather(*(one() for _ in range(5))))

    outcomes = sorted(result.outcome for result in asyncio.run(run()))
    assert outcomes == ["published"] + ["unchanged"] * 4


def test_a_changed_tag_is_one_public_change_and_an_unchanged_taxonomy_none(settings: Settings) -> None:
    tag = Tag(slug="x-new", kind=TagKind.topic, name="新标签", name_en="New tag")

    async def run() -> list[set[str]]:
        named = []
        async with connect(settings) as database:
            for _ in range(2):
                async with database.session() as session:
                    taxonomy = Taxonomy(tags=(tag,))
                    named.append(await commands.curate_tags(session, wiring.changes, taxonomy))
        return named

    assert asyncio.run(run()) == [{"x-new"}, set()]
    found = rows(settings, "SELECT kind, subject, version, payload FROM change")
    assert found == [("tags.curated", "taxonomy", 1, {"tags": ["x-new"]})]


def test_the_same_document_with_other_remarks_changes_nothing(settings: Settings) -> None:
    imported(settings, document())
    note = Finding(severity=Severity.note, code="paragraph.joined", message="已合为一段。")
    (again,) = imported(settings, document(), findings=(note,))
    assert again.outcome == "unchanged"


def test_an_error_that_has_passed_no_longer_refuses_publication(settings: Settings) -> None:
    error = Finding(severity=Severity.error, code="date.ambiguous", message="日期不一致。")
    imported(settings, document(), findings=(error,))
    (again,) = imported(settings, document())
    assert again.outcome == "revised"
    assert publish(settings).outcome == "published"


def test_an_edit_that_was_taken_back_is_no_correction(settings: Settings) -> None:
    imported(settings, document())
    publish(settings)
    imported(settings, document("改了"))
    imported(settings, document(), sha256="1")
    assert publish(settings) == Published(slug="2026-06-25", version=1, outcome="unchanged")
    assert rows(settings, "SELECT count(*) FROM change") == [(1,)]


def withdraw(settings: Settings, note: str = "数据有误。", slug: str = "2026-06-25") -> Withdrawn:
    async def run() -> Withdrawn:
        async with connect(settings) as database, database.session() as session:
            return await commands.withdraw(session, wiring.changes, slug, note)

    return asyncio.run(run())


def test_a_withdrawal_is_a_version_of_its_own_and_the_next_publication_a_later_one(
    settings: Settings,
) -> None:
    imported(settings, document())
    publish(settings)
    assert withdraw(settings) == Withdrawn(slug="2026-06-25", version=2)
    assert publish(settings) == Published(slug="2026-06-25", version=3, outcome="published")
    imported(settings, document("改了"))
    assert publish(settings).version == 4
    found = rows(settings, "SELECT kind, subject, version, payload->>'note' FROM change ORDER BY seq")
    assert found == [
        ("bulletin.published", "2026-06-25", 1, ""),
        ("bulletin.withdrawn", "2026-06-25", 2, "数据有误。"),
        ("bulletin.published", "2026-06-25", 3, ""),
        ("bulletin.corrected", "2026-06-25", 4, ""),
    ]


def test_what_was_withdrawn_stays_with_the_editors_and_nowhere_else(settings: Settings) -> None:
    imported(settings, document("绝密的正文"))
    publish(settings)
    withdraw(settings)
    tables = [
        name for (name,) in rows(settings, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    ]
    holding = {
        name
        for name in tables
        if rows(settings, f"SELECT 1 FROM {name} AS t WHERE t::text LIKE '%绝密%'")  # noqa: S608
    }
    # Words that are in no section any more are passed over by every query.
    assert rows(settings, "SELECT term FROM search_term WHERE df > 0") == []
    assert holding - {"search_term"} == {"revision"}


@pytest.mark.parametrize("note", ["", " \n "])
def test_a_withdrawal_without_a_note_is_refused(settings: Settings, note: str) -> None:
    imported(settings, document())
    publish(settings)
    with pytest.raises(Refused) as refusal:
        withdraw(settings, note)
    assert refusal.value.code == "note.missing"
    assert rows(settings, "SELECT slug FROM bulletin") == [("2026-06-25",)]


@pytest.mark.parametrize("note", ["\x00", "一\x07", "长" * 2_001, "\ud800"])
def test_a_note_that_is_no_text_is_refused(settings: Settings, note: str) -> None:
    imported(settings, document())
    with pytest.raises(Refused) as refusal:
        publish(settings, note=note)
    assert refusal.value.code == "note.invalid"
    publish(settings)
    with pytest.raises(Refused) as refusal:
        withdraw(settings, f"因为{note}")
    assert refusal.value.code == "note.invalid"


def test_only_what_is_public_can_be_withdrawn(settings: Settings) -> None:
    with pytest.raises(Refused) as refusal:
        withdraw(settings)
    assert refusal.value.code == "draft.missing"
    imported(settings, document())
    with pytest.raises(Refused) as refusal:
        withdraw(settings)
    assert refusal.value.code == "not-public"
    publish(settings)
    withdraw(settings)
    with pytest.raises(Refused) as refusal:
        withdraw(settings)
    assert refusal.value.code == "not-public"


def test_a_correction_carries_its_public_note(settings: Settings) -> None:
    imported(settings, document())
    publish(settings)
    imported(settings, document("改了"))
    publish(settings, note=" 第一行\r\n第二行 ")
    found = rows(settings, "SELECT kind, payload->>'note' FROM change ORDER BY seq")
    assert found == [("bulletin.published", ""), ("bulletin.corrected", "第一行\n第二行")]
