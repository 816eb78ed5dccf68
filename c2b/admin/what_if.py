"""The decision tried with other numbers: an address, which changes nothing and can be sent to colleagues."""

from collections.abc import Mapping
from typing import Any

from flask import request
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import Session

from c2b.admin.blueprint import bp
from c2b.admin.decision import RUNS
from c2b.admin.page import show
from c2b.campaigns import queries as campaigns
from c2b.campaigns.models import Campaign
from c2b.people.rules import Permission
from c2b.production.what_if import Scenario, WhatIf
from c2b.production.what_if import what_if as tried
from c2b.ui import charts
from c2b.ui.filters import number
from c2b.ui.language import locale
from c2b.ui.shell import reading, staff_required

LIMITS = {"minimum": (1, 1000), "max_products": (0, 100_000), "drop": (0, 100)}
"""What each number may be."""


@bp.get("/<slug>/decision/what-if")
@staff_required(Permission.DECISION)
def what_if(slug: str) -> str:
    """Show what deciding by other numbers would do, beside the published rules."""
    with reading() as session:
        campaign = campaigns.campaign(session, slug)
        typed = _typed(campaign, request.args)
        wrong = {name: _fitting(name) for name in LIMITS if not _fits(name, typed[name])}
        values = _tried(session, campaign, Scenario(max_products=campaign.max_products) if wrong else _scenario(typed))
    return show("what_if.html", here="decision", campaign=campaign, typed_numbers=typed, wrong=wrong, **values)


def _tried(session: Session, campaign: Campaign, scenario: Scenario) -> dict[str, Any]:
    """Return what the page shows of a scenario; nothing of it where nothing can be decided yet."""
    if campaign.state not in RUNS:
        return {"found": None}
    found = tried(session, campaign, scenario)
    cards = {card.code: card for card in campaigns.candidates(session, campaign.id, locale=locale())}
    return {"found": found, "cards": cards, "chart": _chart(found)}


def _typed(campaign: Campaign, sent: Mapping[str, str]) -> dict[str, str]:
    """Return what stands in each field: what the address says, else the published rules."""
    own = {"minimum": "100", "max_products": str(campaign.max_products), "drop": "0"}
    return {name: sent.get(name, "").strip() or usual for name, usual in own.items()} | {"capacity": sent.get("capacity", "")}


def _scenario(typed: Mapping[str, str]) -> Scenario:
    numbers = {name: int(typed[name]) for name in LIMITS}
    return Scenario(**numbers, capacity=bool(typed["capacity"]))


def _fits(name: str, text: str) -> bool:
    least, most = LIMITS[name]
    return text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and least <= int(text) <= most


def _fitting(name: str) -> str:
    least, most = LIMITS[name]
    return str(_("Write a whole number from %(least)s to %(most)s", least=least, most=number(most)))


def _chart(found: WhatIf) -> Markup:
    first, last = found.curve[0], found.curve[-1]
    sentence = _(
        "Products that are made by the minimum: %(many)s at %(low)s %% of it, %(few)s at %(high)s %%",
        many=number(first[1]),
        low=first[0],
        few=number(last[1]),
        high=last[0],
    )
    return charts.bars([charts.Bar(f"{at} %", count) for at, count in found.curve], sentence=sentence)
