"""The sizes that a campaign's products come in."""

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Candidate, OptionValue
from c2b.campaigns.rules import text

NAMES = ("size", "sizes", "尺码", "尺寸", "码数", "鞋码")
"""What files call the option that is a size."""


def sizes(session: Session, campaign_id: int, *, locale: str) -> dict[str, str]:
    """Return the sizes of a campaign's candidates in the order of the file: as the file has them, and as they are shown."""
    names = ((Candidate.option1_name, Candidate.option1_name_en), (Candidate.option2_name, Candidate.option2_name_en))
    named = [(OptionValue.axis == axis) & func.lower(name).in_(NAMES) for axis, both in enumerate(names, start=1) for name in both]
    query = (
        select(OptionValue.value, func.max(OptionValue.value_en))
        .join(Candidate, Candidate.id == OptionValue.candidate_id)
        .where(Candidate.campaign_id == campaign_id, or_(*named))
        .group_by(OptionValue.value)
        .order_by(func.min(OptionValue.position), func.min(Candidate.position), OptionValue.value)
    )
    return {value: text(value, english, locale) for value, english in session.execute(query)}
