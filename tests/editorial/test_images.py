import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.bulletins.document import BulletinDocument, Image, Section
from app.editorial.images import MAX_PICTURES, add_image, keep_pictures
from app.ingest.report import ImportReport, ImportResult
from app.kit.image_sizes import MAX_BYTES, ImageRefusedError
from app.kit.image_store import ImageStore
from app.kit.storage import LocalStorage
from tests.kit.pictures import SVG, drawing, encoded


@pytest.fixture
def images(tmp_path: Path) -> ImageStore:
    return ImageStore(LocalStorage(tmp_path))


def named(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def result(*pictures: bytes, without: frozenset[bytes] = frozenset()) -> ImportResult:
    sections = tuple(
        Section(number=number, heading="条目", body=(Image(src=named(data)),))
        for number, data in enumerate(pictures, start=1)
    )
    return ImportResult(
        document=BulletinDocument(title="标题", date=None, sections=sections),
        report=ImportReport(file="a.docx", format="docx", sha256="0"),
        pictures={named(data): data for data in pictures if data not in without},
    )


def test_the_pictures_of_a_file_are_kept_under_the_names_in_its_document(
    images: ImageStore,
) -> None:
    data = encoded(drawing(), "PNG")
    kept = asyncio.run(keep_pictures(images, result(data, data)))
    assert kept.report.findings == ()
    assert asyncio.run(images.get(named(data).removeprefix("sha256:"), "w320")) is not None


def test_pictures_that_cannot_be_kept_are_reported_with_their_section(images: ImageStore) -> None:
    good, lost = encoded(drawing(), "JPEG"), b"lost"
    kept = asyncio.run(keep_pictures(images, result(SVG, good, lost, without=frozenset({lost}))))
    found = [(each.code, each.position.section, each.severity.value) for each in kept.report.findings]
    assert found == [("picture.refused", 1, "warning"), ("picture.unreadable", 3, "warning")]
    assert "不支持这种图片" in kept.report.findings[0].message
    assert kept.document == result(SVG, good, lost).document


def test_a_file_full_of_pictures_keeps_so_many_and_says_so(images: ImageStore) -> None:
    pictures = [encoded(drawing(4, number + 4), "PNG") for number in range(MAX_PICTURES + 2)]
    kept = asyncio.run(keep_pictures(images, result(*pictures)))
    assert [(each.code, each.position.section) for each in kept.report.findings] == [
        ("picture.too-many", MAX_PICTURES + 1), ("picture.too-many", MAX_PICTURES + 2),
    ]  # fmt: skip


def test_an_upload_is_read_no_further_than_it_may_be_large(images: ImageStore) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        yield encoded(drawing(), "JPEG")
        while True:
            read += 1
            yield b"\0" * 2**20

    with pytest.raises(ImageRefusedError) as refused:
        asyncio.run(add_image(images, endless()))
    assert refused.value.code == "image.too-large"
    assert read * 2**20 <= MAX_BYTES + 2**20
