from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.people import actions as people
from c2b.people import queries as people_queries
from c2b.people.models import OneTimeCode, Person
from c2b.people.queries import Customer
from c2b.people.rules import AddressKind
from c2b.voting import actions, ballots, evidence, left_over, privacy, queries
from c2b.voting.actions import SignedIn
from c2b.voting.checks import checks
from c2b.voting.models import Ballot, VoteEvent
from c2b.voting.rules import BallotSource, Touch
from tests import make

KEY = "k" * 32
NOWHERE = Touch()


@pytest.fixture
def campaign(session: Session) -> Campaign:
    made = make.campaign(session, votes_each=3)
    for position in range(1, 6):
        make.candidate(session, made, f"K{position}", position=position)
    return made


def guest(session: Session, now: datetime, *codes: str, viewer: int = 9) -> Person:
    made = people.new_guest(session, viewer=viewer, locale="en", now=now)
    tap(session, made.id, now, *codes)
    return made


def tap(session: Session, person_id: int, now: datetime, *codes: str, touch: Touch = NOWHERE) -> None:
    for code in codes:
        actions.vote(session, slug="ss27", code=code, person_id=person_id, touch=touch, now=now)


def sign_in(session: Session, now: datetime, guest_id: int | None, *, code: str = "") -> SignedIn | None:
    sent = people.send_code(session, kind=AddressKind.EMAIL, address="anna@example.com", locale="en", secret_key=KEY, now=now)
    return actions.sign_in(
        session,
        kind=AddressKind.EMAIL,
        address="anna@example.com",
        code=code or sent,
        guest_id=guest_id,
        viewer=9,
        locale="en",
        secret_key=KEY,
        now=now,
    )


def picked(session: Session, campaign: Campaign, person_id: int) -> set[str]:
    ballot = queries.ballot(session, campaign_id=campaign.id, person_id=person_id)
    return set(session.scalars(select(Candidate.code).where(Candidate.id.in_(ballot.picked))))


def source(session: Session, campaign: Campaign, person_id: int) -> BallotSource:
    return queries.ballot(session, campaign_id=campaign.id, person_id=person_id).source


def test_a_first_sign_in_turns_the_draft_into_votes(session: Session, campaign: Campaign, now: datetime) -> None:
    visitor = guest(session, now, "K1", "K2")
    signed_in = sign_in(session, now, visitor.id)
    assert signed_in is not None
    assert (signed_in.person_id, signed_in.left_over) == (visitor.id, {})
    assert source(session, campaign, visitor.id) is BallotSource.VERIFIED
    assert sum(count.votes for count in queries.counts(session, campaign.id).values()) == 2


def test_signing_in_starts_a_login_of_the_person(session: Session, campaign: Campaign, now: datetime) -> None:
    signed_in = sign_in(session, now, guest(session, now, "K1").id)
    assert signed_in is not None
    found = people_queries.who(session, token=signed_in.token, now=now)
    assert isinstance(found, Customer)
    assert (found.person_id, found.verified, found.address) == (signed_in.person_id, True, "a***@example.com")
    assert campaign.id


def test_a_wrong_code_signs_nobody_in_but_the_try_counts(session: Session, campaign: Campaign, now: datetime) -> None:
    visitor = guest(session, now, "K1")
    assert sign_in(session, now, visitor.id, code="wrong") is None
    assert session.scalars(select(OneTimeCode.tries)).one() == 1
    assert source(session, campaign, visitor.id) is BallotSource.DRAFT


def known(session: Session, now: datetime, *codes: str) -> int:
    """Make the account of anna@example.com, with votes from another browser."""
    signed_in = sign_in(session, now, guest(session, now, *codes, viewer=4).id)
    assert signed_in is not None
    return signed_in.person_id


def test_a_second_browser_adds_its_picks_to_the_account(session: Session, campaign: Campaign, now: datetime) -> None:
    account = known(session, now, "K1")
    visitor = guest(session, now, "K2", "K3")
    signed_in = sign_in(session, now, visitor.id)
    assert signed_in == SignedIn(account, 4, signed_in.token if signed_in else "", {}), "and the first browser's order stays"
    assert picked(session, campaign, account) == {"K1", "K2", "K3"}
    assert picked(session, campaign, visitor.id) == set()


def test_the_account_without_a_ballot_takes_the_whole_draft(session: Session, campaign: Campaign, now: datetime) -> None:
    account = known(session, now)
    sign_in(session, now, guest(session, now, "K4", "K5").id)
    assert picked(session, campaign, account) == {"K4", "K5"}
    assert source(session, campaign, account) is BallotSource.VERIFIED


