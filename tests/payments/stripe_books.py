"""Stripe's own books, in a file of their own: what its customers, their banks and its API do to them."""

import hashlib
import hmac
import json
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.payments.books import Event

Json = dict[str, Any]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS session (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL, metadata TEXT NOT NULL, intent_metadata TEXT NOT NULL, back TEXT NOT NULL, created INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  status TEXT NOT NULL DEFAULT 'open', intent TEXT
);
CREATE TABLE IF NOT EXISTS intent (
  id TEXT PRIMARY KEY, amount INTEGER NOT NULL, received INTEGER NOT NULL DEFAULT 0, currency TEXT NOT NULL,
  metadata TEXT NOT NULL, status TEXT NOT NULL, error TEXT, created INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS refund (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL, intent TEXT NOT NULL REFERENCES intent,
  amount INTEGER NOT NULL CHECK (amount > 0), currency TEXT NOT NULL, metadata TEXT NOT NULL, status TEXT NOT NULL, created INTEGER NOT NULL
);
CREATE TRIGGER IF NOT EXISTS refund_at_most_captured BEFORE INSERT ON refund
WHEN (SELECT received FROM intent WHERE id = NEW.intent) <
  NEW.amount + (SELECT coalesce(sum(amount), 0) FROM refund WHERE intent = NEW.intent AND status <> 'failed')
BEGIN SELECT RAISE(ABORT, 'Refund amount is greater than unrefunded amount on charge'); END;
CREATE TABLE IF NOT EXISTS dispute (
  id TEXT PRIMARY KEY, intent TEXT NOT NULL REFERENCES intent, amount INTEGER NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL,
  moved TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS event (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, object TEXT NOT NULL, created INTEGER NOT NULL,
  taken INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS seen (
  key TEXT PRIMARY KEY, path TEXT NOT NULL, said TEXT NOT NULL, status INTEGER NOT NULL, answer TEXT NOT NULL, at INTEGER NOT NULL
);
"""


class StripeBooks:
    """One account in test mode. What is public is `GatewayBooks` and what else a test may want to happen."""

    account = "acct_local"
    secret = "whsec_local"

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._path, self._now = path, now
        self.refunds_wait = False
        self.refunds_refused = ""
        """Whether new refunds wait for money on the account."""
        with closing(sqlite3.connect(path)) as books:
            books.executescript(_SCHEMA)

    # What customers and banks do

    def approve(self, key: str, *, amount: int | None = None) -> None:
        """Pay; also what was begun by a way of paying that takes days. `amount`: another one than was asked for."""
        with self.open() as books:
            if (session := self._payable(books, key)) is None:
                return
            done = "UPDATE intent SET status = 'succeeded', received = coalesce(?, amount), error = NULL WHERE id = ?"
            books.execute(done, (amount, session["intent"]))
            self._ended(books, session, "complete")
            late = session["status"] == "complete"
            self._tell(books, "checkout.session.async_payment_succeeded" if late else "checkout.session.completed", session["id"])
            self._tell(books, "charge.succeeded", session["intent"])
            self._tell(books, "payment_intent.succeeded", session["intent"])

    def begin(self, key: str) -> None:
        """Begin to pay by a way that takes days, as a bank debit does."""
        with self.open() as books:
            if (session := self._payable(books, key)) is not None:
                books.execute("UPDATE intent SET status = 'processing' WHERE id = ?", (session["intent"],))
                self._ended(books, session, "complete")
                self._tell(books, "checkout.session.completed", session["id"])

    def decline(self, key: str) -> None:
        """Let the bank say no, and the customer go away."""
        with self.open() as books:
            if (session := self._payable(books, key)) is None:
                return
            open_still = session["status"] == "open"
            state = ("canceled" if open_still else "requires_payment_method", "card_declined", session["intent"])
            books.execute("UPDATE intent SET status = ?, error = ? WHERE id = ?", state)
            self._tell(books, "payment_intent.payment_failed", session["intent"])
            if open_still:
                self._ended(books, session, "expired")
            self._tell(books, f"checkout.session.{'expired' if open_still else 'async_payment_failed'}", session["id"])

    def settle(self, refund_key: str) -> None:
        """Send a refund that waited for money."""
        self._refund_became(refund_key, "pending", "succeeded")

    def bounce(self, refund_key: str) -> None:
        """Let a refund that was sent come back."""
        self._refund_became(refund_key, "succeeded", "failed")

    def dispute(self, key: str) -> None:
        """Let the customer's bank take a payment back."""
        self._dispute(key, "needs_response", moved=-1)

    def inquire(self, key: str) -> None:
        """Let the customer's bank only ask about a payment: no money moves."""
        self._dispute(key, "warning_needs_response", moved=0)

    def win(self, key: str) -> None:
        """Decide the dispute of a payment for us."""
        with self.open() as books:
            intent = self.row(books, "session", "key", key)["intent"]
            dispute = self.row(books, "dispute", "intent", intent)
            moved = json.dumps([*json.loads(dispute["moved"]), dispute["amount"]])
            books.execute("UPDATE dispute SET status = 'won', moved = ? WHERE id = ?", (moved, dispute["id"]))
            self._tell(books, "charge.dispute.funds_reinstated", dispute["id"])
            self._tell(books, "charge.dispute.closed", dispute["id"])

    # What the books say

    def captured(self) -> int:
        """Sum all that customers paid."""
        return self._sum("SELECT coalesce(sum(received), 0) FROM intent")

    def refunded(self) -> int:
        """Sum all that was sent back and didn't bounce."""
        return self._sum("SELECT coalesce(sum(amount), 0) FROM refund WHERE status <> 'failed'")

    def count(self, table: str) -> int:
        """Count the rows of a table: `session`, `intent`, `refund`, `dispute`."""
        return self._sum(f"SELECT count(*) FROM {table}")

    def events(self) -> list[Event]:
        """Take what there is to tell, signed now."""
        with self.open() as books:
            rows = books.execute("SELECT * FROM event WHERE taken = 0 ORDER BY number").fetchall()
            books.execute("UPDATE event SET taken = 1")
        return [self.signed(self._event(row)) for row in rows]

    def signed(self, body: bytes, *, secret: str = "", at: datetime | None = None) -> Event:
        """Sign a body as Stripe does, or as somebody does who knows another secret or another time."""
        stamp = int((at or self._now()).timestamp())
        mac = hmac.new((secret or self.secret).encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={stamp},v1={mac}", "Content-Type": "application/json"}, body

    # What the API does

    def new_session(self, wish: Mapping[str, str], ours: Json, of_intent: Json) -> Json:
        """Open a page."""
        with self.open() as books:
            identity = f"cs_test_{secrets.token_hex(12)}"
            books.execute(
                "INSERT INTO session (id, key, amount, currency, metadata, intent_metadata, back, created, expires_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    identity,
                    wish["client_reference_id"],
                    int(wish["line_items[0][price_data][unit_amount]"]),
                    wish["line_items[0][price_data][currency]"],
                    json.dumps(ours),
                    json.dumps(of_intent),
                    wish["success_url"],
                    self.instant(),
                    int(wish["expires_at"]),
                ),
            )
            return self.show(books, identity)

    def expire(self, identity: str) -> Json | None:
        """End an open page; None if it isn't open any more."""
        with self.open() as books:
            session = self.row(books, "session", "id", identity)
            if session["status"] != "open":
                return None
            self._ended(books, session, "expired")
            self._tell(books, "checkout.session.expired", identity)
            return self.show(books, identity)

    def new_refund(self, intent: str, amount: int, metadata: Json) -> Json:
        """Send money back; sqlite3.IntegrityError if there is less."""
        with self.open() as books:
            identity, currency = f"re_{secrets.token_hex(12)}", self.row(books, "intent", "id", intent)["currency"]
            status = "pending" if self.refunds_wait else "succeeded"
            books.execute(
                "INSERT INTO refund (id, key, intent, amount, currency, metadata, status, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (identity, metadata.get("c2b", ""), intent, amount, currency, json.dumps(metadata), status, self.instant()),
            )
            self._tell(books, "refund.created", identity)
            self._tell(books, "charge.refunded", intent)
            return self.show(books, identity)

    def show(self, books: sqlite3.Connection, identity: str, expand: str = "") -> Json:
        """Return an object as the API shows it; `expand` names what is shown whole instead of by its id."""
        kind = identity.partition("_")[0]
        if kind == "cs":
            session = self.row(books, "session", "id", identity)
            return self._session(
                session, self.show(books, session["intent"], expand) if expand and session["intent"] else session["intent"]
            )
        if kind == "pi":
            intent = self.row(books, "intent", "id", identity)
            charge = f"ch_{identity[3:]}" if intent["received"] else None
            return self._intent(intent, self.show(books, charge) if charge and expand.endswith("latest_charge") else charge)
        if kind == "ch":
            return self._charge(books, self.row(books, "intent", "id", f"pi_{identity[3:]}"))
        return self._refund(self.row(books, "refund", "id", identity)) if kind == "re" else self._shown_dispute(books, identity)

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Yield the books; what is written is kept if nothing goes wrong. Pages whose time is up have ended."""
        with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as books:
            books.row_factory = sqlite3.Row
            books.execute("PRAGMA synchronous=OFF")
            books.execute("BEGIN IMMEDIATE")
            try:
                for session in books.execute(
                    "SELECT * FROM session WHERE status = 'open' AND expires_at <= ?", (self.instant(),)
                ).fetchall():
                    self._ended(books, session, "expired")
                    self._tell(books, "checkout.session.expired", session["id"])
                yield books
            except BaseException:
                books.execute("ROLLBACK")
                raise
            books.execute("COMMIT")

    def instant(self) -> int:
        """Return the clock as Stripe writes it."""
        return int(self._now().timestamp())

    def row(self, books: sqlite3.Connection, table: str, column: str, value: str) -> sqlite3.Row:
        """Return a row; raises LookupError if there is none."""
        found: sqlite3.Row | None = books.execute(f"SELECT * FROM {table} WHERE {column} = ? ORDER BY rowid DESC", (value,)).fetchone()
        if found is None:
            raise LookupError(f"No such {table}: {value}")
        return found

    def _end_what_expired(self, books: sqlite3.Connection) -> None:
        over = books.execute("SELECT * FROM session WHERE status = 'open' AND expires_at <= ?", (self.instant(),)).fetchall()
        for session in over:
            self._ended(books, session, "expired")
            self._tell(books, "checkout.session.expired", session["id"])

    def _payable(self, books: sqlite3.Connection, key: str) -> sqlite3.Row | None:
        """Return a session that may be paid now, with an intent, as Stripe makes one at the first attempt; None if there is none."""
        if books.execute("SELECT 1 FROM session WHERE key = ?", (key,)).fetchone() is None:
            return None
        session = self.row(books, "session", "key", key)
        if session["status"] == "open":
            intent = f"pi_{secrets.token_hex(12)}"
            books.execute("UPDATE session SET intent = ? WHERE id = ?", (intent, session["id"]))
            books.execute(
                "INSERT INTO intent (id, amount, currency, metadata, status, created) VALUES (?, ?, ?, ?, 'requires_payment_method', ?)",
                (intent, session["amount"], session["currency"], session["intent_metadata"], self.instant()),
            )
            self._tell(books, "payment_intent.created", intent)
            return self.row(books, "session", "key", key)
        moving = session["intent"] and self.row(books, "intent", "id", session["intent"])["status"] == "processing"
        return session if moving else None

    def _ended(self, books: sqlite3.Connection, session: sqlite3.Row, status: str) -> None:
        books.execute("UPDATE session SET status = ? WHERE id = ?", (status, session["id"]))

    def _refund_became(self, refund_key: str, before: str, after: str) -> None:
        with self.open() as books:
            refund = self.row(books, "refund", "key", refund_key)
            if refund["status"] != before:
                return
            books.execute("UPDATE refund SET status = ? WHERE id = ?", (after, refund["id"]))
            kinds = ("refund.updated", "charge.refund.updated", *(("refund.failed",) if after == "failed" else ()))
            for kind in kinds:
                self._tell(books, kind, refund["id"])

    def _dispute(self, key: str, status: str, *, moved: int) -> None:
        with self.open() as books:
            intent = self.row(books, "intent", "id", self.row(books, "session", "key", key)["intent"])
            identity, amount = f"du_{secrets.token_hex(12)}", int(intent["received"])
            moves = json.dumps([moved * amount] if moved else [])
            row = (identity, intent["id"], amount, intent["currency"], status, moves)
            books.execute("INSERT INTO dispute VALUES (?, ?, ?, ?, ?, ?)", row)
            self._tell(books, "charge.dispute.created", identity)
            if moved:
                self._tell(books, "charge.dispute.funds_withdrawn", identity)

    def _tell(self, books: sqlite3.Connection, kind: str, identity: str) -> None:
        about = f"ch_{identity[3:]}" if kind in ("charge.succeeded", "charge.refunded") else identity
        row = (f"evt_{secrets.token_hex(12)}", kind, json.dumps(self.show(books, about)), self.instant())
        books.execute("INSERT INTO event (id, kind, object, created) VALUES (?, ?, ?, ?)", row)

    def _event(self, row: sqlite3.Row) -> bytes:
        said = {"id": row["id"], "object": "event", "api_version": "2026-10-28.endive", "created": row["created"], "livemode": False}
        return json.dumps({**said, "type": row["kind"], "data": {"object": json.loads(row["object"])}}, indent=2).encode()

    def _session(self, row: sqlite3.Row, intent: Json | str | None) -> Json:
        paid = isinstance(intent, dict) and intent["status"] == "succeeded"
        shown = {name: row[name] for name in ("id", "created", "currency", "expires_at", "status")}
        shown |= {"object": "checkout.session", "amount_total": row["amount"], "client_reference_id": row["key"], "livemode": False}
        shown |= {"metadata": json.loads(row["metadata"]), "mode": "payment", "payment_intent": intent, "success_url": row["back"]}
        page = f"https://checkout.stripe.com/c/pay/{row['id']}" if row["status"] == "open" else None
        return {**shown, "payment_status": "paid" if paid else "unpaid", "url": page}

    def _intent(self, row: sqlite3.Row, charge: Json | str | None) -> Json:
        shown = {name: row[name] for name in ("id", "amount", "created", "currency", "status")}
        error = {"code": row["error"], "message": "Your card was declined.", "type": "card_error"} if row["error"] else None
        shown |= {"object": "payment_intent", "amount_received": row["received"], "last_payment_error": error, "latest_charge": charge}
        return {**shown, "livemode": False, "metadata": json.loads(row["metadata"])}

    def _charge(self, books: sqlite3.Connection, intent: sqlite3.Row) -> Json:
        disputed = books.execute("SELECT count(*) FROM dispute WHERE intent = ?", (intent["id"],)).fetchone()[0] > 0
        back = "SELECT coalesce(sum(amount), 0) FROM refund WHERE intent = ? AND status <> 'failed'"
        shown = {"id": f"ch_{intent['id'][3:]}", "object": "charge", "amount": intent["amount"], "currency": intent["currency"]}
        shown |= {"amount_refunded": books.execute(back, (intent["id"],)).fetchone()[0], "disputed": disputed}
        return {**shown, "metadata": json.loads(intent["metadata"]), "payment_intent": intent["id"], "status": "succeeded"}

    def _refund(self, row: sqlite3.Row) -> Json:
        shown = {name: row[name] for name in ("id", "amount", "created", "currency", "status")}
        shown |= {"object": "refund", "metadata": json.loads(row["metadata"]), "payment_intent": row["intent"]}
        why = {"pending": {"pending_reason": "insufficient_funds"}, "failed": {"failure_reason": "expired_or_canceled_card"}}
        return {**shown, "charge": f"ch_{row['intent'][3:]}", **why.get(row["status"], {})}

    def _shown_dispute(self, books: sqlite3.Connection, identity: str) -> Json:
        row = self.row(books, "dispute", "id", identity)
        shown = {name: row[name] for name in ("id", "amount", "currency", "status")}
        moved = enumerate(json.loads(row["moved"]))
        shown["balance_transactions"] = [{"id": f"txn_{n}", "object": "balance_transaction", "amount": amount} for n, amount in moved]
        return {**shown, "object": "dispute", "charge": f"ch_{row['intent'][3:]}", "payment_intent": row["intent"], "metadata": {}}

    def _sum(self, query: str) -> int:
        with self.open() as books:
            return int(books.execute(query).fetchone()[0])
