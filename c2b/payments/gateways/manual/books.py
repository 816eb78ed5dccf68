"""Bank transfers and cash: the customer is told where to pay, people enter what came, and pay refunds out by hand."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy import select

from c2b.db import Database
from c2b.errors import N_, Invalid
from c2b.payments.models import ManualPayout, ManualReceipt, Payment, Refund
from c2b.payments.protocol import Answer, Call, Client, Forged, Heard, Limits, Notice, PaymentFacts, RefundFacts, StatementLine
from c2b.settings import Settings


class Manual:
    """The gateway that people are; its books are what they entered, in the shop's own database."""

    merchant = "main"
    limits = Limits()
    hosts = ()
    thanks = ""

    def __init__(self, settings: Settings, database: Database, now: Callable[[], datetime]) -> None:
        self.account = settings.manual_account
        """Where customers send money to."""
        self.database = database
        self.now = now
        self._lasts = timedelta(days=settings.manual_days)

    @property
    def lasts(self) -> timedelta:
        """How long a transfer may take, until somebody has entered it."""
        return self._lasts

    def is_offered(self, client: Client) -> bool:  # noqa: ARG002  as every gateway is asked
        """Say yes to every browser."""
        return True

    def start(self, facts: PaymentFacts) -> Answer:
        """Return the page that says where to pay; nothing has to be made known to anybody."""
        return self.query(facts)

    def query(self, facts: PaymentFacts) -> Answer:
        """Say what was entered; the amount is what really came. Without an entry it is pending until it expires."""
        with self.database.reading() as session:
            came = session.scalars(select(ManualReceipt).where(ManualReceipt.payment_key == facts.key)).one_or_none()
        if came is not None:
            return self._moved(facts.key, came.amount, came.currency)
        if facts.expires_at <= self.now():
            return Answer(Heard.FAILED, why="expired")
        return Answer(Heard.PENDING, page=f"/manual/pay/{facts.key}?{urlencode({'back': facts.back})}")

    def refund(self, facts: RefundFacts) -> Answer:
        """Wait for a person to pay it out: they see it on their page as soon as it is queued."""
        return self.query_refund(facts)

    def query_refund(self, facts: RefundFacts) -> Answer:
        """Say whether somebody entered that it was paid out; it is never absent, for the queue itself is the list."""
        paid = select(ManualPayout.amount, Payment.currency).join(Refund, Refund.key == ManualPayout.refund_key)
        with self.database.reading() as session:
            row = session.execute(paid.join(Payment, Payment.id == Refund.payment_id).where(Refund.key == facts.key)).one_or_none()
        if row is None:
            return Answer(Heard.PENDING, why="a person pays it out")
        return self._moved(facts.key, row.amount, row.currency)

    def notice(self, call: Call) -> Notice | None:  # noqa: ARG002  whatever it is
        """Refuse every event: people enter what they know on their page."""
        raise Forged

    def statement(self, content: bytes) -> Iterable[StatementLine]:  # noqa: ARG002  whatever it is
        """Refuse every file: what came is entered on the page of transfers."""
        raise Invalid(N_("Bank transfers are entered one by one under Transfers; there is no statement to import"))

    def _moved(self, key: str, amount: int, currency: str) -> Answer:
        return Answer(Heard.DONE, amount=amount, currency=currency, merchant=self.merchant, reference=f"MAN-{key}")
