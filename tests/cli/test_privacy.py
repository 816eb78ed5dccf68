"""c2b privacy: everything about a customer given out, and gone without breaking a count, a sum or the published root."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.cli import group
from c2b.db import Database
from c2b.deposits import privacy as deposits
from c2b.deposits.models import Order, OrderLine, PayoutAccount
from c2b.deposits.payout_ways import PayoutWay
from c2b.deposits.rules import Fulfilment, Outcome
from c2b.errors import NotFound, Refused
from c2b.messages import refusing
from c2b.messages.actions import send_all_again
from c2b.messages.models import Message, OptOut
from c2b.messages.rules import MessageState
from c2b.payments.rules import PaymentState
from c2b.people import actions as people
from c2b.people import lost
from c2b.people import privacy as people_privacy
from c2b.people.models import Address, Login, LostAddress, OneTimeCode, Person, RetiredAddress
from c2b.people.rules import OBJECTION, AddressKind, LostState, address_digest
from c2b.settings import Settings
from c2b.voting import actions as voting
from c2b.voting import counting, selecting, tree
from c2b.voting.models import Ballot, Pick, Seen
from c2b.voting.rules import Touch
from c2b.work import audit
from tests import books, make
from tests.cli.shell import Shell

CANARY = "canary.anna+shop@example.com"
NAME, STREET, PHONE = "Canary Name", "7 Canary Street", "+8613800138777"
WORDS = "canary words"


class Town:
    """A shop in which Anna has voted, ordered, and done everything else that leaves a trace."""

    def __init__(self, shell: Shell, database: Database, now: datetime) -> None:
        self.shell, self.database, self.now = shell, database, now
        self.key = Settings(data=shell.folder).with_local_secret().secret_key.get_secret_value()
        with database.transaction() as session:
            self.campaign = make.campaign(session, votes_each=3, places=1)
            for position, code in enumerate(("K1", "K2", "K3"), start=1):
                make.candidate(session, self.campaign, code, position=position)
            self.anna = self.signs_in(session, CANARY)
            self.bert = self.signs_in(session, "bert@example.com")
            for person, codes in ((self.anna, ("K1", "K2")), (self.bert, ("K1",))):
                for code in codes:
                    voting.vote(session, slug="ss27", code=code, person_id=person, touch=Touch(), now=now)
            session.execute(update(Person).where(Person.id == self.anna).values(name=NAME, size="M", viewer=77, locale="en"))
            session.add(Seen(campaign_id=self.campaign.id, viewer=77, marks=b"\x01"))
            self._asks_for_a_move(session)

    def signs_in(self, session: Session, address: str) -> int:
        code = people.send_code(session, kind=AddressKind.EMAIL, address=address, locale="en", secret_key=self.key, now=self.now)
        facts: dict[str, Any] = {"kind": AddressKind.EMAIL, "address": address, "code": code, "guest_id": None, "viewer": 1, "locale": "en"}
        signed = voting.sign_in(session, secret_key=self.key, now=self.now, **facts)
        assert signed is not None
        return signed.person_id

    def _asks_for_a_move(self, session: Session) -> None:
        new = "canary.second@example.com"
        code = people.send_code(session, kind=AddressKind.EMAIL, address=new, locale="en", secret_key=self.key, now=self.now)
        facts: dict[str, Any] = {"old": CANARY, "new": new, "code": code, "words": WORDS, "locale": "en", "secret_key": self.key}
        assert lost.ask(session, kind=AddressKind.EMAIL, now=self.now, **facts)

    def moves(self) -> str:
        """Move Anna's account to the address that she asked for."""
        with self.database.transaction() as session:
            request = session.scalars(select(LostAddress)).one()
            lost.propose(session, ref=request.ref, reason="fits", actor="staff:a@example.com", now=self.now)
            lost.approve(session, ref=request.ref, actor="staff:b@example.com", now=self.now)
            lost_to = request.new_value
        lost.move_account(self.database, {"ref": request.ref}, self.now + OBJECTION)
        return lost_to

    def closes(self) -> None:
        with self.database.transaction() as session:
            session.execute(update(Campaign).values(state=CampaignState.TALLY))
            selecting.select_winners(session, slug="ss27", actor="cli:test", now=make.CLOSES)

    def orders(self, session: Session, **changes: Any) -> Order:
        of = session.get_one(Campaign, self.campaign.id)
        variant = make.variants(session, make.candidate_of(session, of, "K1"))[0]
        order, _ = books.paid(session, of, (variant, 1), by=session.get_one(Person, self.anna))
        session.execute(update(Order).where(Order.id == order.id).values(recipient=NAME, phone=PHONE, address=STREET, postal_code="310000"))
        session.execute(update(OrderLine).where(OrderLine.order_id == order.id).values({"fulfilment": Fulfilment.NONE} | changes))
        return order

    def root(self) -> bytes:
        with self.database.reading() as session:
            return tree.sealed(selecting.leaves(session, session.get_one(Campaign, self.campaign.id))).root

    def traces(self) -> list[str]:
        """Return the files of the shop in which a canary can still be read."""
        files = [path for path in self.shell.folder.rglob("*") if path.is_file()]
        return [path.name for path in files if any(word in path.read_bytes().lower() for word in (b"canary", PHONE.encode()))]


