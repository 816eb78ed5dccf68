"""What pages and exports read of campaigns and their candidates."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from c2b.campaigns.finding import matching
from c2b.campaigns.models import Campaign, Candidate, Offer, OptionValue, Picture, Supplier, Variant
from c2b.campaigns.rules import text
from c2b.errors import N_, NotFound


@dataclass(frozen=True)
class PictureRow:
    """A picture; without `file` only its address `source` is known."""

    file: str
    source: str
    width: int
    height: int
    option_value_id: int | None


@dataclass(frozen=True)
class CandidateCard:
    """A candidate as the gallery and lists show it; estimates in minor units."""

    id: int
    code: str
    position: int
    name: str
    category: str
    price_from: int | None
    price_to: int | None
    withdrawn_at: datetime | None
    withdrawn_reason: str
    picture: PictureRow | None = None


@dataclass(frozen=True)
class OptionRow:
    """One value of an option, in the order of the file."""

    id: int
    axis: int
    value: str
    swatch: str
    minimum: int | None


@dataclass(frozen=True)
class VariantRow:
    """A size/colour combination; prices in minor units, empty until offered."""

    id: int
    minimum: int | None
    sku: str
    barcode: str
    weight_g: int | None
    option1: OptionRow | None
    option2: OptionRow | None
    price: int | None
    tier2_price: int | None
    tier3_price: int | None

    @property
    def label(self) -> str:
        """The values of its options, such as “M / Indigo”; empty where there is only one variant."""
        return " / ".join(option.value for option in (self.option1, self.option2) if option)


@dataclass(frozen=True)
class OfferRow:
    """What a candidate is sold at besides its variants' prices; amounts in minor units, tax in basis points."""

    minimum: int | None
    pack: int
    cap: int | None
    tier2_units: int | None
    tier3_units: int | None
    supplier_code: str
    supplier_name: str
    unit_cost: int | None
    lead_days: int | None
    tax_rate: int | None


@dataclass(frozen=True)
class CandidateDetail:
    """A candidate with everything that its page shows, in one language."""

    card: CandidateCard
    description: str
    composition: str
    care: str
    option1_name: str
    option2_name: str
    options1: tuple[OptionRow, ...]
    options2: tuple[OptionRow, ...]
    variants: tuple[VariantRow, ...]
    pictures: tuple[PictureRow, ...]
    offer: OfferRow | None

    @property
    def own_minimums(self) -> list[tuple[str, int]]:
        """The option values and variants that need units for themselves, by what they are called."""
        options = [(option.value, option.minimum) for option in (*self.options1, *self.options2)]
        variants = [(variant.label, variant.minimum) for variant in self.variants]
        return [(part, units) for part, units in (*options, *variants) if units]

    @property
    def is_priced(self) -> bool:
        """Whether it has variants, each with a price."""
        return bool(self.variants) and all(variant.price is not None for variant in self.variants)

    def picture_of(self, variant: VariantRow) -> PictureRow | None:
        """Return the picture in the variant's own colour, or the first one."""
        own = {option.id for option in (variant.option1, variant.option2) if option}
        return next((picture for picture in self.pictures if picture.option_value_id in own), self.card.picture)


def campaign(session: Session, slug: str) -> Campaign:
    """Return the campaign named `slug`; raises NotFound."""
    found = session.scalars(select(Campaign).where(Campaign.slug == slug)).one_or_none()
    if found is None:
        raise NotFound(N_("There is no campaign “%(slug)s”; c2b campaign list shows all"), slug=slug)
    return found


def campaigns(session: Session) -> list[Campaign]:
    """Return all campaigns, the newest first."""
    return list(session.scalars(select(Campaign).order_by(Campaign.created_at.desc(), Campaign.id.desc())))


