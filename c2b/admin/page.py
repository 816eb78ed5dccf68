"""What the staff's pages share: the frame with its menu, a refused form shown again, and the typed confirmation."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlencode

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState, text
from c2b.errors import N_, Invalid, Refused
from c2b.payments import cases
from c2b.people.rules import Permission
from c2b.ui.language import locale
from c2b.ui.problems import say
from c2b.ui.shell import parts, reading, staff
from c2b.voting import suspicions

P = ParamSpec("P")
T = TypeVar("T")
Answer = Response | str | tuple[str, int]
_PAGES = 999_999
"""More than any list has."""


@dataclass(frozen=True)
class Entry:
    """One line of the menu: a page of a campaign (or of the shop) and the permission that it asks for."""

    endpoint: str
    icon: str
    title: str
    permission: Permission | None = None
    gateway: str = ""
    """The way to pay without which nobody needs the page."""


CAMPAIGN_MENU = (
    Entry("overview", "home", N_("Overview")),
    Entry("candidates", "list", N_("Candidates"), Permission.CANDIDATES),
    Entry("importing", "upload", N_("Import"), Permission.CANDIDATES),
    Entry("trust", "eye", N_("Suspicious ballots"), Permission.COUNTS),
    Entry("selection", "scissors", N_("Selection"), Permission.SELECTION),
    Entry("counter", "users", N_("Counter"), Permission.STORE_BALLOTS),
    Entry("orders", "tag", N_("Orders"), Permission.DEPOSITS),
    Entry("decision", "decision", N_("Decision"), Permission.DECISION),
    Entry("refunds", "cash", N_("Refunds"), Permission.DEPOSITS),
    Entry("balances", "cash", N_("Balances"), Permission.DEPOSITS),
    Entry("transfers", "cash", N_("Transfers"), Permission.MONEY, gateway="manual"),
    Entry("production", "box", N_("Production"), Permission.OFFERS),
    Entry("shipping", "truck", N_("Delivery"), Permission.DEPOSITS),
    Entry("pickups", "home", N_("Store pickup"), Permission.PICKUPS),
    Entry("exports", "download", N_("Exports"), Permission.EXPORTS),
    Entry("links", "external", N_("Links and posters"), Permission.CANDIDATES),
    Entry("funnel", "filter", N_("Funnel"), Permission.DEPOSITS),
    Entry("log", "file", N_("Audit log"), Permission.AUDIT),
    Entry("settings", "sliders", N_("Settings"), Permission.PHASES),
    Entry("cancelling", "bad", N_("Cancel campaign"), Permission.PHASES),
    Entry("guide", "info", N_("Guide")),
)
SHOP_MENU = (
    Entry("campaigns", "list", N_("Campaigns")),
    Entry("money", "check", N_("Reconciliation"), Permission.DEPOSITS),
    Entry("books", "chart", N_("Books"), Permission.DEPOSITS),
    Entry("messages", "mail", N_("Messages"), Permission.DEPOSITS),
    Entry("lost_addresses", "users", N_("Lost addresses"), Permission.PERSONAL_DATA),
    Entry("hand_out", "box", N_("Hand out"), Permission.PICKUPS),
    Entry("stores", "home", N_("Stores"), Permission.PHASES),
    Entry("legal_profiles", "file", N_("Legal profiles")),
    Entry("accounts", "users", N_("Staff accounts"), Permission.STAFF),
)

STATES: dict[CampaignState, tuple[str, str]] = {
    CampaignState.DRAFT: (N_("Draft"), ""),
    CampaignState.SCHEDULED: (N_("Scheduled"), "inf"),
    CampaignState.VOTING: (N_("Voting is open"), "ok"),
    CampaignState.TALLY: (N_("Waiting for the selection"), "warn"),
    CampaignState.SELECTED: (N_("Selected"), "inf"),
    CampaignState.ORDERING: (N_("Ordering is open"), "ok"),
    CampaignState.SETTLING: (N_("Waiting for the decision"), "warn"),
    CampaignState.DECIDED: (N_("Decided"), "ok"),
    CampaignState.COMPLETED: (N_("Completed"), ""),
    CampaignState.CANCELLED: (N_("Cancelled"), "bad"),
}


def show(template: str, *, here: str, campaign: Campaign | None = None, **values: Any) -> str:
    """Render a page in the staff's frame; `here` is its line in the menu."""
    name = text(campaign.title, campaign.title_en, locale()) if campaign else ""
    return render_template(
        f"admin/{template}",
        campaign=campaign,
        title=name,
        nav=_menu(campaign, name, here),
        states=STATES,
        errors=g.get("errors", {}),
        typed=typed,
        me=staff(),
        href=page_address,
        **values,
    )


