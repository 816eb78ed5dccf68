"""What leaves comes in again: exports read by our own imports."""

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.exports.kinds import Format, Kind
from c2b.voting import importing, selecting
from c2b.voting.models import Ballot, Pick
from tests import make
from tests.campaigns.files import load
from tests.exports import files
from tests.exports.test_votes import checked, sections

CATALOGUE = (
    "code,name,name_en,category,category_en,composition_en,price,tier2_units,tier2_price,minimum,pack,cap,supplier,unit_cost,lead_days,"
    "tax_rate,option1_name,option1_name_en,option1_value,option1_value_en,option1_swatch,option1_minimum,option2_name,option2_value,sku,"
    "weight_g,image,variant_minimum",
    "K1,衬衫,Shirt,上装,Tops,Linen,299,100,259,80,10,500,TX2,100,30,13,颜色,Colour,靛蓝,Indigo,#223355,20,尺码,S,K1-I-S,300,i.jpg,",
    "K1,,,,,,299,,259,,,,,,,,,,靛蓝,,,,,M,K1-I-M,310,,",
    "K1,,,,,,309,,269,,,,,,,,,,米白,Ecru,#eeeedd,,,S,K1-E-S,300,e.jpg,15",
    "K2,长裙,Dress,连衣裙,Dresses,,499,,,,,,,,,,,,,,,,,,K2,,d.jpg,",
)


@pytest.fixture
def draft(session: Session) -> Campaign:
    make.supplier(session, "TX2")
    campaign = make.campaign(session, state=CampaignState.DRAFT)
    assert load(session, CATALOGUE).new == 2
    return campaign


@pytest.mark.usefixtures("draft")
@pytest.mark.parametrize("form", [Format.CSV, Format.XLSX])
@pytest.mark.parametrize("locale", ["zh_Hans_CN", "en"])
def test_exported_candidates_change_nothing_when_they_are_imported(session: Session, form: Format, locale: str) -> None:
    data, _ = files.made(session, Kind.CANDIDATES, form, locale=locale)
    report = load(session, data)
    assert [str(problem) for problem in report.problems] == []
    assert (report.new, report.changed, report.unchanged, report.pictures) == (0, 0, 2, 0)


@pytest.mark.usefixtures("draft")
def test_exported_candidates_make_the_same_ones_in_another_campaign(session: Session) -> None:
    data, _ = files.made(session, Kind.CANDIDATES)
    make.campaign(session, slug="aw27", state=CampaignState.DRAFT)
    assert load(session, data, slug="aw27").new == 2
    copied, _ = files.made(session, Kind.CANDIDATES, slug="aw27")
    assert copied == data


@pytest.mark.usefixtures("draft")
def test_a_price_that_was_edited_in_the_export_is_set(session: Session) -> None:
    data, _ = files.made(session, Kind.CANDIDATES)
    report = load(session, data.replace(b"499.00", b"459.00"))
    assert (report.changed, report.unchanged) == (1, 1)
    assert {row["price"] for row in files.table(session, Kind.CANDIDATES) if row["code"] == "K2"} == {"459.00"}


@pytest.mark.parametrize("form", [Format.CSV, Format.PB])
def test_exported_votes_are_imported_as_the_same_ballots(session: Session, tmp_path: Path, now: datetime, form: Format) -> None:
    for slug in ("ss27", "aw27"):
        campaign = make.campaign(session, slug=slug)
        first, second = (make.candidate(session, campaign, code, position=place) for place, code in enumerate(("K1", "K2"), start=1))
        if slug == "ss27":
            for picks in ((first, second), (second,), (second,)):
                make.ballot(session, campaign, *picks)
    data, info = files.made(session, Kind.VOTES, form)
    path = tmp_path / f"votes.{form}"
    path.write_bytes(data)
    report = importing.import_ballots(session, slug="aw27", path=path, actor="cli:test", secret_key="k" * 32, now=now)
    assert (report.voters, report.votes, info.rows) == (3, 4, 4)
    votes = Counter(row["candidate"] for row in files.table(session, Kind.VOTES, slug="aw27"))
    assert votes == {"K1": 1, "K2": 3}


@pytest.mark.parametrize("election", [("Poland_Warszawa_2020_Wesola", 15), ("Poland_Warszawa_2021_Praga-Poludnie", 12)])
def test_a_real_election_comes_out_as_it_went_in(
    real_data: Path, sqlite_database: Database, tmp_path: Path, now: datetime, election: tuple[str, int]
) -> None:
    name, places = election
    path = real_data / "votes" / f"{name}.pb"
    with sqlite_database.transaction() as session:
        make.campaign(session, places=places, votes_each=15, currency="PLN", countries=["PL"], state=CampaignState.DRAFT)
        importing.import_ballots(session, slug="ss27", path=path, actor="cli:test", secret_key="k" * 32, now=now)
        campaign = make.campaign_of(session, "ss27")
        campaign.state = CampaignState.TALLY
        session.flush()
        selecting.select_winners(session, slug="ss27", actor="cli:test", now=files.LATER)
        data, _ = files.made(session, Kind.VOTES, Format.PB)
    ours, theirs = sections(data.decode()), sections(path.read_text(encoding="utf-8"))
    assert checked(data.decode(), tmp_path).get("errors", {}) == {}
    assert {tuple(line.split(";")[:3:2]) for line in ours["PROJECTS"][1:]} == {
        tuple(line.split(";")[:3:2]) for line in theirs["PROJECTS"][1:]
    }
    ballots = [Counter(tuple(sorted(line.split(";")[1].split(","))) for line in file["VOTES"][1:]) for file in (ours, theirs)]
    assert ballots[0] == ballots[1]
    assert sum(line.endswith(";1") for line in ours["PROJECTS"]) == places


def test_picks_and_exported_votes_are_equally_many(session: Session) -> None:
    campaign = make.campaign(session)
    candidates = [make.candidate(session, campaign, f"K{place}", position=place) for place in range(1, 6)]
    for voter in range(20):
        make.ballot(session, campaign, *candidates[: voter % 6])
    picks = session.scalars(select(Pick.candidate_id).join(Ballot, Ballot.person_id == Pick.person_id)).all()
    codes = dict(session.execute(select(Candidate.id, Candidate.code)).all())
    assert Counter(row["candidate"] for row in files.table(session, Kind.VOTES)) == Counter(codes[pick] for pick in picks)
