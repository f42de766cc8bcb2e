"""The menu, declared as data and held to WeChat's limits."""

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.kit.reasons import reason
from app.wechat.accounts import Account

NAME_BYTES, INNER_NAME_BYTES, KEY_BYTES, URL_BYTES = 16, 60, 128, 1_024

_NEEDS = {
    "click": ("key",),
    "view": ("url",),
    "miniprogram": ("url", "appid", "pagepath"),
    "media_id": ("media_id",),
    "article_id": ("article_id",),
}


class MenuError(Exception):
    """The menu cannot be used; the message is one line that says where and why."""


def _at_most(size: int) -> AfterValidator:
    def check(value: str) -> str:
        if (length := len(value.encode())) > size:
            raise ValueError(f"“{value}”有 {length} 字节，最多 {size} 字节")
        return value

    return AfterValidator(check)


class Entry(BaseModel):
    """Something to be tapped on; which of the fields it needs depends on ``type``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1), _at_most(INNER_NAME_BYTES)]
    type: Literal["click", "view", "miniprogram", "media_id", "article_id"] | None = None
    key: Annotated[str, _at_most(KEY_BYTES)] | None = None
    url: Annotated[str, _at_most(URL_BYTES)] | None = None
    appid: str | None = None
    pagepath: str | None = None
    media_id: str | None = None
    article_id: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for name in _NEEDS.get(self.type or "", ()):
            if not getattr(self, name):
                raise ValueError(f"“{self.name}”（{self.type}）缺少 {name}")
        return self


class Button(Entry):
    """A button at the bottom: an entry, or up to five of them."""

    name: Annotated[str, Field(min_length=1), _at_most(NAME_BYTES)]
    sub_button: Annotated[tuple[Entry, ...], Field(max_length=5)] = ()

    @model_validator(mode="after")
    def _one_or_several(self) -> Self:
        if bool(self.sub_button) == bool(self.type):
            raise ValueError(f"“{self.name}”要么有 type，要么有 sub_button")
        if any(entry.type is None for entry in self.sub_button):
            raise ValueError(f"“{self.name}”的子菜单缺少 type")
        return self


class Menu(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    button: Annotated[tuple[Button, ...], Field(min_length=1, max_length=3)]

    def payload(self) -> dict[str, Any]:
        """As ``menu/create`` takes it."""
        return self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


def declared(account: Account) -> Menu:
    """The account's menu, or that of the house.

    :raises MenuError: it cannot be read, or breaks a limit.
    """
    source = account.menu or files("app.wechat").joinpath("menu.toml")
    try:
        return Menu.model_validate(tomllib.loads(source.read_text("utf-8")))
    except OSError as error:
        raise MenuError(f"cannot read {source}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise MenuError(f"{source} is not TOML") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise MenuError(f"{source}: {'.'.join(map(str, first['loc']))}: {reason(first)}") from None


def lines(menu: Mapping[str, Any]) -> Iterator[str]:
    """A menu as lines, for people and for comparing; as it is declared or as WeChat tells it."""
    told = menu.get("selfmenu_info", menu)
    for button in told.get("button", []):
        inner = button.get("sub_button", [])
        entries = inner.get("list", []) if isinstance(inner, Mapping) else inner
        yield _line(button)
        for entry in entries:
            yield f"  {_line(entry)}"


def _line(entry: Mapping[str, Any]) -> str:
    rest = {k: v for k, v in entry.items() if k not in {"name", "sub_button"} and v}
    return " ".join([str(entry["name"]), *(f"{name}={value}" for name, value in sorted(rest.items()))])
