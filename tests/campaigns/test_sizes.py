import pytest
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.sizes import sizes
from tests import make


@pytest.fixture
def campaign(session: Session) -> Campaign:
    return make.campaign(session)


def named(session: Session, campaign: Campaign, code: str, **names: str) -> Candidate:
    """Make a candidate with options of these names and no values yet."""
    made = make.candidate(session, campaign, code, sizes="")
    for name in ("option1_name", "option1_name_en", "option2_name", "option2_name_en"):
        setattr(made, name, names.get(name, ""))
    session.flush()
    return made


@pytest.mark.parametrize(
    "names", [{"option1_name": "尺码"}, {"option1_name": "Size"}, {"option1_name": "", "option1_name_en": "SIZE"}, {"option1_name": "鞋码"}]
)
def test_an_option_that_is_called_size_holds_sizes(session: Session, campaign: Campaign, names: dict[str, str]) -> None:
    make.option_values(session, named(session, campaign, "K1", **names), 1, "S", "M", "L")
    assert sizes(session, campaign.id, locale="en") == {"S": "S", "M": "M", "L": "L"}


def test_colours_are_no_sizes(session: Session, campaign: Campaign) -> None:
    both = named(session, campaign, "K1", option1_name="颜色", option1_name_en="Colour", option2_name="尺码", option2_name_en="Size")
    make.option_values(session, both, 1, "靛蓝", "米白")
    make.option_values(session, both, 2, "S", "M")
    assert list(sizes(session, campaign.id, locale="en")) == ["S", "M"]


def test_each_size_stands_once_in_the_order_of_the_file(session: Session, campaign: Campaign) -> None:
    for code in ("K1", "K2"):
        make.option_values(session, named(session, campaign, code, option1_name="尺码"), 1, "S", "M", "L")
    assert list(sizes(session, campaign.id, locale="en")) == ["S", "M", "L"]


def test_a_size_is_shown_in_the_pages_language(session: Session, campaign: Campaign) -> None:
    only = make.option_values(session, named(session, campaign, "K1", option1_name="尺码"), 1, "均码")[0]
    only.value_en = "One size"
    session.flush()
    assert sizes(session, campaign.id, locale="en") == {"均码": "One size"}
    assert sizes(session, campaign.id, locale="zh_Hans_CN") == {"均码": "均码"}


def test_another_campaigns_sizes_are_its_own(session: Session, campaign: Campaign) -> None:
    make.option_values(session, named(session, campaign, "K1", option1_name="尺码"), 1, "S")
    assert sizes(session, make.campaign(session, slug="aw27").id, locale="en") == {}
