"""A product that missed is made all the same: two people, a public reason, and nothing else changes."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.deposits.models import Order
from c2b.deposits.rules import Outcome
from c2b.errors import Invalid, NotFound, Refused
from c2b.payments.models import Refund
from c2b.production import actions, overriding, queries
from c2b.production.models import DecisionLine, DecisionOverride
from c2b.production.rules import Captured, DecisionFigures, Product, ProductOutcome, decide
from c2b.work import audit
from tests import make
from tests.production import shop
from tests.statements import counted

NOW = make.ORDERING_CLOSES + timedelta(hours=24)
MEI, LI = "staff:mei@example.com", "staff:li@example.com"
WHY = "The mill agreed to a smaller lot"


@pytest.fixture
def season(session: Session) -> tuple[Campaign, Order, Order]:
    """K1 sold 12 of 10 and K2 only 3: who ordered them."""
    of = shop.settling(session)
    one, two = (shop.variant(session, shop.product(session, of, code)) for code in ("K1", "K2"))
    shop.product(session, of, "K3")
    return of, shop.buys(session, of, (one, 12)), shop.buys(session, of, (two, 3))


def propose(session: Session, code: str = "K2", reason: str = WHY, actor: str = MEI) -> None:
    overriding.propose(session, slug="ss27", code=code, reason=reason, actor=actor, now=NOW)


def agree(session: Session, code: str = "K2", reason: str = WHY, actor: str = LI) -> None:
    overriding.agree(session, slug="ss27", code=code, reason=reason, actor=actor, now=NOW)


def decided(session: Session, **options: Any) -> DecisionFigures:
    return actions.decide(session, slug="ss27", actor="cli:test", now=NOW, **options)


@pytest.mark.usefixtures("season")
def test_one_person_alone_changes_nothing(session: Session) -> None:
    propose(session)
    figures = queries.preview(session, slug="ss27")
    assert [(product.code, product.made) for product in figures.products] == [("K1", True), ("K2", False), ("K3", False)]


def test_what_two_agree_on_is_made_in_every_unit_and_nobody_gets_money_back(
    session: Session, season: tuple[Campaign, Order, Order]
) -> None:
    propose(session)
    agree(session)
    figures = decided(session)
    assert (figures.made, figures.pieces, figures.refunds) == (2, 15, 0)
    line = session.scalars(select(DecisionLine).where(DecisionLine.reason != "")).one()
    assert (line.outcome, line.made, line.units, line.minimum, line.tier) == (ProductOutcome.MISSED, True, 3, 10, 1)
    assert {one.outcome for order in season[1:] for one in make.lines_of(session, order)} == {Outcome.ALLOCATED}
    assert session.scalars(select(Refund)).all() == []
    assert [product.reason for product in figures.products] == ["", WHY, ""]
    assert queries.decision(session, season[0].id) == figures, "stored and read again"
    shown = [queries.made_although(session, season[0], make.candidate_of(session, season[0], code).id) for code in ("K1", "K2", "K3")]
    assert shown == ["", WHY, ""]
    assert audit(session) == []


@pytest.mark.usefixtures("season")
def test_an_agreement_to_other_figures_is_no_agreement_to_these(session: Session) -> None:
    seen = queries.preview(session, slug="ss27")
    propose(session)
    agree(session)
    with pytest.raises(Refused, match="have changed since that dry run"):
        decided(session, expected=seen.input_hash)


@pytest.mark.usefixtures("season")
def test_taken_back_the_rule_decides(session: Session) -> None:
    propose(session)
    agree(session)
    overriding.take_back(session, slug="ss27", code="K2", actor=MEI, now=NOW)
    assert decided(session).made == 1
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("production.override")).order_by(AuditEntry.id)).all()
    assert [(entry.action, entry.actor) for entry in entries] == [
        ("production.override", MEI),
        ("production.override.approve", LI),
        ("production.override.take_back", MEI),
    ]
    assert entries[-1].before == {"reason": WHY, "proposed_by": MEI, "approved_by": LI}


@pytest.mark.usefixtures("season")
def test_who_proposed_it_cannot_agree_to_it(session: Session) -> None:
    propose(session)
    with pytest.raises(Refused, match="second person"):
        agree(session, actor=MEI)
    with pytest.raises(IntegrityError, match="second_person"):
        session.execute(update(DecisionOverride).values(approved_by=MEI, approved_at=NOW))


@pytest.mark.usefixtures("season")
def test_another_reason_than_the_one_that_was_read_is_not_agreed_to(session: Session) -> None:
    propose(session)
    with pytest.raises(Refused, match="has changed since you looked"):
        agree(session, reason="Because")
    agree(session)
    with pytest.raises(Refused, match="has changed since you looked"):
        agree(session)


@pytest.mark.usefixtures("season")
@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"code": "K9"}, Invalid, "No product with the code “K9”"),
        ({"code": "K3"}, Refused, "Nobody ordered K3"),
        ({"reason": "  "}, Invalid, "Give the reason"),
        ({"reason": "x" * 501}, Invalid, "at most 500 characters"),
        ({"actor": "cli:mei"}, Refused, "Only signed-in staff"),
    ],
)
def test_what_cannot_be_is_refused(session: Session, changes: dict[str, str], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        propose(session, **changes)
    assert overriding.overrides(session, make.campaign_of(session, "ss27").id) == []


@pytest.mark.usefixtures("season")
def test_there_is_one_for_a_product_at_a_time_and_what_is_not_there_is_named(session: Session) -> None:
    propose(session)
    with pytest.raises(Refused, match="K2 has an override already"):
        propose(session)
    with pytest.raises(NotFound, match="K1 has no override"):
        agree(session, code="K1")


@pytest.mark.parametrize("state", [CampaignState.ORDERING, CampaignState.DECIDED, CampaignState.CANCELLED])
def test_it_has_its_time(session: Session, season: tuple[Campaign, Order, Order], state: CampaignState) -> None:
    season[0].state = state
    session.flush()
    with pytest.raises(Refused, match="after ordering has closed and before it is made"):
        propose(session)


@pytest.mark.parametrize("state", [CampaignState.VOTING, CampaignState.ORDERING])
def test_before_the_decision_a_products_page_asks_for_no_exception(database: Database, state: CampaignState) -> None:
    with database.transaction() as session:
        campaign = make.campaign(session, state=state)
        product = make.candidate(session, campaign, "K1").id
        session.refresh(campaign)
        with counted(database) as statements:
            assert queries.made_although(session, campaign, product) == ""
        assert statements == []


def test_what_reaches_its_minimum_after_all_needs_no_reason(session: Session, season: tuple[Campaign, Order, Order]) -> None:
    propose(session)
    agree(session)
    two = make.variants(session, make.candidate_of(session, season[0], "K2"))[0]
    shop.buys(session, season[0], (two, 7))
    line = next(product for product in decided(session).products if product.code == "K2")
    assert (line.outcome, line.reason) == ("reached", "")


UNITS = st.lists(st.integers(0, 30), min_size=1, max_size=6)


@given(units=UNITS, most=st.integers(0, 4), chosen=st.sets(st.integers(0, 5)))
def test_it_never_changes_what_becomes_of_the_others(units: list[int], most: int, chosen: set[int]) -> None:
    products = [Product(f"K{number}", 10, [Captured(number, count)]) for number, count in enumerate(units)]
    plain = decide(products, most)
    agreed = decide(products, most, {f"K{number}": WHY for number in chosen})
    for number, (before, after) in enumerate(zip(plain, agreed, strict=True)):
        if before.make or number not in chosen or not units[number]:
            assert after == before
        else:
            assert (after.outcome, after.reason, after.missed) == (ProductOutcome.MISSED, WHY, 0)
            assert sum(one.ordered for one in after.make) == units[number]


def test_a_colour_that_missed_its_own_minimum_is_made_with_the_rest() -> None:
    product = Product("K1", 10, [Captured(1, 3, (7,)), Captured(2, 4, (8,))], value_minimums={7: 5})
    (alone,) = decide([product], 0)
    (made,) = decide([product], 0, {"K1": WHY})
    assert (alone.make, [one.variant for one in made.make], made.missed) == ((), [1, 2], 0)
