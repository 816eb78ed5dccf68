"""A gateway without real money, with books of its own in a file of its own, as strict as a real one."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from c2b.payments.gateways.sandbox import statement as sheet
from c2b.payments.protocol import Answer, Call, Client, Forged, Heard, Limits, Notice, PaymentFacts, RefundFacts, StatementLine

DELAY = timedelta(seconds=60)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS payment (
  key TEXT PRIMARY KEY, amount INTEGER NOT NULL CHECK (amount > 0), currency TEXT NOT NULL, back TEXT NOT NULL, expires_at TEXT NOT NULL,
  paid_at TEXT, declined_at TEXT, CHECK (paid_at IS NULL OR declined_at IS NULL)
);
CREATE TABLE IF NOT EXISTS refund (
  key TEXT PRIMARY KEY, payment TEXT NOT NULL REFERENCES payment, amount INTEGER NOT NULL CHECK (amount > 0)
);
CREATE TABLE IF NOT EXISTS refunded_at (key TEXT PRIMARY KEY REFERENCES refund, at TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS refund_at_most_captured BEFORE INSERT ON refund
WHEN NOT EXISTS (SELECT 1 FROM payment WHERE key = NEW.payment AND paid_at IS NOT NULL AND amount >=
  NEW.amount + (SELECT coalesce(sum(amount), 0) FROM refund WHERE payment = NEW.payment))
BEGIN SELECT RAISE(ABORT, 'more than was captured'); END;
"""


