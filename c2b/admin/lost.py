"""Customers who can't reach their address any more: one member of staff proposes, another agrees, the old address may object."""

from flask_babel import gettext as _

from c2b.admin.blueprint import bp
from c2b.admin.page import Answer, done, show, shown_again_by, typed
from c2b.errors import N_
from c2b.people import lost
from c2b.people.rules import LostState, Permission
from c2b.ui.shell import now, reading, staff, staff_required, transaction

LOST_STATES: dict[LostState, tuple[str, str]] = {
    LostState.ASKED: (N_("New"), "warn"),
    LostState.PROPOSED: (N_("A second person has to agree"), "warn"),
    LostState.WAITING: (N_("The old address may object"), "inf"),
    LostState.DONE: (N_("Moved"), "ok"),
    LostState.REFUSED: (N_("Refused"), ""),
    LostState.STOPPED: (N_("Stopped by the old address"), "bad"),
}


def lost_page() -> str:
    """Show the requests, those first that wait for somebody."""
    with reading() as session:
        found = lost.requests(session)
    return show("lost.html", here="lost_addresses", found=found, stands=LOST_STATES)


@bp.get("/lost")
@staff_required(Permission.PERSONAL_DATA)
def lost_addresses() -> str:
    """List the requests, masked; nobody sees a pick here."""
    return lost_page()


@bp.post("/lost/propose")
@staff_required(Permission.PERSONAL_DATA)
@shown_again_by(lost_page)
def propose_move() -> Answer:
    """Be for it, as the first of two."""
    with transaction() as session:
        lost.propose(session, ref=typed("ref"), reason=typed("reason"), actor=staff().actor, now=now())
    return done(_("Proposed. Somebody else has to agree."), "lost_addresses")


@bp.post("/lost/approve")
@staff_required(Permission.PERSONAL_DATA)
@shown_again_by(lost_page)
def approve_move() -> Answer:
    """Agree, as the second of two."""
    with transaction() as session:
        lost.approve(session, ref=typed("ref"), actor=staff().actor, now=now())
    return done(_("Agreed. The old address is told now; without objection the account moves in 72 hours."), "lost_addresses")


@bp.post("/lost/refuse")
@staff_required(Permission.PERSONAL_DATA)
@shown_again_by(lost_page)
def refuse_move() -> Answer:
    """Refuse it, with a reason."""
    with transaction() as session:
        lost.refuse(session, ref=typed("ref"), reason=typed("reason"), actor=staff().actor, now=now())
    return done(_("Refused. Nothing moves."), "lost_addresses")
