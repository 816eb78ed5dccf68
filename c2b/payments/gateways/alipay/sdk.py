"""Talking to Alipay by its Python SDK: keys, signed addresses, calls whose answers are verified, and yuan and time as it writes them."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

from c2b.errors import N_, Invalid
from c2b.money import decimal
from c2b.settings import Settings

CURRENCY = "CNY"
BEIJING = timezone(timedelta(hours=8))
"""Alipay's times carry no zone; they are of its home, which knows no summer time."""
_TIME = "%Y-%m-%d %H:%M:%S"
_YUAN = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,2})?")
TIME_OUT = 5.0
"""Seconds of one call."""


class Line:
    """The line to Alipay: signs what goes out, believes only what Alipay signed."""

    def __init__(self, settings: Settings, *, time_out: float = TIME_OUT) -> None:
        """Read the keys; raises Invalid naming the package or the setting that is wrong."""
        alipay, utils = _package("alipay"), _package("alipay.utils")
        files = {"app_private_key_string": settings.alipay_private_key, "alipay_public_key_string": settings.alipay_public_key}
        config = utils.AliPayConfig(timeout=time_out)
        try:
            keys = {name: _key(path) for name, path in files.items()}
            self._sdk = alipay.AliPay(appid=settings.alipay_app_id, config=config, **keys)
        except (ValueError, IndexError, TypeError) as problem:  # whatever base64 and the SDK's cryptography say of a key that is none
            raise Invalid(N_("A file of C2B_ALIPAY_PRIVATE_KEY or C2B_ALIPAY_PUBLIC_KEY holds no RSA key; save it again")) from problem
        vars(self._sdk)["_gateway"] = self._address = settings.alipay_address  # the SDK has no other way to say where Alipay is

    def address(self, method: str, about: dict[str, Any], now: datetime, **more: str) -> str:
        """Return the signed address of a page of Alipay's; nothing is sent."""
        return f"{self._address}?{self._sdk.client_api(method, about, timestamp=written(now), **more)}"

    def ask(self, method: str, about: dict[str, Any], now: datetime) -> dict[str, Any]:
        """Call Alipay and return its answer, the signature verified; raises for everything else, a refusal without signature included."""
        answer = self._sdk.server_api(method, about, timestamp=written(now))
        if not isinstance(answer, dict):
            raise TypeError(f"Alipay answered {method} by something else than an object")
        return answer

    def is_alipays(self, said: dict[str, str], signature: str) -> bool:
        """Say whether Alipay signed these parameters, which are without signature and its type."""
        try:
            return bool(self._sdk.verify(dict(said), signature))
        except (ValueError, binascii.Error):  # no base64, or not of the key's length
            return False


def _package(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as problem:
        raise Invalid(N_("The package for Alipay is missing; run: pip install 'c2b[alipay]'")) from problem


def _key(path: Path | None) -> bytes:
    """Read a key: PEM, or what Alipay's tools write, base64 without the lines around it."""
    try:
        content = path.read_bytes().strip() if path else b""
    except OSError as problem:
        raise Invalid(N_("The file %(file)s with a key for Alipay can’t be read; look at its path and rights"), file=str(path)) from problem
    return content if content.startswith(b"-----BEGIN") else base64.b64decode(content)


def yuan(amount: int) -> str:
    """Write minor units as Alipay does: 5980 is 59.80."""
    return str(decimal(amount, CURRENCY))


def fen(text: object) -> int:
    """Read an amount of Alipay's, exactly; raises ValueError for anything else."""
    written_amount = str(text).strip()
    if not _YUAN.fullmatch(written_amount):
        raise ValueError(f"“{written_amount}” is no amount in yuan")
    return int(Decimal(written_amount) * 100)


def written(moment: datetime) -> str:
    """Write a time as Alipay does, to the second before."""
    return moment.astimezone(BEIJING).strftime(_TIME)


def moment(text: str) -> datetime:
    """Read a time of Alipay's; raises ValueError."""
    return datetime.strptime(text.strip(), _TIME).replace(tzinfo=BEIJING).astimezone(UTC)
