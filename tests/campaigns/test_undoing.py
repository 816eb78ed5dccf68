"""An import taken back: everything is as it was, or nothing happens and it is said why."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.campaigns import undoing
from c2b.campaigns.importing.pictures import Stored
from c2b.campaigns.models import Campaign, Candidate, ImportUndo, Supplier
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.errors import Refused
from tests import make
from tests.campaigns.files import NOW, load

HEADER = "code,name,option1_name,option1_value,option1_swatch,sku,price,minimum,supplier,image"
FIRST = (HEADER, "K1,Coat,Colour,Ink,#112233,K1-I,300,30,TX2,ink.jpg", "K1,,,Ecru,#eeeadd,K1-E,300,,,", "K2,Dress,,,,D2,199,,,")
SECOND = (
    HEADER,
    "K1,Long coat,Colour,Ecru,#ffffff,K1-I,280,40,TX2,ecru.jpg",
    "K1,,,Moss,#335533,K1-M,310,,,",
    "K3,Hat,,,,H3,99,20,,hat.jpg",
)
SHOTS = {name: Stored(f"{name[:-4]}.webp", 40, 30) for name in ("ink.jpg", "ecru.jpg", "hat.jpg")}


@pytest.fixture
def draft(session: Session) -> Campaign:
    session.add(Supplier(code="TX2", name="Mill"))
    return make.campaign(session, state=CampaignState.DRAFT)


def undo(session: Session, *, now: Any = NOW) -> list[str]:
    return undoing.undo(session, slug="ss27", actor="staff:mei@example.com", now=now)


def test_everything_is_as_it_was_before_the_import(session: Session, draft: Campaign) -> None:
    load(session, FIRST, shots=SHOTS)
    before = undoing.state(session, draft.id)
    load(session, SECOND, shots=SHOTS)
    assert undoing.state(session, draft.id) != before
    assert undo(session) == ["ecru.webp", "hat.webp"], "pictures that nothing shows any more"
    assert undoing.state(session, draft.id) == before
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry
    assert (entry.action, entry.actor, entry.before) == ("candidates.undo_import", "staff:mei@example.com", {"added": 1, "changed": 1})


def test_a_first_import_leaves_nothing_behind_and_the_file_can_come_again(session: Session, draft: Campaign) -> None:
    load(session, FIRST)
    undo(session)
    assert set(map(len, undoing.state(session, draft.id).values())) == {0}
    assert load(session, FIRST).new == 2


def test_swapped_skus_are_swapped_back(session: Session, draft: Campaign) -> None:
    header = "code,name,option1_name,option1_value,sku"
    load(session, (header, "K1,Coat,Size,S,a", "K1,,,M,b"))
    before = undoing.state(session, draft.id)
    load(session, (header, "K1,Coat,Size,S,b", "K1,,,M,a"))
    undo(session)
    assert undoing.state(session, draft.id) == before


@pytest.mark.usefixtures("draft")
def test_only_the_last_import_is_taken_back_and_only_once(session: Session) -> None:
    load(session, FIRST)
    load(session, SECOND)
    undo(session)
    assert session.scalars(select(Candidate.name).order_by(Candidate.code)).all() == ["Coat", "Dress"]
    with pytest.raises(Refused, match="no import of the last 24 hours"):
        undo(session)


def test_an_import_that_changed_nothing_leaves_the_way_back_of_the_one_before(session: Session, draft: Campaign) -> None:
    load(session, FIRST)
    load(session, FIRST, now=NOW + timedelta(hours=1))
    load(session, SECOND, dry_run=True)
    kept = session.get_one(ImportUndo, draft.id)
    assert (kept.at, kept.added, kept.changed) == (NOW, 2, 0)
    undo(session)
    assert session.scalars(select(Candidate)).all() == []


@pytest.mark.usefixtures("draft")
def test_after_a_day_it_stays(session: Session) -> None:
    load(session, FIRST)
    with pytest.raises(Refused, match="no import of the last 24 hours"):
        undo(session, now=NOW + timedelta(hours=24))
    undo(session, now=NOW + timedelta(hours=24, seconds=-1))


@pytest.mark.usefixtures("draft")
def test_what_somebody_changed_since_is_not_lost(session: Session) -> None:
    load(session, FIRST)
    coat = session.scalars(select(Candidate).where(Candidate.code == "K1")).one()
    coat.withdrawn_at, coat.withdrawn_reason = NOW, "No cloth"
    session.flush()
    with pytest.raises(Refused, match="Candidates have changed since this import"):
        undo(session)
    assert session.scalars(select(Candidate.code).order_by(Candidate.code)).all() == ["K1", "K2"]


@pytest.mark.parametrize("state", list(CampaignState)[2:])
def test_once_people_vote_candidates_stay(session: Session, draft: Campaign, state: CampaignState) -> None:
    load(session, FIRST)
    draft.state = state
    session.flush()
    with pytest.raises(Refused, match="no import of the last 24 hours"):
        undo(session)


def test_offers_are_taken_back_after_the_selection_until_ordering_opens(session: Session, draft: Campaign) -> None:
    load(session, FIRST)
    draft.state = CampaignState.SELECTED
    before = undoing.state(session, draft.id)
    load(session, (HEADER, "K1,Coat,Colour,Ink,#112233,K1-I,260,50,TX2,"))
    assert undoing.state(session, draft.id) != before
    undo(session)
    assert undoing.state(session, draft.id) == before


def test_what_is_used_already_stays_as_a_whole(database: Database) -> None:
    with database.transaction() as session:
        draft = make.campaign(session, state=CampaignState.DRAFT)
        load(session, ("code,name,sku", "K1,Coat,a", "K2,Dress,b"))
        make.order(session, draft, (make.variants(session, session.scalars(select(Candidate).where(Candidate.code == "K2")).one())[0], 1))
        before = undoing.state(session, draft.id)
        with pytest.raises(Refused, match="Something uses a candidate of this import already"):
            undo(session)
        assert undoing.state(session, draft.id) == before


def test_a_picture_that_another_campaign_shows_is_kept(session: Session, draft: Campaign) -> None:
    other = make.campaign(session, slug="aw27", state=CampaignState.DRAFT)
    for slug in (other.slug, draft.slug):
        load(session, FIRST, slug=slug, shots=SHOTS)
    assert undo(session) == []


CELLS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["Coat", "Cape"]),
        "colours": st.lists(st.sampled_from(["Ink", "Ecru", "Moss"]), unique=True, max_size=3),
        "price": st.integers(100, 102),
        "minimum": st.sampled_from(["", 30, 40]),
        "image": st.sampled_from(["", "a.jpg", "b.jpg"]),
    }
)
FILES = st.dictionaries(st.sampled_from(["K1", "K2", "K3"]), CELLS, min_size=1)


def lines(file: dict[str, dict[str, Any]]) -> list[str]:
    """Write a file; its SKUs move between the colours."""
    header = "code,name,option1_name,option1_value,sku,price,minimum,image"
    rows = [
        f"{code},{has['name']},{'Colour' if colour else ''},{colour},{code}-{number},{has['price']},{has['minimum']},{has['image']}"
        for code, has in file.items()
        for number, colour in enumerate(has["colours"] or [""])
    ]
    return [header, *rows]


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=FILES, second=FILES)
def test_any_import_over_any_other_can_be_taken_back(sqlite_database: Database, first: Any, second: Any) -> None:
    with sqlite_database.transaction() as session:
        campaign = make.campaign(session, state=CampaignState.DRAFT)
        assert load(session, lines(first)).written
        before = undoing.state(session, campaign.id)
        changed = load(session, lines(second))
        if changed.new or changed.changed:
            undo(session)
        assert undoing.state(session, campaign.id) == before
        session.rollback()


def test_a_way_back_holds_no_more_than_what_differs(session: Session, draft: Campaign) -> None:
    load(session, FIRST)
    load(session, (HEADER, "K2,Gown,,,,D2,199,,,"))
    back = session.get_one(ImportUndo, draft.id).back
    assert {name: [len(rows) for rows in way.values()] for name, way in back.items() if any(way.values())} == {"candidate": [0, 1, 0]}