@pytest.fixture
def town(tmp_path: Path, sqlite_database: Database, now: datetime) -> Town:
    return Town(Shell(tmp_path, sqlite_database), sqlite_database, now)


def test_a_customer_gets_everything_that_is_known_of_them(town: Town) -> None:
    with town.database.transaction() as session:
        order = town.orders(session)
    document = json.loads(town.shell.does("privacy", "export", CANARY))
    assert document["person"]["name"] == NAME
    assert [each["address"] for each in document["person"]["addresses"]] == [CANARY]
    assert document["person"]["moves_asked_for"][0]["words"] == WORDS
    assert len(document["person"]["logins"]) == 1
    (ballot,) = document["ballots"]
    assert (ballot["campaign"], ballot["picks"], len(ballot["taps"])) == ("ss27", ["K1", "K2"], 2)
    (ordered,) = document["orders"]
    assert (ordered["ref"], ordered["recipient"], ordered["address"]) == (order.ref, NAME, STREET)
    assert (ordered["lines"][0]["code"], ordered["payments"][0]["captured"]) == ("K1", 5980)
    assert [each["to"] for each in document["messages"]] == [CANARY]
    assert "bert" not in json.dumps(document)


def test_the_ballot_given_out_opens_the_commitment_on_the_receipt(town: Town) -> None:
    (ballot,) = json.loads(town.shell.does("privacy", "export", CANARY))["ballots"]
    facts = {"nonce": bytes.fromhex(ballot["nonce"]), "serial": ballot["serial"], "version": ballot["version"]}
    assert tree.commitment(codes=ballot["picks"], **facts) == ballot["commitment"]


def test_the_address_may_be_written_otherwise(town: Town) -> None:
    assert json.loads(town.shell.does("privacy", "export", CANARY.upper()))["person"]["name"] == NAME


def test_erasing_leaves_root_counts_and_books_as_they_were(town: Town) -> None:
    town.closes()
    with town.database.transaction() as session:
        before = counting.tallies(session, town.campaign.id)
        picks = len(session.scalars(select(Pick)).all())
    root = town.root()
    town.shell.does("privacy", "erase", CANARY, "--yes")
    assert town.root() == root
    assert town.shell.does("audit")
    with town.database.reading() as session:
        assert audit(session) == []
        assert counting.tallies(session, town.campaign.id) == before
        assert len(session.scalars(select(Pick)).all()) == picks
        assert session.scalars(select(Ballot).where(Ballot.person_id == town.anna)).one()


def test_given_a_moved_account_when_its_data_is_given_out_then_the_address_given_up_is_in_it(town: Town) -> None:
    assert json.loads(town.shell.does("privacy", "export", CANARY))["person"]["addresses_given_up"] == []
    new = town.moves()
    document = json.loads(town.shell.does("privacy", "export", new))
    assert [each["address"] for each in document["person"]["addresses"]] == [new]
    assert document["person"]["addresses_given_up"] == [{"kind": "email", "at": (town.now + OBJECTION).isoformat()}]
    assert {each["to"] for each in document["messages"]} == {CANARY, new}, "what went to the old address was told to them"
    assert "Nobody is known by this address" in town.shell.refuses("privacy", "export", CANARY)


def test_given_a_moved_account_when_it_is_erased_then_the_address_given_up_is_gone_everywhere(town: Town) -> None:
    new = town.moves()
    town.shell.does("privacy", "erase", new, "--yes")
    with town.database.transaction() as session:
        assert session.scalars(select(RetiredAddress)).all() == []
        assert len(session.scalars(select(OneTimeCode)).all()) == 1, "another customer's"
        assert town.signs_in(session, "nobody@example.com") != town.anna
    assert town.traces() == []


