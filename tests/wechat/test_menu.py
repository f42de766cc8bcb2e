from pathlib import Path

import pytest

from app.wechat.accounts import Account
from app.wechat.menu import MenuError, declared
from tests.wechat.simulator_rules import check_menu


def menu_of(account: Account, tmp_path: Path, text: str) -> object:
    file = tmp_path / "menu.toml"
    file.write_text(text, "utf-8")
    return declared(account.model_copy(update={"menu": file}))


def test_the_menu_of_the_house_is_one_that_wechat_takes(account: Account) -> None:
    check_menu(declared(account).payload())


def button(**values: str) -> str:
    return "[[button]]\n" + "".join(f'{name} = "{value}"\n' for name, value in values.items())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (button(name="六个字的按钮", type="click", key="a"), "18 字节，最多 16 字节"),
        (button(name="a", type="click", key="k" * 129), "129 字节，最多 128 字节"),
        (button(name="a", type="view", url="u" * 1_025), "最多 1024 字节"),
        (button(name="a", type="view"), "缺少 url"),
        (button(name="a", type="miniprogram", url="u"), "缺少 appid"),
        (button(name="a"), "要么有 type，要么有 sub_button"),
        (button(name="a", type="fax"), "type"),
        (button(name="a", type="click", key="k") * 4, "at most 3"),
        (
            button(name="a") + '[[button.sub_button]]\nname = "b"\ntype = "click"\nkey = "k"\n' * 6,
            "at most 5",
        ),
        (button(name="a") + '[[button.sub_button]]\nname = "b"\n', "子菜单缺少 type"),
        (button(name="a", colour="red"), "colour"),
        ("", "button"),
        ("[", "is not TOML"),
    ],
)
def test_a_menu_beyond_the_limits_is_refused_with_the_place(
    account: Account, tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(MenuError, match=reason):
        menu_of(account, tmp_path, text)


def test_a_menu_that_is_not_there_is_named(account: Account, tmp_path: Path) -> None:
    with pytest.raises(MenuError, match=r"cannot read .*none\.toml"):
        declared(account.model_copy(update={"menu": tmp_path / "none.toml"}))
