"""Signing in while the same browser taps, through the door that the web goes through: what was answered as saved is on the ballot."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from c2b.campaigns.models import Candidate
from c2b.db import Database
from c2b.errors import Refused
from c2b.people import actions as people
from c2b.people import queries as people_queries
from c2b.people.models import Login
from c2b.people.rules import AddressKind, address_digest
from c2b.voting import actions, queries
from c2b.voting.actions import SignedIn
from c2b.voting.checks import checks
from c2b.voting.models import Ballot, LeftOver, Pick
from c2b.voting.rules import BallotSource, Touch
from tests import make
from tests.safety.test_holding_races import meanwhile
from tests.safety.test_vote_races import CLIENTS, NOW, at_once, few_connections, guards_off

__all__ = ["few_connections"]
KEY, ANNA = "k" * 32, "anna@example.com"


@dataclass(frozen=True)
class Guest:
    """A browser that has picked K0 in ss27, nothing in aw27, and got a code."""

    person_id: int
    token: str
    code: str
    account: int | None
    """Anna's, where she has one already."""


def scene(database: Database, *, has_account: bool, votes_each: int = CLIENTS) -> Guest:
    with database.transaction() as session:
        for slug in ("ss27", "aw27"):
            campaign = make.campaign(session, slug=slug, votes_each=votes_each)
            for number in range(CLIENTS):
                make.candidate(session, campaign, f"K{number}", sizes="", position=number)
        account = None
        if has_account:
            account = make.person(session)
            make.address(session, account, ANNA, digest=address_digest(KEY, AddressKind.EMAIL, ANNA))
        person_id, token = people.first_login(session, viewer=9, locale="en", secret_key=KEY, now=NOW)
        actions.vote(session, slug="ss27", code="K0", person_id=person_id, touch=Touch(), now=NOW)
        code = people.send_code(session, kind=AddressKind.EMAIL, address=ANNA, locale="en", secret_key=KEY, now=NOW)
        return Guest(person_id, token, code, account.id if account else None)


def signs_in(session: Session, guest: Guest) -> SignedIn | None:
    facts: dict[str, Any] = {"kind": AddressKind.EMAIL, "address": ANNA, "code": guest.code, "secret_key": KEY}
    return actions.sign_in(session, guest_id=guest.person_id, viewer=9, locale="en", now=NOW, **facts)


def taps(session: Session, guest: Guest, code: str, *, slug: str = "ss27", by_login: bool = True) -> None:
    """Tap as the browser does; raises Refused also where its login has ended by now, so that nothing was saved."""
    if by_login:
        if actions.tap(session, slug=slug, code=code, undo=False, token=guest.token, touch=Touch(), now=NOW) is None:
            raise Refused("nobody's login")
        return
    if people_queries.who(session, token=guest.token, now=NOW) is None:
        raise Refused("nobody's login")
    actions.vote(session, slug=slug, code=code, person_id=guest.person_id, touch=Touch(), now=NOW)


def on_ballot(database: Database, guest: Guest, slug: str = "ss27") -> set[str]:
    """Return what counts for Anna, after making sure that it is all there is and that the books agree."""
    owner = guest.account or guest.person_id
    with database.reading() as session:
        assert checks(session) == []
        campaign = make.campaign_of(session, slug)
        picks = select(Candidate.code).join(Pick, Pick.candidate_id == Candidate.id).where(Pick.campaign_id == campaign.id)
        mine = set(session.scalars(picks.where(Pick.person_id == owner)))
        assert set(session.scalars(picks)) == mine, "nothing is left on a draft that nobody sees"
        assert queries.ballot(session, campaign_id=campaign.id, person_id=owner).source is BallotSource.VERIFIED
        assert sum(count.votes for count in queries.counts(session, campaign.id).values()) == len(mine)
        return mine


def opened(database: Database, act: Callable[[Session], object]) -> Callable[[], Any]:
    """Return a transaction that does `act` and stays open."""

    @contextmanager
    def opens() -> Iterator[None]:
        with database.transaction() as session:
            act(session)
            yield

    return opens


def done(database: Database, act: Callable[[Session], object]) -> Callable[[], None]:
    """Return what does `act` in a transaction of its own."""

    def does() -> None:
        with database.transaction() as session:
            act(session)

    return does


@pytest.mark.parametrize("has_account", [True, False])
def test_the_right_code_sixty_four_times_at_once_brings_the_draft_once(database: Database, *, has_account: bool) -> None:
    guest, signed = scene(database, has_account=has_account), list[SignedIn | None]()

    def act(_number: int) -> None:
        with database.transaction() as session:
            signed.append(signs_in(session, guest))

    assert at_once(CLIENTS, act) == [None] * CLIENTS
    (one,) = [each for each in signed if each]
    assert one.person_id == (guest.account or guest.person_id)
    assert on_ballot(database, guest) == {"K0"}
    with database.reading() as session:
        assert people_queries.who(session, token=guest.token, now=NOW) is None
        assert session.scalar(select(func.count()).select_from(Login).where(Login.revoked_at.is_(None))) == 1