def test_what_both_picked_is_one_vote(session: Session, campaign: Campaign, now: datetime) -> None:
    account = known(session, now, "K1", "K2")
    sign_in(session, now, guest(session, now, "K1", "K2", "K3").id)
    assert picked(session, campaign, account) == {"K1", "K2", "K3"}


def test_too_many_picks_are_left_for_the_person_to_choose(session: Session, campaign: Campaign, now: datetime) -> None:
    account = known(session, now, "K1", "K2")
    signed_in = sign_in(session, now, guest(session, now, "K2", "K4", "K3").id)
    assert signed_in is not None
    assert signed_in.left_over == {"ss27": ["K3", "K4"]}
    assert picked(session, campaign, account) == {"K1", "K2"}, "nobody else decides which votes go"


def waiting(session: Session, campaign: Campaign, person_id: int) -> list[str]:
    keys = left_over.of(session, campaign_id=campaign.id, person_id=person_id)
    assert queries.ballot(session, campaign_id=campaign.id, person_id=person_id).left_over == len(keys)
    return sorted(session.scalars(select(Candidate.code).where(Candidate.id.in_(keys))))


def overfull(session: Session, now: datetime) -> int:
    """Bring K3 and K4 to an account with votes for K1 and K2 of three; return whose it is."""
    account = known(session, now, "K1", "K2")
    sign_in(session, now, guest(session, now, "K2", "K3", "K4").id)
    return account


def test_what_did_not_fit_waits_on_the_server_until_it_has_a_vote(session: Session, campaign: Campaign, now: datetime) -> None:
    account = overfull(session, now)
    assert waiting(session, campaign, account) == ["K3", "K4"]
    tap(session, account, now, "K3")
    assert waiting(session, campaign, account) == ["K4"]
    actions.undo(session, slug="ss27", code="K3", person_id=account, touch=NOWHERE, now=now)
    assert waiting(session, campaign, account) == ["K3", "K4"], "a change of mind loses nothing either"


def test_what_waits_is_added_to_by_another_browser_and_gone_once_its_person_has_chosen(
    session: Session, campaign: Campaign, now: datetime
) -> None:
    account = overfull(session, now)
    sign_in(session, now, guest(session, now, "K4", "K5", viewer=10).id)
    assert waiting(session, campaign, account) == ["K3", "K4", "K5"]
    assert left_over.campaigns(session, person_id=account) == [(campaign, 3)]
    left_over.chosen(session, slug="ss27", person_id=account)
    assert waiting(session, campaign, account) == []
    assert left_over.campaigns(session, person_id=account) == []
    assert picked(session, campaign, account) == {"K1", "K2"}


def test_what_is_withdrawn_waits_for_nobody(session: Session, campaign: Campaign, now: datetime) -> None:
    account = overfull(session, now)
    session.execute(update(Candidate).where(Candidate.code == "K3").values(withdrawn_at=now, withdrawn_reason="no yarn"))
    assert waiting(session, campaign, account) == ["K4"]


def test_drafts_that_do_not_fit_wait_in_each_campaign_of_its_own(session: Session, campaign: Campaign, now: datetime) -> None:
    other = make.campaign(session, slug="aw27", votes_each=1)
    for code in ("A1", "A2"):
        make.candidate(session, other, code)
    account = known(session, now, "K1", "K2")
    actions.vote(session, slug="aw27", code="A1", person_id=account, touch=NOWHERE, now=now)
    visitor = guest(session, now, "K3", "K4")
    actions.vote(session, slug="aw27", code="A2", person_id=visitor.id, touch=NOWHERE, now=now)
    signed_in = sign_in(session, now, visitor.id)
    assert signed_in is not None
    assert signed_in.left_over == {"ss27": ["K3", "K4"], "aw27": ["A2"]}
    assert left_over.campaigns(session, person_id=account) == [(campaign, 2), (other, 1)]
    campaign.state = CampaignState.TALLY
    session.flush()
    assert left_over.campaigns(session, person_id=account) == [(other, 1)], "when voting has closed there is nothing to choose"


def test_what_waits_is_given_out_and_erased_with_the_person(session: Session, campaign: Campaign, now: datetime) -> None:
    person = session.get_one(Person, overfull(session, now))
    assert privacy.exported(session, person)[0]["waiting"] == ["K3", "K4"]
    privacy.erase(session, person)
    assert waiting(session, campaign, person.id) == []


