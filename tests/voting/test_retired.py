"""One person, one ballot, also after an account was moved: who still reads the old address has no second one."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.errors import Refused
from c2b.messages.models import Message
from c2b.people import actions as people
from c2b.people import lost
from c2b.people.addresses import Linked
from c2b.people.models import Address, LostAddress, OneTimeCode, Person, RetiredAddress
from c2b.people.rules import OBJECTION, AddressKind, LostState, address_digest
from c2b.voting import actions, checks, entering, linking
from c2b.voting.importing import import_ballots
from c2b.voting.models import Ballot, Pick
from c2b.voting.rules import BallotSource, Touch
from tests import make

KEY = "k" * 32
EMAIL = AddressKind.EMAIL
OLD, NEW = "anna@example.com", "anna.new@example.org"
NOT_NOW = "can't be used in this shop at the moment"


def code_for(session: Session, now: datetime, address: str = OLD) -> str:
    return people.send_code(session, kind=EMAIL, address=address, locale="en", secret_key=KEY, now=now)


def sign_in(session: Session, now: datetime, address: str = OLD, *, code: str = "", guest: int | None = None) -> int | None:
    facts: dict[str, Any] = {"kind": EMAIL, "address": address, "guest_id": guest, "viewer": 7, "locale": "en", "secret_key": KEY}
    signed = actions.sign_in(session, code=code or code_for(session, now, address), now=now, **facts)
    return signed.person_id if signed else None


def account(session: Session, address: str = OLD) -> int:
    person = make.person(session)
    make.address(session, person, address, digest=address_digest(KEY, EMAIL, address))
    return person.id


def vote(session: Session, now: datetime, person: int, slug: str = "ss27") -> None:
    actions.vote(session, slug=slug, code="K1", person_id=person, touch=Touch(), now=now)


def asked(session: Session, now: datetime, old: str, new: str) -> str:
    facts: dict[str, Any] = {"code": code_for(session, now, new), "words": "", "locale": "en", "secret_key": KEY}
    assert lost.ask(session, kind=EMAIL, old=old, new=new, now=now, **facts)
    return session.scalars(select(LostAddress.ref).order_by(LostAddress.id.desc())).first() or ""


def move(database: Database, now: datetime, old: str = OLD, new: str = NEW) -> None:
    with database.transaction() as session:
        ref = asked(session, now, old, new)
        lost.propose(session, ref=ref, reason="fits", actor="staff:a@example.com", now=now)
        lost.approve(session, ref=ref, actor="staff:b@example.com", now=now)
    lost.move_account(database, {"ref": ref}, now + OBJECTION)


def stands_in(session: Session, state: CampaignState, slug: str = "ss27") -> None:
    session.execute(update(Campaign).where(Campaign.slug == slug).values(state=state))
    session.expire_all()


def ballots(session: Session, slug: str = "ss27") -> int:
    here = select(Campaign.id).where(Campaign.slug == slug).scalar_subquery()
    return session.scalars(select(func.count()).select_from(Ballot).where(Ballot.campaign_id == here)).one()


def another_campaign(session: Session, slug: str = "aw27", **changes: Any) -> None:
    make.candidate(session, make.campaign(session, slug=slug, votes_each=3, **changes), "K1")


@pytest.fixture
def anna(database: Database, now: datetime) -> int:
    """A voter whose account is about to be moved, in a campaign that stays open for days after it."""
    with database.transaction() as session:
        make.candidate(session, make.campaign(session, votes_each=3), "K1")
        person = account(session)
        vote(session, now, person)
        return person


@pytest.fixture
def moved(database: Database, now: datetime, anna: int) -> int:
    """A voter whose account was moved away from the old address."""
    move(database, now)
    return anna


@pytest.fixture
def after(now: datetime) -> datetime:
    """When the account has moved and voting still goes on."""
    assert now + OBJECTION + timedelta(hours=1) < make.CLOSES
    return now + OBJECTION + timedelta(hours=1)


def test_given_a_moved_account_when_its_old_address_signs_in_then_no_second_ballot_is_possible(
    database: Database, after: datetime, moved: int
) -> None:
    with database.transaction() as session:
        code = code_for(session, after)
    with pytest.raises(Refused, match=NOT_NOW), database.transaction() as session:
        sign_in(session, after, code=code)
    with database.transaction() as session:
        assert session.scalars(select(Person.id)).all() == [moved], "nobody new"
        assert session.scalars(select(Address.value)).all() == [NEW]
        assert ballots(session) == 1
        assert checks.checks(session) == []


def test_given_a_moved_account_when_its_old_address_is_written_otherwise_then_it_is_the_same_address(
    database: Database, after: datetime, moved: int
) -> None:
    with pytest.raises(Refused, match=NOT_NOW), database.transaction() as session:
        sign_in(session, after, f" {OLD.upper()} ")
    assert moved


def test_given_a_moved_account_when_its_owner_signs_in_by_the_new_address_then_their_ballot_is_there(
    database: Database, after: datetime, moved: int
) -> None:
    with database.transaction() as session:
        assert sign_in(session, after, NEW) == moved
        vote(session, after, moved)
        assert session.scalars(select(Pick.person_id)).all() == [moved], "the vote from before is theirs"


def test_given_a_moved_account_when_a_code_is_wrong_then_it_is_a_wrong_code_like_any(
    database: Database, after: datetime, moved: int
) -> None:
    with database.transaction() as session:
        for address in (OLD, NEW, "nobody@example.com"):
            right = code_for(session, after, address)
            assert sign_in(session, after, address, code=f"{(int(right) + 1) % 1_000_000:06d}") is None
        newest = session.execute(select(OneTimeCode.tries, OneTimeCode.used_at).order_by(OneTimeCode.id.desc()).limit(3)).all()
    assert [tuple(row) for row in newest] == [(1, None)] * 3
    assert moved


def test_given_a_moved_account_when_codes_are_asked_for_then_the_old_address_gets_them_like_any(
    database: Database, after: datetime, moved: int
) -> None:
    with database.transaction() as session:
        for address in (OLD, "nobody@example.com"):
            code_for(session, after, address)
        sent = session.execute(select(Message.template, Message.recipient).order_by(Message.id.desc()).limit(2)).all()
    assert [tuple(row) for row in sent] == [("sign_in_code", "nobody@example.com"), ("sign_in_code", OLD)]
    assert moved


def test_given_a_moved_account_when_a_guest_brings_picks_to_the_old_address_then_they_stay_a_draft(
    database: Database, after: datetime, moved: int
) -> None:
    with database.transaction() as session:
        guest = people.new_guest(session, viewer=9, locale="en", now=after).id
        vote(session, after, guest)
    with pytest.raises(Refused), database.transaction() as session:
        sign_in(session, after, guest=guest)
    with database.transaction() as session:
        sources = dict(session.execute(select(Ballot.person_id, Ballot.source)).all())
    assert sources == {moved: BallotSource.VERIFIED, guest: BallotSource.DRAFT}


def link(session: Session, now: datetime, person: int, address: str = OLD) -> Linked:
    proof = {"kind": EMAIL, "address": address, "code": code_for(session, now, address), "secret_key": KEY}
    return linking.link(session, person_id=person, now=now, **proof)  # type: ignore[arg-type]  # the names fit


def test_given_a_moved_account_when_somebody_else_links_the_old_address_then_it_is_refused_like_anothers(
    database: Database, after: datetime, moved: int
) -> None:
    with database.transaction() as session:
        bert = account(session, "bert@example.com")
        assert link(session, after, bert) is link(session, after, bert, NEW) is Linked.NOT_HERE
        used = session.scalars(select(OneTimeCode.used_at).order_by(OneTimeCode.id.desc())).first()
        assert used == after, "the code is used up"
    assert moved


def test_given_a_moved_account_when_its_owner_links_the_old_address_again_then_it_leads_to_the_same_ballot(
    database: Database, after: datetime, moved: int
) -> None:
    with database.transaction() as session:
        assert link(session, after, moved) is Linked.ADDED
        assert sign_in(session, after) == sign_in(session, after, NEW) == moved
        assert session.scalars(select(RetiredAddress)).all() == []
        assert ballots(session) == 1
        assert "people.reuse_address" not in session.scalars(select(AuditEntry.action)).all(), "it has nobody new"


def test_given_a_moved_account_when_the_old_address_is_proved_at_the_counter_then_no_ballot_is_entered(
    database: Database, after: datetime, moved: int
) -> None:
    facts: dict[str, Any] = {"slug": "ss27", "address": OLD, "locale": "en", "secret_key": KEY}
    with database.transaction() as session:
        code = entering.send_code(session, now=after, **facts)
        wrong = f"{(int(code) + 1) % 1_000_000:06d}"
        staff: dict[str, Any] = facts | {"picks": ["K1"], "viewer": 9, "actor": "staff:shop@example.com"}
        assert entering.enter(session, code=wrong, now=after, **staff) is None, "before a right code nothing is told"
    with pytest.raises(Refused, match=NOT_NOW), database.transaction() as session:
        entering.enter(session, code=code, now=after, **staff)
    with database.transaction() as session:
        assert session.scalars(select(Ballot.person_id)).all() == [moved]


def imports(session: Session, path: Path, content: str, now: datetime) -> Any:
    file = path / "votes.csv"
    file.write_text(content)
    return import_ballots(session, slug="ss27", path=file, actor="cli:root", secret_key=KEY, now=now)


def test_given_a_moved_account_when_a_file_names_the_old_address_then_its_ballot_is_the_owners(
    database: Database, after: datetime, moved: int, tmp_path: Path
) -> None:
    with database.transaction() as session:
        report = imports(session, tmp_path, f"voter,votes\n{OLD},K1\nbert@example.com,K1\n", after)
        assert (report.new, report.kept) == (1, 1), "what its owner tapped stays"
        assert ballots(session) == 2
        assert session.scalars(select(Address.person_id).where(Address.value == OLD)).all() == []
        assert checks.checks(session) == []
    assert moved


def test_given_a_moved_account_when_a_file_names_both_addresses_then_they_are_one_ballot(
    database: Database, after: datetime, moved: int, tmp_path: Path
) -> None:
    with database.transaction() as session:
        imports(session, tmp_path, f"voter,votes\n{OLD},K1\n{NEW},K1\n", after)
        assert session.scalars(select(Ballot.person_id)).all() == [moved]
        assert checks.checks(session) == []


def test_given_an_address_free_again_when_a_file_names_it_then_it_is_somebody_new(
    database: Database, now: datetime, after: datetime, tmp_path: Path
) -> None:
    with database.transaction() as session:
        make.candidate(session, make.campaign(session, votes_each=3), "K1")
        owner = account(session)
    move(database, now)
    with database.transaction() as session:
        assert imports(session, tmp_path, f"voter,votes\n{OLD},K1\n", after).new == 1
        assert session.scalars(select(Address.person_id).where(Address.value == OLD)).one() != owner
        assert session.scalars(select(RetiredAddress)).all() == []
        assert checks.checks(session) == []


OVER = [CampaignState.TALLY, CampaignState.SELECTED, CampaignState.ORDERING, CampaignState.COMPLETED, CampaignState.CANCELLED]


@pytest.mark.parametrize("state", OVER)
def test_given_a_campaign_past_its_vote_when_the_old_address_signs_in_then_it_is_somebody_new(
    database: Database, after: datetime, moved: int, state: CampaignState
) -> None:
    with database.transaction() as session:
        stands_in(session, state)
        new = sign_in(session, after)
        assert new not in {None, moved}
        assert sign_in(session, after) == new, "and from then on the same"
        assert session.scalars(select(RetiredAddress)).all() == []
        assert checks.checks(session) == []


@pytest.mark.parametrize("state", OVER)
def test_given_a_campaign_past_its_vote_when_somebody_links_the_old_address_then_it_is_theirs(
    database: Database, after: datetime, moved: int, state: CampaignState
) -> None:
    with database.transaction() as session:
        stands_in(session, state)
        bert = account(session, "bert@example.com")
        assert link(session, after, bert) is Linked.ADDED
        assert sign_in(session, after) == bert != moved


@pytest.mark.parametrize("state", [CampaignState.SCHEDULED, CampaignState.VOTING])
def test_given_a_campaign_that_has_not_left_its_vote_when_it_is_paused_or_yet_to_open_then_the_old_address_is_barred(
    database: Database, after: datetime, moved: int, state: CampaignState
) -> None:
    with database.transaction() as session:
        stands_in(session, state)
        session.execute(update(Campaign).values(paused=state is CampaignState.VOTING))
    with pytest.raises(Refused), database.transaction() as session:
        sign_in(session, after)
    assert moved


def test_given_ballots_in_two_campaigns_when_only_one_has_closed_then_the_old_address_is_barred(
    database: Database, now: datetime, after: datetime, anna: int
) -> None:
    with database.transaction() as session:
        another_campaign(session)
        vote(session, now, anna, "aw27")
    move(database, now)
    with database.transaction() as session:
        stands_in(session, CampaignState.TALLY)
    with pytest.raises(Refused), database.transaction() as session:
        sign_in(session, after)
    with database.transaction() as session:
        stands_in(session, CampaignState.CANCELLED, "aw27")
        assert sign_in(session, after) not in {None, anna}


def test_given_the_owner_has_no_ballot_in_the_open_campaign_when_a_new_owner_signs_in_then_they_vote_there(
    database: Database, after: datetime, moved: int
) -> None:
    with database.transaction() as session:
        stands_in(session, CampaignState.TALLY)
        another_campaign(session)
        vote(session, after, new := sign_in(session, after) or 0, "aw27")
        vote(session, after, moved, "aw27")
        assert new != moved
        assert ballots(session, "aw27") == 2, "two people, a ballot each"


def test_given_an_open_vote_of_others_when_the_owner_never_voted_then_the_old_address_is_free(
    database: Database, now: datetime, after: datetime
) -> None:
    with database.transaction() as session:
        make.candidate(session, make.campaign(session, votes_each=3), "K1")
        owner, other = account(session), account(session, "bert@example.com")
        vote(session, now, other)
    move(database, now)
    with database.transaction() as session:
        assert sign_in(session, after) not in {None, owner, other}


def test_given_two_moves_when_either_former_address_signs_in_then_both_are_barred(
    database: Database, now: datetime, after: datetime, moved: int
) -> None:
    move(database, now, NEW, "third@example.net")
    for address in (OLD, NEW):
        with pytest.raises(Refused), database.transaction() as session:
            sign_in(session, after, address)
    with database.transaction() as session:
        assert sign_in(session, after, "third@example.net") == moved


def test_given_a_moved_account_when_it_moves_back_then_the_addresses_change_places(
    database: Database, now: datetime, after: datetime, moved: int
) -> None:
    move(database, now, NEW, OLD)
    with pytest.raises(Refused), database.transaction() as session:
        sign_in(session, after, NEW)
    with database.transaction() as session:
        assert sign_in(session, after) == moved
        assert checks.checks(session) == []


def test_given_a_moved_account_when_another_account_is_to_move_to_its_old_address_then_staff_are_told_why_not(
    database: Database, after: datetime, moved: int
) -> None:
    with database.transaction() as session:
        account(session, "bert@example.com")
        ref = asked(session, after, "bert@example.com", OLD)
        with pytest.raises(Refused, match="another account's before"):
            lost.propose(session, ref=ref, reason="fits", actor="staff:a@example.com", now=after)
    assert moved


def test_given_two_moves_under_way_when_one_frees_the_others_goal_then_the_second_refuses_itself(
    database: Database, now: datetime, anna: int
) -> None:
    with database.transaction() as session:
        account(session, "bert@example.com")
        theirs = asked(session, now, "bert@example.com", "goal@example.net")
        lost.propose(session, ref=theirs, reason="fits", actor="staff:a@example.com", now=now)
        lost.approve(session, ref=theirs, actor="staff:b@example.com", now=now)
    move(database, now, OLD, "goal@example.net")
    move(database, now, "goal@example.net", NEW)
    lost.move_account(database, {"ref": theirs}, now + OBJECTION)
    with database.transaction() as session:
        assert session.scalars(select(LostAddress.state).where(LostAddress.ref == theirs)).one() is LostState.REFUSED
        assert set(session.scalars(select(Address.value))) == {NEW, "bert@example.com"}
    assert anna


def test_given_a_moved_account_then_the_hash_of_its_old_address_is_kept_with_the_instant_and_no_plain_one(
    database: Database, now: datetime, moved: int
) -> None:
    with database.transaction() as session:
        kept = session.scalars(select(RetiredAddress)).one()
        assert (kept.person_id, kept.kind, kept.retired_at) == (moved, EMAIL, now + OBJECTION)
        assert kept.digest == address_digest(KEY, EMAIL, OLD)
    assert "value" not in RetiredAddress.__table__.columns


def test_given_an_address_free_again_when_somebody_new_takes_it_then_the_log_says_whose_it_was_and_no_address(
    database: Database, after: datetime, moved: int
) -> None:
    with database.transaction() as session:
        stands_in(session, CampaignState.TALLY)
        sign_in(session, after)
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "people.reuse_address")).one()
        assert (entry.actor, entry.object, entry.at) == ("customer", session.get_one(Person, moved).ref, after)
        assert (entry.before, entry.after, entry.reason) == ({}, {}, "")


def test_given_a_room_that_knows_no_ballots_when_it_checks_a_code_then_a_former_address_stays_barred(
    database: Database, after: datetime, moved: int
) -> None:
    facts: dict[str, Any] = {"kind": EMAIL, "address": OLD, "guest_id": None, "viewer": 2, "locale": "en", "secret_key": KEY}
    with pytest.raises(Refused, match=NOT_NOW), database.transaction() as session:
        stands_in(session, CampaignState.TALLY)
        people.check_code(session, code=code_for(session, after), now=after, **facts)
    assert moved


def test_given_a_barred_address_when_it_is_in_use_all_the_same_then_the_audit_finds_it(database: Database, moved: int) -> None:
    with database.transaction() as session:
        account(session)
        findings = checks.checks(session)
    assert [(each.check, each.what) for each in findings] == [
        ("voting.retired", f"person {moved}: an address that they gave up is barred and in use at once")
    ]
