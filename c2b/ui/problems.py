"""What can't be done, said to a person: error pages, and the one sentence of a Problem."""

from typing import Any

from flask import Flask, render_template, request
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from c2b.errors import N_, Invalid, NotFound, Problem, Refused, Sentence, Sentences

_PAGES: dict[int, tuple[str, str]] = {
    400: (N_("We could not read this request"), N_("Nothing was changed. Go back, reload the page and try again.")),
    403: (N_("This page is not open to you"), N_("Nothing was changed. Sign in with an account that may open it.")),
    404: (
        N_("There is no such page"),
        N_("Check the address, or start from all campaigns. Your votes and orders are under My picks."),
    ),
    405: (N_("This address can’t be opened like that"), N_("Go back and use the button on the page.")),
    409: (N_("This can’t be done now"), N_("Nothing was changed.")),
    413: (N_("That is too large"), N_("Nothing was saved. Send a smaller file.")),
    429: (N_("Too many tries"), N_("Nothing was changed. Try again in a few minutes.")),
    500: (
        N_("Something broke on our side"),
        N_("What you just sent may not have been saved. Reload the page and try again; that is safe."),
    ),
}
_STATUS = ((NotFound, 404), (Invalid, 400), (Refused, 409))


def say(sentence: Sentence) -> str:
    """Return a problem's sentence in the page's language, and so the sentences that it names."""
    parts = {name: gettext("; ").join(map(say, value.parts)) for name, value in sentence.values.items() if isinstance(value, Sentences)}
    return str(gettext(sentence.message, **{**sentence.values, **parts}))


def page(status: int, text: str = "") -> tuple[str, int]:
    """Return an error page; `text` stands in for the usual explanation."""
    title, usual = _PAGES.get(status, _PAGES[status // 100 * 100])
    return render_template("error.html", status=status, title=gettext(title), text=text or gettext(usual)), status


def status_of(problem: Problem) -> int:
    """Return the status of the answer to a problem."""
    return next((status for kind, status in _STATUS if isinstance(problem, kind)), 400)


def _problem(problem: Problem) -> tuple[str, int]:
    return page(status_of(problem), say(problem))


def _token(_error: CSRFError) -> tuple[str, int]:
    return page(
        400, gettext("This form was open too long or came from another page. Nothing was changed; reload the page and send it again.")
    )


def _http(error: HTTPException) -> Any:
    if error.code is None or error.code // 100 not in {4, 5}:  # redirects, which werkzeug raises too
        return error
    body, status = page(error.code)
    headers = [(name, value) for name, value in error.get_headers() if name in {"Allow", "Retry-After"}]
    return body, status, headers


def set_up(app: Flask) -> None:
    """Answer every error by a page in the shop's tone."""
    app.register_error_handler(CSRFError, _token)
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(HTTPException, _http)
    app.jinja_env.globals["asked_for"] = lambda: request.path
