"""Balances that nobody paid, products that can't be delivered, and penalties: what finance decides after the decision."""

from flask import request
from flask_babel import gettext as _
from flask_babel import ngettext

from c2b.admin.blueprint import bp
from c2b.admin.page import Answer, confirm, done, show, shown_again_by, typed
from c2b.admin.two_people import only_asks, wishes
from c2b.audit.queries import approvers
from c2b.campaigns import queries
from c2b.campaigns.rules import CampaignState
from c2b.deposits.legal import legal
from c2b.errors import N_, Invalid
from c2b.people.rules import Permission
from c2b.production import defaults, penalties, undeliverable, unpaid
from c2b.ui.shell import now, reading, staff, staff_required, transaction

DECIDED = (CampaignState.DECIDED, CampaignState.COMPLETED)


def balances_page(slug: str) -> str:
    """Show what is unpaid, what would be kept, whose reminder didn't arrive, and which penalties are owed."""
    with reading() as session:
        campaign = queries.campaign(session, slug)
        found = unpaid.balances(session, campaign)
        count, amount, digest = defaults.forfeits(session, slug=slug, now=now())
        agreed = approvers(session, campaign=slug, action=defaults.FORFEIT, digest=digest)
        owed, products = penalties.owed(session, campaign.id), unpaid.confirmed(session, campaign.id)
        owed_count = penalties.count(session, campaign.id)
    over = found.ends is not None and now() >= found.ends
    kept = {"keeps": legal(campaign.legal_profile).forfeits, "kept": count, "kept_amount": amount, "over": over}
    people = {"agreed": agreed, "mine": staff().actor in agreed, "others": [each for each in agreed if each != staff().actor]}
    lists = {
        "unpaid": found,
        "penalties": owed,
        "penalty_count": owed_count,
        "choices": _choices(products),
        "decided": campaign.state in DECIDED,
    }
    return show("balances.html", here="balances", campaign=campaign, **kept, **people, **lists)


def _choices(products: list[unpaid.Undelivered]) -> list[tuple[str, str]]:
    return [(each.code, _("%(code)s, %(count)s units", code=each.code, count=each.units)) for each in products]


@bp.get("/<slug>/balances")
@staff_required(Permission.DEPOSITS)
def balances(slug: str) -> str:
    """Show the balances and what may become of them."""
    return balances_page(slug)


@bp.post("/<slug>/balances/agree")
@staff_required(Permission.MONEY)
@shown_again_by(balances_page)
def agree_to_forfeit(slug: str) -> Answer:
    """Agree, as one of two people, that deposits are kept."""
    with transaction() as session:
        defaults.agree_to_forfeit(session, slug=slug, actor=staff().actor, now=now())
    return done(_("You agreed. Once a second person wants it too, the deposits are kept."), "balances", slug=slug)


@bp.post("/<slug>/balances/keep")
@staff_required(Permission.MONEY)
@shown_again_by(balances_page)
def forfeit(slug: str) -> Answer:
    """Keep the deposits whose balance nobody paid, as the second person."""
    confirm(slug)
    with transaction() as session:
        figures = defaults.settle(session, slug=slug, actor=staff().actor, now=now())
    if not figures.forfeited:
        raise Invalid(N_("Nothing was kept: a second person has to agree first"))
    said = ngettext("%(num)s deposit is kept.", "%(num)s deposits are kept.", figures.forfeited)
    return done(said, "balances", slug=slug)


@bp.post("/<slug>/balances/release")
@staff_required(Permission.MONEY)
@shown_again_by(balances_page)
def release_deposits(slug: str) -> Answer:
    """Return the deposits of one line, or of all, whose reminder didn't arrive."""
    chosen = None if typed("line") == "all" else _chosen("line")
    with transaction() as session:
        figures = defaults.release(session, slug=slug, line=chosen, reason=typed("reason"), actor=staff().actor, now=now())
    return done(ngettext("%(num)s deposit goes back.", "%(num)s deposits go back.", figures.returned), "balances", slug=slug)


@bp.post("/<slug>/balances/penalties")
@staff_required(Permission.MONEY)
@shown_again_by(balances_page)
def pay_penalty(slug: str) -> Answer:
    """Note that a penalty was paid out."""
    line = _chosen("penalty")
    with transaction() as session:
        campaign = queries.campaign(session, slug)
        penalties.pay(session, campaign_id=campaign.id, line=line, reference=typed("reference"), actor=staff().actor, now=now())
    return done(_("Noted: paid by hand."), "balances", slug=slug)


def _chosen(name: str) -> int:
    """Return the row that was chosen in a list; raises Invalid where none was."""
    if not typed(name).isdecimal():
        raise Invalid(N_("Choose a row first"), field=name)
    return int(typed(name))


def undelivered_page(slug: str) -> str:
    """Show what it means not to deliver a product, and the form for it."""
    code = request.values.get("code", "")
    with reading() as session:
        campaign = queries.campaign(session, slug)
        found = unpaid.undelivered(session, campaign, code)
        asked = wishes(session, campaign, undeliverable.undelivering(campaign, code))
    return show("undelivered.html", here="balances", campaign=campaign, code=code, found=found, asked=asked)


@bp.get("/<slug>/undelivered")
@staff_required(Permission.DEPOSITS)
def undelivered(slug: str) -> str:
    """Show what it means not to deliver the product `code`."""
    return undelivered_page(slug)


@bp.post("/<slug>/undelivered")
@staff_required(Permission.MONEY)
@shown_again_by(undelivered_page)
def cannot_deliver(slug: str) -> Answer:
    """Give everything back for a product that can't be delivered, or ask for it as one of two people."""
    code = typed("code")
    if said := only_asks(slug, lambda _session, campaign: undeliverable.undelivering(campaign, code), reason=typed("reason")):
        return done(said, "undelivered", slug=slug, code=code)
    if typed("confirm").strip().lower() != code.lower():
        raise Invalid(N_("Type the product’s code %(code)s to confirm; nothing was changed"), field="confirm", code=code)
    with transaction() as session:
        count = undeliverable.cannot_deliver(session, slug=slug, code=code, reason=typed("reason"), actor=staff().actor, now=now())
    return done(_("%(code)s: %(count)s lines ended, everything paid for them goes back.", code=code, count=count), "refunds", slug=slug)
