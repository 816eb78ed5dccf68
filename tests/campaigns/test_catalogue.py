from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from c2b.campaigns import queries
from c2b.campaigns.rules import CampaignState
from tests import make
from tests.campaigns.files import load


@pytest.mark.parametrize("name", ["litemall_239_goods.csv", "litemall_239_goods_gbk.csv"])
def test_239_real_chinese_goods_arrive_from_utf8_and_gbk_alike(session: Session, real_data: Path, name: str) -> None:
    of = make.campaign(session, state=CampaignState.DRAFT)
    report = load(session, (real_data / "catalogues" / "chinese" / name).read_bytes())
    assert (report.new, report.variants, report.problems) == (239, 244, ())
    bed = queries.candidate(session, of.id, "1181000", locale="en")
    assert (bed.card.name, bed.card.price_from, bed.card.price_to) == ("母亲节礼物-舒适安睡组合", 99900, 300000)
    assert bed.option1_name == "规格"
    assert [variant.label for variant in bed.variants][:2] == ["1.5m床垫*1+枕头*2/浅杏粉", "1.5m床垫*1+枕头*2/玛瑙红"]
    again = load(session, (real_data / "catalogues" / "chinese" / name).read_bytes())
    assert (again.new, again.changed, again.unchanged, again.pictures) == (0, 0, 239, 0)