def test_what_is_erased_can_be_read_nowhere_on_the_disk(town: Town) -> None:
    outbox = town.shell.folder / "outbox"
    outbox.mkdir()
    with town.database.reading() as session:
        for message in session.scalars(select(Message)):
            (outbox / f"{message.id:08}.eml").write_text(f"To: {message.recipient}")
    assert town.traces()
    with town.database.transaction() as session:
        session.execute(update(LostAddress).values(new_value="", new_digest=bytes(32)))
        session.execute(update(Message).where(Message.recipient == "canary.second@example.com").values(recipient="x@example.com"))
    (outbox / "00000003.eml").unlink()
    town.shell.does("privacy", "erase", CANARY, "--yes")
    assert town.traces() == []
    assert len(list(outbox.iterdir())) == 1, "another customer's mail stays"


def test_the_person_is_an_empty_row_that_nobody_signs_in_to(town: Town) -> None:
    town.shell.does("privacy", "erase", CANARY, "--yes")
    with town.database.transaction() as session:
        shell = session.get_one(Person, town.anna)
        assert (shell.name, shell.size, shell.locale) == ("", "", "")
        for table in (Address, Login):
            assert session.scalars(select(table).where(table.person_id == town.anna)).all() == []
        assert len(session.scalars(select(OneTimeCode)).all()) == 2, "those of others"
        assert session.scalars(select(Seen)).all() == []
        request = session.scalars(select(LostAddress)).one()
        assert (request.old_value, request.new_value, request.words, request.state) == ("", "", "", LostState.REFUSED)
        assert town.signs_in(session, CANARY) != town.anna, "who comes back is somebody new"


def test_that_a_customer_refuses_news_is_given_out_and_goes_with_them(town: Town) -> None:
    assert json.loads(town.shell.does("privacy", "export", CANARY))["news"] == {"refused_since": None}
    with town.database.transaction() as session:
        ref = session.get_one(Person, town.anna).ref
        refusing.refuse(session, reader=ref, now=town.now)
        refusing.refuse(session, reader="somebody-else", now=town.now)
        session.execute(update(Message).where(Message.recipient == CANARY).values(reader=ref))
    assert json.loads(town.shell.does("privacy", "export", CANARY))["news"] == {"refused_since": town.now.isoformat()}
    town.shell.does("privacy", "erase", CANARY, "--yes")
    with town.database.reading() as session:
        assert session.scalars(select(OptOut.reader)).all() == ["somebody-else"]
        assert set(session.scalars(select(Message.reader))) == {""}


def test_a_message_that_failed_is_not_sent_again_once_its_reader_is_erased(town: Town) -> None:
    with town.database.transaction() as session:
        session.execute(update(Message).where(Message.recipient == CANARY).values(state=MessageState.FAILED, template="order_paid"))
    town.shell.does("privacy", "erase", CANARY, "--yes")
    with town.database.transaction() as session:
        assert send_all_again(session, now=town.now) == 0


def test_a_message_that_waits_is_not_sent_any_more(town: Town) -> None:
    town.shell.does("privacy", "erase", CANARY, "--yes")
    with town.database.reading() as session:
        states = dict(session.execute(select(Message.recipient, Message.state)).all())
    assert states["bert@example.com"] is MessageState.QUEUED
    assert [state for to, state in states.items() if to.startswith("erased:")] == [MessageState.DROPPED]


def test_the_log_says_that_it_was_done_and_not_whose_data_it_was(town: Town) -> None:
    with town.database.reading() as session:
        ref = session.get_one(Person, town.anna).ref
    town.shell.does("privacy", "export", CANARY)
    town.shell.does("privacy", "erase", CANARY, "--yes")
    with town.database.reading() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.object == ref).order_by(AuditEntry.id)).all()
    assert [(entry.action, entry.after) for entry in entries] == [
        ("people.export_person", {}),
        ("people.erase_person", {"orders": 0, "messages": 1}),
    ]
    assert all(entry.actor.startswith("cli:") for entry in entries)


def test_nothing_is_erased_without_a_yes(town: Town) -> None:
    done = CliRunner(env=town.shell.environment).invoke(group, ["privacy", "erase", CANARY], input="n\n")
    assert done.exit_code == 1
    assert json.loads(town.shell.does("privacy", "export", CANARY))["person"]["name"] == NAME