def test_signing_in_again_from_the_same_browser_changes_nothing(session: Session, campaign: Campaign, now: datetime) -> None:
    account = known(session, now, "K1")
    visitor = guest(session, now, "K2")
    sign_in(session, now, visitor.id)
    before = queries.ballot(session, campaign_id=campaign.id, person_id=account)
    signed_in = sign_in(session, now, visitor.id)
    assert signed_in is not None
    assert signed_in.left_over == {}
    assert queries.ballot(session, campaign_id=campaign.id, person_id=account) == before


def test_after_voting_closed_a_draft_stays_a_draft(session: Session, campaign: Campaign, now: datetime) -> None:
    visitor = guest(session, now, "K1")
    sign_in(session, make.CLOSES, visitor.id)
    assert source(session, campaign, visitor.id) is BallotSource.DRAFT
    assert queries.counts(session, campaign.id) == {}


@pytest.mark.parametrize("has_account", [False, True])
def test_who_signs_in_during_a_pause_keeps_the_votes_given_before_it(
    session: Session, campaign: Campaign, now: datetime, *, has_account: bool
) -> None:
    if has_account:
        known(session, now, "K2")
    visitor = guest(session, now, "K1")
    campaign.paused = True
    session.flush()
    signed_in = sign_in(session, now, visitor.id)
    assert signed_in is not None
    assert picked(session, campaign, signed_in.person_id) == ({"K1", "K2"} if has_account else {"K1"})
    assert source(session, campaign, signed_in.person_id) is BallotSource.VERIFIED
    assert {count.votes for count in queries.counts(session, campaign.id).values()} == {1}


