"""Where the money is and whose it is: groups of accounts, and the equation between them."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from c2b.ledger import actions, queries, rules
from c2b.ledger.rules import CUSTOMERS, EARNED, OWN_MONEY, Balance, Group, Posting, Totals, group, positions, trial_totals

PSP = rules.provider("sandbox", "main")
NAMES = (PSP, rules.BANK, "dep:1", "ship:a", "hold:a-1", "owed:a", rules.suspense("sandbox"), rules.REVENUE, rules.FEES, "something")


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (PSP, Group.GATEWAYS),
        (rules.BANK, Group.BANK),
        (rules.deposit(7), Group.DEPOSITS),
        (rules.shipping("AbC"), Group.SHIPPING_HELD),
        (rules.hold("AbC-1"), Group.RETURNING),
        (rules.owed("AbC"), Group.OWED),
        (rules.suspense("stripe"), Group.SUSPENSE),
        (rules.REVENUE, Group.REVENUE),
        (rules.SHIPPING, Group.SHIPPING),
        (rules.FORFEIT, Group.FORFEITS),
        (rules.FEES, Group.FEES),
        (rules.PENALTY, Group.PENALTIES),
        ("bank:second", Group.OTHER),
        ("dep", Group.OTHER),
        ("", Group.OTHER),
    ],
)
def test_every_account_is_of_one_kind(account: str, expected: Group) -> None:
    assert group(account) is expected


def test_every_kind_stands_on_one_side_of_the_equation() -> None:
    sides = [*OWN_MONEY, *CUSTOMERS, Group.SUSPENSE, *EARNED]
    assert sorted(sides) == sorted(Group)


MOVES = st.lists(st.tuples(st.permutations(NAMES).map(lambda names: names[:2]), st.integers(1, 10**9)), max_size=30)


@given(MOVES)
def test_whatever_moves_the_equation_holds(moves: list[tuple[list[str], int]]) -> None:
    sides = {name: [0, 0] for name in NAMES}
    for (debit, credit), amount in moves:
        sides[debit][0] += amount
        sides[credit][1] += amount
    books = [Balance(name, "CNY", debits, credits_) for name, (debits, credits_) in sides.items()]
    (position,) = positions(books)
    assert position.difference == 0
    totals = trial_totals(books, "CNY")
    assert (totals.debits, totals.debit_side) == (totals.credits, totals.credit_side)


def test_a_fen_that_is_missing_shows() -> None:
    (position,) = positions([Balance(PSP, "CNY", 5980, 0), Balance("dep:1", "CNY", 0, 5979)])
    assert (position.own_money, position.of(*CUSTOMERS), position.difference) == (5980, 5979, 1)


def test_each_currency_has_a_position_of_its_own() -> None:
    books = [Balance(PSP, "EUR", 100, 0), Balance("dep:1", "EUR", 0, 100), Balance(PSP, "CNY", 7, 0), Balance("owed:a", "CNY", 0, 7)]
    assert [(each.currency, each.own_money, each.of(Group.OWED)) for each in positions(books)] == [("CNY", 7, 7), ("EUR", 100, 0)]
    assert trial_totals(books, "EUR") == Totals(100, 100, 100, 100)


def test_a_short_trial_balance_adds_up_what_every_customer_has(session: Session, now: datetime) -> None:
    transfers = [
        Posting("cap:a:1", PSP, "dep:1", 5000, "captured"),
        Posting("cap:b:2", PSP, "dep:2", 700, "captured"),
        Posting("hold:a-1:1", "dep:1", "hold:a-1", 5000, "refund_begun"),
        Posting("fee:a", "fees", PSP, 30, "fee"),
    ]
    actions.post(session, transfers, campaign="ss27", currency="CNY", now=now)
    actions.post(session, [Posting("payout:a", "bank", PSP, 600, "payout")], campaign=rules.NO_CAMPAIGN, currency="CNY", now=now)
    assert queries.short_balance(session) == [
        Balance("bank", "CNY", 600, 0),
        Balance("dep:", "CNY", 5000, 5700),
        Balance("fees", "CNY", 30, 0),
        Balance("hold:", "CNY", 0, 5000),
        Balance(PSP, "CNY", 5700, 630),
    ]
    assert [each.account for each in queries.short_balance(session, campaign="ss27")] == ["dep:", "fees", "hold:", PSP]
    assert positions(queries.short_balance(session)) == positions(queries.trial_balance(session))
