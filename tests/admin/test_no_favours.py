"""Whatever staff press, send or import: no candidate gets a better place in anybody's gallery."""

from itertools import count

import pytest
from flask import Flask
from sqlalchemy import select

from c2b.campaigns.models import Candidate
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people.rules import Role
from c2b.voting import queries
from tests import make
from tests.admin import shop
from tests.admin.conftest import SignIn
from tests.admin.test_roles import routes
from tests.campaigns.files import load
from tests.web.pages import Browser

FAVOURED = "K103"
EVERY_WISH = {
    **dict.fromkeys(("code", "codes", "candidate", "pin", "boost", "featured", "top", "first", "promote", "sticky"), FAVOURED),
    **dict.fromkeys(("position", "rank", "order", "sort", "weight", "priority", "places", "viewer", "seed"), "1"),
    **dict.fromkeys(("secret", "gallery_secret", "campaign.secret"), "00" * 32),
    "confirm": "ss27",
    "reason": "because",
    "do": "hold",
    "made": "1",
    "to": "tally",
    "choice": "keep",
    "number": "1",
}
"""What a form could ask for if there were such a setting, with all that real forms need."""
LEAVES = {"sign_out", "shut_account", "reset_account"}


def orders(database: Database) -> list[list[str]]:
    with database.reading() as session:
        campaign = make.campaign_of(session, "ss27")
        codes = {candidate.id: candidate.code for candidate in session.scalars(select(Candidate))}
        return [[codes[key] for key in queries.order_for(session, campaign, viewer)] for viewer in range(12)]


def gallery(browser: Browser) -> list[str]:
    browser.get("/c/ss27/?show=all")
    return [card.get("id") or "" for card in browser.tree.iter("li") if "it" in (card.get("class") or "").split()]


@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER, Role.MERCHANDISER])
def test_no_form_that_staff_can_send_moves_a_candidate(app: Flask, database: Database, sign_in: SignIn, role: Role) -> None:
    with database.transaction() as session:
        shop.votes(session, shop.campaign(session))
    customer = Browser(app)
    before, seen = orders(database), gallery(customer)
    browser = sign_in(role)
    token = browser.html.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    sent = count()
    for method, endpoint, path in routes(app):
        if endpoint in LEAVES:
            continue
        values = EVERY_WISH | {"csrf_token": token}
        client = browser.client
        answer = client.post(path, data=values) if method == "POST" else client.get(path, query_string=EVERY_WISH)
        assert answer.status_code < 500, endpoint
        answer.close()
        next(sent)
        assert orders(database) == before, endpoint
    assert next(sent) > 30
    assert gallery(customer) == seen


def test_a_viewer_cannot_ask_for_another_order_either(app: Flask, database: Database) -> None:
    with database.transaction() as session:
        shop.campaign(session)
    customer = Browser(app)
    seen = gallery(customer)
    for name, value in EVERY_WISH.items():
        customer.get(f"/c/ss27/?show=all&{name}={value}")
        assert [card.get("id") for card in customer.tree.iter("li") if "it" in (card.get("class") or "").split()] == seen, name


HEADER, ROWS = "code,name,category,price", [f"K{number},Shirt,Shirts,199" for number in range(1, 10)]


def test_a_second_import_in_another_order_moves_nobody(database: Database) -> None:
    with database.transaction() as session:
        make.campaign(session, state=CampaignState.DRAFT)
        load(session, (HEADER, *ROWS))
    before = orders(database)
    with database.transaction() as session:
        load(session, (HEADER, *reversed(ROWS)))
    assert orders(database) == before
    assert len(before[0]) == 9


def test_what_is_written_in_an_unknown_column_moves_nobody(database: Database) -> None:
    with database.transaction() as session:
        make.campaign(session, state=CampaignState.DRAFT)
        load(session, (HEADER, *ROWS))
    before = orders(database)
    with database.transaction() as session:
        load(session, (f"{HEADER},position,rank,pin,排序", *(f"{row},1,1,yes,1" for row in ROWS)))
    assert orders(database) == before
