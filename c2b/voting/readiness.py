"""What the vote's outcome still lacks before pre-orders may open."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate, Offer, Variant
from c2b.campaigns.rules import Missing
from c2b.errors import N_
from c2b.voting.queries import overrides, selected_ids


def before_ordering(session: Session, campaign: Campaign) -> list[Missing]:
    """List what is missing of the offers: each selected candidate needs variants with prices, a supplier, tiers with prices."""
    selected = selected_ids(session, campaign)
    if not selected:
        return [Missing(N_("no candidate is selected, so there is nothing to order"))]
    unpriced = func.count(Variant.id).filter(Variant.price.is_(None)).label("unpriced")
    tier2 = func.count(Variant.id).filter(Offer.tier2_units.is_not(None), Variant.tier2_price.is_(None)).label("without_tier2")
    tier3 = func.count(Variant.id).filter(Offer.tier3_units.is_not(None), Variant.tier3_price.is_(None)).label("without_tier3")
    query = (
        select(Candidate.code, Offer.supplier_id)
        .add_columns(func.count(Variant.id).label("variants"), unpriced, tier2, tier3)
        .outerjoin(Offer, Offer.candidate_id == Candidate.id)
        .outerjoin(Variant, Variant.candidate_id == Candidate.id)
        .where(Candidate.id.in_(selected))
        .group_by(Candidate.id, Candidate.code, Candidate.position, Offer.supplier_id)
        .order_by(Candidate.position, Candidate.id)
    )
    missing = []
    for row in session.execute(query):
        lacks = {
            N_("candidate %(code)s has no variants"): not row.variants,
            N_("candidate %(code)s has variants without a price"): row.unpriced,
            N_("candidate %(code)s has no supplier"): row.supplier_id is None,
            N_("candidate %(code)s has a second tier without a price"): row.without_tier2,
            N_("candidate %(code)s has a third tier without a price"): row.without_tier3,
        }
        missing += [Missing(message, {"code": row.code}) for message, is_missing in lacks.items() if is_missing]
    return missing + _undecided(session, campaign)


def _undecided(session: Session, campaign: Campaign) -> list[Missing]:
    """List overrides that nobody agreed to: once ordering opens they have no effect."""
    message = N_("the override of %(code)s waits for a second person; without one by then it has no effect")
    waiting = [each for each in overrides(session, campaign.id, waiting=True) if each.approved_at is None]
    return [Missing(message, {"code": each.code}, warning=True) for each in waiting]
