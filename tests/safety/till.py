"""A gateway in memory, with a clock and a line that a test sets: the world outside, for tests that play many campaigns."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from c2b.payments.protocol import Answer, Call, Client, Heard, Limits, Notice, PaymentFacts, RefundFacts, StatementLine


@dataclass
class Page:
    """A payment as the gateway has it."""

    amount: int
    currency: str
    expires_at: datetime
    paid: bool = False
    declined: bool = False


@dataclass
class Till:
    """Idempotent by key. `trouble` happens to all calls: `down`, none arrives; `lost`, they are done and their answers get lost."""

    now: Callable[[], datetime]
    trouble: str = ""
    pages: dict[str, Page] = field(default_factory=dict)
    returned: dict[str, int] = field(default_factory=dict)
    bounced: set[str] = field(default_factory=set)
    merchant: str = "main"
    limits: Limits = field(default_factory=Limits)
    lasts: timedelta = timedelta(minutes=30)
    hosts: tuple[str, ...] = ()
    thanks: str = ""

    def is_offered(self, client: Client) -> bool:  # noqa: ARG002  as every gateway is asked
        return True

    def notice(self, call: Call) -> Notice | None:  # noqa: ARG002  it sends none
        return None

    def statement(self, content: bytes) -> Iterable[StatementLine]:  # noqa: ARG002  it writes none
        return []

    def start(self, facts: PaymentFacts) -> Answer:
        self._arrives()
        self.pages.setdefault(facts.key, Page(facts.amount, facts.currency, facts.expires_at))
        return self._answered(self._said(facts.key))

    def query(self, facts: PaymentFacts) -> Answer:
        self._arrives()
        return self._answered(self._said(facts.key))

    def refund(self, facts: RefundFacts) -> Answer:
        self._arrives()
        self.returned.setdefault(facts.key, facts.amount)
        return self._answered(self._sent_back(facts))

    def query_refund(self, facts: RefundFacts) -> Answer:
        self._arrives()
        return self._answered(self._sent_back(facts))

    def _arrives(self) -> None:
        if self.trouble == "down":
            raise ConnectionRefusedError

    def _answered(self, answer: Answer) -> Answer:
        if self.trouble == "lost":
            raise TimeoutError
        return answer

    def _said(self, key: str) -> Answer:
        page = self.pages.get(key)
        if page is None:
            return Answer(Heard.ABSENT)
        if page.paid:
            return Answer(Heard.DONE, amount=page.amount, currency=page.currency, merchant=self.merchant, reference=f"T-{key}")
        if page.declined or page.expires_at <= self.now():
            return Answer(Heard.FAILED, why="declined")
        return Answer(Heard.PENDING, page=f"/pay/{key}")

    def _sent_back(self, facts: RefundFacts) -> Answer:
        if facts.key not in self.returned:
            return Answer(Heard.ABSENT)
        if facts.key in self.bounced:
            return Answer(Heard.FAILED, why="came back")
        return Answer(Heard.DONE, amount=facts.amount, currency=facts.currency, merchant=self.merchant, reference=f"T-{facts.key}")

    def holds(self) -> int:
        """Sum what customers paid and didn't get back, in minor units."""
        back = sum(amount for key, amount in self.returned.items() if key not in self.bounced)
        return sum(page.amount for page in self.pages.values() if page.paid) - back
