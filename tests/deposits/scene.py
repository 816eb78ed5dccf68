"""A shop in its ordering phase, on a database, with a gateway whose clock and moods a test sets."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.audit.rules import Finding
from c2b.audit.two_people import ask
from c2b.campaigns.models import Campaign, Candidate, Offer, Variant
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.deposits import actions, cancelling, pay, sending
from c2b.deposits import checks as deposit_checks
from c2b.deposits.models import Order, OrderLine, RefundLine
from c2b.deposits.rules import Outcome, RefundReason
from c2b.ledger import checks as ledger_checks
from c2b.ledger import queries as ledger
from c2b.payments import inbox
from c2b.payments.gateways.sandbox.books import Sandbox
from c2b.payments.models import Payment, Refund
from c2b.payments.protocol import About, Answer, Call, Client, Limits, Notice, PaymentFacts, RefundFacts, StatementLine
from c2b.payments.rules import PaymentState
from tests import books, make

DAY = datetime(2027, 3, 20, 4, 0, tzinfo=UTC)
"""In the middle of ordering."""


@dataclass
class Faulty:
    """The real sandbox behind a bad line: what stands in `troubles` happens to the next calls, in order.

    `lost`: it was done, the answer got lost; `down`: it was never done. `calls` notes what was asked.
    """

    sandbox: Sandbox
    troubles: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    says: dict[str, Answer] = field(default_factory=dict)
    """By key: what it answers when it is asked about a payment or refund, whatever its books say."""
    merchant: str = "main"
    limits: Limits = field(default_factory=Limits)
    lasts: timedelta = timedelta(minutes=30)
    hosts: tuple[str, ...] = ()
    thanks: str = ""
    waits: Callable[[], None] = lambda: None
    """Happens before each answer: time may pass."""

    def is_offered(self, client: Client) -> bool:
        return self.sandbox.is_offered(client)

    def notice(self, call: Call) -> Notice | None:
        return self.sandbox.notice(call)

    def statement(self, content: bytes) -> Iterable[StatementLine]:
        return self.sandbox.statement(content)

    def start(self, facts: PaymentFacts) -> Answer:
        return self._through("start", facts)

    def query(self, facts: PaymentFacts) -> Answer:
        return self._through("query", facts)

    def refund(self, facts: RefundFacts) -> Answer:
        return self._through("refund", facts)

    def query_refund(self, facts: RefundFacts) -> Answer:
        return self._through("query_refund", facts)

    def _through(self, call: str, facts: Any) -> Answer:
        self.calls.append(call)
        self.waits()
        trouble = self.troubles.pop(0) if self.troubles else ""
        if trouble == "down":
            raise ConnectionRefusedError
        answer: Answer = getattr(self.sandbox, call)(facts)
        if call.startswith("query"):
            answer = self.says.get(facts.key, answer)
        if trouble == "lost":
            raise TimeoutError
        return answer


class Shop:
    """One campaign with offered products, its customers, and the gateway."""

    def __init__(self, database: Database, folder: Path, **campaign: Any) -> None:
        self.database = database
        self.now = DAY
        self.sandbox = Sandbox(folder / "sandbox.db", lambda: self.now)
        self.gateway = Faulty(self.sandbox)
        with database.transaction() as session:
            rules = {"state": CampaignState.ORDERING, "voting_opens": None, "voting_closes": None} | campaign
            self.campaign_id = make.campaign(session, **rules).id
            self.supplier_id = make.supplier(session).id

    def sells(self, code: str, *, price: int = 29900, offer: dict[str, Any] | None = None, **changes: Any) -> list[int]:
        """Offer a product; returns the ids of its variants S, M, L."""
        with self.database.transaction() as session:
            campaign = session.get_one(Campaign, self.campaign_id)
            candidate = make.candidate(session, campaign, code, price=price, **changes)
            session.add(Offer(candidate_id=candidate.id, supplier_id=self.supplier_id, pack=1, **(offer or {})))
            return [variant.id for variant in make.variants(session, candidate)]

    def customer(self) -> int:
        with self.database.transaction() as session:
            return make.person(session).id

    def order(self, person: int, *lines: tuple[int, int], key: str = "", locale: str = "en") -> str:
        with self.database.transaction() as session:
            return actions.place_order(
                session,
                slug="ss27",
                person_id=person,
                lines=lines,
                address=None,
                idempotency_key=key or books.key(),
                locale=locale,
                now=self.now,
            )

    def pay(self, ref: str, person: int) -> str:
        """Begin to pay; returns the payment's key."""
        gateways = {"sandbox": self.gateway}
        pay.pay(self.database, gateways, order_ref=ref, person_id=person, gateway="sandbox", now=self.now)
        with self.database.reading() as session:
            return session.scalars(select(Payment.key).where(Payment.payer == ref).order_by(Payment.id.desc())).first() or ""

    def check(self, key: str) -> PaymentState:
        return pay.check(self.database, {"sandbox": self.gateway}, key=key, now=self.now)

    def sweep(self) -> int:
        return pay.sweep(self.database, {"sandbox": self.gateway}, self.now)

    def send_refunds(self) -> int:
        return sending.send_refunds(self.database, {"sandbox": self.gateway}, self.now)

    def hear(self, *, key: str, about: About = About.PAYMENT, event: str = "") -> int:
        """Let the gateway send an event about a key, and apply it."""
        with self.database.transaction() as session:
            notice = Notice(event or f"evt-{key}-{self.now.isoformat()}", "changed", about, key)
            inbox.store(session, gateway="sandbox", notice=notice, now=self.now)
        return pay.hear(self.database, {"sandbox": self.gateway}, self.now)

    def buys(self, person: int, *lines: tuple[int, int]) -> str:
        """Order, pay and come back: returns the order's reference."""
        ref = self.order(person, *lines)
        key = self.pay(ref, person)
        self.sandbox.approve(key)
        assert self.check(key) is PaymentState.CAPTURED
        return ref

    def person_of(self, ref: str) -> int:
        with self.database.reading() as session:
            return session.scalars(select(Order.person_id).where(Order.ref == ref)).one()

    def resolves(self, action: Callable[..., Any], *, reason: str = "The customer asked", **values: Any) -> Any:
        """Let finance decide what no rule can."""
        with self.database.transaction() as session:
            return action(session, reason=reason, actor="staff:finance@example.com", now=self.now, **values)

    def log(self) -> list[tuple[str, str, str]]:
        """Action, object and reason of every entry, oldest first."""
        with self.database.reading() as session:
            return [(entry.action, entry.object, entry.reason) for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]

    def asks_to_cancel(self, actor: str, reason: str) -> None:
        """Let one of two people ask to cancel the campaign."""
        with self.database.transaction() as session:
            ask(session, cancelling.cancelling(session.get_one(Campaign, self.campaign_id)), reason=reason, actor=actor, now=self.now)

    def asks_to_withdraw(self, code: str, actor: str, reason: str) -> None:
        """Let one of two people ask to withdraw a candidate."""
        with self.database.transaction() as session:
            step = cancelling.withdrawing(session.get_one(Campaign, self.campaign_id), code)
            ask(session, step, reason=reason, actor=actor, now=self.now)

    def decided(self, session: Session) -> None:
        """Decide the campaign in favour of every reserved line."""
        session.get_one(Campaign, self.campaign_id).state = CampaignState.DECIDED
        reserved = update(OrderLine).where(OrderLine.reserved_at.is_not(None))
        session.execute(reserved.values(outcome=Outcome.ALLOCATED, final_unit_price=OrderLine.unit_price))

    def cancel(self, ref: str, person: int) -> None:
        with self.database.transaction() as session:
            actions.cancel_order(session, order_ref=ref, person_id=person, now=self.now)

    def cancel_line(self, ref: str, line: int, person: int) -> None:
        with self.database.transaction() as session:
            actions.cancel_line(session, order_ref=ref, line_id=line, person_id=person, now=self.now)

    def reasons(self) -> list[RefundReason]:
        with self.database.reading() as session:
            return list(session.scalars(select(RefundLine.reason).order_by(RefundLine.id)))

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)

    def lines(self, ref: str) -> list[OrderLine]:
        with self.database.reading() as session:
            query = select(OrderLine).join(Order, Order.id == OrderLine.order_id).where(Order.ref == ref).order_by(OrderLine.id)
            return list(session.scalars(query))

    def payment(self, key: str) -> Payment:
        with self.database.reading() as session:
            return session.scalars(select(Payment).where(Payment.key == key)).one()

    def payments(self) -> list[Payment]:
        with self.database.reading() as session:
            return list(session.scalars(select(Payment).order_by(Payment.id)))

    def refunds(self) -> list[Refund]:
        with self.database.reading() as session:
            return list(session.scalars(select(Refund).order_by(Refund.id)))

    def balances(self, *accounts: str) -> dict[str, int]:
        with self.database.reading() as session:
            return ledger.balances(session, accounts)

    def findings(self) -> Sequence[Finding]:
        """What the audit would say; a test's last question."""
        with self.database.reading() as session:
            return [*ledger_checks.checks(session), *deposit_checks.checks(session)]

    def variants(self, code: str) -> list[Variant]:
        with self.database.reading() as session:
            return make.variants(session, session.scalars(select(Candidate).where(Candidate.code == code)).one())
