"""What the environment says: every setting, its default and what is wrong with it."""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.kit.reasons import reason
from app.kit.sealing import Seal

PREFIX = "NQPF_"

_DATABASE_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
_BASE = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~-]+)*/?")
_ORIGIN = re.compile(r"\*|https?://[^/?#\s@]+")


def _listed(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Networks = Annotated[
    tuple[Annotated[IPv4Network | IPv6Network, BeforeValidator(ip_network)], ...],
    NoDecode,
    BeforeValidator(_listed),
]
"""IP networks, separated by commas."""


class SettingsError(Exception):
    """The environment cannot be used: all that is wrong, each in words that name the variable.

    The message is one line with all of them.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def _project_data() -> Path:
    """``.data`` beside ``pyproject.toml`` in a checkout, else in the current folder."""
    root = Path(__file__).resolve().parents[2]
    return (root if (root / "pyproject.toml").is_file() else Path.cwd()) / ".data"


class Settings(BaseSettings):
    """Immutable settings; read them with :meth:`load`, make them in tests with keyword arguments.

    ``data`` is an absolute folder; ``pool_size`` counts database connections of one process;
    ``database_wait`` is how many seconds a server waits at its start for a database that is away.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        case_sensitive=True,
        env_ignore_empty=True,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    meili_url: str | None = Field(default=None, validation_alias="MEILI_URL")
    meili_key: SecretStr | None = Field(default=None, validation_alias="MEILI_KEY")
    replica_urls: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(), validation_alias="DATABASE_REPLICA_URLS"
    )
    host: str = Field(default="127.0.0.1", validation_alias="NQPF_HOST")
    port: int = Field(default=8000, ge=0, le=65535, validation_alias="PORT")
    data: Path = Field(default_factory=_project_data, validation_alias="NQPF_DATA")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), validation_alias="NQPF_CORS_ORIGINS"
    )
    public_url: str | None = Field(default=None, validation_alias="NQPF_PUBLIC_URL")
    log_format: Literal["console", "json"] = Field(default="console", validation_alias="NQPF_LOG_FORMAT")
    four_eyes: bool = Field(default=False, validation_alias="NQPF_FOUR_EYES")
    wechat: Path | None = Field(default=None, validation_alias="NQPF_WECHAT")
    pool_size: int = Field(default=5, ge=1, le=200, validation_alias="NQPF_POOL_SIZE")
    limits_url: str | None = Field(default=None, validation_alias="NQPF_LIMITS_URL")
    limits_anonymous: str = Field(default="600/minute;50000/day", validation_alias="NQPF_LIMITS_ANONYMOUS")
    limits_partner: str = Field(default="1200/minute;200000/day", validation_alias="NQPF_LIMITS_PARTNER")
    limits_internal: str = Field(default="12000/minute;5000000/day", validation_alias="NQPF_LIMITS_INTERNAL")
    limits_exempt: Networks = Field(default=(), validation_alias="NQPF_LIMITS_EXEMPT")
    webhook_allow: Networks = Field(default=(), validation_alias="NQPF_WEBHOOK_ALLOW")
    secrets_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(), validation_alias="NQPF_SECRETS_KEYS"
    )
    database_wait: int = Field(default=30, ge=0, le=3600, validation_alias="NQPF_DATABASE_WAIT")
    purge_url: str | None = Field(default=None, validation_alias="NQPF_PURGE_URL")
    purge_key: SecretStr | None = Field(default=None, validation_alias="NQPF_PURGE_KEY")
    preview_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(), validation_alias="NQPF_PREVIEW_KEYS"
    )
    purge_form: Literal["generic", "fastly", "cloudflare"] = Field(
        default="generic", validation_alias="NQPF_PURGE_FORM"
    )
    cache_bytes: int = Field(default=64_000_000, ge=0, validation_alias="NQPF_CACHE_BYTES")

    @field_validator("database_url")
    @classmethod
    def _postgres_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _check_database_url(value.get_secret_value())
        return value

    @field_validator("replica_urls", mode="before")
    @classmethod
    def _by_blanks(cls, value: object) -> object:
        # Not by commas: they stand between the hosts of one address.
        return tuple(value.split()) if isinstance(value, str) else value

    @field_validator("replica_urls")
    @classmethod
    def _postgres_urls(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for url in value:
            _check_database_url(url.get_secret_value())
        return value

    @field_validator("meili_url", "purge_url")
    @classmethod
    def _http_url(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("it is not an http:// or https:// address")
        return value

    @field_validator("public_url")
    @classmethod
    def _base(cls, value: str | None) -> str | None:
        if value is not None and not _BASE.fullmatch(value):
            raise ValueError("it is not an address such as https://example.org")
        return value and value.rstrip("/")

    @field_validator("data", "wechat")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value else value

    @field_validator("limits_url")
    @classmethod
    def _redis_url(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"(redis|valkey)s?://[^/]", value):
            raise ValueError("it is not a redis:// or valkey:// address")
        return value

    @field_validator("limits_anonymous", "limits_partner", "limits_internal")
    @classmethod
    def _rates(cls, value: str) -> str:
        from limits import parse_many

        try:
            parse_many(value)
        except ValueError:
            raise ValueError("rates are written like 600/minute;50000/day") from None
        return value

    @field_validator("secrets_keys", "preview_keys")
    @classmethod
    def _fernet_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if value:
            try:
                Seal([key.get_secret_value() for key in value])
            except ValueError:
                raise ValueError("a key is 32 bytes in URL-safe base64") from None
        return value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return _listed(value)

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f'"{origin}" is not an origin such as https://example.org')
        return tuple(_as_browsers_send(origin) for origin in value)

    @classmethod
    def load(cls) -> Self:
        """The settings of this process's environment.

        :raises SettingsError: a value is wrong, or an ``NQPF_…`` variable is unknown.
        """
        problems = list(_unknown(os.environ))
        try:
            settings = cls()
        except ValidationError as error:
            problems += (_sentence(cls, item) for item in error.errors())
        if problems:
            raise SettingsError(*problems)
        return settings

    def with_database(self, url: str) -> Self:
        """The same settings for another database, such as the embedded one."""
        _check_database_url(url)
        return self.model_copy(update={"database_url": SecretStr(url)})

    @property
    def conninfo(self) -> str:
        """The database as a libpq URI, for psycopg and procrastinate.

        :raises SettingsError: DATABASE_URL is not set.
        """
        return f"postgresql://{self._database_rest}"

    @property
    def replicas(self) -> list[str]:
        """The replicas as libpq URIs."""
        return [f"postgresql://{url.get_secret_value().partition('://')[2]}" for url in self.replica_urls]

    @property
    def database_shown(self) -> str:
        """The database without its password, to be shown."""
        return re.sub(r"(?<=password=)[^&]*|(?<=:)[^:@/]*(?=@)", "***", self.conninfo)

    @property
    def _database_rest(self) -> str:
        if self.database_url is None:
            raise SettingsError("DATABASE_URL is not set")
        return self.database_url.get_secret_value().partition("://")[2]


def variables() -> dict[str, str]:
    """Every environment variable read here, with the name of its field."""
    return {str(info.validation_alias): name for name, info in Settings.model_fields.items()}


def _as_browsers_send(origin: str) -> str:
    """The origin in lower case, with the Punycode of a name that is not ASCII."""
    if origin.isascii():
        return origin.lower()
    scheme, _, rest = origin.partition("://")
    host, colon, port = rest.partition(":")
    try:
        name = host.encode("idna").decode()
    except UnicodeError:
        raise ValueError(f'"{origin}" has a name that cannot be a domain') from None
    return f"{scheme}://{name}{colon}{port}".lower()


def _check_database_url(url: str) -> None:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    expected = "postgresql://user:password@host:5432/database is expected"
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _DATABASE_SCHEMES:
        raise ValueError(f"it is no PostgreSQL address, {expected}")
    try:
        conninfo_to_dict(f"postgresql://{rest}")
        for host in urlsplit(url).netloc.rpartition("@")[2].split(","):
            urlsplit(f"//{host}").port  # noqa: B018 - reading it checks it
    except (ProgrammingError, ValueError):
        # The reason is left out: libpq quotes the address, and the address holds the password.
        raise ValueError(
            f"it cannot be parsed, {expected} (with special characters of the password percent-encoded)"
        ) from None


def _unknown(environment: Mapping[str, str]) -> Iterator[str]:
    known = list(variables())
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "unset it"
            yield f"{name} is no setting: {hint}"


def _sentence(cls: type[Settings], error: ErrorDetails) -> str:
    name = str(error["loc"][0])
    variable = str(cls.model_fields[name].validation_alias) if name in cls.model_fields else name
    return f"{variable}: {reason(error)}"
