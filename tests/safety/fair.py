"""What the model is compared with: a real campaign on a real database, as it is after each act."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from c2b.campaigns import actions as campaigns
from c2b.campaigns.models import Campaign, Candidate, Variant
from c2b.campaigns.rules import LegalProfile
from c2b.db import Database
from c2b.deposits import places
from c2b.voting import actions as voting
from c2b.voting import queries, selecting
from c2b.voting.rules import Touch
from c2b.work import GATES
from tests import make
from tests.safety.market import Market
from tests.safety.market_facts import Product, Rules
from tests.safety.rewinding import Rewind, keep

SLUG = "ss27"
DUE = make.ORDERING_CLOSES + timedelta(days=13)
PRODUCTS = {
    "K1": Product(price=29900, deposit=5980, minimum=2, cap=4),
    "K2": Product(price=9900, deposit=1760, minimum=1, tier_from=2, tier_price=8800),
    "K3": Product(price=5000, deposit=1000, minimum=3),
}
RULES = Rules(PRODUCTS, make.CLOSES, make.ORDERING_OPENS, make.ORDERING_CLOSES, DUE)
PROFILES = {LegalProfile.CN_DINGJIN: True, LegalProfile.EU: False}
"""Whether a deposit is kept from who doesn't pay, and doubled by who doesn't deliver."""

_LINES = "SELECT id, outcome, reserved_at IS NOT NULL, cancel_requested_at IS NOT NULL, final_unit_price FROM order_line"
_DEBTS = (
    "SELECT ref, coalesce(line_id, 0), kind, amount, state FROM obligation JOIN customer_order ON customer_order.id = obligation.order_id"
)
_PAYMENTS = "SELECT key, state, captured, refunded FROM payment"
_REFUNDS = "SELECT key, state, amount FROM refund"
_BOOKS = (
    "SELECT account, sum(amount) FROM (SELECT credit AS account, amount FROM transfer UNION ALL SELECT debit, -amount FROM transfer) "
    "AS moved GROUP BY account HAVING sum(amount) <> 0"
)
_CAMPAIGN = "SELECT state, paused FROM campaign"
_GONE = "SELECT code FROM candidate WHERE withdrawn_at IS NOT NULL"


class Fair:
    """The campaign and its people on one database: opened once, put back for each example."""

    def __init__(self, opened: AbstractContextManager[Database]) -> None:
        self._opened = opened
        self.database = opened.__enter__()
        with self.database.transaction() as session:
            campaign = make.campaign(session, votes_each=RULES.votes_each, shipping=RULES.shipping, balance_due=DUE, minimum=2)
            self.campaign = campaign.id
            supplier = make.supplier(session)
            self.people = [make.person(session, viewer=number) for number in range(4)]
            for number, person in enumerate(self.people):
                make.address(session, person, f"p{number}@example.com")
            self.persons = [person.id for person in self.people]
            self.variants, self.candidates = {}, {}
            for number, (code, product) in enumerate(PRODUCTS.items()):
                candidate = make.candidate(session, campaign, code, sizes="U", price=product.price, position=number)
                limits = {"cap": product.cap, "tier2_units": product.tier_from, "minimum": product.minimum}
                make.offer(session, candidate, supplier, **limits)
                self.candidates[code], self.variants[code] = candidate.id, make.variants(session, candidate)[0].id
            session.execute(update(Variant).where(Variant.id == self.variants["K2"]).values(tier2_price=PRODUCTS["K2"].tier_price))
        self._voting = keep(self.database)
        self._elect()
        self._ordering = keep(self.database)

    def close(self) -> None:
        self._opened.__exit__(None, None, None)

    def _elect(self) -> None:
        with self.database.transaction() as session:
            for code in ("K1", "K2"):
                voting.vote(session, slug=SLUG, code=code, person_id=self.persons[0], touch=Touch(), now=make.OPENS)
        for now in (make.CLOSES, make.ORDERING_OPENS):
            with self.database.transaction() as session:
                campaigns.tick(session, gates=GATES, now=now)
                selecting.select_winners(session, slug=SLUG, actor="cli:test", now=now)
        with self.database.transaction() as session:
            campaigns.tick(session, gates=GATES, now=make.ORDERING_OPENS)

    def begin(self, profile: LegalProfile, *, votes: bool) -> Market:
        """Put the campaign back, to its vote or to its pre-orders, and return the model of it."""
        rewind: Rewind = self._voting if votes else self._ordering
        rewind()
        with self.database.transaction() as session:
            session.execute(update(Campaign).values(legal_profile=profile))
        rules = replace(RULES, keeps=PROFILES[profile], doubles=PROFILES[profile])
        if votes:
            return Market(rules, make.OPENS + timedelta(days=1))
        picks = {self.persons[0]: {"K1", "K2"}}
        return Market(rules, make.ORDERING_OPENS + timedelta(days=1), "ordering", selected={"K1", "K2"}, picks=picks)

    def winners(self) -> set[str]:
        with self.database.reading() as session:
            chosen = queries.selected_ids(session, session.get_one(Campaign, self.campaign))
            return set(session.scalars(select(Candidate.code).where(Candidate.id.in_(chosen))))

    def seen(self, market: Market) -> dict[str, Any]:
        """Return what the database says, in the model's words."""
        with self._looking() as rows:
            (state, paused) = rows(_CAMPAIGN)[0]
            found: dict[str, Any] = {
                "campaign": (state, bool(paused)),
                "gone": {code for (code,) in rows(_GONE)},
                "lines": {row[0]: (row[1], bool(row[2]), bool(row[3]), row[4]) for row in rows(_LINES)},
                "debts": sorted(map(tuple, rows(_DEBTS))),
                "payments": {row[0]: tuple(row[1:]) for row in rows(_PAYMENTS)},
                "refunds": {row[0]: tuple(row[1:]) for row in rows(_REFUNDS)},
                "books": {account: int(amount) for account, amount in rows(_BOOKS)},
            }
        return found | self._asked(market)

    def _asked(self, market: Market) -> dict[str, Any]:
        """Return what nobody stores: how the votes stand, and how many places are left."""
        if market.state == "voting":
            with self.database.reading() as session:
                counts = queries.counts(session, self.campaign)
            votes = {code: counts[key].votes for code, key in self.candidates.items() if key in counts}
            return {"votes": {code: number for code, number in votes.items() if number}}
        if market.places:
            with self.database.reading() as session:
                return {"left": places.free(session, [self.candidates["K1"]], besides=None, now=market.now)[self.candidates["K1"]]}
        return {}

    @contextmanager
    def _looking(self) -> Iterator[Callable[[str], list[Any]]]:
        """Ask the driver alone: a dozen small queries after every step are most of the work."""
        connection = self.database.engine.raw_connection()
        cursor = connection.cursor()

        def rows(query: str) -> list[Any]:
            cursor.execute(query)
            return list(cursor.fetchall())

        try:
            yield rows
        finally:
            cursor.close()
            connection.close()


def wanted(market: Market) -> dict[str, Any]:
    """Return what the model says, in the same form."""
    refunded = {
        key: sum(each.amount for each in market.refunds.values() if each.payment is payment and each.state != "failed")
        for key, payment in market.payments.items()
    }
    said: dict[str, Any] = {
        "campaign": (market.state, market.paused),
        "gone": market.withdrawn,
        "lines": {number: (line.outcome, line.reserved, line.asked, line.final) for number, line in market.lines.items()},
        "debts": sorted((debt.order, debt.line, debt.kind, debt.amount, debt.state) for debt in market.debts),
        "payments": {key: (each.state, each.captured, refunded[key]) for key, each in market.payments.items()},
        "refunds": {key: (each.state, each.amount) for key, each in market.refunds.items()},
        "books": {account: amount for account, amount in market.books.items() if amount},
    }
    if market.state == "voting":
        said["votes"] = market.votes()
    elif market.places:
        said["left"] = market.left("K1")
    return said


def instants(market: Market) -> Sequence[datetime]:
    """Return the instants at which something begins or ends."""
    rules = market.rules
    return (rules.closes, rules.opens, rules.ends, rules.ends + rules.settle, rules.due, rules.due + rules.grace)
