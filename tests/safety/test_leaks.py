"""No count before it is published: two shops that differ in nothing but other people's votes answer everybody alike.

Every route is walked by a visitor, a customer and each member of staff who may not see counts, in every state in which counts are
secret: status, headers and body have to be the same byte for byte. Who may see counts walks every page too, before asking for them.
A normal run takes each walker in some state and each state with some walker; the whole product takes long. A route that isn't in
`ROUTES` fails the first test.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.app import create_app
from c2b.audit.models import AuditEntry
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people import actions as people
from c2b.people.models import Person, Staff
from c2b.people.rules import Permission, Role, may
from c2b.settings import Settings
from c2b.ui.shell import parts
from c2b.voting import queries
from tests import make
from tests.admin import shop
from tests.databases import sqlite

DURING, AFTER = make.OPENS + timedelta(days=7), make.CLOSES + timedelta(minutes=1)
STATES: dict[str, tuple[datetime, dict[str, Any]]] = {
    "scheduled": (make.OPENS - timedelta(days=1), {"state": CampaignState.SCHEDULED}),
    "voting": (DURING, {"state": CampaignState.VOTING}),
    "paused": (DURING, {"state": CampaignState.VOTING, "paused": True, "reason": "The mill burned down"}),
    "late": (AFTER, {"state": CampaignState.VOTING}),
    "tally": (AFTER, {"state": CampaignState.TALLY}),
    "cancelled": (AFTER, {"state": CampaignState.CANCELLED, "reason": "The mill burned down"}),
}
"""Each state in which counts are secret: what the clock says, and what the campaign is. Late: the worker hasn't closed voting yet."""
SECRET = [role for role in Role if not may(role, Permission.COUNTS)]
VIEWERS = ("visitor", "customer", *(role.value for role in SECRET))
LOOKERS = tuple(role.value for role in Role if may(role, Permission.COUNTS))
"""They get every page as the others do until their look is logged; what they post may be meant to tell."""
PAIRWISE = {
    "scheduled": ("merchandiser",),
    "voting": ("visitor", "customer"),
    "paused": ("support",),
    "late": ("assistant", "auditor"),
    "tally": ("finance", "manager"),
    "cancelled": ("owner",),
}
ROUTES = """
about.home /
about.how /c/ss27/how
about.short /s/store-1
addresses.add POST /me/addresses/code
addresses.code /me/addresses/code
addresses.page /me/addresses
addresses.send POST /me/addresses
admin.accounts /admin/staff
admin.add_account POST /admin/staff
admin.advance POST /admin/ss27/advance
admin.advance_production POST /admin/ss27/production/nothing/step
admin.agree_to_forfeit POST /admin/ss27/balances/agree
admin.agree_to_make POST /admin/ss27/decision/exceptions/agree
admin.agree_to_override POST /admin/ss27/overrides/agree
admin.approve POST /admin/ss27/decision/approve
admin.approve_move POST /admin/lost/approve
admin.arrive POST /admin/ss27/pickups
admin.balances /admin/ss27/balances
admin.books /admin/money/books
admin.came_back POST /admin/ss27/orders/none/came-back
admin.campaigns /admin/
admin.cancel POST /admin/ss27/cancel
admin.cancelling /admin/ss27/cancel
admin.candidate /admin/ss27/candidates/K101 /admin/ss27/candidates/K104
admin.candidates /admin/ss27/candidates /admin/ss27/candidates?q=K1&sort=votes
admin.cannot_deliver POST /admin/ss27/undelivered
admin.change_production POST /admin/ss27/production/nothing/extra
admin.checked /admin/ss27/import/nothing
admin.close_case POST /admin/money/cases
admin.close_store POST /admin/stores/close?code=none
admin.columns /admin/ss27/import/nothing/columns
admin.counter /admin/ss27/counter
admin.decide POST /admin/ss27/decision
admin.decide_group POST /admin/ss27/trust/1
admin.decide_one POST /admin/ss27/trust/ballot
admin.decision /admin/ss27/decision /admin/ss27/decision?all=yes
admin.delay POST /admin/ss27/production/delay
admin.download POST /admin/ss27/exports/bundle?format=zip /admin/ss27/exports/deposits?format=csv /admin/ss27/exports/customers?format=csv
admin.download POST /admin/ss27/exports/candidates?format=csv /admin/ss27/exports/candidates?format=json
admin.download POST /admin/ss27/exports/ledger?format=csv /admin/ss27/exports/refunds?format=csv
admin.download POST /admin/ss27/exports/funnel?format=csv
admin.download POST /admin/ss27/exports/votes?format=csv /admin/ss27/exports/votes?format=pb /admin/ss27/exports/results?format=csv
admin.enter_ballot POST /admin/ss27/counter/ballot
admin.enter_parcels POST /admin/ss27/shipping
admin.exports /admin/ss27/exports
admin.find_pickup POST /admin/hand-out?code=ABCDEFGH
admin.forfeit POST /admin/ss27/balances/keep
admin.funnel /admin/ss27/funnel
admin.guide /admin/ss27/guide
admin.hand_out /admin/hand-out
admin.hand_over POST /admin/ss27/orders/none/hand-over
admin.handed_out POST /admin/hand-out/done
admin.import_checked POST /admin/ss27/import/nothing
admin.import_statement POST /admin/money/statements
admin.import_stores POST /admin/stores
admin.importing /admin/ss27/import
admin.legal_profiles /admin/legal
admin.let_the_rule_decide POST /admin/ss27/decision/exceptions/take-back
admin.links /admin/ss27/links /admin/ss27/links?s=store-1
admin.log /admin/ss27/log
admin.look POST /admin/ss27/counts
admin.look_at_account POST /admin/ss27/orders/none/account
admin.look_again POST /admin/ss27/trust/look
admin.lost_addresses /admin/lost
admin.make_all_the_same POST /admin/ss27/decision/exceptions
admin.make_campaign POST /admin/new
admin.messages /admin/messages
admin.money /admin/money
admin.new_campaign /admin/new /admin/new?like=ss27
admin.next_customer POST /admin/ss27/counter/next
admin.next_pickup POST /admin/hand-out/next
admin.not_arrived POST /admin/ss27/pickups/back
admin.order /admin/ss27/orders/nothing
admin.orders /admin/ss27/orders
admin.override POST /admin/ss27/overrides?code=K101&reason=because
admin.overview /admin/ss27/
admin.pause POST /admin/ss27/pause
admin.pay_penalty POST /admin/ss27/balances/penalties
admin.pay_refund_out POST /admin/ss27/transfers/payouts
admin.pickups /admin/ss27/pickups
admin.poster /admin/ss27/poster?s=store-1
admin.production /admin/ss27/production
admin.production_order /admin/ss27/production/nothing
admin.propose_move POST /admin/lost/propose
admin.receive_goods POST /admin/ss27/production/nothing/receipts
admin.receive_transfer POST /admin/ss27/transfers
admin.refunds /admin/ss27/refunds
admin.refuse_move POST /admin/lost/refuse
admin.release_deposits POST /admin/ss27/balances/release
admin.reopen_store POST /admin/stores/reopen?code=none
admin.reset_account POST /admin/staff/reset
admin.resume POST /admin/ss27/resume
admin.revoke_override POST /admin/ss27/overrides/revoke
admin.sandbox_statement /admin/money/sandbox.csv
admin.save_settings POST /admin/ss27/settings
admin.select POST /admin/ss27/selection?confirm=ss27
admin.selection /admin/ss27/selection /admin/ss27/selection?places=3&held=1&all=yes
admin.send_again POST /admin/messages
admin.send_all_again POST /admin/messages/all
admin.send_failed_refunds POST /admin/ss27/refunds/again
admin.send_to_customer POST /admin/ss27/counter
admin.set_up POST /admin/set-up/nothing
admin.set_up_form /admin/set-up/nothing
admin.settle_mismatch POST /admin/ss27/orders/none/mismatch
admin.settings /admin/ss27/settings
admin.settle_refund POST /admin/ss27/refunds
admin.share_goods /admin/ss27/production/nothing/share
admin.share_out POST /admin/ss27/production/nothing/share
admin.shipping /admin/ss27/shipping /admin/ss27/shipping?q=nothing
admin.shut_account POST /admin/staff/shut
admin.sign_in POST /admin/sign-in
admin.sign_in_form /admin/sign-in
admin.sign_out POST /admin/sign-out
admin.stores /admin/stores
admin.take_delivery_back POST /admin/ss27/production/nothing/receipts/back
admin.take_out_parcel POST /admin/ss27/shipping/take-out
admin.take_back_override POST /admin/ss27/overrides/take-back
admin.transfers /admin/ss27/transfers
admin.trust /admin/ss27/trust
admin.undelivered /admin/ss27/undelivered
admin.undo_import POST /admin/ss27/import/undo
admin.upload POST /admin/ss27/import
admin.what_if /admin/ss27/decision/what-if /admin/ss27/decision/what-if?minimum=80&capacity=1
admin.withdraw POST /admin/ss27/candidates/K103/withdraw
api_ballots.put_ballot PUT /api/v1/campaigns/ss27/ballot
choosing.choose /c/ss27/choose
choosing.chosen POST /c/ss27/choose
collecting.choose POST /me/orders/nothing/store
collecting.stores /me/orders/nothing/store
compare.compare /c/ss27/compare /c/ss27/compare?c=K101&c=K104
gallery.gallery /c/ss27/ /c/ss27/?show=picked /c/ss27/?show=all /c/ss27/?q=K1 /c/ss27/?page=2 /c/ss27/?sort=votes&order=popular
health.alive /healthz
health.ready /readyz
held.held /c/ss27/held
held.say_why POST /c/ss27/held
lost.ask POST /sign-in/lost/code
lost.code /sign-in/lost/code
lost.form /sign-in/lost
lost.objection /stop/nothing
lost.send POST /sign-in/lost
lost.stop POST /stop/nothing
me.cancel POST /me/orders/nothing/cancel
me.leave POST /me/orders/none/leave
me.me /me
me.name_second POST /me/orders/none/second
me.order /me/orders/nothing
me.pay_out_to POST /me/orders/none/account
me.send_to POST /me/orders/none/address
me.wait POST /me/orders/none/delay
media.media /media/nothing.jpg
news.asked /opt-out/nothing
news.refuse POST /opt-out/nothing
news.setting POST /me/news?news=no
one.one /c/ss27/one
orders.basket /c/ss27/order /c/ss27/order?add=K101
orders.check POST /c/ss27/pay/nothing
orders.pay_again POST /me/orders/nothing/pay
orders.place POST /c/ss27/orders
orders.waiting /c/ss27/pay/nothing
product.product /c/ss27/p/K101 /c/ss27/p/K104 /c/ss27/p/nothing
results.results /c/ss27/results /c/ss27/results?show=selected /c/ss27/results?q=K101&page=2
results.tally /c/ss27/results/tally.csv /c/ss27/results/tally.json /c/ss27/results/tally.xlsx
sandbox.page /sandbox/pay/nothing
sandbox.pay POST /sandbox/pay/nothing
shuffle.candidates /c/ss27/shuffle/candidates.txt
shuffle.script /c/ss27/shuffle/gallery_order.py
shuffle.why /c/ss27/shuffle
sign_in.address /sign-in
sign_in.check POST /sign-in/code
sign_in.code /sign-in/code
sign_in.send POST /sign-in
sign_in.sign_out POST /sign-out
size.ask /c/ss27/size
size.remove POST /me/size
size.say POST /c/ss27/size?size=M
static /static/shop.css
verify.mail_receipt POST /c/ss27/receipt?picks=1
verify.prove POST /c/ss27/verify?receipt=nothing
verify.published /c/ss27/published/bundle.zip /c/ss27/published/result.json /c/ss27/published/ballots.csv /c/ss27/published/verify.py
verify.receipt /c/ss27/receipt
verify.receipt_file /c/ss27/receipt.txt
verify.verify /c/ss27/verify
votes.tap POST /c/ss27/votes/K102?do=vote /c/ss27/votes/K104?do=undo /c/ss27/votes/nothing?do=vote
webhooks.receive POST /webhooks/sandbox
wechat.back /sign-in/wechat/back
wechat.begin /sign-in/wechat
withdrawing.confirm POST /withdraw/order
withdrawing.enter /withdraw/none
withdrawing.form /withdraw
withdrawing.lines /withdraw/order
withdrawing.send POST /withdraw
"""
"""Every route with the addresses that are asked, those that end a login last; what a POST sends stands as its query."""
FAILURES = (500, 502)
"""Not ready (503) is an answer: no worker runs here."""
CHANCE = (
    (re.compile(r'(name="csrf_token" value=")[^"]*'), r"\1"),
    (re.compile(r'(name="key" value=")[^"]*'), r"\1"),  # of an order that isn't placed yet
    (re.compile(r"nonce-[\w-]+"), "nonce-"),
    (re.compile(r'(nonce=")[^"]*'), r"\1"),
    (re.compile(r'("X-CSRFToken": ")[^"]*'), r"\1"),
)
"""What differs between any two answers."""


