import io
from csv import DictReader
from datetime import date

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate, OptionValue, Picture, Variant
from c2b.campaigns.rules import CampaignState
from c2b.errors import Refused
from c2b.exports.kinds import Kind
from c2b.production.models import ProductionOrderLine
from tests import make
from tests.campaigns.files import load
from tests.exports import files

KIND = Kind.SHOPIFY_PRODUCTS
CATALOGUE = (
    "code,name,category,description,price,option1_name,option1_value,option1_swatch,option2_name,option2_value,sku,barcode,weight_g,image",
    "K1,衬衫,上装,柔软 & <凉爽>，夏天穿。,299,颜色,靛蓝,#223355,尺码,S,K1-I-S,690001,300,i.jpg",
    "K1,,,,299,,靛蓝,,,M,K1-I-M,690002,310,",
    "K1,,,,309,,米白,#eeeedd,,S,K1-E-S,690003,300,e.jpg",
    "K2,长裙,连衣裙,,499,,,,,,K2,,,d.jpg|f.jpg|g.jpg",
    "K3,外套,外套,,899,,,,,,K3,,,",
)
ORDERED = {"K1-I-S": 40, "K1-E-S": 20, "K2": 50}


@pytest.fixture
def decided(session: Session) -> Campaign:
    """K1 and K2 are made, with 5 extra of the blue shirt in S; K3 missed its minimum."""
    campaign = make.campaign(session, state=CampaignState.DRAFT)
    assert load(session, CATALOGUE).new == 3
    campaign.state = CampaignState.SETTLING
    candidates = {each.code: each for each in session.scalars(select(Candidate))}
    variants = {each.sku: each for each in session.scalars(select(Variant))}
    make.decision(session, campaign, reached={candidates["K1"]: 60, candidates["K2"]: 50})
    lines = [(variants[sku], units) for sku, units in ORDERED.items()]
    make.production_order(session, campaign, make.supplier(session, "TX2"), *lines, due_date=date(2027, 5, 20))
    session.execute(update(ProductionOrderLine).where(ProductionOrderLine.variant_id == variants["K1-I-S"].id).values(units_extra=5))
    return campaign


@pytest.mark.usefixtures("decided")
def test_what_is_made_is_there_with_a_row_a_variant_and_what_missed_is_not(session: Session) -> None:
    rows = files.table(session, KIND)
    assert [(row["Handle"], row["Variant SKU"], row["Variant Price"]) for row in rows if row["Variant SKU"]] == [
        ("K1", "K1-I-S", "299.00"),
        ("K1", "K1-I-M", "299.00"),
        ("K1", "K1-E-S", "309.00"),
        ("K2", "K2", "499.00"),
    ]


@pytest.mark.usefixtures("decided")
def test_the_stock_is_what_was_made_beyond_the_orders(session: Session) -> None:
    stock = {row["Variant SKU"]: row["Variant Inventory Qty"] for row in files.table(session, KIND) if row["Variant SKU"]}
    assert stock == {"K1-I-S": "5", "K1-I-M": "0", "K1-E-S": "0", "K2": "0"}


@pytest.mark.usefixtures("decided")
def test_products_come_as_drafts_that_are_described_once(session: Session) -> None:
    first, second, *_ = files.table(session, KIND)
    assert (first["Title"], first["Status"], first["Published"]) == ("衬衫", "draft", "false")
    assert first["Body (HTML)"] == "<p>柔软 &amp; &lt;凉爽&gt;，夏天穿。</p>"
    assert (second["Title"], second["Body (HTML)"], second["Status"]) == ("", "", "")


@pytest.mark.usefixtures("decided")
def test_each_colour_shows_its_picture_and_pictures_beyond_the_variants_have_rows_of_their_own(session: Session) -> None:
    rows = files.table(session, KIND)
    assert [row["Variant Image"] for row in rows if row["Handle"] == "K1"] == ["i.jpg", "i.jpg", "e.jpg"]
    assert [(row["Variant SKU"], row["Image Src"]) for row in rows if row["Handle"] == "K2"] == [
        ("K2", "d.jpg"),
        ("", "f.jpg"),
        ("", "g.jpg"),
    ]


@pytest.mark.usefixtures("decided")
def test_a_product_without_options_is_written_as_shopify_writes_it(session: Session) -> None:
    (row,) = (row for row in files.table(session, KIND) if row["Variant SKU"] == "K2")
    assert (row["Option1 Name"], row["Option1 Value"], row["Option2 Name"]) == ("Title", "Default Title", "")


@pytest.mark.usefixtures("decided")
def test_our_own_import_makes_the_same_products_of_it(session: Session) -> None:
    data, _ = files.made(session, KIND)
    make.campaign(session, slug="aw27", state=CampaignState.DRAFT)
    report = load(session, data, slug="aw27")
    assert ([str(problem) for problem in report.problems], report.new) == ([], 2)
    assert known(session, "aw27") == [product for product in known(session, "ss27") if product[0] != "K3"]


def known(session: Session, slug: str) -> list[tuple[object, ...]]:
    """Return what Shopify has columns for, of each product of a campaign."""
    here = select(Candidate).join(Campaign, Campaign.id == Candidate.campaign_id).where(Campaign.slug == slug)
    return [
        (each.code, each.name, each.category, each.description, each.option1_name, each.option2_name, *parts(session, each))
        for each in session.scalars(here.order_by(Candidate.position))
    ]


def parts(session: Session, of: Candidate) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Return a candidate's variants and pictures."""
    values = dict[int | None, str](session.execute(select(OptionValue.id, OptionValue.value)).all())
    variants = session.scalars(select(Variant).where(Variant.candidate_id == of.id).order_by(Variant.position))
    pictures = session.scalars(select(Picture).where(Picture.candidate_id == of.id).order_by(Picture.position))
    return (
        [(v.sku, v.barcode, v.weight_g, v.price, values.get(v.option1_id), values.get(v.option2_id)) for v in variants],
        [(each.source, values.get(each.option_value_id)) for each in pictures],
    )


def test_before_the_decision_there_is_nothing_to_sell(session: Session) -> None:
    make.campaign(session, state=CampaignState.ORDERING)
    with pytest.raises(Refused, match="isn't decided yet, so nobody knows what is made"):
        files.made(session, KIND)


@pytest.mark.usefixtures("decided")
def test_shops_read_it_without_a_mark_of_the_encoding(session: Session) -> None:
    data, info = files.made(session, KIND)
    assert data.startswith(b"Handle,Title,")
    assert info.rows == len(list(DictReader(io.StringIO(data.decode(), newline=""))))
