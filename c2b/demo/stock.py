"""Products become candidates with variants, offers and pictures: a constant number of statements, however many products."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate, Offer, OptionValue, Picture, Supplier, Variant
from c2b.demo.catalogue import TAX, Product, barcode, words
from c2b.demo.garments.drawing import HEIGHT, WIDTH, svg
from c2b.stores.models import Store

COLOUR, SIZE = 1, 2
"""Axes of a garment's options."""


def hire_suppliers(session: Session) -> dict[str, int]:
    """Enter the factories that aren't there yet; returns the keys of all by code."""
    known = set(session.scalars(select(Supplier.code)))
    fields = ("code", "name", "contact", "phone", "capacity_units", "lead_days")
    missing = [{name: factory[name] for name in fields} for factory in words()["suppliers"] if factory["code"] not in known]
    if missing:
        session.execute(insert(Supplier), missing)
    return {code: key for key, code in session.execute(select(Supplier.id, Supplier.code))}


def open_stores(session: Session) -> list[int]:
    """Enter the stores that aren't there yet; returns the keys of all."""
    known = set(session.scalars(select(Store.code)))
    if missing := [store for store in words()["stores"] if store["code"] not in known]:
        session.execute(insert(Store), missing)
    return list(session.scalars(select(Store.id).order_by(Store.id)))


def enter(session: Session, campaign: Campaign, products: Sequence[Product], *, offered: bool) -> None:
    """Enter the products as candidates of a campaign without any, with variants and pictures; `offered`: with prices and offers too."""
    session.execute(insert(Candidate), [_candidate(campaign, number, product) for number, product in enumerate(products, start=1)])
    ids = _ids(session, campaign)
    options = list(chain.from_iterable(_options(ids[product.code], product) for product in products))
    session.execute(insert(OptionValue).execution_options(render_nulls=True), options)  # else a statement for each run of equal columns
    values = _values(session, campaign)
    session.execute(insert(Variant), list(_variants(campaign, products, ids, values)))
    session.execute(insert(Picture), list(_pictures(campaign, products, ids, values)))
    if offered:
        suppliers = hire_suppliers(session)
        session.execute(insert(Offer), [_offer(ids[product.code], product, suppliers) for product in products])


def draw(folder: Path, slug: str, products: Sequence[Product]) -> None:
    """Draw every colour of the products into `folder`, each under the name that its row has."""
    folder.mkdir(parents=True, exist_ok=True)
    for product in products:
        for number, colour in enumerate(product.colours):
            drawing = svg(product.look, colour=colour.hex, accent=colour.accent)
            folder.joinpath(picture_name(slug, product.code, number)).write_text(drawing, encoding="utf-8")


def picture_name(slug: str, code: str, number: int) -> str:
    """Return the file name of a product's picture in its colour `number`: looks random, and is the same every time."""
    return f"{hashlib.sha256(f'{slug}/{code}/{number}'.encode()).hexdigest()[:32]}.svg"


def _ids(session: Session, campaign: Campaign) -> dict[str, int]:
    rows = session.execute(select(Candidate.code, Candidate.id).where(Candidate.campaign_id == campaign.id))
    return {row.code: row.id for row in rows}


def _values(session: Session, campaign: Campaign) -> dict[tuple[int, int, str], int]:
    columns = (OptionValue.candidate_id, OptionValue.axis, OptionValue.value, OptionValue.id)
    query = select(*columns).join(Candidate, Candidate.id == OptionValue.candidate_id).where(Candidate.campaign_id == campaign.id)
    return {(candidate, axis, value): key for candidate, axis, value, key in session.execute(query)}


def _candidate(campaign: Campaign, position: int, product: Product) -> dict[str, Any]:
    texts = {name: getattr(product, name) for name in ("name", "category", "description", "composition", "care")}
    return (
        {"campaign_id": campaign.id, "code": product.code, "position": position}
        | {name: text.zh for name, text in texts.items()}
        | {f"{name}_en": text.en for name, text in texts.items()}
        | {"price_from": product.terms.estimate[0], "price_to": product.terms.estimate[1]}
        | {"option1_name": "颜色", "option1_name_en": "Colour", "option2_name": "尺码", "option2_name_en": "Size"}
    )


def _options(candidate: int, product: Product) -> Iterator[dict[str, Any]]:
    for position, colour in enumerate(product.colours, start=1):
        name = {"value": colour.name.zh, "value_en": colour.name.en, "swatch": colour.hex}
        minimum = product.rarest_minimum if position == len(product.colours) else None
        yield {"candidate_id": candidate, "axis": COLOUR, "position": position, "minimum": minimum} | name
    for position, size in enumerate(product.sizes, start=1):
        name = {"value": size.zh, "value_en": size.en, "swatch": ""}
        yield {"candidate_id": candidate, "axis": SIZE, "position": position, "minimum": None} | name


def _variants(
    campaign: Campaign, products: Sequence[Product], ids: dict[str, int], values: dict[tuple[int, int, str], int]
) -> Iterator[dict[str, Any]]:
    number = campaign.id * 100_000
    for product in products:
        candidate, position = ids[product.code], 0
        for colour_number, colour in enumerate(product.colours, start=1):
            for size_number, size in enumerate(product.sizes):
                number, position = number + 1, position + 1
                yield {
                    "campaign_id": campaign.id,
                    "candidate_id": candidate,
                    "position": position,
                    "option1_id": values[candidate, COLOUR, colour.name.zh],
                    "option2_id": values[candidate, SIZE, size.zh],
                    "sku": f"{campaign.slug.upper()}-{product.code}-{colour_number}-{size.en.replace(' ', '').upper()}",
                    "barcode": barcode(number),
                    "weight_g": product.weight_g + 15 * size_number,
                    "price": product.terms.prices[0],
                    "tier2_price": product.terms.prices[1],
                    "tier3_price": product.terms.prices[2],
                }


def _pictures(
    campaign: Campaign, products: Sequence[Product], ids: dict[str, int], values: dict[tuple[int, int, str], int]
) -> Iterator[dict[str, Any]]:
    for product in products:
        candidate = ids[product.code]
        for number, colour in enumerate(product.colours):
            yield {
                "candidate_id": candidate,
                "option_value_id": values[candidate, COLOUR, colour.name.zh],
                "position": number + 1,
                "source": f"{product.code}-{number + 1}.svg",
                "file": picture_name(campaign.slug, product.code, number),
                "width": WIDTH,
                "height": HEIGHT,
            }


def _offer(candidate: int, product: Product, suppliers: dict[str, int]) -> dict[str, Any]:
    terms = product.terms
    return {
        "candidate_id": candidate,
        "minimum": terms.minimum,
        "pack": terms.pack,
        "cap": terms.cap,
        "tier2_units": terms.tier_units[0],
        "tier3_units": terms.tier_units[1],
        "supplier_id": suppliers[terms.supplier],
        "unit_cost": terms.unit_cost,
        "lead_days": terms.lead_days,
        "tax_rate": TAX,
    }
