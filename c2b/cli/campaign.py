"""c2b campaign: rules, timetable, and moving on."""

import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy.orm import Session

from c2b import clock
from c2b.campaigns import actions, campaign_file, queries, readiness
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState, Missing
from c2b.cli import context
from c2b.deposits.actions import cancel_campaign
from c2b.errors import N_, Invalid
from c2b.work import gates

_INSTANTS = ("voting_opens", "voting_closes", "ordering_opens", "ordering_closes", "balance_opens", "balance_due")
_RULES = (
    *("votes_each", "places", "min_votes", "max_per_category", "identity", "count", "publish_ballots"),
    *("deposit_percent", "deposit_amount", "minimum", "max_products", "per_customer", "settle_hours", "two_person"),
    *("grace_days", "shipping", "countries"),
)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group("campaign")
def group() -> None:
    """Campaigns: rules, timetable, moving on."""


@group.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_json
def create(file: Path, *, as_json: bool) -> None:
    """Make a campaign from a TOML FILE, or change what isn't frozen yet of the one that has its slug."""
    document = _parsed(file)
    asked = campaign_file.read(document)
    for notice in asked.notices:
        click.echo(f"c2b: {notice}", err=True)
    with context.transaction() as session:
        made = actions.create(session, document=document, actor=context.actor(), now=clock.now())
        shown = _facts(made)
        come = [name for name in _INSTANTS if getattr(made, name) != asked.values[name]]
    for name in come:
        click.echo(f"c2b: {name} has come and stays {shown[name]}", err=True)
    context.output(shown, as_json=as_json, lines=[f"{shown['slug']}: {shown['state']}"])


@group.command()
@click.argument("slug")
@_json
def show(slug: str, *, as_json: bool) -> None:
    """Show rules and timetable of the campaign SLUG."""
    with context.reading() as session:
        found = queries.campaign(session, slug)
        shown = _facts(found) | {"candidates": len(queries.candidate_ids(session, found.id))}
    context.output(shown, as_json=as_json, lines=(f"{name}: {_word(value)}" for name, value in shown.items()))


@group.command("list")
@_json
def list_(*, as_json: bool) -> None:
    """List all campaigns, the newest first."""
    with context.reading() as session:
        shown = [
            {"slug": each.slug, "title": each.title, "state": each.state.value, "paused": each.paused}
            for each in queries.campaigns(session)
        ]
    context.output(shown, as_json=as_json, lines=(_line(each) for each in shown))


@group.command()
@click.argument("slug")
@_json
def check(slug: str, *, as_json: bool) -> None:
    """Say what the campaign SLUG still misses before its next phase; exit status 1 if something stands in its way."""
    with context.reading() as session:
        missing = readiness.check(session, queries.campaign(session, slug), gates=gates(context.settings()), now=clock.now())
    blocking = readiness.blocking(missing)
    document = {"ready": not blocking, "missing": [{"what": str(thing), "warning": thing.warning} for thing in missing]}
    context.output(document, as_json=as_json, lines=_checked(slug, missing))
    if blocking:
        raise click.exceptions.Exit(1)


@group.command()
@click.argument("slug")
@click.argument(
    "state", type=click.Choice([*(state.value for state in CampaignState if state is not CampaignState.DRAFT), "paused", "resumed"])
)
@click.option("--reason", default="", help="Shown to everybody when pausing or cancelling.")
@_json
def advance(slug: str, state: str, reason: str, *, as_json: bool) -> None:
    """Move the campaign SLUG on to a later STATE now; `paused` and `resumed` set the flag, `cancelled` refunds everything."""
    with context.transaction() as session:
        moved = _moved(session, state, reason, slug=slug, actor=context.actor(), now=clock.now())
        shown = _facts(moved)
    context.output(shown, as_json=as_json, lines=[_line(shown)])


def _moved(session: Session, state: str, reason: str, *, slug: str, actor: str, now: datetime) -> Campaign:
    if state == "paused":
        return actions.pause(session, slug=slug, reason=reason, actor=actor, now=now)
    if state == "resumed":
        return actions.resume(session, slug=slug, reason=reason, actor=actor, now=now)
    if state == CampaignState.CANCELLED:
        cancel_campaign(session, slug=slug, reason=reason, actor=actor, now=now)
        return queries.campaign(session, slug)
    return actions.advance(session, slug=slug, to=CampaignState(state), gates=gates(context.settings()), actor=actor, now=now)


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(N_("%(file)s is not a TOML file in UTF-8: %(why)s"), file=file.name, why=str(error)) from error


def _facts(of: Campaign) -> dict[str, Any]:
    zone = ZoneInfo(of.time_zone)
    head = ("slug", "title", "title_en", "state", "paused", "reason", "currency", "time_zone", "legal_profile")
    facts = {name: getattr(of, name) for name in (*head, *_INSTANTS, *_RULES)}
    facts["delivery_expected"] = of.delivery_expected and of.delivery_expected.isoformat()
    return {name: value.astimezone(zone).isoformat() if isinstance(value, datetime) else value for name, value in facts.items()}


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else "-" if value in (None, "") else str(value)


def _line(shown: dict[str, Any]) -> str:
    return f"{shown['slug']}: {shown['state']}{' (paused)' if shown['paused'] else ''}"


def _checked(slug: str, missing: list[Missing]) -> Iterator[str]:
    for thing in missing:
        yield f"{'warning' if thing.warning else 'missing'}: {thing}"
    if all(thing.warning for thing in missing):
        yield f"{slug} is ready for its next phase"
