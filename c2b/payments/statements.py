"""Importing what a provider says of our account: read outside of any transaction, stored once, each movement once."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.db import insert_rows
from c2b.errors import N_, Invalid, NotFound
from c2b.jobs.actions import enqueue
from c2b.payments.models import Payment, Refund, Statement, StatementRow
from c2b.payments.protocol import Entry, Gateways, StatementLine
from c2b.payments.rules import taken

LARGEST = 100 * 1024 * 1024
"""Bytes of a file."""
_LONGEST_NAME, _LONGEST_REFERENCE, _LONGEST_KEY = 200, 70, 40
_CHUNK = 2000
"""References asked for at once."""
_PLAIN = {"synchronize_session": False}
Sums = dict[str, dict[str, int]]
Name = tuple[Entry, str, int]
"""What a movement is known by: entry, reference, amount."""


@dataclass(frozen=True)
class Read:
    """A statement as its gateway read it."""

    gateway: str
    merchant: str
    sha256: str
    lines: tuple[StatementLine, ...]


@dataclass(frozen=True)
class Imported:
    """What an import did; `sums` as in `models.Statement`."""

    gateway: str
    merchant: str
    sha256: str
    lines: int
    new: int
    repeated: int
    begins_at: datetime | None
    ends_at: datetime | None
    sums: Sums
    again: bool
    """The same file was there before; nothing was changed."""


def read(gateways: Gateways, *, gateway: str, content: bytes) -> Read:
    """Read a statement as `gateway` writes it; raises NotFound for a gateway that isn't switched on, Invalid naming the line."""
    if gateway not in gateways:
        raise NotFound(N_("“%(gateway)s” isn't switched on here; there are %(gateways)s"), gateway=gateway, gateways=", ".join(gateways))
    if len(content) > LARGEST:
        raise Invalid(N_("The file is larger than %(most)s MB"), field="file", most=LARGEST // 1024 // 1024)
    by = gateways[gateway]
    lines = tuple(_named(by.statement(content)))
    return Read(gateway, by.merchant, hashlib.sha256(content).hexdigest(), lines)


def import_statement(session: Session, statement: Read, *, name: str, actor: str, now: datetime) -> Imported:
    """Store a statement and those of its lines that no other brought; the comparison with our books is asked for as a job.

    The same file again changes nothing. Raises Invalid where a line says something else of a movement than an earlier statement.
    """
    of_account = (Statement.gateway == statement.gateway, Statement.merchant == statement.merchant)
    before = session.scalars(select(Statement).where(*of_account, Statement.sha256 == statement.sha256)).one_or_none()
    if before is not None:
        return _told(before, again=True)
    new = list(_new(session, statement))
    stored = _store(session, statement, new, name=name, actor=actor, now=now)
    told = _told(stored, again=False)
    after = {"lines": told.lines, "new": told.new, "sha256": told.sha256, "sums": told.sums, "merchant": told.merchant}
    record(session, actor=actor, action="payments.import_statement", object=f"{stored.gateway}: {stored.name}", after=after, now=now)
    enqueue(session, kind="payments.match", payload={}, key=f"payments.match:{stored.id}", now=now)
    return told


def sums(lines: Iterable[StatementLine | StatementRow]) -> Sums:
    """Add lines up by currency and kind of entry; whatever the gateway took, of a payment or by itself, stands in `fees`."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        if line.entry is not Entry.FEE:
            found[line.currency][line.entry.value] += line.amount
        found[line.currency]["fees"] += taken(line.amount, line.fee, is_fee=line.entry is Entry.FEE)
    return {currency: dict(sorted(of.items())) for currency, of in sorted(found.items())}


def resolve(session: Session) -> None:
    """Give lines without our key the key of what the gateway calls by their reference, once we know that."""
    for entry, table in ((Entry.PAYMENT, Payment), (Entry.REFUND, Refund)):
        ours = select(table.key).where(table.provider_reference == StatementRow.reference)
        nameless = (StatementRow.key == "", StatementRow.entry == entry, ours.exists())
        session.execute(update(StatementRow).where(*nameless).values(key=ours.scalar_subquery()), execution_options=_PLAIN)


def _named(lines: Iterable[StatementLine]) -> Iterator[StatementLine]:
    """Give lines without a reference one of their own, the same in every file; raises Invalid for what can't be stored."""
    times: Counter[str] = Counter()
    for line in lines:
        if len(line.reference) > _LONGEST_REFERENCE or len(line.key) > _LONGEST_KEY:
            raise Invalid(N_("Line %(line)s: the reference is longer than a provider writes it"), field="file", line=line.line)
        yield replace(line, reference=line.reference or line.key or _made(line, times))


def _made(line: StatementLine, times: Counter[str]) -> str:
    """Return a reference made of a line's own figures, numbered among those of the same ones by `times`."""
    made = f"{line.at:%Y%m%dT%H%M%S%f}/{line.amount}/{line.fee}"
    times[made] += 1
    return f"{made}/{times[made]}"


def _new(session: Session, statement: Read) -> Iterator[StatementLine]:
    """Yield the lines that no statement brought before; a movement that stands twice in one file is one."""
    known = _known(session, statement)
    for line in statement.lines:
        name = (line.entry, line.reference, line.amount)
        if name not in known:
            known[name] = (line.fee, line.currency)
            yield line
        elif known[name] != (line.fee, line.currency):
            raise Invalid(
                N_("Line %(line)s says something else of %(reference)s than a line before; ask the provider which is right"),
                field="file",
                line=line.line,
                reference=line.reference,
            )


def _known(session: Session, statement: Read) -> dict[Name, tuple[int, str]]:
    row, found = StatementRow, dict[Name, tuple[int, str]]()
    of_account = select(row.entry, row.reference, row.amount, row.fee, row.currency).where(
        row.gateway == statement.gateway, row.merchant == statement.merchant
    )
    references = iter(sorted({line.reference for line in statement.lines}))
    while chunk := list(islice(references, _CHUNK)):
        for entry, reference, amount, fee, currency in session.execute(of_account.where(row.reference.in_(chunk))):
            found[entry, reference, amount] = (fee, currency)
    return found


def _store(session: Session, read_: Read, new: Sequence[StatementLine], *, name: str, actor: str, now: datetime) -> Statement:
    instants, count = [line.at for line in read_.lines], len(read_.lines)
    account = {"gateway": read_.gateway, "merchant": read_.merchant}
    made = Statement(**account, sha256=read_.sha256, name=name[:_LONGEST_NAME], lines=count, repeated=count - len(new))
    made.begins_at, made.ends_at = min(instants, default=None), max(instants, default=None)
    made.sums, made.imported_at, made.imported_by = sums(new), now, actor
    session.add(made)
    session.flush()
    if new:
        insert_rows(session, StatementRow, [{"statement_id": made.id, **account, **vars(line)} for line in new])
    return made


def _told(statement: Statement, *, again: bool) -> Imported:
    return Imported(
        gateway=statement.gateway,
        merchant=statement.merchant,
        sha256=statement.sha256,
        lines=statement.lines,
        new=statement.lines - statement.repeated,
        repeated=statement.repeated,
        begins_at=statement.begins_at,
        ends_at=statement.ends_at,
        sums=statement.sums,
        again=again,
    )