def candidate_ids(session: Session, campaign_id: int, *, category: str = "", search: str = "") -> list[int]:
    """Return the keys of a campaign's candidates in the order of the file, those of a category or with a text if given.

    A category is taken in either language; how words are looked for says `finding.matching`.
    """
    query = select(Candidate.id).where(Candidate.campaign_id == campaign_id)
    if category:
        query = query.where(or_(Candidate.category == category, Candidate.category_en == category))
    ids = list(session.scalars(query.order_by(Candidate.position, Candidate.id)))
    if not search.split():
        return ids
    found = matching(session, campaign_id, search)
    return [key for key in ids if key in found]


def categories(session: Session, campaign_id: int, *, locale: str) -> list[tuple[str, str, int]]:
    """Return key, shown name and number of candidates of each category, in the order of the file."""
    query = (
        select(Candidate.category, func.max(Candidate.category_en), func.count())
        .where(Candidate.campaign_id == campaign_id, Candidate.category != "")
        .group_by(Candidate.category)
        .order_by(func.min(Candidate.position))
    )
    return [(key, text(key, en, locale), count) for key, en, count in session.execute(query)]


def candidates(session: Session, campaign_id: int, *, locale: str, ids: Sequence[int] | None = None) -> list[CandidateCard]:
    """Return a campaign's candidates with their first picture: those of `ids` in that order, or all in the order of the file."""
    found, pictures = candidates_with_pictures(session, campaign_id, ids)
    shown = {each.id: card(each, locale, pictures.get(each.id)) for each in found}
    return list(filter(None, map(shown.get, shown if ids is None else ids)))


def candidates_with_pictures(
    session: Session, campaign_id: int, ids: Sequence[int] | None = None
) -> tuple[tuple[Candidate, ...], dict[int, PictureRow]]:
    """Return a campaign's candidates, or those of `ids`, in the order of the file, and the first picture of each that has one."""
    query = select(Candidate).where(Candidate.campaign_id == campaign_id).order_by(Candidate.position, Candidate.id)
    if ids is not None:
        query = query.where(Candidate.id.in_(ids))
    found = tuple(session.scalars(query))
    pictures = _pictures(session, None if ids is None else [each.id for each in found], campaign_id)
    return found, {key: first for key, (first, *_) in pictures.items()}


def named(session: Session, slug: str, code: str, *, locale: str) -> tuple[int, str]:
    """Return a candidate's key and name, by one statement; raises NotFound."""
    query = select(Candidate.id, Candidate.name, Candidate.name_en).join(Campaign).where(Campaign.slug == slug, Candidate.code == code)
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound(N_("There is no candidate “%(code)s” in this campaign"), code=code)
    return found.id, text(found.name, found.name_en, locale)


def candidate(session: Session, campaign_id: int, code: str, *, locale: str) -> CandidateDetail:
    """Return one candidate with variants, options, pictures and offer; raises NotFound."""
    found = session.scalars(select(Candidate).where(Candidate.campaign_id == campaign_id, Candidate.code == code)).one_or_none()
    if found is None:
        raise NotFound(N_("There is no candidate “%(code)s” in this campaign"), code=code)
    return details(session, [found], locale=locale)[0]


def side_by_side(session: Session, campaign_id: int, codes: Sequence[str], *, locale: str) -> list[CandidateDetail]:
    """Return the candidates named `codes` in that order; one that doesn't exist is left out."""
    query = select(Candidate).where(Candidate.campaign_id == campaign_id, Candidate.code.in_(codes))
    return details(session, sorted(session.scalars(query), key=lambda each: codes.index(each.code)), locale=locale)


def details(session: Session, found: Sequence[Candidate], *, locale: str) -> list[CandidateDetail]:
    """Return everything about each of `found`, in their order, by four statements however many they are."""
    ids = [each.id for each in found]
    options = _options(session, ids, locale)
    variants = _variants(session, ids, options)
    offers = _offers(session, ids)
    pictures = _pictures(session, ids, None)
    return [
        CandidateDetail(
            card=card(each, locale, next(iter(pictures[each.id]), None)),
            description=text(each.description, each.description_en, locale),
            composition=text(each.composition, each.composition_en, locale),
            care=text(each.care, each.care_en, locale),
            option1_name=text(each.option1_name, each.option1_name_en, locale),
            option2_name=text(each.option2_name, each.option2_name_en, locale),
            options1=_on_axis(1, options[each.id].values()),
            options2=_on_axis(2, options[each.id].values()),
            variants=tuple(variants[each.id]),
            pictures=tuple(pictures[each.id]),
            offer=offers.get(each.id),
        )
        for each in found
    ]


