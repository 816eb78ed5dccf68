"""What the merchant sets from outside: environment variables or a `.env` file, each beginning with C2B_."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from c2b.errors import N_, Invalid

Gateway = Literal["sandbox", "stripe", "wechat", "alipay", "manual"]
NEEDED: Mapping[str, tuple[str, ...]] = {
    "manual": ("manual_account",),
    "stripe": ("stripe_key", "stripe_webhook_secret"),
    "wechat": (
        "wechat_app_id",
        "wechat_merchant",
        "wechat_private_key",
        "wechat_serial",
        "wechat_public_key",
        "wechat_public_key_id",
        "wechat_api_key",
    ),
    "alipay": ("alipay_app_id", "alipay_seller", "alipay_private_key", "alipay_public_key"),
}
"""Settings without which a gateway can't be used."""
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
    """Ways to pay, in the order in which customers see them."""
    manual_account: str = ""
    """Where customers transfer money to, as they read it: bank, account, name."""
    manual_days: int = Field(default=3, ge=1, le=60)
    """How long a transfer may take."""
    stripe_key: SecretStr = SecretStr("")
    stripe_webhook_secret: SecretStr = SecretStr("")
    stripe_address: str = "https://api.stripe.com"
    wechat_app_id: str = ""
    wechat_app_secret: SecretStr = SecretStr("")
    """Of the official account, for signing in within WeChat."""
    wechat_merchant: str = ""
    wechat_private_key: Path | None = None
    """File with the merchant's key (PEM)."""
    wechat_serial: str = ""
    """Serial number of the merchant's certificate."""
    wechat_public_key: Path | None = None
    """File with WeChat Pay's public key (PEM)."""
    wechat_public_key_id: str = ""
    wechat_api_key: SecretStr = SecretStr("")
    """APIv3 key, 32 letters: notices are encrypted with it."""
    wechat_address: str = "https://api.mch.weixin.qq.com"
    wechat_sign_in_address: str = "https://open.weixin.qq.com"
    """Where WeChat's browser is sent to say who somebody is."""
    wechat_oauth_address: str = "https://api.weixin.qq.com"
    """Where the shop asks who that was."""
    alipay_app_id: str = ""
    alipay_seller: str = ""
    """Seller id (2088...), as notices name it."""
    alipay_private_key: Path | None = None
    alipay_public_key: Path | None = None
    alipay_address: str = "https://openapi.alipay.com/gateway.do"
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

    @model_validator(mode="after")
    def _gateways_have_what_they_need(self) -> Self:
        for gateway in self.gateways:
            lacking = [name for name in NEEDED.get(gateway, ()) if not _given(getattr(self, name))]
            if lacking:
                needed = ", ".join(f"C2B_{name.upper()}" for name in lacking)
                raise ValueError(f"{gateway} needs {needed} too")
        return self

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


def _given(value: object) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


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
        name = "C2B_" + "_".join(str(part) for part in first["loc"][:1] or ("gateways",)).upper()
        why = first["msg"].removeprefix("Value error, ")
        raise Invalid(N_("The setting %(name)s is wrong: %(why)s"), name=name, why=why) from error
