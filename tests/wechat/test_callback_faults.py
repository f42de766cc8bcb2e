"""What the callback does in time trouble, and with what is not WeChat's."""

import asyncio
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast
from xml.etree.ElementTree import fromstring

import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from app.kit.db import Database, connect
from app.kit.settings import Settings
from app.wechat import callback as callbacks
from app.wechat.accounts import Account
from app.wechat.answering import Passage
from app.wechat.callback import Callback, RefusedError
from app.wechat.crypto import Crypter, signature
from app.wechat.messages import LIMIT, MessageError, fitted
from tests.conftest import serving
from tests.wechat.reader import APPID, KEY, TOKEN, Reader, query, signed
from tests.wechat.simulator_world import SECRET

BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b"<xml><Content>&b;</Content></xml>"
)
OUTSIDE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><Content>&e;</Content></xml>'
BODIES = [
    b"",
    b"<xml>",
    b"<xml></xml>",
    b"not xml",
    b"\x00\xff\xfe",
    BOMB,
    OUTSIDE,
    BOMB.decode().encode("utf-16"),
    b"<xml>" + b"<a>" * 20_000 + b"</a>" * 20_000 + b"</xml>",
    b"<xml><Encrypt>AAAA</Encrypt></xml>",
    b"<xml><Encrypt></Encrypt></xml>",
    b"<xml><Encrypt>" + b"A" * 60_000 + b"</Encrypt></xml>",
    b"<xml " + b" ".join(b'a%d="1"' % n for n in range(4_000)) + b"/>",
    b'<?xml version="1.0" encoding="no-such"?><xml/>',
    b"<xml><FromUserName>o</FromUserName><ToUserName>g</ToUserName><CreateTime>x</CreateTime></xml>",
]


async def nothing(q: str, limit: int) -> Sequence[Passage]:  # noqa: ARG001 - a Search
    return []


async def for_ever(q: str, limit: int) -> Sequence[Passage]:  # noqa: ARG001
    await asyncio.Event().wait()
    return []


def refused(called: Callback, params: dict[str, str], body: bytes) -> bool:
    """Whether it was refused, within 50 ms of work; a busy machine gets three tries."""
    for attempt in range(3):
        begun = time.thread_time()
        try:
            answer = asyncio.run(called.receive(params, body))
        except (RefusedError, MessageError) as error:
            answer, outcome = str(error).encode(), True
        else:
            outcome = False
        assert SECRET.encode() not in answer
        assert TOKEN.encode() not in answer
        if time.thread_time() - begun < 0.05:
            return outcome
        assert attempt < 2, "more than 50 ms of work"
    return False


@pytest.fixture
def called(account: Account, settings: Settings) -> Callback:
    return Callback(Database(settings), account, nothing)


@pytest.fixture
def listening(settings: Settings, tmp_path: Path) -> Iterator[Reader]:
    """The server with one account."""
    file = tmp_path / "wechat.toml"
    file.write_text(
        f"""[account.main]
appid = "{APPID}"
secret = "{SECRET}"
token = "{TOKEN}"
aes_key = "{KEY}"
website = "https://example.org/{{slug}}"
""",
        "utf-8",
    )
    with serving(settings.model_copy(update={"wechat": file})) as server:
        yield Reader(server.client)


def message(text: str) -> bytes:
    """A message as WeChat writes it."""
    return Reader(cast("httpx2.Client", None)).xml("text", f"<Content>{text}</Content>").encode()


def sealed(body: bytes, params: dict[str, str], appid: str = APPID) -> tuple[dict[str, str], bytes]:
    """Any bytes as WeChat would seal them."""
    encrypted = Crypter(appid, [KEY]).encrypt(body)
    sign = signature(TOKEN, params["timestamp"], params["nonce"], encrypted)
    return (
        params | {"encrypt_type": "aes", "msg_signature": sign},
        f"<xml><Encrypt>{encrypted}</Encrypt></xml>".encode(),
    )


@pytest.mark.parametrize("mode", ["safe", "plain"])
def test_bodies_that_are_no_message_are_refused_quickly(called: Callback, mode: str) -> None:
    account = called.account.model_copy(update={"callback": mode})
    changed = Callback(called.database, account, nothing)
    for body in BODIES:
        assert refused(changed, query(), body), body[:40]
        params = query()
        encrypted = body.decode("latin-1")
        signs = signed(params["timestamp"], params["nonce"], encrypted)
        assert refused(changed, params | {"encrypt_type": "aes", "msg_signature": signs}, body), body[:40]
        if mode == "safe":
            assert refused(changed, *sealed(body, query())), body[:40]


