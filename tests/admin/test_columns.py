"""Matching columns: a file that calls its columns otherwise is understood once somebody has said what is what."""

from typing import Any

import pytest
from sqlalchemy import select

from c2b.campaigns.models import Candidate, OptionValue
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people.rules import Role
from tests import make
from tests.admin.conftest import SignIn, spoken
from tests.admin.test_files import GOOD, candidates, send
from tests.web.pages import Browser

FOREIGN = "Artikel;Bezeichnung;Farbe;VK\nD1;Kleid;Rot;99\nD1;Kleid;Blau;99\nD2;Mantel;Grau;249\n"
MATCHED = {"m-code": "Artikel", "m-name": "Bezeichnung", "m-option1_value": "Farbe", "m-price": "VK"}


@pytest.fixture
def merchandiser(database: Database, sign_in: SignIn) -> Browser:
    with database.transaction() as session:
        make.campaign(session, state=CampaignState.DRAFT)
    return sign_in(Role.MERCHANDISER)


def match(browser: Browser, *, expect: int = 200, **changes: str) -> None:
    browser.press("Check with these columns", expect=expect, **(MATCHED | changes))


def chosen(browser: Browser, name: str) -> str:
    control = next(each for each in browser.tree.iter("select") if each.get("name") == name)
    return next((str(each.get("value")) for each in control.iter("option") if each.get("selected") is not None), "")


def test_a_file_with_other_headers_asks_what_is_what_shows_its_rows_and_is_imported(database: Database, merchandiser: Browser) -> None:
    send(merchandiser, FOREIGN)
    assert merchandiser.url.endswith("/columns")
    assert "Artikel Bezeichnung Farbe VK D1 Kleid Rot 99" in spoken(merchandiser)
    match(merchandiser)
    assert "No problem was found." in spoken(merchandiser)
    assert "New 2" in spoken(merchandiser)
    merchandiser.press("Import")
    assert "Imported: 2 new, 0 changed, 0 unchanged" in spoken(merchandiser)
    with database.reading() as session:
        assert list(session.scalars(select(Candidate.name).order_by(Candidate.position))) == ["Kleid", "Mantel"]
        assert set(session.scalars(select(OptionValue.value))) == {"Rot", "Blau", "Grau"}


def test_what_is_wrong_is_named_as_the_file_names_it(merchandiser: Browser) -> None:
    send(merchandiser, FOREIGN.replace("249", "teuer"))
    match(merchandiser)
    assert "4 VK teuer" in spoken(merchandiser)


def test_without_code_or_name_it_is_asked_again_and_what_was_said_stays(merchandiser: Browser) -> None:
    send(merchandiser, FOREIGN)
    match(merchandiser, expect=400, **{"m-code": ""})
    assert "The header has no column code" in spoken(merchandiser)
    assert (chosen(merchandiser, "m-name"), chosen(merchandiser, "m-code")) == ("Bezeichnung", "")


def test_what_we_know_is_chosen_already_and_can_be_changed_from_the_check(merchandiser: Browser) -> None:
    send(merchandiser, "code,name,Farbe\nD1,Dress,Red\n")
    assert "columns that aren't used: Farbe" in spoken(merchandiser).replace("Columns", "columns")
    address = next(link.get("href") for link in merchandiser.tree.iter("a") if "".join(link.itertext()) == "Match columns")
    merchandiser.get(str(address))
    assert (chosen(merchandiser, "m-code"), chosen(merchandiser, "m-name"), chosen(merchandiser, "m-price")) == ("code", "name", "")
    changed: dict[str, Any] = {"m-option1_value": "Farbe"}
    merchandiser.press("Check with these columns", **changed)
    assert "aren't used" not in spoken(merchandiser)


def test_a_column_that_the_file_has_not_is_no_match(merchandiser: Browser) -> None:
    send(merchandiser, FOREIGN)
    upload = merchandiser.url.removesuffix("/columns")
    merchandiser.get(f"{upload}?m-code=Nothing&m-name=Bezeichnung", expect=400)
    assert "The header has no column code" in spoken(merchandiser)


def test_a_file_that_fits_is_checked_at_once(database: Database, merchandiser: Browser) -> None:
    send(merchandiser, GOOD)
    assert not merchandiser.url.endswith("/columns")
    assert candidates(database) == 0


def test_an_upload_that_is_gone_has_no_columns(merchandiser: Browser) -> None:
    merchandiser.get("/admin/ss27/import/nothing/columns", expect=404)
