"""The worker looks through ballots and tells the owners of held ones."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.db import Database
from c2b.jobs.models import Job
from c2b.jobs.rules import JobState
from c2b.messages.models import Message
from c2b.messages.texts import render
from c2b.people.models import Address, Person
from c2b.settings import Settings
from c2b.voting import evidence, groups, holding, looking
from c2b.voting.models import Ballot, Suspicion, SuspicionLook
from c2b.voting.rules import SuspicionRule, SuspicionState
from c2b.work import Worker
from tests import make
from tests.voting.test_holding import Ring, decide, found, ring


@pytest.fixture
def campaign(database: Database) -> Campaign:
    with database.transaction() as session:
        made = make.campaign(session, votes_each=2)
        for position, code in enumerate(("K1", "K2"), start=1):
            make.candidate(session, made, code, position=position)
        return made


def finds(monkeypatch: pytest.MonkeyPatch, *rings: Ring) -> None:
    """Let the rules find these groups."""

    def look(_session: Session, _campaign: Campaign) -> Sequence[Ring]:
        return rings

    monkeypatch.setattr(evidence, "look", look)


def groups_of(database: Database) -> list[tuple[SuspicionRule, int]]:
    with database.reading() as session:
        campaign_id = session.scalars(select(Campaign.id)).one()
        return [(group.rule, len(group.members)) for group in groups.page(session, campaign_id, number=1, size=9).groups]


def test_a_look_keeps_what_the_rules_find_and_doing_it_twice_changes_nothing(
    database: Database, campaign: Campaign, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as session:
        ids = [ballot.person_id for ballot in ring(session, campaign, 4)]
    finds(monkeypatch, Ring(ids), Ring(ids[:2], SuspicionRule.DEVICE))
    for _ in range(2):
        looking.look(database, {"campaign": "ss27"}, now)
        assert sorted(groups_of(database)) == [(SuspicionRule.BURST, 4), (SuspicionRule.DEVICE, 2)]


def test_the_rules_read_while_others_write(database: Database, campaign: Campaign, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(_session: Session, _campaign: Campaign) -> list[Ring]:
        with database.transaction() as session:
            ring(session, campaign, 1)
        return []

    monkeypatch.setattr(evidence, "look", slow)
    looking.look(database, {"campaign": "ss27"}, now)
    with database.reading() as session:
        assert len(session.scalars(select(Ballot)).all()) == 1


def test_the_worker_looks_by_itself_every_ten_minutes(
    database: Database, campaign: Campaign, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as session:
        ids = [ballot.person_id for ballot in ring(session, campaign, 4)]
    finds(monkeypatch, Ring(ids))
    at = [now]
    worker = Worker(database, Settings(data=tmp_path), now=lambda: at[0])
    for minutes, looks in ((0, 1), (9, 1), (10, 2)):
        at[0] = now + timedelta(minutes=minutes)
        worker.round()
        with database.reading() as session:
            done = session.scalars(select(Job).where(Job.kind == "voting.look", Job.state == JobState.DONE)).all()
            ended = session.scalars(select(SuspicionLook.ended_at)).one()
        assert len(done) == looks
        assert ended == now + timedelta(minutes=minutes if minutes != 9 else 0)
    assert groups_of(database) == [(SuspicionRule.BURST, 4)]


# Telling


def held_ring(database: Database, state: SuspicionState, now: datetime, size: int = 3) -> list[str]:
    """Make a group and decide about it; return the serials of its ballots."""
    with database.transaction() as session:
        campaign = make.campaign_of(session, "ss27")
        ballots = ring(session, campaign, size)
        decide(session, found(session, campaign, ballots), state, now)
        return [ballot.serial for ballot in ballots]


def tell(database: Database, now: datetime) -> None:
    """Do the jobs that decisions left behind."""
    with database.reading() as session:
        jobs = session.scalars(select(Job).where(Job.kind == "voting.tell_held").order_by(Job.id)).all()
    for job in jobs:
        looking.tell_held(database, job.payload, now)


def told(database: Database) -> list[tuple[str, str]]:
    with database.reading() as session:
        return [(message.recipient, message.template) for message in session.scalars(select(Message).order_by(Message.recipient))]


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize(("state", "template"), [(SuspicionState.HELD, "ballot_held"), (SuspicionState.ASKED, "ballot_asked")])
def test_each_owner_is_told_once(database: Database, now: datetime, state: SuspicionState, template: str) -> None:
    held_ring(database, state, now)
    for _ in range(2):
        tell(database, now)
    assert told(database) == [(f"ring{number}-ss27@example.com", template) for number in range(3)]
    with database.reading() as session:
        fields = session.scalars(select(Message.fields)).first()
    assert fields
    assert (fields["campaign"], fields["path"]) == ("2027 春夏", "/c/ss27/held")


@pytest.mark.usefixtures("campaign")
def test_more_people_than_a_step_takes_are_all_told(database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "STEP", 2)
    held_ring(database, SuspicionState.HELD, now, size=5)
    tell(database, now)
    assert len(told(database)) == 5


@pytest.mark.usefixtures("campaign")
def test_every_address_of_an_owner_is_told_wherever_a_step_ends(database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "STEP", 1)
    held_ring(database, SuspicionState.HELD, now)
    with database.transaction() as session:
        known = session.scalars(select(Address).where(Address.value == "ring1-ss27@example.com")).one()
        make.address(session, known.person, "work@example.com")
    tell(database, now)
    assert "work@example.com" in [recipient for recipient, _ in told(database)]


@pytest.mark.usefixtures("campaign")
def test_who_was_let_off_meanwhile_or_has_no_verified_address_is_not_told(database: Database, now: datetime) -> None:
    serials = held_ring(database, SuspicionState.HELD, now)
    with database.transaction() as session:
        holding.release(session, slug="ss27", serial=serials[0], reason="why", actor="staff:a@example.com", now=now)
        session.execute(update(Address).where(Address.value.startswith("ring1")).values(verified_at=None))
    tell(database, now)
    assert told(database) == [("ring2-ss27@example.com", "ballot_held")]


@pytest.mark.usefixtures("campaign")
def test_a_decision_that_was_taken_back_tells_nobody(database: Database, now: datetime) -> None:
    held_ring(database, SuspicionState.HELD, now)
    with database.transaction() as session:
        decide(session, session.scalars(select(Suspicion)).one(), SuspicionState.KEPT, now)
    tell(database, now)
    looking.tell_held(database, {"group": 0, "at": now.isoformat()}, now)
    assert told(database) == []


@pytest.mark.usefixtures("campaign")
def test_a_later_decision_tells_in_place_of_an_earlier_one(database: Database, now: datetime) -> None:
    held_ring(database, SuspicionState.HELD, now)
    with database.transaction() as session:
        decide(session, session.scalars(select(Suspicion)).one(), SuspicionState.ASKED, now + timedelta(seconds=1))
    tell(database, now)
    assert {template for _, template in told(database)} == {"ballot_asked"}


@pytest.mark.usefixtures("campaign")
def test_who_was_let_go_and_is_held_again_is_told_again_and_who_stayed_held_is_not(database: Database, now: datetime) -> None:
    serials = held_ring(database, SuspicionState.HELD, now)
    tell(database, now)
    decisions = ((SuspicionState.KEPT, 1), (SuspicionState.HELD, 2), (SuspicionState.HELD, 3))
    for state, minutes in decisions:
        at = now + timedelta(minutes=minutes)
        with database.transaction() as session:
            decide(session, session.scalars(select(Suspicion)).one(), state, at)
        tell(database, at)
    assert [recipient for recipient, _ in told(database)] == [f"ring{number}-ss27@example.com" for number in (0, 0, 1, 1, 2, 2)]
    assert len(serials) == 3


@pytest.mark.usefixtures("campaign")
def test_people_are_told_in_their_own_language(database: Database, now: datetime) -> None:
    held_ring(database, SuspicionState.HELD, now, size=1)
    with database.transaction() as session:
        session.execute(update(Person).values(locale="en"))
    tell(database, now)
    with database.reading() as session:
        message = session.scalars(select(Message)).one()
    assert (message.locale, message.fields["campaign"]) == ("en", "Spring/Summer 2027")


@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
@pytest.mark.parametrize("template", ["ballot_held", "ballot_asked"])
def test_the_messages_accuse_nobody_and_lead_to_the_page(template: str, locale: str) -> None:
    fields = {"campaign": "Autumn", "closes": "14 March 22:00", "path": "/c/autumn/held"}
    text = render(template, locale, fields, base_url="https://shop.example")
    assert "https://shop.example/c/autumn/held" in text.body
    assert "Autumn" in text.subject
    for word in ("fraud", "fake", "cheat", "stuffed", "作弊", "刷票", "造假"):
        assert word not in text.body + text.subject
    assert ("14 March 22:00" in text.body) is (template == "ballot_asked")
