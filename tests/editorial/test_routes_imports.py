import asyncio
import hashlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import httpx2
import psycopg
import pytest

from app.kit.settings import Settings
from tests.conftest import Server
from tests.editorial.conftest import Draft, Login, approved, codes

ADDRESS = "/v1/editorial/imports"


def upload(
    client: httpx2.Client, content: bytes, name: str = "2026-06-25.txt", **headers: str
) -> httpx2.Response:
    return client.post(ADDRESS, files={"file": (name, content)}, headers=headers)


@pytest.fixture
def sample(samples: Path) -> bytes:
    return (samples / "2026-06-25.docx").read_bytes()


def test_a_file_becomes_a_draft_with_a_report_and_is_kept_byte_for_byte(
    editor: httpx2.Client, sample: bytes
) -> None:
    answer = upload(editor, sample, "每日动态 2026-06-25.docx")
    assert answer.status_code == 201, answer.text
    seen = answer.json()
    assert (seen["outcome"], seen["draft"]["slug"], seen["draft"]["author"]) == (
        "created",
        "2026-06-25",
        "eva",
    )
    assert seen["report"]["sha256"] == hashlib.sha256(sample).hexdigest()
    assert len(seen["draft"]["document"]["sections"]) == 5
    assert editor.get(answer.headers["location"]).headers["etag"] == answer.headers["etag"]
    (revision,) = editor.get(f"{answer.headers['location']}/revisions").json()["items"]
    assert revision["source"] == "每日动态 2026-06-25.docx"
    source = editor.get(f"/v1/editorial/revisions/{revision['id']}/source")
    assert source.content == sample
    assert source.headers["content-type"] == "application/octet-stream"
    assert source.headers["x-content-type-options"] == "nosniff"
    disposition = source.headers["content-disposition"]
    assert unquote(disposition) == "attachment; filename*=UTF-8''每日动态 2026-06-25.docx"


def test_the_same_file_again_changes_nothing_and_another_is_a_revision(
    editor: httpx2.Client, samples: Path
) -> None:
    text = (samples / "2026-06-25.txt").read_bytes()
    first, again = upload(editor, text), upload(editor, text)
    assert (again.json()["outcome"], again.headers["etag"]) == ("unchanged", first.headers["etag"])
    assert (first.status_code, again.status_code) == (201, 200)
    changed = upload(editor, text.replace("摘要".encode(), "摘要\n\n新的一句。".encode(), 1))
    assert (changed.json()["outcome"], changed.json()["draft"]["revision"]) == ("revised", 2)


def edited(editor: httpx2.Client, text: bytes) -> Draft:
    """A draft of the file whose abstract was changed at the desk."""
    seen = upload(editor, text)
    draft = Draft(editor, f"/v1/editorial/drafts/{seen.json()['draft']['id']}", seen.headers["etag"], {})
    assert draft.patch(abstract="编辑台改过的摘要").status_code == 200
    return draft


def test_the_same_file_again_leaves_alone_what_the_desk_has_made_of_it(
    editor: httpx2.Client, reviewer: httpx2.Client, samples: Path
) -> None:
    text = (samples / "2026-06-25.txt").read_bytes()
    draft = edited(editor, text)
    for state in ("draft", "published"):
        again = upload(editor, text)
        assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
        assert again.json()["draft"]["document"]["abstract"] == "编辑台改过的摘要"
        assert again.json()["draft"]["state"] == state
        assert again.headers["etag"] == draft.etag
        assert again.json()["report"]["findings"][-1]["code"] == "import.superseded"
        for action, client in [("submit", editor), ("approve", reviewer), ("publish", reviewer)]:
            if state == "draft":
                assert draft.step(action, client).status_code == 200


def test_the_same_file_is_known_though_the_desk_has_changed_its_date_and_its_text(
    editor: httpx2.Client, samples: Path
) -> None:
    text = (samples / "2026-06-25.txt").read_bytes()
    draft = edited(editor, text)
    assert draft.patch(date="2026-06-24", sections=[], citations=[]).status_code == 200
    again = upload(editor, text)
    assert (again.json()["outcome"], again.json()["draft"]["slug"]) == ("unchanged", "2026-06-24")


def test_another_file_over_work_of_the_desk_says_whose_it_stands_above(
    editor: httpx2.Client, samples: Path
) -> None:
    text = (samples / "2026-06-25.txt").read_bytes()
    draft = edited(editor, text)
    for number, found in ((3, ["import.over-edits"]), (4, [])):
        text = text.replace("摘要".encode(), f"摘要\n\n新的第 {number} 句。".encode(), 1)
        other = upload(editor, text)
        assert (other.json()["outcome"], other.json()["draft"]["revision"]) == ("revised", number)
        findings = [f for f in other.json()["report"]["findings"] if f["code"].startswith("import.")]
        assert [f["code"] for f in findings] == found
        if findings:
            assert findings[0]["severity"] == "warning"
            assert re.search(r"修订 2，eva，\d{4}-\d\d-\d\d \d\d:\d\d", findings[0]["message"])
    restored = draft.read().send("POST", "/restore", {"revision": 2})
    assert restored.json()["document"]["abstract"] == "编辑台改过的摘要"


