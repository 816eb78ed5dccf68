"""What `c2b audit` proves of the ledger."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.audit.rules import Finding
from c2b.ledger.models import GuardedAccount
from c2b.ledger.queries import trial_balance
from c2b.ledger.rules import OWED, Balance, is_guarded


def checks(session: Session) -> list[Finding]:
    """Return what is wrong: sums that don't agree with the transfers, accounts out of balance or overdrawn."""
    books = trial_balance(session)
    return [*_balanced(books), *_guarded_sums(session, books), *_overdrawn(books)]


def _balanced(books: list[Balance]) -> Iterator[Finding]:
    for currency in sorted({each.currency for each in books}):
        difference = sum(each.left for each in books if each.currency == currency)
        if difference:
            yield Finding("ledger.balanced", f"credits less debits in {currency}: {difference}, not 0")


def _guarded_sums(session: Session, books: list[Balance]) -> Iterator[Finding]:
    kept = {row.account: (row.credits, row.debits) for row in session.scalars(select(GuardedAccount))}
    booked = {each.account: (each.credits, each.debits) for each in books if is_guarded(each.account)}
    for account in sorted(kept.keys() | booked.keys()):
        if kept.get(account) != booked.get(account):
            yield Finding("ledger.guarded_sums", f"{account}: sums kept {kept.get(account)}, transfers say {booked.get(account)}")


def _overdrawn(books: list[Balance]) -> Iterator[Finding]:
    for each in books:
        if each.left < 0 and (is_guarded(each.account) or each.account.startswith(OWED)):
            yield Finding("ledger.overdrawn", f"{each.account}: {each.left}")
