"""When the result is published, everybody whose ballot counted is told once, with what became of their picks."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.jobs.models import Job
from c2b.jobs.worker import run_due
from c2b.messages import refusing
from c2b.messages.models import Message
from c2b.messages.rules import MessageState
from c2b.people.models import Person
from c2b.people.rules import AddressKind
from c2b.voting import selecting, telling
from c2b.voting.rules import BallotSource
from c2b.voting.telling import FRESH, tell_result
from tests import make
from tests.statements import counted

AFTER = make.CLOSES + timedelta(hours=1)


def votes(session: Session, codes: str, address: str = "", *, kind: AddressKind = AddressKind.EMAIL, **changes: Any) -> Person:
    """Let somebody vote for candidates; without an address they can't be reached."""
    of = make.campaign_of(session, "ss27")
    voter = make.person(session, locale=changes.pop("locale", "en"))
    if address:
        make.address(session, voter, address, kind=kind)
    make.ballot(session, of, *(make.candidate_of(session, of, code) for code in codes.split()), by=voter, **changes)
    return voter


def select_winners(session: Session) -> None:
    session.execute(update(Campaign).values(state=CampaignState.TALLY))
    selecting.select_winners(session, slug="ss27", actor="cli:test", now=AFTER)


@pytest.fixture
def campaign(database: Database) -> Campaign:
    """Three candidates for two places: K1 and K2 win with three votes each, K3 loses."""
    with database.transaction() as session:
        made = make.campaign(session, places=2)
        for position, code in enumerate(("K1", "K2", "K3"), start=1):
            make.candidate(session, made, code, position=position)
        for _ in range(3):
            votes(session, "K1 K2")
        return made


def work(database: Database, at: datetime = AFTER) -> int:
    return run_due(database, {"voting.tell_result": tell_result}, now=lambda: at)


def told(database: Database) -> list[Message]:
    with database.reading() as session:
        return list(session.scalars(select(Message).order_by(Message.id)))


@pytest.mark.usefixtures("campaign")
def test_each_voter_reads_how_many_of_their_picks_were_selected(database: Database) -> None:
    with database.transaction() as session:
        anna = votes(session, "K1 K2 K3", "anna@example.com")
        votes(session, "K3", "ben@example.com", locale="")
        select_winners(session)
    assert work(database) == 1
    first, second = told(database)
    assert (first.recipient, first.channel, first.template, first.locale) == ("anna@example.com", "email", "result_published", "en")
    assert first.fields == {"campaign": "Spring/Summer 2027", "picked": "3", "selected": "2", "path": "/c/ss27/results"}
    assert first.reader == anna.ref
    assert (second.recipient, second.locale) == ("ben@example.com", "zh_Hans_CN")
    assert (second.fields["campaign"], second.fields["picked"], second.fields["selected"]) == ("2027 春夏", "1", "0")


def test_an_override_in_effect_is_honoured(database: Database, campaign: Campaign) -> None:
    with database.transaction() as session:
        votes(session, "K1 K3", "anna@example.com")
        select_winners(session)
        make.override(session, make.candidate_of(session, campaign, "K3"))
        make.override(session, make.candidate_of(session, campaign, "K1"), made=False)
        make.override(session, make.candidate_of(session, campaign, "K2"), made=False)
    work(database)
    assert told(database)[0].fields["selected"] == "1"


@pytest.mark.usefixtures("campaign")
def test_whose_ballot_did_not_count_is_not_told(database: Database) -> None:
    with database.transaction() as session:
        votes(session, "K1", "held@example.com", held_at=make.OPENS, held_reason="bought votes")
        votes(session, "K1", "draft@example.com", source=BallotSource.DRAFT)
        votes(session, "", "empty@example.com")
        votes(session, "K1", "+8613800138000", kind=AddressKind.PHONE)
        unverified = votes(session, "K1")
        make.address(session, unverified, "unverified@example.com", verified_at=None)
        select_winners(session)
    work(database)
    assert told(database) == []


@pytest.mark.usefixtures("campaign")
def test_who_has_two_addresses_is_told_once_at_the_first(database: Database) -> None:
    with database.transaction() as session:
        anna = votes(session, "K1", "anna@example.com")
        make.address(session, anna, "anna@example.org")
        select_winners(session)
    work(database)
    assert [message.recipient for message in told(database)] == ["anna@example.com"]


@pytest.mark.usefixtures("campaign")
def test_who_refuses_news_is_not_written_to(database: Database) -> None:
    with database.transaction() as session:
        refusing.refuse(session, reader=votes(session, "K1", "anna@example.com").ref, now=make.OPENS)
        votes(session, "K1", "ben@example.com")
        select_winners(session)
    work(database)
    assert [(message.recipient, message.state) for message in told(database)] == [
        ("anna@example.com", MessageState.DROPPED),
        ("ben@example.com", MessageState.QUEUED),
    ]
    with database.reading() as session:
        assert len(session.scalars(select(Job).where(Job.kind == "messages.send")).all()) == 1


@pytest.mark.usefixtures("campaign")
def test_a_work_that_is_begun_anew_tells_nobody_twice_and_nobody_is_left_out(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "STEP", 2)
    with database.transaction() as session:
        for number in range(5):
            votes(session, "K1", f"voter{number}@example.com")
        select_winners(session)
    with database.transaction() as session:
        telling._step(session, "ss27", 0, AFTER)  # and there the worker died
    assert len(told(database)) == 2
    for _ in range(2):
        tell_result(database, {"campaign": "ss27"}, AFTER)
    assert sorted(message.recipient for message in told(database)) == [f"voter{number}@example.com" for number in range(5)]


@pytest.mark.usefixtures("campaign")
def test_it_is_asked_for_once_however_often_the_selection_is_run(database: Database) -> None:
    with database.transaction() as session:
        votes(session, "K1", "anna@example.com")
        select_winners(session)
        selecting.select_winners(session, slug="ss27", actor="cli:test", now=AFTER)
    assert work(database) == 1


@pytest.mark.usefixtures("campaign")
def test_before_the_selection_nobody_is_told(database: Database) -> None:
    with database.transaction() as session:
        votes(session, "K1", "anna@example.com")
    tell_result(database, {"campaign": "ss27"}, AFTER)
    assert (work(database), told(database)) == (0, [])


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize(("late", "messages"), [(FRESH, 1), (FRESH + timedelta(seconds=1), 0)])
def test_a_worker_that_comes_back_after_a_long_time_has_no_news(database: Database, late: timedelta, messages: int) -> None:
    with database.transaction() as session:
        votes(session, "K1", "anna@example.com")
        select_winners(session)
    assert work(database, AFTER + late) == 1
    assert len(told(database)) == messages


@pytest.mark.usefixtures("campaign")
def test_a_campaign_that_was_cancelled_meanwhile_tells_of_no_result(database: Database) -> None:
    with database.transaction() as session:
        votes(session, "K1", "anna@example.com")
        select_winners(session)
        session.execute(update(Campaign).values(state=CampaignState.CANCELLED, reason="fire"))
    work(database)
    assert told(database) == []


@pytest.mark.usefixtures("campaign")
def test_a_hundred_voters_cost_as_many_statements_as_two(database: Database) -> None:
    with database.transaction() as session:
        select_winners(session)
    costs = []
    for count in (2, 100):
        with database.transaction() as session:
            for number in range(count):
                votes(session, "K1", f"{count}-{number}@example.com")
        with database.transaction() as session, counted(database) as seen:
            telling._step(session, "ss27", 0, AFTER)
        costs.append(len(seen))
    assert costs[0] == costs[1] <= 10
