from collections.abc import Iterator
from pathlib import Path

import pytest

from app.kit.settings import Settings
from app.wechat.js import signature
from tests.conftest import Server, serving
from tests.wechat.reader import APPID
from tests.wechat.simulator import Simulator
from tests.wechat.simulator_world import SECRET

PAGE = "https://example.org/bulletins/2026-06-25?from=wechat"


@pytest.fixture
def wired(settings: Settings, wechat: Simulator, tmp_path: Path) -> Iterator[Server]:
    file = tmp_path / "wechat.toml"
    file.write_text(
        f"""[account.main]
appid = "{APPID}"
secret = "{SECRET}"
website = "https://example.org/{{slug}}"
js_hosts = ["example.org", "example.org:8443"]
api = "{wechat.url}"
""",
        "utf-8",
    )
    with serving(settings.model_copy(update={"wechat": file})) as server:
        yield server


def test_the_signature_is_that_of_the_official_example() -> None:
    ticket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
    url = "http://mp.weixin.qq.com?params=value"
    made = signature(ticket, "Wm3WZYTPz0wzccnW", 1414587457, url)
    assert made == "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
    assert signature(ticket, "Wm3WZYTPz0wzccnW", 1414587457, f"{url}#top") == made


def test_a_page_of_a_configured_host_is_signed_with_one_ticket_for_all(
    wired: Server, wechat: Simulator
) -> None:
    answers = [wired.client.get("/v1/wechat/js-config", params={"url": PAGE}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    config = answers[0].json()
    assert set(config) == {"appId", "timestamp", "nonceStr", "signature"}
    assert config["appId"] == APPID
    assert answers[0].headers["cache-control"] == "no-store"
    assert wechat.world.calls["ticket/getticket"] == 1
    (ticket,) = wechat.world.tickets
    assert config["signature"] == signature(ticket, config["nonceStr"], config["timestamp"], PAGE)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.org/",
        "https://example.org.evil.org/",
        "https://user@example.org/",
        "https://example.org:9/",
        "ftp://example.org/",
        "//example.org/",
        "https://[",
        "x",
    ],
)
def test_a_page_of_another_host_is_not_signed(wired: Server, wechat: Simulator, url: str) -> None:
    answer = wired.client.get("/v1/wechat/js-config", params={"url": url})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "url"
    assert wechat.log == []


def test_an_unknown_account_or_parameter_is_refused(wired: Server) -> None:
    for params in ({"account": "nobody"}, {"colour": "red"}):
        answer = wired.client.get("/v1/wechat/js-config", params={"url": PAGE} | params)
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, next(iter(params)))


def test_without_wechat_there_is_no_signature(wired: Server, wechat: Simulator) -> None:
    wechat.world.whitelist.clear()
    answer = wired.client.get("/v1/wechat/js-config", params={"url": PAGE})
    assert answer.status_code == 503
    assert SECRET not in answer.text
