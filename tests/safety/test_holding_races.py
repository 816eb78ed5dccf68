"""Holding while others vote, select, hold and sign in: every count stays what the picks give, and nothing waits for ever."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.errors import Refused
from c2b.people.rules import AddressKind
from c2b.voting import actions, holding, queries, rules, selecting, suspicions
from c2b.voting.checks import checks
from c2b.voting.models import Ballot, Suspicion, SuspicionBallot
from c2b.voting.rules import SuspicionRule, SuspicionState, Touch
from tests import make
from tests.safety.test_vote_races import at_once, guards_off
from tests.voting.test_holding import Ring

NOW = make.OPENS + timedelta(days=1)
SIZE = 12


@pytest.fixture(autouse=True)
def few_connections(database: Database) -> None:
    """Let races run beside each other on one server."""
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    pool._max_overflow = 22


def scene(database: Database, state: CampaignState = CampaignState.VOTING) -> list[int]:
    """Make a campaign of four candidates and a ring of twelve, in two overlapping groups; return whose ballots they are."""
    with database.transaction() as session:
        campaign = make.campaign(session, state=state, votes_each=3)
        candidates = [make.candidate(session, campaign, f"K{number}", sizes="", position=number) for number in range(4)]
        people = []
        for number in range(SIZE):
            voter = make.person(session)
            make.address(session, voter, f"ring{number}@example.com")
            make.ballot(session, campaign, *candidates[:2], by=voter)
            people.append(voter.id)
        found = [Ring(people[:8]), Ring(people[4:], SuspicionRule.DEVICE)]
        suspicions.store(session, campaign_id=campaign.id, found=found, now=NOW)
        return people


def groups(database: Database) -> list[tuple[int, str]]:
    with database.reading() as session:
        return [(row.id, row.digest) for row in session.execute(select(Suspicion.id, Suspicion.digest).order_by(Suspicion.id))]


def decide(database: Database, group: tuple[int, str], state: SuspicionState) -> None:
    with database.transaction() as session:
        decided(session, group, state)


def decided(session: Session, group: tuple[int, str], state: SuspicionState) -> None:
    values = {"slug": "ss27", "digest": group[1], "reason": "why", "actor": "staff:a@example.com"}
    holding.decide(session, group=group[0], state=state, now=NOW, **values)


def consistent(database: Database) -> None:
    """Make sure that held ballots are those that a group holds, and that the kept counts are those of the picks."""
    with database.reading() as session:
        campaign_id = session.scalars(select(Campaign.id)).one()
        held = set(session.scalars(select(Ballot.person_id).where(Ballot.held_at.is_not(None))))
        own = select(SuspicionBallot.person_id).join(Suspicion, Suspicion.id == SuspicionBallot.suspicion_id)
        assert held == set(session.scalars(own.where(holding.holds())))
        assert [finding for finding in checks(session) if finding.check in {"voting.counts", "voting.held"}] == []
        turnout = queries.turnout(session, campaign_id)
        counts = queries.counts(session, campaign_id).values()
        assert (sum(count.votes for count in counts), sum(count.held for count in counts)) == (turnout.votes, turnout.held_votes)


def test_voters_who_tap_while_staff_hold_and_release_leave_the_counts_right(database: Database) -> None:
    people, both = scene(database), groups(database)

    def act(number: int) -> None:
        if number % 4 == 0:
            state = SuspicionState.HELD if number % 8 else SuspicionState.KEPT
            decide(database, both[number // 4 % 2], state)
            return
        with database.transaction() as session:
            voter = people[number % SIZE]
            actions.vote(session, slug="ss27", code="K2", person_id=voter, touch=Touch(), now=NOW)

    heard = at_once(32, act)
    assert [error for error in heard if error] == []
    consistent(database)


def test_two_who_hold_and_release_overlapping_groups_never_wait_for_each_other_for_ever(database: Database) -> None:
    scene(database)
    both = groups(database)
    states = (SuspicionState.HELD, SuspicionState.KEPT, SuspicionState.ASKED)
    heard = at_once(16, lambda number: decide(database, both[number % 2], states[number % 3]))
    assert [error for error in heard if error] == []
    consistent(database)


def test_a_hold_comes_before_the_selection_or_not_at_all(database: Database) -> None:
    scene(database, CampaignState.TALLY)
    both = groups(database)

    def act(number: int) -> None:
        if number == 4:
            with database.transaction() as session:
                selecting.select_winners(session, slug="ss27", actor="cli:test", now=make.CLOSES)
        else:
            decide(database, both[number % 2], SuspicionState.HELD)

    heard = at_once(9, act)
    assert all(error is None or isinstance(error, Refused) for error in heard)
    assert heard[4] is None
    consistent(database)
    with database.reading() as session:
        selection = queries.selection(session, session.scalars(select(Campaign.id)).one())
        held = session.execute(select(func.count()).where(Ballot.held_at.is_not(None))).scalar_one()
        assert selection
        assert selection.held_votes == 2 * held
        assert [finding for finding in checks(session) if finding.check != "voting.commitment"] == []


def test_who_signs_in_while_the_group_is_held_for_good_ends_as_somebody_decided(database: Database) -> None:
    people, both = scene(database), groups(database)
    decide(database, both[0], SuspicionState.ASKED)

    def act(number: int) -> None:
        if number < 8:
            with database.transaction() as session:
                holding.answer(session, person_id=people[number], kind=AddressKind.EMAIL, now=NOW)
        else:
            decide(database, both[0], SuspicionState.HELD)

    heard = at_once(9, act)
    assert [error for error in heard if error] == []
    consistent(database)
    assert held(database) == set(people[:8]), "no answer outlives the decision, whichever came first"


def held(database: Database) -> set[int]:
    with database.reading() as session:
        return set(session.scalars(select(Ballot.person_id).where(Ballot.held_at.is_not(None))))


def answers(session: Session, person: int) -> int:
    return holding.answer(session, person_id=person, kind=AddressKind.EMAIL, now=NOW)


def meanwhile(first: Callable[[], AbstractContextManager[object]], then: Callable[[], None]) -> Exception | None:
    """Let `then` begin while the transaction `first` has done its work and not ended; return what it heard."""
    heard: list[Exception | None] = []
    late = threading.Thread(target=lambda: heard.extend(at_once(1, lambda _: then())))
    with first():
        late.start()
        late.join(0.3)
    late.join()
    return heard[0]


@pytest.mark.parametrize("answered_first", [False, True])
def test_an_answer_under_way_does_not_outlive_the_decision(database: Database, *, answered_first: bool) -> None:
    people, both = scene(database), groups(database)
    decide(database, both[0], SuspicionState.ASKED)

    @contextmanager
    def first() -> Iterator[None]:
        with database.transaction() as session:
            if answered_first:
                assert answers(session, people[0]) == 1
            else:
                decided(session, both[0], SuspicionState.HELD)
            yield

    def then() -> None:
        with database.transaction() as session:
            if answered_first:
                decided(session, both[0], SuspicionState.HELD)
            else:
                assert answers(session, people[0]) == 0

    assert meanwhile(first, then) is None
    assert held(database) == set(people[:8])
    consistent(database)


def test_without_the_locks_an_answer_would_outlive_the_decision(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    people, both = scene(database), groups(database)
    decide(database, both[0], SuspicionState.ASKED)
    guards_off(monkeypatch, database)

    @contextmanager
    def decides() -> Iterator[None]:
        with database.transaction() as session:
            decided(session, both[0], SuspicionState.HELD)
            yield

    def signs_in() -> None:
        with database.transaction() as session:
            answers(session, people[0])

    heard = meanwhile(decides, signs_in)
    assert people[0] not in held(database) or isinstance(heard, DBAPIError)


def test_without_the_locks_a_tap_while_staff_hold_would_be_counted_wrongly(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    people, both = scene(database), groups(database)
    guards_off(monkeypatch, database)
    seen, go = threading.Event(), threading.Event()
    free_slots = rules.free_slots

    def slow(*values: Any) -> list[int]:
        seen.set()
        go.wait(10)
        return free_slots(*values)

    monkeypatch.setattr(rules, "free_slots", slow)
    heard: list[Exception | None] = []

    def tap(_number: int) -> None:
        with database.transaction() as session:
            actions.vote(session, slug="ss27", code="K2", person_id=people[0], touch=Touch(), now=NOW)

    voting = threading.Thread(target=lambda: heard.extend(at_once(1, tap)))
    voting.start()
    assert seen.wait(10)
    decide(database, both[0], SuspicionState.HELD)
    go.set()
    voting.join()
    with database.reading() as session:
        assert "voting.counts" in {finding.check for finding in checks(session)} or isinstance(heard[0], DBAPIError)


def test_without_the_locks_a_hold_would_come_after_the_selection(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    scene(database, CampaignState.TALLY)
    both = groups(database)
    guards_off(monkeypatch, database)

    @contextmanager
    def selects() -> Iterator[None]:
        with database.transaction() as session:
            selecting.select_winners(session, slug="ss27", actor="cli:test", now=make.CLOSES)
            yield

    heard = meanwhile(selects, lambda: decide(database, both[0], SuspicionState.HELD))
    with database.reading() as session:
        assert "voting.input_hash" in {finding.check for finding in checks(session)} or isinstance(heard, DBAPIError)


def test_without_the_locks_a_look_would_change_what_was_decided(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    people, both = scene(database), groups(database)
    guards_off(monkeypatch, database)
    seen, go = threading.Event(), threading.Event()
    match = suspicions._match

    def slow(*values: Any) -> Any:
        seen.set()
        go.wait(10)
        return match(*values)

    monkeypatch.setattr(suspicions, "_match", slow)
    heard: list[Exception | None] = []

    def look(_number: int) -> None:
        with database.transaction() as session:
            suspicions.store(session, campaign_id=1, found=[Ring(people[:6])], now=NOW)

    looking = threading.Thread(target=lambda: heard.extend(at_once(1, look)))
    looking.start()
    assert seen.wait(10)
    decide(database, both[0], SuspicionState.HELD)
    go.set()
    looking.join()
    with database.reading() as session:
        left = select(func.count()).select_from(SuspicionBallot).where(SuspicionBallot.suspicion_id == both[0][0])
        assert session.scalar(left) == 6 or isinstance(heard[0], DBAPIError)


def test_a_look_that_meets_a_decision_leaves_what_was_decided(database: Database) -> None:
    people, both = scene(database), groups(database)
    with database.transaction() as session:
        campaign_id = session.scalars(select(Campaign.id)).one()
        more = make.ballot(session, session.get_one(Campaign, campaign_id)).person_id

    def act(number: int) -> None:
        if number % 2:
            decide(database, both[0], SuspicionState.HELD)
        else:
            with database.transaction() as session:
                suspicions.store(session, campaign_id=campaign_id, found=[Ring([*people[:8], more])], now=NOW)

    heard = at_once(6, act)
    assert all(error is None or isinstance(error, Refused) for error in heard)
    consistent(database)
    with database.reading() as session:
        undecided = select(SuspicionBallot.person_id).where(SuspicionBallot.suspicion_id == both[0][0], SuspicionBallot.decided.is_(False))
        waiting = set(session.scalars(undecided))
    assert more in waiting
