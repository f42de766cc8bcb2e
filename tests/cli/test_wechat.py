import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.wechat.accounts import Account
from tests.conftest import Publish
from tests.wechat.accounts_file import accounts_file
from tests.wechat.conftest import issue
from tests.wechat.simulator import Simulator, simulating
from tests.wechat.simulator_world import APPID, SECRET

Run = Callable[..., subprocess.CompletedProcess[str]]
Failure = Callable[[subprocess.CompletedProcess[str]], str]

SLUG = "2026-06-25"


@dataclass(frozen=True)
class Told:
    """The command with an account at a WeChat of its own."""

    nqpf: Run
    file: Path
    wechat: Simulator

    def __call__(self, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = self.nqpf("wechat", *arguments, NQPF_WECHAT=self.file)
        assert done.returncode == code, done.stdout + done.stderr
        assert SECRET not in done.stdout + done.stderr
        return done


@pytest.fixture
def told(nqpf: Run, publish: Publish, tmp_path: Path) -> Iterator[Told]:
    publish(issue(date.fromisoformat(SLUG), heading="软银", text="正文。"))
    with simulating() as wechat:
        account = Account(
            name="main",
            appid=APPID,
            secret=SecretStr(SECRET),
            website="https://example.org/{slug}",
            api=wechat.url,
        )
        yield Told(nqpf, accounts_file(tmp_path, account), wechat)


def test_an_article_goes_from_rehearsal_to_publication(told: Told, tmp_path: Path) -> None:
    shown = told("preview", SLUG, "--out", tmp_path / "dry").stdout
    assert "标题：新质生产力每日动态 2026-06-25" in shown
    assert told.wechat.log == [], "a rehearsal sends nothing"
    files = sorted(path.name for path in (tmp_path / "dry").iterdir())
    assert files == ["01-material-add_material.http", "02-draft-add.http", "article.html"]
    request = (tmp_path / "dry" / "02-draft-add.http").read_text("utf-8")
    assert request.startswith(f"POST {told.wechat.url}/cgi-bin/draft/add?access_token=ACCESS_TOKEN HTTP/1.1")
    article = json.loads(request.partition("\n\n")[2])["articles"][0]
    assert article["title"] == "新质生产力每日动态 2026-06-25"
    assert told("draft", SLUG).stdout.startswith(f"{SLUG}  草稿已建")
    assert told.wechat.asked("draft/add")[0]["articles"][0]["content"] == article["content"]
    assert "发布中" in told("publish", SLUG).stdout
    steps = json.loads(told("status", SLUG, "--json").stdout)["steps"]
    assert [step["step"] for step in steps] == ["add-draft", "submit", "poll"]
    assert "发布中" in told("status").stdout
    shown = told("status", SLUG).stdout
    assert "新建草稿  完成  草稿编号：" in shown
    assert "提交发布  完成  " in shown
    assert "发布编号：" in shown
    assert "{" not in shown


def test_a_message_to_all_waits_for_an_administrator(told: Told) -> None:
    assert "等待管理员确认群发" in told("publish", SLUG, "--mode", "sendall").stdout
    assert told.wechat.world.messages == {}
    told("publish", SLUG, "--mode", "sendall", "--confirm")
    assert len(told.wechat.world.messages) == 1


def test_a_draft_is_shown_to_one_person(told: Told) -> None:
    told("draft", SLUG)
    assert "已发送预览给 editor" in told("preview", SLUG, "--to", "editor").stdout
    assert [name for name, _ in told.wechat.world.previews] == ["editor"]


def test_what_stops_an_article_is_said_and_retried(told: Told, failure: Failure) -> None:
    told.wechat.fail("draft/add", code=45166)
    assert "正文含有微信不接受的内容" in failure(told("draft", SLUG, code=1))
    assert "正文含有微信不接受的内容" in told("status").stdout
    assert "草稿已建" in told("retry", SLUG).stdout


def test_reconciling_finds_what_was_done_by_hand(told: Told) -> None:
    told("draft", SLUG)
    assert "与微信一致" in told("reconcile").stdout
    (media_id,) = told.wechat.world.drafts
    told.wechat.world._submit({}, {"media_id": media_id}, b"")
    told.wechat.world.finish(next(iter(told.wechat.world.jobs)))
    assert "已被手动发表" in told("reconcile").stdout
    assert "已发布" in told("status").stdout
    told.wechat.world.articles.clear()
    assert "找不到这篇文章" in told("reconcile").stdout


def test_the_menu_is_pushed_shown_and_compared(told: Told) -> None:
    assert "+最新一期" in told("menu", "diff", code=1).stdout
    told("menu", "push")
    assert "最新一期 key=latest type=click" in told("menu", "show").stdout
    assert "  数据要素 key=q:数据要素 type=click" in told("menu", "show").stdout
    assert "菜单一致" in told("menu", "diff").stdout


def test_accounts_are_listed_and_checked_without_secrets(told: Told) -> None:
    listed = told("accounts", "--check").stdout
    assert f"main（默认）  {APPID}  发布到 draft  safe" in listed
    assert "可用" in listed


def test_nobody_has_asked_anything_yet(told: Told) -> None:
    assert json.loads(told("asked", "--json").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("draft", "2020-01-01"), "没有发布"),
        (("status", "2020-01-01"), "没有 2020-01-01 的文章"),
        (("draft", SLUG, "--account", "second"), "there is no account second"),
        (("publish", SLUG, "--mode", "fax"), "neither freepublish nor sendall"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    told: Told, failure: Failure, arguments: tuple[str, ...], reason: str
) -> None:
    assert reason in failure(told(*arguments, code=1))


def test_a_wechat_that_refuses_us_is_one_line_with_the_remedy(told: Told, failure: Failure) -> None:
    told.wechat.world.whitelist.clear()
    assert "白名单" in failure(told("menu", "push", code=1))


def test_without_the_setting_the_command_says_which(nqpf: Run, failure: Failure) -> None:
    assert "NQPF_WECHAT is not set" in failure(nqpf("wechat", "status"))


def test_the_doctor_reads_the_accounts(told: Told, failure: Failure, tmp_path: Path) -> None:
    def wechat_check(file: Path) -> dict[str, str]:
        checks = json.loads(told.nqpf("doctor", "--json", NQPF_WECHAT=file).stdout)["checks"]
        found: dict[str, str] = next(check for check in checks if check["name"] == "wechat")
        return found

    assert wechat_check(told.file)["status"] == "ok"
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[account", "utf-8")
    assert wechat_check(wrong)["status"] == "error"
    assert "is not TOML" in failure(told.nqpf("wechat", "status", NQPF_WECHAT=wrong))
