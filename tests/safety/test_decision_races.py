import contextlib
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.db import Database
from c2b.deposits.models import RefundLine
from c2b.payments.models import Refund
from c2b.production import actions, queries
from c2b.production.models import Decision, ProductionOrder
from c2b.production.plan import Plan, plan
from c2b.production.rules import DecisionFigures
from tests import databases, make
from tests.production import shop

NOW = make.ORDERING_CLOSES + timedelta(days=2)


def season(database: Database) -> None:
    with database.transaction() as session:
        campaign = shop.settling(session)
        for code, units in (("K1", 12), ("K2", 3)):
            shop.buys(session, campaign, (shop.variant(session, shop.product(session, campaign, code)), units))


def at_once(database: Database, clients: int) -> list[DecisionFigures | Exception]:
    """Let so many clients decide at the same moment; return what each of them heard."""
    start, heard = threading.Barrier(clients), list[DecisionFigures | Exception]()

    def decide() -> None:
        start.wait()
        try:
            with database.transaction() as session:
                heard.append(actions.decide(session, slug="ss27", actor="staff:anna@example.com", now=NOW))
        except IntegrityError as error:
            heard.append(error)

    threads = [threading.Thread(target=decide) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return heard


def meet_before_writing(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Make two decisions wait for each other once both have seen that nothing is decided yet; with the lock the second never comes."""
    both = threading.Barrier(2, timeout=seconds)

    def slow_plan(session: Session, campaign: Campaign) -> Plan:
        planned = plan(session, campaign)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait()
        return planned

    monkeypatch.setattr(actions, "plan", slow_plan)


def count(database: Database, table: type[Decision | ProductionOrder | Refund | RefundLine]) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_of_many_who_decide_at_once_one_decides_and_all_hear_the_same(database: Database) -> None:
    season(database)
    heard = at_once(database, 16)
    assert len(heard) == 16
    assert all(answer == heard[0] for answer in heard)
    assert isinstance(heard[0], DecisionFigures)
    assert [count(database, table) for table in (Decision, ProductionOrder, Refund, RefundLine)] == [1, 1, 1, 1]


def test_the_second_waits_for_the_first_even_if_that_is_slow(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    season(database)
    meet_before_writing(monkeypatch, 1)
    heard = at_once(database, 2)
    assert len(heard) == 2
    assert heard[0] == heard[1]
    assert count(database, Decision) == 1


def test_without_its_lock_the_second_would_be_refused_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    def unlocked(session: Session, slug: str) -> Campaign:
        return session.scalars(select(Campaign).where(Campaign.slug == slug)).one()

    with databases.postgresql() as database:
        season(database)
        monkeypatch.setattr(actions, "locked", unlocked)
        meet_before_writing(monkeypatch, 20)
        heard = at_once(database, 2)
        assert sorted(isinstance(answer, IntegrityError) for answer in heard) == [False, True]


def test_an_approval_and_a_decision_at_once_end_in_one_decision(database: Database) -> None:
    season(database)
    with database.reading() as session:
        digest = queries.preview(session, slug="ss27").input_hash

    def approve() -> None:
        with database.transaction() as session:
            actions.approve(session, slug="ss27", expected=digest, actor="staff:bo@example.com", now=NOW)

    run_both(approve, lambda: at_once(database, 1))
    assert count(database, Decision) == 1


def run_both(*work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
