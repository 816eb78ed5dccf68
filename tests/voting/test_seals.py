"""A ballot is proved from its own block and the sealed hashes of the others: as surely as from all ballots, at the cost of a thousand."""

from base64 import urlsafe_b64encode
from hashlib import sha256

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database, insert_rows
from c2b.people.models import Person
from c2b.voting import checks, proving, receipts, seals, selecting, tree
from c2b.voting.models import Ballot, SealBlock
from c2b.voting.proving import State
from c2b.voting.verifying import Answer
from tests import make
from tests.statements import counted, reading

PASSED, FAILED, SKIPPED = State
PROVED = (Answer.COUNTED, [PASSED] * 4)
OTHER_ROOT = (Answer.NO_MATCH, [PASSED, PASSED, FAILED, SKIPPED])
OTHER_LIST = (Answer.NO_MATCH, [PASSED, PASSED, PASSED, FAILED])
MANY = 2 * tree.BLOCK + 1
"""Two full blocks, and a third of one ballot."""
UNGUARDED = {"sqlite": "DROP TRIGGER {}_no_update", "postgresql": "DROP TRIGGER {0}_append_only ON {0}"}


def elected(session: Session, ballots: int, slug: str = "ss27") -> list[str]:
    """Make a campaign with so many empty ballots and select; return the serials, in the order of the tree."""
    campaign = make.campaign(session, slug=slug, state=CampaignState.TALLY)
    make.candidate(session, campaign, "K1")
    names = [urlsafe_b64encode(sha256(f"{slug} {number}".encode()).digest()).decode()[:16] for number in range(ballots)]
    insert_rows(session, Person, [{"ref": name, "viewer": 1, "locale": "", "name": "", "created_at": make.OPENS} for name in names])
    people = dict(session.execute(select(Person.ref, Person.id)).all())
    own = {"campaign_id": campaign.id, "votes_each": campaign.votes_each, "source": "verified", "created_at": make.OPENS, "held_reason": ""}
    insert_rows(session, Ballot, [own | {"person_id": people[name], "version": 1, **bound(name)} for name in names])
    selecting.select_winners(session, slug=slug, actor="cli:test", now=make.CLOSES)
    return sorted(names)


def bound(serial: str) -> dict[str, object]:
    nonce = serial.encode()
    return {"serial": serial, "nonce": nonce, "commitment": tree.commitment(nonce=nonce, serial=serial, version=1, codes=())}


def proof(session: Session, serial: str, slug: str = "ss27") -> tuple[Answer, list[State]]:
    """Hold the receipt that the voter got when they voted, whatever became of the ballot since."""
    receipt = receipts.Receipt(slug, serial, 1, str(bound(serial)["commitment"]))
    found = proving.prove(session, make.campaign_of(session, slug), receipt.text())
    return found.answer, list(found.steps.values())


def findings(session: Session) -> list[str]:
    return [finding.what for finding in checks.checks(session) if finding.check == "voting.seal"]


@pytest.mark.parametrize("size", [1, 1023, 1024, 1025, MANY])
def test_the_first_and_the_last_ballot_lead_to_the_root_of_all(session: Session, size: int) -> None:
    serials = elected(session, size)
    campaign = make.campaign_of(session, "ss27")
    leaves = list(selecting.leaves(session, campaign))
    assert [leaf.serial for leaf in leaves] == serials
    kept = seals.kept(session, campaign.id)
    assert kept.root == tree.root(leaf.hash() for leaf in leaves)
    assert kept.ballots == size
    assert {proof(session, serial)[0] for serial in (serials[0], serials[-1])} == {Answer.COUNTED}


def test_the_ballots_on_both_sides_of_a_blocks_edge_are_proved(session: Session) -> None:
    serials = elected(session, MANY)
    edges = (0, tree.BLOCK - 1, tree.BLOCK, 2 * tree.BLOCK - 1, 2 * tree.BLOCK)
    assert [proof(session, serials[number]) for number in edges] == [PROVED] * 5


def test_the_proof_says_how_many_ballots_there_are_and_which_root_they_give(session: Session) -> None:
    (serial, *_) = elected(session, MANY)
    campaign = make.campaign_of(session, "ss27")
    found = proving.prove(session, campaign, receipts.Receipt("ss27", serial, 1, str(bound(serial)["commitment"])).text())
    assert found.ballots == MANY
    assert found.root == found.published == tree.root(leaf.hash() for leaf in selecting.leaves(session, campaign)).hex()


def test_where_nobody_voted_no_ballot_is_found(session: Session) -> None:
    make.candidate(session, make.campaign(session, state=CampaignState.TALLY), "K1")
    selecting.select_winners(session, slug="ss27", actor="cli:test", now=make.CLOSES)
    assert proof(session, "somebody") == (Answer.NO_MATCH, [PASSED, FAILED, SKIPPED, SKIPPED])
    assert findings(session) == []


@pytest.mark.parametrize("serial", ["-", "zzz"])
def test_a_serial_before_all_or_after_all_is_not_found(session: Session, serial: str) -> None:
    elected(session, 3)
    assert proof(session, serial)[1] == [PASSED, FAILED, SKIPPED, SKIPPED]


