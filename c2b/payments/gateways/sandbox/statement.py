"""The sandbox's statements: CSV, one line a movement, as a provider would send them every morning; pure.

A payment costs 0.6 %, which is given back with the money; what is on the account at midnight (UTC) goes to the bank.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from itertools import count, groupby

from c2b.errors import N_, Invalid
from c2b.payments.protocol import Entry, StatementLine

COLUMNS = tuple(field.name for field in fields(StatementLine))
_FEE_PER_MILLE = 6


@dataclass(frozen=True)
class Movement:
    """One payment or refund in the sandbox's books; amount in minor units, negative where it went back."""

    key: str
    amount: int
    currency: str
    at: datetime


def fee(amount: int) -> int:
    """Return what a movement costs; negative, given back, for a refund."""
    return amount * _FEE_PER_MILLE // 1000 if amount >= 0 else -fee(-amount)


def lines(movements: Iterable[Movement], *, since: datetime, until: datetime) -> list[StatementLine]:
    """Return the statement from `since` up to `until`, oldest line first; it takes all movements before, too, to know what is paid out."""
    found = sorted(_entries(movements, until), key=lambda line: (line.at, line.entry is Entry.PAYOUT, line.reference))
    numbers = count(2)  # the file's first line is its header
    return [replace(line, line=next(numbers)) for line in found if since <= line.at < until]


def _entries(movements: Iterable[Movement], until: datetime) -> Iterator[StatementLine]:
    in_turn = sorted((each for each in movements if each.at < until), key=lambda each: (each.currency, each.at))
    for currency, of_currency in groupby(in_turn, key=lambda each: each.currency):
        on_account = 0
        for day, of_day in groupby(of_currency, key=lambda each: each.at.astimezone(UTC).date()):
            for each in of_day:
                entry = Entry.PAYMENT if each.amount > 0 else Entry.REFUND
                yield StatementLine(0, entry, each.key, f"SBX-{each.key}", each.amount, fee(each.amount), currency, each.at)
                on_account += each.amount - fee(each.amount)
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
            if on_account > 0 and midnight < until:
                yield StatementLine(0, Entry.PAYOUT, "", f"SBX-{currency}-{day}", -on_account, 0, currency, midnight)
                on_account = 0


def write(of: Iterable[StatementLine]) -> bytes:
    """Write lines as the file that `read` reads; amounts in minor units, instants as ISO 8601."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows((*astuple(line)[:-1], line.at.astimezone(UTC).isoformat()) for line in of)
    return text.getvalue().encode()


def read(content: bytes) -> Iterator[StatementLine]:
    """Read a statement; raises Invalid naming the line that can't be read."""
    try:
        rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        header = next(rows, [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise Invalid(N_("This is not a statement of the sandbox: its first line has to be %(columns)s"), **_HERE) from error
    if tuple(header) != COLUMNS:
        raise Invalid(N_("This is not a statement of the sandbox: its first line has to be %(columns)s"), **_HERE)
    for number, row in enumerate(rows, start=2):
        try:
            yield _line(number, row)
        except (ValueError, csv.Error) as error:
            raise Invalid(N_("Line %(line)s can't be read as a line of a statement"), field="file", line=number) from error


_HERE = {"field": "file", "columns": ",".join(COLUMNS)}


def _line(number: int, row: list[str]) -> StatementLine:
    _, entry, key, reference, amount, taken, currency, at = row
    when = datetime.fromisoformat(at)
    if when.tzinfo is None or len(currency) != len("CNY"):
        raise ValueError(at)
    return StatementLine(number, Entry(entry), key, reference, int(amount), int(taken), currency, when)
