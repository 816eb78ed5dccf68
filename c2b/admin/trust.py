"""The desk for suspicious ballots: what was found and why, what holding does to the list, and the decisions about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import Session

from c2b.admin import counts
from c2b.admin.blueprint import bp
from c2b.admin.page import Answer, done, page_asked, show, shown_again_by, typed
from c2b.admin.trust_words import DECIDED, RULES, STATES, UNITS
from c2b.campaigns import queries as campaigns
from c2b.campaigns.models import Campaign
from c2b.campaigns.queries import CandidateCard
from c2b.campaigns.rules import CampaignState, has_voting
from c2b.errors import N_, Invalid
from c2b.people.rules import Permission
from c2b.ui import charts
from c2b.ui.filters import instant_text, number
from c2b.ui.language import locale
from c2b.ui.shell import now, reading, staff, staff_required, transaction
from c2b.voting import effects, groups, holding, queries, suspicions
from c2b.voting.effects import Given, Move, Standing
from c2b.voting.groups import Group
from c2b.voting.queries import Turnout
from c2b.voting.rules import SuspicionState

PAGE = 10
"""Groups a page: each is one more ranking of all candidates."""
HELPED = 3
"""Candidates whose votes a card names."""
_OPEN = (CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.VOTING, CampaignState.TALLY)


@dataclass(frozen=True)
class Shown:
    """A group as the desk shows it."""

    group: Group
    votes: int
    moves: list[Move]
    helped: list[tuple[CandidateCard, int, int]]
    chart: Markup | None
    bars: list[tuple[str, int, int]]
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True)
class Desk:
    """What the desk shows to somebody who may see counts."""

    turnout: Turnout
    shown: list[Shown]
    pages: int
    groups: int
    waiting: int
    of_waiting: list[Move]
    of_held: list[Move]
    cards: Mapping[int, CandidateCard]


def desk(session: Session, campaign: Campaign, *, number_of_page: int) -> Desk:
    """Read the groups of a page, what each gives to whom, and what holding it does."""
    page = groups.page(session, campaign.id, number=number_of_page, size=PAGE)
    cards = {card.id: card for card in campaigns.candidates(session, campaign.id, locale=locale())}
    standing = effects.standing(session, campaign)
    given = effects.of_groups(session, campaign.id, [group.id for group in page.groups])
    waiting = effects.of_all_waiting(session, campaign.id)
    held = {key: tally.held for key, tally in standing.tallies.items() if tally.held}
    return Desk(
        turnout=queries.turnout(session, campaign.id),
        shown=[_shown(group, given[group.id], standing, cards, campaign.time_zone) for group in page.groups],
        pages=ceil(page.all / PAGE),
        groups=page.all,
        waiting=suspicions.waiting(session, campaign.id),
        of_waiting=_across(standing.effect(counted=waiting.counted, held=waiting.held)),
        of_held=_across(standing.effect(counted={}, held=held)),
        cards=cards,
    )


def _across(moves: list[Move]) -> list[Move]:
    """Return the moves across the line alone."""
    return [move for move in moves if move.leaves or move.enters]


def _shown(group: Group, given: Given, standing: Standing, cards: Mapping[int, CandidateCard], zone: str) -> Shown:
    evidence = group.evidence
    bars = evidence.get("bars") or {}
    by_code = {card.code: card for card in cards.values()}
    known = [each for each in evidence.get("candidates", ()) if each["code"] in by_code]
    return Shown(
        group=group,
        votes=given.votes,
        moves=standing.effect(counted=given.counted, held=given.held),
        helped=[(by_code[each["code"]], each["votes"], each["of"]) for each in known[:HELPED]],
        chart=_chart(bars, zone),
        bars=_bars(bars, zone),
        since=_instant(evidence.get("since")),
        until=_instant(evidence.get("until")),
    )


def _instant(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written) if written else None


def _chart(bars: Mapping[str, Any], zone: str) -> Markup | None:
    own, edges = bars.get("cluster") or [], bars.get("edges") or []
    if not own:
        return None
    first, last = _edge(bars["unit"], edges[0], zone), _edge(bars["unit"], edges[-1], zone)
    sentence = _("%(count)s ballots of this group between %(first)s and %(last)s; at most %(most)s in one bar, where everybody has %(all)s")
    busiest = max(range(len(own)), key=own.__getitem__)
    values = {"count": sum(own), "first": first, "last": last, "most": own[busiest], "all": bars["everybody"][busiest]}
    return charts.crowd(own, bars["everybody"], first=first, last=last, sentence=sentence % values)


def _bars(bars: Mapping[str, Any], zone: str) -> list[tuple[str, int, int]]:
    """Return the histogram as rows: where a bar begins, the group's ballots, everybody's; empty bars are left out."""
    rows = zip(*(bars.get(name, ()) for name in ("edges", "cluster", "everybody")), strict=False)
    return [(_edge(bars["unit"], edge, zone), own, whole) for edge, own, whole in rows if own or whole]


def _edge(unit: str, value: float, zone: str) -> str:
    return instant_text(datetime.fromtimestamp(value, UTC), zone) if unit == "time" else f"{value:.1f}"


def trust_page(slug: str) -> str:
    """Show the groups, if this person has asked for the counts."""
    return _page(slug)


def group_page(slug: str, group: int) -> str:
    """Show the page again after the form of one group was refused."""
    return _page(slug, group)


def _page(slug: str, tried: int | None = None) -> str:
    with reading() as session:
        campaign = campaigns.campaign(session, slug)
        visible = has_voting(campaign) and counts.visible(session, campaign)
        at = page_asked()
        found = desk(session, campaign, number_of_page=at) if visible else None
        look = groups.last_look(session, campaign.id)
    may = staff().may(Permission.BALLOTS) and campaign.state in _OPEN
    words = {"rules": RULES, "states": STATES, "units": UNITS}
    values = {"may_decide": may, "may_ask": may and campaign.state is CampaignState.VOTING}
    return show("trust.html", here="trust", campaign=campaign, desk=found, look=look, page=at, words=words, tried=tried, **values)


@bp.get("/<slug>/trust")
@staff_required(Permission.COUNTS)
def trust(slug: str) -> str:
    """Show the groups of suspicious ballots."""
    return trust_page(slug)


@bp.post("/<slug>/trust/look")
@staff_required(Permission.BALLOTS)
@shown_again_by(trust_page)
def look_again(slug: str) -> Answer:
    """Have the worker look through all ballots now."""
    with transaction() as session:
        asked = suspicions.ask(session, slug=slug, now=now())
    words = _("All ballots are being looked through; this page shows it when it is done.")
    return done(words if asked else _("A look is going on already."), "trust", slug=slug)


@bp.post("/<slug>/trust/<int(max=9223372036854775807):group>")
@staff_required(Permission.BALLOTS)
@shown_again_by(group_page)
def decide_group(slug: str, group: int) -> Answer:
    """Hold a group, ask its owners to verify, or keep it counted."""
    if typed("do") not in DECIDED:
        raise Invalid(N_("Choose: hold, ask to verify, or keep counted"), field="do")
    state = SuspicionState(typed("do"))
    what = {"slug": slug, "digest": typed("digest"), "reason": typed("reason"), "actor": staff().actor}
    with transaction() as session:
        holding.decide(session, group=group, state=state, now=now(), **what)
    return done(_(DECIDED[state], number=number(group)), "trust", slug=slug)


@bp.post("/<slug>/trust/ballot")
@staff_required(Permission.BALLOTS)
@shown_again_by(trust_page)
def decide_one(slug: str) -> Answer:
    """Hold or release one ballot by its serial."""
    act = holding.release if typed("do") == "release" else holding.hold
    with transaction() as session:
        act(session, slug=slug, serial=typed("serial").strip(), reason=typed("reason"), actor=staff().actor, now=now())
    return done(_("Ballot %(serial)s: done.", serial=typed("serial").strip()), "trust", slug=slug)
