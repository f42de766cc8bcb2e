"""The process that takes one PDF apart: the file comes on standard input, JSON goes to standard output."""

import contextlib
import io
import os
import resource
import sys

import pdfplumber
from pdfminer.pdfdocument import PDFEncryptionError, PDFPasswordIncorrect
from pdfplumber.utils.exceptions import PdfminerException

from app.ingest import pdf
from app.ingest.flow import TextLine
from app.ingest.pdf_layout import Sheet, read_sheet
from app.ingest.pdf_paragraphs import elements
from app.ingest.report import Finding, Position, Severity, UnreadableFileError


def main() -> None:
    limit(resource.RLIMIT_DATA, pdf.MAX_MEMORY)
    limit(resource.RLIMIT_CPU, pdf.MAX_CPU_SECONDS)
    sys.stdout.buffer.write(pdf.answers.dump_json(answer(sys.stdin.buffer.read())))


def limit(kind: int, most: int) -> None:
    """Lower a limit of this process, where the system knows it."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (most, most))


def answer(data: bytes) -> pdf.Answer:
    """What the PDF holds, or why it cannot be read."""
    try:
        sheets = read(data)
        found = elements(sheets)
    except UnreadableFileError as error:
        return pdf.Answer(code=error.code, message=error.message)
    except PdfminerException as error:
        return _refusal(error.args[0])
    except (MemoryError, RecursionError) as error:
        return _refusal(error)
    if not any(isinstance(element, TextLine) for element in found):
        return pdf.Answer(code="file.no-text", message=pdf.NO_TEXT)
    return pdf.Answer(tuple(found), tuple(_silent(sheet) for sheet in sheets if not sheet.lines))


def read(data: bytes) -> list[Sheet]:
    """All pages, as long as they are not too many and not too full."""
    sheets: list[Sheet] = []
    characters = 0
    with pdfplumber.open(io.BytesIO(data)) as document:
        if len(document.pages) > pdf.MAX_PAGES:
            raise UnreadableFileError("file.too-complex", pdf.TOO_COMPLEX)
        for page in document.pages:
            characters += len(page.chars)
            if characters > pdf.MAX_CHARACTERS:
                raise UnreadableFileError("file.too-complex", pdf.TOO_COMPLEX)
            sheets.append(read_sheet(page))
            page.close()
    return sheets


def _refusal(error: BaseException) -> pdf.Answer:
    match error:
        case PDFPasswordIncorrect() | PDFEncryptionError():
            return pdf.Answer(code="file.encrypted", message=pdf.ENCRYPTED)
        case MemoryError() | RecursionError():
            return pdf.Answer(code="file.too-complex", message=pdf.TOO_COMPLEX)
        case _:
            return pdf.Answer(code="file.damaged", message=pdf.DAMAGED)


def _silent(sheet: Sheet) -> Finding:
    return Finding(
        severity=Severity.warning,
        code="page.no-text",
        message=f"第 {sheet.number} 页没有文字，可能是扫描的图片，其内容没有读入。",
        position=Position(page=sheet.number),
    )


if __name__ == "__main__":
    try:
        main()
    except MemoryError:  # while the first one was being reported
        os._exit(pdf.OUT_OF_MEMORY)
