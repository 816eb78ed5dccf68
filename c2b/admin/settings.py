"""A campaign's rules and timetable as a form: made anew, and changed until they are frozen."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, g, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from c2b.admin import rules_form
from c2b.admin.blueprint import bp
from c2b.admin.page import Answer, done, show, shown_again_by, typed
from c2b.admin.rules_form import CONTROLS, SECTIONS, Control, Document
from c2b.campaigns import actions, campaign_file, document, queries
from c2b.campaigns.models import Campaign
from c2b.errors import N_, Invalid, Refused
from c2b.people.rules import Permission
from c2b.ui.problems import say
from c2b.ui.shell import now, reading, staff, staff_required, transaction

CURRENCIES = ("CNY", "HKD", "TWD", "JPY", "KRW", "SGD", "EUR", "USD", "GBP", "CHF", "CAD", "AUD")
ZONES = (
    *("Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Asia/Tokyo", "Asia/Seoul", "Europe/London", "Europe/Berlin"),
    *("Europe/Paris", "America/New_York", "America/Chicago", "America/Los_Angeles", "Australia/Sydney", "UTC"),
)

_CHANGED = N_(
    "Somebody changed these settings since you opened them, or a phase began. What you typed is kept below; check it, then save again."
)


def new_page() -> str:
    """Show the form of a new campaign, with the rules of an older one if the address names it."""
    with reading() as session:
        known = queries.campaigns(session)
        like = next((each for each in known if each.slug == request.args.get("like")), None)
        begun = document.anew(like, _today(like.time_zone)) if like else document.fresh(_today("Asia/Shanghai"))
        return _form(None, begun, known=known)


def settings_page(slug: str) -> str:
    """Show the settings of a campaign; what is frozen can be read."""
    with reading() as session:
        campaign = queries.campaign(session, slug)
        return _form(campaign, document.of(campaign))


def _today(zone: str) -> date:
    return now().astimezone(ZoneInfo(zone)).date()


def _form(campaign: Campaign | None, base: Document, **values: Any) -> str:
    closed = rules_form.shut(campaign)
    _name_the_controls()
    return show(
        "settings.html",
        here="settings" if campaign else "campaigns",
        campaign=campaign,
        sections=SECTIONS,
        value=lambda control: _shown(control, base, closed),
        is_in=lambda section: section.name in request.form if request.form else section.name in base,
        closed=closed,
        seen=document.edition(base),
        currencies=CURRENCIES,
        zones=ZONES,
        **values,
    )


def _shown(control: Control, base: Document, closed: set[str]) -> Any:
    """Return what a control shows: what was typed if the form was refused, else what the campaign says."""
    if not request.form or control.name in closed:
        return rules_form.shown(control, rules_form.inside(base, control.name))
    if control.kind == "several":
        return request.form.getlist(control.name)
    return typed(control.name)


def _name_the_controls() -> None:
    """Let every mistake say which control it is about, for it also stands on top of the page, and name others as they are labelled."""
    labels = {name: str(_(each.label)) for name, each in CONTROLS.items()} | {each.name: str(_(each.title)) for each in SECTIONS}
    g.errors = {name: _named(name, text, labels) for name, text in g.get("errors", {}).items()}


def _named(name: str, text: str, labels: dict[str, str]) -> str:
    for other, label in labels.items():
        if "." in other:
            text = text.replace(other, f"“{label}”")
    return str(_("%(label)s: %(problem)s", label=labels[name], problem=text)) if name in labels else text


@bp.get("/new")
@staff_required(Permission.PHASES)
def new_campaign() -> str:
    """Show the form of a new campaign."""
    return new_page()


@bp.post("/new")
@staff_required(Permission.PHASES)
@shown_again_by(new_page)
def make_campaign() -> Answer:
    """Make a campaign of the form."""
    asked = rules_form.read(request.form, {}, ())
    with transaction() as session:
        _refuse_taken(session, str(asked.get("slug", "")))
        made = actions.create(session, document=asked, actor=staff().actor, now=now())
        slug = made.slug
    _tell(asked)
    return done(_("Made as a draft. Nobody sees it yet; import its candidates next."), "overview", slug=slug)


def _refuse_taken(session: Session, slug: str) -> None:
    if slug in {each.slug for each in queries.campaigns(session)}:
        raise Invalid(N_("another campaign has this one already; choose another"), field="slug")


@bp.get("/<slug>/settings")
@staff_required(Permission.PHASES)
def settings(slug: str) -> str:
    """Show the settings."""
    return settings_page(slug)


@bp.post("/<slug>/settings")
@staff_required(Permission.PHASES)
@shown_again_by(settings_page)
def save_settings(slug: str) -> Answer:
    """Change what isn't frozen."""
    with transaction() as session:
        campaign = actions.locked(session, slug)
        base = document.of(campaign)
        if typed("seen") != document.edition(base):
            raise Refused(_CHANGED)
        asked = rules_form.read(request.form, base, rules_form.shut(campaign))
        actions.create(session, document=asked, actor=staff().actor, now=now())
    _tell(asked)
    return done(_("Saved."), "settings", slug=slug)


def _tell(asked: Document) -> None:
    """Say what its author should know though it is no mistake."""
    for notice in campaign_file.read(asked).notices:
        flash(say(notice), "warn")
