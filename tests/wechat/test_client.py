"""The client against a strict WeChat on a socket."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest
from pydantic import SecretStr

from app.kit.db import Database, connect
from app.wechat import client as clients
from app.wechat import errors, transport
from app.wechat.accounts import Account
from app.wechat.client import Client, DraftArticle
from app.wechat.errors import CODES, STALE, UnknownOutcomeError, UnreachableError, WechatError
from app.wechat.transport import pooled
from tests.wechat.conftest import Desk
from tests.wechat.simulator import Simulator, simulating
from tests.wechat.simulator_world import SECRET

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 50
Do = Callable[[Client], Awaitable[object]]


def article(cover: str, title: str = "标题 “一”") -> DraftArticle:
    return DraftArticle(title, "作者", "摘要", "<p>正文</p>", "https://example.org/a", cover)


async def made(client: Client) -> str:
    return await client.add_draft(article(await client.upload_cover("a.png", PNG)))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "WAIT", 0.0)


def test_every_call_does_what_it_says(desk: Desk, wechat: Simulator) -> None:
    async def work(client: Client, _: Database) -> None:
        assert (await client.upload_picture("a.png", PNG)).startswith("https://mmbiz.qpic.cn/")
        media_id = await made(client)
        assert [item.title for item in await client.get_draft(media_id)] == ["标题 “一”"]
        await client.update_draft(media_id, article(next(iter(wechat.world.materials)), "新标题"))
        assert [kept.content.news_item[0].title for kept in await client.drafts()] == ["新标题"]
        submitted = await client.submit(media_id)
        assert (await client.publication(submitted.publish_id)).status == 1
        publication = await client.publication(submitted.publish_id)
        assert publication.status == 0
        (published,) = await client.published()
        assert published.article_id == publication.article_id
        await client.delete_article(publication.article_id, 1)
        assert wechat.world.live() == []
        other = await made(client)
        await client.preview(other, "editor")
        msg_id = await client.send_all(other, "nqpf-1")
        assert await client.send_all(other, "nqpf-1") == msg_id, "the same message, not a second one"
        assert await client.sending(msg_id) == "SENDING"
        await client.create_menu({"button": [{"type": "click", "name": "最新", "key": "latest"}]})
        assert (await client.menu())["is_menu_open"] == 1
        assert (await client.jsapi_ticket()).value.startswith("ticket-")
        assert await client.callback_addresses() == ["101.226.103.0"]
        await client.clear_quota()
        third = await made(client)
        await client.delete_draft(third)

    desk(work)
    assert wechat.world.fetches == 1
    assert wechat.world.previews[0][0] == "editor"


def test_ids_that_are_numbers_are_taken_too(desk: Desk, wechat: Simulator) -> None:
    wechat.world.numbers = True

    async def work(client: Client, _: Database) -> str:
        submitted = await client.submit(await made(client))
        return (await client.publication(submitted.publish_id)).article_id

    assert desk(work) == ""


def test_twenty_calls_at_once_need_one_new_token_when_theirs_has_expired(
    desk: Desk, wechat: Simulator
) -> None:
    async def work(client: Client, _: Database) -> None:
        await client.callback_addresses()
        wechat.world.expire()
        await asyncio.gather(*(client.callback_addresses() for _ in range(20)))

    desk(work)
    assert wechat.world.fetches == 2
    assert wechat.world.forced == 0


def test_several_processes_fetch_one_token(desk: Desk, wechat: Simulator) -> None:
    async def work(_: Client, database: Database) -> None:
        async with connect(desk.settings) as other, pooled() as http:
            others = [
                clients.connect(desk.account, http, each) for each in (database, other) for _ in range(2)
            ]
            await asyncio.gather(*(client.callback_addresses() for client in others))

    desk(work)
    assert wechat.world.fetches == 1


def test_a_token_that_wechat_gives_again_although_it_rejects_it_is_forced_once(
    desk: Desk, wechat: Simulator
) -> None:
    async def work(client: Client, _: Database) -> None:
        await client.callback_addresses()
        wechat.fail("getcallbackip", code=40001)
        await client.callback_addresses()
        wechat.fail("getcallbackip", code=40001)
        await client.callback_addresses()

    desk(work)
    assert wechat.world.forced == 1, "at most every thirty seconds"


def test_the_codes_of_the_facts_are_all_known() -> None:
    told = {-1, 40001, 40005, 40007, 40009, 40014, 40164, 42001, 44003, 45002, 45003, 45004, 45009, 45028}
    told |= {45065, 45166, 47001, 48001, 48006, 53503, 53504, 53505, 53600}
    assert told <= CODES.keys()


def test_every_code_has_its_class_and_its_remedy(desk: Desk, wechat: Simulator) -> None:
    path = "freepublish/get"

    async def work(client: Client, _: Database) -> None:
        for code in [*CODES, 99_999]:
            kind, remedy = CODES.get(code, (WechatError, None))
            for _attempt in range(transport.TRIES if code == -1 else 2 if code in STALE else 1):
                wechat.fail(path, code=code)
            with pytest.raises(kind) as raised:
                await client.publication("1")
            assert type(raised.value) is kind
            assert raised.value.code == code
            assert raised.value.message == (remedy or kind.remedy)
            assert raised.value.call == path

    desk(work)
    assert wechat.faults == []


def test_a_wrong_secret_stops_at_once_and_says_so(desk: Desk, account: Account, wechat: Simulator) -> None:
    wrong = Desk(desk.settings, account.model_copy(update={"secret": SecretStr("not-the-secret")}))

    async def work(client: Client, _: Database) -> None:
        await client.callback_addresses()

    with pytest.raises(errors.WrongCredentialsError) as raised:
        wrong(work)
    assert "AppSecret" in str(raised.value)
    assert "not-the-secret" not in str(raised.value), "WeChat's own message repeats it"
    assert wechat.world.calls == {"stable_token": 1}


def test_an_address_that_is_not_on_the_list_is_shown(desk: Desk, wechat: Simulator) -> None:
    wechat.world.whitelist.clear()

    async def work(client: Client, _: Database) -> None:
        await client.callback_addresses()

    with pytest.raises(errors.NotWhitelistedError, match=r"127\.0\.0\.1"):
        desk(work)


@pytest.mark.parametrize(
    "fault", [{"drop": True}, {"drop": True, "works": True}, {"status": 502}, {"code": -1}]
)
def test_a_draft_of_unknown_fate_is_not_sent_again(
    desk: Desk, wechat: Simulator, fault: dict[str, bool]
) -> None:
    wechat.fail("draft/add", **fault)

    async def work(client: Client, _: Database) -> None:
        await made(client)

    with pytest.raises(UnknownOutcomeError):
        desk(work)
    assert len(wechat.world.drafts) == int(fault.get("works", False))
    assert wechat.faults == []


def test_a_time_out_is_an_unknown_outcome(
    desk: Desk, wechat: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    gate = threading.Event()
    wechat.fail("draft/add", gate=gate)

    async def work(client: Client, _: Database) -> None:
        cover = await client.upload_cover("a.png", PNG)
        monkeypatch.setattr(client._transport.http, "timeout", 0.05)
        with pytest.raises(UnknownOutcomeError) as unknown:
            await client.add_draft(article(cover))
        assert unknown.value.detail == "ReadTimeout"
        gate.set()

    desk(work)
    assert len(wechat.world.drafts) == 1


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 500}, {"code": -1}])
def test_a_read_is_repeated(desk: Desk, wechat: Simulator, fault: dict[str, int]) -> None:
    wechat.fail("getcallbackip", **fault)
    wechat.fail("getcallbackip", **fault)

    async def work(client: Client, _: Database) -> None:
        await client.callback_addresses()

    desk(work)
    assert wechat.faults == []


def test_what_was_never_sent_is_known_not_to_have_happened(desk: Desk, account: Account) -> None:
    with simulating() as gone:
        away = Desk(desk.settings, account.model_copy(update={"api": gone.url}))

    async def work(client: Client, _: Database) -> None:
        await client.callback_addresses()

    with pytest.raises(UnreachableError):
        away(work)


def test_an_article_is_deleted_by_its_place_and_never_all(desk: Desk, wechat: Simulator) -> None:
    async def work(client: Client, _: Database) -> None:
        with pytest.raises(ValueError, match="from 1"):
            await client.delete_article("article-1", 0)

    desk(work)
    assert wechat.world.calls["freepublish/delete"] == 0


def test_no_log_and_no_error_holds_a_secret(
    desk: Desk, wechat: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []

    async def attempt(do: Do, client: Client) -> None:
        try:
            await do(client)
        except WechatError as error:
            shown.append(
                f"{error!r} {error} {error.detail} {error.message} {error.__cause__} {error.__context__}"
            )

    async def work(client: Client, _: Database) -> str:
        await attempt(made, client)
        for fault in ({"drop": True}, {"status": 500}, {"code": 47001}, {"code": 40001}, {"code": 40001}):
            wechat.fail("draft/add", **fault)
        for _attempt in range(4):
            await attempt(made, client)
        wechat.world.expire()
        wechat.fail("stable_token", code=40001)
        await attempt(made, client)
        return wechat.world.token

    desk(work)
    assert len(shown) >= 4
    everything = "\n".join([*shown, caplog.text])
    assert "access_token=***" in everything
    for secret in (SECRET, "token-1-", "x" * 20):
        assert secret not in everything
