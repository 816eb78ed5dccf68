"""Stripe's reports as files: "Balance change from activity, itemized" and "Payouts, itemized".

Columns: docs.stripe.com/reports/report-types/balance; categories: docs.stripe.com/reports/reporting-categories. Amounts there are in major
units of the currency that Stripe keeps for us, which differs from what the customer paid in where Stripe changed it. Our keys come in the
columns of metadata, which the report has when it is made with them.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from c2b import money
from c2b.errors import N_, Invalid
from c2b.payments.gateways.stripe.answers import OURS
from c2b.payments.protocol import Entry, StatementLine

_ENTRIES = {
    "charge": Entry.PAYMENT,
    "charge_failure": Entry.PAYMENT,
    "partial_capture_reversal": Entry.PAYMENT,
    "refund": Entry.REFUND,
    "refund_failure": Entry.REFUND,
    "dispute": Entry.DISPUTE,
    "dispute_reversal": Entry.DISPUTE,
    "fee": Entry.FEE,
    "network_cost": Entry.FEE,
    "tax": Entry.FEE,
    "payout": Entry.PAYOUT,
    "payout_reversal": Entry.PAYOUT,
}
_PAYMENT_KEY, _REFUND_KEY = f"payment_metadata[{OURS}]", f"refund_metadata[{OURS}]"
_NEEDED = ("balance_transaction_id", "reporting_category", "currency", "gross", "fee", "net")
_NEEDED_OF_ACTIVITY = ("source_id", "payment_intent_id", _PAYMENT_KEY, _REFUND_KEY)
_TIMES = ("created_utc", "created", "effective_at_utc", "effective_at")
"""When the money moved; those without `utc` are in the zone that the report was made for, which has to be UTC."""
_CURRENCY, _AMOUNT = re.compile(r"[A-Z]{3}"), re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,4})?", re.ASCII)
_SHOWN = 40
"""Letters of a wrong value that are shown."""


def read(content: bytes) -> list[StatementLine]:
    """Read a report; amounts in minor units, positive where money came to us. Raises Invalid naming line, column and repair."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(N_("The file isn't text in UTF-8; take the CSV file as Stripe made it")) from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        _require_columns(reader.fieldnames or ())
        return [_line(row, number) for number, row in _rows(reader)]
    except csv.Error as error:
        raise Invalid(
            N_("Line %(line)s: this is no CSV (%(why)s); take the file as Stripe made it"), line=reader.reader.line_num, why=error
        ) from None


def _require_columns(names: Collection[str]) -> None:
    there = set(names)
    needed = _NEEDED if "payout_id" in there else _NEEDED + _NEEDED_OF_ACTIVITY
    lacking = [name for name in needed if name not in there]
    if not there.intersection(_TIMES):
        lacking.append(_TIMES[0])
    if lacking:
        repair = N_("Line 1: the columns %(names)s are missing; make Stripe's report “Balance change from activity, itemized” with them")
        raise Invalid(repair, names=", ".join(lacking))


def _rows(reader: "csv.DictReader[str]") -> Iterator[tuple[int, Mapping[str, str]]]:
    for row in reader:
        if None in row or None in row.values():
            raise Invalid(
                N_("Line %(line)s has another number of cells than the header; take the file as Stripe made it"), line=reader.line_num
            )
        yield reader.line_num, row


def _line(row: Mapping[str, str], line: int) -> StatementLine:
    entry = _ENTRIES.get(row["reporting_category"], Entry.OTHER)
    currency = row["currency"].upper()
    if not _CURRENCY.fullmatch(currency):
        raise _wrong(
            N_("Line %(line)s, column %(column)s: “%(value)s” is no currency like usd; take the file as Stripe made it"),
            row,
            line,
            "currency",
        )
    gross, fee, net = (_amount(row, line, column, currency) for column in ("gross", "fee", "net"))
    if gross - fee != net:
        raise _wrong(
            N_("Line %(line)s, column %(column)s: “%(value)s” isn't gross less fee; take the file as Stripe made it"), row, line, "net"
        )
    key, reference = _names(row, entry)
    return StatementLine(line, entry, key, reference, gross, fee, currency, _instant(row, line))


def _names(row: Mapping[str, str], entry: Entry) -> tuple[str, str]:
    """Return our key and the name that Stripe gave us for the same: a payment's is its intent's, everything else's is its own."""
    if entry is Entry.PAYMENT:
        return row[_PAYMENT_KEY], row["payment_intent_id"] or row["source_id"]
    key = {Entry.REFUND: _REFUND_KEY, Entry.DISPUTE: _PAYMENT_KEY}.get(entry, "")
    own = row.get("source_id") or row.get("payout_id") or row["balance_transaction_id"]
    return row.get(key, ""), own


def _amount(row: Mapping[str, str], line: int, column: str, currency: str) -> int:
    """Read an amount with the point or comma that the report was made with; Stripe never groups digits."""
    written = row[column].strip().replace(",", ".")
    if not _AMOUNT.fullmatch(written):
        raise _wrong(
            N_("Line %(line)s, column %(column)s: “%(value)s” is no amount like -12.50; take the file as Stripe made it"), row, line, column
        )
    scaled = Decimal(written).scaleb(money.digits(currency))
    if scaled != scaled.to_integral_value():
        raise _wrong(
            N_("Line %(line)s, column %(column)s: “%(value)s” has more digits than its currency; take the file as Stripe made it"),
            row,
            line,
            column,
        )
    return int(scaled)


def _instant(row: Mapping[str, str], line: int) -> datetime:
    column = next(name for name in _TIMES if name in row)
    try:
        at = datetime.fromisoformat(row[column].strip())
    except ValueError:
        message = N_("Line %(line)s, column %(column)s: “%(value)s” is no time like 2027-03-20 04:00:00; take the file as Stripe made it")
        raise _wrong(message, row, line, column) from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _wrong(message: str, row: Mapping[str, str], line: int, column: str) -> Invalid:
    return Invalid(message, line=line, column=column, value=row[column][:_SHOWN])
