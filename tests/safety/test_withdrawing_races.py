"""Votes that meet a withdrawal or the end of voting: none stands on what was withdrawn, none slips in after the count."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from c2b.campaigns.actions import locked
from c2b.campaigns.models import Candidate
from c2b.campaigns.rules import CampaignState, voting_is_open
from c2b.db import Database
from c2b.deposits.actions import withdraw
from c2b.errors import Refused
from c2b.people import actions as people
from c2b.voting import actions, booth, queries, rules
from c2b.voting.casting import cast, cast_as
from c2b.voting.checks import checks
from c2b.voting.models import Ballot, Pick, VoteEvent
from c2b.voting.rules import Touch
from tests import make
from tests.safety.test_vote_races import CLIENTS, NOW, at_once, few_connections, guards_off

__all__ = ["few_connections"]
FEW = 16
"""Clients that all hold a connection at once, without waiting for each other."""
WHERE: dict[str, Any] = {"slug": "ss27", "touch": Touch(), "now": NOW}


@dataclass(frozen=True)
class Voter:
    """A signed-in person with an empty ballot, and the token of their login."""

    person_id: int
    token: str


WAYS: tuple[Callable[[Session, Voter, str], object], ...] = (
    lambda session, voter, code: actions.vote(session, code=code, person_id=voter.person_id, **WHERE),
    lambda session, voter, code: actions.tap(session, code=code, undo=False, token=voter.token, **WHERE),
    lambda session, voter, code: cast(session, codes=[code], person_id=voter.person_id, **WHERE),
    lambda session, voter, code: cast_as(session, codes=[code], token=voter.token, **WHERE),
)
"""How a vote may come: as a first tap, a later tap, a whole ballot, a whole ballot of a login."""


def poll(database: Database, voters: int) -> list[Voter]:
    """Open a vote on K0 and K1 in which so many people have an empty ballot."""
    with database.transaction() as session:
        campaign = make.campaign(session, votes_each=3)
        for number in range(2):
            make.candidate(session, campaign, f"K{number}", sizes="", position=number)
        found = []
        for number in range(voters):
            person = make.person(session)
            make.address(session, person, f"voter{number}@example.com")
            make.ballot(session, campaign, by=person)
            found.append(Voter(person.id, people.start_login(session, person_id=person.id, now=NOW)))
        return found


def votes(database: Database, voters: list[Voter], number: int, code: str = "K0") -> None:
    with database.transaction() as session:
        assert WAYS[number % len(WAYS)](session, voters[number], code)


def withdraws(session: Session, code: str = "K0") -> None:
    withdraw(session, slug="ss27", code=code, reason="the yarn is gone", actor="staff:a@example.com", now=NOW)


def standing(database: Database, code: str = "K0") -> int:
    """Return how many votes a candidate has."""
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Pick).join(Candidate).where(Candidate.code == code)) or 0


def findings(database: Database) -> set[str]:
    with database.reading() as session:
        return {finding.check for finding in checks(session)}


def test_votes_that_waited_for_a_withdrawal_are_refused_and_none_stands_on_it(database: Database) -> None:
    voters, heard = poll(database, FEW), list[Exception | None]()
    waiting = threading.Thread(target=lambda: heard.extend(at_once(FEW, lambda number: votes(database, voters, number))))
    with database.transaction() as session:
        withdraws(session)
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive(), "they wait for what becomes of the campaign"
    waiting.join()
    assert [type(error) for error in heard] == [Refused] * FEW
    assert standing(database) == 0
    assert findings(database) == set()


def test_a_withdrawal_among_sixty_four_clients_gives_every_vote_back(database: Database) -> None:
    voters = poll(database, CLIENTS)

    def act(number: int) -> None:
        if number != CLIENTS // 2:
            votes(database, voters, number)
            return
        with database.transaction() as session:
            withdraws(session)

    heard = at_once(CLIENTS, act)
    assert {type(error) for error in heard if error} <= {Refused}
    assert standing(database) == 0
    assert findings(database) == set()
    with database.reading() as session:
        given, taken = (session.scalar(select(func.count()).where(VoteEvent.undo.is_(undo))) for undo in (False, True))
        assert session.scalar(select(func.count()).where(Ballot.version > 0)) == given
    assert given == taken == heard.count(None) - 1, "who heard that it is saved voted, and got it back"


def vote_under_way(database: Database, monkeypatch: pytest.MonkeyPatch, number: int, *, withdraw_first: bool) -> Exception | None:
    """Withdraw K0 while a vote has seen that it stands but isn't saved; return what the voter heard."""
    voters = poll(database, len(WAYS))
    seen, go, begun = threading.Event(), threading.Event(), threading.Event()
    free_slots = rules.free_slots
    heard: list[Exception | None] = []

    def slow(taken: Any, votes_each: int, wanted: int) -> list[int]:
        seen.set()
        go.wait(10)
        return free_slots(taken, votes_each, wanted)

    monkeypatch.setattr(rules, "free_slots", slow)

    def takes_it_out() -> None:
        begun.set()
        with database.transaction() as session:
            withdraws(session)

    voting = threading.Thread(target=lambda: heard.extend(at_once(1, lambda _: votes(database, voters, number))))
    withdrawing = threading.Thread(target=takes_it_out)
    voting.start()
    assert seen.wait(10)
    withdrawing.start()
    assert begun.wait(10)
    if withdraw_first:
        withdrawing.join(10)
    go.set()
    voting.join()
    withdrawing.join()
    return heard[0]


