"""Files in and out: importing candidates in two steps, and exports that are logged."""

import io
import os
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import func, select, update
from werkzeug.datastructures import FileStorage

from c2b.campaigns.models import Candidate, Picture
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people.rules import Role
from c2b.production.models import ProductionOrderLine
from tests import make
from tests.admin import shop
from tests.admin.conftest import Logged, SignIn, spoken
from tests.web.pages import Browser

GOOD = "code,name,price_from,price_to\nD1,Dress,100,120\nD2,Coat,200,260\n"
BAD = "code,name,price_from,price_to,colour\nD1,Dress,100,120,red\nD2,Coat,cheap,260,blue\nD3,Hat,dear,50,green\n"


def send(browser: Browser, text: str, *, images: bytes = b"", expect: int = 200) -> None:
    """Upload a file, and pictures if given, by the form of the page."""
    data: dict[str, object] = {"file": FileStorage(io.BytesIO(text.encode()), filename="new.csv")}
    if images:
        data["images"] = FileStorage(io.BytesIO(images), filename="pictures.zip")
    browser.get("/admin/ss27/import")
    browser.press("Upload and check", expect=expect, **data)


def candidates(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(func.count()).select_from(Candidate)).one()


@pytest.fixture
def merchandiser(database: Database, sign_in: SignIn) -> Browser:
    with database.transaction() as session:
        make.campaign(session, state=CampaignState.DRAFT)
    return sign_in(Role.MERCHANDISER)


def test_a_good_file_is_checked_first_and_written_when_confirmed(database: Database, merchandiser: Browser, logged: Logged) -> None:
    send(merchandiser, GOOD)
    assert "No problem was found." in merchandiser.words
    assert "New 2" in spoken(merchandiser)
    assert candidates(database) == 0
    merchandiser.press("Import")
    assert merchandiser.url == "/admin/ss27/candidates"
    assert "Imported: 2 new, 0 changed, 0 unchanged" in merchandiser.words
    assert candidates(database) == 2
    assert [(entry.actor, entry.after["new"]) for entry in logged("candidates.import")] == [("staff:merchandiser@example.com", 2)]


def test_problems_are_grouped_by_repair_and_listed_with_row_column_and_value(database: Database, merchandiser: Browser) -> None:
    send(merchandiser, BAD)
    words = spoken(merchandiser)
    assert "2 problems" in words
    assert "3 price_from cheap" in words
    assert "4 price_from dear" in words
    assert "Columns that aren't used: colour" in words
    assert "<title>Error: " in merchandiser.html
    assert candidates(database) == 0


def test_the_good_candidates_can_go_in_without_the_bad(database: Database, merchandiser: Browser) -> None:
    send(merchandiser, BAD)
    merchandiser.press("Import without them")
    assert "Imported: 1 new" in merchandiser.words
    assert candidates(database) == 1


def test_a_file_with_problems_is_never_written_as_a_whole(database: Database, merchandiser: Browser) -> None:
    send(merchandiser, BAD)
    merchandiser.press("Import without them", skip="no", expect=400)
    assert "Nothing was written" in merchandiser.words
    assert candidates(database) == 0


def test_pictures_of_an_archive_are_kept_when_it_is_imported_not_before(database: Database, merchandiser: Browser, tmp_path: Path) -> None:
    picture, archive = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (30, 36), "red").save(picture, "PNG")
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("D1.png", picture.getvalue())
    send(merchandiser, GOOD, images=archive.getvalue())
    assert not (tmp_path / "media").exists()
    merchandiser.press("Import")
    with database.reading() as session:
        stored = session.scalars(select(Picture)).one()
    assert (tmp_path / "media" / stored.file).is_file()
    assert list((tmp_path / "uploads").iterdir()) == []


def test_an_import_is_taken_back_with_its_pictures(database: Database, merchandiser: Browser, tmp_path: Path, logged: Logged) -> None:
    picture, archive = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (60, 80)).save(picture, "PNG")
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("D1.png", picture.getvalue())
    send(merchandiser, GOOD, images=archive.getvalue())
    merchandiser.press("Import")
    assert "It can be taken back for a day, under “Import”." in merchandiser.words
    assert len(list(tmp_path.glob("**/*.webp"))) == 1
    merchandiser.get("/admin/ss27/import")
    assert "by merchandiser@example.com: 2 new, 0 changed." in merchandiser.words
    merchandiser.press("Take the import back")
    assert "The import is taken back; everything is as it was before it." in merchandiser.words
    assert (candidates(database), list(tmp_path.glob("**/*.webp"))) == (0, [])
    assert [entry.before for entry in logged("candidates.undo_import")] == [{"added": 2, "changed": 0}]
    assert "Take the import back" not in merchandiser.words


