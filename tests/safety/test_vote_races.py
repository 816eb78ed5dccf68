"""Sixty-four clients at once: no limit is exceeded, no vote counts twice; and each race can fail, shown with its guard off."""

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, event, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from c2b import db
from c2b.campaigns.actions import locked
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState, voting_is_open
from c2b.db import Database
from c2b.errors import Refused
from c2b.people import actions as people
from c2b.people.models import OneTimeCode, Person
from c2b.people.rules import AddressKind
from c2b.voting import actions, booth, counting, queries, rules
from c2b.voting.casting import cast_as
from c2b.voting.checks import checks
from c2b.voting.merging import merge
from c2b.voting.models import Ballot, Pick, TallyDelta, VoteEvent
from c2b.voting.rules import Touch
from tests import databases, make

CLIENTS = 64
NOW = make.OPENS + timedelta(days=1)


@pytest.fixture(autouse=True)
def few_connections(request: pytest.FixtureRequest) -> None:
    """Let several races run beside each other on one server: clients wait for a connection, transactions still overlap."""
    if "database" in request.fixturenames:
        pool = request.getfixturevalue("database").engine.pool
        assert isinstance(pool, QueuePool)
        pool._max_overflow = 22


@pytest.fixture
def postgresql_database() -> Iterator[Database]:
    with databases.postgresql() as database:
        yield database


def poll(database: Database, *, votes_each: int = 3, candidates: int = CLIENTS) -> int:
    """Open a vote on K0 ... and return a signed-in person who hasn't tapped yet."""
    with database.transaction() as session:
        campaign = make.campaign(session, votes_each=votes_each)
        for number in range(candidates):
            make.candidate(session, campaign, f"K{number}", sizes="", position=number)
        voter = make.person(session)
        make.address(session, voter, "anna@example.com")
        return voter.id


def tap(database: Database, person_id: int, code: str) -> None:
    with database.transaction() as session:
        actions.vote(session, slug="ss27", code=code, person_id=person_id, touch=Touch(), now=NOW)


def at_once(clients: int, act: Callable[[int], None]) -> list[Exception | None]:
    """Let so many clients act at the same moment; return what each of them heard, in their order, None for "saved"."""
    start = threading.Barrier(clients)
    heard: list[Exception | None] = [None] * clients

    def client(number: int) -> None:
        start.wait()
        try:
            act(number)
        except (Refused, DBAPIError) as error:
            heard[number] = error

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return heard


