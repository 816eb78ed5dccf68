import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from c2b import clock
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.jobs import queries as jobs
from c2b.messages.models import Message
from c2b.messages.rules import MessageState
from c2b.payments.models import Refund
from c2b.payments.rules import PaymentState
from tests import make
from tests.cli.shell import Shell
from tests.production import shop


@pytest.fixture
def shell(sqlite_database: Database, tmp_path: Path) -> Shell:
    return Shell(tmp_path, sqlite_database)


def test_a_round_without_work_says_so_and_leaves_a_heartbeat(shell: Shell, sqlite_database: Database) -> None:
    before = clock.now()
    assert shell.does("work", "--once") == "Nothing was due.\n"
    with sqlite_database.reading() as session:
        beat = jobs.last_beat(session)
        assert beat is not None
        assert beat >= before


def test_the_timetable_closes_what_is_over(shell: Shell, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        closed = clock.now() - timedelta(minutes=1)
        make.campaign(session, voting_opens=closed - timedelta(days=1), voting_closes=closed)
    assert shell.does("work", "--once") == "ss27: voting -> tally\n"


def test_after_the_decision_customers_are_told_in_their_language(shell: Shell, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        campaign = shop.settling(session, ordering_closes=clock.now() - timedelta(hours=1))
        for code, units, locale in (("K1", 12, "zh_Hans_CN"), ("K2", 3, "en")):
            customer = make.person(session, locale=locale)
            make.address(session, customer, f"{code.lower()}@example.com")
            shop.buys(session, campaign, (shop.variant(session, shop.product(session, campaign, code)), units), by=customer)
    shell.does("decide", "ss27")
    shell.does("work", "--once")
    mails = sorted((shell.folder / "outbox").iterdir())
    assert len(mails) == 2
    with sqlite_database.reading() as session:
        sent = session.scalars(select(Message).order_by(Message.recipient)).all()
    assert [(one.recipient, one.template, one.state) for one in sent] == [
        ("k1@example.com", "product_confirmed", MessageState.SENT),
        ("k2@example.com", "product_missed", MessageState.SENT),
    ]
    assert sent[0].fields["product"] == "款 K1"
    assert sent[0].fields["balance"] == "¥960.00"
    assert (sent[1].fields["product"], sent[1].fields["amount"]) == ("Design K2", "¥60.00")


def test_refunds_of_a_missed_product_go_out(shell: Shell, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        campaign = shop.settling(session, ordering_closes=clock.now() - timedelta(hours=1))
        shop.buys(session, campaign, (shop.variant(session, shop.product(session, campaign, "K2")), 3))
    shell.does("decide", "ss27")
    assert "refunds sent: 1" in shell.does("work", "--once").splitlines()
    with sqlite_database.reading() as session:
        assert session.scalars(select(Refund.attempts)).one() == 1


def test_a_payment_that_was_never_heard_of_is_asked_about(shell: Shell, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        campaign = shop.settling(session, ordering_closes=clock.now() - timedelta(hours=1))
        order = shop.buys(session, campaign, (shop.variant(session, shop.product(session, campaign, "K2")), 3), paid=False)
        long_ago = clock.now() - timedelta(hours=2)
        times = {"created_at": long_ago, "checked_at": long_ago, "settled_at": None}
        make.payment(session, order, 6000, state=PaymentState.STARTED, captured=0, **times)
    assert "1 payments begun in time" in shell.refuses("decide", "ss27")
    assert "payments asked about: 1" in shell.does("work", "--once").splitlines()
    assert shell.reads("decide", "ss27")["refunds"] == 0


def test_a_broken_part_does_not_stop_the_others(shell: Shell, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        make.campaign(session, voting_opens=clock.now() - timedelta(days=2), voting_closes=clock.now() - timedelta(days=1))
        session.execute(update(Campaign).values(state=CampaignState.VOTING))
        session.connection().exec_driver_sql("ALTER TABLE job RENAME TO job_elsewhere")
    assert shell.does("work", "--once") == "ss27: voting -> tally\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_worker_stops_cleanly_when_it_is_told_to(shell: Shell, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "c2b.cli", "work"]
    worker = subprocess.Popen(command, env=os.environ | shell.environment, stderr=subprocess.PIPE, text=True)
    assert worker.stderr
    assert worker.stderr.readline() == "The worker is running.\n"
    worker.send_signal(number)
    _, errors = worker.communicate(timeout=30)
    assert (worker.returncode, errors) == (0, "")
