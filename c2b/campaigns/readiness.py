"""What a campaign misses before it may show itself; later rooms have gates of their own."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.campaigns import rules
from c2b.campaigns.models import Campaign, Candidate, Picture
from c2b.campaigns.rules import CampaignState, Missing, has_voting
from c2b.errors import N_
from c2b.people.rules import SIGN_IN_KINDS, AddressKind

Gate = Callable[[Session, Campaign], list[Missing]]
"""What one room finds missing before a state; composed at the top and handed down."""
Gates = Mapping[CampaignState, Gate]
"""By the state that is entered: `voting` (or, without a voting phase, what comes in its place) and `ordering`."""


def before_voting(session: Session, campaign: Campaign, *, kinds: Collection[AddressKind] = SIGN_IN_KINDS) -> list[Missing]:
    """List what is missing before the candidates are frozen and shown: candidates, estimates; a missing picture only warns.

    `kinds` is what people can sign in by at this shop.
    """
    here = Candidate.campaign_id == campaign.id
    count = session.scalars(select(func.count()).where(here)).one()
    if not count:
        return [
            Missing(
                N_("it has no candidates; import a file of them, in the admin or with c2b candidates import %(slug)s FILE"),
                {"slug": campaign.slug},
            )
        ]
    unpriced = N_("candidate %(code)s has no estimated price")
    missing = [Missing(unpriced, {"code": code}) for code in _without_estimate(session, campaign)]
    missing += _too_few(campaign, count) + _unreachable(campaign, kinds)
    pictures = select(Picture.id).where(Picture.candidate_id == Candidate.id).exists()
    bare = session.scalars(select(Candidate.code).where(here, ~pictures).order_by(Candidate.position))
    return missing + [Missing(N_("candidate %(code)s has no picture"), {"code": code}, warning=True) for code in bare]


def _too_few(campaign: Campaign, count: int) -> list[Missing]:
    if not has_voting(campaign):
        return []
    asked = {
        N_("%(asked)s places but only %(count)s candidates; lower places or import more"): campaign.places,
        N_("%(asked)s votes each but only %(count)s candidates; lower votes_each or import more"): campaign.votes_each,
    }
    return [Missing(message, {"asked": number, "count": count}) for message, number in asked.items() if number > count]


def _unreachable(campaign: Campaign, kinds: Collection[AddressKind]) -> list[Missing]:
    if campaign.identity in kinds:
        return []
    if campaign.identity is AddressKind.WECHAT:
        return [
            Missing(
                N_(
                    "nobody can sign in by wechat yet; set C2B_WECHAT_APP_ID and C2B_WECHAT_APP_SECRET of the official account, "
                    "or identity to email or phone"
                )
            )
        ]
    return [Missing(N_("nobody can sign in by %(identity)s yet; set identity to email or phone"), {"identity": campaign.identity.value})]


def _without_estimate(session: Session, campaign: Campaign) -> list[str]:
    query = select(Candidate.code).where(
        Candidate.campaign_id == campaign.id,
        Candidate.price_from.is_(None) | Candidate.price_to.is_(None),
        Candidate.withdrawn_at.is_(None),
    )
    return list(session.scalars(query.order_by(Candidate.position)))


def missing(session: Session, campaign: Campaign, *, to: CampaignState, gates: Gates) -> list[Missing]:
    """List what the gate of `to` finds missing; what has no gate misses nothing."""
    gate = gates.get(CampaignState.VOTING if to is CampaignState.SELECTED and not has_voting(campaign) else to)
    return gate(session, campaign) if gate else []


def blocking(found: Iterable[Missing]) -> list[Missing]:
    """Return what stands in the way: all but the warnings."""
    return [thing for thing in found if not thing.warning]


def check(session: Session, campaign: Campaign, *, gates: Gates, now: datetime) -> list[Missing]:
    """List everything that stands against the campaign's next phase at `now`: what its gate misses and what the clock says."""
    ahead = rules.states(campaign)
    later = ahead[ahead.index(campaign.state) + 1 :] if campaign.state in ahead else ()
    state = next((state for state in later if state in (*gates, CampaignState.SELECTED)), None)
    return [] if state is None else rules.too_late(campaign, to=state, now=now) + missing(session, campaign, to=state, gates=gates)
