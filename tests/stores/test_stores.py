"""The brand's stores: taken in from a list, found by distance, closed, and who works there."""

from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.campaigns.catalogue import ImportReport
from c2b.errors import Invalid, NotFound
from c2b.people import actions as people
from c2b.people.models import Staff
from c2b.people.rules import Role
from c2b.stores import actions, queries
from c2b.stores.file import read_stores
from c2b.stores.models import Store
from tests import make
from tests.campaigns.files import NOW, csv

HEADER = "code,name,address,city,latitude,longitude,hours,phone"
ACTOR = "cli:mei"
ABOUT: dict[str, Any] = {"actor": ACTOR, "now": NOW}


def load(session: Session, *lines: str, **options: Any) -> ImportReport:
    return actions.import_stores(session, stores=read_stores(csv(*lines)), **ABOUT, **options)


def log(session: Session) -> list[str]:
    return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_a_list_makes_stores_then_updates_them_then_leaves_them_alone(session: Session) -> None:
    lakeside = "HZ1,湖滨店,平海路 1 号,杭州,30.2553,120.1652,10:00-22:00,0571-1"
    assert load(session, HEADER, lakeside, "SH1,静安店,,上海,,,,").new == 2
    report = load(session, HEADER, lakeside.replace("湖滨店", "湖滨旗舰店"), "SH1,静安店,,上海,,,,")
    assert (report.new, report.changed, report.unchanged) == (0, 1, 1)
    session.expire_all()
    store = session.scalars(select(Store).where(Store.code == "HZ1")).one()
    assert (store.name, store.latitude, store.longitude, store.hours) == ("湖滨旗舰店", 30.2553, 120.1652, "10:00-22:00")
    assert log(session) == ["stores.import"] * 2


def test_chinese_columns_are_understood_and_a_row_says_only_what_it_knows(session: Session) -> None:
    load(session, HEADER, "HZ1,A,Road 1,Hangzhou,30.1,120.1,10-22,1")
    report = load(session, "门店编码,门店名称,店长", "HZ1,湖滨店,李")
    assert [str(each) for each in report.notices] == ["columns that aren't used: 店长"]
    session.expire_all()
    store = session.scalars(select(Store)).one()
    assert (store.name, store.address, store.latitude) == ("湖滨店", "Road 1", 30.1)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("H Z,A,,,,,,", "row 2, code “H Z”: is no code of a store"),
        ("HZ1,,,,,,,", "row 2, name: a name has 1 to 200 characters"),
        ("HZ1,A,,,91,120,,", "row 2, latitude “91”: is no latitude; write degrees like 30.2741"),
        ("HZ1,A,,,30,180.5,,", "row 2, longitude “180.5”: is no longitude"),
        ("HZ1,A,,,30°N,120,,", "row 2, latitude “30°N”: is no latitude"),
        ("HZ1,A,,,30.1,,,", "row 2, latitude “30.1”: a place needs latitude and longitude"),
        ("HZ1,A,,,,120.1,,", "row 2, longitude “120.1”: a place needs latitude and longitude"),
        (f"HZ1,A,{'x' * 301},,,,,", "the text is too long; at most 300 characters fit"),
    ],
)
def test_a_list_with_a_problem_is_not_written_unless_asked(session: Session, line: str, problem: str) -> None:
    report = load(session, HEADER, line, "OK,Fine,,,,,,")
    assert problem in str(report.problems[0])
    assert (report.written, session.scalar(select(func.count()).select_from(Store))) == (False, 0)
    assert load(session, HEADER, line, "OK,Fine,,,,,,", skip_bad=True).new == 1


@pytest.mark.parametrize(("latitude", "longitude"), [("90", "180"), ("-90.0", "-180.000"), ("+0.5", "99.9"), ("8.000000001", "170.25")])
def test_every_place_on_earth_can_be_written(session: Session, latitude: str, longitude: str) -> None:
    load(session, HEADER, f"HZ1,A,,,{latitude},{longitude},,")
    assert queries.stores(session)[0].spot == (float(latitude), float(longitude))


