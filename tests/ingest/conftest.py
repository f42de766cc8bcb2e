import io
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from app.bulletins.document import BulletinDocument, Citation, Paragraph, ReferenceItem, Section

_NAMESPACES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
        "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
        "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
        "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
        "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
        "v": "urn:schemas-microsoft-com:vml",
        "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    }.items()
)
_LINK = (
    '<Relationship Id="{}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{}" {}/>'
)

SAMPLE = Path(__file__).parents[1] / "samples" / "2026-06-25.txt"


@pytest.fixture(scope="session")
def seed() -> BulletinDocument:
    """The real bulletin's sections and citations, without tags and without sections of citations.

    Made without the importer, so that these tests do not hang on how structure is found.
    """
    lines = [line.strip() for line in SAMPLE.read_text("utf-8").splitlines() if line.strip()]
    end = max(index for index, line in enumerate(lines) if line == "参考文献")
    parts: list[list[str]] = []
    for line in lines[lines.index("参考文献\t4") + 1 : end]:
        if line[0] in "一二三四五" and line[1] == "、":
            parts.append([line[2:]])
        elif parts[-1][-1].endswith("，"):
            parts[-1][-1] += line
        else:
            parts[-1].append(line)
    sections = [
        Section(
            number=number, heading=heading, body=tuple(Paragraph(text=paragraph) for paragraph in paragraphs)
        )
        for number, (heading, *paragraphs) in enumerate(parts, start=1)
    ]
    items = [line[2:].split(" | ") for line in lines[end:] if line.startswith("- ")]
    citations = [
        Citation(
            number=number,
            purpose=purpose,
            reference=ReferenceItem(source=source, title=title, date=date.fromisoformat(day)),
        )
        for number, (source, title, day, purpose) in enumerate(items, start=1)
    ]
    return BulletinDocument(
        title="新质生产力每日动态 2026-06-25",
        date=date(2026, 6, 25),
        sections=tuple(sections),
        citations=tuple(citations),
    )


@pytest.fixture(scope="session")
def word() -> Callable[..., bytes]:
    """Makes a Word file from the XML of its body and of other parts (styles, numbering, footnotes).

    ``links`` are (id, type, attributes) of the body's relationships, ``files`` more parts by name.
    """

    def make(
        body: str,
        *,
        links: tuple[tuple[str, str, str], ...] = (),
        files: dict[str, bytes] | None = None,
        prolog: str = "",
        **parts: str,
    ) -> bytes:
        own = [(name, name, f'Target="{name}.xml"') for name in parts]
        root = _LINK.format("r1", "officeDocument", 'Target="word/document.xml"')
        entries: dict[str, str | bytes] = {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": f"<Relationships>{root}</Relationships>",
            "word/document.xml": f"{prolog}<w:document {_NAMESPACES}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": "<Relationships>"
            + "".join(_LINK.format(*link) for link in (*own, *links))
            + "</Relationships>",
            **{
                f"word/{name}.xml": f"<w:{name} {_NAMESPACES}>{xml}</w:{name}>" for name, xml in parts.items()
            },
            **(files or {}),
        }
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in entries.items():
                archive.writestr(name, content)
        return buffer.getvalue()

    return make


@pytest.fixture(scope="session")
def make_pdf() -> Callable[..., bytes]:
    """Makes a PDF from the content streams of its pages; ``F1`` is Helvetica, ``Im`` a picture."""

    def make(*pages: bytes, stream: bytes = b"") -> bytes:
        kids = b" ".join(b"%d 0 R" % (5 + 2 * index) for index in range(len(pages)))
        font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
        picture = b"<< /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8"
        objects = [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [" + kids + b"] /Count %d >>" % len(pages),
            font,
            picture + b" /Length 1 >>\nstream\n0\nendstream",
        ]
        for index, content in enumerate(pages):
            resources = b"/Resources << /Font << /F1 3 0 R >> /XObject << /Im 4 0 R >> >>"
            objects += [
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents %d 0 R " % (6 + 2 * index)
                + resources
                + b" >>",
                b"<< /Length %d %s >>\nstream\n" % (len(content), stream) + content + b"\nendstream",
            ]
        data, places = b"%PDF-1.4\n", []
        for number, content in enumerate(objects, start=1):
            places.append(len(data))
            data += b"%d 0 obj\n" % number + content + b"\nendobj\n"
        table = b"".join(b"%010d 00000 n \n" % place for place in places)
        size = len(objects) + 1
        return (
            data
            + b"xref\n0 %d\n0000000000 65535 f \n" % size
            + table
            + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(data))
        )

    return make
