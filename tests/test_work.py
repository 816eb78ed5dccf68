"""The rooms' contributions, composed: nothing that a room brings is left out."""

import ast
import logging
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

import c2b
from c2b import work
from c2b.audit.rules import Finding
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState, LegalProfile
from c2b.db import Database
from c2b.deposits.models import Delay, Obligation, OrderLine, PaymentPart
from c2b.deposits.rules import ObligationKind
from c2b.jobs import actions as jobs
from c2b.jobs.models import Job
from c2b.jobs.queries import last_beat
from c2b.jobs.rules import JobState
from c2b.payments import inbox
from c2b.payments.models import MoneyCase
from c2b.payments.protocol import About, Notice
from c2b.payments.rules import CaseKind
from c2b.production.actions import decide
from c2b.settings import Settings
from c2b.work import BEAT, CHECKS, GATES, PATIENCE, Worker, handlers
from tests import make
from tests.deposits.scene import Shop
from tests.production import shop as production

PACKAGE = Path(c2b.__file__).parent


def worker(database: Database, folder: Path, now: datetime) -> Worker:
    return Worker(database, Settings(data=folder), now=lambda: now)


def enqueued_kinds() -> set[str]:
    """Return every kind of job that the program asks for, read from its source."""
    calls = (node for file in PACKAGE.rglob("*.py") for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
    named = (call for call in calls if ast.unparse(call.func).endswith(("enqueue", "enqueue_all")))
    return {ast.literal_eval(word.value) for call in named for word in call.keywords if word.arg == "kind"}


def test_every_kind_of_job_has_somebody_who_does_it(tmp_path: Path) -> None:
    assert enqueued_kinds() == set(handlers(Settings(data=tmp_path)))


def test_the_audit_runs_the_checks_of_every_room() -> None:
    rooms = {file.parent.name for file in PACKAGE.glob("*/checks.py")}
    assert {check.__module__ for check in CHECKS} == {f"c2b.{room}.checks" for room in rooms}
    assert all(check is import_module(check.__module__).checks for check in CHECKS)


def test_every_phase_that_freezes_something_has_a_gate() -> None:
    assert set(GATES) == {CampaignState.VOTING, CampaignState.ORDERING}


def test_the_audit_gathers_what_all_rooms_find(database: Database) -> None:
    with database.transaction() as session:
        make.campaign(session, state=CampaignState.DECIDED)
        session.execute(text("DROP TRIGGER decision_no_update" if database.is_sqlite else "DROP TRIGGER decision_append_only ON decision"))
        found = work.audit(session)
    assert {finding.check for finding in found} >= {"database.guards", "production.decided"}
    assert all(isinstance(finding, Finding) for finding in found)


def test_a_worker_beats_at_most_every_ten_seconds(database: Database, tmp_path: Path, now: datetime) -> None:
    clock = [now]
    busy = Worker(database, Settings(data=tmp_path), now=lambda: clock[0])
    heard = []
    for seconds in (0, 5, 9, 10, 11, 21):
        clock[0] = now + timedelta(seconds=seconds)
        busy.round()
        with database.reading() as session:
            heard.append(last_beat(session))
    assert timedelta(seconds=10) == BEAT
    assert heard == [now + timedelta(seconds=seconds) for seconds in (0, 0, 0, 10, 10, 21)]


def test_a_gateway_that_hangs_takes_its_time_of_a_round_and_no_more(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(database, tmp_path)
    shirt, *_ = shop.sells("K1")
    for buyer in [shop.customer() for _ in range(5)]:
        shop.cancel(shop.buys(buyer, (shirt, 1)), buyer)
    begun = [shop.pay(shop.order(buyer, (shirt, 1)), buyer) for buyer in [shop.customer() for _ in range(9)]]
    with database.transaction() as session:
        for key in begun:
            inbox.store(session, gateway="sandbox", notice=Notice(f"evt-{key}", "changed", About.PAYMENT, key), now=shop.now)
        jobs.enqueue(session, kind="messages.send", payload={"message": 77}, now=shop.now)
    shop.forward(minutes=2)
    shop.gateway.calls, shop.gateway.troubles = [], ["down"] * 99
    shop.gateway.waits = partial(shop.forward, seconds=5)
    monkeypatch.setattr(work, "build", lambda *_arguments, **_named: {"sandbox": shop.gateway})
    done = Worker(database, Settings(data=tmp_path), now=lambda: shop.now).round()
    assert timedelta(seconds=20) == PATIENCE
    assert shop.gateway.calls == ["query"] * 4 + ["query"] * 4 + ["refund"] * 4  # of nine events, five payments left, and five refunds
    assert done[-1] == "jobs: 6", "what waits for no gateway is done: the message, and five payments are told"
    with database.reading() as session:
        heard = last_beat(session)
    assert heard is not None
    assert shop.now - heard <= BEAT
    assert shop.findings() == []


def test_one_round_keeps_the_timetable_of_all_campaigns(database: Database, tmp_path: Path) -> None:
    with database.transaction() as session:
        make.campaign(session)
        make.campaign(session, slug="aw27", state=CampaignState.ORDERING)
    done = worker(database, tmp_path, make.ORDERING_CLOSES).round()
    assert done == ["ss27: voting -> tally", "aw27: ordering -> settling"]
    assert worker(database, tmp_path, make.ORDERING_CLOSES).round() == []


def test_a_campaign_stays_open_until_its_very_instant(database: Database, tmp_path: Path) -> None:
    with database.transaction() as session:
        make.campaign(session)
    assert worker(database, tmp_path, make.CLOSES - timedelta(microseconds=1)).round() == []
    assert worker(database, tmp_path, make.CLOSES).round() == ["ss27: voting -> tally"]


def test_the_worker_never_selects_and_never_decides_by_itself(database: Database, tmp_path: Path) -> None:
    with database.transaction() as session:
        make.campaign(session, state=CampaignState.TALLY)
        make.campaign(session, slug="aw27", state=CampaignState.SETTLING)
    assert worker(database, tmp_path, make.ORDERING_CLOSES + timedelta(days=99)).round() == []
    with database.reading() as session:
        assert list(session.scalars(select(Campaign.state).order_by(Campaign.id))) == [CampaignState.TALLY, CampaignState.SETTLING]


def test_what_a_part_meets_is_logged_by_kind_and_place_never_by_its_text(
    database: Database, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_arguments: object, **_named: object) -> None:
        raise ConnectionError("anna@example.com")

    monkeypatch.setattr(work, "send_refunds", broken)
    with database.transaction() as session:
        jobs.enqueue(session, kind="messages.send", payload={"message": 77}, now=now)
    with caplog.at_level(logging.ERROR):
        assert worker(database, tmp_path, now).round() == ["jobs: 1"]
    (line,) = caplog.messages
    assert line.startswith("_refunds failed: ConnectionError at c2b/work.py:")


def test_a_job_for_a_message_that_is_gone_is_done(database: Database, tmp_path: Path, now: datetime) -> None:
    with database.transaction() as session:
        jobs.enqueue(session, kind="messages.send", payload={"message": 77}, now=now)
    worker(database, tmp_path, now).round()
    with database.reading() as session:
        assert session.scalars(select(Job.state).where(Job.kind == "messages.send")).one() == JobState.DONE


def test_the_work_of_a_night_is_asked_for_once_and_done_at_night(database: Database, tmp_path: Path, now: datetime) -> None:
    clock = [now]
    workers = [Worker(database, Settings(data=tmp_path), now=lambda: clock[0]) for _ in range(2)]
    night = datetime(2027, 3, 8, 18, tzinfo=UTC)
    for at, done in ((now, []), (night - timedelta(microseconds=1), []), (night, ["jobs: 2"]), (night + timedelta(hours=23), [])):
        clock[0] = at
        assert [line for each in workers for line in each.round()] == done
    with database.reading() as session:
        jobs_ = session.execute(select(Job.kind, Job.run_at, Job.state).order_by(Job.id)).all()
    tonight = [(kind, night, JobState.DONE) for kind in ("payments.match", "work.audit")]
    assert jobs_ == [*tonight, *((kind, night + timedelta(days=1), JobState.QUEUED) for kind, _, _ in tonight)]


def test_what_the_audit_finds_by_night_is_a_case_until_it_is_found_no_more(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        made = make.campaign(session, state=CampaignState.DECIDED)
    work.audit_by_night(database, {}, now)
    with database.reading() as session:
        (case,) = session.scalars(select(MoneyCase))
    assert (case.kind, case.details["check"], case.closed_at) == (CaseKind.AUDIT, "production.decided", None)
    with database.transaction() as session:
        session.merge(made).state = CampaignState.ORDERING
    work.audit_by_night(database, {}, now)
    with database.reading() as session:
        assert [case.closed_by for case in session.scalars(select(MoneyCase))] == ["worker"]


def test_a_worker_in_a_thread_works_until_it_is_stopped(database: Database, tmp_path: Path) -> None:
    with database.transaction() as session:
        make.campaign(session)
    beside_the_server = worker(database, tmp_path, make.CLOSES)
    thread = threading.Thread(target=beside_the_server.run)
    thread.start()
    try:
        deadline = threading.Event()
        while state(database) is not CampaignState.TALLY:
            assert not deadline.wait(0.05)
    finally:
        beside_the_server.stop()
        thread.join(timeout=30)
    assert not thread.is_alive()


def test_a_worker_that_was_stopped_starts_nothing_more(database: Database, tmp_path: Path) -> None:
    with database.transaction() as session:
        make.campaign(session)
    stopped = worker(database, tmp_path, make.CLOSES)
    stopped.stop()
    stopped.run()
    assert stopped.round() == []
    assert state(database) is CampaignState.VOTING


def state(database: Database) -> CampaignState:
    with database.reading() as session:
        return session.scalars(select(Campaign.state)).one()


def with_an_unpaid_balance(session: Session, slug: str) -> OrderLine:
    """Let a European customer pay a deposit of 240.00 and, after the decision, nothing more."""
    due = make.ORDERING_CLOSES + timedelta(days=10)
    of = production.settling(session, slug=slug, legal_profile=LegalProfile.EU, balance_due=due, grace_days=7)
    order = production.buys(session, of, (production.variant(session, production.product(session, of, slug.upper())), 12))
    decide(session, slug=slug, actor="cli:test", now=make.ORDERING_CLOSES + timedelta(days=1))
    (line,) = make.lines_of(session, order)
    return line


def test_a_campaign_whose_books_are_broken_keeps_no_other_and_no_delay_waiting(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    over = make.ORDERING_CLOSES + timedelta(days=17)
    with database.transaction() as session:
        broken, whole = with_an_unpaid_balance(session, "ss27"), with_an_unpaid_balance(session, "aw27")
        deposit = select(Obligation.id).where(Obligation.line_id == broken.id, Obligation.kind == ObligationKind.DEPOSIT)
        session.execute(update(PaymentPart).where(PaymentPart.obligation_id.in_(deposit)).values(amount=PaymentPart.amount + 1))
        later = {"promised": over.date(), "expected": over.date() + timedelta(days=9), "reason": "Storm"}
        asked = {"announced_at": over - timedelta(days=3), "answer_by": over}
        session.add(Delay(campaign_id=whole.campaign_id, candidate_id=whole.candidate_id, **later, **asked))
    with caplog.at_level(logging.ERROR):
        done = worker(database, tmp_path, over).round()
    assert "aw27: balances not paid: 1" in done
    assert "delay 1: time to answer is over, 0 goes back" in done
    assert [line for line in caplog.messages if line.startswith("ending the unpaid lines of ss27 failed: IntegrityError at ")]
