"""What the pages of one campaign share: the campaign itself, its phases, and how long each still lasts."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from c2b.campaigns import queries
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState, ordering_is_open, text, voting_is_open
from c2b.deposits.legal import legal
from c2b.errors import N_, NotFound
from c2b.ui.filters import day, instant, instant_text, until
from c2b.ui.language import call_deposits_prepayments, locale
from c2b.ui.shell import now

_ORDER = tuple(CampaignState)
AFTER_SELECTION = frozenset(
    {CampaignState.SELECTED, CampaignState.ORDERING, CampaignState.SETTLING, CampaignState.DECIDED, CampaignState.COMPLETED}
)


@dataclass(frozen=True)
class Phase:
    """A segment of the strip; `state` is done, now or empty."""

    what: str
    when: str
    state: str


@dataclass(frozen=True)
class Countdown:
    """What comes next: time left, and a sentence with the instant."""

    moment: datetime
    left: str
    sentence: Markup


def shown(session: Session, slug: str) -> Campaign:
    """Return a campaign that customers may see; raises NotFound, for a draft too."""
    found = queries.campaign(session, slug)
    if found.state is CampaignState.DRAFT:
        raise NotFound(N_("There is no campaign “%(slug)s”"), slug=slug)
    call_deposits(found)
    return found


def call_deposits(campaign: Campaign) -> None:
    """Let this request's pages call deposits what the campaign's law calls them."""
    if not legal(campaign.legal_profile).forfeits:
        call_deposits_prepayments()


def title(campaign: Campaign) -> str:
    """Return the campaign's title in the page's language."""
    return text(campaign.title, campaign.title_en, locale())


def is_selected(campaign: Campaign) -> bool:
    """Tell whether it is settled which candidates may be ordered."""
    return campaign.state in AFTER_SELECTION


def phases(campaign: Campaign) -> list[Phase]:
    """Return the campaign's segments for the strip."""
    zone, at = campaign.time_zone, _ORDER.index(campaign.state)

    def span(opens: datetime, closes: datetime) -> str:
        return f"{instant_text(opens, zone, 'day')} – {instant_text(closes, zone, 'day')}"

    def state(first: CampaignState, last: CampaignState) -> str:
        if campaign.state is CampaignState.CANCELLED or at < _ORDER.index(first):
            return ""
        return "now" if at <= _ORDER.index(last) else "done"

    voting = campaign.voting_opens and campaign.voting_closes and span(campaign.voting_opens, campaign.voting_closes)
    found = [Phase(_("Voting"), voting, state(CampaignState.VOTING, CampaignState.TALLY))] if voting else []
    delivery = _("from %(day)s", day=day(campaign.delivery_expected)) if campaign.delivery_expected else ""
    ordering = span(campaign.ordering_opens, campaign.ordering_closes)
    made = _("after %(day)s", day=instant_text(campaign.ordering_closes, zone, "day"))
    return [
        *found,
        Phase(_("Pre-order"), ordering, state(CampaignState.SELECTED, CampaignState.SETTLING)),
        Phase(_("Production"), made, state(CampaignState.DECIDED, CampaignState.DECIDED)),
        Phase(_("Delivery"), delivery, state(CampaignState.COMPLETED, CampaignState.COMPLETED)),
    ]


def next_instant(campaign: Campaign) -> datetime | None:
    """Return when the next step comes; None where it has no instant."""
    steps = {
        CampaignState.SCHEDULED: campaign.voting_opens or campaign.ordering_opens,
        CampaignState.VOTING: campaign.voting_closes,
        CampaignState.SELECTED: campaign.ordering_opens,
        CampaignState.ORDERING: campaign.ordering_closes,
    }
    return steps.get(campaign.state)


def countdown(campaign: Campaign) -> Countdown | None:
    """Return what the hero counts down to; None where the next step has no instant."""
    moment = next_instant(campaign)
    if moment is None or moment <= now():
        return None
    sentences = {
        CampaignState.SCHEDULED: _("until it opens, %(at)s"),
        CampaignState.VOTING: _("left to vote, until %(at)s"),
        CampaignState.SELECTED: _("until ordering opens, %(at)s"),
        CampaignState.ORDERING: _("left to order, until %(at)s"),
    }
    return Countdown(moment, until(moment), escape(sentences[campaign.state]) % {"at": instant(moment, campaign.time_zone)})


def standing(campaign: Campaign) -> tuple[str, str]:
    """Return kind and text of the note that says why nothing can be done now; empty while votes or orders are taken."""
    if campaign.paused and campaign.state is not CampaignState.CANCELLED:
        return "warn", _("Paused by the brand: %(reason)s Your votes and orders are safe.", reason=_ended(campaign.reason))
    if voting_is_open(campaign, now()) or ordering_is_open(campaign, now()):
        return "", ""
    return _waiting(campaign)


def _waiting(campaign: Campaign) -> tuple[str, str]:
    """Return kind and text of what a campaign that takes neither votes nor orders waits for."""
    at = instant_text(campaign.voting_opens or campaign.ordering_opens, campaign.time_zone)
    orders = instant_text(campaign.ordering_opens, campaign.time_zone)
    texts = {
        CampaignState.SCHEDULED: ("info", _("Have a look around: it opens %(at)s.", at=at)),
        CampaignState.SELECTED: ("info", _("These were selected. Ordering opens %(at)s.", at=orders)),
        CampaignState.SETTLING: ("info", _("Ordering has closed. Last payments are coming in, then each product is decided.")),
        CampaignState.DECIDED: ("ok", _("Decided. What reached its minimum is being made; every other deposit goes back by itself.")),
        CampaignState.COMPLETED: ("ok", _("Completed. Thank you for choosing.")),
        CampaignState.CANCELLED: ("bad", _("Cancelled: %(reason)s Every deposit goes back by itself.", reason=_ended(campaign.reason))),
        CampaignState.ORDERING: ("info", _("Ordering has closed. Last payments are coming in, then each product is decided.")),
    }
    return texts.get(campaign.state, ("info", _("Voting has closed. The result is published here as soon as it is counted.")))


def _ended(reason: str) -> str:
    return reason if not reason or reason[-1] in ".。!！?？" else reason + ("。" if locale().startswith("zh") else ".")