class Sandbox:
    """The embedded gateway: idempotent by key, never refunds more than it captured."""

    merchant = "main"
    limits = Limits()
    lasts = timedelta(minutes=30)
    hosts = ()
    thanks = ""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._path = path
        self._now = now

    def is_offered(self, client: Client) -> bool:  # noqa: ARG002  as every gateway is asked
        """Say yes to every browser."""
        return True

    def notice(self, call: Call) -> Notice | None:  # noqa: ARG002  whatever it is
        """Refuse every event: this gateway sends none."""
        raise Forged

    def statement(self, content: bytes) -> Iterable[StatementLine]:
        """Read a statement as `write_statement` writes it; raises Invalid naming the line."""
        return sheet.read(content)

    def write_statement(self, *, since: datetime, until: datetime) -> bytes:
        """Return what the books say of the time from `since` up to `until`, as a provider sends it: payments, refunds, fees, payouts."""
        return sheet.write(sheet.lines(self._movements(), since=since, until=min(until, self._now())))

    def _movements(self) -> list[sheet.Movement]:
        """Return all money that moved; a refund of books from before refunds had an instant moved with its payment."""
        moved = (
            "SELECT key, amount, currency, paid_at FROM payment WHERE paid_at IS NOT NULL UNION ALL "
            "SELECT refund.key, -refund.amount, currency, coalesce(at, paid_at) FROM refund JOIN payment ON payment.key = refund.payment "
            "LEFT JOIN refunded_at ON refunded_at.key = refund.key"
        )
        with self._books() as books:
            return [sheet.Movement(row["key"], row[1], row["currency"], datetime.fromisoformat(row[3])) for row in books.execute(moved)]

    def start(self, facts: PaymentFacts) -> Answer:
        """Make a payment page for the key; another amount or currency with a known key is an error, as at any real gateway."""
        with self._books() as books:
            row = (facts.key, facts.amount, facts.currency, facts.back, _write(facts.expires_at))
            books.execute(
                "INSERT INTO payment (key, amount, currency, back, expires_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", row
            )
            known = books.execute("SELECT amount, currency FROM payment WHERE key = ?", (facts.key,)).fetchone()
        if tuple(known) != (facts.amount, facts.currency):
            raise ValueError("this key stands for another payment")
        return self.query(facts)

    def query(self, facts: PaymentFacts) -> Answer:
        """Say what became of a payment; one approved with delay is pending until then."""
        row = self.find(facts.key)
        if row is None:
            return Answer(Heard.ABSENT)
        if row["declined_at"]:
            return Answer(Heard.FAILED, why="declined")
        if row["paid_at"]:
            if datetime.fromisoformat(row["paid_at"]) > self._now():
                return Answer(Heard.PENDING, page=_page(facts.key))
            moved = {"amount": row["amount"], "currency": row["currency"], "merchant": self.merchant}
            return Answer(Heard.DONE, reference=f"SBX-{facts.key}", **moved)
        if self._expired(row):
            return Answer(Heard.FAILED, why="expired")
        return Answer(Heard.PENDING, page=_page(facts.key))

    def refund(self, facts: RefundFacts) -> Answer:
        """Send money back at once; the same key again is the same refund."""
        try:
            with self._books() as books:
                row = (facts.key, facts.payment_key, facts.amount)
                books.execute("INSERT INTO refund (key, payment, amount) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row)
                books.execute("INSERT INTO refunded_at VALUES (?, ?) ON CONFLICT DO NOTHING", (facts.key, _write(self._now())))
        except sqlite3.IntegrityError as error:
            known = self.query_refund(facts)  # the trigger looks before the key does, so a repeat may end here too
            return known if known.heard is Heard.DONE else Answer(Heard.FAILED, why=str(error))
        return self.query_refund(facts)

    def query_refund(self, facts: RefundFacts) -> Answer:
        """Say what became of a refund."""
        with self._books() as books:
            sent = "SELECT refund.amount, currency FROM refund JOIN payment ON payment.key = refund.payment WHERE refund.key = ?"
            row = books.execute(sent, (facts.key,)).fetchone()
        if row is None:
            return Answer(Heard.ABSENT)
        return Answer(Heard.DONE, amount=row["amount"], currency=row["currency"], merchant=self.merchant, reference=f"SBX-{facts.key}")

    def find(self, key: str) -> sqlite3.Row | None:
        """Return a payment as the payment page shows it."""
        with self._books() as books:
            row: sqlite3.Row | None = books.execute("SELECT * FROM payment WHERE key = ?", (key,)).fetchone()
        return row

    def is_open(self, key: str) -> bool:
        """Say whether the customer can still decide about a payment."""
        row = self.find(key)
        return row is not None and not (row["paid_at"] or row["declined_at"] or self._expired(row))

    def approve(self, key: str, *, delay: timedelta = timedelta(0)) -> None:
        """Pay, as the customer; with a delay the money counts only then. What is decided or expired stays as it is."""
        if self.is_open(key):
            self._set("UPDATE payment SET paid_at = ? WHERE key = ? AND paid_at IS NULL AND declined_at IS NULL", key, self._now() + delay)

    def remember(self, payments: Iterable[tuple[str, int, str, datetime]]) -> None:
        """Take payments that were made before into the books: key, amount, currency, paid at; one that is known stays as it is."""
        rows = [(key, amount, currency, _write(at), _write(at)) for key, amount, currency, at in payments]
        with self._books() as books:
            books.executemany(
                "INSERT INTO payment (key, amount, currency, back, expires_at, paid_at) VALUES (?, ?, ?, '/', ?, ?) ON CONFLICT DO NOTHING",
                rows,
            )

    def decline(self, key: str) -> None:
        """Refuse to pay, as the customer's bank would."""
        if self.is_open(key):
            self._set("UPDATE payment SET declined_at = ? WHERE key = ? AND paid_at IS NULL AND declined_at IS NULL", key, self._now())

    def _set(self, statement: str, key: str, at: datetime) -> None:
        with self._books() as books:
            books.execute(statement, (_write(at), key))

    def _expired(self, row: sqlite3.Row) -> bool:
        return datetime.fromisoformat(row["expires_at"]) <= self._now()

    @contextmanager
    def _books(self) -> Iterator[sqlite3.Connection]:
        if not self._path.exists():
            self._open_books()
        with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as books:
            books.row_factory = sqlite3.Row
            books.executescript(_SCHEMA)
            books.execute("PRAGMA synchronous=FULL")
            books.execute("BEGIN IMMEDIATE")
            try:
                yield books
            except BaseException:
                books.execute("ROLLBACK")
                raise
            books.execute("COMMIT")

    def _open_books(self) -> None:
        """Make the file at one blow: SQLite refuses to change the journal of one that somebody else opens meanwhile."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self._path.parent) as folder:
            made = Path(folder) / "books"
            with closing(sqlite3.connect(made)) as books:
                books.execute("PRAGMA journal_mode=WAL")
            with suppress(FileExistsError):  # another was quicker
                os.link(made, self._path)


def _write(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _page(key: str) -> str:
    return f"/sandbox/pay/{key}"
