"""Who may open a page: each route says so, or the application doesn't start."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from flask import Flask

P = ParamSpec("P")
R = TypeVar("R")


def declare(view: Callable[P, R], policy: str) -> Callable[P, R]:
    """Write the access policy on a view."""
    view.__dict__["c2b_access"] = policy
    return view


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Let everybody open a page."""
    return declare(view, "public")


def policies(app: Flask) -> dict[str, str | None]:
    """Return each endpoint with its declared policy."""
    return {endpoint: getattr(view, "c2b_access", None) for endpoint, view in app.view_functions.items()}


def require_policies(app: Flask) -> None:
    """Stop the start if a route says nothing about who may open it."""
    missing = sorted(endpoint for endpoint, policy in policies(app).items() if policy is None and endpoint != "static")
    if missing:
        raise RuntimeError(f"these routes say nothing about who may open them: {', '.join(missing)}")
