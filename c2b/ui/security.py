"""What every answer carries and every request must show: headers, the CSRF token, and where a form came from."""

import secrets
from functools import lru_cache
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, request, session
from flask_wtf.csrf import CSRFProtect, generate_csrf

from c2b.settings import Settings
from c2b.ui.sessions import Sessions

csrf = CSRFProtect()
LARGEST_FORM = 1024 * 1024
"""Bytes of a form without its files: it is read into memory."""


def nonce() -> str:
    """Return this request's nonce for scripts."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)


def csrf_token() -> str:
    """Return the token that this browser's forms show, signed once for all its pages in this process."""
    mine = session.get("csrf_token")
    return _signed(str(current_app.secret_key), mine) if mine else str(generate_csrf())


@lru_cache(maxsize=4096)
def _signed(_secret: str, _mine: str) -> str:
    return str(generate_csrf())


def set_up(app: Flask, settings: Settings, form_hosts: tuple[str, ...] = ()) -> None:
    """Protect `app`; `form_hosts` are the gateways that a payment form may lead to."""
    app.config.update(
        SESSION_COOKIE_NAME="__Host-c2b" if settings.https else "c2b",
        SESSION_COOKIE_SECURE=settings.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=settings.https,
    )
    app.session_interface = Sessions(app)
    app.before_request(_limit_size)  # before anything reads the form
    csrf.init_app(app)
    app.jinja_env.globals["nonce"] = nonce
    app.before_request(_refuse_other_sites)
    targets = " ".join(("'self'", *form_hosts))
    same = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    } | ({"Strict-Transport-Security": "max-age=63072000"} if settings.https else {})

    @app.after_request
    def headers(response: Response) -> Response:
        scripts = f"'self' 'nonce-{g.nonce}'" if "nonce" in g else "'self'"
        policy = (
            f"default-src 'none'; style-src 'self'; img-src 'self' data:; script-src {scripts}; connect-src 'self'; "
            f"form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
        )
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.headers.update(same)
        return response


def _limit_size() -> None:
    """Let only a browser that staff signed in with send large files."""
    if "staff" not in session or request.mimetype != "multipart/form-data":
        request.max_content_length = LARGEST_FORM


def _refuse_other_sites() -> None:
    """Refuse a write that another site's page started, by what the browser itself says (Fetch Metadata, else Origin)."""
    if request.method in {"GET", "HEAD", "OPTIONS"} or request.path.startswith(("/webhooks/", "/api/")):
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin", f"//{request.host}")
    if not (urlsplit(origin).netloc == request.host if site is None else site in {"same-origin", "none"}):
        abort(403)
