"""Taking pictures in: those that editors upload, and those inside imported files."""

from collections.abc import AsyncIterator

from app.bulletins.document import BulletinDocument
from app.bulletins.pictures import stored
from app.ingest.lines import shortened
from app.ingest.report import Finding, ImportResult, Position, Severity
from app.kit.image_sizes import MAX_BYTES, ImageRefusedError
from app.kit.image_store import ImageStore, StoredImage

MAX_PICTURES = 50
"""So many pictures of one file are kept."""


async def add_image(images: ImageStore, chunks: AsyncIterator[bytes]) -> StoredImage:
    """Keep an uploaded picture, read no further than it may be large.

    :raises ImageRefusedError: it is no picture that is taken.
    """
    data = bytearray()
    async for chunk in chunks:
        data += chunk
        if len(data) > MAX_BYTES:
            break
    return await images.add(bytes(data))


async def keep_pictures(images: ImageStore, result: ImportResult) -> ImportResult:
    """Keep the pictures of an imported file; the report says which ones could not be, and why."""
    findings = []
    done: set[str] = set()
    for section, sha256 in stored(result.document):
        if sha256 in done:
            continue
        done.add(sha256)
        if refusal := await _keep(images, result, sha256, len(done)):
            code, message = refusal
            position = Position(section=section)
            findings.append(Finding(severity=Severity.warning, code=code, message=message, position=position))
    report = result.report.model_copy(update={"findings": (*result.report.findings, *findings)})
    return result.model_copy(update={"report": report})


async def missing(images: ImageStore, document: BulletinDocument) -> list[Finding]:
    """An error for each picture of the document that is not kept here: no reader could see it."""
    absent = {sha256 for sha256 in {name for _, name in stored(document)} if not await images.has(sha256)}
    return [
        Finding(
            severity=Severity.error,
            code="picture.missing",
            message=f"没有保存过图片“{shortened(sha256)}”：请上传它，或从条目中删去。",
            position=Position(section=section),
        )
        for section, sha256 in stored(document)
        if sha256 in absent
    ]


async def _keep(images: ImageStore, result: ImportResult, sha256: str, count: int) -> tuple[str, str] | None:
    data = result.pictures.get(f"sha256:{sha256}")
    if data is None:
        return "picture.unreadable", "有一幅图片读不出来，没有保存，请另行上传。"
    if count > MAX_PICTURES:
        return "picture.too-many", f"图片超过 {MAX_PICTURES} 幅，这一幅没有保存。"
    try:
        await images.add(data, sha256)
    except ImageRefusedError as error:
        return "picture.refused", f"有一幅图片没有保存：{error.message}"
    return None
