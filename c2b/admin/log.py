"""The audit log of a campaign: a filter, and the newest entries first."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from flask import request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from c2b.admin.blueprint import bp
from c2b.admin.page import show, whole
from c2b.audit.queries import Entry, actors, entries
from c2b.campaigns import queries
from c2b.campaigns.models import Campaign
from c2b.errors import N_
from c2b.people.rules import Permission
from c2b.ui.filters import instant_text
from c2b.ui.shell import reading, staff_required

PAGE = 50
LONGEST = 40
"""Characters of a value that fit a cell."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d.*[+-]\d\d:\d\d$")
ROOMS = {
    "campaign": N_("Campaign and timetable"),
    "candidates": N_("Candidates"),
    "voting": N_("Votes and selection"),
    "deposits": N_("Orders and refunds"),
    "payments": N_("Statements and cases"),
    "production": N_("Decision and production"),
    "exports": N_("Exports"),
}
DID = {
    "campaign.create": N_("Created the campaign"),
    "campaign.update": N_("Changed the rules"),
    "campaign.advance": N_("Moved the campaign on"),
    "campaign.pause": N_("Paused"),
    "campaign.resume": N_("Resumed"),
    "campaign.cancel": N_("Cancelled the campaign"),
    "candidates.import": N_("Imported candidates"),
    "candidates.undo_import": N_("Took back an import of candidates"),
    "voting.look_at_counts": N_("Looked at counts"),
    "voting.import_ballots": N_("Imported ballots"),
    "people.propose_move": N_("Proposed to move an account"),
    "people.approve_move": N_("Agreed to move an account"),
    "people.refuse_move": N_("Refused to move an account"),
    "people.stop_move": N_("Objected to the move of an account"),
    "people.move_account": N_("Moved an account to another address"),
    "people.reuse_address": N_("Freed an address that an account was moved from"),
    "people.export_person": N_("Gave a customer’s data out"),
    "people.erase_person": N_("Erased a customer’s data"),
    "voting.enter_ballot": N_("Entered a ballot in a store"),
    "voting.hold": N_("Held a ballot"),
    "voting.release": N_("Released a ballot"),
    "voting.override": N_("Proposed an override"),
    "voting.override.approve": N_("Agreed to an override"),
    "voting.override.revoke": N_("Asked to undo an override"),
    "voting.override.revoke.approve": N_("Agreed to undo an override"),
    "voting.override.revoke.take_back": N_("No longer asks to undo an override"),
    "voting.override.take_back": N_("Took back an override"),
    "voting.hold_group": N_("Held a group of ballots"),
    "voting.ask_group": N_("Asked a group of voters to verify"),
    "voting.keep_group": N_("Kept a group of ballots counted"),
    "voting.select": N_("Ran the selection"),
    "deposits.withdraw": N_("Withdrew a candidate"),
    "deposits.cancel_campaign": N_("Cancelled the campaign"),
    "payments.import_statement": N_("Imported a statement"),
    "payments.close_case": N_("Closed a case about money"),
    "deposits.withdraw.approve": N_("Asked to withdraw a candidate"),
    "production.cannot_deliver.approve": N_("Asked not to deliver a product"),
    "production.share_out.approve": N_("Asked to share out a short delivery"),
    "deposits.cancel_campaign.approve": N_("Asked to cancel the campaign"),
    "deposits.accept_mismatch": N_("Took a payment that didn’t match"),
    "deposits.return_mismatch": N_("Sent back a payment that didn’t match"),
    "deposits.mismatch_paid_by_hand": N_("Noted that a payment that didn’t match was sent back by hand"),
    "deposits.send_refund_again": N_("Sent a refund again"),
    "deposits.send_failed_again": N_("Sent all failed refunds again"),
    "deposits.give_up_refund": N_("Gave a refund up that nobody knew the end of"),
    "deposits.paid_by_hand": N_("Noted that a refund was paid by hand"),
    "deposits.enter_parcels": N_("Entered parcels"),
    "deposits.take_out_parcel": N_("Took out a parcel that was entered wrongly"),
    "deposits.arrive": N_("Entered that goods came to a store"),
    "deposits.not_there": N_("Took back that goods came to a store"),
    "stores.import": N_("Imported stores"),
    "stores.close": N_("Closed a store"),
    "stores.reopen": N_("Opened a store again"),
    "stores.assign": N_("Said in which store somebody works"),
    "production.decide": N_("Decided"),
    "production.decide.approve": N_("Agreed to the decision"),
    "production.override": N_("Proposed to make a product that missed"),
    "production.override.approve": N_("Agreed to make a product that missed"),
    "production.override.take_back": N_("Took back that a product is made although it missed"),
    "production.forfeit": N_("Kept deposits of unpaid balances"),
    "production.forfeit.approve": N_("Agreed to keep deposits"),
    "production.return_unpaid": N_("Returned deposits of unpaid balances"),
    "production.release": N_("Returned deposits whose reminder didn’t arrive"),
    "production.cannot_deliver": N_("Said that a product can’t be delivered"),
    "production.advance": N_("Moved a production order on"),
    "production.change": N_("Changed the extra stock of a production order"),
    "production.receive": N_("Entered a delivery from a factory"),
    "production.take_back": N_("Took back a delivery that was entered wrongly"),
    "production.share_out": N_("Shared out a short delivery"),
    "production.pay_penalty": N_("Noted that a penalty was paid out"),
    "exports.export": N_("Exported"),
    "messages.send_again": N_("Sent a message again"),
    "messages.send_all_again": N_("Sent all failed messages again"),
}
KINDS = {"staff": N_("staff"), "cli": N_("command line"), "worker": N_("clock")}


