"""Who may see counts before they are public: staff with the permission, and each look is in the audit log."""

from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from c2b.admin.blueprint import bp
from c2b.admin.page import done, typed
from c2b.admin.scenario import HELD, LEAST
from c2b.audit.actions import record
from c2b.audit.queries import entries
from c2b.campaigns import queries
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.people.rules import Permission
from c2b.ui.shell import now, staff, staff_required, transaction
from c2b.voting.queries import is_published
from c2b.voting.selecting import LOOK

LASTS = timedelta(minutes=15)
"""How long counts stay open to the one whose look was recorded."""
_PAGES = ("selection", "trust", "candidates")
"""Where counts can be asked for, besides the overview."""
_PUBLIC = (CampaignState.SELECTED, CampaignState.ORDERING, CampaignState.SETTLING, CampaignState.DECIDED, CampaignState.COMPLETED)


def looked_at(session: Session, campaign: Campaign) -> datetime | None:
    """Return when this member of staff last asked to see the counts, if that is recent."""
    found = entries(session, campaign=campaign.slug, actor=staff().actor, action=LOOK, limit=1)
    return found[0].at if found and found[0].at > now() - LASTS else None


def visible(session: Session, campaign: Campaign) -> bool:
    """Tell whether the page may show counts: they are published, or this person may see them and has had the look logged.

    The command line has the same rule: what the selection hasn't published is nobody's without an entry in the audit log. That
    holds when voting has closed too, and for a campaign that was cancelled before its selection.
    """
    if campaign.state in _PUBLIC or (campaign.state is CampaignState.CANCELLED and is_published(session, campaign)):
        return True
    return staff().may(Permission.COUNTS) and looked_at(session, campaign) is not None


@bp.post("/<slug>/counts")
@staff_required(Permission.COUNTS)
def look(slug: str) -> Response:
    """Record the look, then show the page that it was asked on with counts."""
    with transaction() as session:
        queries.campaign(session, slug)
        back = typed("to") if typed("to") in _PAGES else "overview"
        record(session, actor=staff().actor, action=LOOK, campaign=slug, object=slug, now=now())
    scenario = {name: typed(name) for name in (*LEAST, HELD) if typed(name)}
    return done(_("This look at the counts was logged. They are shown to you for 15 minutes."), back, slug=slug, **scenario)
