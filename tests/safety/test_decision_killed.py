import json
import subprocess
import sys
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.deposits.models import OrderLine
from c2b.deposits.rules import Outcome
from c2b.payments.models import Refund
from c2b.production import actions, queries
from c2b.production.models import Decision, ProductionOrder
from c2b.production.rules import DecisionFigures
from c2b.work import audit
from tests import make
from tests.production import shop

NOW = make.ORDERING_CLOSES + timedelta(days=2)


def season(database: Database) -> DecisionFigures:
    """Let two products reach their minimum and one miss it; one customer never paid. Returns the dry run's figures."""
    with database.transaction() as session:
        campaign = shop.settling(session, shipping=1200)
        k1, k2, k3 = (shop.variant(session, shop.product(session, campaign, code, pack=5)) for code in ("K1", "K2", "K3"))
        shop.buys(session, campaign, (k1, 8), (k2, 4), (k3, 11))
        shop.buys(session, campaign, (k1, 4), (k2, 2))
        shop.buys(session, campaign, (k2, 20), paid=False)
    with database.reading() as session:
        return queries.preview(session, slug="ss27")


def killed(database: Database, *options: str) -> dict[str, Any]:
    url = database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.safety.killed_decision", url, *options]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert isinstance(found, dict)
    return found


def test_a_decision_killed_before_any_statement_leaves_nothing_half_done_and_then_succeeds(database: Database) -> None:
    dry = season(database)
    run = killed(database)
    assert run["changed"] == []
    assert run["kills"] >= 20  # every statement of the decision, and the commit
    assert run["figures"] == json.loads(json.dumps(dry.document()))
    with database.reading() as session:
        assert audit(session) == []
        assert session.scalars(select(Campaign.state)).one() == CampaignState.DECIDED
        assert session.scalar(select(func.count()).where(OrderLine.outcome == Outcome.OPEN)) == 0
        assert session.execute(select(func.count(), func.sum(Refund.amount)).select_from(Refund)).one() == (dry.refunds, dry.refund_amount)


def test_without_its_transaction_a_killed_decision_would_leave_traces(database: Database) -> None:
    season(database)
    assert killed(database, "--torn")["changed"] != []


def test_a_decision_whose_answer_was_lost_is_answered_again_not_done_again(database: Database) -> None:
    season(database)
    answers = []
    for _ in range(2):  # the first one is done, but whoever asked never heard of it
        with database.transaction() as session:
            answers.append(actions.decide(session, slug="ss27", actor="cli:test", now=NOW))
    assert answers[0] == answers[1]
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Decision)) == 1
        assert session.scalar(select(func.count()).select_from(ProductionOrder)) == 2