def test_what_changed_since_the_import_is_named_and_kept(database: Database, merchandiser: Browser) -> None:
    send(merchandiser, GOOD)
    merchandiser.press("Import")
    merchandiser.get("/admin/ss27/import")
    with database.transaction() as session:
        session.execute(update(Candidate).where(Candidate.code == "D1").values(name="Gown"))
    merchandiser.press("Take the import back", expect=409)
    assert "Candidates have changed since this import" in merchandiser.words
    assert candidates(database) == 2


@pytest.mark.parametrize(("text", "said"), [("", "The file is empty"), ("\n\n", "The file is empty")])
def test_what_is_no_catalogue_is_refused_at_the_door(merchandiser: Browser, tmp_path: Path, text: str, said: str) -> None:
    send(merchandiser, text, expect=400)
    assert said in merchandiser.words
    assert not (tmp_path / "uploads").exists()


def test_without_a_file_the_form_says_so(merchandiser: Browser) -> None:
    merchandiser.get("/admin/ss27/import")
    merchandiser.press("Upload and check", expect=400)
    assert "Choose a CSV or XLSX file" in merchandiser.words


def test_a_name_that_we_did_not_give_opens_no_file(merchandiser: Browser) -> None:
    for name in ("..%2F..%2Fsecret-key", "%2e%2e", "x.file"):
        merchandiser.get(f"/admin/ss27/import/{name}", expect=404)


def test_an_upload_of_yesterday_is_forgotten(merchandiser: Browser, tmp_path: Path) -> None:
    send(merchandiser, GOOD)
    old = next((tmp_path / "uploads").iterdir())
    os.utime(old, (0, 0))
    gone = merchandiser.url
    send(merchandiser, GOOD)
    assert not old.exists()
    merchandiser.get(gone, expect=404)
    assert "Upload the file again" in merchandiser.words


def test_once_voting_is_open_nothing_can_be_imported(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        make.campaign(session)
    browser = sign_in()
    browser.get("/admin/ss27/import")
    assert "Candidates and offers are frozen now." in browser.words
    assert "Upload and check" not in browser.html


def export(browser: Browser, kind: str, form: str = "csv") -> tuple[int, bytes, str]:
    """Press a card's button and return what came."""
    browser.get("/admin/ss27/exports")
    token = browser.html.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    with browser.client.post(f"/admin/ss27/exports/{kind}", data={"csrf_token": token, "format": form}) as answer:
        return answer.status_code, answer.data, answer.headers.get("Content-Disposition", "")


def test_an_export_is_a_file_with_a_name_and_stands_in_the_log(database: Database, sign_in: SignIn, logged: Logged) -> None:
    with database.transaction() as session:
        shop.campaign(session)
    browser = sign_in(Role.MANAGER)
    status, body, name = export(browser, "candidates")
    assert (status, name) == (200, 'attachment; filename="ss27-candidates.csv"')
    assert "K101" in body.decode("utf-8-sig")
    status, body, name = export(browser, "candidates", "xlsx")
    assert body.startswith(b"PK")
    (first, second) = logged("exports.export")
    assert (first.actor, first.object, first.after["format"]) == ("staff:manager@example.com", "candidates", "csv")
    assert second.after["format"] == "xlsx"
    browser.get("/admin/ss27/exports")
    assert "Candidates XLSX" in spoken(browser)


def test_votes_stay_closed_until_voting_closes_and_personal_data_to_few(database: Database, sign_in: SignIn, logged: Logged) -> None:
    with database.transaction() as session:
        shop.votes(session, shop.campaign(session))
    manager = sign_in(Role.MANAGER)
    for kind in ("votes", "results", "production-orders", "customers"):
        status, body, _ = export(manager, kind)
        assert status == 409, kind
        assert "can’t be exported now" in body.decode()
    assert logged("exports.export") == []
    owner = sign_in(Role.OWNER)
    assert export(owner, "customers")[0] == 200


def test_an_unknown_kind_or_format_is_refused(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.campaign(session)
    browser = sign_in()
    assert export(browser, "everything")[0] == 404
    assert export(browser, "candidates", "exe")[0] == 400
    assert export(browser, "candidates", "beancount")[0] == 400


def test_after_the_decision_the_production_orders_can_be_taken(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.SETTLING)
        shop.selected(session, of)
        shop.decided(session, of)
    status, body, _ = export(sign_in(Role.FINANCE), "production-orders")
    assert status == 200
    assert b"ss27-K101-M" in body


@pytest.mark.parametrize(
    ("language", "agree", "differ"), [("en", "Totals agree: 5 pieces", "Totals differ."), ("zh", "合计一致", "合计不一致")]
)
def test_whether_the_exports_add_up_stands_on_top_of_them(
    database: Database, sign_in: SignIn, *, language: str, agree: str, differ: str
) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.SETTLING)
        shop.selected(session, of)
        shop.decided(session, of)
    finance = sign_in(Role.FINANCE)
    finance.get(f"/admin/ss27/exports?lang={language}")
    assert agree in finance.words
    with database.transaction() as session:
        session.execute(update(ProductionOrderLine).values(units_ordered=4))
    finance.get("/admin/ss27/exports")
    assert differ in finance.words
