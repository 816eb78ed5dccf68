"""The guide: for each step of a campaign what happens, who does it, what can be undone, and what can't."""

from dataclasses import dataclass
from datetime import datetime

from c2b.admin.blueprint import bp
from c2b.admin.page import CAMPAIGN_MENU, Entry, may_open, show
from c2b.campaigns import queries
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState, has_voting
from c2b.errors import N_
from c2b.ui.shell import reading, staff_required

_S = CampaignState


@dataclass(frozen=True)
class Chapter:
    """A step as the guide tells it; `pages`: where it is done, as the menu names them."""

    name: str
    states: tuple[CampaignState, ...]
    """In which it is now."""
    title: str
    happens: str
    undo: str
    final: str
    pages: tuple[str, ...]
    begins: str = ""
    """The campaign's instant from which on it is."""


CHAPTERS = (
    Chapter(
        "setup",
        (_S.DRAFT,),
        N_("Set up"),
        N_(
            "Give the campaign its rules and dates, import the candidates with their pictures, and let the check list what is "
            "missing. Nobody outside sees any of it."
        ),
        N_("Everything can be changed, and each import can be done again."),
        N_("Nothing is final yet."),
        ("settings", "importing", "candidates"),
    ),
    Chapter(
        "published",
        (_S.SCHEDULED,),
        N_("The rules are published"),
        N_("Customers see the rules and the dates. Voting opens by the clock, once nothing is missing."),
        N_("Settings and candidates can be changed until voting opens."),
        N_("When voting opens, the rules, the list of candidates, their designs and estimated prices are frozen."),
        ("settings", "candidates", "links"),
    ),
    Chapter(
        "voting",
        (_S.VOTING,),
        N_("Voting"),
        N_(
            "Customers vote. Counts are hidden; who may look leaves a line in the audit log with each look. Suspicious groups of "
            "ballots are found by themselves, and you hold or keep them with a reason."
        ),
        N_(
            "A pause ends when you resume. A held group can be counted again until the selection. A candidate can be withdrawn with a"
            " public reason; its votes go back to the voters."
        ),
        N_("No role can change a pick or a count, or bring a candidate forward."),
        ("trust", "candidates", "counter", "links"),
        "voting_opens",
    ),
    Chapter(
        "selection",
        (_S.TALLY,),
        N_("The selection"),
        N_(
            "Try places and limits as scenarios; they change nothing. Then run the selection by the published rule. After it, one of "
            "the staff can propose an override with a public reason; another has to agree."
        ),
        N_("An override is undone in the same way, by two people, until ordering opens."),
        N_("The selection runs once. Its result is published with all that is needed to recompute it."),
        ("selection", "trust"),
        "voting_closes",
    ),
    Chapter(
        "offers",
        (_S.SELECTED,),
        N_("Offers for what was selected"),
        N_(
            "Sample the products, then import prices, tiers, minimums and suppliers in the same columns as the candidates. Ordering "
            "opens by the clock, once every selected product has a complete offer."
        ),
        N_("Offers can be imported again until ordering opens."),
        N_("When ordering opens the offers are frozen: nobody ever pays more than the price promised then."),
        ("importing", "candidates"),
    ),
    Chapter(
        "ordering",
        (_S.ORDERING,),
        N_("Pre-orders"),
        N_("Customers choose size and colour and pay deposits. Only captured deposits count towards a minimum or a lower price."),
        N_(
            "Customers cancel without a reason until ordering closes. You can pause, withdraw a product, or cancel the campaign; "
            "every deposit concerned goes back in full."
        ),
        N_("What was refunded isn’t collected again."),
        ("orders", "refunds"),
        "ordering_opens",
    ),
    Chapter(
        "decision",
        (_S.SETTLING,),
        N_("The decision"),
        N_(
            "Payments begun in time still arrive. Look at what the decision would make, try other numbers under “What if”, then "
            "decide: what reached its minimum becomes production orders, everything else is refunded by itself."
        ),
        N_(
            "Until the decision the campaign can still be cancelled, and a product that missed can be made all the same: one of the staff "
            "proposes it with a public reason, another agrees."
        ),
        N_("The decision can’t be undone. It does what its page showed, or says what has changed since."),
        ("decision",),
        "ordering_closes",
    ),
    Chapter(
        "making",
        (_S.DECIDED,),
        N_("Balances and making"),
        N_(
            "Send the production orders and enter what the factories deliver. Customers are reminded of their balance; what happens "
            "to unpaid ones follows from the legal profile."
        ),
        N_("A delivery that was entered wrongly can be taken back, and extra stock changed as a new revision."),
        N_("A deposit that was kept, a short delivery that was shared out, and a product that can’t be delivered."),
        ("production", "balances"),
        "balance_opens",
    ),
    Chapter(
        "delivery",
        (_S.DECIDED,),
        N_("Delivery and store pickup"),
        N_(
            "Export what waits, pack it, and bring the list back with carrier and number. What is collected goes to its store; there "
            "it is handed out to whoever shows the code."
        ),
        N_("A parcel can be taken out again until it is delivered."),
        N_("What was handed over is paid for; it comes back as a return or a withdrawal only."),
        ("shipping", "pickups", "exports"),
    ),
    Chapter(
        "afterwards",
        (_S.COMPLETED,),
        N_("Afterwards"),
        N_(
            "Returns are refunded when the goods are here. The funnel says what votes were worth, for the next season’s plan; the "
            "books stay open to accounting."
        ),
        N_("Messages can be sent again, and exports made again."),
        N_("Books and audit log are never changed."),
        ("funnel", "orders", "exports", "log"),
    ),
)


@dataclass(frozen=True)
class Told:
    """A chapter for one campaign: from when on it is, whether it is now, and the pages of it that who reads may open."""

    chapter: Chapter
    at: datetime | None
    is_now: bool
    pages: tuple[Entry, ...]


def tell(campaign: Campaign) -> list[Told]:
    """Return the chapters that a campaign has, in order: without a vote it has none about voting."""
    skipped = () if has_voting(campaign) else ("voting", "selection")
    return [_told(chapter, campaign) for chapter in CHAPTERS if chapter.name not in skipped]


def _told(chapter: Chapter, campaign: Campaign) -> Told:
    pages = tuple(entry for entry in CAMPAIGN_MENU if entry.endpoint in chapter.pages and may_open(entry))
    return Told(chapter, getattr(campaign, chapter.begins or "-", None), campaign.state in chapter.states, pages)


@bp.get("/<slug>/guide")
@staff_required()
def guide(slug: str) -> str:
    """Tell how a campaign goes, and where this one is."""
    with reading() as session:
        campaign = queries.campaign(session, slug)
    return show("guide.html", here="guide", campaign=campaign, told=tell(campaign))