def _on_axis(axis: int, options: Iterable[OptionRow]) -> tuple[OptionRow, ...]:
    return tuple(option for option in options if option.axis == axis)


def card(found: Candidate, locale: str, picture: PictureRow | None) -> CandidateCard:
    """Return a candidate as lists show it in a language."""
    return CandidateCard(
        id=found.id,
        code=found.code,
        position=found.position,
        name=text(found.name, found.name_en, locale),
        category=text(found.category, found.category_en, locale),
        price_from=found.price_from,
        price_to=found.price_to,
        withdrawn_at=found.withdrawn_at,
        withdrawn_reason=found.withdrawn_reason,
        picture=picture,
    )


def _pictures(session: Session, ids: Iterable[int] | None, campaign_id: int | None) -> dict[int, list[PictureRow]]:
    query = select(Picture).order_by(Picture.candidate_id, Picture.position, Picture.id)
    if ids is None:
        query = query.join(Candidate, Candidate.id == Picture.candidate_id).where(Candidate.campaign_id == campaign_id)
    else:
        query = query.where(Picture.candidate_id.in_(list(ids)))
    found: dict[int, list[PictureRow]] = defaultdict(list)
    for each in session.scalars(query):
        found[each.candidate_id].append(PictureRow(each.file, each.source, each.width, each.height, each.option_value_id))
    return found


def _options(session: Session, ids: Sequence[int], locale: str) -> dict[int, dict[int, OptionRow]]:
    query = select(OptionValue).where(OptionValue.candidate_id.in_(ids)).order_by(OptionValue.axis, OptionValue.position)
    found: dict[int, dict[int, OptionRow]] = defaultdict(dict)
    for each in session.scalars(query):
        row = OptionRow(each.id, each.axis, text(each.value, each.value_en, locale), each.swatch, each.minimum)
        found[each.candidate_id][each.id] = row
    return found


def _variants(session: Session, ids: Sequence[int], options: dict[int, dict[int, OptionRow]]) -> dict[int, list[VariantRow]]:
    query = select(Variant).where(Variant.candidate_id.in_(ids)).order_by(Variant.position, Variant.id)
    found: dict[int, list[VariantRow]] = defaultdict(list)
    for each in session.scalars(query):
        row = VariantRow(
            id=each.id,
            minimum=each.minimum,
            sku=each.sku,
            barcode=each.barcode,
            weight_g=each.weight_g,
            option1=options[each.candidate_id].get(each.option1_id or 0),
            option2=options[each.candidate_id].get(each.option2_id or 0),
            price=each.price,
            tier2_price=each.tier2_price,
            tier3_price=each.tier3_price,
        )
        found[each.candidate_id].append(row)
    return found


def _offers(session: Session, ids: Sequence[int]) -> dict[int, OfferRow]:
    query = select(Offer, Supplier).outerjoin(Supplier, Supplier.id == Offer.supplier_id).where(Offer.candidate_id.in_(ids))
    return {
        offer.candidate_id: OfferRow(
            minimum=offer.minimum,
            pack=offer.pack,
            cap=offer.cap,
            tier2_units=offer.tier2_units,
            tier3_units=offer.tier3_units,
            supplier_code=supplier.code if supplier else "",
            supplier_name=supplier.name if supplier else "",
            unit_cost=offer.unit_cost,
            lead_days=offer.lead_days,
            tax_rate=offer.tax_rate,
        )
        for offer, supplier in session.execute(query)
    }
