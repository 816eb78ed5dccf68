"""The desk of finance: brings statements in, has them compared with the books, and reads what is open."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from c2b.deposits import bookkeeping
from c2b.ledger import actions as ledger
from c2b.ledger.models import Transfer
from c2b.ledger.rules import Posting
from c2b.payments import cases, statements
from c2b.payments.cases import Kept
from c2b.payments.gateways.sandbox import statement as sheet
from c2b.payments.models import MoneyCase
from c2b.payments.protocol import Entry, StatementLine
from c2b.payments.rules import CaseKind
from c2b.payments.statements import Imported
from tests.deposits.scene import Shop

Change = Callable[[list[StatementLine]], Sequence[StatementLine]]
LONG_AGO = datetime.fromisoformat("2027-01-01T00:00:00+00:00")
ACTOR = "staff:finance@example.com"


class Finance:
    """Finance of one shop with the sandbox; `buyer` made its first order."""

    def __init__(self, shop: Shop, buyer: int) -> None:
        self.shop, self.buyer = shop, buyer

    def lines(self) -> list[StatementLine]:
        """What the sandbox says of all its time up to now."""
        return list(sheet.read(self.shop.sandbox.write_statement(since=LONG_AGO, until=self.shop.now)))

    def imports(self, change: Change = list) -> Imported:
        """Import the sandbox's statement, as it is or as a test changes it, and compare it with the books."""
        imported = self.brings(change(self.lines()))
        self.matches()
        return imported

    def brings(self, lines: Sequence[StatementLine]) -> Imported:
        content = sheet.write(lines)
        read = statements.read({"sandbox": self.shop.gateway}, gateway="sandbox", content=content)
        with self.shop.database.transaction() as session:
            return statements.import_statement(session, read, name="march.csv", actor=ACTOR, now=self.shop.now)

    def matches(self) -> Kept:
        return bookkeeping.match(self.shop.database, self.shop.now)

    def all_cases(self) -> list[MoneyCase]:
        with self.shop.database.reading() as session:
            return list(session.scalars(select(MoneyCase).order_by(MoneyCase.id)))

    def open_cases(self) -> list[MoneyCase]:
        return [case for case in self.all_cases() if case.closed_at is None]

    def open_kinds(self) -> list[CaseKind]:
        return [case.kind for case in self.open_cases()]

    def closes(self, case: MoneyCase, note: str = "Asked the provider") -> None:
        with self.shop.database.transaction() as session:
            cases.close(session, case_id=case.id, note=note, campaign="ss27", actor=ACTOR, now=self.shop.now)

    def books(self, key: str, debit: str, credit: str, amount: int = 5980) -> None:
        """Write into the ledger by hand, as another part of the program would."""
        with self.shop.database.transaction() as session:
            posting = Posting(key, debit, credit, amount, key.partition(":")[0])
            ledger.post(session, [posting], campaign="ss27", currency="CNY", now=self.shop.now)

    def booked(self, event: str) -> list[Transfer]:
        with self.shop.database.reading() as session:
            return list(session.scalars(select(Transfer).where(Transfer.event == event).order_by(Transfer.id)))

    def a_day_later(self) -> None:
        """Two days pass, and somebody buys on the second, so that the next statement reaches that far."""
        self.shop.forward(days=2)
        (variant, *_rest) = self.shop.variants("K101")
        self.shop.buys(self.shop.customer(), (variant.id, 1))
        self.shop.forward(seconds=1)


def without(key: str) -> Change:
    """Leave out what the statement says of a key."""
    return lambda lines: [line for line in lines if line.key != key]


def with_other(key: str, /, **values: object) -> Change:
    """Say something else of a key."""
    return lambda lines: [replace(line, **values) if line.key == key else line for line in lines]  # type: ignore[arg-type]  # one field


def strange(reference: str, amount: int, at: datetime, *, entry: Entry = Entry.PAYMENT, **values: object) -> StatementLine:
    """Return a line about something that isn't ours."""
    line = StatementLine(99, entry, "", reference, amount, 0, "CNY", at - timedelta(minutes=1))
    return replace(line, **values)  # type: ignore[arg-type]  # named fields
