"""What everybody may read: the campaigns, and how a campaign works."""

import re

from flask import Blueprint, redirect, render_template
from werkzeug.wrappers import Response

from c2b.campaigns import queries
from c2b.campaigns.rules import CampaignState, commitment
from c2b.deposits import legal
from c2b.ui.access import public
from c2b.ui.filters import withdraws
from c2b.ui.language import locale
from c2b.ui.shell import reading
from c2b.voting import statement, tree
from c2b.web.campaign import countdown, phases, shown, standing, title
from c2b.web.gallery import about, own_ballot

bp = Blueprint("about", __name__, template_folder="templates")


@bp.get("/")
@public
def home() -> str:
    """Show the campaigns, the newest first."""
    with reading() as session:
        open_to_all = [found for found in queries.campaigns(session) if found.state is not CampaignState.DRAFT]
    campaigns = [(found, title(found), phases(found), countdown(found), standing(found)) for found in open_to_all]
    return render_template("web/home.html", campaigns=campaigns, withdrawal=any(map(withdraws, open_to_all)))


_FIRST = (CampaignState.VOTING, CampaignState.ORDERING)
_SOURCE = re.compile("[A-Za-z0-9._-]{1,40}")


@bp.get("/s/<source>")
@public
def short(source: str) -> Response:
    """Lead to the campaign that runs now, so that the code in a shop window needn't be printed anew each season.

    One with its vote open comes first, then one that takes orders, of two the newer; without either to all campaigns.
    """
    with reading() as session:
        running = [found for found in queries.campaigns(session) if found.state in _FIRST]
    best = min(running, key=lambda found: _FIRST.index(found.state), default=None)
    query = f"?s={source}" if _SOURCE.fullmatch(source) else ""
    return redirect(f"/c/{best.slug}/{query}" if best else "/", 302)


@bp.get("/c/<slug>/how")
@public
def how(slug: str) -> str:
    """Explain the campaign's rules, dates and consequences; the texts come from the rules, not from an editor."""
    with reading() as session:
        campaign = shown(session, slug)
        count = len(queries.candidate_ids(session, campaign.id))
        ballot = own_ballot(session, campaign)
    cases = legal.consequences(
        campaign.legal_profile,
        closes=campaign.ordering_closes,
        time_zone=campaign.time_zone,
        grace_days=campaign.grace_days,
        locale=locale(),
    )
    hashes = {"commitment": commitment(campaign.secret), "rules_hash": tree.digest(statement.rules_of(campaign))}
    return render_template("web/how.html", count=count, cases=cases, **hashes, **about(campaign, ballot))
