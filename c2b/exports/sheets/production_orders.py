"""What every supplier is asked to make: one row a variant."""

from sqlalchemy import Select, literal, select
from sqlalchemy.orm import Session, aliased

from c2b.campaigns.models import Campaign, Candidate, OptionValue, Picture, Supplier, Variant
from c2b.errors import N_, Refused
from c2b.exports.sheet import About, Cell, Column, Sheet, stream
from c2b.production.models import Decision, ProductionOrder, ProductionOrderLine

COLUMNS = (
    Column("campaign", "活动"),
    Column("production_order", "生产单"),
    Column("revision", "版本", Cell.INTEGER),
    Column("line", "行", Cell.INTEGER),
    Column("supplier_code", "供应商代码"),
    Column("supplier", "供应商"),
    Column("candidate_code", "款号"),
    Column("candidate_name", "款名"),
    Column("sku", "SKU"),
    Column("barcode", "条码"),
    Column("option1", "规格一"),
    Column("option2", "规格二"),
    Column("units_ordered", "预订件数", Cell.INTEGER, total=True),
    Column("units_extra", "加量件数", Cell.INTEGER, total=True),
    Column("units_total", "总件数", Cell.INTEGER, total=True),
    Column("unit_cost", "单件成本", Cell.MONEY),
    Column("tax_rate", "税率", Cell.RATE),
    Column("amount", "金额", Cell.MONEY, total=True),
    Column("currency", "币种"),
    Column("due_date", "交期", Cell.DATE),
)
_OPTIONS = (
    Column("candidate_code", "款号"),
    Column("axis", "", Cell.INTEGER),
    Column("name", ""),
    Column("value", ""),
    Column("swatch", ""),
)
_PICTURES = (Column("candidate_code", "款号"), Column("file", ""))


def sheet(session: Session, campaign: Campaign, about: About) -> Sheet:
    """Return all lines, sorted by supplier; `amount` is without tax. Raises Refused before the decision."""
    decided = session.get(Decision, campaign.id)
    if decided is None:
        raise Refused(
            N_("“%(slug)s” isn't decided yet, so there are no production orders; run c2b decide after ordering closes"), slug=campaign.slug
        )
    line, order, first, second = ProductionOrderLine, ProductionOrder, aliased(OptionValue), aliased(OptionValue)
    units = line.units_ordered + line.units_extra
    statement = (
        select(
            *(literal(campaign.slug), order.number, order.revision, line.line, Supplier.code, Supplier.name),
            *(Candidate.code, about.column(Candidate.name, Candidate.name_en), Variant.sku, Variant.barcode),
            *(about.column(first.value, first.value_en), about.column(second.value, second.value_en)),
            *(line.units_ordered, line.units_extra, units, line.unit_cost, line.tax_rate, units * line.unit_cost),
            *(literal(campaign.currency), order.due_date),
        )
        .join(order, order.id == line.production_order_id)
        .join(Supplier, Supplier.id == order.supplier_id)
        .join(Candidate, Candidate.id == line.candidate_id)
        .join(Variant, Variant.id == line.variant_id)
        .outerjoin(first, first.id == Variant.option1_id)
        .outerjoin(second, second.id == Variant.option2_id)
        .where(line.campaign_id == campaign.id)
        .order_by(Supplier.code, line.line)
    )
    title = about.word("生产单", "Production orders")
    beside = (_options(session, campaign, about), _pictures(session, campaign, about))
    return Sheet("production-orders", title, COLUMNS, stream(session, statement), about, decided.input_hash, beside)


def _ordered(campaign: Campaign) -> Select[int]:
    return select(ProductionOrderLine.candidate_id).where(ProductionOrderLine.campaign_id == campaign.id)


def _pictures(session: Session, campaign: Campaign, about: About) -> Sheet:
    """Return the kept pictures of the ordered candidates, each one's first picture first."""
    statement = (
        select(Candidate.code, Picture.file)
        .join(Candidate, Candidate.id == Picture.candidate_id)
        .where(Candidate.id.in_(_ordered(campaign)), Picture.file != "")
        .order_by(Candidate.code, Picture.position, Picture.id)
    )
    return Sheet("pictures", "", _PICTURES, stream(session, statement), about)


def _options(session: Session, campaign: Campaign, about: About) -> Sheet:
    """Return every value of the ordered candidates' options, those that nobody ordered too."""
    value = OptionValue
    name1, name2 = Candidate.option1_name, Candidate.option2_name
    statement = (
        select(Candidate.code, value.axis, name1, name2, about.column(value.value, value.value_en), value.swatch)
        .join(Candidate, Candidate.id == value.candidate_id)
        .where(Candidate.id.in_(_ordered(campaign)))
        .order_by(Candidate.code, value.axis, value.position)
    )
    rows = ((code, axis, one if axis == 1 else two, shown, swatch) for code, axis, one, two, shown, swatch in stream(session, statement))
    return Sheet("options", "", _OPTIONS, rows, about)
