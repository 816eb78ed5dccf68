"""Exceptions on the decision desk: what missed and is made all the same, proposed by one and agreed to by another."""

from flask_babel import gettext as _

from c2b.admin.blueprint import bp
from c2b.admin.decision import decision_page
from c2b.admin.page import Answer, done, shown_again_by, typed
from c2b.people.rules import Permission
from c2b.production import overriding
from c2b.ui.shell import now, staff, staff_required, transaction


@bp.post("/<slug>/decision/exceptions")
@staff_required(Permission.DECISION)
@shown_again_by(decision_page)
def make_all_the_same(slug: str) -> Answer:
    """Propose to make a product that misses its minimum."""
    with transaction() as session:
        overriding.propose(session, slug=slug, code=typed("code").strip(), reason=typed("reason"), actor=staff().actor, now=now())
    return done(_("Proposed. It has no effect until somebody else agrees."), "decision", slug=slug, _anchor="exceptions")


@bp.post("/<slug>/decision/exceptions/agree")
@staff_required(Permission.DECISION)
@shown_again_by(decision_page)
def agree_to_make(slug: str) -> Answer:
    """Agree, as a second person, to what was proposed."""
    with transaction() as session:
        overriding.agree(session, slug=slug, code=typed("of"), reason=typed("seen"), actor=staff().actor, now=now())
    return done(_("Agreed. The figures above count it in."), "decision", slug=slug, _anchor="exceptions")


@bp.post("/<slug>/decision/exceptions/take-back")
@staff_required(Permission.DECISION)
@shown_again_by(decision_page)
def let_the_rule_decide(slug: str) -> Answer:
    """Take an exception back."""
    with transaction() as session:
        overriding.take_back(session, slug=slug, code=typed("of"), actor=staff().actor, now=now())
    return done(_("Taken back. The published rule decides."), "decision", slug=slug, _anchor="exceptions")
