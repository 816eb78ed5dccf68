"""The staff's pages; importing them adds their routes to the one blueprint."""

from c2b.admin import (
    accounts,
    campaigns,
    candidates,
    counter,
    counts,
    decision,
    ending,
    exports,
    importing,
    log,
    messages,
    orders,
    overrides,
    overview,
    production,
    selection,
    sign_in,
)
from c2b.admin.blueprint import bp

__all__ = [
    "accounts",
    "bp",
    "campaigns",
    "candidates",
    "counter",
    "counts",
    "decision",
    "ending",
    "exports",
    "importing",
    "log",
    "messages",
    "orders",
    "overrides",
    "overview",
    "production",
    "selection",
    "sign_in",
]
