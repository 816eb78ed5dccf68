"""What the rooms contribute to the whole, composed: gates of the phases, work in the background, checks of the audit."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from c2b import clock
from c2b.audit.checks import checks as database_checks
from c2b.audit.rules import Finding
from c2b.campaigns import actions as campaigns
from c2b.campaigns import readiness
from c2b.campaigns.models import Campaign
from c2b.campaigns.readiness import Gate, Gates
from c2b.campaigns.rules import CampaignState, Missing
from c2b.db import Database
from c2b.deposits import parcel_views, pickup_views, reminding, runs
from c2b.deposits.bookkeeping import match_job
from c2b.deposits.checks import checks as deposits_checks
from c2b.deposits.pay import hear, sweep
from c2b.deposits.readiness import before_money
from c2b.deposits.sending import send_refunds
from c2b.deposits.telling import tell_bounced, tell_by_hand, tell_held_up, tell_late, tell_paid, tell_refund
from c2b.exports.publishing import publish
from c2b.jobs.actions import beat, enqueue
from c2b.jobs.rules import describe
from c2b.jobs.worker import Handler, run_due
from c2b.ledger.checks import checks as ledger_checks
from c2b.messages.sending import send
from c2b.payments import cases
from c2b.payments.cases import LONGEST_SUBJECT, Difference
from c2b.payments.checks import checks as payments_checks
from c2b.payments.gateways import build, limits
from c2b.payments.protocol import Limits
from c2b.payments.rules import CaseKind
from c2b.people.lost import move_account
from c2b.people.rules import KNOWN_BY, SIGN_IN_KINDS
from c2b.people.wechat import official_account
from c2b.production import defaults, delaying
from c2b.production.checks import checks as production_checks
from c2b.production.telling import tell
from c2b.production.telling_ends import tell_defaults, tell_unanswered, tell_undelivered
from c2b.production.withdrawing import send_link
from c2b.settings import Settings
from c2b.voting import counting, suspicions
from c2b.voting.checks import checks as voting_checks
from c2b.voting.looking import look, tell_held
from c2b.voting.readiness import before_ordering
from c2b.voting.telling import tell_result

GATES: Gates = {CampaignState.VOTING: readiness.before_voting, CampaignState.ORDERING: before_ordering}
"""What has to be there before a phase opens, in a shop without an official account within WeChat."""

CHECKS: tuple[Callable[[Session], list[Finding]], ...] = (
    database_checks,
    voting_checks,
    ledger_checks,
    payments_checks,
    deposits_checks,
    production_checks,
)
"""What `c2b audit` proves."""

NIGHT = time(18, tzinfo=UTC)
"""When the books are compared and audited: 2:00 in Shanghai, when hardly anybody orders."""

PAUSE = 1.0
"""Seconds between two rounds without work."""
BEAT = timedelta(seconds=10)
LOOK = timedelta(seconds=5)
"""Between two looks whether a result waits to be published."""
MINUTE = timedelta(minutes=1)
"""Between two looks at balances: reminders and the end of the grace."""
PATIENCE = timedelta(seconds=20)
"""What gateways may take of a round for each kind of question: one that hangs keeps the worker from its other work no longer."""
_log = logging.getLogger(__name__)
_Item = TypeVar("_Item")


def gates(settings: Settings) -> Gates:
    """Return what has to be there before a phase opens in this shop, with its ways to sign in and to pay."""
    kinds = KNOWN_BY if official_account(settings) else SIGN_IN_KINDS
    own: Gates = {**GATES, CampaignState.VOTING: partial(readiness.before_voting, kinds=kinds)}
    ways = limits(settings)
    return {state: partial(_with_money, gate, ways) for state, gate in own.items()}


def _with_money(gate: Gate, ways: Mapping[str, Limits], session: Session, campaign: Campaign) -> list[Missing]:
    """Look at the ways to pay before the rules are frozen, and again before money is taken: dates move, and so do settings."""
    return gate(session, campaign) + before_money(campaign, limits=ways)


def audit(session: Session) -> list[Finding]:
    """Return everything that the database shows to be wrong; nothing, if all promises hold."""
    return [finding for check in CHECKS for finding in check(session)]


def audit_by_night(database: Database, payload: Mapping[str, Any], now: datetime) -> None:  # noqa: ARG001  as every job is called
    """Run the audit as a job: each finding opens a case, which closes when it is found no more. A mismatch has a case of its own."""
    with database.reading(at_once=True) as session:
        findings = [each for each in audit(session) if each.check != "deposits.mismatch"]
    found = [Difference(CaseKind.AUDIT, "", each.what[:LONGEST_SUBJECT], "", {"check": each.check, "what": each.what}) for each in findings]
    with database.transaction() as session:
        cases.keep(session, found, kinds={CaseKind.AUDIT}, now=now)


def handlers(settings: Settings) -> Mapping[str, Handler]:
    """Return who does which kind of job."""
    return {
        "messages.send": lambda database, payload, now: send(database, settings, payload["message"], now),
        "people.move_account": move_account,
        "payments.match": match_job,
        "work.audit": audit_by_night,
        "deposits.tell_paid": tell_paid,
        "deposits.tell_bounced": tell_bounced,
        "deposits.tell_by_hand": tell_by_hand,
        "deposits.tell_late": tell_late,
        "deposits.tell_held_up": tell_held_up,
        "deposits.tell_refund": tell_refund,
        "deposits.remind": reminding.remind,
        runs.JOB: runs.send_failed,
        "deposits.tell_parcels": parcel_views.tell_parcels,
        "deposits.tell_pickups": pickup_views.tell_pickups,
        "production.tell": tell,
        "production.tell_defaults": tell_defaults,
        "production.tell_undelivered": tell_undelivered,
        "production.tell_unanswered": tell_unanswered,
        "production.tell_delay": delaying.tell_delay,
        "production.withdrawal_link": lambda database, payload, now: send_link(
            database, settings.secret_key.get_secret_value(), payload, now
        ),
        "voting.look": look,
        "voting.tell_held": tell_held,
        "voting.tell_result": tell_result,
    }


class Worker:
    """The work in the background, in rounds, until it is told to stop; any number may run on PostgreSQL."""

    def __init__(self, database: Database, settings: Settings, *, now: Callable[[], datetime] = clock.now) -> None:
        self._database, self._now = database, now
        self._handlers, self._gateways = handlers(settings), build(settings, database, now=now)
        self._parts = (
            self._counts,
            self._timetable,
            self._looks,
            self._events,
            self._payments,
            self._refunds,
            self._balances,
            self._published,
            self._nightly,
            self._jobs,
        )
        self._gates, self._stopped = gates(settings), threading.Event()
        self._data, self._looked_at = settings.data, datetime.min.replace(tzinfo=UTC)
        self._beat_at = self._balances_at = self._night = datetime.min.replace(tzinfo=UTC)

    def run(self) -> None:
        """Work until `stop` is called; what is being done then is finished."""
        while not self._stopped.is_set():
            if not self.round():
                self._stopped.wait(PAUSE)

    def stop(self) -> None:
        """Ask the worker to stop; safe from a signal handler and from another thread."""
        self._stopped.set()

    def round(self) -> list[str]:
        """Do everything that is due now and return a line for each kind of work done, none if nothing was due.

        One kind's failure is logged by its kind and place and doesn't stop the others; it is tried again in the next round.
        """
        done: list[str] = []
        for part in self._parts:
            if not self._go_on():
                break
            done += _tried(part.__name__, part)
        return done

    def _counts(self) -> Iterable[str]:
        with self._database.transaction() as session:
            counting.fold(session)
        return []  # once a round is often enough: votes that come in all the time don't keep the worker from its pause

    def _timetable(self) -> Iterable[str]:
        with self._database.transaction() as session:
            return campaigns.tick(session, gates=self._gates, now=self._now())

    def _looks(self) -> Iterable[str]:
        with self._database.reading() as session:
            due = suspicions.due(session, now=self._now())
        for slug in due:
            with self._database.transaction() as session:
                suspicions.ask(session, slug=slug, now=self._now())
        return []  # the look itself is a job

    def _events(self) -> Iterable[str]:
        heard = hear(self._database, self._gateways, self._now(), go_on=self._for_a_while())
        return [f"gateways’ events looked at: {heard}"] if heard else []

    def _payments(self) -> Iterable[str]:
        asked = sweep(self._database, self._gateways, self._now(), go_on=self._for_a_while())
        return [f"payments asked about: {asked}"] if asked else []

    def _refunds(self) -> Iterable[str]:
        sent = 0
        for name, gateway in self._gateways.items():
            sent += send_refunds(self._database, {name: gateway}, self._now(), go_on=self._for_a_while())
        return [f"refunds sent: {sent}"] if sent else []

    def _balances(self) -> Iterable[str]:
        if self._now() - self._balances_at < MINUTE:
            return []
        self._balances_at = self._now()
        with self._database.transaction() as session:
            reminding.ask(session, now=self._now())
            over = defaults.over(session, now=self._now())
            unanswered = delaying.over(session, now=self._now())
        unpaid = _each("ending the unpaid lines of", self._end_unpaid, over)
        return [*unpaid, *_each("ending delay", self._end_unanswered, unanswered)]

    def _end_unanswered(self, delay: int) -> Iterable[str]:
        with self._database.transaction() as session:
            amount = delaying.settle(session, delay_id=delay, now=self._now())
        return [f"delay {delay}: time to answer is over, {amount} goes back"]

    def _end_unpaid(self, slug: str) -> Iterable[str]:
        with self._database.transaction() as session:
            ended = defaults.settle(session, slug=slug, actor="worker", now=self._now())
        lines = ended.forfeited + ended.returned
        return [f"{slug}: balances not paid: {lines}"] if lines else []

    def _published(self) -> Iterable[str]:
        if self._now() - self._looked_at < LOOK:
            return []
        self._looked_at = self._now()
        return [f"{slug}: result published" for slug in publish(self._database, self._data, self._now())]

    def _nightly(self) -> Iterable[str]:
        """Ask for the work of the coming night as soon as the last one has begun; any number of workers ask for it once."""
        if self._now() < self._night:
            return []
        self._night = _next_night(self._now())
        about: dict[str, Any] = {"payload": {}, "run_at": self._night, "now": self._now()}
        with self._database.transaction() as session:
            enqueue(session, kind="payments.match", key=f"payments.match:{self._night:%Y-%m-%d}", **about)
            enqueue(session, kind="work.audit", key=f"work.audit:{self._night:%Y-%m-%d}", **about)
        return []  # the work itself is two jobs

    def _jobs(self) -> Iterable[str]:
        tried = run_due(self._database, self._handlers, now=self._now, go_on=self._go_on)
        return [f"jobs: {tried}"] if tried else []

    def _for_a_while(self) -> Callable[[], bool]:
        until = self._now() + PATIENCE
        return lambda: self._now() < until and self._go_on()

    def _go_on(self) -> bool:
        now = self._now()
        if now - self._beat_at >= BEAT:
            with self._database.transaction() as session:
                beat(session, now=now)
            self._beat_at = now
        return not self._stopped.is_set()


def _tried(what: str, work: Callable[[], Iterable[str]]) -> Iterable[str]:
    """Do some work and return its lines; a failure is logged by its kind and place, and doesn't stop what comes next."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001  a worker outlives whatever one part meets
        _log.error("%s failed: %s", what, describe(error))
        return []


def _each(what: str, work: Callable[[_Item], Iterable[str]], items: Iterable[_Item]) -> Iterator[str]:
    """Do some work for each of `items`; one that fails keeps no other waiting."""
    for item in items:
        yield from _tried(f"{what} {item}", partial(work, item))


def _next_night(now: datetime) -> datetime:
    """Return the first instant of the next night."""
    tonight = datetime.combine(now.astimezone(UTC).date(), NIGHT)
    return tonight if now < tonight else tonight + timedelta(days=1)
