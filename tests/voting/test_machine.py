"""Anything that voters, guests and staff may do, in any order, against a model of a few lines."""

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.errors import Refused
from c2b.people import actions as people
from c2b.people.rules import AddressKind
from c2b.voting import actions, counting, holding, queries, selecting
from c2b.voting.checks import checks
from c2b.voting.models import Ballot
from c2b.voting.rules import Touch
from tests import databases, make

CODES = ("A", "B", "C", "D")
VOTES_EACH = 2
LATE = 20
"""Steps before voting may close: most of what can go wrong happens before."""
NOW = make.OPENS + timedelta(days=1)
MAILS = ("anna@example.com", "bert@example.com")

browsers = st.integers(0, 2)
codes = st.sampled_from(CODES)


@dataclass
class Browser:
    """A browser: who it is signed in as, a guest first."""

    person: int
    mail: str = ""


@dataclass
class Model:
    """What should be stored: picks by person, who counts, who is held; and the accounts by address."""

    picks: dict[int, set[str]] = field(default_factory=dict)
    verified: set[int] = field(default_factory=set)
    held: set[int] = field(default_factory=set)
    accounts: dict[str, int] = field(default_factory=dict)
    open: bool = True

    def counted(self) -> dict[str, int]:
        """Return the votes that count, by code."""
        return {
            code: number for code in CODES if (number := sum(code in self.picks[p] for p in self.verified - self.held if p in self.picks))
        }


class Voting(RuleBasedStateMachine):
    """Three browsers, two addresses, four candidates, two votes each."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.database: Database = self.stack.enter_context(databases.sqlite(Path(folder)))
        self.model = Model()
        self.steps = 0
        with self.database.transaction() as session:
            campaign = make.campaign(session, votes_each=VOTES_EACH)
            for code in CODES:
                make.candidate(session, campaign, code, sizes="")
            self.campaign = campaign.id
            self.browsers = [Browser(people.new_guest(session, viewer=n, locale="en", now=NOW).id) for n in range(3)]

    def teardown(self) -> None:
        self.stack.close()

    def tap(self, browser: int, code: str, *, undo: bool) -> bool:
        """Tap, and tell whether it was taken."""
        act = actions.undo if undo else actions.vote
        try:
            with self.database.transaction() as session:
                act(session, slug="ss27", code=code, person_id=self.browsers[browser].person, touch=Touch(), now=NOW)
        except Refused:
            return False
        return True

    @rule(browser=browsers, code=codes)
    def vote(self, browser: int, code: str) -> None:
        """A vote is taken if voting is open and a vote is left, or it was given already."""
        mine = self.model.picks.setdefault(self.browsers[browser].person, set())
        room = self.model.open and (code in mine or len(mine) < VOTES_EACH)
        assert self.tap(browser, code, undo=False) is room
        if room:
            mine.add(code)

    @precondition(lambda self: self.model.open)
    @rule(browser=browsers, wanted=st.permutations(CODES))
    def fill(self, browser: int, wanted: list[str]) -> None:
        """Give all votes, to whatever is wanted most."""
        for code in wanted:
            self.vote(browser, code)

    @rule(browser=browsers, code=codes)
    def undo(self, browser: int, code: str) -> None:
        """A vote can be taken back while voting is open."""
        assert self.tap(browser, code, undo=True) is self.model.open
        if self.model.open:
            self.model.picks.setdefault(self.browsers[browser].person, set()).discard(code)

    @rule(browser=browsers, mail=st.sampled_from(MAILS), day=st.integers(0, 400))
    def sign_in(self, browser: int, mail: str, day: int) -> None:
        """The draft of a guest counts from the sign-in on; if it doesn't fit beside the account's picks, those stay."""
        here = self.browsers[browser]
        at = NOW if self.model.open else make.CLOSES + timedelta(days=day)
        facts: dict[str, Any] = {"kind": AddressKind.EMAIL, "address": mail, "secret_key": "k", "locale": "en", "now": at}
        with self.database.transaction() as session:
            try:
                code = people.send_code(session, **facts)
            except Refused:
                return
            signed = actions.sign_in(session, code=code, guest_id=here.person, viewer=0, **facts)
        assert signed is not None
        known = self.model.accounts.get(mail)
        account = known if known is not None else (signed.person_id if here.mail else here.person)
        assert signed.person_id == account
        self.model.accounts[mail] = account
        if self.model.open:
            self.model.verified.add(account)
        if self.model.open and not here.mail:
            self.merge(here.person, account)
        self.browsers[browser] = Browser(account, mail)

    def merge(self, guest: int, account: int) -> None:
        """Do to the model what a sign-in does."""
        draft = self.model.picks.get(guest)
        if draft is None or guest == account:
            return
        mine = self.model.picks.setdefault(account, set())
        if len(mine | draft) <= VOTES_EACH:
            mine |= draft
        self.model.picks[guest] = set()

    @precondition(lambda self: self.model.open)
    @rule(browser=browsers)
    def hold_or_release(self, browser: int) -> None:
        """Staff take a whole ballot out of the count, or put it back."""
        person = self.browsers[browser].person
        with self.database.transaction() as session:
            serial = session.scalars(select(Ballot.serial).where(Ballot.person_id == person)).one_or_none()
            if serial is None:
                return
            act = holding.release if person in self.model.held else holding.hold
            act(session, slug="ss27", serial=serial, reason="why", actor="staff:a@example.com", now=NOW)
        self.model.held ^= {person}

    @rule()
    def fold(self) -> None:
        """The worker folds the counts; nobody sees a difference."""
        with self.database.transaction() as session:
            counting.fold(session)

    @precondition(lambda self: self.model.open and self.steps > LATE)
    @rule()
    def close(self) -> None:
        """Voting closes; the selection counts what counts."""
        self.model.open = False
        with self.database.transaction() as session:
            session.get_one(Campaign, self.campaign).state = CampaignState.TALLY
        with self.database.transaction() as session:
            view = selecting.select_winners(session, slug="ss27", actor="cli:root", now=make.CLOSES)
        assert {line.code: line.votes for line in view.lines if line.votes} == self.model.counted()

    @invariant()
    def what_is_stored_is_what_the_model_says(self) -> None:
        """Counts, limits and every browser's ballot agree; the audit finds nothing."""
        self.steps += 1
        with self.database.reading() as session:
            names = dict(session.execute(select(Candidate.id, Candidate.code)).all())
            found = queries.counts(session, self.campaign)
            assert {names[key]: count.votes for key, count in found.items() if count.votes} == self.model.counted()
            for browser in self.browsers:
                ballot = queries.ballot(session, campaign_id=self.campaign, person_id=browser.person)
                assert {names[key] for key in ballot.picked} == self.model.picks.get(browser.person, set())
                assert 0 <= ballot.left <= VOTES_EACH
            assert checks(session) == []


def test_whatever_voters_and_staff_do_the_books_agree_with_the_model() -> None:
    run_state_machine_as_test(
        Voting, settings=settings(max_examples=15, stateful_step_count=30, deadline=None, database=None, phases=[Phase.generate])
    )