def test_half_a_place_is_kept_out_by_the_database_too(session: Session) -> None:
    with pytest.raises(IntegrityError):
        make.store(session, longitude=None)


def test_a_list_without_codes_is_refused_as_a_whole() -> None:
    with pytest.raises(Invalid, match="no column code"):
        read_stores(csv("name,city", "A,B"))


@pytest.fixture
def towns(session: Session) -> Session:
    make.store(session, "BJ1", city="北京", name="三里屯店", latitude=39.93, longitude=116.45)
    make.store(session, "HZ1", city="杭州", name="湖滨店", latitude=30.25, longitude=120.16)
    make.store(session, "HZ2", city="杭州", name="滨江店", latitude=30.19, longitude=120.21)
    make.store(session, "SH1", city="上海", name="静安店", latitude=31.23, longitude=121.45)
    make.store(session, "XX1", city="Nowhere", name="Van", latitude=None, longitude=None)
    return session


def test_the_nearest_come_first_by_distance_alone(towns: Session) -> None:
    found = queries.near(towns, " 杭州 ")
    assert [store.code for store in found][2:] == ["SH1", "BJ1", "XX1"]
    assert {store.code for store in found[:2]} == {"HZ1", "HZ2"}
    assert [None if store.km is None else round(store.km) for store in found] == [0, 0, 165, 1132, None]


def test_a_place_that_no_store_has_leaves_them_by_city(towns: Session) -> None:
    assert [store.km for store in queries.near(towns, "Paris")] == [None] * 5
    assert [store.code for store in queries.near(towns, "")] == [store.code for store in queries.stores(towns)]


def test_a_store_without_a_place_on_the_map_is_found_by_its_name(towns: Session) -> None:
    first, *others = queries.near(towns, "VAN")
    assert (first.code, first.km, {store.km for store in others}) == ("XX1", 0, {None})


def test_a_closed_store_is_not_offered_until_it_opens_again(towns: Session) -> None:
    assert actions.close(towns, code="HZ1", **ABOUT) == "湖滨店"
    actions.close(towns, code="HZ1", **ABOUT)
    assert "HZ1" not in {store.code for store in queries.near(towns, "杭州")}
    assert queries.stores(towns)[-1].code == "HZ1", "closed ones stand last"
    actions.reopen(towns, code="HZ1", **ABOUT)
    assert "HZ1" in {store.code for store in queries.near(towns, "")}
    assert log(towns) == ["stores.close", "stores.reopen"]


def test_an_import_does_not_open_a_closed_store_again(session: Session) -> None:
    load(session, HEADER, "HZ1,A,,,,,,")
    actions.close(session, code="HZ1", **ABOUT)
    load(session, HEADER, "HZ1,B,,,,,,")
    session.expire_all()
    assert [(store.name, store.closed_at) for store in queries.stores(session)] == [("B", NOW)]


def test_an_unknown_store_is_named(session: Session) -> None:
    with pytest.raises(NotFound, match="no store ZZ9"):
        actions.close(session, code="ZZ9", **ABOUT)


def test_an_assistant_belongs_to_one_store_at_a_time(towns: Session) -> None:
    people.add_staff(towns, email="li@example.com", role=Role.ASSISTANT, actor=ACTOR, now=NOW)
    member = towns.scalars(select(Staff)).one()
    for code in ("HZ1", "SH1", "SH1"):
        actions.assign(towns, email=" Li@example.com", code=code, **ABOUT)
    assert queries.workplaces(towns) == {"li@example.com": "静安店"}
    store = queries.store_of(towns, member.id)
    assert store is not None
    assert store.code == "SH1"
    actions.assign(towns, email="li@example.com", code="", **ABOUT)
    assert queries.store_of(towns, member.id) is None
    assert log(towns).count("stores.assign") == 3
    with pytest.raises(NotFound, match="ZZ9"):
        actions.assign(towns, email="li@example.com", code="ZZ9", **ABOUT)
