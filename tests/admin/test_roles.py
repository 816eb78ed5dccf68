"""Who may open what: every route of the staff's pages and every role; what isn't named here is denied."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people.rules import Permission, Role, may
from c2b.ui.access import policies
from tests.admin import shop
from tests.admin.conftest import SignIn

ALLOWED: dict[str, Permission | None] = {
    "campaigns": None,
    "overview": None,
    "new_campaign": Permission.PHASES,
    "make_campaign": Permission.PHASES,
    "settings": Permission.PHASES,
    "save_settings": Permission.PHASES,
    "look": Permission.COUNTS,
    "look_at_account": Permission.MONEY,
    "advance": Permission.PHASES,
    "pause": Permission.PHASES,
    "resume": Permission.PHASES,
    "cancelling": Permission.PHASES,
    "cancel": Permission.PHASES,
    "settle_refund": Permission.MONEY,
    "send_failed_refunds": Permission.MONEY,
    "settle_mismatch": Permission.MONEY,
    "balances": Permission.DEPOSITS,
    "agree_to_forfeit": Permission.MONEY,
    "forfeit": Permission.MONEY,
    "release_deposits": Permission.MONEY,
    "undelivered": Permission.DEPOSITS,
    "cannot_deliver": Permission.MONEY,
    "pay_penalty": Permission.MONEY,
    "candidates": Permission.CANDIDATES,
    "candidate": Permission.CANDIDATES,
    "withdraw": Permission.CANDIDATES,
    "importing": Permission.CANDIDATES,
    "upload": Permission.CANDIDATES,
    "undo_import": Permission.CANDIDATES,
    "checked": Permission.CANDIDATES,
    "columns": Permission.CANDIDATES,
    "import_checked": Permission.CANDIDATES,
    "trust": Permission.COUNTS,
    "look_again": Permission.BALLOTS,
    "decide_group": Permission.BALLOTS,
    "decide_one": Permission.BALLOTS,
    "selection": Permission.SELECTION,
    "select": Permission.SELECTION,
    "override": Permission.SELECTION,
    "agree_to_override": Permission.SELECTION,
    "take_back_override": Permission.SELECTION,
    "revoke_override": Permission.SELECTION,
    "counter": Permission.STORE_BALLOTS,
    "send_to_customer": Permission.STORE_BALLOTS,
    "next_customer": Permission.STORE_BALLOTS,
    "enter_ballot": Permission.STORE_BALLOTS,
    "orders": Permission.DEPOSITS,
    "order": Permission.DEPOSITS,
    "refunds": Permission.DEPOSITS,
    "hand_over": Permission.MONEY,
    "came_back": Permission.MONEY,
    "delay": Permission.OFFERS,
    "shipping": Permission.DEPOSITS,
    "enter_parcels": Permission.MONEY,
    "take_out_parcel": Permission.MONEY,
    "guide": None,
    "pickups": Permission.PICKUPS,
    "arrive": Permission.PICKUPS,
    "not_arrived": Permission.PICKUPS,
    "hand_out": Permission.PICKUPS,
    "find_pickup": Permission.PICKUPS,
    "next_pickup": Permission.PICKUPS,
    "handed_out": Permission.PICKUPS,
    "stores": Permission.PHASES,
    "import_stores": Permission.PHASES,
    "close_store": Permission.PHASES,
    "reopen_store": Permission.PHASES,
    "legal_profiles": None,
    "transfers": Permission.MONEY,
    "receive_transfer": Permission.MONEY,
    "pay_refund_out": Permission.MONEY,
    "funnel": Permission.DEPOSITS,
    "links": Permission.CANDIDATES,
    "poster": Permission.CANDIDATES,
    "decision": Permission.DECISION,
    "what_if": Permission.DECISION,
    "make_all_the_same": Permission.DECISION,
    "agree_to_make": Permission.DECISION,
    "let_the_rule_decide": Permission.DECISION,
    "approve": Permission.DECISION,
    "decide": Permission.DECISION,
    "production": Permission.OFFERS,
    "production_order": Permission.OFFERS,
    "advance_production": Permission.OFFERS,
    "change_production": Permission.OFFERS,
    "receive_goods": Permission.OFFERS,
    "take_delivery_back": Permission.OFFERS,
    "share_goods": Permission.OFFERS,
    "share_out": Permission.MONEY,
    "exports": Permission.EXPORTS,
    "download": Permission.EXPORTS,
    "log": Permission.AUDIT,
    "lost_addresses": Permission.PERSONAL_DATA,
    "propose_move": Permission.PERSONAL_DATA,
    "approve_move": Permission.PERSONAL_DATA,
    "refuse_move": Permission.PERSONAL_DATA,
    "messages": Permission.DEPOSITS,
    "money": Permission.DEPOSITS,
    "books": Permission.DEPOSITS,
    "close_case": Permission.MONEY,
    "import_statement": Permission.MONEY,
    "sandbox_statement": Permission.MONEY,
    "send_again": Permission.PERSONAL_DATA,
    "send_all_again": Permission.PERSONAL_DATA,
    "accounts": Permission.STAFF,
    "add_account": Permission.STAFF,
    "reset_account": Permission.STAFF,
    "shut_account": Permission.STAFF,
}
PUBLIC = {"sign_in", "sign_in_form", "sign_out", "set_up", "set_up_form"}
VALUES = {
    "slug": "ss27",
    "code": "K101",
    "ref": "nothing",
    "number": "nothing",
    "token": "nothing",
    "upload": "nothing",
    "kind": "candidates",
    "format": "csv",
    "group": 1,
}


def routes(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Yield method, endpoint and an address of every route of the staff's pages."""
    with app.test_request_context():
        adapter = app.create_url_adapter(None)
        for rule in app.url_map.iter_rules():
            if rule.endpoint.startswith("admin."):
                values: dict[str, Any] = {name: VALUES[name] for name in rule.arguments}
                path = app.url_for(rule.endpoint, **values)
                method = "POST" if "POST" in (rule.methods or ()) else "GET"
                yield method, rule.endpoint.removeprefix("admin."), path
        assert adapter is None or adapter


