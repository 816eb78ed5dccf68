"""Asking for the way back, and objecting, in the browser."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from c2b.campaigns.models import Campaign
from c2b.db import Database
from c2b.messages.models import Message
from c2b.people import lost
from c2b.people.models import LostAddress
from c2b.people.rules import OBJECTION, AddressKind, LostState, address_digest
from c2b.voting.models import Ballot
from tests import make
from tests.web.conftest import Clock
from tests.web.pages import Browser

Open = Callable[..., Browser]
ANNA = "anna@example.com"
pytestmark = pytest.mark.usefixtures("campaign")


def asked(visitor: Browser, old: str = "anna@example.com", new: str = "new@example.org") -> Browser:
    visitor.get("/sign-in")
    visitor.get("/sign-in/lost?kind=email")
    visitor.press("Send a code", old=old, address=new, words="It is me")
    visitor.press("Send the request", code=visitor.words.partition("The code is ")[2][:6])
    return visitor


def test_the_sign_in_page_leads_to_the_way_back(visit: Open) -> None:
    visitor = visit()
    visitor.get("/sign-in")
    assert 'href="/sign-in/lost?kind=email"' in visitor.html


def test_the_answer_does_not_tell_whether_anybody_is_known_by_the_old_address(visit: Open, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        make.address(
            session, make.person(session), "anna@example.com", digest=address_digest("k" * 40, AddressKind.EMAIL, "anna@example.com")
        )
    known, unknown = asked(visit()), asked(visit(), "nobody@example.com", "other@example.org")
    assert "Your request is with us." in known.words
    assert known.words == unknown.words
    with sqlite_database.reading() as session:
        assert [(each.possible, each.state) for each in lost.requests(session)] == [(False, LostState.ASKED), (True, LostState.ASKED)]
        assert {message.recipient for message in session.scalars(select(Message))} == {"new@example.org", "other@example.org"}


@pytest.mark.parametrize(("old", "new"), [("anna", "new@example.org"), ("anna@example.com", "new"), ("", "")])
def test_what_is_no_address_is_refused_at_its_field_and_everything_is_kept(visit: Open, old: str, new: str) -> None:
    visitor = visit()
    visitor.get("/sign-in/lost")
    visitor.press("Send a code", expect=400, old=old, address=new, words="It is me")
    kept = {control.get("name"): control.get("value") for control in visitor.tree.iter("input")}
    assert (kept["old"], kept["address"]) == (old, new)
    assert "It is me" in visitor.html
    assert 'aria-invalid="true"' in visitor.html


def test_a_telephone_can_be_lost_too(visit: Open, sqlite_database: Database) -> None:
    visitor = visit("zh")
    visitor.get("/sign-in/lost?kind=phone")
    visitor.press("给新地址发验证码", old="138 0013 8000", address="139 0013 9000", words="手机丢了")
    visitor.press("提交申请", code=visitor.words.partition("验证码是 ")[2][:6])
    with sqlite_database.reading() as session:
        row = session.scalars(select(LostAddress)).one()
    assert (row.kind, row.old_value, row.new_value) == (AddressKind.PHONE, "+8613800138000", "+8613900139000")


def test_a_wrong_code_can_be_corrected(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    visitor.get("/sign-in/lost")
    visitor.press("Send a code", old="anna@example.com", address="new@example.org", words="")
    right = visitor.words.partition("The code is ")[2][:6]
    visitor.press("Send the request", expect=400, code="000000" if right != "000000" else "111111")
    visitor.press("Send the request", code=right)
    with sqlite_database.reading() as session:
        assert len(session.scalars(select(LostAddress)).all()) == 1


def test_the_code_page_without_a_request_leads_to_the_form(visit: Open) -> None:
    visitor = visit()
    visitor.get("/sign-in/lost/code")
    assert visitor.url == "/sign-in/lost"


def test_looking_at_the_link_changes_nothing_and_pressing_the_button_stops_the_move(
    visit: Open, sqlite_database: Database, clock: Clock
) -> None:
    with sqlite_database.transaction() as session:
        make.address(
            session, make.person(session), "anna@example.com", digest=address_digest("k" * 40, AddressKind.EMAIL, "anna@example.com")
        )
    visitor = asked(visit())
    with sqlite_database.transaction() as session:
        ref = lost.requests(session)[0].ref
        lost.propose(session, ref=ref, reason="fits", actor="staff:a@example.com", now=clock.at)
        lost.approve(session, ref=ref, actor="staff:b@example.com", now=clock.at)
        path = str(session.scalars(select(Message.fields).where(Message.template == "address_lost")).one()["path"])
    visitor.get(path)
    with sqlite_database.reading() as session:
        assert lost.requests(session)[0].state is LostState.WAITING
    visitor.press("Stop the move")
    assert "Stopped. Your account stays with your address." in visitor.words
    with sqlite_database.reading() as session:
        assert lost.requests(session)[0].state is LostState.STOPPED
    visitor.get(path)
    visitor.press("Stop the move")
    assert "This link was used or is too old." in visitor.words


def signing_in(visitor: Browser, address: str = ANNA, to: str = "/c/ss27/") -> str:
    """Ask for a code to the address and return it."""
    visitor.get(f"/sign-in?next={to}")
    visitor.press("Send the code", address=address)
    return visitor.words.partition("The code is ")[2][:6]


@pytest.fixture
def moved(visit: Open, sqlite_database: Database, clock: Clock, campaign: Campaign) -> None:
    """Anna has voted, and her account was moved away from her old address."""
    voter = visit()
    voter.press("Sign in", code=signing_in(voter))
    voter.get(f"/c/{campaign.slug}/p/K00")
    voter.press("Vote")
    asked(visit())
    with sqlite_database.transaction() as session:
        ref = lost.requests(session)[0].ref
        lost.propose(session, ref=ref, reason="fits", actor="staff:a@example.com", now=clock.at)
        lost.approve(session, ref=ref, actor="staff:b@example.com", now=clock.at)
    clock.at += OBJECTION
    lost.move_account(sqlite_database, {"ref": ref}, clock.at)


@pytest.mark.usefixtures("moved")
def test_given_a_moved_account_when_who_reads_the_old_address_signs_in_then_they_are_told_and_the_form_is_kept(
    visit: Open, sqlite_database: Database
) -> None:
    visitor = visit()
    code = signing_in(visitor)
    visitor.press("Sign in", expect=409, code=code)
    assert "This address can't be used in this shop at the moment; use another one, or write to us" in visitor.words
    kept = {control.get("name"): control.get("value") for control in visitor.tree.iter("input")}
    assert (kept["address"], kept["next"]) == (ANNA, "/c/ss27/")
    assert 'aria-invalid="true"' in visitor.html
    with sqlite_database.reading() as session:
        assert len(session.scalars(select(Ballot)).all()) == 1
    visitor.press("Send the code", address="new@example.org")
    visitor.press("Sign in", code=visitor.words.partition("The code is ")[2][:6])
    assert "You are signed in" in visitor.words


@pytest.mark.usefixtures("moved")
def test_given_a_moved_account_when_it_is_said_in_chinese_then_it_is_said_in_chinese(visit: Open) -> None:
    visitor = visit("zh")
    visitor.get("/sign-in?next=/c/ss27/")
    visitor.press("发送验证码", address=ANNA)
    visitor.press("登录", expect=409, code=visitor.words.partition("验证码是 ")[2][:6])
    assert "这个邮箱或号码目前不能在本店使用；请换一个，或联系我们" in visitor.words


@pytest.mark.usefixtures("moved")
def test_given_a_moved_account_when_a_code_is_asked_for_or_mistaken_then_the_pages_tell_nothing(visit: Open) -> None:
    pages = []
    for address in (ANNA, "annb@example.com"):
        visitor = visit()
        code = signing_in(visitor, address)
        asked_page = visitor.words.replace(code, "")
        visitor.press("Sign in", expect=400, code="000000" if code != "000000" else "111111")
        pages.append((asked_page, visitor.words.replace(code, "")))
    assert pages[0] == pages[1]


@pytest.mark.usefixtures("moved")
def test_given_a_moved_account_when_somebody_adds_the_old_address_then_the_page_says_it_cannot_be_added(visit: Open) -> None:
    visitor = visit()
    visitor.press("Sign in", code=signing_in(visitor, "bert@example.com"))
    visitor.get("/me/addresses?kind=email")
    visitor.press("Send the code", address=ANNA)
    visitor.press("Add this address", expect=409, code=visitor.words.partition("The code is ")[2][:6])
    assert "This address can’t be added here." in visitor.words
