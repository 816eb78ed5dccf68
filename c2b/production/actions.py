"""The decision: one transaction that says of every product whether it is made, and does all that follows."""

from datetime import datetime

from sqlalchemy.orm import Session

from c2b.audit.actions import approve as agree
from c2b.audit.actions import record
from c2b.audit.queries import approvers
from c2b.campaigns.actions import locked
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.errors import N_, Refused
from c2b.jobs.actions import enqueue
from c2b.production import consequences, queries
from c2b.production.plan import Plan, plan
from c2b.production.rules import DecisionFigures

ACTION = "production.decide"
"""Its name in the audit log and in approvals."""


def decide(session: Session, *, slug: str, actor: str, now: datetime, expected: str | None = None) -> DecisionFigures:
    """Decide a campaign for good: outcomes and final prices of all lines, balances, production orders, refunds.

    `expected` is the input hash of the dry run that was looked at. Decided already, the stored figures come back and nothing changes.
    Raises NotFound; Refused outside of `settling`, while a payment begun in time isn't settled and `settle_hours` haven't passed, if the
    orders aren't those of the dry run, without the second person that the campaign asks for, and for a product without supplier.
    """
    campaign = locked(session, slug)
    if stored := queries.decision(session, campaign.id):
        return stored
    _ready(session, campaign, now)
    planned = plan(session, campaign)
    _as_seen(planned.figures, expected)
    _agreed(session, campaign, planned.figures, actor)
    _all_have_suppliers(planned)
    consequences.store(session, campaign, planned, actor=actor, now=now)
    consequences.order_production(session, campaign, planned, now=now)
    consequences.take_second_choices(session, campaign, planned)
    consequences.end_lines(session, campaign, now=now)
    consequences.settle_money(session, campaign, now=now)
    campaign.state = CampaignState.DECIDED
    enqueue(session, kind="production.tell", payload={"campaign": campaign.id}, key=f"production.tell:{slug}", now=now)
    summary = {name: value for name, value in planned.figures.document().items() if name != "products"}
    record(session, actor=actor, action=ACTION, campaign=slug, before={"state": "settling"}, after=summary | {"state": "decided"}, now=now)
    return planned.figures


def approve(session: Session, *, slug: str, expected: str, actor: str, now: datetime) -> None:
    """Agree, as a second person, to the decision whose dry run has the input hash `expected`.

    Raises NotFound; Refused if orders have changed since, and for anybody but a member of staff.
    """
    campaign = locked(session, slug)
    _as_seen(queries.preview(session, slug=slug), expected)
    agree(session, campaign=campaign.slug, action=ACTION, digest=expected, actor=actor, now=now)


def _ready(session: Session, campaign: Campaign, now: datetime) -> None:
    if campaign.state is not CampaignState.SETTLING:
        early = N_("Campaign %(slug)s is “%(state)s”; it can be decided once ordering has closed. A dry run shows the figures until then")
        raise Refused(early, slug=campaign.slug, state=campaign.state.value)
    if waiting := queries.waiting(session, campaign, now=now):
        wait = N_(
            "%(payments)s payments begun in time have no result yet, or brought another amount and wait for finance; "
            "decide when they are settled, or after %(until)s"
        )
        raise Refused(wait, payments=waiting.payments, until=waiting.until)


def _as_seen(now: DecisionFigures, expected: str | None) -> None:
    if expected is None or now.input_hash == expected:
        return
    changed = N_(
        "The orders have changed since that dry run: deciding now makes %(made)s products, %(pieces)s pieces, "
        "%(production_orders)s production orders and returns %(refunds)s payments; look at the new dry run first"
    )
    raise Refused(changed, made=now.made, pieces=now.pieces, production_orders=now.production_orders, refunds=now.refunds)


def _agreed(session: Session, campaign: Campaign, figures: DecisionFigures, actor: str) -> None:
    if not campaign.two_person:
        return
    others = set(approvers(session, campaign=campaign.slug, action=ACTION, digest=figures.input_hash)) - {actor}
    if not others:
        raise Refused(N_("This campaign's decision needs a second person: somebody else of the staff has to approve these exact figures"))


def _all_have_suppliers(planned: Plan) -> None:
    if lacking := [one.product.code for one, _ in planned.made if one.supplier is None]:
        raise Refused(N_("No supplier makes %(codes)s; import one for each, then decide"), codes=", ".join(lacking))
