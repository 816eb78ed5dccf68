"""What goes to which store, sorted as a warehouse packs it; the codes of customers stay out of it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.rules import CampaignState
from c2b.deposits.models import Pickup
from c2b.errors import Refused
from c2b.exports.kinds import Kind
from c2b.exports.writers.csv import harmless
from tests import make
from tests.deposits.test_parcels import AT
from tests.deposits.test_pickups import arrives, chooses, code_of, collected, hands_out, sku_of
from tests.exports import files
from tests.production.test_defaults import DECIDED, decided


def test_each_line_stands_with_its_store_and_how_far_it_is(session: Session) -> None:
    first, second, third = collected(session, customers=3)
    make.store(session, "AB1", name="Abbey", city="Bath")
    chooses(session, third, "AB1")
    first.recipient, first.phone = "王小明", "13800000000"
    arrives(session, first, second)
    hands_out(session, code_of(session, first))
    rows = files.table(session, Kind.PICKUPS, now=AT)
    assert [(row["store_code"], row["order"], row["state"], row["units"]) for row in rows] == [
        ("AB1", harmless(third.ref), "to_send", "12"),
        ("HZ1", harmless(first.ref), "handed_out", "12"),
        ("HZ1", harmless(second.ref), "in_store", "12"),
    ]
    assert (rows[1]["recipient"], rows[1]["phone"], rows[1]["sku"], rows[1]["store"]) == (
        "王小明",
        "13800000000",
        sku_of(session, first),
        "Store HZ1",
    )
    assert datetime.fromisoformat(rows[1]["handed_out_at"]).astimezone(UTC) == AT
    assert rows[0]["handed_out_at"] == ""


def test_no_code_is_in_it(session: Session) -> None:
    (order,) = collected(session)
    arrives(session, order)
    assert session.scalars(select(Pickup.code)).one() not in str(files.table(session, Kind.PICKUPS, now=AT))


def test_what_is_not_paid_is_not_sent(session: Session) -> None:
    _, (order, _) = decided(session, customers=2)
    make.store(session)
    chooses(session, order)
    assert [row["state"] for row in files.table(session, Kind.PICKUPS, now=DECIDED + timedelta(hours=1))] == ["unpaid"]


def test_what_is_collected_is_no_shipment_and_names_its_store_among_the_deposits(session: Session) -> None:
    first, second = collected(session, customers=2)
    session.delete(session.get_one(Pickup, second.id))
    session.flush()
    assert [row["order"] for row in files.table(session, Kind.SHIPMENTS, now=AT)] == [harmless(second.ref)]
    assert [(row["order"], row["store"]) for row in files.table(session, Kind.DEPOSITS, now=AT)] == [
        (harmless(first.ref), "HZ1"),
        (harmless(second.ref), ""),
    ]


def test_before_the_decision_there_is_nothing_to_collect(session: Session) -> None:
    make.campaign(session, state=CampaignState.ORDERING)
    with pytest.raises(Refused, match="isn’t decided yet, so nothing can be collected"):
        files.table(session, Kind.PICKUPS)
