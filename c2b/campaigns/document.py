"""The document that a campaign's file would hold: written of a campaign, and begun for a new one."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from c2b import money
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import has_voting

_DAY = timedelta(days=1)
_AT = 10
"""The hour at which phases open by default; they close at the same hour, when people are awake."""
_LASTS = {"voting": 14, "sampling": 5, "ordering": 14, "deciding": 4, "balance": 14, "making": 45}
"""Days of each phase of a new campaign, in their order."""
_TIMES = ("voting.opens", "voting.closes", "ordering.opens", "ordering.closes", "balance.opens", "balance.due")


def of(campaign: Campaign) -> dict[str, Any]:
    """Return the document that says what `campaign` is: times in its own zone, amounts as people write them."""
    zone = ZoneInfo(campaign.time_zone)
    names = ("slug", "title", "title_en", "currency", "time_zone")
    document: dict[str, Any] = {name: getattr(campaign, name) for name in names} | {"legal_profile": campaign.legal_profile.value}
    if has_voting(campaign):
        document["voting"] = _voting(campaign, zone)
    document["ordering"] = _ordering(campaign, zone)
    if campaign.balance_opens and campaign.balance_due:
        opens, due = _local(campaign.balance_opens, zone), _local(campaign.balance_due, zone)
        document["balance"] = {"opens": opens, "due": due, "grace_days": campaign.grace_days}
    document["delivery"] = _delivery(campaign)
    return document


def _local(instant: datetime | None, zone: ZoneInfo) -> datetime | None:
    """Return an instant as the clock on the wall shows it; of an hour that comes twice the second keeps its offset, to be told apart."""
    if instant is None:
        return None
    local = instant.astimezone(zone)
    return local if local.fold else local.replace(tzinfo=None)


def _voting(campaign: Campaign, zone: ZoneInfo) -> dict[str, Any]:
    plain = ("votes_each", "places", "min_votes", "max_per_category", "publish_ballots")
    times = {"opens": _local(campaign.voting_opens, zone), "closes": _local(campaign.voting_closes, zone)}
    rest = {"identity": campaign.identity.value, "count": list(campaign.count)}
    return times | {name: getattr(campaign, name) for name in plain} | rest


def _ordering(campaign: Campaign, zone: ZoneInfo) -> dict[str, Any]:
    plain = ("minimum", "max_products", "per_customer", "settle_hours", "two_person")
    times = {"opens": _local(campaign.ordering_opens, zone), "closes": _local(campaign.ordering_closes, zone)}
    if campaign.deposit_amount is None:
        deposit: dict[str, Any] = {"deposit_percent": campaign.deposit_percent}
    else:
        deposit = {"deposit": str(money.decimal(campaign.deposit_amount, campaign.currency))}
    return times | deposit | {name: getattr(campaign, name) for name in plain}


def _delivery(campaign: Campaign) -> dict[str, Any]:
    expected: dict[str, date] = {} if campaign.delivery_expected is None else {"expected": campaign.delivery_expected}
    shipping = str(money.decimal(campaign.shipping, campaign.currency))
    return {**expected, "shipping": shipping, "countries": list(campaign.countries)}


def fresh(today: date) -> dict[str, Any]:
    """Return the document of a new campaign that begins to show itself a week from `today`; names and places are its author's to say."""
    ends = [datetime.combine(today + 7 * _DAY, datetime.min.time()).replace(hour=_AT)]
    for days in _LASTS.values():
        ends.append(ends[-1] + days * _DAY)
    begins, voted, ordering, ordered, balance, due, made = ends
    return {
        "currency": "CNY",
        "time_zone": "Asia/Shanghai",
        "legal_profile": "CN_DINGJIN",
        "voting": {"opens": begins, "closes": voted, "votes_each": 15, "places": 20, "min_votes": 1, "identity": "email"},
        "ordering": {"opens": ordering, "closes": ordered, "deposit_percent": 20, "minimum": 50},
        "balance": {"opens": balance, "due": due, "grace_days": 7},
        "delivery": {"expected": made.date(), "shipping": "0", "countries": ["CN"]},
    }


def anew(campaign: Campaign, today: date) -> dict[str, Any]:
    """Return the document of a new campaign by the rules of `campaign`, a week from `today`: without its names, all days moved alike."""
    document = of(campaign)
    first = (campaign.voting_opens or campaign.ordering_opens).astimezone(ZoneInfo(campaign.time_zone)).date()
    moved = today + 7 * _DAY - first
    for path in _TIMES:
        section, name = path.split(".")
        if document.get(section):
            document[section][name] = document[section][name].replace(tzinfo=None) + moved
    if expected := document["delivery"].get("expected"):
        document["delivery"]["expected"] = expected + moved
    return {name: value for name, value in document.items() if name not in {"slug", "title", "title_en"}}


def edition(document: Mapping[str, Any]) -> str:
    """Return a short name of what a document says, another one for every other document."""
    return hashlib.sha256(json.dumps(document, default=str, sort_keys=True).encode()).hexdigest()[:16]
