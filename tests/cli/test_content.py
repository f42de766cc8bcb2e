import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.kit.settings import Settings
from app.rendering.text import render_text
from scripts.archive import generate

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bulletin(samples: Path) -> Path:
    return samples / "2026-06-25.txt"


def imported(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    files = json.loads(done.stdout)["files"]
    assert isinstance(files, list)
    return files


def test_published_bulletin_is_listed_and_shown(nqpf: Run, bulletin: Path) -> None:
    done = nqpf("import", bulletin, "--publish")
    assert done.returncode == 0, done.stderr
    assert f"{bulletin}：2026-06-25 新建，修订 1，已发布第 1 版" in done.stdout
    assert "2026-06-25  第 1 版  " in nqpf("list").stdout
    shown = nqpf("show", "2026-06-25").stdout
    assert "2. 国家数据局发布湖北交通运输案例" in shown
    assert "参考文献" in shown
    assert json.loads(nqpf("show", "2026-06-25", "--json").stdout)["slug"] == "2026-06-25"


def test_imported_bulletin_is_not_public_without_being_published(nqpf: Run, bulletin: Path) -> None:
    nqpf("import", bulletin)
    assert nqpf("list").stdout == "还没有已发布的每日动态。\n"
    assert nqpf("show", "2026-06-25").returncode == 1


def test_same_file_again_changes_nothing_and_says_so(nqpf: Run, bulletin: Path) -> None:
    nqpf("import", bulletin, "--publish")
    done = nqpf("import", bulletin, "--publish")
    assert done.returncode == 0
    assert "2026-06-25 没有变化，修订 1，已发布第 1 版（原已发布）" in done.stdout


def test_a_file_that_was_revised_since_publishes_nothing_that_it_does_not_hold(
    nqpf: Run, bulletin: Path, tmp_path: Path
) -> None:
    nqpf("import", bulletin, "--publish")
    changed = tmp_path / "changed.txt"
    changed.write_text(bulletin.read_text("utf-8").replace("规模化创新", "规模化的创新"), "utf-8")
    nqpf("import", changed)
    done = nqpf("import", bulletin, "--publish", "--json")
    (file,) = imported(done)
    assert (done.returncode, file["outcome"], file["revision"], file["version"]) == (1, "unchanged", 2, None)
    assert file["error"]["code"] == "import.superseded"
    nqpf("import", changed, "--publish")
    (file,) = imported(nqpf("import", bulletin, "--publish", "--json"))
    assert (file["outcome"], file["revision"], file["version"], file["error"]) == ("unchanged", 2, 2, None)


def test_changed_file_makes_a_new_revision_and_version(nqpf: Run, bulletin: Path, tmp_path: Path) -> None:
    nqpf("import", bulletin, "--publish")
    changed = tmp_path / "changed.txt"
    changed.write_text(bulletin.read_text("utf-8").replace("规模化创新", "规模化的创新"), "utf-8")
    (file,) = imported(nqpf("import", changed, "--publish", "--json"))
    assert (file["slug"], file["outcome"], file["revision"], file["version"]) == (
        "2026-06-25",
        "revised",
        2,
        2,
    )
    listed = json.loads(nqpf("list", "--json").stdout)
    assert [(item["slug"], item["version"]) for item in listed["items"]] == [("2026-06-25", 2)]
    assert listed["more"] is False


def test_file_that_is_named_twice_is_read_once_and_that_is_said(
    nqpf: Run, bulletin: Path, tmp_path: Path
) -> None:
    (tmp_path / "link.txt").symlink_to(bulletin)
    done = nqpf("import", bulletin, "missing.txt", "link.txt", "./missing.txt", "--publish")
    assert done.returncode == 1
    assert f"link.txt：与前面的 {bulletin} 是同一个文件，只读一次\n" in done.stdout
    assert done.stdout.count("2026-06-25 新建，修订 1") == 1
    assert done.stdout.count("file.missing") == 1
    again = imported(nqpf("import", bulletin, "link.txt", "--json"))
    assert [(file["outcome"], file["same_as"]) for file in again] == [
        ("unchanged", None),
        (None, str(bulletin)),
    ]


def test_bad_file_does_not_stop_the_others(nqpf: Run, bulletin: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    done = nqpf("import", "missing.txt", "empty.txt", bulletin, "--publish", "--json")
    assert done.returncode == 1
    missing, empty, good = imported(done)
    assert missing["error"]["code"] == "file.missing"
    assert "missing.txt" in missing["error"]["message"]
    assert empty["error"]["code"]
    assert good["version"] == 1
    assert good["error"] is None
    lines = nqpf("import", "missing.txt", bulletin).stdout
    assert "missing.txt：file.missing " in lines
    assert "没有变化" in lines


def test_bulletin_with_errors_is_kept_but_not_published(nqpf: Run, bulletin: Path, tmp_path: Path) -> None:
    undated = tmp_path / "undated.txt"
    lines = bulletin.read_text("utf-8").splitlines(keepends=True)
    undated.write_text("".join(line for line in lines if not line.startswith("2026")), "utf-8")
    done = nqpf("import", undated, "--publish", "--json")
    (file,) = imported(done)
    assert done.returncode == 1
    assert (file["outcome"], file["version"], file["error"]["code"]) == ("created", None, "date.missing")
    assert any(finding["severity"] == "error" for finding in file["findings"])
    assert "  错误 date.missing" in nqpf("import", undated).stdout


def test_report_tells_where_each_finding_is(nqpf: Run, bulletin: Path) -> None:
    done = nqpf("import", bulletin)
    # In section four a page break cuts a sentence.
    assert "  提示 paragraph.joined（第 49 行）：" in done.stdout


def test_file_with_a_corrected_date_and_name_is_the_same_bulletin(
    nqpf: Run, bulletin: Path, tmp_path: Path
) -> None:
    other = tmp_path / "2026-06-24.txt"
    other.write_text(bulletin.read_text("utf-8").replace("2026 年 6 月 25 日", "2026 年 6 月 24 日"), "utf-8")
    nqpf("import", other)
    assert "2026-06-25（日期原为 2026-06-24） 更新" in nqpf("import", bulletin).stdout
    assert nqpf("import", bulletin, "--publish").returncode == 0
    with other.open("a", encoding="utf-8") as file:
        file.write("\n")
    refused = nqpf("import", other, "--publish")
    assert refused.returncode == 1
    assert "date.published 这一期已按日期 2026-06-25 发布" in refused.stdout
    assert [item["slug"] for item in json.loads(nqpf("list", "--json").stdout)["items"]] == ["2026-06-25"]


def test_list_says_that_there_are_more(nqpf: Run, bulletin: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text(render_text(next(generate(1, seed=1))), "utf-8")
    nqpf("import", bulletin, other, "--publish")
    done = nqpf("list", "--limit", 1)
    assert "2026-06-25" in done.stdout
    assert "只列出最新的 1 期" in done.stdout
    assert json.loads(nqpf("list", "--limit", 1, "--json").stdout)["more"] is True
    assert len(json.loads(nqpf("list", "--json").stdout)["items"]) == 2


def test_missing_bulletin_is_one_line(nqpf: Run, failure: Callable[..., str]) -> None:
    assert failure(nqpf("show", "2020-01-01")).startswith("bulletin.missing：没有已发布的 2020-01-01")


def test_many_files_show_a_bar_on_a_terminal_only(settings: Settings, bulletin: Path) -> None:
    command = [sys.executable, "-P", "-m", "app.cli", "import", str(bulletin), str(bulletin)]
    environment = {**os.environ, "DATABASE_URL": settings.conninfo, "TERM": "xterm"}
    plain = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert plain.stderr == b""
    assert plain.stdout.count(b"\n") >= 2
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 4096):
                shown += chunk
        except OSError:  # The other end is closed.
            pass
        assert process.stdout
        lines = process.stdout.read()
    os.close(ours)
    assert "━".encode() in shown
    assert "没有变化".encode() in lines


def test_empty_file_name_is_refused(nqpf: Run) -> None:
    done = nqpf("import", "")
    assert done.returncode == 2
    assert "a file name is empty" in done.stderr


def test_folder_without_a_name_is_refused_by_its_path(nqpf: Run) -> None:
    done = nqpf("import", ".")
    assert done.returncode == 1
    assert ".：不是文件" in done.stdout


def test_a_note_goes_to_the_public_with_its_publication_only(nqpf: Run, bulletin: Path) -> None:
    done = nqpf("import", bulletin, "--note", "更正说明")
    assert done.returncode == 2
    assert "--publish" in done.stderr
    assert nqpf("list").stdout == "还没有已发布的每日动态。\n"
    assert nqpf("import", bulletin, "--publish", "--note", "更正说明").returncode == 0


def test_a_withdrawn_bulletin_is_no_longer_listed(
    nqpf: Run, bulletin: Path, failure: Callable[..., str]
) -> None:
    nqpf("import", bulletin, "--publish")
    done = nqpf("withdraw", "2026-06-25", "--note", "数据有误。")
    assert done.stdout == "2026-06-25：已撤下（第 2 版）\n"
    assert nqpf("list").stdout == "还没有已发布的每日动态。\n"
    assert "not-public：" in failure(nqpf("withdraw", "2026-06-25", "--note", "数据有误。"))
    (file,) = imported(nqpf("import", bulletin, "--publish", "--json"))
    assert (file["outcome"], file["version"]) == ("unchanged", 3)
    assert json.loads(nqpf("withdraw", "2026-06-25", "--note", "又", "--json").stdout) == {
        "slug": "2026-06-25", "version": 4,
    }  # fmt: skip


def test_a_withdrawal_needs_a_note(nqpf: Run, bulletin: Path, failure: Callable[..., str]) -> None:
    nqpf("import", bulletin, "--publish")
    assert nqpf("withdraw", "2026-06-25").returncode == 2
    assert "note.missing：" in failure(nqpf("withdraw", "2026-06-25", "--note", " "))
    assert "2026-06-25" in nqpf("list").stdout
