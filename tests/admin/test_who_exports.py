"""Which exports a role gets in which state, in every format that a kind has."""

import json

import pytest

from c2b.admin.exports import CARDS, TYPES
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.exports import kinds
from c2b.exports.kinds import Kind
from c2b.people.rules import Role
from tests.admin import shop
from tests.admin.conftest import Logged, SignIn
from tests.admin.test_files import export

BUNDLES = {"bundle", "opened-bundle"}
MADE = ("production-orders", "shipments", "pickups", "shopify-products")
CLOSED = [
    (Role.OWNER, CampaignState.VOTING, {*MADE, "results", "votes", "funnel", *BUNDLES}),
    (Role.MANAGER, CampaignState.VOTING, {*MADE, "results", "votes", "funnel", "customers", *BUNDLES}),
    (Role.AUDITOR, CampaignState.TALLY, {*MADE, "results", "votes", "funnel", "customers", *BUNDLES}),
    (Role.FINANCE, CampaignState.TALLY, {*MADE, "results", "votes", "funnel", "customers", *BUNDLES}),
    (Role.FINANCE, CampaignState.SELECTED, {*MADE, "customers", "opened-bundle"}),
    (Role.AUDITOR, CampaignState.SELECTED, {*MADE, "customers"}),
    (Role.OWNER, CampaignState.DECIDED, {"opened-bundle"}),
]


def fill(database: Database, state: CampaignState) -> None:
    """Make a campaign with votes, and with selection and decision where `state` has them."""
    with database.transaction() as session:
        of = shop.campaign(session, state)
        shop.votes(session, of)
        if state in (CampaignState.SELECTED, CampaignState.DECIDED):
            shop.selected(session, of)
        if state is CampaignState.DECIDED:
            of.state = CampaignState.SETTLING
            shop.decided(session, of)


@pytest.mark.parametrize(("role", "state", "closed"), CLOSED)
def test_a_role_gets_what_it_may_see_once_it_is_there(
    database: Database, sign_in: SignIn, logged: Logged, *, role: Role, state: CampaignState, closed: set[str]
) -> None:
    fill(database, state)
    browser = sign_in(role)
    given = {kind.value: export(browser, kind.value, kinds.formats(kind)[0].value)[0] for kind in Kind}
    assert given == {kind.value: 409 if kind.value in closed else 200 for kind in Kind}
    taken = {entry.object for entry in logged("exports.export")}
    assert taken == set(given) - closed
    browser.get("/admin/ss27/exports")
    shut = [b for b in browser.tree.iter("button") if b.get("disabled") is not None]
    assert len(shut) == len(closed)


def test_every_kind_comes_in_each_of_its_formats_with_its_own_type(database: Database, sign_in: SignIn) -> None:
    fill(database, CampaignState.DECIDED)
    browser = sign_in(Role.OWNER)
    for kind in (kind for kind in Kind if not kinds.shows_picks(kind)):
        for form in kinds.formats(kind):
            status, body, name = export(browser, kind.value, form.value)
            assert (status, name) == (200, f'attachment; filename="ss27-{kind.value}.{form.value}"')
            assert body
            if form is kinds.Format.JSON:
                json.loads(body)


def test_every_kind_has_a_card_and_every_format_a_type() -> None:
    assert {kind.value for kind in Kind} == set(CARDS)
    assert set(TYPES) == set(kinds.Format)


@pytest.mark.parametrize("role", [Role.MERCHANDISER, Role.SUPPORT, Role.ASSISTANT])
def test_other_roles_get_nothing(database: Database, sign_in: SignIn, role: Role) -> None:
    fill(database, CampaignState.VOTING)
    browser = sign_in(role)
    token = browser.html.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    for kind in Kind:
        assert browser.client.post(f"/admin/ss27/exports/{kind.value}", data={"csrf_token": token, "format": "csv"}).status_code == 403


@pytest.mark.parametrize(("kind", "form", "status"), [("customers", "pb", 400), ("votes", "", 400), ("x", "csv", 404)])
def test_what_does_not_exist_is_refused_and_not_logged(
    database: Database, sign_in: SignIn, logged: Logged, *, kind: str, form: str, status: int
) -> None:
    fill(database, CampaignState.DECIDED)
    assert export(sign_in(Role.OWNER), kind, form)[0] == status
    assert logged("exports.export") == []