@examples(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=400) | st.text(max_size=300).map(lambda text: f"<xml>{text}</xml>".encode()),
    params=st.dictionaries(
        st.sampled_from(["signature", "timestamp", "nonce", "encrypt_type", "msg_signature", "echostr"]),
        st.text(max_size=40) | st.sampled_from(["aes", "raw", "1", str(int(time.time()))]),
    ),
    truncated=st.integers(0, 300),
)
def test_no_request_that_is_not_wechats_is_answered(
    called: Callback, body: bytes, params: dict[str, str], truncated: int
) -> None:
    assert refused(called, params, body)
    given_params, whole = sealed(b"<xml>message</xml>", query())
    assert refused(called, given_params, whole[:-15][:truncated] + b"</Encrypt></xml>")
    assert refused(called, given_params | {"nonce": "1"}, whole)
    assert refused(called, *sealed(body, query(), appid="wxanother"))
    assert refused(called, *sealed(body, query()))
    assert refused(called, query() | {"encrypt_type": "aes"}, b64encode(body))


@examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=200),
    params=st.dictionaries(st.text(max_size=12), st.text(max_size=20), max_size=5),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
)
def test_no_request_makes_a_server_error(
    listening: Reader, body: bytes, params: dict[str, str], method: str
) -> None:
    for given_params in (params, query() | params, sealed(body, query())[0] | params):
        answer = listening.api.request(method, "/wechat/callback", params=given_params, content=body)
        assert answer.status_code < 500
        assert SECRET not in answer.text


def test_a_body_that_is_too_large_is_refused(listening: Reader) -> None:
    answer = listening.api.post("/wechat/callback", params=query(), content=b"a" * (LIMIT + 1))
    assert answer.status_code == 413


def test_a_search_that_takes_too_long_becomes_a_link_and_stays_one(
    settings: Settings, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "PATIENCE", 0.2)
    params, body = sealed(message("量子计算"), query())

    async def run() -> list[bytes]:
        async with connect(settings) as database:
            called = Callback(database, account, for_ever)
            first = await called.receive(params, body)
            quick = Callback(database, account, nothing)
            return [first, await quick.receive(params, body)]

    begun = time.monotonic()
    shown = [Crypter(APPID, [KEY]).decrypt(encrypted_in(answer))[0].decode() for answer in asyncio.run(run())]
    assert time.monotonic() - begun < 5
    assert "https://example.org/search?q=%E9%87%8F%E5%AD%90%E8%AE%A1%E7%AE%97" in shown[0]
    assert "结果还在路上" in shown[1], "a retry gets the same answer"


def encrypted_in(answer: bytes) -> str:
    return fromstring(answer).findtext("Encrypt") or ""  # noqa: S314


def test_without_a_database_the_reader_still_gets_a_link(account: Account) -> None:
    away = Settings(meili_url=None).with_database("postgresql://nobody@127.0.0.1:1/none")
    params, body = sealed(message("量子"), query())

    async def run() -> bytes:
        async with connect(away) as database:
            return await Callback(database, account, nothing).receive(params, body)

    shown = Crypter(APPID, [KEY]).decrypt(encrypted_in(asyncio.run(run())))[0].decode()
    assert "结果还在路上" in shown


def test_two_copies_at_once_are_answered_alike_and_made_once(settings: Settings, account: Account) -> None:
    asked: list[str] = []

    async def slowly(q: str, limit: int) -> Sequence[Passage]:  # noqa: ARG001
        asked.append(q)
        await asyncio.sleep(0.3)
        return []

    params, body = sealed(message("量子"), query())

    async def run() -> list[bytes]:
        async with connect(settings) as database:
            called = Callback(database, account, slowly)
            return list(await asyncio.gather(*(called.receive(params, body) for _ in range(3))))

    shown = {
        Crypter(APPID, [KEY]).decrypt(encrypted_in(answer))[0].partition(b"<MsgType>")[2]
        for answer in asyncio.run(run())
    }
    assert asked == ["量子"]
    assert len(shown) == 1


def test_a_long_text_is_cut_between_lines() -> None:
    text = "\n".join(["字" * 100] * 30)
    cut = fitted(text)
    assert len(cut.encode()) <= 2_047
    assert set(cut.splitlines()[:-1]) == {"字" * 100}
    assert cut.endswith("\n…")
    assert len(fitted("字" * 1_000).encode()) <= 2_047
    assert fitted("字" * 682) == "字" * 682