def test_a_proof_costs_the_same_with_any_number_of_ballots(database: Database) -> None:
    sizes = {"small": 50, "two-blocks": MANY, "large": 5000}
    with database.transaction() as session:
        middle = {slug: elected(session, size, slug)[size // 2] for slug, size in sizes.items()}
    statements, looked_at = {}, {}
    for slug, serial in middle.items():
        with counted(database) as seen, database.reading() as session:
            assert proof(session, serial, slug) == PROVED
        statements[slug] = len(seen)
        with reading(database) as rows, database.reading() as session:
            proof(session, serial, slug)
        looked_at[slug] = sum(rows)
    assert len(set(statements.values())) == 1
    assert looked_at["small"] < looked_at["two-blocks"] / 3
    assert looked_at["large"] < looked_at["two-blocks"] * 1.02


def test_a_ballot_changed_in_the_same_block_is_noticed_at_once(session: Session) -> None:
    serials = elected(session, MANY)
    session.execute(update(Ballot).where(Ballot.serial == serials[5]).values(commitment="0" * 64))
    assert proof(session, serials[0]) == OTHER_ROOT


def test_a_ballot_taken_out_of_the_same_block_or_put_into_it_is_noticed_at_once(session: Session) -> None:
    serials = elected(session, MANY)
    session.execute(delete(Ballot).where(Ballot.serial == serials[5]))
    assert proof(session, serials[0]) == OTHER_ROOT
    make.ballot(session, make.campaign_of(session, "ss27"), serial=f"{serials[-1]}-more")
    assert proof(session, serials[-1]) == OTHER_ROOT


def test_a_ballot_changed_in_another_block_is_found_by_the_audit_which_names_the_block(session: Session) -> None:
    serials = elected(session, MANY)
    assert findings(session) == []
    session.execute(update(Ballot).where(Ballot.serial == serials[tree.BLOCK]).values(commitment="0" * 64))
    assert proof(session, serials[0]) == PROVED
    assert proof(session, serials[tree.BLOCK + 1]) == OTHER_ROOT
    assert "ss27: 1 of the sealed blocks are not the ballots', the first is number 2" in findings(session)


def test_who_was_held_afterwards_in_another_block_is_found_by_the_audit(session: Session) -> None:
    serials = elected(session, MANY)
    session.execute(update(Ballot).where(Ballot.serial == serials[tree.BLOCK]).values(held_at=make.OPENS, held_reason="late"))
    assert proof(session, serials[tree.BLOCK + 1]) == OTHER_LIST
    assert len(findings(session)) == 2, "the block, and the list of all"


TAMPERED = {
    "another block's hash": ("UPDATE seal_block SET node = listed WHERE number = 3", OTHER_ROOT),
    "its own block's hash": ("UPDATE seal_block SET node = listed WHERE number = 1", OTHER_LIST),
    "its own block's list": ("UPDATE seal_block SET listed = node WHERE number = 1", OTHER_LIST),
    "the hash of the list of all": ("UPDATE ballot_seal SET listed = (SELECT node FROM seal_block WHERE number = 1)", OTHER_LIST),
    "how many ballots are in a block": ("UPDATE seal_block SET ballots = 7 WHERE number = 1", OTHER_LIST),
    "two blocks exchanged": (
        "UPDATE seal_block SET node = other.node FROM (SELECT number, node FROM seal_block) AS other "
        "WHERE other.number = 3 - seal_block.number",
        OTHER_ROOT,
    ),
    "another block's first ballot": ("UPDATE seal_block SET first = '~' WHERE number = 2", OTHER_ROOT),
    "another block's list": ("UPDATE seal_block SET listed = node WHERE number = 3", PROVED),
}
"""What is changed of three blocks, and what a receipt for a ballot in the first says to it; the last one only the audit can find."""


@pytest.mark.parametrize("what", list(TAMPERED))
def test_sealed_blocks_that_somebody_changed_past_the_triggers_are_noticed_and_found_by_the_audit(session: Session, what: str) -> None:
    serials = elected(session, MANY)
    change, answer = TAMPERED[what]
    for table in ("seal_block", "ballot_seal"):
        session.execute(text(UNGUARDED[session.get_bind().dialect.name].format(table)))
    session.execute(text(change))
    assert proof(session, serials[0]) == answer
    assert findings(session)


def test_a_block_put_beside_the_sealed_ones_leads_to_another_root(session: Session) -> None:
    serials = elected(session, MANY)
    more = {"campaign_id": make.campaign_of(session, "ss27").id, "number": 4, "first": "~", "ballots": 1}
    session.execute(insert(SealBlock).values(node="0" * 64, listed="0" * 64, **more))
    assert proof(session, serials[0]) == OTHER_ROOT
    assert findings(session) == ["ss27: 1 of the sealed blocks are not the ballots', the first is number 4"]


def test_neither_another_run_nor_an_override_touches_the_seal(session: Session) -> None:
    serials = elected(session, 5)
    campaign = session.get_one(Campaign, make.campaign_of(session, "ss27").id)
    before = seals.kept(session, campaign.id)
    selecting.select_winners(session, slug="ss27", actor="cli:test", now=make.CLOSES)
    make.override(session, make.candidate_of(session, campaign, "K1"))
    assert seals.kept(session, campaign.id) == before == tree.sealed(selecting.leaves(session, campaign))
    assert proof(session, serials[0]) == PROVED
