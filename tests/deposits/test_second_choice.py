"""What a customer takes instead, named until ordering closes."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Variant
from c2b.campaigns.rules import CampaignState
from c2b.deposits import desk
from c2b.deposits.models import Order, OrderLine
from c2b.deposits.placing import sent_before
from c2b.deposits.queries import order
from c2b.deposits.rules import Outcome
from c2b.deposits.second_choice import name_second
from c2b.errors import NotFound, Refused
from tests import books, make

DAY = make.ORDERING_OPENS + timedelta(hours=1)
SHADES = ("moss", "sand", "rust")


@pytest.fixture
def campaign(session: Session) -> Campaign:
    return make.campaign(session, state=CampaignState.ORDERING, voting_opens=None, voting_closes=None)


@pytest.fixture
def knit(session: Session, campaign: Campaign) -> dict[str, Variant]:
    """Moss, sand and rust in S and M at one price; moss needs 30 pieces for itself."""
    made = make.candidate(session, campaign, "K1", sizes="")
    colours, sizes = make.option_values(session, made, 1, *SHADES), make.option_values(session, made, 2, "S", "M")
    colours[0].minimum = 30
    made.option1_name, made.option2_name = "Colour", "Size"
    every = [(colour, size) for colour in colours for size in sizes]
    for position, (colour, size) in enumerate(every, start=1):
        keys = {"campaign_id": campaign.id, "candidate_id": made.id, "position": position, "price": 29900}
        session.add(Variant(option1_id=colour.id, option2_id=size.id, sku=f"{colour.value}-{size.value}", **keys))
    make.offer(session, made, make.supplier(session))
    session.flush()
    return {variant.sku: variant for variant in make.variants(session, made)}


def names(session: Session, of: Order, second: Variant | None, *, line: int = 0, by: int | None = None) -> None:
    lines = make.lines_of(session, of)
    asked = {"line_id": lines[line].id, "person_id": by or of.person_id}
    name_second(session, order_ref=of.ref, variant_id=second.id if second else None, now=DAY, **asked)


def may(session: Session, of: Order, line: int = 0) -> list[str]:
    shown = order(session, ref=of.ref, person_id=of.person_id, locale="en", now=DAY)
    return [variant.sku for variant in shown.lines[line].second.may]


def test_other_colours_can_be_named_those_of_the_same_size_first(session: Session, campaign: Campaign, knit: dict[str, Variant]) -> None:
    bought, _ = books.paid(session, campaign, (knit["moss-M"], 1))
    assert may(session, bought) == ["sand-M", "rust-M", "sand-S", "rust-S"]
    names(session, bought, knit["sand-M"])
    shown = order(session, ref=bought.ref, person_id=bought.person_id, locale="en", now=DAY).lines[0].second
    assert shown.named is not None
    assert (shown.named.label, shown.needs) == ("sand / M", (("moss", 30),))
    names(session, bought, None)
    assert session.scalars(select(OrderLine.second_id)).all() == [None]


def test_a_colour_without_a_minimum_of_its_own_asks_for_no_second_choice(
    session: Session, campaign: Campaign, knit: dict[str, Variant]
) -> None:
    bought, _ = books.paid(session, campaign, (knit["sand-M"], 1))
    assert may(session, bought) == []
    with pytest.raises(Refused, match="choose one of the list"):
        names(session, bought, knit["rust-M"])


def test_nothing_dearer_or_cheaper_can_be_named(session: Session, campaign: Campaign, knit: dict[str, Variant]) -> None:
    knit["sand-M"].price, knit["rust-M"].tier2_price = 30000, 29000
    bought, _ = books.paid(session, campaign, (knit["moss-M"], 1))
    assert may(session, bought) == ["sand-S", "rust-S"]
    with pytest.raises(Refused):
        names(session, bought, knit["sand-M"])


def test_no_two_lines_of_an_order_can_end_as_the_same(session: Session, campaign: Campaign, knit: dict[str, Variant]) -> None:
    bought, _ = books.paid(session, campaign, (knit["moss-S"], 1), (knit["moss-M"], 1), (knit["sand-S"], 1))
    names(session, bought, knit["rust-S"])
    assert may(session, bought, 0) == ["rust-S", "sand-M", "rust-M"]
    assert may(session, bought, 1) == ["sand-M", "rust-M"]
    for wrong in ("sand-S", "rust-S", "moss-S", "moss-M"):
        with pytest.raises(Refused):
            names(session, bought, knit[wrong], line=1)


def test_only_its_own_customer_names_it_and_only_until_ordering_closes(
    session: Session, campaign: Campaign, knit: dict[str, Variant]
) -> None:
    bought, _ = books.paid(session, campaign, (knit["moss-M"], 1))
    with pytest.raises(NotFound):
        names(session, bought, knit["sand-M"], by=make.person(session).id)
    with pytest.raises(NotFound):
        name_second(session, order_ref=bought.ref, line_id=0, person_id=bought.person_id, variant_id=None, now=DAY)
    campaign.state = CampaignState.SETTLING
    with pytest.raises(Refused, match="Ordering has closed"):
        names(session, bought, knit["sand-M"])
    assert session.scalars(select(OrderLine.second_id)).all() == [None]


def test_the_form_that_was_sent_before_is_known_by_what_was_ordered(session: Session, campaign: Campaign, knit: dict[str, Variant]) -> None:
    bought, _ = books.paid(session, campaign, (knit["moss-M"], 2))
    line = make.lines_of(session, bought)[0]
    line.first_id, line.variant_id, line.second_id = knit["moss-M"].id, knit["sand-M"].id, knit["sand-M"].id
    session.flush()
    sent = (session, bought.person_id, bought.idempotency_key)
    assert sent_before(*sent, [(knit["moss-M"].id, 2)]) == bought.ref
    with pytest.raises(Refused, match="made order"):
        sent_before(*sent, [(knit["sand-M"].id, 2)])


def test_staff_see_what_was_named_and_what_was_ordered(session: Session, campaign: Campaign, knit: dict[str, Variant]) -> None:
    bought, _ = books.paid(session, campaign, (knit["moss-M"], 2))
    names(session, bought, knit["sand-M"])
    shown = desk.order(session, campaign.id, bought.ref, locale="en").lines[0]
    assert (shown.variant, shown.second, shown.ordered) == ("moss / M", "sand / M", "")
    line = make.lines_of(session, bought)[0]
    line.first_id, line.variant_id, line.outcome = knit["moss-M"].id, knit["sand-M"].id, Outcome.ALLOCATED
    session.flush()
    session.expire_all()
    shown = desk.order(session, campaign.id, bought.ref, locale="en").lines[0]
    assert (shown.variant, shown.second, shown.ordered) == ("sand / M", "", "moss / M")