def _menu(campaign: Campaign | None, name: str, here: str) -> list[dict[str, Any]]:
    shop = {"title": _("All campaigns"), "links": _links(SHOP_MENU, here, to_do={"money": _open_cases()})}
    if campaign is None:
        return [shop]
    links = _links(CAMPAIGN_MENU, here, to_do={"trust": _undecided(campaign)}, slug=campaign.slug)
    return [{"title": name, "links": links}, shop]


def _open_cases() -> int:
    """Return how many cases about money wait, for those who may see them."""
    if not staff().may(Permission.DEPOSITS):
        return 0
    with reading() as session:
        return cases.open_count(session)


def _undecided(campaign: Campaign) -> int:
    """Return how many groups of ballots wait for a decision; none once the selection was made."""
    if campaign.state not in (CampaignState.VOTING, CampaignState.TALLY):
        return 0
    with reading() as session:
        return suspicions.waiting(session, campaign.id)


def _links(entries: tuple[Entry, ...], here: str, *, to_do: Mapping[str, int], **values: Any) -> list[dict[str, Any]]:
    return [
        {
            "href": url_for(f"admin.{entry.endpoint}", **values),
            "icon": entry.icon,
            "text": _(entry.title),
            "count": to_do.get(entry.endpoint, 0),
            "here": entry.endpoint == here,
        }
        for entry in entries
        if may_open(entry)
    ]


def may_open(entry: Entry) -> bool:
    """Say whether who is signed in may see the page, and the shop has the gateway that it is about."""
    is_allowed = entry.permission is None or staff().may(entry.permission)
    return is_allowed and entry.gateway in {"", *parts().gateways}


def typed(name: str, default: str = "") -> str:
    """Return what a form sent; a page shows it again where the form was refused, so that nothing has to be typed twice."""
    return request.form.get(name, default)


def whole(text: str, *, most: int = 2**63 - 1) -> int:
    """Return the whole number that an address or a form names, 0 for what is none or more than `most`: no database holds larger keys."""
    digits = text if text.isascii() and text.isdecimal() and len(text) <= len(str(most)) else "0"
    return int(digits) if int(digits) <= most else 0


def page_asked() -> int:
    """Return which page of a list the address asks for, from 1; what makes no sense is the first."""
    return max(whole(request.args.get("page", ""), most=_PAGES), 1)


def page_address(number: int) -> str:
    """Return the address of this list's page `number`, its filter kept."""
    return f"{request.path}?{urlencode({**request.args.to_dict(), 'page': number})}"


def shown_again_by(page: Callable[P, str]) -> Callable[[Callable[P, Answer]], Callable[P, Answer]]:
    """Answer what an action refuses by the page that the form stands on: all that is wrong on top, and what was typed kept."""

    def decorate(action: Callable[P, Answer]) -> Callable[P, Answer]:
        @wraps(action)
        def tried(*args: P.args, **kwargs: P.kwargs) -> Answer:
            try:
                return action(*args, **kwargs)
            except (Refused, Invalid) as problem:
                g.errors = {getattr(each, "field", ""): say(each) for each in getattr(problem, "problems", [problem])}
                return page(*args, **kwargs), 400 if isinstance(problem, Invalid) else 409

        return tried

    return decorate


def steps(names: Iterable[str], at: int) -> list[tuple[str, str]]:
    """Return the steps of a procedure, each with its state: d (done), n (now: number `at`, from 0) or empty."""
    return [(_(name), "d" if index < at else "n" if index == at else "") for index, name in enumerate(names)]


def near(above: list[T], below: list[T], *, most: int, everything: bool) -> tuple[list[T], list[T], bool]:
    """Return what stands nearest to a line, `most` on either side, and whether that is all of it; a short list is never cut."""
    if everything or len(above) + len(below) <= 2 * most:
        return above, below, True
    return above[-most:], below[:most], False


def done(message: str, endpoint: str, **values: Any) -> Response:
    """Say what was done on the next page, and go there."""
    flash(message, "ok")
    return redirect(url_for(f"admin.{endpoint}", **values), 303)


def confirm(slug: str) -> None:
    """Make sure that the campaign's code was typed for a step that can't be taken back; raises Invalid."""
    typed = request.form.get("confirm", "").strip()
    if typed.lower() != slug.lower():
        raise Invalid(N_("Type the campaign's code %(slug)s to confirm; nothing was changed"), field="confirm", slug=slug)
