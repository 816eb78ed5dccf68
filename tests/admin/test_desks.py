"""The three steps that can't be taken back: selection, decision, cancelling. Each needs the campaign's code, typed."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from c2b.campaigns import queries
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.payments.models import Refund
from c2b.people.rules import Role
from c2b.production.models import Decision
from c2b.voting.models import Selection
from tests import books, make
from tests.admin import shop
from tests.admin.conftest import Clock, Logged, SignIn, spoken


def state_of(database: Database) -> CampaignState:
    with database.reading() as session:
        return queries.campaign(session, "ss27").state


def count(database: Database, table: type) -> int:
    with database.reading() as session:
        return session.scalars(select(func.count()).select_from(table)).one()


def settling(database: Database, clock: Clock, **changes: object) -> None:
    """Close ordering with five units of K101 (minimum 3) and one of K102, all paid."""
    clock.now = make.ORDERING_CLOSES + timedelta(hours=1)
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.SETTLING, **changes)
        shop.selected(session, of)
        first, second, _, _ = shop.candidates(session, of)
        books.paid(session, of, (make.variants(session, first)[1], 5))
        books.paid(session, of, (make.variants(session, second)[0], 1))


def test_the_selection_is_previewed_with_its_cut_line(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.votes(session, shop.campaign(session, CampaignState.TALLY))
    browser = sign_in(Role.MANAGER, looks=True)
    browser.get("/admin/ss27/selection")
    words = spoken(browser)
    assert "All votes 7 4 ballots Counted 6 3 ballots Held 1 1 ballots" in words
    assert "The line 2 1 votes more than the next" in words
    line = words.index("The line: 2 places")
    assert words.index("Design K102") < line < words.index("Design K103")
    assert count(database, Selection) == 0


@pytest.mark.parametrize("typed", ["", "ss26", "yes"])
def test_the_selection_needs_the_campaigns_code(database: Database, sign_in: SignIn, logged: Logged, typed: str) -> None:
    with database.transaction() as session:
        shop.votes(session, shop.campaign(session, CampaignState.TALLY))
    browser = sign_in(looks=True)
    browser.get("/admin/ss27/selection")
    browser.press("Select and publish", confirm=typed, expect=400)
    assert "Type the campaign's code ss27 to confirm; nothing was changed" in browser.words
    assert f'value="{typed}"' in browser.html
    assert (state_of(database), count(database, Selection), logged("voting.select")) == (CampaignState.TALLY, 0, [])


def test_the_selection_is_run_once_and_its_hashes_are_shown(database: Database, sign_in: SignIn, logged: Logged) -> None:
    with database.transaction() as session:
        shop.votes(session, shop.campaign(session, CampaignState.TALLY))
    browser = sign_in(Role.MANAGER, looks=True)
    browser.get("/admin/ss27/selection")
    browser.press("Select and publish", confirm=" SS27 ")
    assert "Selected. Ranks, votes, seed and hashes are public." in browser.words
    assert state_of(database) is CampaignState.SELECTED
    with database.reading() as session:
        stored = session.scalars(select(Selection)).one()
    assert all(each in browser.html for each in (stored.input_hash, stored.output_hash, stored.seed, stored.ballot_root))
    assert [entry.actor for entry in logged("voting.select")] == ["staff:manager@example.com"]
    assert "Select and publish" not in browser.html


def test_while_people_vote_the_preview_asks_for_a_logged_look(database: Database, sign_in: SignIn, logged: Logged) -> None:
    with database.transaction() as session:
        shop.votes(session, shop.campaign(session))
    browser = sign_in(Role.MANAGER)
    browser.get("/admin/ss27/selection")
    assert "Around the line" not in browser.words
    browser.press("Show counts")
    assert browser.url == "/admin/ss27/selection"
    assert "Design K103" in browser.words
    assert "Select and publish" not in browser.html
    assert len(logged("voting.look_at_counts")) == 1


def test_ties_and_held_ballots_are_named_at_the_line(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.TALLY)
        first, second, third, _ = shop.candidates(session, of)
        make.ballot(session, of, first, second, third)
        make.ballot(session, of, first)
        for _ in range(2):
            make.ballot(session, of, third, held_at=make.OPENS, held_reason="bought")
    browser = sign_in(looks=True)
    browser.get("/admin/ss27/selection")
    assert "Tie across the line 2 designs with 1 votes each; 1 of them by lot" in spoken(browser)
    assert "tied at the line, the lot decides" in spoken(browser)


def test_the_decision_is_one_sentence_before_it_is_made(database: Database, sign_in: SignIn, clock: Clock) -> None:
    settling(database, clock)
    browser = sign_in(Role.MANAGER)
    browser.get("/admin/ss27/decision")
    words = spoken(browser)
    assert "Deciding now makes 1 products, 5 pieces, 1 production orders; returns 1 payments, ¥59.80" in words.replace(" ,", ",").replace(
        " ;", ";"
    )
    assert words.index("Design K101") < words.index("Below: not made, deposits returned in full") < words.index("Design K102")
    assert "2 short" in words
    assert count(database, Decision) == 0


def test_deciding_stores_what_the_dry_run_said(database: Database, sign_in: SignIn, clock: Clock, logged: Logged) -> None:
    settling(database, clock)
    browser = sign_in(Role.MANAGER)
    browser.get("/admin/ss27/decision")
    browser.press("Decide: make 1 products, return 1 payments", confirm="ss27")
    assert "Decided. Refunds are queued" in browser.words
    assert state_of(database) is CampaignState.DECIDED
    assert count(database, Refund) == 1
    assert [entry.actor for entry in logged("production.decide")] == ["staff:manager@example.com"]
    browser.get("/admin/ss27/production")
    number = re.search(r"/admin/ss27/production/([\w-]+)", browser.html)
    assert number is not None
    browser.get(f"/admin/ss27/production/{number[1]}")
    assert "Design K101 K101 customers 5, extra 0" in spoken(browser)
    browser.get("/admin/ss27/refunds")
    assert "K102 minimum missed ¥59.80 Test payment Waiting" in spoken(browser)


def test_a_wrong_code_decides_nothing(database: Database, sign_in: SignIn, clock: Clock) -> None:
    settling(database, clock)
    browser = sign_in()
    browser.get("/admin/ss27/decision")
    browser.press("Decide:", confirm="autumn", expect=400)
    assert "nothing was changed" in browser.words
    assert (state_of(database), count(database, Decision)) == (CampaignState.SETTLING, 0)


@pytest.mark.parametrize(("run", "status"), [("", 400), ("0" * 64, 409)])
def test_figures_that_nobody_looked_at_are_not_decided(database: Database, sign_in: SignIn, clock: Clock, run: str, status: int) -> None:
    settling(database, clock)
    browser = sign_in()
    browser.get("/admin/ss27/decision")
    browser.press("Decide:", confirm="ss27", run=run, expect=status)
    assert "There is a problem" in browser.words
    assert count(database, Decision) == 0


def test_an_order_that_came_in_between_stops_the_decision(database: Database, sign_in: SignIn, clock: Clock) -> None:
    settling(database, clock)
    browser = sign_in()
    browser.get("/admin/ss27/decision")
    with database.transaction() as session:
        of = queries.campaign(session, "ss27")
        books.paid(session, of, (make.variants(session, shop.candidates(session, of)[1])[0], 2))
    browser.press("Decide: make 1 products", confirm="ss27", expect=409)
    assert "The orders have changed since that dry run" in browser.words
    assert "Decide: make 2 products" in browser.html
    assert count(database, Decision) == 0


def test_where_two_people_are_asked_for_one_agrees_and_the_other_decides(
    database: Database, sign_in: SignIn, clock: Clock, logged: Logged
) -> None:
    settling(database, clock, two_person=True)
    owner, manager = sign_in(Role.OWNER), sign_in(Role.MANAGER)
    manager.get("/admin/ss27/decision")
    assert "A second person has to agree first." in manager.words
    manager.press("Decide:", confirm="ss27", expect=409)
    assert "second person" in manager.words
    manager.get("/admin/ss27/decision")
    manager.press("I agree to these figures")
    manager.press("Decide:", confirm="ss27", expect=409)  # one's own agreement is not a second person's
    assert count(database, Decision) == 0
    owner.get("/admin/ss27/decision")
    assert "manager@example.com agreed to exactly these figures" in spoken(owner)
    owner.press("Decide:", confirm="ss27")
    assert state_of(database) is CampaignState.DECIDED
    assert [entry.actor for entry in logged("production.decide.approve")] == ["staff:manager@example.com"]


def test_before_ordering_there_is_nothing_to_decide(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.campaign(session)
    browser = sign_in()
    browser.get("/admin/ss27/decision")
    assert "Nothing to decide yet The dry run appears when ordering opens, 17 Mar 10:00." in spoken(browser)


def test_cancelling_names_what_goes_back_and_returns_it(database: Database, sign_in: SignIn, clock: Clock, logged: Logged) -> None:
    settling(database, clock)
    browser = sign_in(Role.MANAGER)
    browser.get("/admin/ss27/cancel")
    assert "Deposits to return ¥358.80" in spoken(browser)
    browser.press("Cancel and return ¥358.80", confirm="ss27", reason="The mill burned down")
    assert browser.url == "/admin/ss27/refunds"
    assert "The campaign is cancelled" in browser.words
    assert state_of(database) is CampaignState.CANCELLED
    assert count(database, Refund) == 2
    entries = [entry for action in ("deposits.cancel_campaign", "campaign.cancel") for entry in logged(action)]
    assert [entry.actor for entry in entries] == ["staff:manager@example.com"]
    browser.get("/admin/ss27/cancel")
    assert "The mill burned down" in browser.words
    assert "Cancel and return" not in browser.html


def test_cancelling_takes_two_people_where_the_campaign_asks_for_them(
    database: Database, sign_in: SignIn, clock: Clock, logged: Logged
) -> None:
    settling(database, clock, two_person=True)
    manager, owner = sign_in(Role.MANAGER), sign_in(Role.OWNER, "zh")
    manager.get("/admin/ss27/cancel")
    assert "Cancel and return ¥" not in manager.words
    manager.press("Ask for it", reason=" ", expect=400)
    manager.press("Ask for it", reason="The mill burned down")
    assert "You asked for it, with this reason: “The mill burned down”" in manager.words
    assert state_of(database) is CampaignState.SETTLING
    owner.get("/admin/ss27/cancel")
    assert "manager@example.com" in owner.words
    owner.press("取消", confirm="ss27")
    assert state_of(database) is CampaignState.CANCELLED
    assert [(entry.actor, entry.reason) for entry in logged("deposits.cancel_campaign")] == [
        ("staff:owner@example.com", "The mill burned down")
    ]


@pytest.mark.parametrize(("confirm", "reason"), [("ss27", " "), ("", "The mill burned down"), ("ss26", "The mill burned down")])
def test_cancelling_needs_code_and_reason_and_keeps_what_was_typed(
    database: Database, sign_in: SignIn, clock: Clock, confirm: str, reason: str
) -> None:
    settling(database, clock)
    browser = sign_in()
    browser.get("/admin/ss27/cancel")
    browser.press("Cancel and return", confirm=confirm, reason=reason, expect=400)
    assert reason.strip() in browser.html
    assert f'value="{confirm}"' in browser.html
    assert (state_of(database), count(database, Refund)) == (CampaignState.SETTLING, 0)
