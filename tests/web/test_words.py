"""How states are said: every combination has words, and the right kind of tag."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.deposits.order_view import LineView
from c2b.deposits.payment_view import PaymentView
from c2b.deposits.rules import Fulfilment, Money, Outcome
from c2b.payments.rules import PaymentState
from c2b.web.campaign import countdown, phases, standing
from c2b.web.filtering import Filters
from c2b.web.words import line_state
from tests import make
from tests.web.conftest import Clock


def line(**changes: Any) -> LineView:
    values: dict[str, Any] = {
        "id": 1,
        "code": "K07",
        "name": "Dotted dress",
        "label": "M",
        "sku": "K07-M",
        "picture": None,
        "units": 1,
        "unit_price": 29900,
        "final_unit_price": None,
        "deposit": 5980,
        "balance": 23920,
        "outcome": Outcome.OPEN,
        "money": Money.HELD,
        "fulfilment": Fulfilment.NONE,
        "cancel_requested": False,
    }
    return LineView(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "words", "kind"),
    [
        ({"money": Money.DEPOSIT_DUE}, "Deposit to pay", "bad"),
        ({"money": Money.HELD}, "Ordered, deposit paid", "inf"),
        ({"cancel_requested": True}, "Cancelled as soon as the payment is known", "warn"),
        ({"outcome": Outcome.ALLOCATED, "money": Money.BALANCE_DUE}, "Being made, balance to pay", "warn"),
        ({"outcome": Outcome.ALLOCATED, "money": Money.OVERDUE}, "Being made, balance overdue", "bad"),
        ({"outcome": Outcome.ALLOCATED, "money": Money.PAID, "fulfilment": Fulfilment.IN_PRODUCTION}, "Paid in full, being made", "ok"),
        ({"outcome": Outcome.ALLOCATED, "money": Money.PAID, "fulfilment": Fulfilment.READY}, "In the store, ready for you", "ok"),
        ({"outcome": Outcome.ALLOCATED, "money": Money.PAID, "fulfilment": Fulfilment.SHIPPED}, "On its way to you", "ok"),
        ({"outcome": Outcome.ALLOCATED, "money": Money.PAID, "fulfilment": Fulfilment.PICKED_UP}, "Handed over", "ok"),
        ({"outcome": Outcome.ALLOCATED, "money": Money.PAID, "fulfilment": Fulfilment.RETURNED}, "Returned", "ok"),
        ({"outcome": Outcome.MISSED, "money": Money.REFUND_DUE}, "Not made, deposit on its way back", "warn"),
        ({"outcome": Outcome.MISSED, "money": Money.REFUNDED}, "Not made, deposit returned in full", "ok"),
        ({"outcome": Outcome.MISSED, "money": Money.NOTHING}, "Not made", ""),
        ({"outcome": Outcome.CANCELLED, "money": Money.REFUND_DUE}, "Cancelled, what you paid is on its way back", "warn"),
        ({"outcome": Outcome.CANCELLED, "money": Money.REFUNDED}, "Cancelled, what you paid was returned", "ok"),
        ({"outcome": Outcome.CANCELLED, "money": Money.NOTHING}, "Cancelled", ""),
    ],
)
def test_a_line_says_what_became_of_it_and_of_its_money(app: Flask, changes: dict[str, Any], words: str, kind: str) -> None:
    with app.test_request_context("/?lang=en"):
        said = line_state(line(**changes))
        assert (said.text, said.kind) == (words, kind)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"money": Money.DEPOSIT_DUE}, "Payment not confirmed yet"),
        ({"outcome": Outcome.ALLOCATED, "money": Money.BALANCE_DUE}, "Payment not confirmed yet"),
        ({"outcome": Outcome.ALLOCATED, "money": Money.OVERDUE}, "Payment not confirmed yet"),
        ({"money": Money.DEPOSIT_DUE, "cancel_requested": True}, "Cancelled as soon as the payment is known"),
        ({"money": Money.HELD}, "Ordered, deposit paid"),
        ({"outcome": Outcome.CANCELLED, "money": Money.NOTHING}, "Cancelled"),
    ],
)
def test_while_a_payment_runs_nothing_is_asked_for(app: Flask, changes: dict[str, Any], words: str) -> None:
    at = datetime(2027, 3, 1, tzinfo=UTC)
    running = PaymentView("PK", "OR1", "ss27", PaymentState.PENDING, 5980, "CNY", "sandbox", "", at, at)
    with app.test_request_context("/?lang=en"):
        assert line_state(line(**changes), running).text == words


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("money", Money)
def test_no_combination_is_without_words(app: Flask, outcome: Outcome, money: Money, language: str) -> None:
    with app.test_request_context(f"/?lang={language}"):
        said = line_state(line(outcome=outcome, money=money))
        assert said.text
        assert said.kind in {"ok", "warn", "bad", "inf", ""}
        assert said.text.isascii() is (language == "en")


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (CampaignState.SCHEDULED, ["", "", "", ""]),
        (CampaignState.VOTING, ["now", "", "", ""]),
        (CampaignState.TALLY, ["now", "", "", ""]),
        (CampaignState.SELECTED, ["done", "now", "", ""]),
        (CampaignState.ORDERING, ["done", "now", "", ""]),
        (CampaignState.SETTLING, ["done", "now", "", ""]),
        (CampaignState.DECIDED, ["done", "done", "now", ""]),
        (CampaignState.COMPLETED, ["done", "done", "done", "now"]),
        (CampaignState.CANCELLED, ["", "", "", ""]),
    ],
)
def test_the_strip_shows_where_the_campaign_is(app: Flask, campaign: Campaign, state: CampaignState, shown: list[str]) -> None:
    campaign.state = state
    with app.test_request_context("/?lang=en"):
        assert [phase.state for phase in phases(campaign)] == shown


def test_a_campaign_without_a_vote_has_no_segment_for_it(app: Flask, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        direct = make.campaign(session, slug="direct", voting_opens=None, voting_closes=None, state=CampaignState.ORDERING)
    with app.test_request_context("/?lang=en"):
        assert [phase.what for phase in phases(direct)] == ["Pre-order", "Production", "Delivery"]


def test_the_countdown_ends_at_the_instant_and_says_it_in_the_campaigns_zone(app: Flask, campaign: Campaign, clock: Clock) -> None:
    clock.at = make.CLOSES - timedelta(hours=6, minutes=14)
    with app.test_request_context("/?lang=en"):
        shown = countdown(campaign)
        assert shown is not None
        assert shown.left == "06:14"
        assert str(shown.sentence).startswith("left to vote, until <time")
        assert "14 Mar 22:00" in shown.sentence
    clock.at = make.CLOSES
    with app.test_request_context("/?lang=en"):
        assert countdown(campaign) is None


@pytest.mark.parametrize(
    ("state", "kind"),
    [(CampaignState.VOTING, ""), (CampaignState.TALLY, "info"), (CampaignState.DECIDED, "ok"), (CampaignState.CANCELLED, "bad")],
)
def test_a_note_says_why_nothing_can_be_done_now(app: Flask, campaign: Campaign, state: CampaignState, kind: str) -> None:
    campaign.state, campaign.reason = state, "the mill burnt down"
    with app.test_request_context("/?lang=en"):
        shown = standing(campaign)
    assert shown[0] == kind
    assert ("the mill burnt down." in shown[1]) is (state is CampaignState.CANCELLED)


def test_a_late_worker_leaves_no_open_looking_page(app: Flask, campaign: Campaign, clock: Clock) -> None:
    clock.at = datetime(2027, 4, 1, tzinfo=UTC)
    with app.test_request_context("/?lang=en"):
        assert standing(campaign)[1].startswith("Voting has closed")


@pytest.mark.parametrize(
    ("changes", "query"),
    [
        ({}, "?cat=Knits&q=K0"),
        ({"page": 3}, "?cat=Knits&q=K0&page=3"),
        ({"category": ""}, "?q=K0"),
        ({"search": "", "category": "", "seen": "picked"}, "?seen=picked"),
    ],
)
def test_a_changed_filter_starts_again_at_page_one_and_keeps_the_others(changes: dict[str, Any], query: str) -> None:
    assert Filters(category="Knits", search="K0", page=2).href(**changes) == query


@pytest.mark.parametrize(("asked", "page"), [("3", 3), ("0", 1), ("00", 1), ("99999", 1), ("x", 1), ("٣", 1), ("-2", 1)])
def test_a_page_is_a_number_of_at_most_four_digits(app: Flask, asked: str, page: int) -> None:
    with app.test_request_context("/", query_string={"page": asked, "show": "everything", "q": "  K0 "}):
        filters = Filters.asked()
    assert (filters.page, filters.show, filters.search) == (page, "", "K0")
