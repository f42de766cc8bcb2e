"""PDF files. They are taken apart in a process of their own, which has little memory and little time:
a PDF of a few kilobytes can unpack into gigabytes."""

import os
import subprocess
import sys

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

from app.ingest.flow import Element, Flow
from app.ingest.report import Finding, UnreadableFileError
from app.ingest.tidy import tidy

MAX_PAGES = 200
MAX_CHARACTERS = 1_000_000
MAX_MEMORY = 192 * 2**20
MAX_CPU_SECONDS = 60
MAX_SECONDS = 120
OUT_OF_MEMORY = 3  # the process's exit code

TRUNCATED = "PDF 文件不完整，结尾缺失，可能没有传完"
DAMAGED = "PDF 文件已损坏，无法读取"
ENCRYPTED = "PDF 有密码保护，请先解除密码"
TOO_COMPLEX = "PDF 过于复杂，超出了读取的时间、内存或页数上限"
NO_TEXT = "PDF 没有文字层，应是扫描件，请先做文字识别（OCR）"


@dataclass(frozen=True, config=ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"))
class Answer:
    """What the process found: a flow's parts, or the code and message of a refusal."""

    elements: tuple[Element, ...] = ()
    findings: tuple[Finding, ...] = ()
    code: str = ""
    message: str = ""


answers = TypeAdapter(Answer)


def read_pdf(data: bytes) -> Flow:
    """The paragraphs of a PDF with a text layer, as its lines show them.

    :raises UnreadableFileError: encrypted, scanned, truncated, damaged or too complex.
    """
    if b"%%EOF" not in data[-2048:]:
        raise UnreadableFileError("file.damaged", TRUNCATED)
    answer = _ask(data)
    if answer.code:
        raise UnreadableFileError(answer.code, answer.message)
    return tidy(answer.elements, answer.findings)


def _ask(data: bytes) -> Answer:
    try:
        process = subprocess.run(
            [sys.executable, "-m", "app.ingest.pdf_process"],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            timeout=MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(code="file.too-complex", message=TOO_COMPLEX)
    if process.returncode < 0 or process.returncode == OUT_OF_MEMORY:
        return Answer(code="file.too-complex", message=TOO_COMPLEX)
    if process.returncode > 0:
        return Answer(code="file.damaged", message=DAMAGED)
    return answers.validate_json(process.stdout)
