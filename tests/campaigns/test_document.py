"""What a campaign is, written as its file: nothing is lost on the way there and back."""

import tomllib
from datetime import UTC, date, datetime
from typing import Any

import pytest

from c2b.campaigns import actions, campaign_file, document
from c2b.campaigns.models import Campaign
from c2b.db import Database
from tests.campaigns import test_campaign_file as files

NOW = datetime(2027, 1, 1, tzinfo=UTC)
PLAIN = files.EXAMPLE
WITHOUT_VOTING = PLAIN[: PLAIN.index("[voting]")] + PLAIN[PLAIN.index("[ordering]") :]
FIXED = PLAIN.replace("deposit_percent = 20", 'deposit = "49.50"').replace('"CN_DINGJIN"', '"CN_PREPAY"')
BARE = PLAIN[: PLAIN.index("[balance]")]
IN_BERLIN = PLAIN.replace("Asia/Shanghai", "Europe/Berlin").replace('currency = "CNY"', 'currency = "EUR"')


def made(database: Database, parsed: dict[str, Any]) -> Campaign:
    with database.transaction() as session:
        found = actions.create(session, document=parsed, actor="cli:test", now=NOW)
        session.flush()
        session.expunge(found)
        return found


@pytest.mark.parametrize(
    "text", [PLAIN, WITHOUT_VOTING, FIXED, BARE, IN_BERLIN], ids=["plain", "without-voting", "fixed", "bare", "berlin"]
)
def test_a_campaign_written_as_a_file_makes_the_same_campaign(sqlite_database: Database, text: str) -> None:
    parsed = tomllib.loads(text)
    written = document.of(made(sqlite_database, parsed))
    assert campaign_file.read(written).values == campaign_file.read(parsed).values


def test_the_second_of_two_equal_hours_stays_the_second(sqlite_database: Database) -> None:
    parsed = tomllib.loads(IN_BERLIN)
    second = datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    parsed["balance"]["due"] = second
    written = document.of(made(sqlite_database, parsed))
    assert campaign_file.read(written).values["balance_due"] == second


def test_a_new_campaign_needs_its_names_only() -> None:
    begun = document.fresh(date(2027, 1, 1)) | {"slug": "ss27", "title": "春夏"}
    read = campaign_file.read(begun)
    assert read.notices == []
    assert read.values["voting_opens"] == datetime(2027, 1, 8, 2, 0, tzinfo=UTC)


def test_the_next_season_has_the_same_rules_and_all_days_moved_alike(sqlite_database: Database) -> None:
    before = made(sqlite_database, tomllib.loads(PLAIN))
    begun = document.anew(before, date(2027, 8, 25))
    assert {"slug", "title", "title_en"}.isdisjoint(begun)
    after = campaign_file.read(begun | {"slug": "aw27", "title": "秋冬"}).values
    moved = datetime(2027, 9, 1, 2, 0, tzinfo=UTC) - before.voting_opens  # type: ignore[operator]  # it has a vote
    for name in ("voting_opens", "voting_closes", "ordering_opens", "ordering_closes", "balance_opens", "balance_due"):
        assert after[name] == getattr(before, name) + moved, name
    assert (after["delivery_expected"], after["places"], after["deposit_percent"]) == (date(2027, 12, 6), 150, 20)


def test_an_edition_names_what_a_document_says() -> None:
    one, same, other = (document.fresh(date(2027, 1, day)) for day in (1, 1, 2))
    assert document.edition(one) == document.edition(same) != document.edition(other)