class Compiled(BytecodeCache):
    """Templates that one shop has compiled, for all the others: a third of a walk otherwise."""

    kept: ClassVar[dict[str, bytes]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str


@dataclass
class Shop:
    """One of the two shops."""

    app: Flask
    database: Database
    cookies: dict[str, dict[str, str]]
    wrong: list[str] = field(default_factory=list)

    def client(self, viewer: str) -> FlaskClient:
        """Return a fresh browser of a person who is signed in already."""
        client = self.app.test_client()
        with client.session_transaction() as cookie:
            cookie.update({"lang": "en"} | self.cookies.get(viewer, {"viewer": 7}))
        return client

    def answer(self, viewer: str, asked: Asked) -> tuple[int, list[tuple[str, str]], str]:
        """Return status, headers and body as they are without chance."""
        path, _, query = asked.path.partition("?")
        sent: dict[str, Any] = (
            {"query_string": query} if asked.method == "GET" else {"data": dict(pair.split("=") for pair in query.split("&") if pair)}
        )
        with self.client(viewer).open(path, method=asked.method, **sent) as response:
            body = response.get_data().decode("latin-1")
            headers = [(name, value) for name, value in response.headers if name not in {"Date", "Set-Cookie"}]
        return response.status_code, [(name, without_chance(value)) for name, value in headers], without_chance(body)


def without_chance(text: str) -> str:
    for pattern, instead in CHANCE:
        text = pattern.sub(instead, text)
    return text


def asked() -> Iterator[Asked]:
    for line in ROUTES.strip().splitlines():
        _, *words = line.split()
        method = words.pop(0) if not words[0].startswith("/") else "GET"
        yield from (Asked(method, path) for path in words)


def base(session: Session, changes: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Fill a shop with a campaign, staff, voters and the customer's own ballot; return each person's cookie."""
    of = shop.campaign(session, CampaignState.VOTING)
    first, second, _, _ = shop.candidates(session, of)
    customer = make.person(session, viewer=7)
    make.address(session, customer, "anna@example.com")
    make.ballot(session, of, first, second, by=customer)
    cookies = {"customer": {"customer": people.start_login(session, person_id=customer.id, now=make.OPENS)}}
    for role in Role:
        people.add_staff(session, email=f"{role.value}@example.com", role=role, actor="cli:test", now=make.OPENS)
        member = session.scalars(select(Staff).where(Staff.email == f"{role.value}@example.com")).one()
        cookies[role.value] = {"staff": people.start_login(session, staff_id=member.id, now=AFTER - timedelta(minutes=5))}
    for _ in range(30):
        make.person(session)
    for name, value in changes.items():
        setattr(of, name, value)
    return cookies


def canaries(session: Session, votes: dict[str, int], held: dict[str, int]) -> None:
    """Let other people vote: as many ballots as there are votes, of people who were there already."""
    of = session.scalars(select(Campaign)).one()
    others = iter(session.scalars(select(Person).where(Person.viewer == 1).order_by(Person.id)))
    for given, changes in ((votes, {}), (held, {"held_at": make.OPENS, "held_reason": "bought votes"})):
        for code, count in given.items():
            for _ in range(count):
                make.ballot(session, of, make.candidate_of(session, of, code), by=next(others), **changes)


@contextmanager
def open_shop(folder: Path, database: Database, cookies: dict[str, dict[str, str]], clock: datetime) -> Iterator[Shop]:
    url = database.engine.url.render_as_string(hide_password=False)
    values = {"database_url": url, "data": folder, "secret_key": SecretStr("k" * 40), "base_url": "http://localhost"}
    app = create_app(Settings.model_validate(values), clock=lambda: clock)
    app.jinja_env.bytecode_cache = Compiled()
    app.config["WTF_CSRF_ENABLED"] = False  # what a POST without a token gets is the same everywhere, and tells nothing
    yield Shop(app, database, cookies)
    with app.app_context():
        parts().impressions.close()
        parts().database.close()


@contextmanager
def two_shops(folder: Path, state: str) -> Iterator[tuple[Shop, Shop]]:
    """Open two shops: in the first K101 leads, in the other K104 does, by other numbers of ballots, and others are held."""
    clock, changes = STATES[state]
    with sqlite(folder) as first:
        with first.transaction() as session:
            cookies = base(session, changes)
        path = folder / "other.db"
        first.close()
        shutil.copyfile(str(first.engine.url.database), path)
        other = Database(f"sqlite:///{path}")
        for database, votes, held in (
            (first, {"K101": 17, "K102": 5}, {"K103": 3}),
            (other, {"K104": 11, "K103": 2, "K102": 1}, {"K101": 7}),
        ):
            with database.transaction() as session:
                canaries(session, votes, held)
        with open_shop(folder, first, cookies, clock) as one, open_shop(folder, other, cookies, clock) as two:
            yield one, two
        other.close()


def differences(one: Shop, two: Shop, viewer: str, wanted: Iterator[Asked]) -> list[str]:
    """Return where the two shops answer a person differently, or fail."""
    found = []
    for each in wanted:
        answers = one.answer(viewer, each), two.answer(viewer, each)
        if answers[0] != answers[1] or answers[0][0] in FAILURES:
            found.append(f"{each.method} {each.path}: {answers[0][0]} and {answers[1][0]}, {first_difference(*answers)}")
    return found


def walked(viewer: str) -> Iterator[Asked]:
    """Yield what somebody asks for on a walk."""
    yield from (each for each in asked() if viewer not in LOOKERS or each.method == "GET")


def first_difference(one: tuple[int, Any, str], two: tuple[int, Any, str]) -> str:
    if one[1] != two[1]:
        return str(set(map(str, one[1])) ^ set(map(str, two[1])))
    at = next((at for at, (left, right) in enumerate(zip(one[2], two[2], strict=False)) if left != right), min(len(one[2]), len(two[2])))
    return f"…{one[2][max(at - 60, 0) : at + 40]!r} and …{two[2][max(at - 60, 0) : at + 40]!r}"


def test_every_route_is_walked(tmp_path: Path) -> None:
    with sqlite(tmp_path) as database, open_shop(tmp_path, database, {}, DURING) as found:
        adapter = found.app.url_map.bind("localhost")
        for line in ROUTES.strip().splitlines():
            name, *words = line.split()
            method = words.pop(0) if not words[0].startswith("/") else "GET"
            assert {adapter.match(path.partition("?")[0], method=method)[0] for path in words} == {name}, line
        assert {line.split()[0] for line in ROUTES.strip().splitlines()} == set(found.app.view_functions)


def test_a_normal_run_walks_as_everybody_and_in_every_state() -> None:
    assert PAIRWISE.keys() == STATES.keys()
    assert {walker for walkers in PAIRWISE.values() for walker in walkers} == {*VIEWERS, *LOOKERS}


@pytest.mark.parametrize(
    ("state", "walkers"),
    [
        *(pytest.param(state, walkers, id=state) for state, walkers in PAIRWISE.items()),
        *(pytest.param(state, (*VIEWERS, *LOOKERS), id=f"{state}-everybody", marks=pytest.mark.long) for state in STATES),
    ],
)
def test_nobody_learns_a_count_before_it_is_published(tmp_path: Path, state: str, walkers: tuple[str, ...]) -> None:
    with two_shops(tmp_path, state) as (one, two):
        found = {viewer: differences(one, two, viewer, walked(viewer)) for viewer in walkers}
    assert {viewer: where for viewer, where in found.items() if where} == {}


def test_after_a_logged_look_the_same_pages_differ_so_that_the_walk_would_notice(tmp_path: Path) -> None:
    with two_shops(tmp_path, "tally") as (one, two):
        for each in (one, two):
            assert each.answer("manager", Asked("POST", "/admin/ss27/counts?to=selection"))[0] == 303
        found = differences(one, two, "manager", iter(Asked("GET", path) for path in ("/admin/ss27/", "/admin/ss27/selection")))
        assert len(found) == 2
        with one.database.reading() as session:
            assert [entry.actor for entry in session.scalars(select(AuditEntry).where(AuditEntry.action == "voting.look_at_counts"))] == [
                "staff:manager@example.com"
            ]


def test_once_the_result_is_published_everybody_sees_it(tmp_path: Path) -> None:
    with two_shops(tmp_path, "tally") as (one, two):
        for each in (one, two):
            assert each.answer("manager", Asked("POST", "/admin/ss27/selection?confirm=ss27"))[0] == 303
        paths = ("/c/ss27/results", "/c/ss27/results/tally.csv", "/c/ss27/results/tally.json")
        assert len(differences(one, two, "visitor", iter(Asked("GET", path) for path in paths))) == 3


def test_the_walk_notices_an_order_by_votes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def by_votes(session: Session, campaign: Campaign, _viewer: int) -> list[int]:
        counts = queries.counts(session, campaign.id)
        return sorted(counts, key=lambda key: -counts[key].votes)

    with two_shops(tmp_path, "voting") as (one, two):
        assert differences(one, two, "visitor", iter([Asked("GET", "/c/ss27/p/K101")])) == []
        monkeypatch.setattr(queries, "order_for", by_votes)
        assert differences(one, two, "visitor", iter([Asked("GET", "/c/ss27/p/K101")]))


def test_the_walk_gets_to_the_pages_that_it_is_about(tmp_path: Path) -> None:
    opened = {
        "visitor": "/ /c/ss27/ /c/ss27/p/K104 /c/ss27/results /c/ss27/how /c/ss27/verify /c/ss27/compare?c=K101&c=K104",
        "customer": "/me /c/ss27/receipt /c/ss27/receipt.txt /c/ss27/?show=picked",
        "merchandiser": "/admin/ss27/ /admin/ss27/candidates /admin/ss27/candidates/K101",
        "finance": "/admin/ss27/exports /admin/ss27/orders /admin/ss27/refunds",
    }
    with two_shops(tmp_path, "voting") as (one, _):
        found = {path: one.answer(viewer, Asked("GET", path))[0] for viewer, paths in opened.items() for path in paths.split()}
        found["export"] = one.answer("finance", Asked("POST", "/admin/ss27/exports/candidates?format=csv"))[0]
    assert set(found.values()) == {200}, found


def test_what_is_personal_or_secret_is_kept_by_no_cache(tmp_path: Path) -> None:
    public = {"/static/shop.css"}
    with two_shops(tmp_path, "voting") as (one, _):
        for each in asked():
            if each.method == "GET" and each.path not in public:
                _, headers, _ = one.answer("customer", each)
                kept = dict(headers).get("Cache-Control", "")
                assert "private" in kept or "no-store" in kept, f"{each.path}: {kept}"
                assert "ETag" not in dict(headers), each.path
