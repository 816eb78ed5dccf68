"""What is made, as Shopify's product import takes it: the stock is what was made beyond the orders.

The columns are those of Shopify's "Using CSV files to import and export products" (help.shopify.com). Products come as drafts, for
the merchant to look at before anybody can buy them; nothing that Shopify has no column for is put into another one.
"""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby, zip_longest
from operator import attrgetter
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from c2b.campaigns.models import Campaign, Candidate, OptionValue, Picture, Variant
from c2b.errors import N_, Refused
from c2b.exports.sheet import About, Cell, Column, Row, Rows, Sheet, stream
from c2b.production.models import Decision, ProductionOrderLine

_PRODUCT = ("Title", "Body (HTML)", "Type", "Tags", "Published", "Gift Card", "Status")
_OPTIONS = ("Option1 Name", "Option1 Value", "Option2 Name", "Option2 Value")
_HOW = ("Variant Inventory Tracker", "Variant Inventory Policy", "Variant Fulfillment Service", "Variant Requires Shipping")
_PICTURES = ("Image Src", "Variant Image")
COLUMNS = (
    Column("Handle", ""),
    *(Column(name, "") for name in (*_PRODUCT, *_OPTIONS, *_HOW, "Variant SKU", "Variant Barcode", *_PICTURES)),
    Column("Variant Grams", "", Cell.INTEGER),
    Column("Variant Inventory Qty", "", Cell.INTEGER, total=True),
    Column("Variant Price", "", Cell.MONEY),
)
_NO_OPTION = ("Title", "Default Title")
"""How Shopify writes a product of one variant without options."""
_SOLD_HERE = ("shopify", "deny", "manual", "true")
"""Stock is counted there, nothing is sold that isn't there, nobody else sends it, and it is sent."""


def sheet(session: Session, campaign: Campaign, about: About) -> Sheet:
    """Return all variants of what is made, each product's first row with what is its own. Raises Refused before the decision."""
    decided = session.get(Decision, campaign.id)
    if decided is None:
        early = N_("“%(slug)s” isn't decided yet, so nobody knows what is made; run c2b decide after ordering closes")
        raise Refused(early, slug=campaign.slug)
    title = about.word("Shopify 商品", "Products for Shopify")
    return Sheet("shopify-products", title, COLUMNS, _rows(session, campaign, about), about, decided.input_hash)


def _rows(session: Session, campaign: Campaign, about: About) -> Rows:
    pictures = _pictures(session, campaign)
    with_variants = stream(session, _statement(campaign, about))
    for key, variants in groupby(with_variants, key=attrgetter("id")):
        yield from _product(list(variants), pictures.get(key, []), campaign.slug)


def _statement(campaign: Campaign, about: About) -> Any:
    made, first, second = ProductionOrderLine, aliased(OptionValue), aliased(OptionValue)
    said = {name: about.column(getattr(Candidate, name), getattr(Candidate, f"{name}_en")) for name in _SAID}
    shown = (first.id.label("shows"), about.column(first.value, first.value_en).label("value1"))
    extra = select(func.sum(made.units_extra)).where(made.variant_id == Variant.id).correlate(Variant).scalar_subquery()
    return (
        select(Candidate.id, Candidate.code, *(column.label(name) for name, column in said.items()), *shown)
        .add_columns(about.column(second.value, second.value_en).label("value2"), func.coalesce(extra, 0).label("extra"))
        .add_columns(Variant.sku, Variant.barcode, Variant.weight_g, Variant.price)
        .join(Variant, Variant.candidate_id == Candidate.id)
        .outerjoin(first, first.id == Variant.option1_id)
        .outerjoin(second, second.id == Variant.option2_id)
        .where(Candidate.id.in_(select(made.candidate_id).where(made.campaign_id == campaign.id)))
        .order_by(Candidate.position, Candidate.id, Variant.position)
    )


_SAID = ("name", "category", "description", "option1_name", "option2_name")


def _pictures(session: Session, campaign: Campaign) -> dict[int, list[Any]]:
    """Return the pictures of each candidate; `option_value_id` is what one shows, if it is of a single colour."""
    columns = (Picture.candidate_id, Picture.source, Picture.option_value_id)
    query = select(*columns).join(Candidate, Candidate.id == Picture.candidate_id).where(Candidate.campaign_id == campaign.id)
    ordered = session.execute(query.order_by(Picture.candidate_id, Picture.position, Picture.id))
    return {key: list(several) for key, several in groupby(ordered, key=attrgetter("candidate_id"))}


def _product(variants: Sequence[Any], pictures: Sequence[Any], slug: str) -> Iterator[Row]:
    """Yield a row a variant of `_statement`, beside them the product's own pictures, and a row for each picture beyond."""
    own = [each.source for each in pictures if each.option_value_id is None]
    of_colour = {each.option_value_id: each.source for each in reversed(pictures)}
    first = variants[0]
    about_it = (first.name, _markup(first.description), first.category, slug, "false", "false", "draft")
    for number, (variant, picture) in enumerate(zip_longest(variants, own)):
        product = ("",) * len(_PRODUCT) if number else about_it
        yield (first.code, *product, *_variant(variant, picture or "", of_colour)) if variant else _picture(first.code, picture)


def _variant(variant: Any, picture: str, of_colour: dict[int | None, str]) -> Row:
    options = (variant.option1_name, variant.value1 or "", variant.option2_name, variant.value2 or "")
    shown = options if variant.value1 else (*_NO_OPTION, "", "")
    pictures = (picture, of_colour.get(variant.shows, "") if variant.shows else "")
    return (*shown, *_SOLD_HERE, variant.sku, variant.barcode, *pictures, variant.weight_g, variant.extra, variant.price)


def _picture(code: str, picture: str) -> Row:
    empty = dict.fromkeys((column.name for column in COLUMNS), "")
    numbers = dict.fromkeys(("Variant Grams", "Variant Inventory Qty", "Variant Price"))
    return list((empty | numbers | {"Handle": code, "Image Src": picture}).values())


def _markup(text: str) -> str:
    """Return a text as HTML, a line a paragraph."""
    return "".join(f"<p>{escape(line, quote=False)}</p>" for line in text.splitlines())