@pytest.mark.parametrize("has_account", [True, False])
def test_sixty_three_taps_while_signing_in_are_on_the_ballot_or_were_not_answered_as_saved(
    database: Database, *, has_account: bool
) -> None:
    guest = scene(database, has_account=has_account)

    def act(number: int) -> None:
        with database.transaction() as session:
            if number == CLIENTS // 2:
                assert signs_in(session, guest)
            else:
                taps(session, guest, f"K{number}", by_login=bool(number % 2))

    heard = at_once(CLIENTS, act)
    assert {type(error) for error in heard if error} <= {Refused}
    saved = {f"K{number}" for number, error in enumerate(heard) if error is None and number != CLIENTS // 2}
    assert on_ballot(database, guest) == saved | {"K0"}


def test_sixty_four_browsers_of_as_many_people_sign_in_at_once(database: Database) -> None:
    with database.transaction() as session:
        campaign = make.campaign(session, votes_each=3)
        make.candidate(session, campaign, "K0", sizes="")
        guests, codes = [], []
        for number in range(CLIENTS):
            guests.append(people.first_login(session, viewer=number, locale="en", secret_key=KEY, now=NOW)[0])
            actions.vote(session, slug="ss27", code="K0", person_id=guests[number], touch=Touch(), now=NOW)
            to = {"kind": AddressKind.EMAIL, "address": f"guest{number}@example.com"}
            codes.append(people.send_code(session, locale="en", secret_key=KEY, now=NOW, **to))  # type: ignore[arg-type]  # the names fit

    def act(number: int) -> None:
        facts: dict[str, Any] = {"kind": AddressKind.EMAIL, "address": f"guest{number}@example.com", "code": codes[number]}
        with database.transaction() as session:
            assert actions.sign_in(session, guest_id=guests[number], viewer=number, locale="en", secret_key=KEY, now=NOW, **facts)

    assert at_once(CLIENTS, act) == [None] * CLIENTS
    with database.reading() as session:
        assert [count.votes for count in queries.counts(session, 1).values()] == [CLIENTS]
        assert checks(session) == []


@pytest.mark.parametrize("by_login", [True, False])
def test_a_tap_that_waited_for_the_sign_in_to_an_account_is_not_saved_on_the_draft_left_behind(
    database: Database, *, by_login: bool
) -> None:
    guest = scene(database, has_account=True)
    signing_in = opened(database, lambda session: signs_in(session, guest))
    heard = meanwhile(signing_in, done(database, lambda session: taps(session, guest, "K1", by_login=by_login)))
    assert isinstance(heard, Refused)
    assert on_ballot(database, guest) == {"K0"}


@pytest.mark.parametrize("has_account", [True, False])
def test_a_first_tap_in_another_campaign_that_the_sign_in_waited_for_comes_along(database: Database, *, has_account: bool) -> None:
    guest = scene(database, has_account=has_account)
    tapping = opened(database, lambda session: taps(session, guest, "K1", slug="aw27", by_login=False))
    assert meanwhile(tapping, done(database, lambda session: signs_in(session, guest))) is None
    assert on_ballot(database, guest, "aw27") == {"K1"}


def test_a_first_tap_in_another_campaign_that_waited_for_the_first_sign_in_counts(database: Database) -> None:
    guest = scene(database, has_account=False)

    def tap(session: Session) -> None:
        actions.vote(session, slug="aw27", code="K1", person_id=guest.person_id, touch=Touch(), now=NOW)

    assert meanwhile(opened(database, lambda session: signs_in(session, guest)), done(database, tap)) is None
    assert on_ballot(database, guest, "aw27") == {"K1"}


def test_without_the_locks_a_tap_would_be_saved_on_a_draft_that_nobody_sees(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = scene(database, has_account=True)
    guards_off(monkeypatch, database)
    tapping = opened(database, lambda session: taps(session, guest, "K1", by_login=False))
    heard = meanwhile(tapping, done(database, lambda session: signs_in(session, guest)))
    with database.reading() as session:
        lost = select(func.count()).select_from(Pick).where(Pick.person_id == guest.person_id)
        assert session.scalar(lost) == 1 or isinstance(heard, DBAPIError)
        assert session.scalar(select(func.count()).select_from(LeftOver)) == 0
        assert session.scalars(select(Ballot.source).where(Ballot.person_id == guest.person_id)).all() in ([BallotSource.DRAFT], [])
