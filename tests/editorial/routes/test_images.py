import hashlib
from collections.abc import Iterator

import httpx2
import pytest

from app.editorial.workflow import Role
from app.kit.settings import Settings
from tests.bulletins.conftest import problem, refused
from tests.conftest import Server
from tests.editorial.conftest import join
from tests.kit.pictures import SVG, archive, bomb, drawing, encoded


@pytest.fixture
def desk(server: Server, settings: Settings) -> Iterator[httpx2.Client]:
    """The API as an editor uses it."""
    key = {"Authorization": f"Bearer {join(settings, 'eva', Role.editor)}"}
    with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=60, headers=key) as client:
        yield client


def test_an_uploaded_picture_can_be_seen_by_editors_only(desk: httpx2.Client, api: httpx2.Client) -> None:
    data = encoded(drawing(), "PNG")
    answer = desk.post("/v1/editorial/images", content=data)
    assert answer.status_code == 201, answer.text
    image = answer.json()
    digest = hashlib.sha256(data).hexdigest()
    assert (image["sha256"], image["src"]) == (digest, f"sha256:{digest}")
    assert (image["media_type"], image["width"], image["height"], image["animated"]) == (
        "image/png",
        600,
        400,
        False,
    )
    for size in ("full", *image["sizes"]):
        kept = desk.get(f"/v1/editorial/images/{digest}/{size}")
        assert kept.status_code == 200
        assert kept.headers["content-type"].startswith("image/")
        assert kept.headers["cache-control"] == "no-store"
        assert kept.headers["x-content-type-options"] == "nosniff"
    assert desk.post("/v1/editorial/images", content=data).json() == image
    for address in (f"/v1/images/{digest}", f"/v1/images/{digest}/w320"):
        problem(api.get(address), 404, "not-found")
    problem(api.get(f"/v1/editorial/images/{digest}/full"), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "image.unsupported"), (SVG, "image.unsupported"), (bomb(), "image.too-many-pixels"),
        (encoded(drawing(), "GIF") + archive(), "image.trailing"),
        (encoded(drawing(), "JPEG")[:900], "image.damaged"),
    ],
)  # fmt: skip
def test_what_is_refused_says_why_in_chinese_with_a_code(desk: httpx2.Client, data: bytes, code: str) -> None:
    answer = desk.post("/v1/editorial/images", content=data)
    refused(answer, "body")
    assert answer.json()["errors"][0]["detail"].startswith(f"{code}：")


def test_a_file_beyond_the_limit_is_told_so(desk: httpx2.Client) -> None:
    answer = desk.post("/v1/editorial/images", content=encoded(drawing(), "JPEG") + b"\0" * 10 * 2**20)
    problem(answer, 413, "too-large")


def test_without_the_right_nothing_is_taken(desk: httpx2.Client, api: httpx2.Client) -> None:
    data = encoded(drawing(599, 401), "PNG")
    problem(api.post("/v1/editorial/images", content=data), 401, "unauthenticated")
    digest = hashlib.sha256(data).hexdigest()
    problem(desk.get(f"/v1/editorial/images/{digest}/full"), 404, "not-found")


@pytest.mark.parametrize(
    "path", ["..%2F..%2Fetc%2Fpasswd/full", "%00/full", f"{'a' * 64}/..%2Ffull", f"{'a' * 64}/w1"]
)
def test_a_trick_with_the_path_finds_nothing(desk: httpx2.Client, path: str) -> None:
    problem(desk.get(f"/v1/editorial/images/{path}"), 404, "not-found")


def test_an_unknown_parameter_is_refused(desk: httpx2.Client) -> None:
    refused(desk.post("/v1/editorial/images?name=../../x", content=encoded(drawing(), "PNG")), "name")
