import hashlib
import io
from collections.abc import Iterator

import docx
import httpx2
import pytest

from app.bulletins.document import BulletinDocument, Image
from app.editorial.workflow import Role
from app.kit.settings import Settings
from tests.bulletins.conftest import problem, refused
from tests.conftest import Server
from tests.editorial.conftest import Draft, approved, begin, body, bulletin, codes, join
from tests.editorial.test_routes_imports import upload
from tests.kit.pictures import SVG, archive, bomb, drawing, encoded
from tests.kit.wire import client_of


@pytest.fixture
def desk(server: Server, settings: Settings) -> Iterator[httpx2.Client]:
    """The API as an editor uses it."""
    key = {"Authorization": f"Bearer {join(settings, 'eva', Role.editor)}"}
    with client_of(server.port, key, timeout=60) as client:
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


def illustrated(*sources: str) -> BulletinDocument:
    first, second = bulletin().sections
    pictures = tuple(Image(src=src, alt="图") for src in sources)
    second = second.model_copy(update={"body": (*second.body, *pictures)})
    return bulletin().model_copy(update={"sections": (first, second)})


@pytest.mark.parametrize(
    ("src", "code", "said"),
    [
        ("http://evil.example/x.png", "picture.external", "在别的网站上"),
        ("javascript:alert(1)", "picture.external", "在别的网站上"),
        (f"sha256:{'0' * 64}", "picture.missing", "没有保存过图片"),
        ("sha256:../../etc", "picture.missing", "没有保存过图片"),
    ],
)
def test_a_picture_that_is_not_kept_here_stops_the_draft(
    editor: httpx2.Client, src: str, code: str, said: str
) -> None:
    draft = begin(editor, illustrated(src))
    (finding,) = draft.seen["findings"]
    assert (finding["code"], finding["severity"]) == (code, "error")
    assert (finding["position"]["section"], said in finding["message"]) == (2, True)
    assert codes(draft.step("submit")) == ["report.errors"]
    assert draft.send("PUT", "/document", body(bulletin())).json()["findings"] == []
    assert draft.send("PUT", "/document", body(illustrated(src))).json()["findings"] == [finding]
    assert [each["code"] for each in draft.send("POST", "/restore", {"revision": 2}).json()["findings"]] == []


def test_a_picture_that_was_uploaded_goes_out(editor: httpx2.Client, reviewer: httpx2.Client) -> None:
    src = editor.post("/v1/editorial/images", content=encoded(drawing(), "PNG")).json()["src"]
    draft = approved(editor, reviewer, illustrated(src, src))
    assert draft.seen["findings"] == []
    assert draft.step("publish").status_code == 200


def test_the_pictures_of_an_imported_file_are_found_when_it_is_edited(editor: httpx2.Client) -> None:
    made = imported(editor)
    kept = [finding["code"] for finding in made.seen["findings"]]
    (src,) = (
        block["src"]
        for section in made.seen["document"]["sections"]
        for block in section["body"]
        if block["type"] == "image"
    )
    assert src.startswith("sha256:")
    assert made.patch(abstract="另一段摘要。").status_code == 200
    assert [f["code"] for f in made.seen["findings"]] == kept
    assert not [code for code in kept if code.startswith("picture.")]


def imported(client: httpx2.Client) -> Draft:
    """A draft made of a file of Word with a picture."""
    file = docx.Document()
    for text in (
        "新质生产力每日动态",
        "2026 年 6 月 25 日",
        "摘要",
        "今日要闻。",
        "一、列车开通",
        "列车今天开出。",
    ):
        file.add_paragraph(text)
    file.add_picture(io.BytesIO(encoded(drawing(), "PNG")))
    packed = io.BytesIO()
    file.save(packed)
    answer = upload(client, packed.getvalue(), "a.docx")
    seen = answer.json()["draft"]
    return Draft(client, f"/v1/editorial/drafts/{seen['id']}", answer.headers["etag"], seen)
