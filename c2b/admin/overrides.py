"""Overrides on the selection desk: proposed by one, agreed to by another, each with a reason that everybody can read."""

from flask_babel import gettext as _

from c2b.admin.blueprint import bp
from c2b.admin.page import Answer, done, shown_again_by, typed
from c2b.admin.selection import selection_page
from c2b.people.rules import Permission
from c2b.ui.shell import now, staff, staff_required, transaction
from c2b.voting import overriding


@bp.post("/<slug>/overrides")
@staff_required(Permission.SELECTION)
@shown_again_by(selection_page)
def override(slug: str) -> Answer:
    """Propose to make what lost, or to drop what won."""
    with transaction() as session:
        code = typed("code").strip()
        overriding.propose(session, slug=slug, code=code, reason=typed("reason"), actor=staff().actor, now=now())
    return done(_("Proposed. It has no effect until somebody else agrees."), "selection", slug=slug, _anchor="overrides")


@bp.post("/<slug>/overrides/agree")
@staff_required(Permission.SELECTION)
@shown_again_by(selection_page)
def agree_to_override(slug: str) -> Answer:
    """Agree to what waits, as a second person: an override, or its end."""
    with transaction() as session:
        overriding.agree(session, slug=slug, code=typed("of"), digest=typed("seen"), actor=staff().actor, now=now())
    return done(
        _("Agreed. What the brand decided otherwise than the votes is public, with its reason."),
        "selection",
        slug=slug,
        _anchor="overrides",
    )


@bp.post("/<slug>/overrides/take-back")
@staff_required(Permission.SELECTION)
@shown_again_by(selection_page)
def take_back_override(slug: str) -> Answer:
    """Take back what one asked for oneself."""
    with transaction() as session:
        overriding.take_back(session, slug=slug, code=typed("of"), actor=staff().actor, now=now())
    return done(_("Taken back."), "selection", slug=slug, _anchor="overrides")


@bp.post("/<slug>/overrides/revoke")
@staff_required(Permission.SELECTION)
@shown_again_by(selection_page)
def revoke_override(slug: str) -> Answer:
    """Ask to undo an override in effect."""
    with transaction() as session:
        overriding.revoke(session, slug=slug, code=typed("ending"), reason=typed("ending_reason"), actor=staff().actor, now=now())
    return done(_("Asked. It stays in effect until somebody else agrees to undo it."), "selection", slug=slug, _anchor="overrides")