def guards_off(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    """Take the locks away: SELECT without FOR UPDATE; on SQLite plain BEGIN, and writers not one after the other."""

    def unlocked(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> tuple[str, Any]:
        return re.sub(r"\sFOR (NO KEY |KEY )?(UPDATE|SHARE)( OF \w+)?", "", statement), values

    event.listen(database.engine, "before_cursor_execute", unlocked, retval=True)
    if database.is_sqlite:
        monkeypatch.setattr(database, "_one_writer", contextlib.nullcontext())
        begin = db._begin_sqlite

        def plain_begin(connection: Any) -> None:
            connection.exec_driver_sql("PRAGMA query_only=OFF")
            connection.exec_driver_sql("BEGIN")

        event.remove(database.engine, "begin", begin)
        event.listen(database.engine, "begin", plain_begin)


def meet_before_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make two taps wait for each other once both have seen the ballot; with the lock the second never comes that far."""
    both = threading.Barrier(2, timeout=10)
    free_slots = rules.free_slots

    def slow(taken: Any, votes_each: int, wanted: int) -> list[int]:
        slots = free_slots(taken, votes_each, wanted)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait()
        return slots

    monkeypatch.setattr(rules, "free_slots", slow)


def stored(database: Database) -> tuple[int, int, int, int]:
    """Return the numbers of ballots, picks, distinct picks and events."""
    with database.reading() as session:
        picks, distinct = session.execute(select(func.count(), func.count(Pick.candidate_id.distinct())).select_from(Pick)).one()
        ballots = session.scalars(select(func.count()).select_from(Ballot)).one()
        return ballots, picks, distinct, session.scalars(select(func.count()).select_from(VoteEvent)).one()


def test_sixty_four_votes_at_once_never_exceed_the_limit(database: Database) -> None:
    voter = poll(database, votes_each=3)
    heard = at_once(CLIENTS, lambda number: tap(database, voter, f"K{number}"))
    assert heard.count(None) == 3
    assert sum(isinstance(error, Refused) for error in heard) == CLIENTS - 3
    assert stored(database) == (1, 3, 3, 3)


def test_the_same_vote_sixty_four_times_at_once_is_one_vote(database: Database) -> None:
    voter = poll(database, candidates=1)
    assert at_once(CLIENTS, lambda _: tap(database, voter, "K0")) == [None] * CLIENTS
    assert stored(database) == (1, 1, 1, 1)


def test_voting_and_taking_back_at_once_leaves_a_ballot_that_agrees_with_its_events(database: Database) -> None:
    voter = poll(database, candidates=4, votes_each=2)

    def act(number: int) -> None:
        with database.transaction() as session:
            do = actions.vote if number % 2 else actions.undo
            do(session, slug="ss27", code=f"K{number % 4}", person_id=voter, touch=Touch(), now=NOW)

    heard = at_once(CLIENTS, act)
    assert all(error is None or isinstance(error, Refused) for error in heard)
    with database.reading() as session:
        given = session.scalar(select(func.count()).where(~VoteEvent.undo)) or 0
        taken = session.scalar(select(func.count()).where(VoteEvent.undo)) or 0
        ballot = session.scalars(select(Ballot)).one()
        assert session.scalar(select(func.count()).select_from(Pick)) == given - taken <= 2
        assert ballot.version == given + taken


def test_sixty_four_voters_at_once_do_not_hinder_each_other(database: Database) -> None:
    poll(database, candidates=1)
    with database.transaction() as session:
        voters = [make.person(session).id for _ in range(CLIENTS)]
    assert at_once(CLIENTS, lambda number: tap(database, voters[number], "K0")) == [None] * CLIENTS
    assert stored(database) == (CLIENTS, CLIENTS, 1, CLIENTS)


@pytest.mark.parametrize("code", ["K{}", "K0"], ids=["limit", "same vote"])
def test_without_the_lock_a_client_hears_a_wrong_answer(database: Database, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    voter = poll(database, votes_each=2, candidates=2)
    tap(database, voter, "K1")
    with database.transaction() as session:
        actions.undo(session, slug="ss27", code="K1", person_id=voter, touch=Touch(), now=NOW)
    guards_off(monkeypatch, database)
    meet_before_writing(monkeypatch)
    heard = at_once(2, lambda number: tap(database, voter, code.format(number)))
    assert [type(error) for error in heard if error] not in ([], [Refused])
    assert stored(database)[1] == 1, "the constraints are the last guard"


def test_without_lock_and_constraint_the_limit_would_break(postgresql_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    voter = poll(postgresql_database, votes_each=1, candidates=2)
    with postgresql_database.transaction() as session:
        session.execute(text("ALTER TABLE pick DROP CONSTRAINT pk_pick"))
        session.add(Ballot(campaign_id=1, person_id=voter, votes_each=1, source="verified", serial="s", nonce=b"n", created_at=NOW))
    guards_off(monkeypatch, postgresql_database)
    meet_before_writing(monkeypatch)
    assert at_once(2, lambda number: tap(postgresql_database, voter, f"K{number}")) == [None, None]
    assert stored(postgresql_database)[1] == 2, "two votes where one is allowed"


def vote_against_closing(database: Database, monkeypatch: pytest.MonkeyPatch, *, close_first: bool) -> tuple[int, list[Exception | None]]:
    """Close voting while a vote has seen that it is open but isn't saved; return what the closing counted and what the voter heard."""
    voter = poll(database, candidates=1)
    seen, go, closing = threading.Event(), threading.Event(), threading.Event()
    heard: list[Exception | None] = []
    counted: list[int] = []

    def slow(campaign: Any, now: datetime) -> bool:
        is_open = voting_is_open(campaign, now)
        seen.set()
        go.wait(10)
        return is_open

    monkeypatch.setattr(booth, "voting_is_open", slow)

    def close() -> None:
        closing.set()
        with database.transaction() as session:
            campaign = locked(session, "ss27")
            campaign.state = CampaignState.TALLY
            session.flush()
            counted.append(sum(count.votes for count in queries.counts(session, campaign.id).values()))

    votes = threading.Thread(target=lambda: heard.extend(at_once(1, lambda _: tap(database, voter, "K0"))))
    closes = threading.Thread(target=close)
    votes.start()
    assert seen.wait(10)
    closes.start()
    assert closing.wait(10)
    if close_first:
        closes.join(10)
    go.set()
    votes.join()
    closes.join()
    return counted[0], heard


def test_closing_waits_for_the_votes_under_way_and_counts_them(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    counted, heard = vote_against_closing(database, monkeypatch, close_first=False)
    assert heard == [None]
    assert counted == stored(database)[1] == 1


def test_without_the_locks_a_vote_would_slip_in_after_the_count(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    guards_off(monkeypatch, database)
    counted, heard = vote_against_closing(database, monkeypatch, close_first=True)
    slipped_in = stored(database)[1] > counted
    wrongly_refused = isinstance(heard[0], DBAPIError)
    assert counted == 0
    assert slipped_in or wrongly_refused


def test_a_vote_that_comes_while_voting_is_being_closed_is_refused(database: Database) -> None:
    voter = poll(database, candidates=1)
    heard: list[Exception | None] = []
    votes = threading.Thread(target=lambda: heard.extend(at_once(1, lambda _: tap(database, voter, "K0"))))
    with database.transaction() as session:
        locked(session, "ss27").state = CampaignState.TALLY
        session.flush()
        votes.start()
    votes.join()
    assert [type(error) for error in heard] == [Refused]
    assert stored(database) == (0, 0, 0, 0)


def signed_in(database: Database, *, votes_each: int = 3, candidates: int = CLIENTS) -> str:
    """Open a vote in which a person has an empty ballot; return the token of their login."""
    voter = poll(database, votes_each=votes_each, candidates=candidates)
    tap(database, voter, "K0")
    with database.transaction() as session:
        actions.undo(session, slug="ss27", code="K0", person_id=voter, touch=Touch(), now=NOW)
        return people.start_login(session, person_id=voter, now=NOW)


def tap_as(database: Database, token: str, code: str) -> None:
    """Tap as the web does for whom a ballot is known, campaign and ballot locked by one statement."""
    with database.transaction() as session:
        assert actions.tap(session, slug="ss27", code=code, undo=False, token=token, touch=Touch(), now=NOW)


def test_sixty_four_votes_of_one_login_at_once_never_exceed_the_limit(database: Database) -> None:
    token = signed_in(database)
    heard = at_once(CLIENTS, lambda number: tap_as(database, token, f"K{number}"))
    assert heard.count(None) == 3
    assert sum(isinstance(error, Refused) for error in heard) == CLIENTS - 3
    assert stored(database) == (1, 3, 3, 5)


def test_without_its_lock_a_login_would_hear_a_wrong_answer_too(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    token = signed_in(database, votes_each=2, candidates=2)
    guards_off(monkeypatch, database)
    meet_before_writing(monkeypatch)
    heard = at_once(2, lambda number: tap_as(database, token, f"K{number}"))
    assert [type(error) for error in heard if error] not in ([], [Refused])
    assert stored(database)[1] == 1, "the constraints are the last guard"


def test_whole_ballots_at_once_leave_one_of_them_and_taps_that_agree_with_it(database: Database) -> None:
    token = signed_in(database, candidates=6)
    wanted = [{"K0", "K1", "K2"}, {"K2", "K3"}, {"K3", "K4", "K5"}, {"K1"}]

    def put(number: int) -> None:
        with database.transaction() as session:
            assert cast_as(session, slug="ss27", codes=sorted(wanted[number % 4]), token=token, touch=Touch(), now=NOW)

    assert at_once(CLIENTS, put) == [None] * CLIENTS
    with database.reading() as session:
        picked = set(session.scalars(select(Candidate.code).join(Pick, Pick.candidate_id == Candidate.id)))
        given = session.scalar(select(func.count()).where(~VoteEvent.undo)) or 0
        taken = session.scalar(select(func.count()).where(VoteEvent.undo)) or 0
        assert checks(session) == []
    assert picked in wanted
    assert given - taken == len(picked)


@pytest.mark.parametrize("whole", [False, True], ids=["tap", "ballot"])
def test_a_login_that_comes_while_voting_is_being_closed_is_refused(database: Database, *, whole: bool) -> None:
    token = signed_in(database, candidates=1)
    heard: list[Exception | None] = []

    def late(_number: int) -> None:
        with database.transaction() as session:
            if whole:
                cast_as(session, slug="ss27", codes=["K0"], token=token, touch=Touch(), now=NOW)
            else:
                actions.tap(session, slug="ss27", code="K0", undo=False, token=token, touch=Touch(), now=NOW)

    votes = threading.Thread(target=lambda: heard.extend(at_once(1, late)))
    with database.transaction() as session:
        locked(session, "ss27").state = CampaignState.TALLY
        session.flush()
        votes.start()
        votes.join(0.2)
        assert votes.is_alive(), "it waits for what becomes of the campaign"
    votes.join()
    assert [type(error) for error in heard] == [Refused]
    assert stored(database)[1] == 0


def draft(database: Database) -> tuple[int, int]:
    """Fill a guest's draft with K0 and K1; return the guest, and the person whose sign-in is to bring it to their ballot."""
    account = poll(database, candidates=4)
    with database.transaction() as session:
        guest = people.new_guest(session, viewer=9, locale="en", now=NOW).id
    for code in ("K0", "K1"):
        tap(database, guest, code)
    return guest, account


def bring(database: Database, guest: int, account: int) -> None:
    with database.transaction() as session:
        merge(session, guest_id=guest, person=session.get_one(Person, account), kind=AddressKind.EMAIL, now=NOW)


def brought(database: Database, account: int) -> tuple[int, int, int]:
    """Return the account's picks, all picks, and what is counted, after making sure that the books agree."""
    with database.reading() as session:
        assert checks(session) == []
        mine = session.scalar(select(func.count()).where(Pick.person_id == account)) or 0
        everything = session.scalar(select(func.count()).select_from(Pick)) or 0
        return mine, everything, sum(count.votes for count in queries.counts(session, 1).values())


def test_sixty_four_sign_ins_at_once_bring_a_draft_once(database: Database) -> None:
    guest, account = draft(database)
    assert at_once(CLIENTS, lambda _: bring(database, guest, account)) == [None] * CLIENTS
    assert brought(database, account) == (2, 2, 2)
    assert stored(database)[3] == 4, "two taps of the guest, two votes that they became"


def test_taps_while_signing_in_lose_no_vote_and_exceed_no_limit(database: Database) -> None:
    guest, account = draft(database)

    def act(number: int) -> None:
        if number % 4:
            tap(database, account, f"K{number % 4}")
        else:
            bring(database, guest, account)

    heard = at_once(CLIENTS, act)
    assert all(error is None or isinstance(error, Refused) for error in heard)
    mine, everything, counted = brought(database, account)
    assert mine == everything == counted == 3


def test_without_the_locks_two_sign_ins_would_bring_it_twice_or_break(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    guest, account = draft(database)
    tap(database, account, "K3")
    guards_off(monkeypatch, database)
    both = threading.Barrier(2, timeout=10)
    fits = rules.fits

    def slow(*values: Any) -> tuple[list[int], list[int]]:
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait()
        return fits(*values)

    monkeypatch.setattr(rules, "fits", slow)
    heard = at_once(2, lambda _: bring(database, guest, account))
    assert any(isinstance(error, DBAPIError) for error in heard), "the constraints are the last guard"
    assert stored(database)[1] == 3


def test_votes_are_counted_exactly_while_the_worker_folds(database: Database) -> None:
    poll(database, candidates=1)
    with database.transaction() as session:
        voters = [make.person(session) for _ in range(CLIENTS)]
        for number, voter in enumerate(voters):
            make.address(session, voter, f"voter{number}@example.com")
        ids = [voter.id for voter in voters]

    def act(number: int) -> None:
        tap(database, ids[number], "K0")
        if not number % 4:
            with database.transaction() as session:
                counting.fold(session)

    assert at_once(CLIENTS, act) == [None] * CLIENTS
    with database.reading() as session:
        assert [count.votes for count in queries.counts(session, 1).values()] == [CLIENTS]
        assert checks(session) == []


def test_a_fold_that_counts_first_and_deletes_then_would_lose_a_vote(postgresql_database: Database) -> None:
    voter = poll(postgresql_database, candidates=1)
    with postgresql_database.transaction() as folding:
        for each in counting._additions(folding, select(TallyDelta)):
            folding.execute(each)
        tap(postgresql_database, voter, "K0")
        folding.execute(delete(TallyDelta))
    with postgresql_database.reading() as session:
        assert queries.counts(session, 1) == {}
        assert "voting.counts" in {finding.check for finding in checks(session)}


def guess(session: Session, code: str) -> bool:
    found = people.check_code(
        session,
        kind=AddressKind.EMAIL,
        address="anna@example.com",
        code=code,
        guest_id=None,
        viewer=1,
        locale="en",
        secret_key="k",
        now=NOW,
    )
    return found is not None


def send(session: Session) -> str:
    return people.send_code(session, kind=AddressKind.EMAIL, address="anna@example.com", locale="en", secret_key="k", now=NOW)


def test_sixty_four_guesses_at_once_are_five_tries(database: Database) -> None:
    with database.transaction() as session:
        code = send(session)

    def act(number: int) -> None:
        with database.transaction() as session:
            assert not guess(session, f"{(int(code) + 1 + number) % 1_000_000:06d}")

    assert at_once(CLIENTS, act) == [None] * CLIENTS
    with database.transaction() as session:
        assert session.scalars(select(OneTimeCode.tries)).one() == 5
        assert not guess(session, code), "the right code came too late"


def test_the_right_code_sixty_four_times_at_once_signs_in_once(database: Database) -> None:
    with database.transaction() as session:
        code = send(session)
    signed_in: list[bool] = []

    def act(_: int) -> None:
        with database.transaction() as session:
            signed_in.append(guess(session, code))

    assert at_once(CLIENTS, act) == [None] * CLIENTS
    assert signed_in.count(True) == 1


def test_sixty_four_requests_at_once_send_five_codes_at_most(database: Database) -> None:
    def act(_: int) -> None:
        with database.transaction() as session:
            send(session)

    heard = at_once(CLIENTS, act)
    assert all(error is None or isinstance(error, Refused) for error in heard)
    with database.reading() as session:
        assert 1 <= heard.count(None) == session.scalars(select(func.count()).select_from(OneTimeCode)).one() <= 5


def test_viewer_numbers_taken_at_once_are_never_given_twice(database: Database) -> None:
    blocks: list[range] = []

    def act(_: int) -> None:
        with database.transaction() as session:
            blocks.append(people.reserve_viewers(session, count=10))

    assert at_once(16, act) == [None] * 16
    assert sorted(number for block in blocks for number in block) == list(range(160))
    with database.reading() as session:
        assert session.scalars(select(Campaign)).all() == []