def test_an_import_sent_twice_under_one_key_is_answered_once(editor: httpx2.Client, samples: Path) -> None:
    text = (samples / "2026-06-25.txt").read_bytes()
    first, again = (upload(editor, text, **{"Idempotency-Key": "i"}) for _ in range(2))
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    other = upload(editor, text, "other.txt", **{"Idempotency-Key": "i"})
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.exe", b"MZ", "file.unsupported"),
        ("a.txt", b"", "file.empty"),
        ("a.docx", b"PK\x03\x04broken", "file.damaged"),
        ("a.pdf", b"%PDF-1.4", "file.damaged"),
        ("a.txt", b"\x89PNG\r\n", "file.binary"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_chinese_and_leaves_nothing(
    editor: httpx2.Client, settings: Settings, name: str, content: bytes, code: str
) -> None:
    answer = upload(editor, content, name)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unreadable-file")
    (reason,) = answer.json()["reasons"]
    assert reason["code"] == code
    assert reason["message"].startswith(name)
    with psycopg.connect(settings.conninfo) as connection:
        assert connection.execute("SELECT 1 FROM draft, source_file").fetchall() == []


def stream(size: int) -> Iterator[bytes]:
    """A multipart body of unknown length with a file of ``size`` bytes."""
    yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.docx"\r\n\r\nPK\x03\x04'
    for _ in range(size // 2**16):
        yield bytes(2**16)
    yield b"\r\n--x--\r\n"


def test_a_docx_of_50_megabytes_is_a_413_whether_or_not_its_length_is_announced(
    editor: httpx2.Client,
) -> None:
    announced = upload(editor, b"PK\x03\x04" + bytes(50 * 2**20), "a.docx")
    content_type = {"Content-Type": "multipart/form-data; boundary=x"}
    streamed = editor.post(ADDRESS, content=stream(50 * 2**20), headers=content_type)
    for answer in (announced, streamed):
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
    assert editor.get("/v1/editorial/me").status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x", b"not multipart"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n1\r\n--x--\r\n',
        ),
        ("multipart/form-data; boundary=x", b"--x--\r\n"),
        ("multipart/form-data; boundary=" + "x" * 300, b"--x--\r\n"),
    ],
)
def test_a_form_without_a_file_is_a_problem(editor: httpx2.Client, content_type: str, body: bytes) -> None:
    answer = editor.post(ADDRESS, content=body, headers={"Content-Type": content_type})
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\temp\\x.txt", "x.txt"),
        ("/absolute.txt", "absolute.txt"),
        ("a\rb\nc.txt", None),
        ('"><script>.txt', None),
        ("长" * 500 + ".txt", None),
        ("..txt", None),
    ],
)
def test_a_files_name_is_a_name_and_no_path(
    editor: httpx2.Client, samples: Path, name: str, kept: str | None
) -> None:
    answer = upload(editor, (samples / "2026-06-25.txt").read_bytes(), name)
    if answer.status_code == 201:
        shown = answer.json()["report"]["file"]
        assert kept is None or shown == kept
        assert len(shown) <= 200
        assert not set(shown) & set("/\\\r\n")
    else:
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unreadable-file")


def test_what_is_approved_is_not_overwritten_by_an_import(
    editor: httpx2.Client, reviewer: httpx2.Client, samples: Path
) -> None:
    draft = approved(editor, reviewer)
    assert codes(upload(editor, (samples / "2026-06-25.txt").read_bytes())) == ["state.wrong"]
    assert draft.read().etag == draft.etag


def test_an_import_without_a_login_is_refused_before_anything_is_read(api: httpx2.Client) -> None:
    answer = upload(api, b"x", "a.exe")
    assert answer.status_code == 401


def test_while_a_file_is_read_others_are_answered(server: Server, login: Login) -> None:
    """Three long texts are read; meanwhile the API answers as if nothing was happening."""
    long = ("一、标题\n\n" + "国家数据局发布湖北案例。" * 20 + "\n\n").encode() * 300
    client = login("eva")

    async def run() -> list[float]:
        async with httpx2.AsyncClient(base_url=server.client.base_url, timeout=120) as asking:
            uploads = [
                asyncio.create_task(
                    asking.post(
                        ADDRESS,
                        files={"file": ("a.txt", long + bytes([65 + n]))},
                        headers=dict(client.headers),
                    )
                )
                for n in range(3)
            ]
            waits = []
            while not all(task.done() for task in uploads):
                before = time.monotonic()
                assert (await asking.get("/health/live")).status_code == 200
                waits.append(time.monotonic() - before)
            for task in uploads:
                assert task.result().status_code in (201, 422)
            return waits

    assert len(asyncio.run(run())) > 5
