"""Flask's sessions in signed cookies, without checking the same cookie anew for each page."""

from functools import lru_cache
from time import time
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature
from werkzeug.http import parse_cookie


class Sessions(SecureCookieSessionInterface):
    """Sessions whose cookies are remembered: the last few thousand that this process found right, with when they were signed."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._remembered = lru_cache(maxsize=4096)(self._checked)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        """Return what the cookie says; nothing where there is none, or where it is forged, damaged or too old."""
        sent = request.environ.get("HTTP_COOKIE")
        if not sent:
            return self.session_class()
        try:
            said, signed_at = self._remembered(sent)
        except _Nested as nested:
            return self.session_class(nested.said)
        except BadSignature:
            return self.session_class()
        fresh = time() - signed_at <= app.permanent_session_lifetime.total_seconds()
        return self.session_class(dict(said) if fresh else None)

    def _checked(self, sent: str) -> tuple[tuple[tuple[str, Any], ...], float]:
        """Return what a browser's cookies say and when that was signed; raises BadSignature."""
        value = parse_cookie(sent).get(self.get_cookie_name(self._app), "")
        signer = self.get_signing_serializer(self._app)
        if signer is None:
            raise BadSignature("nothing is signed without a key")
        longest = int(self._app.permanent_session_lifetime.total_seconds())
        said, signed_at = signer.loads(value, max_age=longest, return_timestamp=True)
        if any(isinstance(each, list | dict | tuple) for each in said.values()):
            raise _Nested(said)
        return tuple(said.items()), signed_at.timestamp()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Sign what has changed; say that the page depends on the cookie where it was looked at."""
        if session.modified:
            super().save_session(app, session, response)
        elif session.accessed and "Vary" not in response.headers:
            response.headers["Vary"] = "Cookie"
        elif session.accessed:
            response.vary.add("Cookie")


class _Nested(Exception):
    """What a request may change in place, and so isn't remembered."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.said = said
