"""c2b verify: exit status, sentences, one JSON document; and the script of the bundle, run as people run it."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from c2b.db import Database
from c2b.voting.published import verify as alone
from tests.cli.shell import Shell
from tests.voting import spoilt
from tests.voting.elections import Election, dice, held_for, made_up


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "no-database-here")


@pytest.fixture
def election() -> Election:
    return made_up(dice(11), least=4, opened=True)


@pytest.fixture
def bundle(election: Election, tmp_path: Path) -> Path:
    return election.files().write(tmp_path / "ss27-bundle.zip")


def test_a_result_that_holds_ends_with_0_and_says_how_far_it_was_checked(shell: Shell, bundle: Path, election: Election) -> None:
    said = shell.does("verify", bundle)
    assert "The result holds: " in said
    assert "every vote was counted anew" in said
    assert "--expect" in said
    assert all(value in said for value in election.files().anchors.values())


def test_without_picks_it_says_that_the_votes_themselves_were_not_counted(shell: Shell, tmp_path: Path) -> None:
    path = made_up(dice(12), least=4, opened=False).files().write(tmp_path / "closed.zip")
    assert "the picks aren't public" in shell.does("verify", path)


def test_what_does_not_hold_ends_with_1_and_a_list(shell: Shell, election: Election, tmp_path: Path) -> None:
    files = election.files()
    spoilt.add_votes(files, dice(1))
    done = shell.run("verify", files.write(tmp_path / "spoilt.zip"))
    assert done.exit_code == 1
    assert done.stdout.count("wrong: ") >= 3
    assert done.stdout.endswith("The result does not hold.\n")


def test_as_json_it_is_one_document(shell: Shell, bundle: Path, election: Election) -> None:
    found = shell.reads("verify", bundle)
    assert (found["valid"], found["failures"], found["receipt"], found["recounted"]) == (True, [], None, True)
    assert found["counted"] + found["held"] == len(election.ballots)
    assert found["hashes"] == election.files().anchors


def test_as_json_failures_are_sentences_and_the_status_is_1(shell: Shell, election: Election, tmp_path: Path) -> None:
    files = election.files()
    spoilt.flip_a_commitment(files, dice(1))
    done = shell.run("verify", files.write(tmp_path / "spoilt.zip"), "--json")
    assert done.exit_code == 1
    assert "The ballots don't give the root" in json.loads(done.stdout)["failures"]


@pytest.mark.parametrize("name", ["commitment", "rules_hash", "root", "input_hash", "output_hash", "published_hash"])
def test_any_hash_noted_down_can_be_expected(shell: Shell, bundle: Path, election: Election, name: str) -> None:
    wanted = election.files().anchors[name]
    assert "The result holds" in shell.does("verify", bundle, "--expect", wanted.upper())
    done = shell.run("verify", bundle, "--expect", wanted, "--expect", "0" * 64)
    assert (done.exit_code, "None of the bundle's hashes is the expected 000" in done.stdout) == (1, True)


@pytest.mark.parametrize("held", [True, False])
def test_a_receipt_says_what_became_of_the_ballot(shell: Shell, tmp_path: Path, election: Election, *, held: bool) -> None:
    election.ballots[0].held = held
    election.holds = held_for(dice(1), election.ballots)
    election.history = [[]]
    path = election.files().write(tmp_path / "bundle.zip")
    receipt = tmp_path / "mine.txt"
    receipt.write_text(election.ballots[0].receipt("ss27").text(), "utf-8")
    assert shell.reads("verify", path, "--receipt", receipt)["receipt"] == ("held" if held else "counted")
    receipt.write_text(election.ballots[0].receipt("ss27").short.text().replace("version    ", "version    9"), "utf-8")
    done = shell.run("verify", path, "--receipt", receipt)
    assert (done.exit_code, "only an older version was taken" in done.stdout) == (1, True)


def test_what_is_no_receipt_is_refused_with_its_line(shell: Shell, bundle: Path, tmp_path: Path) -> None:
    receipt = tmp_path / "mine.txt"
    receipt.write_bytes(b"c2b receipt 1\nballot !\n")
    assert "ballot !" in shell.refuses("verify", bundle, "--receipt", receipt)
    receipt.write_bytes(b"\xff\xfe")
    assert "is no receipt" in shell.refuses("verify", bundle, "--receipt", receipt)


@pytest.mark.parametrize("arguments", [(), ("nothing.zip",), (".",)])
def test_wrong_usage_ends_with_2(shell: Shell, arguments: tuple[str, ...]) -> None:
    assert shell.run("verify", *arguments).exit_code == 2


def test_the_script_says_the_same_as_people_run_it(bundle: Path, election: Election, tmp_path: Path) -> None:
    script, receipt = tmp_path / "verify.py", tmp_path / "mine.txt"
    script.write_bytes(Path(alone.__file__).read_bytes())
    receipt.write_text(election.ballots[1].receipt("ss27").text(), "utf-8")

    def run(*arguments: str | Path) -> tuple[int, str]:
        done = subprocess.run([sys.executable, "-I", script, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path)
        return done.returncode, done.stdout

    status, said = run(bundle, "--receipt", receipt, "--expect", election.files().anchors["root"])
    assert (status, "Everything holds" in said) == (0, True)
    assert "Your receipt: " in said
    assert run(bundle, "--expect", "0" * 64)[0] == 1
    assert run("nothing.zip")[0] == 1
    assert run()[0] == 2
    receipt.write_text("hello\nballot !\n", "utf-8")
    status, said = run(bundle, "--receipt", receipt)
    assert (status, "isn’t complete" in said or "isn't complete" in said) == (1, True)


def test_a_bundle_is_exported_by_the_command_line_as_a_zip_file(sqlite_database: Database, tmp_path: Path) -> None:
    shell = Shell(tmp_path, sqlite_database)
    assert "no campaign" in shell.refuses("export", "ss27", "bundle", "-o", tmp_path / "b.zip")
    assert not zipfile.is_zipfile(tmp_path / "b.zip")
