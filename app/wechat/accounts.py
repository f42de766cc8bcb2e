"""The official accounts we publish to: credentials and habits, from a TOML file outside the repository.

``NQPF_WECHAT`` names the file::

    default = "main"

    [account.main]
    appid = "wx…"
    secret = "…"
    token = "…"                      # of the callback
    aes_key = "…"                    # EncodingAESKey, 43 characters
    website = "https://example.org/bulletins/{slug}"
    publish = "draft"                # or "freepublish", "sendall"
"""

import tomllib
from base64 import b64decode
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from app.kit.reasons import reason
from app.kit.settings import Settings, SettingsError

API = "https://api.weixin.qq.com"


class Mode(StrEnum):
    """How far publishing goes by itself."""

    draft = "draft"
    """A draft in the account, which a person publishes."""
    freepublish = "freepublish"
    """An article with a lasting address; followers are not told."""
    sendall = "sendall"
    """A message to all followers."""


class Account(BaseModel):
    """One official account. Secrets hide themselves when shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
    appid: Annotated[str, Field(pattern=r"^wx[0-9a-zA-Z]{4,30}$")]
    secret: SecretStr
    website: Annotated[str, Field(description="Address of a bulletin, with {slug} in it")]
    search: Annotated[str | None, Field(description="Address of a search, with {q} in it")] = None
    publish: Mode = Mode.draft
    automatic: Annotated[bool, Field(description="Follow publications without being asked")] = True
    confirm: Annotated[bool, Field(description="A message to all waits for an administrator")] = True
    sends_a_day: Annotated[int, Field(ge=0, le=100)] = 1
    cover: Annotated[Path | None, Field(description="Used where a bulletin has no picture")] = None
    comments: bool = False
    menu: Path | None = None
    token: SecretStr | None = None
    aes_key: SecretStr | None = None
    previous_aes_key: SecretStr | None = None
    callback: Literal["plain", "compatible", "safe"] = "safe"
    js_hosts: tuple[str, ...] = ()
    api: str = API

    @field_validator("aes_key", "previous_aes_key")
    @classmethod
    def _key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            key = value.get_secret_value()
            if len(key) != 43 or not key.isascii() or not key.isalnum():
                raise ValueError("it is not an EncodingAESKey of 43 letters and digits")
            b64decode(f"{key}=")
        return value

    @field_validator("website", "search", "api")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("it is not an http:// or https:// address")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if "{slug}" not in self.website:
            raise ValueError("website: {slug} is missing in it")
        if self.search is not None and "{q}" not in self.search:
            raise ValueError("search: {q} is missing in it")
        if self.token and self.callback != "plain" and self.aes_key is None:
            raise ValueError(f"callback {self.callback} needs aes_key")
        return self

    def bulletin_url(self, slug: str, anchor: str | None = None) -> str:
        """A bulletin, or a part of it, on the website."""
        return self.website.replace("{slug}", slug) + (f"#{anchor}" if anchor else "")

    def search_url(self, q: str) -> str | None:
        return self.search.replace("{q}", quote(q, safe="")) if self.search else None


class Accounts(BaseModel):
    """All accounts by name; ``default`` is meant where none is named."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    default: str
    account: Mapping[str, Account]

    @model_validator(mode="after")
    def _default_exists(self) -> Self:
        if self.default not in self.account:
            raise ValueError(f"there is no account {self.default}")
        return self

    def named(self, name: str | None = None) -> Account:
        """The account, or the default one.

        :raises KeyError: there is no such account.
        """
        return self.account[name or self.default]


def load(settings: Settings) -> Accounts | None:
    """The accounts of the file that the settings name; None where they name none.

    :raises SettingsError: the file cannot be used; the message holds nothing of its content.
    """
    if settings.wechat is None:
        return None
    try:
        data = tomllib.loads(settings.wechat.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"NQPF_WECHAT: cannot read {settings.wechat}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise SettingsError(f"NQPF_WECHAT: {settings.wechat} is not TOML") from None
    accounts = data.get("account")
    if isinstance(accounts, dict):
        data["account"] = {
            name: {**value, "name": name} if isinstance(value, dict) else value
            for name, value in accounts.items()
        }
        if len(accounts) == 1:
            data.setdefault("default", next(iter(accounts)))
    try:
        return Accounts.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise SettingsError(f"NQPF_WECHAT: {settings.wechat}: {place}: {reason(first)}") from None
