"""The candidates in the form in which they are imported, one row a variant, and what became of them."""

from sqlalchemy import literal, null, select
from sqlalchemy.orm import Session, aliased

from c2b.campaigns.models import Campaign, Candidate, Offer, OptionValue, Picture, Supplier, Variant
from c2b.exports.sheet import About, Cell, Column, Sheet, stream
from c2b.exports.sheets.votes import counted, held_back, run, tallies
from c2b.voting.models import SelectionLine

COLUMNS = (
    Column("code", "款号"),
    Column("name", "款名"),
    Column("name_en", "英文款名"),
    Column("category", "品类"),
    Column("description", "描述"),
    Column("description_en", "英文描述"),
    Column("composition", "成分"),
    Column("care", "洗护"),
    Column("price_from", "预估价起", Cell.MONEY),
    Column("price_to", "预估价止", Cell.MONEY),
    Column("price", "预订价", Cell.MONEY),
    Column("tier2_units", "二档件数", Cell.INTEGER),
    Column("tier2_price", "二档价", Cell.MONEY),
    Column("tier3_units", "三档件数", Cell.INTEGER),
    Column("tier3_price", "三档价", Cell.MONEY),
    Column("minimum", "起订量", Cell.INTEGER),
    Column("pack", "装箱数", Cell.INTEGER),
    Column("cap", "上限", Cell.INTEGER),
    Column("supplier", "供应商代码"),
    Column("unit_cost", "单件成本", Cell.MONEY),
    Column("lead_days", "生产天数", Cell.INTEGER),
    Column("tax_rate", "税率", Cell.RATE),
    Column("option1_name", "规格一名称"),
    Column("option1_value", "规格一"),
    Column("option1_minimum", "规格一起订量", Cell.INTEGER),
    Column("option1_swatch", "规格一色值"),
    Column("option2_name", "规格二名称"),
    Column("option2_value", "规格二"),
    Column("sku", "SKU"),
    Column("barcode", "条码"),
    Column("weight_g", "重量（克）", Cell.INTEGER),
    Column("image", "图片"),
    Column("currency", "币种"),
    Column("votes", "票数", Cell.INTEGER),
    Column("held", "暂扣票数", Cell.INTEGER),
    Column("rank", "名次", Cell.INTEGER),
    Column("result", "结果"),
    Column("withdrawn_at", "撤下时间", Cell.INSTANT),
)


def sheet(session: Session, campaign: Campaign, about: About) -> Sheet:
    """Return all candidates in the order of the file; votes stay empty where they may not be seen yet."""
    first, second, line = aliased(OptionValue), aliased(OptionValue), SelectionLine
    votes, held = tallies(campaign, counted(campaign)), tallies(campaign, held_back(campaign))
    counts = (votes, held) if about.counts else (null(), null())
    image = select(Picture.source).where(Picture.candidate_id == Candidate.id).order_by(Picture.position, Picture.id).limit(1)
    statement = (
        select(
            *(Candidate.code, Candidate.name, Candidate.name_en, Candidate.category, Candidate.description, Candidate.description_en),
            *(Candidate.composition, Candidate.care, Candidate.price_from, Candidate.price_to),
            *(Variant.price, Offer.tier2_units, Variant.tier2_price, Offer.tier3_units, Variant.tier3_price),
            *(Offer.minimum, Offer.pack, Offer.cap, Supplier.code, Offer.unit_cost, Offer.lead_days, Offer.tax_rate),
            *(Candidate.option1_name, first.value, first.minimum, first.swatch, Candidate.option2_name, second.value),
            *(Variant.sku, Variant.barcode, Variant.weight_g, image.correlate(Candidate).scalar_subquery()),
            *(literal(campaign.currency), *counts, line.rank, line.result, Candidate.withdrawn_at),
        )
        .outerjoin(Variant, Variant.candidate_id == Candidate.id)
        .outerjoin(first, first.id == Variant.option1_id)
        .outerjoin(second, second.id == Variant.option2_id)
        .outerjoin(Offer, Offer.candidate_id == Candidate.id)
        .outerjoin(Supplier, Supplier.id == Offer.supplier_id)
        .outerjoin(line, (line.campaign_id == campaign.id) & (line.candidate_id == Candidate.id))
        .where(Candidate.campaign_id == campaign.id)
        .order_by(Candidate.position, Candidate.id, Variant.position)
    )
    title = about.word("候选款", "Candidates")
    return Sheet("candidates", title, COLUMNS, stream(session, statement), about, run(session, campaign))
