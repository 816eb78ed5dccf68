"""Where a campaign asks for two people: the first one's button only asks; the second one does it."""

from collections.abc import Callable

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from c2b.admin.page import typed
from c2b.audit import two_people
from c2b.audit.two_people import Asked, Step
from c2b.campaigns.actions import locked
from c2b.campaigns.models import Campaign
from c2b.ui.shell import now, staff, transaction

StepOf = Callable[[Session, Campaign], Step]


def wishes(session: Session, campaign: Campaign, step: Step) -> list[Asked]:
    """Return who asked for a step; nobody has to where one person is enough."""
    return two_people.asked(session, step) if campaign.two_person else []


def only_asks(slug: str, step: StepOf, *, reason: str) -> str:
    """Note the wish if the button that only asks was pressed, and return what to say then; empty where the step itself is wanted."""
    if typed("ask") != "yes":
        return ""
    with transaction() as session:
        two_people.ask(session, step(session, locked(session, slug)), reason=reason, actor=staff().actor, now=now())
    return str(_("You asked for it. Nothing happens until somebody else does it with your reason."))