def test_a_draft_that_became_somebodys_meanwhile_stays_theirs(
    session: Session, campaign: Campaign, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = known(session, now, "K2")
    visitor = guest(session, now, "K1")
    real = ballots.new_ballot

    def meanwhile(*values: Any) -> dict[str, Any]:
        """Another tab signs the guest in between looking for drafts and locking them."""
        own = (Ballot.campaign_id == campaign.id) & (Ballot.person_id == visitor.id)
        session.execute(update(Ballot).where(own).values(source=BallotSource.VERIFIED))
        return real(*values)

    monkeypatch.setattr(ballots, "new_ballot", meanwhile)
    signed_in = sign_in(session, now, visitor.id)
    assert signed_in is not None
    assert (signed_in.person_id, signed_in.left_over) == (account, {})
    assert picked(session, campaign, visitor.id) == {"K1"}
    assert picked(session, campaign, account) == {"K2"}


def test_an_address_that_is_not_the_anchor_makes_no_draft_count(session: Session, campaign: Campaign, now: datetime) -> None:
    campaign.identity = AddressKind.PHONE
    visitor = guest(session, now, "K1")
    sign_in(session, now, visitor.id)
    assert source(session, campaign, visitor.id) is BallotSource.DRAFT


def test_drafts_of_all_open_campaigns_count_at_once(session: Session, campaign: Campaign, now: datetime) -> None:
    other, closed = make.campaign(session, slug="aw27"), make.campaign(session, slug="ss26", state=CampaignState.TALLY)
    visitor = guest(session, now, "K1")
    for of in (other, closed):
        make.ballot(session, of, make.candidate(session, of, "X"), by=visitor, source=BallotSource.DRAFT)
    sign_in(session, now, visitor.id)
    found = [source(session, of, visitor.id) for of in (campaign, other, closed)]
    assert found == [BallotSource.VERIFIED, BallotSource.VERIFIED, BallotSource.DRAFT]


def test_an_imported_ballot_that_its_owner_adds_to_becomes_theirs(session: Session, campaign: Campaign, now: datetime) -> None:
    account = known(session, now)
    first = session.scalars(select(Candidate).where(Candidate.code == "K1")).one()
    person = session.get(Person, account)
    make.ballot(session, campaign, first, by=person, source=BallotSource.IMPORTED)
    sign_in(session, now, guest(session, now, "K2").id)
    assert source(session, campaign, account) is BallotSource.VERIFIED
    assert picked(session, campaign, account) == {"K1", "K2"}


def test_signing_in_without_a_draft_is_simply_signing_in(session: Session, campaign: Campaign, now: datetime) -> None:
    signed_in = sign_in(session, now, None)
    assert signed_in is not None
    assert signed_in.left_over == {}
    assert session.get(Person, signed_in.person_id)
    assert campaign.id


SCRIPT = Touch("d" * 64, "a" * 16, "chat.example")


def taps_of(session: Session, person_id: int) -> list[tuple[Any, ...]]:
    """Return the person's taps: candidate, whether taken back, seconds since the vote opened, and where they came from."""
    columns = (Candidate.code, VoteEvent.undo, VoteEvent.at, VoteEvent.device, VoteEvent.agent, VoteEvent.referrer)
    found = select(*columns).join(Candidate, Candidate.id == VoteEvent.candidate_id).where(VoteEvent.person_id == person_id)
    return [
        (code, undo, (at - make.OPENS).total_seconds(), Touch(*told))
        for code, undo, at, *told in session.execute(found.order_by(VoteEvent.id))
    ]


def test_votes_that_an_account_takes_over_keep_when_and_whence_they_were_given(session: Session, campaign: Campaign, now: datetime) -> None:
    account = known(session, now)
    visitor = guest(session, now)
    for seconds, code in enumerate(("K1", "K2", "K3"), start=1):
        tap(session, visitor.id, make.OPENS + timedelta(seconds=seconds), code, touch=SCRIPT)
    sign_in(session, now, visitor.id)
    expected = [("K1", False, 1.0, SCRIPT), ("K2", False, 2.0, SCRIPT), ("K3", False, 3.0, SCRIPT)]
    assert taps_of(session, account) == expected
    assert taps_of(session, visitor.id) == expected, "what was written down stays"
    assert campaign.id


def test_a_script_that_votes_first_and_signs_in_then_is_as_quick_as_it_was(session: Session, campaign: Campaign, now: datetime) -> None:
    account = known(session, now)
    visitor = guest(session, now)
    tap(session, visitor.id, now, "K1", "K2", touch=SCRIPT)
    tap(session, visitor.id, now + timedelta(seconds=2), "K3", touch=SCRIPT)
    sign_in(session, now + timedelta(hours=5), visitor.id)
    (facts,) = [each for each in evidence._facts(session, campaign, [BallotSource.VERIFIED]) if each.person_id == account]
    assert (facts.taps, facts.lasted, facts.device, facts.agent, facts.referrer) == (3, 2.0, SCRIPT.device, SCRIPT.agent, SCRIPT.referrer)


def test_only_the_taps_on_what_moved_come_along_with_their_changes_of_mind(session: Session, campaign: Campaign, now: datetime) -> None:
    account = known(session, now, "K1")
    elsewhere = make.campaign(session, slug="aw27", votes_each=3)
    make.candidate(session, elsewhere, "K1")
    visitor = guest(session, now, "K1", "K2", "K4")
    undone: dict[str, Any] = {"slug": "ss27", "person_id": visitor.id, "touch": SCRIPT}
    actions.undo(session, code="K2", now=now + timedelta(minutes=1), **undone)
    actions.undo(session, code="K4", now=now + timedelta(minutes=2), **undone)
    tap(session, visitor.id, now + timedelta(minutes=3), "K2")
    other: dict[str, Any] = {"slug": "aw27", "person_id": visitor.id, "touch": Touch(device="other")}
    actions.vote(session, code="K1", now=now, **other)
    before = len(taps_of(session, account))
    sign_in(session, now + timedelta(hours=1), visitor.id)
    brought = taps_of(session, account)[before:]
    assert [(code, undo) for code, undo, *_ in brought] == [("K2", False), ("K2", True), ("K2", False), ("K1", False)]
    assert [told.device for *_, told in brought] == ["", SCRIPT.device, "", "other"], "each campaign's own"
    assert campaign.id


@pytest.mark.parametrize("signs_in", [make.CLOSES - timedelta(seconds=1), make.CLOSES])
def test_no_tap_that_comes_along_lies_outside_the_voting_phase(
    session: Session, campaign: Campaign, now: datetime, signs_in: datetime
) -> None:
    account = known(session, now)
    visitor = guest(session, make.OPENS, "K1")
    tap(session, visitor.id, make.CLOSES - timedelta(seconds=2), "K2", touch=SCRIPT)
    sign_in(session, signs_in, visitor.id)
    assert [code for code, *_ in taps_of(session, account)] == (["K1", "K2"] if signs_in < make.CLOSES else [])
    assert [finding for finding in checks(session) if finding.check == "voting.in_time"] == []
    assert campaign.id


def test_picks_that_did_not_fit_bring_no_taps(session: Session, campaign: Campaign, now: datetime) -> None:
    account = known(session, now, "K1", "K2")
    before = taps_of(session, account)
    sign_in(session, now, guest(session, now, "K3", "K4").id)
    assert taps_of(session, account) == before
    assert campaign.id
