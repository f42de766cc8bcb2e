import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.kit.settings import PREFIX, Settings, SettingsError, variables

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name in variables() or name.startswith(PREFIX):
            monkeypatch.delenv(name)


def refusal() -> str:
    with pytest.raises(SettingsError) as refused:
        Settings.load()
    message = str(refused.value)
    assert "\n" not in message
    return message


def test_defaults_need_no_environment() -> None:
    settings = Settings.load()
    assert (settings.host, settings.port, settings.log_format) == ("127.0.0.1", 8000, "console")
    assert (settings.database_url, settings.meili_url, settings.cors_origins) == (None, None, ())
    assert settings.data == Path(__file__).parents[2] / ".data"


def test_every_variable_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    values = {
        "DATABASE_URL": "postgresql://me:pw@db:5433/nqpf",
        "MEILI_URL": "http://search:7700",
        "MEILI_KEY": "key",
        "DATABASE_REPLICA_URLS": "postgresql://a/nqpf postgresql://b,c:5433/nqpf",
        "NQPF_PURGE_URL": "https://cdn.example/purge",
        "NQPF_PURGE_KEY": "secret",
        "NQPF_PURGE_FORM": "fastly",
        "NQPF_HOST": "::1",
        "PORT": "9000",
        "NQPF_DATA": str(tmp_path),
        "NQPF_CORS_ORIGINS": "https://a.example, http://localhost:3000,",
        "NQPF_PUBLIC_URL": "https://www.example.org/news/",
        "NQPF_LOG_FORMAT": "json",
        "NQPF_FOUR_EYES": "true",
        "NQPF_POOL_SIZE": "7",
        "NQPF_LIMITS_URL": "valkey://counts:6379/1",
        "NQPF_LIMITS_ANONYMOUS": "60/minute",
        "NQPF_LIMITS_PARTNER": "600/minute;20000/day",
        "NQPF_LIMITS_INTERNAL": "6000/minute",
        "NQPF_LIMITS_EXEMPT": "127.0.0.0/8, ::1",
        "NQPF_WEBHOOK_ALLOW": "127.0.0.1/32",
        "NQPF_SECRETS_KEYS": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "NQPF_WECHAT": str(tmp_path / "wechat.toml"),
        "NQPF_DATABASE_WAIT": "60",
        "NQPF_CACHE_BYTES": "1000000",
        "NQPF_PREVIEW_KEYS": f"{KEY}, {KEY}",
    }
    assert set(values) == set(variables())
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    assert settings.conninfo == values["DATABASE_URL"]
    assert settings.meili_key
    assert settings.meili_key.get_secret_value() == "key"
    assert (settings.host, settings.port, settings.data, settings.pool_size) == ("::1", 9000, tmp_path, 7)
    assert settings.database_wait == 60
    assert [key.get_secret_value() for key in settings.preview_keys] == [KEY, KEY]
    assert settings.cors_origins == ("https://a.example", "http://localhost:3000")
    assert settings.public_url == "https://www.example.org/news"
    assert (settings.meili_url, settings.log_format) == ("http://search:7700", "json")


def test_a_preview_key_is_one_of_fernets_and_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NQPF_PREVIEW_KEYS", f"{KEY},short-secret")
    with pytest.raises(SettingsError, match="NQPF_PREVIEW_KEYS: a key is 32 bytes") as refused:
        Settings.load()
    assert "short-secret" not in str(refused.value)


def test_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("PORT", "")
    settings = Settings.load()
    assert settings.database_url is None
    assert settings.port == 8000


def test_relative_data_folder_belongs_to_the_current_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NQPF_DATA", "here")
    assert Settings.load().data == tmp_path / "here"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_database_url_is_one_of_libpqs(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{scheme}://postgres@/nqpf?host=%2Ftmp%2Fa")
    settings = Settings.load()
    assert settings.conninfo == "postgresql://postgres@/nqpf?host=%2Ftmp%2Fa"


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://u:secret@host/db",
        "postgresql://u:secret@host:port/db",
        "postgresql://u:sec/ret@host/db",
        "postgresql://u:secret@host/db?unknown=1",
    ],
)
def test_broken_database_url_is_refused_without_telling_the_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    message = refusal()
    assert message.startswith("DATABASE_URL: ")
    assert "postgresql://user:password@host:5432/database is expected" in message
    assert "sec" not in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "80000"),
        ("PORT", "http"),
        ("MEILI_URL", "search:7700"),
        ("NQPF_CORS_ORIGINS", "https://a.example/path"),
        ("NQPF_PUBLIC_URL", "example.org"),
        ("NQPF_PUBLIC_URL", "https://example.org/?a=1"),
        ("NQPF_PUBLIC_URL", "https://me:pw@example.org"),
        ("NQPF_LOG_FORMAT", "xml"),
        ("NQPF_POOL_SIZE", "0"),
    ],
)
def test_bad_value_is_refused_by_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert refusal().startswith(f"{name}: ")


def test_unknown_variable_is_refused_with_the_one_that_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NQPF_CORS_ORIGIN", "https://a.example")
    assert refusal() == "NQPF_CORS_ORIGIN is no setting: did you mean NQPF_CORS_ORIGINS?"


def test_settings_are_immutable() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:pass@host:5432/db", "postgresql://me:***@host:5432/db"),
        (
            "postgresql://host/db?user=me&password=pass&sslmode=require",
            "postgresql://host/db?user=me&password=***&sslmode=require",
        ),
    ],
)
def test_password_is_never_shown(url: str, shown: str) -> None:
    settings = Settings().with_database(url)
    assert settings.database_shown == shown
    assert "pass" not in repr(settings.database_url)


def test_origins_are_kept_as_browsers_send_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NQPF_CORS_ORIGINS", "https://例子.中国,https://例子.中国:8443,https://A.example,*")
    assert Settings.load().cors_origins == (
        "https://xn--fsqu00a.xn--fiqs8s",
        "https://xn--fsqu00a.xn--fiqs8s:8443",
        "https://a.example",
        "*",
    )


def test_origin_that_cannot_be_a_domain_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NQPF_CORS_ORIGINS", "https://例.." + "子" * 80)
    assert refusal().startswith("NQPF_CORS_ORIGINS: ")
