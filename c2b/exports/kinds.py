"""Which exports there are, in which formats, and from when on."""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import BinaryIO

from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.errors import N_, Invalid, Refused
from c2b.exports.sheet import About, Sheet
from c2b.exports.sheets import (
    bundle,
    candidates,
    customers,
    deposits,
    funnel,
    ledger,
    pickups,
    production_orders,
    refunds,
    results,
    shipments,
    shopify_products,
    votes,
)
from c2b.exports.writers import account_book, beancount, csv, json, order_book, pabulib, xlsx, zipped
from c2b.voting.queries import is_published


class Kind(enum.StrEnum):
    """What can be exported."""

    PRODUCTION_ORDERS = "production-orders"
    DEPOSITS = "deposits"
    REFUNDS = "refunds"
    CUSTOMERS = "customers"
    CANDIDATES = "candidates"
    VOTES = "votes"
    RESULTS = "results"
    LEDGER = "ledger"
    SHIPMENTS = "shipments"
    PICKUPS = "pickups"
    FUNNEL = "funnel"
    SHOPIFY_PRODUCTS = "shopify-products"
    BUNDLE = "bundle"
    OPENED_BUNDLE = "opened-bundle"


class Format(enum.StrEnum):
    """What a file may be; the value is its ending too."""

    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"
    BEANCOUNT = "beancount"
    PB = "pb"
    ZIP = "zip"


Writer = Callable[[Sheet, BinaryIO], None]
_TABLES: Mapping[Format, Writer] = {Format.CSV: csv.write, Format.XLSX: xlsx.write, Format.JSON: json.write}


@dataclass(frozen=True)
class _Export:
    build: Callable[[Session, Campaign, About], Sheet]
    writers: Mapping[Format, Writer] = field(default_factory=lambda: _TABLES)
    personal: bool = False
    picks: bool = False
    """Says who picked what, if only by the ballots' random names."""
    counts: bool = False
    """Shows nothing but votes, so that it is shut while votes may not be seen."""


_EXPORTS: Mapping[Kind, _Export] = {
    Kind.PRODUCTION_ORDERS: _Export(production_orders.sheet, {**_TABLES, Format.XLSX: order_book.write}),
    Kind.DEPOSITS: _Export(deposits.sheet),
    Kind.REFUNDS: _Export(refunds.sheet),
    Kind.CUSTOMERS: _Export(customers.sheet, personal=True),
    Kind.CANDIDATES: _Export(candidates.sheet),
    Kind.VOTES: _Export(votes.sheet, {**_TABLES, Format.PB: pabulib.write}, counts=True),
    Kind.RESULTS: _Export(results.sheet, counts=True),
    Kind.LEDGER: _Export(ledger.sheet, {**_TABLES, Format.XLSX: account_book.write, Format.BEANCOUNT: beancount.write}),
    Kind.FUNNEL: _Export(funnel.sheet, counts=True),
    Kind.SHIPMENTS: _Export(shipments.sheet, personal=True),
    Kind.PICKUPS: _Export(pickups.sheet, personal=True),
    Kind.SHOPIFY_PRODUCTS: _Export(shopify_products.sheet, {Format.CSV: partial(csv.write, bom=False)}),
    Kind.BUNDLE: _Export(bundle.sheet, {Format.ZIP: zipped.write}, counts=True),
    Kind.OPENED_BUNDLE: _Export(bundle.opened_sheet, {Format.ZIP: zipped.write}, picks=True, counts=True),
}


def formats(kind: Kind) -> tuple[Format, ...]:
    """Return the formats that a kind can have, the usual one first."""
    return tuple(_EXPORTS[kind].writers)


def is_personal(kind: Kind) -> bool:
    """Say whether names and addresses of customers are in it."""
    return _EXPORTS[kind].personal


def shows_picks(kind: Kind) -> bool:
    """Say whether it opens every ballot, so that only auditors may have it."""
    return _EXPORTS[kind].picks


def writer(kind: Kind, form: Format) -> Writer:
    """Return what writes a kind in a format; raises Invalid for a format that it hasn't."""
    if form not in formats(kind):
        raise Invalid(
            N_("“%(kind)s” can't be exported as %(format)s; take %(formats)s"), kind=kind, format=form, formats=", ".join(formats(kind))
        )
    return _EXPORTS[kind].writers[form]


def build(session: Session, campaign: Campaign, kind: Kind, *, locale: str, counts_allowed: bool, now: datetime) -> Sheet:
    """Return the sheet of a kind; its rows are read while they are written, in the same transaction.

    Votes may be seen when the selection has published them, or before with `counts_allowed`. Raises Refused where there is
    nothing to export yet, or nothing that may be seen yet.
    """
    about = About.of(campaign, locale=locale, counts=is_published(session, campaign) or counts_allowed, now=now)
    if _EXPORTS[kind].counts and not about.counts:
        raise Refused(N_("“%(kind)s” can be exported when the result is published, or by those who may look at counts"), kind=kind)
    return _EXPORTS[kind].build(session, campaign, about)
