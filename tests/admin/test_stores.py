"""The page of stores: their list is taken in, all of it or nothing; they close and open again; assistants get their place."""

import io

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from c2b.db import Database
from c2b.people.rules import Role
from c2b.stores import queries
from c2b.stores.models import Store
from tests import make
from tests.admin.conftest import Logged, SignIn, spoken
from tests.web.pages import Browser

HEADER = "code,name,address,city,latitude,longitude,hours,phone\n"


def bring(browser: Browser, text: str, *, expect: int = 200) -> None:
    browser.get("/admin/stores")
    browser.press("Take it in", expect=expect, file=FileStorage(io.BytesIO(text.encode()), filename="stores.csv"))


def test_a_list_is_taken_in_and_shown(database: Database, sign_in: SignIn, logged: Logged) -> None:
    browser = sign_in(Role.MANAGER)
    browser.get("/admin/stores")
    assert "No stores yet" in spoken(browser)
    bring(browser, f"{HEADER}HZ1,湖滨店,平海路 1 号,杭州,30.25,120.16,10:00-22:00,0571-1\nSH1,Jing’an,,Shanghai,,,,\n")
    assert "2 new, 0 changed, 0 as before." in spoken(browser)
    assert "湖滨店 HZ1 平海路 1 号 杭州 · 0571-1 10:00-22:00 Open for pickup" in spoken(browser)
    assert "Jing’an SH1 – Shanghai · no place on the map" in spoken(browser)
    assert [entry.actor for entry in logged("stores.import")] == ["staff:manager@example.com"]
    with database.reading() as session:
        assert len(queries.stores(session)) == 2


def test_what_is_wrong_stands_row_by_row_and_nothing_is_written(database: Database, sign_in: SignIn) -> None:
    browser = sign_in(Role.OWNER)
    bring(browser, f"{HEADER}HZ1,A,,,,,,\nHZ1,B,,,north,1,,", expect=400)
    assert "2 problems; nothing was written" in spoken(browser)
    assert "3 code HZ1 The code comes twice; remove one row" in spoken(browser)
    assert "3 latitude north Is no latitude; write degrees like 30.2741" in spoken(browser)
    with database.reading() as session:
        assert queries.stores(session) == []


@pytest.mark.parametrize(("text", "says"), [("", "Choose the list of stores first"), ("a,b\n1,2", "has no column")])
@pytest.mark.usefixtures("database")
def test_a_file_that_is_no_list_is_refused(sign_in: SignIn, text: str, says: str) -> None:
    browser = sign_in(Role.OWNER)
    bring(browser, text, expect=400)
    assert says in spoken(browser)


def test_a_store_closes_and_opens_again(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        make.store(session)
    browser = sign_in(Role.OWNER)
    browser.get("/admin/stores")
    browser.press("Close the store")
    assert "Store HZ1 can’t be chosen any more" in spoken(browser)
    assert "Closed" in spoken(browser)
    browser.press("Open again")
    assert "Store HZ1 can be chosen again." in spoken(browser)
    with database.reading() as session:
        assert session.scalars(select(Store.closed_at)).one() is None


def test_an_assistant_gets_a_store_and_loses_it_with_the_role(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        make.store(session)
    browser = sign_in(Role.OWNER)
    browser.get("/admin/staff")
    browser.press("Save", email="li@example.com", role="assistant", store="HZ1")
    browser.get("/admin/staff")
    assert "li@example.com Store assistant Store HZ1" in spoken(browser)
    browser.press("Save", email="li@example.com", role="assistant", store="")
    browser.get("/admin/staff")
    assert "li@example.com Store assistant Store HZ1" in spoken(browser), "who saves the form again keeps their store"
    browser.press("Save", email="li@example.com", role="support", store="HZ1")
    browser.get("/admin/staff")
    assert "li@example.com Support Waiting" in spoken(browser)


@pytest.mark.usefixtures("database")
def test_without_stores_nobody_is_asked_for_one(sign_in: SignIn) -> None:
    browser = sign_in(Role.OWNER)
    browser.get("/admin/staff")
    assert "Store, for an assistant" not in spoken(browser)