def test_every_route_is_in_the_table_with_the_permission_it_declares(app: Flask) -> None:
    declared = {name.removeprefix("admin."): policy for name, policy in policies(app).items() if name.startswith("admin.")}
    expected = {name: f"staff:{permission or 'any'}" for name, permission in ALLOWED.items()} | dict.fromkeys(PUBLIC, "public")
    assert declared.items() <= expected.items()


@pytest.mark.parametrize("role", list(Role))
def test_each_role_opens_what_its_permissions_say_and_nothing_else(app: Flask, database: Database, sign_in: SignIn, role: Role) -> None:
    with database.transaction() as session:
        shop.campaign(session, CampaignState.DRAFT)
    browser = sign_in(role)
    token = browser.html.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    wrong = []
    for method, endpoint, path in routes(app):
        if endpoint in PUBLIC:
            continue
        permission = ALLOWED[endpoint]
        answer = browser.client.open(path, method=method, data={"csrf_token": token} if method == "POST" else None)
        open_ = permission is None or may(role, permission)
        if open_ is (answer.status_code == 403) or answer.status_code >= 500:
            wrong.append((endpoint, answer.status_code))
        answer.close()
    assert wrong == []


def test_without_signing_in_every_page_leads_to_the_sign_in_page(app: Flask) -> None:
    client = app.test_client()
    client.get("/admin/sign-in")
    for method, endpoint, path in routes(app):
        if endpoint not in PUBLIC and method == "GET":
            answer = client.get(path)
            assert answer.status_code == 303, endpoint
            assert answer.headers["Location"].startswith("/admin/sign-in"), endpoint


def test_a_form_without_its_token_changes_nothing(app: Flask, database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.campaign(session)
    browser = sign_in()
    for method, endpoint, path in routes(app):
        if method == "POST":
            answer = browser.client.post(path, data={"reason": "because", "confirm": "ss27"})
            assert answer.status_code == 400, endpoint
    page = browser.get("/admin/ss27/")
    assert "Paused" not in page


def test_the_menu_shows_a_role_only_what_it_may_open(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.campaign(session)
    finance = sign_in(Role.FINANCE)
    finance.get("/admin/ss27/")
    assert "/admin/ss27/orders" in finance.html
    assert "/admin/ss27/candidates" not in finance.html
    assert "/admin/staff" not in finance.html
