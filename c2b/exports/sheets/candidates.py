"""The candidates in the form in which they are imported, one row a variant, and what became of them."""

from sqlalchemy import case, func, literal, null, select
from sqlalchemy.orm import Session, aliased

from c2b.campaigns.models import Campaign, Candidate, Offer, OptionValue, Picture, Supplier, Variant
from c2b.exports.sheet import About, Cell, Column, Sheet, stream
from c2b.exports.sheets.votes import counted, held_back, run, tallies
from c2b.voting.models import SelectionLine

COLUMNS = (
    Column("code", "款号"),
    Column("name", "款名"),
    Column("name_en", "英文名称"),
    Column("category", "类目"),
    Column("description", "描述"),
    Column("description_en", "英文描述"),
    Column("composition", "成分"),
    Column("care", "洗护"),
    Column("price_from", "最低预估价", Cell.MONEY),
    Column("price_to", "最高预估价", Cell.MONEY),
    Column("price", "预订价", Cell.MONEY),
    Column("tier2_units", "二档件数", Cell.INTEGER),
    Column("tier2_price", "二档价", Cell.MONEY),
    Column("tier3_units", "三档件数", Cell.INTEGER),
    Column("tier3_price", "三档价", Cell.MONEY),
    Column("minimum", "起订量", Cell.INTEGER),
    Column("pack", "装箱数", Cell.INTEGER),
    Column("cap", "上限", Cell.INTEGER),
    Column("supplier", "供应商编码"),
    Column("unit_cost", "成本价", Cell.MONEY),
    Column("lead_days", "生产周期", Cell.INTEGER),
    Column("tax_rate", "税率", Cell.RATE),
    Column("option1_name", "规格1名称"),
    Column("option1_value", "规格1"),
    Column("option1_minimum", "规格1起订量", Cell.INTEGER),
    Column("option1_swatch", "规格1色值"),
    Column("option2_name", "规格2名称"),
    Column("option2_value", "规格2"),
    Column("sku", "SKU"),
    Column("barcode", "条码"),
    Column("weight_g", "重量(克)", Cell.INTEGER),
    Column("image", "图片"),
    Column("category_en", "英文类目"),
    Column("composition_en", "英文成分"),
    Column("care_en", "英文洗护"),
    Column("option1_name_en", "规格1英文名称"),
    Column("option1_value_en", "规格1英文"),
    Column("option2_name_en", "规格2英文名称"),
    Column("option2_value_en", "规格2英文"),
    Column("variant_minimum", "SKU起订量", Cell.INTEGER),
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
    shows = func.coalesce(Picture.option_value_id, 0) == case((first.swatch != "", first.id), else_=0)  # a colour by its own picture
    pictures = select(Picture.source).where(Picture.candidate_id == Candidate.id, shows).order_by(Picture.position, Picture.id)
    image = pictures.limit(1).correlate(Candidate, first).scalar_subquery()
    statement = (
        select(
            *(Candidate.code, Candidate.name, Candidate.name_en, Candidate.category, Candidate.description, Candidate.description_en),
            *(Candidate.composition, Candidate.care, Candidate.price_from, Candidate.price_to),
            *(Variant.price, Offer.tier2_units, Variant.tier2_price, Offer.tier3_units, Variant.tier3_price),
            *(Offer.minimum, Offer.pack, Offer.cap, Supplier.code, Offer.unit_cost, Offer.lead_days, Offer.tax_rate),
            *(Candidate.option1_name, first.value, first.minimum, first.swatch, Candidate.option2_name, second.value),
            *(Variant.sku, Variant.barcode, Variant.weight_g, image),
            *(Candidate.category_en, Candidate.composition_en, Candidate.care_en, Candidate.option1_name_en, first.value_en),
            *(Candidate.option2_name_en, second.value_en, Variant.minimum),
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
