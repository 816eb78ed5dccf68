"""The counter's page, as an assistant uses it."""

import pytest
from flask import Flask
from sqlalchemy import select

from c2b.audit.models import AuditEntry
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.messages.models import Message
from c2b.people.models import RetiredAddress
from c2b.people.rules import AddressKind, Role, address_digest
from c2b.voting.models import Ballot
from c2b.voting.rules import BallotSource
from tests import make
from tests.admin import shop
from tests.admin.conftest import SignIn
from tests.web.pages import Browser


@pytest.fixture
def assistant(database: Database, sign_in: SignIn) -> Browser:
    with database.transaction() as session:
        shop.campaign(session, CampaignState.VOTING, votes_each=3, identity=AddressKind.PHONE)
    return sign_in(Role.ASSISTANT)


def code_of(database: Database) -> str:
    with database.reading() as session:
        return str(session.scalars(select(Message).order_by(Message.id.desc())).first().fields["code"])  # type: ignore[union-attr]  # one was sent


def asked(assistant: Browser, number: str = "138 0013 8000") -> Browser:
    assistant.get("/admin/ss27/counter")
    assistant.press("Send the customer a code", address=number)
    return assistant


def test_an_assistant_enters_a_ballot_by_the_customers_code(assistant: Browser, database: Database) -> None:
    asked(assistant)
    assert "***8000" in assistant.words
    assert "13800138000" not in assistant.html
    assistant.press("Enter this ballot", code=code_of(database), pick=["K101", "", " K103 "])
    assert "with 2 votes." in assistant.words
    assert "1. The customer’s address" in assistant.words, "ready for the next customer"
    with database.reading() as session:
        assert session.scalars(select(Ballot.source)).one() is BallotSource.STORE
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "voting.enter_ballot")).one()
    assert entry.actor == "staff:assistant@example.com"


def test_what_was_typed_is_kept_where_the_code_is_wrong_and_the_address_stays_masked(assistant: Browser, database: Database) -> None:
    asked(assistant)
    wrong = f"{(int(code_of(database)) + 1) % 1_000_000:06d}"
    assistant.press("Enter this ballot", expect=400, code=wrong, pick=["K101", "K102"])
    assert "This code is not valid" in assistant.words
    kept = [control.get("value") for control in assistant.tree.iter("input") if control.get("name") == "pick"]
    assert kept == ["K101", "K102", ""]
    assistant.press("Enter this ballot", code=code_of(database))
    assert "with 2 votes." in assistant.words


def test_a_wrong_product_is_said_beside_the_votes(assistant: Browser, database: Database) -> None:
    asked(assistant)
    assistant.press("Enter this ballot", expect=400, code=code_of(database), pick=["K999"])
    assert "There is no product “K999”" in assistant.words


def test_the_list_to_choose_from_has_code_and_name_of_every_design(assistant: Browser) -> None:
    asked(assistant)
    options = {option.get("value"): option.text for option in assistant.tree.iter("option")}
    assert options == {code: f"{code} Design {code}" for code in ("K101", "K102", "K103", "K104")}


def test_who_has_voted_keeps_their_ballot_and_the_page_says_so(assistant: Browser, database: Database) -> None:
    asked(assistant)
    assistant.press("Enter this ballot", code=code_of(database), pick=["K101"])
    asked(assistant, "+86 13800138000")
    assert "K101" not in assistant.words.partition("Vote 1")[0], "nothing of theirs is shown"
    assistant.press("Enter this ballot", expect=409, code=code_of(database), pick=["K102"])
    assert "This customer has voted already." in assistant.words


def test_another_customer_forgets_this_one(assistant: Browser) -> None:
    asked(assistant)
    assistant.press("Another customer")
    assert "***8000" not in assistant.words
    assert "Send the customer a code" in assistant.words


def test_a_ballot_without_a_customer_leads_back_to_the_start(assistant: Browser, database: Database) -> None:
    asked(assistant)
    form = assistant.html
    assistant.press("Another customer")
    assistant.html = form
    assistant.press("Enter this ballot", code="123456", pick=["K101"])
    assert "Send the customer a code" in assistant.words
    with database.reading() as session:
        assert session.scalars(select(Ballot)).all() == []


def test_what_is_no_number_is_refused_beside_the_field(assistant: Browser) -> None:
    assistant.get("/admin/ss27/counter")
    assistant.press("Send the customer a code", expect=400, address="anna@example.com")
    assert "is not a telephone number" in assistant.words


def test_a_campaign_that_does_not_count_stores_says_so(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.campaign(session, CampaignState.VOTING, count=["verified"])
    page = sign_in(Role.ASSISTANT).get("/admin/ss27/counter")
    assert "doesn’t count ballots from stores" in page


@pytest.mark.parametrize("state", [CampaignState.SCHEDULED, CampaignState.TALLY])
def test_outside_the_vote_the_counter_is_shut(database: Database, sign_in: SignIn, state: CampaignState) -> None:
    with database.transaction() as session:
        shop.campaign(session, state)
    page = sign_in(Role.ASSISTANT)
    page.get("/admin/ss27/counter")
    assert "Voting isn’t open now." in page.words
    assert "Send the customer a code" not in page.words


def test_the_assistants_menu_has_the_counter_and_little_else(assistant: Browser, app: Flask) -> None:
    assistant.get("/admin/ss27/")
    assert "/admin/ss27/counter" in assistant.html
    for other in ("candidates", "orders", "selection", "exports", "log"):
        assert f"/admin/ss27/{other}" not in assistant.html
    assert app is not None


def test_given_a_number_that_an_account_was_moved_from_when_its_code_is_right_then_the_assistant_reads_that_it_cannot_be_used(
    assistant: Browser, database: Database
) -> None:
    with database.transaction() as session:
        owner = make.person(session)
        make.ballot(session, session.scalars(select(Campaign)).one(), by=owner)
        digest = address_digest("k" * 40, AddressKind.PHONE, "13800138000")
        session.add(RetiredAddress(person_id=owner.id, kind=AddressKind.PHONE, digest=digest, retired_at=make.OPENS))
    asked(assistant)
    code = code_of(database)
    assistant.press("Enter this ballot", expect=400, code="000000" if code != "000000" else "111111", pick=["K101"])
    assert "at the moment" not in assistant.words
    assistant.press("Enter this ballot", expect=409, code=code, pick=["K101"])
    assert "This address can't be used in this shop at the moment" in assistant.words
    with database.reading() as session:
        assert len(session.scalars(select(Ballot)).all()) == 1
