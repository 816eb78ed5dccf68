"""Plain functions that make what a test is about, with defaults for all that it isn't about."""

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate, Offer, OptionValue, Supplier, Variant
from c2b.campaigns.rules import CampaignState, LegalProfile
from c2b.people.models import Person

OPENS = datetime(2027, 3, 1, 2, 0, tzinfo=UTC)
CLOSES = datetime(2027, 3, 14, 14, 0, tzinfo=UTC)
ORDERING_OPENS = datetime(2027, 3, 17, 2, 0, tzinfo=UTC)
ORDERING_CLOSES = datetime(2027, 3, 30, 14, 0, tzinfo=UTC)


def campaign(session: Session, **changes: Any) -> Campaign:
    """Make a campaign in its voting phase: 15 votes, 2 places, deposits of 20 %, minimum 50."""
    values: dict[str, Any] = {
        "slug": "ss27",
        "title": "2027 春夏",
        "title_en": "Spring/Summer 2027",
        "currency": "CNY",
        "time_zone": "Asia/Shanghai",
        "legal_profile": LegalProfile.CN_DINGJIN,
        "state": CampaignState.VOTING,
        "secret": b"s" * 32,
        "created_at": OPENS,
        "voting_opens": OPENS,
        "voting_closes": CLOSES,
        "votes_each": 15,
        "places": 2,
        "count": ["verified", "store", "imported"],
        "ordering_opens": ORDERING_OPENS,
        "ordering_closes": ORDERING_CLOSES,
        "deposit_percent": 20,
        "minimum": 50,
        "countries": ["CN"],
        **changes,
    }
    made = Campaign(**values)
    session.add(made)
    session.flush()
    return made


def candidate(session: Session, of: Campaign, code: str, *, sizes: str = "S M L", price: int | None = 29900, **changes: Any) -> Candidate:
    """Make a candidate with a variant a size; `price` is the promised unit price in fen."""
    values: dict[str, Any] = {"position": 1, "name": f"款 {code}", "name_en": f"Design {code}", "category": "衬衫", "option1_name": "尺码"}
    made = Candidate(campaign_id=of.id, code=code, price_from=price, price_to=price, **(values | changes))
    session.add(made)
    session.flush()
    for position, size in enumerate(sizes.split(), start=1):
        value = OptionValue(candidate_id=made.id, axis=1, position=position, value=size)
        session.add(value)
        session.flush()
        session.add(
            Variant(
                campaign_id=of.id, candidate_id=made.id, position=position, option1_id=value.id, sku=f"{of.slug}-{code}-{size}", price=price
            )
        )
    session.flush()
    return made


def supplier(session: Session, code: str = "TX2", **changes: Any) -> Supplier:
    """Make a factory."""
    made = Supplier(code=code, **({"name": "桐乡织造二厂"} | changes))
    session.add(made)
    session.flush()
    return made


def offer(session: Session, of: Candidate, by: Supplier, **changes: Any) -> Offer:
    """Offer a candidate: made by `by`, at 100.00 a unit."""
    made = Offer(candidate_id=of.id, supplier_id=by.id, **({"unit_cost": 10000, "pack": 1} | changes))
    session.add(made)
    session.flush()
    return made


def person(session: Session, **changes: Any) -> Person:
    """Make a person without an address."""
    made = Person(**({"ref": secrets.token_urlsafe(12), "viewer": 1, "created_at": OPENS} | changes))
    session.add(made)
    session.flush()
    return made
