"""Readers and WeChat call the real server; what they find is the real bulletin."""

import re
import time
from collections.abc import Iterator
from uuid import uuid4

import httpx2
import psycopg
import pytest

from app.kit.settings import Settings
from tests.conftest import Cluster, Server, publish_into, serving
from tests.rendering.wechat_samples import seed
from tests.wechat.reader import APPID, KEY, MODES, TOKEN, Mode, Reader, query, signed
from tests.wechat.simulator_world import SECRET

OTHER_KEY = "B" * 42 + "A"
ACCOUNTS = f"""
default = "safe"
[account.safe]
appid = "{APPID}"
secret = "{SECRET}"
token = "{TOKEN}"
aes_key = "{OTHER_KEY}"
previous_aes_key = "{KEY}"
website = "https://example.org/{{slug}}"
search = "https://example.org/search?q={{q}}"
[account.compatible]
appid = "{APPID}"
secret = "{SECRET}"
token = "{TOKEN}"
aes_key = "{KEY}"
callback = "compatible"
website = "https://example.org/{{slug}}"
[account.plain]
appid = "{APPID}"
secret = "{SECRET}"
token = "{TOKEN}"
callback = "plain"
website = "https://example.org/{{slug}}"
[account.silent]
appid = "{APPID}"
secret = "{SECRET}"
website = "https://example.org/{{slug}}"
"""


@pytest.fixture(scope="module")
def configured(
    cluster: Cluster, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    file = tmp_path_factory.mktemp("wechat") / "wechat.toml"
    file.write_text(ACCOUNTS, "utf-8")
    with cluster.database(template) as settings:
        publish_into(settings, [seed()])
        yield settings.model_copy(update={"wechat": file})


@pytest.fixture(scope="module")
def wired(configured: Settings) -> Iterator[Server]:
    with serving(configured) as server:
        yield server


@pytest.fixture
def reader(wired: Server) -> Reader:
    """Somebody who has never written before."""
    return Reader(wired.client, openid=f"o-{uuid4().hex}")


def rows(settings: Settings, sql: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(settings.conninfo) as connection:
        return connection.execute(sql, values).fetchall()


def test_the_handshake_gives_the_echo_back_as_it_is(wired: Server) -> None:
    answer = wired.client.get("/wechat/callback", params=query() | {"echostr": "4375120948345356249"})
    assert (answer.status_code, answer.text) == (200, "4375120948345356249")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "change", [{"signature": "0" * 40}, {"nonce": "2"}, {"timestamp": "x"}, {"signature": "ä"}]
)
def test_a_handshake_that_is_not_wechats_is_refused(wired: Server, change: dict[str, str]) -> None:
    answer = wired.client.get("/wechat/callback", params=query() | {"echostr": "<b>1</b>"} | change)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_request_from_another_time_is_refused(wired: Server, minutes: int) -> None:
    params = query(timestamp=int(time.time()) + 60 * minutes) | {"echostr": "1"}
    assert wired.client.get("/wechat/callback", params=params).status_code == 403


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_is_understood_and_answered_in_kind(wired: Server, mode: Mode) -> None:
    reader = Reader(wired.client, mode=mode, path=f"/wechat/callback/{mode}", openid=f"o{mode}")
    answer = reader.say("帮助")
    assert answer.findtext("ToUserName") == f"o{mode}"
    assert answer.findtext("FromUserName") == "gh_1"
    assert answer.findtext("MsgType") == "text"
    assert "6月25日" in (answer.findtext("Content") or "")


def test_a_message_for_the_new_key_is_understood_while_the_old_one_still_is(reader: Reader) -> None:
    assert "最新" in reader.text("帮助")
    reader.key = OTHER_KEY
    assert "最新" in reader.text("帮助")


def test_safe_mode_takes_no_plain_message(wired: Server) -> None:
    reader = Reader(wired.client)
    body = reader.xml("text", "<Content>帮助</Content>")
    assert wired.client.post("/wechat/callback", params=query(), content=body.encode()).status_code == 403


@pytest.mark.parametrize("path", ["/wechat/callback/silent", "/wechat/callback/nobody"])
def test_an_account_without_a_token_has_no_callback(wired: Server, path: str) -> None:
    assert wired.client.get(path, params=query() | {"echostr": "1"}).status_code == 404


def test_without_accounts_there_is_no_callback(library: httpx2.Client) -> None:
    assert library.get("/wechat/callback", params=query() | {"echostr": "1"}).status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        "最新",
        "今日",
        " 最新。",
        "LATEST",
        "6月25日",
        "2026-06-25",
        "2026年6月25日",
        "６月２５日",
        "六月二十五日",
    ],
)
def test_the_latest_issue_or_that_of_a_day_is_a_card(reader: Reader, asked: str) -> None:
    answer = reader.say(asked)
    assert answer.findtext("MsgType") == "news"
    assert answer.findtext("ArticleCount") == "1"
    assert answer.findtext("Articles/item/Title") == "新质生产力每日动态 2026-06-25"
    assert answer.findtext("Articles/item/Url") == "https://example.org/2026-06-25"
    assert "软银" in (answer.findtext("Articles/item/Description") or "")


