"""WeChat Pay's library, set up as the shop's settings say; it is installed only where it is needed."""

from pathlib import Path
from typing import Any

from c2b.errors import N_, Invalid
from c2b.settings import Settings

KEY_LENGTH = 32


def connect(settings: Settings, *, seconds: float) -> Any:
    """Return the library's client; raises Invalid naming what is missing: the package, or a setting that can't be read.

    Each step of a call takes at most `seconds`.
    """
    try:
        from wechatpayv3 import WeChatPay, WeChatPayType
    except ImportError as error:
        raise Invalid(N_("WeChat Pay needs one more package; run: pip install 'c2b[wechat]'")) from error
    api_key = settings.wechat_api_key.get_secret_value()
    if len(api_key.encode()) != KEY_LENGTH:
        raise Invalid(N_("C2B_WECHAT_API_KEY has %(length)s letters, an APIv3 key has 32"), length=len(api_key))
    private, public = _pem("C2B_WECHAT_PRIVATE_KEY", settings.wechat_private_key), _pem("C2B_WECHAT_PUBLIC_KEY", settings.wechat_public_key)
    try:
        pay = WeChatPay(
            wechatpay_type=WeChatPayType.NATIVE,
            mchid=settings.wechat_merchant,
            private_key=private,
            cert_serial_no=settings.wechat_serial,
            appid=settings.wechat_app_id,
            apiv3_key=api_key,
            notify_url=f"{settings.base_url.rstrip('/')}/webhooks/wechat",
            timeout=(seconds, seconds),
            public_key=public,
            public_key_id=settings.wechat_public_key_id,
        )
    except Exception as error:  # the library's own words are all that it raises
        raise Invalid(N_("WeChat Pay's keys can't be used: %(why)s; both files are PEM"), why=str(error)) from error
    pay._core._gate_way = settings.wechat_address.rstrip("/")  # noqa: SLF001  it offers no other way to say where WeChat is
    return pay


def _pem(name: str, path: Path | None) -> str:
    try:
        return path.read_text("ascii") if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(N_("%(name)s: the file %(path)s can't be read; it is a PEM file"), name=name, path=str(path)) from error
