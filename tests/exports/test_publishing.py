"""The files that everybody may fetch after a selection: made once, made anew for other overrides, never half."""

import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select, update

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.errors import Refused
from c2b.exports import publishing
from c2b.voting import selecting, verifying
from c2b.voting.models import Ballot
from tests import make


@pytest.fixture
def selected(database: Database) -> Database:
    """A campaign that is selected, one that still votes."""
    with database.transaction() as session:
        make.campaign(session, slug="aw27")
        made = make.campaign(session, state=CampaignState.TALLY, places=1)
        one, two = make.candidate(session, made, "K1"), make.candidate(session, made, "K2")
        make.ballot(session, made, one, two)
        make.ballot(session, made, one)
        selecting.select_winners(session, slug="ss27", actor="cli:test", now=make.CLOSES)
    return database


def place(database: Database, data: Path, slug: str = "ss27") -> Path | None:
    with database.reading() as session:
        return publishing.folder(session, data, slug)


def override(database: Database) -> None:
    with database.transaction() as session:
        make.override(session, make.candidate_of(session, make.campaign_of(session, "ss27"), "K2"), reason="补一款")


def test_a_selected_campaigns_files_are_made_once(selected: Database, tmp_path: Path) -> None:
    assert publishing.publish(selected, tmp_path, make.CLOSES) == ["ss27"]
    assert publishing.publish(selected, tmp_path, make.CLOSES) == []
    folder = place(selected, tmp_path)
    assert folder
    assert sorted(file.name for file in folder.iterdir()) == sorted(publishing.FILES)
    assert verifying.verify(folder / "bundle.zip").valid
    with zipfile.ZipFile(folder / "bundle.zip") as packed:
        assert all((folder / name).read_bytes() == packed.read(name) for name in ("result.json", "ballots.csv"))


def test_before_the_selection_nothing_is_made(selected: Database, tmp_path: Path) -> None:
    publishing.publish(selected, tmp_path, make.CLOSES)
    assert place(selected, tmp_path, "aw27") is None
    assert [each.name for each in (tmp_path / "published").iterdir()] == ["ss27"]


def test_an_approved_override_makes_them_anew_and_takes_the_old_ones_away(selected: Database, tmp_path: Path) -> None:
    publishing.publish(selected, tmp_path, make.CLOSES)
    before = place(selected, tmp_path)
    override(selected)
    after = place(selected, tmp_path)
    assert before
    assert after
    assert before != after
    assert publishing.publish(selected, tmp_path, make.CLOSES) == ["ss27"]
    assert (before.exists(), after.exists()) == (False, True)
    assert "补一款" in (after / "result.json").read_text("utf-8")
    assert verifying.verify(after / "bundle.zip").valid


def test_ballots_that_changed_are_not_published_and_nothing_half_stays(selected: Database, tmp_path: Path) -> None:
    with selected.transaction() as session:
        session.execute(update(Ballot).values(commitment="0" * 64))
    with pytest.raises(Refused, match="not what they were"):
        publishing.publish(selected, tmp_path, make.CLOSES)
    assert list((tmp_path / "published" / "ss27").iterdir()) == []
    assert place(selected, tmp_path)


def test_lost_files_are_made_again(selected: Database, tmp_path: Path) -> None:
    publishing.publish(selected, tmp_path, make.CLOSES)
    with selected.reading() as session:
        assert session.scalars(select(Campaign.slug).where(Campaign.state == CampaignState.SELECTED)).all() == ["ss27"]
    assert publishing.publish(selected, tmp_path / "restored", make.CLOSES) == ["ss27"]
