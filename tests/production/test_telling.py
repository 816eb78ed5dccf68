from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.db import Database
from c2b.deposits.rules import Outcome
from c2b.jobs.worker import run_due
from c2b.messages.models import Message
from c2b.people.models import Address
from c2b.people.rules import AddressKind
from c2b.production import actions, telling
from c2b.production.telling import tell
from c2b.work import audit
from tests import make
from tests.production import shop

NOW = make.ORDERING_CLOSES + timedelta(days=2)
DUE = datetime.fromisoformat("2027-04-20T22:00:00+08:00")


def season(session: Session, *, customers: int = 1, locale: str = "en") -> Campaign:
    """Let K1 reach its minimum and K2 miss it; each customer ordered both, one order each."""
    campaign = shop.settling(session, balance_due=DUE, minimum=3)
    k1, k2 = (shop.variant(session, shop.product(session, campaign, code, minimum=least)) for code, least in (("K1", 1), ("K2", 999)))
    for number in range(customers):
        customer = make.person(session, locale=locale)
        make.address(session, customer, f"customer{number}@example.com")
        shop.buys(session, campaign, (k1, 2), (k2, 1), by=customer)
    actions.decide(session, slug="ss27", actor="cli:test", now=NOW)
    return campaign


def told(database: Database) -> list[Message]:
    with database.reading() as session:
        return list(session.scalars(select(Message).order_by(Message.id)))


def work(database: Database) -> int:
    return run_due(database, {"production.tell": tell}, now=lambda: NOW)


def test_a_customer_reads_what_is_made_what_it_costs_and_by_when_to_pay(database: Database) -> None:
    with database.transaction() as session:
        season(session)
    work(database)
    made, missed = told(database)
    assert (made.template, made.recipient, made.channel, made.locale) == ("product_confirmed", "customer0@example.com", "email", "en")
    assert {name: made.fields[name] for name in ("product", "units", "unit_price", "balance", "due")} == {
        "product": "Design K1",
        "units": "2",
        "unit_price": "¥100.00",
        "balance": "¥160.00",
        "due": "April 20, 2027",
    }
    assert made.fields["path"] == f"/me/orders/{made.fields['order']}"
    assert (missed.template, missed.fields["product"], missed.fields["amount"]) == ("product_missed", "Design K2", "¥20.00")


@pytest.mark.parametrize(("locale", "product"), [("en", "Design K1"), ("zh_Hans_CN", "款 K1")])
def test_who_gets_the_second_choice_reads_which_and_what_missed(database: Database, locale: str, product: str) -> None:
    with database.transaction() as session:
        campaign = shop.settling(session, balance_due=DUE, minimum=3)
        knit = shop.product(session, campaign, "K1")
        small, medium, _ = make.variants(session, knit)
        small.minimum = 9
        anna = make.person(session, locale=locale)
        make.address(session, anna, "anna@example.com")
        order = shop.buys(session, campaign, (small, 3), by=anna)
        make.lines_of(session, order)[0].second_id = medium.id
        session.flush()
        decided = actions.decide(session, slug="ss27", actor="cli:test", now=NOW)
        line = make.lines_of(session, order)[0]
        assert (line.variant_id, line.first_id, line.outcome, line.final_unit_price) == (medium.id, small.id, Outcome.ALLOCATED, 10000)
    assert (decided.products[0].second, decided.refunds, decided.pieces) == (3, 0, 3)
    work(database)
    (message,) = told(database)
    assert (message.template, message.fields["product"], message.fields["first"], message.fields["second"]) == (
        "product_second",
        product,
        "S",
        "M",
    )
    with database.reading() as session:
        assert audit(session) == []


def test_who_named_no_second_choice_gets_the_deposit_back_while_others_get_theirs(database: Database) -> None:
    with database.transaction() as session:
        campaign = shop.settling(session, balance_due=DUE, minimum=3)
        small, medium, _ = make.variants(session, shop.product(session, campaign, "K1"))
        small.minimum = 9
        people = [make.person(session, locale="en") for _ in range(2)]
        for number, person in enumerate(people):
            make.address(session, person, f"customer{number}@example.com")
        named, without = (shop.buys(session, campaign, (small, 3 - at), by=person) for at, person in enumerate(people))
        make.lines_of(session, named)[0].second_id = medium.id
        session.flush()
        decided = actions.decide(session, slug="ss27", actor="cli:test", now=NOW)
        outcomes = [make.lines_of(session, order)[0].outcome for order in (named, without)]
    assert outcomes == [Outcome.ALLOCATED, Outcome.MISSED]
    assert (decided.refunds, decided.refund_amount, decided.products[0].missed_units) == (1, 4000, 2)
    work(database)
    assert [(message.template, message.fields["product"]) for message in told(database)] == [
        ("product_second", "Design K1"),
        ("product_missed", "Design K1 S"),
    ]
    with database.reading() as session:
        assert audit(session) == []


@pytest.mark.parametrize(("locale", "product", "due"), [("zh_Hans_CN", "款 K1", "2027年4月20日"), ("", "款 K1", "2027年4月20日")])
def test_who_reads_chinese_or_never_said_is_told_in_chinese(database: Database, locale: str, product: str, due: str) -> None:
    with database.transaction() as session:
        season(session, locale=locale)
    work(database)
    assert (told(database)[0].fields["product"], told(database)[0].fields["due"]) == (product, due)


def test_nobody_is_told_twice_though_the_work_is_begun_anew(database: Database) -> None:
    with database.transaction() as session:
        campaign = season(session, customers=3)
    for _ in range(2):
        tell(database, {"campaign": campaign.id}, NOW)
    assert len(told(database)) == 6
    assert len({message.event for message in told(database)}) == 6


def test_everybody_is_told_in_steps_however_many_they_are(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "STEP", 3)
    with database.transaction() as session:
        season(session, customers=4)
    assert work(database) == 1
    assert sorted(message.recipient for message in told(database)) == sorted(2 * [f"customer{number}@example.com" for number in range(4)])


def test_every_address_of_a_customer_is_told_wherever_a_step_ends(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "STEP", 1)
    with database.transaction() as session:
        season(session, customers=1)
        make.address(session, session.scalars(select(Address)).one().person, "work@example.com")
    work(database)
    assert sorted(message.recipient for message in told(database)) == 2 * ["customer0@example.com"] + 2 * ["work@example.com"]


def test_only_a_verified_address_of_the_campaigns_kind_is_written_to(database: Database) -> None:
    with database.transaction() as session:
        campaign = shop.settling(session)
        small = shop.variant(session, shop.product(session, campaign, "K1"))
        unverified, by_phone = make.person(session), make.person(session)
        make.address(session, unverified, "unverified@example.com", verified_at=None)
        make.address(session, by_phone, "+8613800000000", kind=AddressKind.PHONE)
        for customer in (unverified, by_phone):
            shop.buys(session, campaign, (small, 6), by=customer)
        actions.decide(session, slug="ss27", actor="cli:test", now=NOW)
    assert work(database) == 1
    assert told(database) == []


def test_a_decision_that_was_rolled_back_tells_nobody(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as session:
        season(session)
        raise RuntimeError
    assert work(database) == 0
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0
