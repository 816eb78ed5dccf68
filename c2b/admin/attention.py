"""How much each candidate was looked at, what came of it, and in which sizes; under the rule of all counts."""

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.admin.counts import visible
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState, has_voting
from c2b.campaigns.sizes import sizes
from c2b.people.rules import Permission
from c2b.ui.language import locale
from c2b.ui.shell import staff
from c2b.voting.response import Response, least_seen, responses, size_curve

_LEAST = 5


@dataclass(frozen=True)
class Attention:
    """The response to each candidate, empty where it may not be shown; `may_ask`: this person may, once the look is logged."""

    responses: dict[int, Response] = field(default_factory=dict)
    least: tuple[str, ...] = ()
    """Codes of those whom fewest saw."""
    may_ask: bool = False

    @property
    def fewest(self) -> int:
        """Viewers of the least seen candidate."""
        return min((found.viewers for found in self.responses.values()), default=0)

    @property
    def most(self) -> int:
        """Viewers of the most seen candidate."""
        return max((found.viewers for found in self.responses.values()), default=0)


def attention(session: Session, campaign: Campaign) -> Attention:
    """Return what this member of staff may see of it now."""
    if not has_voting(campaign) or campaign.state in {CampaignState.DRAFT, CampaignState.SCHEDULED}:
        return Attention()
    if not visible(session, campaign):
        return Attention(may_ask=staff().may(Permission.COUNTS))
    found = responses(session, campaign.id)
    least = least_seen(found, _LEAST)
    codes = dict(session.execute(select(Candidate.id, Candidate.code).where(Candidate.id.in_(least))).all())
    return Attention(found, tuple(codes[key] for key in least))


def sizes_of(session: Session, campaign: Campaign, candidate_id: int) -> list[tuple[str, int]]:
    """Return the sizes that a candidate's voters wear, in the order of the file, with their numbers; none said: empty."""
    curve = size_curve(session, campaign.id, candidate_id)
    known = sizes(session, campaign.id, locale=locale())
    ordered = [*(value for value in known if value in curve), *sorted(curve.keys() - known.keys())]
    return [(known.get(value, value), curve[value]) for value in ordered]
