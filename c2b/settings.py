"""What the merchant sets from outside: environment variables or a `.env` file, each beginning with C2B_."""

import os
import secrets
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from c2b.errors import N_, Invalid

Gateway = Literal["sandbox", "stripe", "wechat", "alipay", "manual"]
BUILT_GATEWAYS = frozenset({"sandbox"})
CONSOLE = "console:"
"""Text messages as files: for looking at them on one's own machine."""


class Settings(BaseSettings):
    """Every setting, typed; a wrong value stops the start and names the variable."""

    model_config = SettingsConfigDict(env_prefix="C2B_", env_file=".env", extra="ignore", frozen=True)

    data: Path = Path("c2b-data")
    """Folder of everything that isn't in the database: pictures, outgoing mail without a server, the sandbox's books."""
    database_url: str = ""
    """SQLAlchemy URL; empty: SQLite in the data folder."""
    secret_key: SecretStr = SecretStr("")
    """Keys the cookies and the hashes of addresses."""
    base_url: str = "http://127.0.0.1:8000"
    mail_url: str = ""
    """smtp://user:password@host:port; empty: one file a mail in `outbox/` of the data folder."""
    sms_url: str = ""
    """https://user:token@host/path of whoever sends text messages, see `messages.sms`; `console:`: files in `outbox/`. Empty: as
    `console:` where mail goes to files too, else no text messages."""
    gateways: Annotated[tuple[Gateway, ...], NoDecode] = ("sandbox",)
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    locale: Literal["zh_Hans_CN", "en"] = "zh_Hans_CN"
    demo: bool = False
    """Set by `c2b demo` alone: the sign-in page shows its code."""

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not _is_database(value):
            raise ValueError("take sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")
        return value

    @field_validator("base_url")
    @classmethod
    def _known_base(cls, value: str) -> str:
        if not _is_address(value, "http", "https"):
            raise ValueError("take the shop's address, like https://shop.example.com")
        return value

    @field_validator("mail_url")
    @classmethod
    def _known_mail(cls, value: str) -> str:
        if value and not _is_address(value, "smtp", "smtps"):
            raise ValueError("take smtp://USER:PASSWORD@HOST:PORT, or smtps:// for TLS from the start")
        return value

    @field_validator("sms_url")
    @classmethod
    def _known_sms(cls, value: str) -> str:
        if value and value != CONSOLE and not _is_address(value, "https") and not _is_here(value):
            raise ValueError("take https://USER:TOKEN@HOST/PATH, or console: for files in the outbox")
        return value

    @field_validator("gateways", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("gateways")
    @classmethod
    def _built(cls, value: tuple[Gateway, ...]) -> tuple[Gateway, ...]:
        if missing := set(value) - BUILT_GATEWAYS:
            raise ValueError(f"{', '.join(sorted(missing))} can't be used yet; take sandbox")
        return value

    @property
    def database(self) -> str:
        """The database's URL, the default filled in."""
        return self.database_url or f"sqlite:///{self.data.resolve() / 'c2b.db'}"

    @property
    def https(self) -> bool:
        """Whether customers come by https, so that cookies are Secure."""
        return self.base_url.startswith("https://")

    def with_local_secret(self) -> Self:
        """Return the settings with a secret key, made and kept in the data folder where none is set."""
        if self.secret_key.get_secret_value():
            return self
        self.data.mkdir(parents=True, exist_ok=True)
        path = self.data / "secret-key"
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(48))
        return self.model_copy(update={"secret_key": SecretStr(path.read_text().strip())})


def _is_database(url: str) -> bool:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number is a ValueError
        return False
    if parsed.drivername == "sqlite":
        return (parsed.database or ":memory:") != ":memory:"  # a shop that is gone with its process is none
    return parsed.drivername in ("postgresql", "postgresql+psycopg")


def _is_address(url: str, *schemes: str) -> bool:
    try:
        parsed = urlsplit(url)
        return parsed.scheme in schemes and bool(parsed.hostname) and parsed.port != 0
    except ValueError:  # a port out of range, half a bracket
        return False


def _is_here(url: str) -> bool:
    """Tell whether an address without TLS never leaves this machine."""
    return _is_address(url, "http") and urlsplit(url).hostname in {"127.0.0.1", "localhost"}


def load() -> Settings:
    """Read the settings; raises Invalid naming the variable that is wrong."""
    try:
        return Settings()
    except UnicodeDecodeError as error:
        raise Invalid(N_("The file .env is not text in UTF-8; save it again")) from error
    except ValidationError as error:
        first = error.errors()[0]
        name = "C2B_" + "_".join(str(part) for part in first["loc"][:1]).upper()
        why = first["msg"].removeprefix("Value error, ")
        raise Invalid(N_("The setting %(name)s is wrong: %(why)s"), name=name, why=why) from error
