"""Signatures that let pages of the website use WeChat's JS-SDK, such as for share cards."""

import hashlib
import secrets
import time
from urllib.parse import urlsplit

from app.wechat.accounts import Account
from app.wechat.schemas import JsConfig


def signature(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """The signature of a page; what follows ``#`` is no part of its address."""
    page = url.partition("#")[0]
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={page}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def allowed(account: Account, url: str) -> bool:
    """Whether the page is on one of the account's hosts."""
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and parts.netloc in account.js_hosts


def config(account: Account, ticket: str, url: str) -> JsConfig:
    """A fresh signature of the page."""
    nonce, now = secrets.token_hex(8), int(time.time())
    return JsConfig(
        app_id=account.appid, timestamp=now, nonce_str=nonce, signature=signature(ticket, nonce, now, url)
    )
