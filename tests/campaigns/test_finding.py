from typing import Any

import pytest
from sqlalchemy.orm import Session

from c2b.campaigns import finding, queries
from c2b.campaigns.models import Campaign
from c2b.db import Database
from tests import make
from tests.statements import counted

DESIGNS: dict[str, dict[str, Any]] = {
    "K01": {"name": "麻布衬衫", "name_en": "Linen shirt", "category": "衬衫", "category_en": "Shirts", "description": "透气的夏季款"},
    "K02": {"name": "星点长裙", "name_en": "Dotted Dress", "category": "连衣裙", "category_en": "Dresses", "composition": "80% 桑蚕丝"},
    "K03": {"name": "Ｔ恤 Ａ字", "name_en": "Tee", "category": "T恤", "category_en": "Tees", "composition_en": "Organic cotton, 160 g"},
    "Ｋ９": {"name": "Ä-Mantel", "name_en": "Überwurf", "description_en": "100% wool, half_lined"},
}


@pytest.fixture
def campaign(session: Session) -> Campaign:
    made = make.campaign(session)
    for position, (code, texts) in enumerate(DESIGNS.items()):
        make.candidate(session, made, code, position=position, sizes="", **texts)
    return made


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("K01", ["K01"]),
        ("k01", ["K01"]),
        ("Ｋ０１", ["K01"]),
        ("k9", ["Ｋ９"]),
        ("麻布", ["K01"]),
        ("linen", ["K01"]),
        ("linen 衬衫", ["K01"]),
        ("夏季 SHIRT", ["K01"]),
        ("linen　shirt", ["K01"]),
        ("桑蚕丝", ["K02"]),
        ("organic", ["K03"]),
        ("t恤", ["K03"]),
        ("Ｔ恤", ["K03"]),
        ("Dresses", ["K02"]),
        ("überwurf", ["Ｋ９"]),
        ("ä-mantel", ["Ｋ９"]),
        ("100%", ["Ｋ９"]),
        ("half_lined", ["Ｋ９"]),
        ("halfxlined", []),
        ("linen dress", []),
        ("", ["K01", "K02", "K03", "Ｋ９"]),
        ("  ", ["K01", "K02", "K03", "Ｋ９"]),
        ("\\", []),
    ],
)
def test_every_word_stands_somewhere_in_either_language(session: Session, campaign: Campaign, search: str, found: list[str]) -> None:
    code = {make.candidate_of(session, campaign, each).id: each for each in DESIGNS}
    assert sorted(code[key] for key in finding.matching(session, campaign.id, search)) == sorted(found)
    assert [code[key] for key in queries.candidate_ids(session, campaign.id, search=search)] == found


def test_another_campaigns_candidates_are_not_found(session: Session, campaign: Campaign) -> None:
    other = make.campaign(session, slug="aw27")
    make.candidate(session, other, "K01", name="麻布衬衫", sizes="")
    assert len(finding.matching(session, campaign.id, "麻布")) == 1


def test_a_search_costs_one_statement(database: Database) -> None:
    with database.transaction() as session:
        made = make.campaign(session)
        for number in range(30):
            make.candidate(session, made, f"K{number}", position=number, sizes="")
    with database.reading() as session, counted(database) as statements:
        finding.matching(session, made.id, "K2 K")
    assert len(statements) == 1