@pytest.mark.parametrize("asked", ["1月2日", "2020-01-02"])
def test_a_day_without_an_issue_leads_to_the_latest(reader: Reader, asked: str) -> None:
    answer = reader.text(asked)
    assert f"{asked} 没有出刊" in answer
    assert '<a href="https://example.org/2026-06-25">' in answer


@pytest.mark.parametrize("asked", ["数据要素", "#数据要素", "data elements", "Data Elements"])
def test_the_name_of_a_tag_gives_its_latest_sections(reader: Reader, asked: str) -> None:
    answer = reader.text(asked)
    assert answer.startswith("【数据要素】最新条目：\n1. <a href=")
    assert "https://example.org/2026-06-25#section-2" in answer
    assert "2026年6月25日" in answer


def test_anything_else_is_searched_and_the_best_passage_is_a_card(reader: Reader) -> None:
    answer = reader.say("孙正义怎么看 AI 泡沫？")
    assert answer.findtext("Articles/item/Url") == "https://example.org/2026-06-25#section-4"
    assert (answer.findtext("Articles/item/Title") or "").startswith("软银继续押注 AI 与数据中心")
    assert "泡沫" in (answer.findtext("Articles/item/Description") or "")
    assert "<mark>" not in (answer.findtext("Articles/item/Description") or "")


def test_more_hits_are_links_in_a_text(reader: Reader) -> None:
    description = reader.say("湖北交通").findtext("Articles/item/Description") or ""
    assert "回复“更多”查看" in description
    more = reader.text("更多")
    assert "“湖北交通”的其余结果：\n2. <a href=" in more
    assert "https://example.org/search?q=%E6%B9%96%E5%8C%97%E4%BA%A4%E9%80%9A" in more
    assert "没有更多结果" in Reader(reader.api, openid="o-somebody-else").text("更多")


def test_more_is_about_the_last_question_only(reader: Reader) -> None:
    reader.say("湖北交通")
    assert reader.text("更多") == reader.text("更多") != reader.text("软银")
    assert "没有更多结果" in reader.text("更多")


def test_what_is_not_found_leads_to_suggestions(reader: Reader) -> None:
    answer = reader.text("烤鸭<b>")
    assert "没有找到与“烤鸭＜b＞”有关的内容" in answer
    assert "可以试试：" in answer


@pytest.mark.parametrize("asked", ["", "。。。", "-", '"', "]]>", "\u200b", "一" * 2_000, "-软银", "😀"])
def test_whatever_is_asked_has_an_answer_that_wechat_shows(reader: Reader, asked: str) -> None:
    answer = reader.say(asked.replace("]]>", "]]]]><![CDATA[>"))
    shown = answer.findtext("Content") or answer.findtext("Articles/item/Title") or ""
    assert 0 < len(shown.encode()) <= 2_047


def test_who_subscribes_is_welcomed_with_the_latest_issue(reader: Reader) -> None:
    answer = reader.event("subscribe", "<EventKey>qrscene_123</EventKey>")
    assert answer is not None
    content = answer.findtext("Content") or ""
    assert "欢迎关注" in content
    assert "https://example.org/2026-06-25" in content


def test_a_click_in_the_menu_is_a_command(reader: Reader) -> None:
    answer = reader.event("CLICK", "<EventKey>latest</EventKey>")
    assert answer is not None
    assert answer.findtext("Articles/item/Url") == "https://example.org/2026-06-25"
    answer = reader.event("CLICK", "<EventKey>q:数据要素</EventKey>")
    assert answer is not None
    assert "【数据要素】" in (answer.findtext("Content") or "")


