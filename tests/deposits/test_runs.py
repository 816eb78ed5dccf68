"""Refund runs: what they need of each account and day, and failed ones sent again all at once."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from c2b.campaigns.models import Campaign
from c2b.deposits import desk, resolving, runs
from c2b.deposits.runs import calls_a_day, calls_left
from c2b.errors import Invalid, Refused
from c2b.jobs.models import Job
from c2b.payments.protocol import About, Answer, Heard, Limits
from c2b.payments.rules import RefundState
from tests import make
from tests.deposits.scene import Shop

DEPOSIT = 5980
A_DAY = 24 * 60 * 60
CLOSED = Answer(Heard.FAILED, why="account closed")


def waiting(shop: Shop, count: int) -> list[str]:
    """Let customers buy and cancel; returns the orders, whose refunds wait."""
    variant = shop.sells("K1")[0]
    refs = [shop.buys(shop.customer(), (variant, 1)) for _ in range(count)]
    for ref in refs:
        shop.cancel(ref, shop.person_of(ref))
    return refs


def failed(shop: Shop, count: int) -> list[str]:
    """Let as many refunds come back; returns their keys."""
    waiting(shop, count)
    shop.send_refunds()
    for refund in shop.refunds():
        shop.gateway.says[refund.key] = CLOSED
        shop.hear(key=refund.key, about=About.REFUND)
    return [refund.key for refund in shop.refunds()]


def needs(shop: Shop, rate: float | None) -> list[runs.Need]:
    with shop.database.reading() as session:
        campaign = session.get_one(Campaign, shop.campaign_id)
        return runs.needs(session, campaign, limits={"sandbox": Limits(refunds_a_second=rate)}, now=shop.now)


def sums(shop: Shop) -> dict[RefundState, tuple[int, int]]:
    with shop.database.reading() as session:
        return desk.refund_sums(session, shop.campaign_id)


def ask(shop: Shop, reason: str = "Topped up") -> int:
    with shop.database.transaction() as session:
        campaign = session.get_one(Campaign, shop.campaign_id)
        return runs.ask_for_failed(session, campaign, reason=reason, actor="staff:finance@example.com", now=shop.now)


def payload(shop: Shop) -> dict[str, object]:
    with shop.database.reading() as session:
        return session.scalars(select(Job.payload).where(Job.kind == runs.JOB).order_by(Job.id.desc())).first() or {}


def test_without_a_rate_all_money_is_needed_today(shop: Shop) -> None:
    waiting(shop, 3)
    (need,) = needs(shop, None)
    assert (need.gateway, need.merchant, need.refunds, need.amount, need.sent_by) == ("sandbox", "main", 3, 3 * DEPOSIT, None)
    assert [(day.day.isoformat(), day.refunds, day.amount) for day in need.days] == [("2027-03-20", 3, 3 * DEPOSIT)]


def test_a_slow_gateway_needs_its_money_day_by_day(shop: Shop) -> None:
    waiting(shop, 5)  # noon in Shanghai: of two calls a day one is left
    (need,) = needs(shop, 2 / A_DAY)
    assert [(day.day.isoformat(), day.refunds, day.amount) for day in need.days] == [
        ("2027-03-20", 1, DEPOSIT),
        ("2027-03-21", 2, 2 * DEPOSIT),
        ("2027-03-22", 2, 2 * DEPOSIT),
    ]
    assert need.sent_by == shop.now + timedelta(days=2.5)


def test_refunds_of_another_campaign_by_the_same_account_go_first_if_they_wait_longer(shop: Shop) -> None:
    with shop.database.transaction() as session:
        other = make.campaign(session, slug="aw27", voting_opens=None, voting_closes=None)
        order = make.order(session, other, (make.variants(session, make.candidate(session, other, "X1"))[0], 1))
        make.refund(session, make.payment(session, order, DEPOSIT), *make.lines_of(session, order), next_attempt_at=make.OPENS)
    waiting(shop, 1)
    (need,) = needs(shop, 2 / A_DAY)
    assert (need.refunds, need.amount, need.ahead) == (1, DEPOSIT, 1)
    assert [day.day.isoformat() for day in need.days] == ["2027-03-21"]


def test_what_is_sent_needs_nothing_more(shop: Shop) -> None:
    waiting(shop, 2)
    shop.send_refunds()
    assert needs(shop, 12) == []


@pytest.mark.parametrize(("rate", "a_day"), [(12, 1_036_800), (0.5, 43_200), (1 / A_DAY / 2, 1)])
def test_a_days_calls(shop: Shop, rate: float, a_day: int) -> None:
    assert calls_a_day(rate) == a_day
    midnight = shop.now.replace(hour=0)
    assert calls_left(rate, midnight) == a_day


def test_failed_refunds_are_all_sent_again_once_and_each_stands_in_the_log(shop: Shop) -> None:
    keys = failed(shop, 3)
    assert sums(shop)[RefundState.FAILED] == (3, 3 * DEPOSIT)
    assert ask(shop) == 3
    for _ in range(2):  # a second worker, or one that was stopped, finds nothing more to do
        runs.send_failed(shop.database, payload(shop), shop.now)
    assert sums(shop)[RefundState.QUEUED] == (3, 3 * DEPOSIT)
    assert sums(shop)[RefundState.FAILED] == (0, 0)
    assert [(key, reason) for action, key, reason in shop.log() if action == "deposits.send_refund_again"] == [
        (key, "Topped up") for key in keys
    ]
    assert shop.findings() == []


def test_a_run_that_was_stopped_goes_on_with_those_that_are_left(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = failed(shop, 3)
    ask(shop)
    shop.resolves(resolving.send_refund_again, key=keys[0])
    monkeypatch.setattr(runs, "STEP", 1)
    runs.send_failed(shop.database, payload(shop), shop.now)
    assert sums(shop)[RefundState.QUEUED] == (3, 3 * DEPOSIT)


def test_what_fails_after_it_was_asked_for_waits_for_a_person_again(shop: Shop) -> None:
    failed(shop, 1)
    ask(shop)
    runs.send_failed(shop.database, payload(shop), shop.now)
    again = shop.refunds()[-1].key
    shop.gateway.says[again] = CLOSED
    shop.hear(key=again, about=About.REFUND)
    runs.send_failed(shop.database, payload(shop), shop.now)
    assert sums(shop)[RefundState.FAILED] == (1, DEPOSIT)


def test_paid_by_hand_counts_as_returned(shop: Shop) -> None:
    (key,) = failed(shop, 1)
    shop.resolves(resolving.paid_by_hand, key=key, reference="BANK-77")
    assert sums(shop)[RefundState.SETTLED] == (1, DEPOSIT)
    with shop.database.reading() as session:
        assert [row.key for row in desk.refunds(session, shop.campaign_id, state=RefundState.SETTLED)] == [key]
        assert desk.undecided_refund(session, shop.campaign_id, key) is None


def test_asking_needs_a_reason_and_something_that_failed(shop: Shop) -> None:
    with pytest.raises(Refused, match="No refund waits"):
        ask(shop)
    failed(shop, 1)
    with pytest.raises(Invalid, match="Say why"):
        ask(shop, " ")
