import hashlib
from datetime import date
from pathlib import Path

import pytest

from app.bulletins.document import BulletinDocument, Paragraph
from app.bulletins.taxonomy import curated
from app.ingest.reader import read_bulletin, read_bytes
from app.ingest.report import ImportResult

TODAY = date(2026, 6, 26)
FORMATS = ("txt", "md", "docx", "pdf")


def read(path: Path) -> ImportResult:
    return read_bulletin(path, curated(), TODAY)


@pytest.fixture(scope="module")
def document(samples: Path) -> BulletinDocument:
    return read(samples / "2026-06-25.txt").document


def test_seed_gives_exactly_its_facts(document: BulletinDocument) -> None:
    assert document.date == date(2026, 6, 25)
    assert document.organisation == "中国高技术产业发展促进会新质生产力工作委员会"
    assert document.producers == ("博雅云创", "中科创新驱动")
    assert document.abstract.startswith("今日新质生产力动态集中在")
    assert [section.numeral for section in document.sections] == list("一二三四五")
    assert [len(section.body) for section in document.sections] == [2, 2, 2, 2, 2]
    assert [section.page for section in document.sections] == [2, 2, 3, 3, 4]
    assert [contact.name for contact in document.contacts] == ["新质生产力工作委员会", "工业智能算网"]
    assert [contact.url for contact in document.contacts] == [None, "https://gyznsw.cn"]
    assert document.unplaced == ()


def test_sentence_that_a_page_break_cuts_is_one_paragraph(document: BulletinDocument) -> None:
    cut = document.sections[3].body[1]
    assert isinstance(cut, Paragraph)
    assert "芯片和模型竞争，而是资本、数据中心" in cut.text


def test_references_have_source_title_date_and_purpose(document: BulletinDocument) -> None:
    assert len(document.citations) == 5
    assert {citation.reference.date for citation in document.citations} == {date(2026, 6, 24)}
    assert all(citation.reference.source and citation.reference.title for citation in document.citations)
    assert all(citation.purpose.startswith("用于") for citation in document.citations)


def test_seed_has_tags_and_inferred_citations(document: BulletinDocument) -> None:
    assert {"data-elements", "hubei"} <= {tag.slug for tag in document.sections[1].tags}
    assert {"softbank", "ai-capex"} <= {tag.slug for tag in document.sections[3].tags}
    assert [citation.sections for citation in document.citations] == [(1,), (1,), (2,), (3,), (4,)]
    assert all(citation.inferred for citation in document.citations)


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_same_document(samples: Path, document: BulletinDocument, suffix: str) -> None:
    assert read(samples / f"2026-06-25.{suffix}").document == document


@pytest.mark.parametrize("suffix", FORMATS)
def test_seed_is_fit_for_publication_in_every_format(samples: Path, suffix: str) -> None:
    report = read(samples / f"2026-06-25.{suffix}").report
    assert not report.refuses_publication
    assert report.format == suffix


def test_report_names_the_file_and_the_digest_of_its_bytes(samples: Path) -> None:
    path = samples / "2026-06-25.txt"
    report = read(path).report
    assert report.file == "2026-06-25.txt"
    assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
def test_encoding_makes_no_difference(samples: Path, document: BulletinDocument, encoding: str) -> None:
    data = (samples / "2026-06-25.txt").read_text("utf-8").encode(encoding)
    assert read_bytes("a.txt", data, curated(), TODAY).document == document


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_make_no_difference(samples: Path, document: BulletinDocument, end: str) -> None:
    data = (samples / "2026-06-25.txt").read_text("utf-8").replace("\n", end).encode()
    result = read_bytes("a.TXT", data, curated(), TODAY)
    assert result.document == document


def test_name_is_shown_without_control_characters(samples: Path) -> None:
    data = (samples / "2026-06-25.txt").read_bytes()
    assert read_bytes(" a\n\udcff.txt", data, curated(), TODAY).report.file == "a\ufffd\ufffd.txt"