@pytest.mark.parametrize("event", ["VIEW", "LOCATION", "unknown", "SCAN"])
def test_other_events_are_taken_without_a_word(reader: Reader, event: str) -> None:
    assert reader.event(event) is None


def test_a_picture_is_answered_with_help(reader: Reader) -> None:
    answer = reader.post(reader.xml("image", "<PicUrl>http://a.cn</PicUrl><MsgId>99</MsgId>"))
    assert answer is not None
    assert "可以这样查" in (answer.findtext("Content") or "")


@pytest.mark.parametrize("mode", MODES)
def test_a_message_sent_again_gets_the_same_answer_and_is_counted_once(
    wired: Server, configured: Settings, mode: Mode
) -> None:
    word = f"孙正义 {mode}"
    reader = Reader(wired.client, mode=mode, path=f"/wechat/callback/{mode}", openid="o-again")
    first = reader.say(word)
    second = reader.again()
    third = reader.post(reader.xml("text", f"<Content>{word}</Content>", first_id(reader)))
    for answer in (second, third):
        assert answer is not None
        assert [e.text for e in answer.iter() if e.tag != "CreateTime"] == [
            e.text for e in first.iter() if e.tag != "CreateTime"
        ]
    counted = rows(configured, "SELECT times FROM wechat_question WHERE text = %s", word)
    assert counted == [(1,)]


def first_id(reader: Reader) -> str:
    """The MsgId of the first message, as WeChat repeats it with another signature."""
    found = re.search(r"<MsgId>(\d+)</MsgId>", reader.written[0])
    assert found
    return found[1]


def test_a_signature_that_was_overheard_serves_no_other_message(wired: Server) -> None:
    reader = Reader(wired.client, mode="plain", path="/wechat/callback/plain")
    reader.say("帮助")
    params, _ = reader.sent[-1]
    other = reader.xml("text", "<Content>最新</Content>").encode()
    assert wired.client.post(reader.path, params=params, content=other).status_code == 403


def test_questions_are_counted_without_their_readers_and_personal_ones_not_at_all(
    wired: Server, configured: Settings
) -> None:
    for openid in ("o-a", "o-b"):
        Reader(wired.client, openid=openid).say("数字孪生 水利")
    Reader(wired.client).say("我的电话 13800138000")
    Reader(wired.client).say("write me@example.org")
    counted = rows(configured, "SELECT text, times, found FROM wechat_question WHERE text ~ '水利|138|@'")
    assert [(text, times) for text, times, _ in counted] == [("数字孪生 水利", 2)]


def test_who_unsubscribes_leaves_nothing_behind(wired: Server, configured: Settings) -> None:
    reader = Reader(wired.client, openid="o-leaving")
    reader.say("湖北交通")
    other = Reader(wired.client, openid="o-staying")
    other.say("湖北交通")
    before = rows(configured, "SELECT count(*) FROM wechat_message")
    assert reader.event("unsubscribe") is None
    assert rows(configured, "SELECT count(*) FROM wechat_message")[0][0] == before[0][0] - 1  # type: ignore[operator]
    assert "没有更多结果" in reader.text("更多")
    assert "其余结果" in other.text("更多")


def test_no_name_of_a_reader_is_kept(wired: Server, configured: Settings) -> None:
    Reader(wired.client, openid="o-very-private").say("最新")
    kept = rows(
        configured, "SELECT m::text FROM wechat_message m UNION ALL SELECT q::text FROM wechat_question q"
    )
    assert kept
    assert not [text for (text,) in kept if "o-very-private" in str(text)]


def test_a_report_of_wechat_is_taken_from_wechat_only(wired: Server) -> None:
    reader = Reader(wired.client)
    inner = (
        "<PublishEventInfo><publish_id>1</publish_id><publish_status>0</publish_status></PublishEventInfo>"
    )
    assert reader.event("PUBLISHJOBFINISH", inner) is None
    params, body = reader.sent[-1]
    forged = params | {"msg_signature": signed("1", "2")}
    assert wired.client.post("/wechat/callback", params=forged, content=body).status_code == 403
