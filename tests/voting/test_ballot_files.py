import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c2b.errors import Invalid
from c2b.voting.ballot_files import BallotRow, Project, opened

PABULIB = (
    "META\nkey;value\ndescription;Test\nvote_type;approval\n"
    "PROJECTS\nproject_id;cost;votes;name;category;selected\n"
    '7;100;2;"Trees; and ""shade""";green,space;1\n'
    "9;50;1;Benches;;0\n"
    "VOTES\nvoter_id;vote;age\na;7,9;40\nb;7;\n"
)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows(path: Path) -> list[BallotRow]:
    with opened(path) as file:
        return list(file.rows)


def test_one_vote_a_row(tmp_path: Path) -> None:
    path = written(tmp_path, "votes.csv", "voter,candidate\na,K1\nb,K2\na,K2\n")
    assert rows(path) == [
        BallotRow(2, "a", ("K1",), partial=True),
        BallotRow(3, "b", ("K2",), partial=True),
        BallotRow(4, "a", ("K2",), partial=True),
    ]


def test_one_ballot_a_row(tmp_path: Path) -> None:
    path = written(tmp_path, "votes.csv", "voter,votes\na,K1  K2\nb,\n")
    assert rows(path) == [BallotRow(2, "a", ("K1", "K2")), BallotRow(3, "b", ())]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffvoter,candidate\na,K1\n",
        "Voter;Candidate\r\na;K1\r\n",
        'voter\tcandidate\n"a"\t"K1"\n',
        "shop,candidate,voter\nx,K1,a\n",
        "voter,candidate\n\n\na,K1\n\n",
        " voter , candidate \n a , K1 \n",
    ],
)
def test_columns_are_found_however_the_file_is_written(tmp_path: Path, content: str) -> None:
    found = rows(written(tmp_path, "votes.csv", content))
    assert [(row.voter, row.codes) for row in found] == [("a", ("K1",))]


def test_a_gzipped_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, "votes.csv.gz", gzip.compress(b"voter,votes\na,K1\n"))
    assert rows(path) == [BallotRow(2, "a", ("K1",))]


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    path = written(tmp_path, "votes.csv", 'voter,votes\n\n"a\nb",K1\nc,K2\n')
    assert [row.line for row in rows(path)] == [4, 5]


def test_a_pabulib_file_has_projects_and_ballots(tmp_path: Path) -> None:
    with opened(written(tmp_path, "city.pb", PABULIB)) as file:
        found = list(file.rows)
    assert found == [BallotRow(11, "a", ("7", "9")), BallotRow(12, "b", ("7",))]
    assert file.projects == [Project(7, "7", 'Trees; and "shade"', "green,space"), Project(8, "9", "Benches", "")]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("votes.csv", "", "columns voter,candidate"),
        ("votes.csv", "name,choice\na,K1\n", "columns voter,candidate"),
        ("votes.csv", "voter,candidate\na\n", "Line 2 has too few"),
        ("votes.csv", b"voter,candidate\n\xff\xfe,K1\n", "UTF-8"),
        ("votes.csv", b"voter,votes\na," + b"K" * 200_000 + b"\n", "can't be read"),
        ("votes.csv.gz", b"not gzip", "can't be read"),
        ("votes.csv.gz", gzip.compress(b"voter,votes\n" + b"a,K1\n" * 1000, mtime=0)[:40], "can't be read"),
        ("votes.xlsx", b"PK", r"\.csv, \.csv\.gz or \.pb"),
        ("city.pb", "", "must be META"),
        ("city.pb", "voter,votes\n", "must be META"),
        ("city.pb", "META\nkey;value\nvote_type;ordinal\nPROJECTS\n", "ordinal"),
        ("city.pb", "META\nkey;value\nvote_type;approval\n", "PROJECTS is missing"),
        ("city.pb", PABULIB[: PABULIB.index("VOTES")], "VOTES is missing"),
        ("city.pb", PABULIB.replace("project_id", "id"), "project_id"),
        ("city.pb", PABULIB.replace("voter_id", "id"), "voter_id"),
        ("city.pb", PABULIB.replace("b;7;", "b"), "Line 12 has too few"),
    ],
)
def test_what_is_no_ballot_file_is_refused_saying_why(tmp_path: Path, name: str, content: str | bytes, told: str) -> None:
    with pytest.raises(Invalid, match=told) as refused:
        rows(written(tmp_path, name, content))
    assert refused.value.field == "file"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        rows(tmp_path / "nothing.csv")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["x.csv", "x.csv.gz", "x.pb"]))
def test_no_file_makes_anything_but_rows_or_a_refusal(tmp_path: Path, content: bytes, name: str) -> None:
    try:
        found = rows(written(tmp_path, name, content))
    except Invalid:
        return
    assert all(isinstance(row, BallotRow) for row in found)
