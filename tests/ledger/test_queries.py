from datetime import datetime

from sqlalchemy.orm import Session

from c2b.ledger import actions, queries
from c2b.ledger.rules import Balance, Posting


def test_the_trial_balance_lists_every_account_with_its_sums(session: Session, now: datetime) -> None:
    transfers = [
        Posting("cap:a:1", "psp:sandbox:shop", "dep:1", 5000, "captured"),
        Posting("cap:b:2", "psp:sandbox:shop", "dep:2", 700, "captured"),
        Posting("hold:a-1:1", "dep:1", "hold:a-1", 5000, "refund_begun"),
    ]
    actions.post(session, transfers, campaign="ss27", currency="CNY", now=now)
    assert queries.trial_balance(session) == [
        Balance("dep:1", "CNY", 5000, 5000),
        Balance("dep:2", "CNY", 0, 700),
        Balance("hold:a-1", "CNY", 0, 5000),
        Balance("psp:sandbox:shop", "CNY", 5700, 0),
    ]


def test_the_books_of_one_campaign_leave_the_others_out(session: Session, now: datetime) -> None:
    for slug, line in (("ss27", 1), ("aw27", 2)):
        one = Posting(f"cap:{slug}", "psp:sandbox:shop", f"dep:{line}", 100 * line, "captured")
        actions.post(session, [one], campaign=slug, currency="CNY", now=now)
    assert [(each.account, each.left) for each in queries.trial_balance(session, campaign="aw27")] == [
        ("dep:2", 200),
        ("psp:sandbox:shop", -200),
    ]


def test_currencies_are_never_added_up(session: Session, now: datetime) -> None:
    for currency in ("CNY", "EUR"):
        one = Posting(f"cap:{currency}", "psp:sandbox:shop", f"owed:{currency}", 100, "captured")
        actions.post(session, [one], campaign="ss27", currency=currency, now=now)
    provider = [each for each in queries.trial_balance(session) if each.account.startswith("psp:")]
    assert [(each.currency, each.debits) for each in provider] == [("CNY", 100), ("EUR", 100)]


def test_an_empty_ledger_has_no_accounts(session: Session) -> None:
    assert queries.trial_balance(session) == []
    assert queries.balances(session, []) == {}
