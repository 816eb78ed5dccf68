"""Ballots that an assistant enters at a store's counter."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.errors import Invalid, NotFound, Problem, Refused
from c2b.messages.models import Message
from c2b.people import actions as people
from c2b.people.models import Address, Person
from c2b.people.rules import AddressKind
from c2b.voting import actions, counting, entering, queries
from c2b.voting.checks import checks
from c2b.voting.entering import Entered
from c2b.voting.models import Ballot, Pick, VoteEvent
from c2b.voting.rules import BallotSource, Touch
from tests import make

KEY = "k" * 32
ASSISTANT = "staff:shop@example.com"
ANNA = "anna@example.com"


@pytest.fixture
def campaign(session: Session) -> Campaign:
    made = make.campaign(session, votes_each=3)
    for position, code in enumerate(("K1", "K2", "K3", "K4"), start=1):
        make.candidate(session, made, code, position=position)
    return made


def code_for(session: Session, now: datetime, address: str = ANNA) -> str:
    return entering.send_code(session, slug="ss27", address=address, locale="en", secret_key=KEY, now=now)


def enter(session: Session, now: datetime, code: str, *picks: str, address: str = ANNA, **changes: Any) -> Entered | None:
    facts: dict[str, Any] = {"slug": "ss27", "viewer": 9, "locale": "en", "secret_key": KEY, "actor": ASSISTANT} | changes
    return entering.enter(session, address=address, code=code, picks=picks, now=now, **facts)


def counted(session: Session, of: Campaign) -> dict[str, int]:
    codes = dict(session.execute(select(Candidate.id, Candidate.code)).all())
    return {codes[key[0]]: votes for key, votes in counting.tallies(session, of.id).items() if votes}


def test_a_customer_in_the_store_votes_by_their_code_under_the_assistants_name(session: Session, now: datetime, campaign: Campaign) -> None:
    entered = enter(session, now, code_for(session, now), "K3", "K1")
    assert entered is not None
    ballot = session.scalars(select(Ballot)).one()
    assert (ballot.source, ballot.serial, entered.votes) == (BallotSource.STORE, entered.serial, 2)
    assert counted(session, campaign) == {"K1": 1, "K3": 1}
    address = session.scalars(select(Address)).one()
    assert (address.value, address.verified_at, address.person_id) == (ANNA, now, ballot.person_id)
    assert checks(session) == []


def test_the_log_names_the_assistant_and_the_ballot_but_no_pick(session: Session, now: datetime, campaign: Campaign) -> None:
    entered = enter(session, now, code_for(session, now), "K3", "K1")
    assert entered is not None
    entry = session.scalars(select(AuditEntry)).one()
    assert (entry.actor, entry.action, entry.campaign, entry.object) == (ASSISTANT, "voting.enter_ballot", campaign.slug, entered.serial)
    assert (entry.before, entry.after) == ({}, {"votes": 2})


@pytest.mark.usefixtures("campaign")
def test_without_the_right_code_nothing_is_entered_and_the_try_is_counted(session: Session, now: datetime) -> None:
    code = code_for(session, now)
    for _ in range(5):
        assert enter(session, now, f"{(int(code) + 1) % 1_000_000:06d}", "K1") is None
    assert enter(session, now, code, "K1") is None, "five wrong tries kill the code"
    assert session.scalars(select(Ballot)).all() == []
    assert session.scalars(select(Person)).all() == []


@pytest.mark.usefixtures("campaign")
def test_what_the_customer_tells_signs_nobody_in(session: Session, now: datetime) -> None:
    told = code_for(session, now)
    facts: dict[str, Any] = {
        "kind": AddressKind.EMAIL,
        "address": ANNA,
        "guest_id": None,
        "viewer": 1,
        "locale": "en",
        "secret_key": KEY,
        "now": now,
    }
    assert people.check_code(session, code=told, **facts) is None
    assert enter(session, now, told, "K1"), "and a wrong use doesn't spoil the right one"


@pytest.mark.usefixtures("campaign")
def test_a_sign_in_code_enters_no_ballot(session: Session, now: datetime) -> None:
    code = people.send_code(session, kind=AddressKind.EMAIL, address=ANNA, locale="en", secret_key=KEY, now=now)
    assert enter(session, now, code, "K1") is None


@pytest.mark.usefixtures("campaign")
def test_the_message_says_what_the_code_is_for(session: Session, now: datetime) -> None:
    code = code_for(session, now)
    message = session.scalars(select(Message)).one()
    assert (message.template, message.recipient) == ("counter_code", ANNA)
    assert message.fields == {"code": code, "minutes": "10", "campaign": "Spring/Summer 2027"}


@pytest.mark.parametrize("source", [BallotSource.VERIFIED, BallotSource.STORE, BallotSource.IMPORTED])
def test_who_has_voted_keeps_their_ballot_and_nobody_at_the_counter_learns_what_is_on_it(
    session: Session, now: datetime, campaign: Campaign, source: BallotSource
) -> None:
    person = people.check_code(
        session,
        kind=AddressKind.EMAIL,
        address=ANNA,
        code=people.send_code(session, kind=AddressKind.EMAIL, address=ANNA, locale="en", secret_key=KEY, now=now),
        guest_id=None,
        viewer=1,
        locale="en",
        secret_key=KEY,
        now=now,
    )
    assert person is not None
    first = session.scalars(select(Candidate).where(Candidate.code == "K1")).one()
    make.ballot(session, campaign, first, by=person, source=source)
    with pytest.raises(Refused, match="voted already") as refused:
        enter(session, now, code_for(session, now), "K2", "K3")
    assert "K1" not in str(refused.value)
    assert session.scalars(select(Pick.candidate_id)).all() == [first.id]
    assert session.scalars(select(Ballot.source)).one() is source


def test_one_customer_one_ballot_also_when_two_assistants_enter(session: Session, now: datetime, campaign: Campaign) -> None:
    enter(session, now, code_for(session, now), "K1")
    with pytest.raises(Refused, match="voted already"):
        enter(session, now, code_for(session, now), "K2", actor="staff:other@example.com")
    assert counted(session, campaign) == {"K1": 1}


def test_an_emptied_ballot_may_be_filled_at_the_counter(session: Session, now: datetime, campaign: Campaign) -> None:
    enter(session, now, code_for(session, now), "K1")
    person = session.scalars(select(Person)).one()
    actions.undo(session, slug="ss27", code="K1", person_id=person.id, touch=Touch(), now=now)
    assert enter(session, now, code_for(session, now), "K2", "K4")
    assert counted(session, campaign) == {"K2": 1, "K4": 1}
    assert session.scalars(select(Ballot.source)).one() is BallotSource.STORE
    assert checks(session) == []


def test_the_customer_may_change_it_later_and_then_it_is_their_own(session: Session, now: datetime, campaign: Campaign) -> None:
    enter(session, now, code_for(session, now), "K1", "K2")
    person = session.scalars(select(Person)).one()
    view = actions.vote(session, slug="ss27", code="K3", person_id=person.id, touch=Touch(), now=now)
    assert view.source is BallotSource.VERIFIED
    assert len(view.picked) == 3
    assert counted(session, campaign) == {"K1": 1, "K2": 1, "K3": 1}
    sources = {key[1] for key, votes in counting.tallies(session, campaign.id).items() if votes}
    assert sources == {BallotSource.VERIFIED}
    assert checks(session) == []


@pytest.mark.parametrize(("counts", "votes"), [(["verified"], 0), (["verified", "store"], 1), (["store"], 1)])
def test_it_counts_only_where_the_campaign_counts_stores(session: Session, now: datetime, counts: list[str], votes: int) -> None:
    campaign = make.campaign(session, count=counts, votes_each=3)
    candidate = make.candidate(session, campaign, "K1")
    enter(session, now, code_for(session, now), "K1")
    found = queries.counts(session, campaign.id)
    assert (found[candidate.id].votes if candidate.id in found else 0) == votes


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize(
    ("picks", "why"),
    [
        ((), "1 to 3 votes; this one has 0"),
        (("K1", "K2", "K3", "K4"), "1 to 3 votes; this one has 4"),
        (("K1", "K2", "K1"), "K1 is there twice"),
        (("K1", "K9"), "no product “K9”"),
        (("k1",), "no product “k1”"),
    ],
)
def test_a_slip_of_the_pen_is_said_and_does_not_use_the_code_up(session: Session, now: datetime, picks: tuple[str, ...], why: str) -> None:
    code = code_for(session, now)
    with pytest.raises(Invalid, match=why) as refused:
        enter(session, now, code, *picks)
    assert refused.value.field == "picks"
    assert session.scalars(select(Ballot)).all() == []
    assert enter(session, now, code, "K1", "K2", "K3")


def test_a_withdrawn_product_gets_no_vote(session: Session, now: datetime, campaign: Campaign) -> None:
    make.candidate(session, campaign, "K9", position=9, withdrawn_at=now, withdrawn_reason="no yarn")
    with pytest.raises(Invalid, match="K9"):
        enter(session, now, code_for(session, now), "K9")


CLOSED: dict[str, Callable[[Campaign], Any]] = {
    "paused": lambda campaign: setattr(campaign, "paused", True),
    "closed": lambda campaign: setattr(campaign, "state", CampaignState.TALLY),
}


@pytest.mark.parametrize("why", CLOSED)
def test_the_counter_is_as_closed_as_the_vote(session: Session, now: datetime, campaign: Campaign, why: str) -> None:
    code = code_for(session, now)
    CLOSED[why](campaign)
    session.flush()
    with pytest.raises(Refused, match="not open"):
        code_for(session, now)
    with pytest.raises(Refused, match="not open"):
        enter(session, now, code, "K1")


@pytest.mark.parametrize(("after", "taken"), [(timedelta(seconds=-1), True), (timedelta(0), False)])
def test_the_closing_instant_is_too_late_at_the_counter_too(session: Session, campaign: Campaign, after: timedelta, *, taken: bool) -> None:
    code = code_for(session, make.CLOSES - timedelta(minutes=1))
    if taken:
        assert enter(session, make.CLOSES + after, code, "K1")
    else:
        with pytest.raises(Refused):
            enter(session, make.CLOSES + after, code, "K1")
    assert session.scalar(select(func.count()).select_from(Pick)) == int(taken)
    assert campaign.voting_closes == make.CLOSES


@pytest.mark.parametrize(("slug", "address", "error"), [("nowhere", ANNA, NotFound), ("ss27", "anna", Invalid)])
@pytest.mark.usefixtures("campaign")
def test_neither_an_unknown_campaign_nor_a_broken_address_gets_a_code(
    session: Session, now: datetime, slug: str, address: str, error: type[Problem]
) -> None:
    with pytest.raises(error):
        entering.send_code(session, slug=slug, address=address, locale="en", secret_key=KEY, now=now)
    assert session.scalars(select(Message)).all() == []


@pytest.mark.usefixtures("campaign")
def test_taps_at_a_counter_name_no_device_for_one_till_serves_many(session: Session, now: datetime) -> None:
    enter(session, now, code_for(session, now), "K1", "K2")
    assert set(session.execute(select(VoteEvent.device, VoteEvent.agent, VoteEvent.undo)).all()) == {("", "", False)}
