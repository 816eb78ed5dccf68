"""The language of a page: `?lang=`, then the cookie, then the browser's header, then the shop's."""

from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask, current_app, g, has_request_context, request, session
from flask_babel import Babel, Domain, get_babel
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

NAMES = {"zh_Hans_CN": ("zh", "zh-CN", "中文"), "en": ("en", "en", "English")}
"""Per locale: what `?lang=` says, the tag in HTML, its own name."""
TRANSLATIONS = Path(__file__).resolve().parents[1] / "translations"
_BY_CODE = {code: locale for locale, (code, _, _) in NAMES.items()}


def set_up(app: Flask, default: str) -> None:
    """Let `app` speak both languages; `default` is the shop's locale."""
    domains = sorted({catalogue.stem for catalogue in TRANSLATIONS.glob("*/LC_MESSAGES/*.mo")})
    app.config["BABEL_DOMAIN"] = ";".join(domains)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = ";".join([str(TRANSLATIONS)] * len(domains))
    app.config["BABEL_DEFAULT_LOCALE"] = default
    Babel(app, locale_selector=_choose)
    app.before_request(_remember)
    app.jinja_env.globals.update(lang_tag=lang_tag, other_language=other_language, locale=locale)


def _choose() -> str:
    known = _BY_CODE.get(_asked()) or _BY_CODE.get(session.get("lang", ""))
    return known or _of_browser(request.headers.get("Accept-Language", "")) or str(current_app.config["BABEL_DEFAULT_LOCALE"])


def _asked() -> str:
    return request.args.get("lang", "") if request.query_string else ""


@lru_cache(maxsize=1024)
def _of_browser(accepted: str) -> str:
    """Return the first of our locales that a browser says its owner reads; empty if there is none."""
    wanted = (each.replace("_", "-").split("-")[0].lower() for each in parse_accept_header(accepted, LanguageAccept).values())
    return next((_BY_CODE[code] for code in wanted if code in _BY_CODE), "")


def _remember() -> None:
    asked = _asked()
    if asked in _BY_CODE and session.get("lang") != asked:
        session["lang"], session.permanent = asked, True


class _Renamed:
    """The catalogues as `flask_babel` asks for them, in which a deposit is one that is never kept."""

    def __init__(self, catalogues: Any) -> None:
        self._catalogues = catalogues

    def ugettext(self, message: str) -> str:
        return str(self._catalogues.ugettext(message)).replace(*_DEPOSITS)

    def ungettext(self, one: str, many: str, number: int) -> str:
        return str(self._catalogues.ungettext(one, many, number)).replace(*_DEPOSITS)


_DEPOSITS = ("定金", "订金")


def call_deposits_prepayments() -> None:
    """Let the rest of this request speak of deposits that are never kept: Chinese law tells 订金 from 定金, which sound the same."""
    usual, renamed = get_babel().instance.domain_instance, Domain()
    renamed.get_translations = lambda: _Renamed(usual.get_translations())
    renamed.as_default()


def locale() -> str:
    """Return this request's locale: "zh_Hans_CN" or "en"."""
    if "c2b_locale" not in g:
        g.c2b_locale = _choose() if has_request_context() else str(current_app.config["BABEL_DEFAULT_LOCALE"])
    return str(g.c2b_locale)


def lang_tag() -> str:
    """Return the locale as HTML writes it: zh-CN, en."""
    return NAMES[locale()][1]


def other_language() -> dict[str, str]:
    """Return the address of this page in the other language, with that language's tag and name."""
    code, tag, name = next(names for key, names in NAMES.items() if key != locale())
    arguments = [(key, value) for key, value in request.args.items(multi=True) if key != "lang"]
    path = "/" + request.path.lstrip("/\\") if request.method in {"GET", "HEAD"} else "/"  # "//host" is another site's address
    return {"href": f"{path}?{urlencode([*arguments, ('lang', code)])}", "tag": tag, "name": name}
