"""Who somebody is to the shop's official account within WeChat: asked of WeChat by OAuth 2, without asking the person anything.

Source: developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html (snsapi_base).
"""

import json
import ssl
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from c2b.errors import N_, Invalid, Refused
from c2b.people.rules import AddressKind, normalise
from c2b.settings import Settings

SECONDS = 5.0
_LARGEST = 64 * 1024
UNKNOWN = N_("WeChat did not say who you are; try again")


@dataclass(frozen=True)
class OfficialAccount:
    """The shop's account within WeChat; an openid means the same person only to it."""

    app_id: str
    secret: str
    page: str
    """Where the browser is sent."""
    api: str
    """Where we ask."""

    def authorize(self, *, back: str, state: str) -> str:
        """Return the address that WeChat's browser is sent to; it comes `back` with `state` and a code that is good for once."""
        asked = {"appid": self.app_id, "redirect_uri": back, "response_type": "code", "scope": "snsapi_base", "state": state}
        return f"{self.page}/connect/oauth2/authorize?{urlencode(asked)}#wechat_redirect"

    def openid(self, code: str) -> str:
        """Return who came back with `code`; outside of any transaction. Raises Refused where WeChat doesn't say."""
        asked = {"appid": self.app_id, "secret": self.secret, "code": code, "grant_type": "authorization_code"}
        try:
            said = self._get(f"/sns/oauth2/access_token?{urlencode(asked)}")
            return normalise(AddressKind.WECHAT, str(said["openid"]))
        except (OSError, HTTPException, ValueError, KeyError, TypeError, Invalid):
            raise Refused(UNKNOWN) from None  # what failed names the address, and that the secret

    def _get(self, path: str) -> Any:
        connection = self._connection()
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read(_LARGEST))
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        url = urlsplit(self.api)
        if url.scheme == "https":
            return HTTPSConnection(url.hostname or "", url.port, timeout=SECONDS, context=ssl.create_default_context())
        return HTTPConnection(url.hostname or "", url.port, timeout=SECONDS)


def official_account(settings: Settings) -> OfficialAccount | None:
    """Return the shop's official account; None where it has none, so that nobody can sign in by WeChat."""
    secret = settings.wechat_app_secret.get_secret_value()
    if not (settings.wechat_app_id and secret):
        return None
    addresses = (settings.wechat_sign_in_address.rstrip("/"), settings.wechat_oauth_address.rstrip("/"))
    return OfficialAccount(settings.wechat_app_id, secret, *addresses)