@pytest.mark.parametrize("command", ["export", "erase"])
@pytest.mark.parametrize("address", ["nobody@example.com", "13900139000", "nonsense"])
def test_who_is_not_known_is_one_line(town: Town, command: str, address: str) -> None:
    yes = ("--yes",) if command == "erase" else ()
    assert "Nobody is known by this address" in town.shell.refuses("privacy", command, address, *yes)


def test_an_open_order_keeps_its_customer(town: Town) -> None:
    with town.database.transaction() as session:
        order = town.orders(session)
    assert f"Order {order.ref} is still open" in town.shell.refuses("privacy", "erase", CANARY, "--yes")
    assert json.loads(town.shell.does("privacy", "export", CANARY))["person"]["name"] == NAME, "nothing was half erased"


Standing = Callable[[Session, Town], Any]


def owed_back(session: Session, town: Town) -> Any:
    return town.orders(session, outcome=Outcome.MISSED)


def made_and_not_sent(session: Session, town: Town) -> Any:
    return town.orders(session, outcome=Outcome.ALLOCATED, fulfilment=Fulfilment.READY)


def sent_and_not_booked(session: Session, town: Town) -> Any:
    return town.orders(session, outcome=Outcome.ALLOCATED, fulfilment=Fulfilment.SHIPPED)


def paid_twice(session: Session, town: Town) -> Any:
    order = over(session, town)
    of = session.get_one(Campaign, town.campaign.id)
    make.transfer(session, of, "late", 500, debit=books.PSP, credit=f"owed:{order.ref}")
    return order


def paying(session: Session, town: Town) -> Any:
    order = over(session, town)
    make.payment(session, order, 100, captured=0, state=PaymentState.UNKNOWN)
    return order


def over(session: Session, town: Town) -> Any:
    """An order that was made, handed over and booked as revenue."""
    order = town.orders(session, outcome=Outcome.ALLOCATED, fulfilment=Fulfilment.PICKED_UP)
    of = session.get_one(Campaign, town.campaign.id)
    line = make.lines_of(session, order)[0]
    make.transfer(session, of, f"rev:{line.id}", 5980, debit=f"dep:{line.id}", credit="revenue")
    return order


@pytest.mark.parametrize("standing", [owed_back, made_and_not_sent, sent_and_not_booked, paid_twice, paying])
def test_money_and_goods_under_way_keep_their_customer(town: Town, standing: Standing) -> None:
    with town.database.transaction() as session:
        order = standing(session, town)
        with pytest.raises(Refused, match=f"order {order.ref}|Order {order.ref}"):
            deposits.require_over(session, session.get_one(Person, town.anna))


def test_an_order_that_is_over_loses_name_and_address_and_keeps_its_books(town: Town) -> None:
    with town.database.transaction() as session:
        order = over(session, town)
    town.shell.does("privacy", "erase", CANARY, "--yes")
    with town.database.reading() as session:
        found = session.get_one(Order, order.id)
        assert (found.recipient, found.phone, found.postal_code, found.address) == ("", "", "", "")
        assert make.lines_of(session, found)[0].units == 1
        assert found.terms == "terms", "what was agreed stays"


def test_where_refunds_were_paid_out_to_is_given_out_and_erased_from_the_disk(town: Town) -> None:
    with town.database.transaction() as session:
        order = over(session, town)
        values = {
            "way": PayoutWay.BANK,
            "holder": NAME,
            "bank": "Canary Bank",
            "account": "canary-6222",
            "given_at": town.now,
            "changes": 1,
        }
        session.add(PayoutAccount(order_id=order.id, **values))
    (ordered,) = json.loads(town.shell.does("privacy", "export", CANARY))["orders"]
    at = town.now.isoformat()
    known = {"way": "bank", "holder": NAME, "bank": "Canary Bank", "account": "canary-6222", "given_at": at}
    assert ordered["payout_account"] == known
    town.shell.does("privacy", "erase", CANARY, "--yes")
    files = [path for path in town.shell.folder.rglob("*") if path.is_file()]
    assert [path.name for path in files if b"canary-6222" in path.read_bytes() or b"Canary Bank" in path.read_bytes()] == []


def test_a_second_number_finds_the_same_person(town: Town) -> None:
    with town.database.transaction() as session:
        anna = session.get_one(Person, town.anna)
        make.address(session, anna, PHONE, kind=AddressKind.PHONE, digest=address_digest(town.key, AddressKind.PHONE, PHONE))
        assert people_privacy.find(session, address="138 0013 8777", secret_key=town.key).id == town.anna
        with pytest.raises(NotFound):
            people_privacy.find(session, address="138 0013 8778", secret_key=town.key)
