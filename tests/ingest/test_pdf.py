import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.ingest.flow import Picture, TableRows, TextLine
from app.ingest.pdf import read_pdf
from app.ingest.pdf_layout import join

MakePdf = Callable[..., bytes]


def show(*lines: tuple[float, float, str], size: int = 10) -> bytes:
    """A content stream with lines at (x, y from below)."""
    shown = "".join(f"1 0 0 1 {x} {y} Tm ({text}) Tj " for x, y, text in lines)
    return f"BT /F1 {size} Tf {shown}ET ".encode()


def texts(data: bytes) -> list[str]:
    return [element.text for element in read_pdf(data).elements if isinstance(element, TextLine)]


FULL = "nine " * 22 + "tons"  # 496 points wide


def test_sample_gives_the_lines_of_the_text(samples: Path) -> None:
    text = (samples / "2026-06-25.txt").read_text("utf-8")
    found = list(read_pdf((samples / "2026-06-25.pdf").read_bytes()).elements)
    wanted = [line.removeprefix("- ") for line in text.splitlines() if line and "\t" not in line]
    got = [line.text for line in found if isinstance(line, TextLine) and "....." not in line.text]
    assert got == wanted


def test_sample_has_its_list_items_and_the_pages_of_the_contents(samples: Path) -> None:
    found = [
        e for e in read_pdf((samples / "2026-06-25.pdf").read_bytes()).elements if isinstance(e, TextLine)
    ]
    assert [line.text[:6] for line in found if line.item] == [
        *("中国驻外机构", "中国驻外机构", "国家数据局 ", "湛江市人民政", "Reuter"),
    ]
    headings = [line for line in found if line.text[1:2] == "、" and "....." not in line.text]
    assert [line.page for line in headings] == [2, 2, 3, 3, 4]
    assert next(line for line in found if line.text.endswith("模型竞争，")).soft


def test_full_lines_are_joined_and_short_ones_are_not(make_pdf: MakePdf) -> None:
    data = make_pdf(show((50, 600, FULL), (50, 586, "two."), (50, 572, "Three"), (50, 558, FULL)))
    assert texts(data) == [f"{FULL} two.", "Three", FULL]


def test_indented_line_begins_a_paragraph_even_behind_a_full_one(make_pdf: MakePdf) -> None:
    data = make_pdf(show((70, 600, FULL), (50, 586, FULL), (70, 572, "Next"), (50, 300, FULL)))
    assert texts(data) == [f"{FULL} {FULL}", "Next", FULL]


def test_space_between_paragraphs_parts_full_lines(make_pdf: MakePdf) -> None:
    steps = [(50, 600, FULL), (50, 586, FULL), (50, 552, FULL), (50, 538, FULL)]
    assert texts(make_pdf(show(*steps))) == [f"{FULL} {FULL}", f"{FULL} {FULL}"]


def test_paragraph_goes_on_over_a_page_without_headers_and_numbers(make_pdf: MakePdf) -> None:
    pages = [
        show((50, 770, "Daily news"), (50, 600, text), (50, 586, FULL), (300, 30, f"- {number} -"))
        for number, text in ((1, "Begin"), (2, "end."))
    ]
    found = read_pdf(make_pdf(*pages)).elements
    assert [(e.text, e.page, e.soft) for e in found if isinstance(e, TextLine)] == [
        ("Begin", 1, False),
        (f"{FULL} end.", 1, False),
        (FULL, 2, False),
    ]


def test_last_line_of_a_page_ends_softly(make_pdf: MakePdf) -> None:
    found = read_pdf(make_pdf(show((50, 600, "one,")), show((50, 600, "two")))).elements
    assert [(e.text, e.soft) for e in found if isinstance(e, TextLine)] == [("one,", True), ("two", False)]


def test_wide_gaps_are_tabs_and_contents_are_not_joined(make_pdf: MakePdf) -> None:
    entry = [(50, y, "Entry") for y in (600, 586)] + [(440, y, "2") for y in (600, 586)]
    assert texts(make_pdf(show(*entry))) == ["Entry\t2", "Entry\t2"]


def test_marked_lines_are_items_with_hanging_lines(make_pdf: MakePdf) -> None:
    data = make_pdf(
        show((50, 600, "-"), (64, 600, FULL), (64, 586, "tail"), (50, 572, "-"), (64, 572, "Second"))
    )
    found = read_pdf(data).elements
    assert [(e.text, e.item) for e in found if isinstance(e, TextLine)] == [
        (f"{FULL} tail", True),
        ("Second", True),
    ]


def test_ruled_cells_are_a_table(make_pdf: MakePdf) -> None:
    grid = b"50 500 100 20 re 150 500 100 20 re 50 520 100 20 re 150 520 100 20 re S "
    cells = show((55, 525, "A"), (155, 525, "B"), (55, 505, "C"), (155, 505, "D"), (50, 400, "After"))
    table, line = read_pdf(make_pdf(grid + cells)).elements
    assert isinstance(table, TableRows)
    assert table.rows == (("A", "B"), ("C", "D"))
    assert isinstance(line, TextLine)


def test_picture_is_kept_and_one_on_every_page_is_not(make_pdf: MakePdf) -> None:
    picture = b"q 40 0 0 40 50 300 cm /Im Do Q "
    found = read_pdf(make_pdf(show((50, 600, "Text")) + picture)).elements
    (kept,) = found[1:]
    assert isinstance(kept, Picture)
    assert replace(kept, content=b"") == Picture(f"sha256:{hashlib.sha256(b'0').hexdigest()}", "", 2, 1)
    assert kept.content.startswith(b"\x89PNG")
    page = show((50, 600, "Text")) + picture
    assert not any(isinstance(e, Picture) for e in read_pdf(make_pdf(page, page)).elements)


def test_page_without_text_among_others_is_reported(make_pdf: MakePdf) -> None:
    scan = b"q 600 0 0 800 0 0 cm /Im Do Q"
    (finding,) = read_pdf(make_pdf(show((50, 600, "Text")), scan)).findings
    assert (finding.code, finding.position.page) == ("page.no-text", 2)


def test_slanted_watermark_is_left_out(make_pdf: MakePdf) -> None:
    data = make_pdf(show((50, 600, "Text")) + b"BT /F1 40 Tf 0.7 0.7 -0.7 0.7 100 300 Tm (DRAFT) Tj ET")
    assert texts(data) == ["Text"]


def test_lines_are_joined_with_blanks_only_between_latin_words() -> None:
    assert join(["新质", "生产力"]) == "新质生产力"
    assert join(["AI", "agents"]) == "AI agents"
    assert join(["2026-", "06-24"]) == "2026-06-24"
    assert join(["时间为 ", "7 月"]) == "时间为 7 月"
    assert join(["https://example.com/", "path"]) == "https://example.com/path"
