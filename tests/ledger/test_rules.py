import pytest

from c2b.ledger import rules


@pytest.mark.parametrize(
    ("account", "guarded"),
    [
        (rules.deposit(7), True),
        (rules.shipping("AbC"), True),
        (rules.hold("AbC-1"), True),
        (rules.owed("AbC"), False),
        (rules.provider("sandbox", "shop"), False),
        (rules.REVENUE, False),
        (rules.SHIPPING, False),
    ],
)
def test_only_a_customers_own_money_is_guarded(account: str, *, guarded: bool) -> None:
    assert rules.is_guarded(account) is guarded


def test_each_account_says_whose_money_it_is() -> None:
    assert rules.deposit(7) == "dep:7"
    assert rules.shipping("AbC") == "ship:AbC"
    assert rules.hold("AbC-1") == "hold:AbC-1"
    assert rules.owed("AbC") == "owed:AbC"
    assert rules.provider("sandbox", "shop") == "psp:sandbox:shop"


def test_what_is_left_on_an_account_is_what_came_in_less_what_went_out() -> None:
    assert rules.Balance("dep:7", "CNY", debits=2000, credits=5000).left == 3000
