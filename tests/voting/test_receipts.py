"""Receipts: written, copied through mails and back, and mailed at most once for each version."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from c2b.errors import Invalid, Refused
from c2b.messages.models import Message
from c2b.voting import actions, receipts
from c2b.voting.models import Ballot
from c2b.voting.receipts import Receipt
from c2b.voting.rules import Touch
from tests import make
from tests.voting.elections import Cast

OWN = Cast("Ab3-_x", 9, "6e" * 16, ["K2", "K1"]).receipt("ss27")
TEXT = f"""c2b receipt 1
campaign   ss27
ballot     Ab3-_x
version    9
commitment {OWN.commitment}
nonce      {"6e" * 16}
pick       K1
pick       K2
"""


def test_a_receipt_is_one_fact_a_line() -> None:
    assert OWN.text() == TEXT
    assert receipts.parse(TEXT) == OWN
    assert OWN.opens


def test_the_short_one_says_nothing_of_the_picks() -> None:
    assert OWN.short.text() == "".join(TEXT.splitlines(keepends=True)[:5])
    assert not OWN.short.full
    assert receipts.parse(OWN.short.text()) == OWN.short


@pytest.mark.parametrize(
    "copied",
    [
        TEXT.replace("\n", "\r\n"),
        "\ufeff\n\n" + TEXT.replace("\n", "\n\n"),
        "".join(f"> {line}\n" for line in TEXT.splitlines()),
        "".join(f"\t  {line}   \n" for line in TEXT.splitlines()),
        TEXT.replace(OWN.commitment, " ".join(OWN.commitment[at : at + 8] for at in range(0, 64, 8))),
        TEXT.replace("pick       K1\npick       K2\n", "pick K2\npick K1"),
    ],
    ids=["windows", "blank lines", "quoted", "indented", "in groups", "another order"],
)
def test_how_it_was_copied_does_not_matter(copied: str) -> None:
    assert receipts.parse(copied) == OWN


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        ("", "begins with"),
        ("hello", "begins with"),
        (TEXT.replace("receipt 1", "receipt 2"), "begins with"),
        (TEXT.replace("version    9\n", ""), "“version” is missing"),
        (TEXT.replace(OWN.commitment, OWN.commitment[:-1]), "isn't complete"),
        (TEXT.replace("ballot     Ab3-_x", "ballot     Ab3 x y;z"), "isn't complete"),
        (TEXT + "nonce " + "00" * 16, "stands there twice"),
        (TEXT + "colour red", "isn't complete"),
        (TEXT.replace("version    9", "version    -9"), "isn't complete"),
        (TEXT.replace("version    9", "version    " + "9" * 5000), "isn't complete"),
        (TEXT.replace("version    9", "version    九"), "isn't complete"),
        ("c2b receipt 1\n" + "pick K1\n" * 8_000, "is missing"),
    ],
)
def test_what_is_no_receipt_says_which_line_is_wrong(spoilt: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        receipts.parse(spoilt)


@pytest.mark.parametrize(
    "changed", [{"serial": "other"}, {"version": 8}, {"nonce": "00" * 16}, {"codes": ("K1",)}, {"codes": ("K1", "K3")}]
)
def test_a_receipt_with_anything_else_in_it_opens_nothing(changed: dict[str, Any]) -> None:
    assert not replace(OWN, **changed).opens


def test_each_tap_makes_a_new_receipt(session: Session, now: datetime) -> None:
    campaign, person = make.campaign(session), make.person(session)
    make.candidate(session, campaign, "K1")
    assert receipts.receipt(session, campaign=campaign, person_id=person.id) is None
    seen = []
    for act in (actions.vote, actions.undo, actions.vote):
        act(session, slug="ss27", code="K1", person_id=person.id, touch=Touch(), now=now)
        own = receipts.receipt(session, campaign=campaign, person_id=person.id)
        assert own
        assert own.opens
        seen.append((own.version, own.codes))
    assert [version for version, _ in seen] == sorted({version for version, _ in seen})
    assert [codes for _, codes in seen] == [("K1",), (), ("K1",)]


def voter(session: Session) -> Receipt:
    campaign, person = make.campaign(session), make.person(session, locale="en")
    make.address(session, person, "anna@example.com")
    make.ballot(session, campaign, make.candidate(session, campaign, "K1"), by=person)
    own = receipts.receipt(session, campaign=campaign, person_id=person.id)
    assert own
    return own


def mail(session: Session, *, picks: bool, now: datetime) -> bool:
    campaign = make.campaign_of(session, "ss27")
    person_id = session.scalars(select(Ballot.person_id)).one()
    return receipts.mail(session, campaign=campaign, person_id=person_id, picks=picks, now=now)


@pytest.mark.parametrize("picks", [True, False])
def test_it_is_mailed_once_for_each_version_and_shows_picks_only_if_asked_to(session: Session, now: datetime, *, picks: bool) -> None:
    own = voter(session)
    assert [mail(session, picks=picks, now=now) for _ in range(2)] == [True, False]
    message = session.scalars(select(Message)).one()
    assert (message.recipient, message.template, message.locale) == ("anna@example.com", "receipt", "en")
    assert message.fields["receipt"] == (own if picks else own.short).text()
    assert message.fields["campaign"] == "Spring/Summer 2027"
    session.execute(update(Ballot).values(version=Ballot.version + 1))
    assert mail(session, picks=picks, now=now)


def test_without_ballot_or_address_nothing_is_mailed(session: Session, now: datetime) -> None:
    campaign, person = make.campaign(session), make.person(session)
    with pytest.raises(Refused, match="no ballot"):
        receipts.mail(session, campaign=campaign, person_id=person.id, picks=False, now=now)
    make.ballot(session, campaign, make.candidate(session, campaign, "K1"), by=person)
    with pytest.raises(Refused, match="no e-mail address"):
        receipts.mail(session, campaign=campaign, person_id=person.id, picks=False, now=now)