@dataclass(frozen=True)
class Change:
    """One value before and after."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Row:
    """One entry as the page shows it."""

    time: str
    who: str
    kind: str
    did: str
    action: str
    object: str
    changes: list[Change]
    reason: str


@bp.get("/<slug>/log")
@staff_required(Permission.AUDIT)
def log(slug: str) -> str:
    """Show who did what, when, before, after and why."""
    chosen: dict[str, Any] = {"actor": request.args.get("actor", ""), "action": request.args.get("action", "")}
    with reading() as session:
        campaign = queries.campaign(session, slug)
        found = entries(session, campaign=slug, older_than=whole(request.args.get("older", "")) or None, limit=PAGE + 1, **chosen)
        choices = _choices(session, slug)
    older = url_for("admin.log", slug=slug, older=found[PAGE - 1].id, **chosen) if len(found) > PAGE else ""
    return show("log.html", here="log", campaign=campaign, days=list(_days(campaign, found[:PAGE])), older=older, chosen=chosen, **choices)


def _choices(session: Session, slug: str) -> dict[str, list[tuple[str, str]]]:
    rooms = [("", _("All actions")), *((f"{room}.", _(name)) for room, name in ROOMS.items())]
    return {"actors": [("", _("Everyone")), *((actor, _who(actor)[0]) for actor in actors(session, campaign=slug))], "actions": rooms}


def _who(actor: str) -> tuple[str, str]:
    kind, _colon, name = actor.partition(":")
    return name or _("the timetable"), _(KINDS.get(kind, kind))


def _days(campaign: Campaign, found: list[Entry]) -> Iterator[tuple[str, list[Row]]]:
    zone = ZoneInfo(campaign.time_zone)
    for _day, of_day in groupby(found, key=lambda entry: entry.at.astimezone(zone).date()):
        rows = list(of_day)
        yield instant_text(rows[0].at, campaign.time_zone, "day"), [_row(entry, zone) for entry in rows]


def _row(entry: Entry, zone: ZoneInfo) -> Row:
    who, kind = _who(entry.actor)
    names = list(dict.fromkeys([*entry.before, *entry.after]))
    changes = [Change(name, _shown(entry.before.get(name, ""), zone), _shown(entry.after.get(name, ""), zone)) for name in names]
    did = _(DID[entry.action]) if entry.action in DID else entry.action
    return Row(entry.at.astimezone(zone).strftime("%H:%M:%S"), who, kind, did, entry.action, entry.object, changes, entry.reason)


def _shown(value: Any, zone: ZoneInfo) -> str:
    """Return a value of the log as text: an instant in the campaign's zone, a hash by its ends."""
    words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if _INSTANT.match(words):
        return datetime.fromisoformat(words).astimezone(zone).strftime("%Y-%m-%d %H:%M")
    return words if len(words) <= LONGEST else f"{words[:18]}…{words[-6:]}"
