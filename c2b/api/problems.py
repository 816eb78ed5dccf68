"""Errors of the API: problem details as of RFC 9457."""

import json
from http import HTTPStatus

from flask import Blueprint, Response
from werkzeug.exceptions import HTTPException

from c2b.errors import Invalid, Problem
from c2b.ui.problems import say, status_of


def details(status: int, detail: str, **more: str) -> Response:
    """Return an answer that says what was wrong; nothing was changed then."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail} | more
    return Response(json.dumps(body, ensure_ascii=False), status, mimetype="application/problem+json")


def _problem(problem: Problem) -> Response:
    more = {"field": problem.field} if isinstance(problem, Invalid) and problem.field else {}
    return details(status_of(problem), say(problem), **more)


def _http(error: HTTPException) -> Response:
    return details(error.code or HTTPStatus.INTERNAL_SERVER_ERROR, error.description or "")


def set_up(bp: Blueprint) -> None:
    """Let the endpoints of `bp` answer errors so."""
    bp.register_error_handler(Problem, _problem)
    bp.register_error_handler(HTTPException, _http)
