"""Money that can't go back the way it came: its customer says where else, and only who pays it out reads that."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from c2b.audit.models import AuditEntry
from c2b.deposits import paying_out, resolving, telling
from c2b.deposits.apply_refund import apply_refund
from c2b.deposits.models import PayoutAccount
from c2b.deposits.paying_out import Asked, Given
from c2b.deposits.payout_ways import Account, PayoutWay, checked, masked, offered
from c2b.errors import Invalid, NotFound, Refused
from c2b.messages.models import Message
from c2b.payments.protocol import Answer, Heard
from c2b.people.models import Person
from tests import make
from tests.deposits.scene import Shop

ALIPAY = Account("alipay", "Anna Zhang", "13800138000")
IBAN = Account("iban", "Anna", "DE89 3704 0044 0532 0130 00")
BANK = Account("bank", "Anna", "6222 0012 3456 7890", "ICBC Hangzhou")
FINANCE = "staff:finance@example.com"


@pytest.fixture
def bounced(shop: Shop) -> str:
    """Return an order whose refund of 59.80 was settled and came back."""
    anna = shop.customer()
    ref = shop.buys(anna, (shop.sells("K1")[0], 1))
    shop.cancel(ref, anna)
    shop.send_refunds()
    (refund,) = shop.refunds()
    with shop.database.transaction() as session:
        apply_refund(session, key=refund.key, answer=Answer(Heard.FAILED, why="account closed"), now=shop.now)
    return ref


def asked(shop: Shop, ref: str) -> Asked | None:
    with shop.database.reading() as session:
        return paying_out.asked(session, order_ref=ref, person_id=shop.person_of(ref))


def give(shop: Shop, ref: str, given: Account, person: int = 0) -> None:
    with shop.database.transaction() as session:
        paying_out.give(session, order_ref=ref, person_id=person or shop.person_of(ref), given=given, now=shop.now)


def look(shop: Shop, ref: str, campaign: str = "ss27") -> None:
    with shop.database.transaction() as session:
        paying_out.look(session, campaign=campaign, order_ref=ref, actor=FINANCE, now=shop.now)


def given(shop: Shop, ref: str, actor: str = FINANCE) -> Given:
    with shop.database.reading() as session:
        return paying_out.given(session, order_ref=ref, actor=actor, now=shop.now)


def test_who_is_owed_nothing_is_asked_nothing_and_can_say_nothing(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.buys(anna, (shop.sells("K1")[0], 1))
    assert asked(shop, ref) is None
    with pytest.raises(Refused, match="No money waits"):
        give(shop, ref, ALIPAY)
    shop.cancel(ref, anna)
    assert asked(shop, ref) is None, "it goes back by itself"


def test_a_refund_that_came_back_asks_for_an_account_until_it_is_paid_out(shop: Shop, bounced: str) -> None:
    ways = (PayoutWay.ALIPAY, PayoutWay.WECHAT, PayoutWay.BANK)
    assert asked(shop, bounced) == Asked(5980, ways)
    give(shop, bounced, ALIPAY)
    assert asked(shop, bounced) == Asked(5980, ways, "alipay", "•••• 8000", shop.now)
    shop.forward(minutes=1)
    give(shop, bounced, BANK)
    assert asked(shop, bounced) == Asked(5980, ways, "bank", "•••• 7890", shop.now)
    (refund,) = shop.refunds()
    shop.resolves(resolving.paid_by_hand, key=refund.key, reference="BANK-77")
    assert asked(shop, bounced) == Asked(0, ways, "bank", "•••• 7890", shop.now)
    with pytest.raises(Refused, match="No money waits"):
        give(shop, bounced, ALIPAY)
    assert shop.findings() == []


def test_its_customer_hears_once_that_it_was_paid_by_hand(shop: Shop, bounced: str) -> None:
    (refund,) = shop.refunds()
    with shop.database.transaction() as session:
        make.address(session, session.get_one(Person, shop.person_of(bounced)), "anna@example.com")
    shop.resolves(resolving.paid_by_hand, key=refund.key, reference="BANK-77")
    for _ in range(2):
        telling.tell_by_hand(shop.database, {"refund": refund.id}, shop.now)
    with shop.database.reading() as session:
        told = session.scalars(select(Message).where(Message.template == "refund_by_hand")).all()
        assert [(message.about, message.fields["amount"]) for message in told] == [(bounced, "¥59.80")]


def test_a_refund_that_is_sent_once_more_asks_nothing_any_more(shop: Shop, bounced: str) -> None:
    shop.resolves(resolving.send_refund_again, key=shop.refunds()[0].key)
    assert asked(shop, bounced) is None


def test_nobody_else_says_or_reads_where_the_money_goes(shop: Shop, bounced: str) -> None:
    berta = shop.customer()
    with pytest.raises(NotFound):
        give(shop, bounced, ALIPAY, person=berta)
    with shop.database.reading() as session, pytest.raises(NotFound):
        paying_out.asked(session, order_ref=bounced, person_id=berta)


def test_it_is_changed_five_times_a_day_at_most(shop: Shop, bounced: str) -> None:
    for number in range(5):
        give(shop, bounced, replace(ALIPAY, account=f"1380013800{number}"))
    with pytest.raises(Refused, match="5 times today"):
        give(shop, bounced, BANK)
    shop.forward(days=1)
    give(shop, bounced, BANK)
    assert asked(shop, bounced) is not None


def test_the_database_keeps_to_five_a_day_too(shop: Shop, bounced: str) -> None:
    give(shop, bounced, ALIPAY)
    with pytest.raises(IntegrityError), shop.database.transaction() as session:
        session.scalars(select(PayoutAccount)).one().changes = 6
        session.flush()


def test_staff_read_it_only_once_their_look_is_logged_and_for_a_quarter_of_an_hour(shop: Shop, bounced: str) -> None:
    assert given(shop, bounced) == Given(bounced, 5980, None)
    with pytest.raises(NotFound):
        look(shop, bounced)
    give(shop, bounced, BANK)
    assert given(shop, bounced) == Given(bounced, 5980, shop.now)
    with pytest.raises(NotFound):
        look(shop, bounced, campaign="aw27")
    at = shop.now
    look(shop, bounced)
    assert given(shop, bounced) == Given(bounced, 5980, at, BANK)
    assert given(shop, bounced, actor="staff:other@example.com").account is None
    assert [entry[:2] for entry in shop.log()][-1] == ("deposits.look_at_account", bounced)
    shop.forward(minutes=15)
    assert given(shop, bounced).account is None


def test_the_log_says_which_account_was_paid_and_never_its_number(shop: Shop, bounced: str) -> None:
    give(shop, bounced, ALIPAY)
    look(shop, bounced)
    shop.resolves(resolving.paid_by_hand, key=shop.refunds()[0].key, reference="BANK-77")
    with shop.database.reading() as session:
        entries = session.scalars(select(AuditEntry)).all()
    (paid,) = [each for each in entries if each.action == "deposits.paid_by_hand"]
    assert paid.after["account_of"] == shop.now.isoformat()
    assert not [each for each in entries if "13800138000" in f"{each.before}{each.after}{each.reason}{each.object}"]


def test_which_orders_have_an_account(shop: Shop, bounced: str) -> None:
    with shop.database.reading() as session:
        assert paying_out.have_given(session, [bounced]) == set()
    give(shop, bounced, ALIPAY)
    with shop.database.reading() as session:
        assert paying_out.have_given(session, [bounced, "another"]) == {bounced}


@pytest.mark.parametrize(
    ("currency", "ways"),
    [("CNY", ["alipay", "wechat", "bank"]), ("EUR", ["iban"]), ("USD", ["bank", "iban"]), ("GBP", ["bank", "iban"])],
)
def test_each_currency_has_its_own_ways(currency: str, ways: list[str]) -> None:
    assert list(offered(currency)) == ways


@pytest.mark.parametrize(
    ("given", "currency", "field"),
    [
        (replace(ALIPAY, way=""), "CNY", "way"),
        (replace(ALIPAY, way="paypal"), "CNY", "way"),
        (IBAN, "CNY", "way"),
        (ALIPAY, "EUR", "way"),
        (replace(ALIPAY, holder=" \t"), "CNY", "holder"),
        (replace(ALIPAY, holder="A" * 101), "CNY", "holder"),
        (replace(ALIPAY, account=""), "CNY", "account"),
        (replace(ALIPAY, account="13"), "CNY", "account"),
        (replace(ALIPAY, account="two words"), "CNY", "account"),
        (replace(ALIPAY, account="1" * 101), "CNY", "account"),
        (replace(BANK, bank=""), "CNY", "bank"),
        (replace(BANK, bank="B" * 101), "CNY", "bank"),
        (replace(BANK, account="<script>alert(1)</script>"), "CNY", "account"),
        (replace(IBAN, account="DE89 3704 0044 0532 0130 01"), "EUR", "account"),
        (replace(IBAN, account="DE98 3704 0044 0532 0130 00"), "EUR", "account"),
        (replace(IBAN, account="12"), "EUR", "account"),
    ],
)
def test_what_can_surely_be_no_account_is_refused_where_it_stands(given: Account, currency: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(given, currency)
    assert refused.value.field == field


@pytest.mark.parametrize("account", ["de89370400440532013000", " DE89 3704 0044 0532 0130 00 ", "GB29NWBK60161331926819"])
def test_an_iban_is_kept_without_spaces_in_capitals(account: str) -> None:
    kept = checked(replace(IBAN, account=account, bank="x"), "EUR")
    assert kept.account == account.replace(" ", "").upper()
    assert kept.bank == "", "an IBAN names its bank"


def test_lines_and_signs_that_nobody_sees_are_not_kept() -> None:
    assert checked(replace(BANK, holder=" Anna\n\u202eZhang "), "CNY") == replace(BANK, holder="Anna Zhang")


@pytest.mark.parametrize(("account", "end"), [("13800138000", "•••• 8000"), ("1234567", "••••"), ("12345678", "•••• 5678")])
def test_its_owner_sees_the_end_of_it_only(account: str, end: str) -> None:
    assert masked(account) == end


def test_a_look_of_long_ago_shows_nothing(shop: Shop, bounced: str) -> None:
    give(shop, bounced, ALIPAY)
    look(shop, bounced)
    shop.now += paying_out.LASTS - timedelta(microseconds=1)
    assert given(shop, bounced).account == ALIPAY