@pytest.mark.parametrize("number", range(len(WAYS)), ids=["vote", "tap", "ballot", "ballot of a login"])
def test_a_withdrawal_waits_for_a_vote_under_way_and_gives_it_back(
    database: Database, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    assert vote_under_way(database, monkeypatch, number, withdraw_first=False) is None
    assert standing(database) == 0
    assert findings(database) == set()


@pytest.mark.parametrize("number", [0, 3], ids=["vote", "ballot of a login"])
def test_without_the_locks_a_vote_would_stand_on_what_was_withdrawn(
    database: Database, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    guards_off(monkeypatch, database)
    heard = vote_under_way(database, monkeypatch, number, withdraw_first=True)
    stands = standing(database) == 1 and findings(database) == {"voting.withdrawn"}
    assert stands or isinstance(heard, DBAPIError)


# The end of voting


def close(database: Database) -> int:
    """Close voting; return how many votes are counted then."""
    with database.transaction() as session:
        campaign = locked(session, "ss27")
        campaign.state = CampaignState.TALLY
        session.flush()
        return sum(count.votes for count in queries.counts(session, campaign.id).values())


def test_sixty_three_votes_against_the_closing_are_counted_or_refused(database: Database) -> None:
    voters, counted = poll(database, CLIENTS), list[int]()

    def act(number: int) -> None:
        if number == CLIENTS // 2:
            counted.append(close(database))
        else:
            votes(database, voters, number)

    heard = at_once(CLIENTS, act)
    assert {type(error) for error in heard if error} <= {Refused}
    assert counted == [heard.count(None) - 1] == [standing(database)], "what was counted is what was answered as saved"
    assert findings(database) == set()


def test_without_the_locks_many_votes_would_slip_in_after_the_count(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    voters = poll(database, FEW)
    guards_off(monkeypatch, database)
    everybody, go = threading.Barrier(FEW + 1, timeout=20), threading.Event()

    def slow(campaign: Any, now: datetime) -> bool:
        is_open = voting_is_open(campaign, now)
        everybody.wait()
        go.wait(10)
        return is_open

    monkeypatch.setattr(booth, "voting_is_open", slow)
    heard: list[Exception | None] = []
    voting = threading.Thread(target=lambda: heard.extend(at_once(FEW, lambda number: votes(database, voters, number))))
    voting.start()
    everybody.wait()
    counted = close(database)
    go.set()
    voting.join()
    assert counted == 0
    assert standing(database) + sum(isinstance(error, DBAPIError) for error in heard) == FEW
