from pathlib import Path

import pytest

from app.kit.settings import Settings, SettingsError
from app.wechat.accounts import Account, Accounts, Mode, load

GOOD = """
[account.main]
appid = "wxba5fad812f8e6fb9"
secret = "very-secret"
token = "token"
aes_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
website = "https://example.org/{slug}"
search = "https://example.org/search?q={q}"
"""


def accounts(tmp_path: Path, text: str) -> Accounts | None:
    file = tmp_path / "wechat.toml"
    file.write_text(text, "utf-8")
    return load(Settings(wechat=file))


def only(tmp_path: Path, text: str = GOOD) -> Account:
    found = accounts(tmp_path, text)
    assert found
    return found.named()


def test_without_the_setting_there_are_no_accounts() -> None:
    assert load(Settings(wechat=None)) is None


def test_a_single_account_is_the_default_and_stops_at_the_draft(tmp_path: Path) -> None:
    account = only(tmp_path)
    assert (account.name, account.publish, account.callback) == ("main", Mode.draft, "safe")
    assert account.bulletin_url("2026-06-25", "section-2") == "https://example.org/2026-06-25#section-2"
    assert account.search_url("数据 &") == "https://example.org/search?q=%E6%95%B0%E6%8D%AE%20%26"


def test_several_accounts_need_a_default(tmp_path: Path) -> None:
    two = GOOD + GOOD.replace("account.main", "account.second")
    with pytest.raises(SettingsError, match="default"):
        accounts(tmp_path, two)
    found = accounts(tmp_path, 'default = "second"\n' + two)
    assert found
    assert found.named().name == "second"
    assert found.named("main").name == "main"
    with pytest.raises(KeyError):
        found.named("third")


def test_a_secret_is_in_no_text_of_the_account(tmp_path: Path) -> None:
    account = only(tmp_path)
    assert "very-secret" not in f"{account} {account!r} {account.model_dump_json()}"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('appid = "wxba5fad812f8e6fb9"', 'appid = "gh_1"', "account.main.appid"),
        ("{slug}", "", r"\{slug\} is missing"),
        ("{q}", "", r"\{q\} is missing"),
        ("A" * 43, "A" * 42, "EncodingAESKey"),
        ('secret = "very-secret"', 'secrets = "very-secret"', "account.main.secret"),
        ("https://example.org/{slug}", "example.org/{slug}", "http://"),
        ("[account.main]", "[account.Main]", "account.Main.name"),
        (f'aes_key = "{"A" * 43}"', "", "needs aes_key"),
        ("[account.main]", "[account.main", "is not TOML"),
        ("[account.main]", 'default = "x"\n[account.main]', "there is no account x"),
        (GOOD, "default = 'main'\naccount = 1", "account"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_without_secrets(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    assert old in GOOD
    with pytest.raises(SettingsError, match=reason) as refused:
        accounts(tmp_path, GOOD.replace(old, new))
    assert str(refused.value).startswith("NQPF_WECHAT: ")
    assert "very-secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read .*nowhere\.toml"):
        load(Settings(wechat=tmp_path / "nowhere.toml"))
