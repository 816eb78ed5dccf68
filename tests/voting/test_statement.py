"""What the hashes are taken of, written down by hand."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from c2b.voting import statement, tree
from c2b.voting.rules import SelectionResult, SelectionRules, Tally, choose
from tests import make

BLOCK = tree.Block("a", 5, "01" * 32, "2" * 64)
SEAL = tree.Seal("2" * 64, (BLOCK,))
RULES = {
    "version": 1,
    "votes_each": 15,
    "places": 2,
    "min_votes": 3,
    "max_per_category": 4,
    "count": ["verified"],
    "publish_ballots": False,
}


def test_the_rules_are_the_campaigns_whatever_the_order_of_its_sources(session: Session) -> None:
    campaign = make.campaign(session, min_votes=3, max_per_category=4, count=["store", "imported"], publish_ballots=True)
    assert statement.rules_of(campaign) == {**RULES, "count": ["imported", "store"], "publish_ballots": True}
    assert statement.deciding(RULES) == SelectionRules(2, 3, 4)


def test_the_input_is_written_down_by_code_whatever_the_order() -> None:
    tallies = [Tally("K2", 5, 1, "shirt", withdrawn=True), Tally("K1", 7)]
    assert statement.input_of("ss27", RULES, tallies, SEAL) == {
        "campaign": "ss27",
        "rules": RULES,
        "candidates": [
            {"code": "K1", "category": "", "withdrawn": False, "votes": 7, "held": 0},
            {"code": "K2", "category": "shirt", "withdrawn": True, "votes": 5, "held": 1},
        ],
        "ballot_root": "01" * 32,
        "ballots": "2" * 64,
    }
    assert statement.input_of("ss27", RULES, tallies[::-1], SEAL) == statement.input_of("ss27", RULES, tallies, SEAL)


@pytest.mark.parametrize(
    "changed",
    [
        statement.input_of("aw27", RULES, [Tally("K1", 7)], SEAL),
        statement.input_of("ss27", RULES | {"places": 3}, [Tally("K1", 7)], SEAL),
        statement.input_of("ss27", RULES, [Tally("K1", 6, 1)], SEAL),
        statement.input_of("ss27", RULES, [Tally("K1", 7)], replace(SEAL, blocks=(replace(BLOCK, node="03" * 32),))),
        statement.input_of("ss27", RULES, [Tally("K1", 7)], replace(SEAL, listed="4" * 64)),
    ],
    ids=["campaign", "rules", "votes", "ballots", "held ballots"],
)
def test_every_part_of_the_input_changes_its_hash(changed: dict[str, Any]) -> None:
    assert tree.digest(changed) != tree.digest(statement.input_of("ss27", RULES, [Tally("K1", 7)], SEAL))


def test_a_line_is_what_people_read_of_a_place() -> None:
    first = choose([Tally("K1", 7, 2)], SelectionRules(1, 1, 0), b"seed")[0]
    assert statement.line_of(first) == {
        "rank": 1,
        "code": "K1",
        "votes": 7,
        "held": 2,
        "result": SelectionResult.SELECTED.value,
        "tie_key": first.tie_key,
    }
