"""What `c2b audit` proves of statements: they add up, and nothing was booked by them that they don't say."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, String, cast, func, select
from sqlalchemy.orm import Session

from c2b.audit.rules import Finding
from c2b.ledger.models import Transfer
from c2b.payments.matching import TAKEN, fee_id, payout_id, suspense_id
from c2b.payments.models import Statement, StatementRow
from c2b.payments.protocol import Entry
from c2b.payments.statements import Sums

Row = StatementRow


def checks(session: Session) -> list[Finding]:
    """Return what is wrong; a few set-based queries, however many lines there are."""
    return [*_sums(session), *_booked(session)]


def _sums(session: Session) -> Iterator[Finding]:
    """The lines of each statement are as many, and add up to what, they were when it came."""
    found: dict[int, Sums] = defaultdict(dict)
    of_kind = select(Row.statement_id, Row.currency, Row.entry, func.sum(Row.amount), func.sum(TAKEN))
    for statement_id, currency, entry, amount, fees in session.execute(of_kind.group_by(Row.statement_id, Row.currency, Row.entry)):
        sums = found[statement_id].setdefault(currency, {"fees": 0})
        sums["fees"] += int(fees)
        if entry is not Entry.FEE:
            sums[entry.value] = int(amount)
    counts = dict(session.execute(select(Row.statement_id, func.count()).group_by(Row.statement_id)).all())
    for statement in session.scalars(select(Statement).order_by(Statement.id)):
        said = (statement.lines - statement.repeated, statement.sums)
        stored = (counts.get(statement.id, 0), found[statement.id])
        if said != stored:
            yield Finding("payments.statement_sums", f"{statement.gateway}: {statement.name}: had {said}, its lines are {stored}")


def _booked(session: Session) -> Iterator[Finding]:
    """Each fee, payout and unmatched sum in the ledger is a line of a statement, to the fen."""
    for prefix, key, amount in (("fee:", fee_id(), TAKEN), ("payout:", payout_id(), Row.amount), ("suspense:", suspense_id(), Row.amount)):
        said = select(_whole(key, func.abs(amount), Row.currency))
        unsaid = select(Transfer).where(
            Transfer.id.startswith(prefix), _whole(Transfer.id, Transfer.amount, Transfer.currency).not_in(said)
        )
        for transfer in session.scalars(unsaid.order_by(Transfer.id)):
            yield Finding("payments.booked", f"{transfer.id} moves {transfer.amount} {transfer.currency}, and no statement says so")


def _whole(key: Any, amount: Any, currency: Any) -> ColumnElement[str]:
    """Put a movement into one text: both databases look texts up in a set, whatever they are made of."""
    return cast(key, String).concat(" ").concat(cast(amount, String)).concat(" ").concat(currency)
