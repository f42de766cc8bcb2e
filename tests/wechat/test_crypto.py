"""The official worked example byte for byte, and round trips with an independent implementation."""

import json
import warnings
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wechat.crypto import Crypter, CryptoError, same, signature

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from wechatpy.crypto import WeChatCrypto
    from wechatpy.exceptions import InvalidAppIdException

TOKEN, KEY, APPID = "AAAAA", "A" * 43, "wxba5fad812f8e6fb9"
INBOUND = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6J"
    "sXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8"
    "EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04="
)
REPLY = "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="

keys = st.text(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", min_size=42, max_size=42
).map(lambda key: f"{key}A")
messages = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("1714036504", "1514711492"), "f464b24fc39322e44b38aa78f5edd27bd1441696"),
        (("1714037059", "486452656"), "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
        (("1714112445", "415670741"), "6c5c811b55cc85e0e1b54100749188c20beb3f5d"),
        (("1714112445", "415670741", INBOUND), "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3"),
        (("1713424427", "415670741", REPLY), "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"),
    ],
)
def test_signatures_are_those_of_the_official_example(parts: tuple[str, ...], expected: str) -> None:
    assert signature(TOKEN, *parts) == expected


def test_the_official_inbound_message_is_opened() -> None:
    message, key = Crypter(APPID, [KEY]).decrypt(INBOUND)
    assert len(message) == 167
    assert message.endswith(b'"debug_str":"hello world"}')
    assert json.loads(message)["debug_str"] == "hello world"
    assert key == 0


def test_the_official_reply_is_made_byte_for_byte() -> None:
    message = b'{"demo_resp":"good luck"}'
    assert Crypter(APPID, [KEY]).encrypt(message, random=b"707722b803182950") == REPLY


@given(key=keys, message=messages)
def test_wechatpy_opens_what_we_encrypt(key: str, message: str) -> None:
    encrypted = Crypter(APPID, [key]).encrypt(message.encode())
    sign = signature(TOKEN, "1714112445", "n", encrypted)
    body = f"<xml><Encrypt>{encrypted}</Encrypt></xml>"
    assert WeChatCrypto(TOKEN, key, APPID).decrypt_message(body, sign, "1714112445", "n") == message


@given(key=keys, message=messages)
def test_we_open_what_wechatpy_encrypts(key: str, message: str) -> None:
    from xml.etree.ElementTree import fromstring

    sealed = fromstring(WeChatCrypto(TOKEN, key, APPID).encrypt_message(message, "nonce", "1714112445"))  # noqa: S314
    encrypted = sealed.findtext("Encrypt") or ""
    assert sealed.findtext("MsgSignature") == signature(TOKEN, "1714112445", "nonce", encrypted)
    assert Crypter(APPID, [key]).decrypt(encrypted) == (message.encode(), 0)


def test_a_message_for_the_previous_key_is_opened_and_answered_with_it() -> None:
    old, new = "B" * 42 + "A", "C" * 42 + "A"
    sealed = Crypter(APPID, [old]).encrypt(b"hello")
    rotating = Crypter(APPID, [new, old])
    assert rotating.decrypt(sealed) == (b"hello", 1)
    assert Crypter(APPID, [old]).decrypt(rotating.encrypt(b"answer", key=1)) == (b"answer", 0)


def test_a_message_for_another_appid_is_refused_by_both() -> None:
    sealed = Crypter("wxanother", [KEY]).encrypt(b"hello")
    with pytest.raises(CryptoError):
        Crypter(APPID, [KEY]).decrypt(sealed)
    sign = signature(TOKEN, "1", "n", sealed)
    with pytest.raises(InvalidAppIdException):
        WeChatCrypto(TOKEN, KEY, APPID).decrypt_message(
            f"<xml><Encrypt>{sealed}</Encrypt></xml>", sign, "1", "n"
        )


@given(damage=st.binary(max_size=200))
def test_anything_else_is_refused(damage: bytes) -> None:
    crypter = Crypter(APPID, ["D" * 42 + "A"])
    for text in (b64encode(damage).decode(), damage.decode("latin-1"), INBOUND[: len(damage)]):
        with pytest.raises(CryptoError):
            crypter.decrypt(text)


def test_a_length_that_lies_is_refused() -> None:
    short = Crypter("", [KEY])  # what it seals ends where the appid should begin
    with pytest.raises(CryptoError):
        Crypter(APPID, [KEY]).decrypt(short.encrypt(b"x"))


def test_signatures_are_compared_whatever_stands_in_them() -> None:
    assert same("abc", "abc")
    assert not same("abc", "abd")
    assert not same("äbc", "abc")
