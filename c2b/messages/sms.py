"""Text messages by one plain HTTP call, which every provider's gateway can be told to take."""

import base64
import json
import ssl
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, unquote

from c2b.messages.rules import NoWay

SECONDS = 10
_TAKEN = range(200, 300)
_LATER = frozenset({408, 425, 429})
"""Of 400 to 499, what says nothing against the message itself: time-out, too early, too many requests."""
_FOR_GOOD = range(300, 500)


class NotNow(HTTPException):
    """The provider didn't take the message this time; the same message may be offered again."""


@dataclass(frozen=True)
class Sms:
    """A provider of text messages at an address such as https://user:token@sms.example.com/send.

    POST with the JSON document {"to": "+8613800138000", "text": "...", "id": "..."}; `id` stands in the header Idempotency-Key too and
    stays the same at every try, so that the provider sends it once. User and token go as HTTP Basic, a token without user
    (https://:token@...) as Bearer. 2xx: taken. 408, 425, 429, 5xx and time-outs: tried again. Any other answer is final; redirects
    are not followed, for they would carry the code elsewhere.
    """

    url: SplitResult

    def send(self, *, to: str, text: str, key: str) -> None:
        """Hand one message over; raises NoWay where no further try can help, NotNow, HTTPException or OSError where one can."""
        status = self._post(json.dumps({"to": to, "text": text, "id": key}).encode(), key)
        if status in _FOR_GOOD and status not in _LATER:
            raise NoWay(f"the provider of text messages answered {status}")
        if status not in _TAKEN:
            raise NotNow(f"the provider of text messages answered {status}")

    def _post(self, body: bytes, key: str) -> int:
        connection = self._connection()
        path = (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")
        headers = {"Content-Type": "application/json", "Idempotency-Key": key, **self._credentials()}
        try:
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        host = self.url.hostname or "localhost"
        if self.url.scheme == "https":
            return HTTPSConnection(host, self.url.port, timeout=SECONDS, context=ssl.create_default_context())
        return HTTPConnection(host, self.url.port, timeout=SECONDS)

    def _credentials(self) -> dict[str, str]:
        user, token = unquote(self.url.username or ""), unquote(self.url.password or "")
        if user:
            return {"Authorization": "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()}
        return {"Authorization": f"Bearer {token}"} if token else {}
