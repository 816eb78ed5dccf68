import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from c2b import clock
from c2b.audit.models import AuditEntry
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.voting import queries
from tests import make
from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path, sqlite_database: Database) -> Shell:
    now = clock.now()
    with sqlite_database.transaction() as session:
        times = {"voting_opens": now - timedelta(days=1), "voting_closes": now + timedelta(days=1)}
        campaign = make.campaign(session, votes_each=2, places=1, **times)
        for position, code in enumerate(("K1", "K2"), start=1):
            make.candidate(session, campaign, code, position=position)
    return Shell(tmp_path, sqlite_database)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "votes.csv"
    path.write_text("voter,votes\na,K1 K2\nb,K1\n")
    return path


def to_tally(database: Database) -> None:
    with database.transaction() as session:
        session.get_one(Campaign, 1).state = CampaignState.TALLY


def test_an_import_says_what_it_did(shell: Shell, file: Path) -> None:
    assert shell.does("ballots", "import", "ss27", file).startswith("2 voters, 3 votes: 2 new, 0 replaced, 0 unchanged, 0 kept")
    assert shell.reads("ballots", "import", "ss27", file) == {
        "voters": 2,
        "votes": 3,
        "new": 0,
        "replaced": 0,
        "unchanged": 2,
        "kept": 0,
        "candidates": 0,
    }


def test_every_bad_line_is_named_and_nothing_comes_in(shell: Shell, file: Path, sqlite_database: Database) -> None:
    file.write_text("voter,votes\na,K1\nb,K9\nc,K8\n")
    done = shell.run("ballots", "import", "ss27", file)
    assert (done.exit_code, done.stderr) == (1, "Error: nothing was imported: 2 problems\n")
    assert done.stdout.splitlines() == [
        "problem: line 3: there is no candidate “K9” in this campaign",
        "problem: line 4: there is no candidate “K8” in this campaign",
    ]
    as_json = shell.run("ballots", "import", "ss27", file, "--json")
    assert json.loads(as_json.stdout) == {"problems": [line.removeprefix("problem: ") for line in done.stdout.splitlines()]}
    assert as_json.exit_code == 1
    with sqlite_database.reading() as session:
        assert queries.counts(session, 1) == {}


def test_an_unknown_campaign_is_one_line(shell: Shell, file: Path) -> None:
    assert "no campaign “nothing”" in shell.refuses("ballots", "import", "nothing", file)


def test_a_file_that_is_no_ballots_is_one_line(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in shell.refuses("ballots", "import", "ss27", path)


def test_a_dry_run_of_the_selection_changes_nothing_and_says_who_looked(shell: Shell, file: Path, sqlite_database: Database) -> None:
    shell.does("ballots", "import", "ss27", file)
    printed = shell.does("select", "ss27", "--dry-run")
    assert printed.startswith("1 of 2 candidates selected for 1 places; 2 voters, 3 votes\n   1  K1")
    assert "seed preview:" in printed
    with sqlite_database.reading() as session:
        assert queries.selection(session, 1) is None
        looks = session.scalars(select(AuditEntry.actor).where(AuditEntry.action == "voting.look_at_counts")).all()
    assert [actor.partition(":")[0] for actor in looks] == ["cli"]


def test_the_selection_is_a_document_that_programs_read(shell: Shell, file: Path, sqlite_database: Database) -> None:
    shell.does("ballots", "import", "ss27", file)
    dry = shell.reads("select", "ss27", "--dry-run")
    to_tally(sqlite_database)
    real = shell.reads("select", "ss27")
    assert {"places", "voters", "votes", "input_hash", "seed", "output_hash", "margin", "lines"} <= set(real)
    assert real["lines"] == [
        {"rank": 1, "code": "K1", "votes": 2, "held": 0, "result": "selected"},
        {"rank": 2, "code": "K2", "votes": 1, "held": 0, "result": "not_selected"},
    ]
    assert (dry["lines"], dry["input_hash"]) == (real["lines"], real["input_hash"])


def test_selecting_twice_prints_the_stored_result(shell: Shell, file: Path, sqlite_database: Database) -> None:
    shell.does("ballots", "import", "ss27", file)
    to_tally(sqlite_database)
    assert shell.reads("select", "ss27") == shell.reads("select", "ss27")
    assert shell.does("campaign", "show", "ss27").count("selected") >= 1


def test_while_voting_nothing_is_selected(shell: Shell) -> None:
    assert "when voting has closed" in shell.refuses("select", "ss27")
