import asyncio
import hashlib
from pathlib import Path

import pytest

from app.kit import images
from app.kit.image_sizes import SIZES, ImageRefusedError
from app.kit.image_store import ImageStore, StoredImage
from app.kit.storage import LocalStorage
from tests.kit.pictures import SVG, animation, drawing, encoded


def test_a_picture_is_kept_by_the_hash_of_what_came_in_all_sizes(tmp_path: Path) -> None:
    data = encoded(drawing(), "PNG")
    digest = hashlib.sha256(data).hexdigest()
    store = ImageStore(LocalStorage(tmp_path))
    added = asyncio.run(store.add(data))
    assert added == StoredImage(digest, "image/png", 600, 400, animated=False)
    assert added.src == f"sha256:{digest}"
    for size in ("full", *SIZES):
        found = asyncio.run(store.get(digest, size))
        assert found is not None
        assert found[0] in {"image/png", "image/webp", "image/jpeg"}
    assert {path.parent.name for path in tmp_path.rglob("*") if path.is_file()} == {digest}


def test_the_same_bytes_are_cleaned_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = animation("GIF")
    store = ImageStore(LocalStorage(tmp_path))
    first = asyncio.run(store.add(data))
    monkeypatch.setattr(images, "clean", None)
    assert asyncio.run(store.add(data)) == first
    assert first.animated


def test_an_interrupted_upload_is_finished_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encoded(drawing(), "JPEG")
    storage = LocalStorage(tmp_path)
    put = LocalStorage.put
    names: list[str] = []

    def killed(self: LocalStorage, name: str, content: bytes) -> None:
        names.append(name)
        if len(names) == 3:
            raise KeyboardInterrupt
        put(self, name, content)

    with monkeypatch.context() as context:
        context.setattr(LocalStorage, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            ImageStore(storage)._add(data, "0" * 64)
    assert asyncio.run(ImageStore(storage).get("0" * 64, "full")) is None
    asyncio.run(ImageStore(storage).add(data, "0" * 64))
    for size in ("full", *SIZES):
        assert asyncio.run(ImageStore(storage).get("0" * 64, size)) is not None


def test_what_is_refused_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ImageRefusedError):
        asyncio.run(ImageStore(LocalStorage(tmp_path)).add(SVG))
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(
    ("sha256", "size"),
    [
        ("../" * 8, "full"),
        ("a" * 63, "full"),
        ("A" * 64, "full"),
        ("a" * 64, "../full"),
        ("a" * 64, "w1"),
        ("", ""),
    ],
)
def test_what_is_no_name_finds_nothing(tmp_path: Path, sha256: str, size: str) -> None:
    assert asyncio.run(ImageStore(LocalStorage(tmp_path)).get(sha256, size)) is None
