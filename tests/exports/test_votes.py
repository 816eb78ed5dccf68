from pathlib import Path
from typing import Any

import pytest
from pabulib.checker import Checker
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.exports.kinds import Format, Kind
from tests import make
from tests.exports import files
from tests.exports.conftest import Shop

KIND = Kind.VOTES


def pabulib(session: Session, **changes: Any) -> str:
    data, _ = files.made(session, KIND, Format.PB, **changes)
    return data.decode()


def sections(text: str) -> dict[str, list[str]]:
    """Return the lines of each section of a .pb file, its header first."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line in ("META", "PROJECTS", "VOTES"):
            found[line] = []
        else:
            found[list(found)[-1]].append(line)
    return found


def checked(text: str, folder: Path) -> dict[str, Any]:
    """Return what pabulib-checker says of the file: its errors and warnings."""
    path = folder / "votes.pb"
    path.write_text(text, encoding="utf-8")
    results: dict[str, Any] = Checker().process_files([str(path)])
    found = results["votes"]["results"]
    assert isinstance(found, dict)
    return found


@pytest.fixture
def voted(session: Session, shop: Shop) -> Campaign:
    """Three voters; K002 has three votes, K001 two; a held ballot and a draft beside them."""
    third = make.candidate(session, shop.campaign, "K003", position=3)
    make.ballot(session, shop.campaign, shop.formula, shop.knit, serial="b-1")
    make.ballot(session, shop.campaign, shop.formula, shop.knit, serial="b-2")
    make.ballot(session, shop.campaign, shop.formula, serial="b-3", source="imported")
    make.ballot(session, shop.campaign, third, serial="held", held_at=make.CLOSES, held_reason="same device")
    make.ballot(session, shop.campaign, third, serial="draft", source="draft")
    make.ballot(session, shop.campaign, serial="empty")
    return shop.campaign


@pytest.mark.usefixtures("voted")
def test_only_votes_that_count_are_exported_and_none_says_whose_it_is(session: Session) -> None:
    assert [(row["voter"], row["candidate"]) for row in files.table(session, KIND)] == [
        *(("b-1", "K001"), ("b-1", "K002"), ("b-2", "K001"), ("b-2", "K002"), ("b-3", "K002")),
    ]
    assert files.header(session, KIND) == ["voter", "candidate"]


def test_a_source_that_the_campaign_does_not_count_is_left_out(session: Session, voted: Campaign) -> None:
    voted.count = ["verified"]
    session.flush()
    assert {row["voter"] for row in files.table(session, KIND)} == {"b-1", "b-2"}


@pytest.mark.usefixtures("voted")
def test_the_pabulib_file_has_its_three_sections(session: Session) -> None:
    found = sections(pabulib(session))
    assert list(found) == ["META", "PROJECTS", "VOTES"]
    meta = dict(line.split(";", 1) for line in found["META"])
    assert meta["key"] == "value"
    assert {key: meta[key] for key in ("num_projects", "num_votes", "budget", "vote_type", "min_length", "max_length")} == {
        "num_projects": "3",
        "num_votes": "3",
        "budget": "2",
        "vote_type": "approval",
        "min_length": "1",
        "max_length": "3",
    }
    assert (meta["date_begin"], meta["date_end"], meta["country"], meta["instance"]) == ("01.03.2027", "14.03.2027", "CN", "ss27")
    assert found["PROJECTS"] == [
        "project_id;cost;votes;name;category",
        "K001;1;2;款 K001;衬衫",
        'K002;1;3;"=HYPERLINK(""x"")";衬衫',
        "K003;1;0;款 K003;衬衫",
    ]
    assert found["VOTES"] == ["voter_id;vote", "b-1;K001,K002", "b-2;K001,K002", "b-3;K002"]


def test_after_the_selection_the_selected_are_marked(session: Session, voted: Campaign) -> None:
    knit, formula, third = (make.candidate_of(session, voted, code) for code in ("K001", "K002", "K003"))
    make.selection(session, voted, (formula, 3), (knit, 2), (third, 0))
    projects = sections(pabulib(session))["PROJECTS"]
    assert projects[0] == "project_id;cost;votes;name;category;selected"
    assert [line[-1] for line in projects[1:]] == ["1", "1", "0"]


@pytest.mark.parametrize("selected", [True, False])
def test_pabulib_checker_accepts_the_votes(session: Session, voted: Campaign, tmp_path: Path, *, selected: bool) -> None:
    if selected:
        knit, formula, third = (make.candidate_of(session, voted, code) for code in ("K001", "K002", "K003"))
        make.selection(session, voted, (formula, 3), (knit, 2), (third, 0))
    found = checked(pabulib(session), tmp_path)
    assert "errors" not in found or found["errors"] == {}


@pytest.mark.parametrize(("places", "votes_each"), [(3, 15), (150, 15), (2, 2), (1, 2)])
def test_pabulib_checker_accepts_any_rules(session: Session, tmp_path: Path, places: int, votes_each: int) -> None:
    campaign = make.campaign(session, places=places, votes_each=votes_each, countries=["CN", "FR"])
    candidates = [make.candidate(session, campaign, f"K{number}", position=number, name=f"款 {number} \n x") for number in (1, 2, 3)]
    for picks in (candidates[:2], candidates[:1]):
        make.ballot(session, campaign, *picks)
    make.selection(session, campaign, *zip(candidates, (2, 1, 0), strict=True))
    found = checked(pabulib(session), tmp_path)
    assert not found.get("errors"), found


def test_one_vote_each_is_a_choice_of_one(session: Session, tmp_path: Path) -> None:
    campaign = make.campaign(session, votes_each=1, places=1)
    knit, dress = make.candidate(session, campaign, "K001"), make.candidate(session, campaign, "K002", position=2)
    make.ballot(session, campaign, knit)
    make.ballot(session, campaign, knit)
    make.selection(session, campaign, (knit, 2), (dress, 0))
    text = pabulib(session)
    assert "vote_type;choose-1" in text
    assert not checked(text, tmp_path).get("errors")


def test_the_checker_would_notice_a_vote_too_many(session: Session, voted: Campaign, tmp_path: Path) -> None:
    assert voted.slug == "ss27"
    wrong = pabulib(session).replace("num_votes;3", "num_votes;4").replace("K001;1;2", "K001;1;7")
    assert checked(wrong, tmp_path)["errors"]


@pytest.mark.usefixtures("voted")
def test_rows_are_votes_in_every_format(session: Session) -> None:
    counts = {form: files.made(session, KIND, form)[1].rows for form in (Format.CSV, Format.XLSX, Format.JSON, Format.PB)}
    assert set(counts.values()) == {5}
