"""The published bundle: what anybody needs to recompute a selection. Ballots stream; nobody's name is in it."""

from collections.abc import Iterator
from importlib import resources
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import commitment
from c2b.errors import N_, Refused
from c2b.voting import queries, selecting, statement, tree
from c2b.voting.models import Ballot, Pick, Selection, SelectionLine, SelectionOverride, Suspicion, SuspicionBallot
from c2b.voting.rules import SelectionResult, SuspicionState

FORMAT = "c2b bundle 1"
RESULT, BALLOTS, PICKS = "result.json", "ballots.csv", "picks.csv"
TEXTS = ("README.en.txt", "README.zh.txt", "verify.py")
"""What goes into each bundle as it is; the last is the verifier that needs nothing but Python."""
_BATCH = 5000
_MARGIN = ("last_selected", "first_not_selected", "tie", "held_would_add", "held_would_drop")
_BETWEEN = ","
"""Stands in no code."""


def text(name: str) -> str:
    """Return one of the `TEXTS`."""
    return (resources.files("c2b.voting.published") / name).read_text("utf-8")


def made(session: Session, campaign: Campaign) -> Selection:
    """Return the campaign's selection; raises Refused before it has run: until then nothing may be published."""
    run = session.get(Selection, campaign.id)
    if run is None:
        raise Refused(
            N_("“%(slug)s” has no selection yet, so there is nothing to verify; run c2b select after voting closes"), slug=campaign.slug
        )
    return run


def leaves(session: Session, campaign: Campaign) -> Iterator[tree.Leaf]:
    """Yield the ballots that count or are held, by serial.

    Raises Refused after the last one if they aren't what they were at the selection: then nothing of it must be published.
    """
    run, sealing = made(session, campaign), tree.Sealing()
    for leaf in selecting.leaves(session, campaign):
        sealing.add(leaf)
        yield leaf
    if sealing.done().root.hex() != run.ballot_root:
        raise Refused(N_("The ballots of “%(slug)s” are not what they were at the selection; see c2b audit"), slug=campaign.slug)


def picks(session: Session, campaign: Campaign) -> Iterator[tuple[str, str, list[str]]]:
    """Yield serial, nonce and codes of each ballot, in the order of `leaves`: who has these can open every commitment."""
    codes = func.aggregate_strings(Candidate.code, _BETWEEN)
    query = (
        select(Ballot.serial, Ballot.nonce, codes)
        .outerjoin(Pick, (Pick.campaign_id == Ballot.campaign_id) & (Pick.person_id == Ballot.person_id))
        .outerjoin(Candidate, Candidate.id == Pick.candidate_id)
        .where(*selecting.in_tree(session, campaign))
        .group_by(Ballot.campaign_id, Ballot.person_id)
        .order_by(selecting.by_serial(session))
    )
    for serial, nonce, picked in session.execute(query, execution_options={"yield_per": _BATCH}):
        yield serial, nonce.hex(), sorted(picked.split(_BETWEEN)) if picked else []


def document(session: Session, campaign: Campaign, *, opened: bool) -> dict[str, Any]:
    """Return everything but the ballots themselves; `opened`: they stand beside it with their picks. Raises as `made` does."""
    run, rules = made(session, campaign), statement.rules_of(campaign)
    candidates = _candidates(session, campaign)
    return {
        "format": FORMAT,
        "campaign": campaign.slug,
        "title": campaign.title,
        "title_en": campaign.title_en,
        "time_zone": campaign.time_zone,
        "voting_opens": campaign.voting_opens.isoformat() if campaign.voting_opens else "",
        "voting_closes": campaign.voting_closes.isoformat() if campaign.voting_closes else "",
        "selected_at": run.at.isoformat(),
        "rules": rules,
        "rules_hash": tree.digest(rules),
        "commitment": commitment(campaign.secret),
        "secret": campaign.secret.hex(),
        "ballots": _ballots(session, campaign) | {"root": run.ballot_root, "picks": opened},
        "voters": run.voters,
        "votes": run.votes,
        "held_votes": run.held_votes,
        "seed": run.seed,
        "candidates": candidates,
        "lines": _lines(session, campaign),
        "margin": {name: run.margin[name] for name in _MARGIN},
        "holds": _holds(session, campaign),
        "overrides": _overrides(session, campaign),
        "input_hash": run.input_hash,
        "output_hash": run.output_hash,
    }


def _ballots(session: Session, campaign: Campaign) -> dict[str, int]:
    held = func.count(Ballot.held_at)
    counted, of_held = session.execute(
        select(func.count() - held, held).select_from(Ballot).where(*selecting.in_tree(session, campaign))
    ).one()
    return {"counted": counted, "held": of_held}


def _candidates(session: Session, campaign: Campaign) -> list[dict[str, Any]]:
    """Return the candidates by code; withdrawn is who was so at the selection, whatever was withdrawn later."""
    columns = (Candidate.code, Candidate.name, Candidate.name_en, Candidate.category, Candidate.withdrawn_reason, SelectionLine.result)
    query = select(*columns).join(SelectionLine, SelectionLine.candidate_id == Candidate.id).where(SelectionLine.campaign_id == campaign.id)
    return [
        {
            "code": code,
            "name": name,
            "name_en": name_en,
            "category": category,
            "withdrawn": result is SelectionResult.WITHDRAWN,
            "reason": reason if result is SelectionResult.WITHDRAWN else "",
        }
        for code, name, name_en, category, reason, result in sorted(session.execute(query))
    ]


def _lines(session: Session, campaign: Campaign) -> list[dict[str, Any]]:
    run = queries.selection(session, campaign.id)
    return [
        statement.line(rank=each.rank, code=each.code, votes=each.votes, held=each.held, result=each.result.value, tie_key=each.tie_key)
        for each in (run.lines if run else ())
    ]


def _holds(session: Session, campaign: Campaign) -> dict[str, int]:
    """Return how many held ballots each rule had found; one that several rules found stands under each of them."""
    of_ballot = (Ballot.campaign_id == SuspicionBallot.campaign_id) & (Ballot.person_id == SuspicionBallot.person_id)
    query = (
        select(Suspicion.rule, func.count(SuspicionBallot.person_id.distinct()))
        .join(SuspicionBallot, SuspicionBallot.suspicion_id == Suspicion.id)
        .join(Ballot, of_ballot & Ballot.held_at.is_not(None))
        .where(Suspicion.campaign_id == campaign.id, Suspicion.state == SuspicionState.HELD)
        .group_by(Suspicion.rule)
    )
    return {rule.value: ballots for rule, ballots in sorted(session.execute(query))}


def _overrides(session: Session, campaign: Campaign) -> list[dict[str, Any]]:
    """Return the overrides that a second person approved: they change no count, rank or hash."""
    query = (
        select(Candidate.code, SelectionOverride.made, SelectionOverride.reason)
        .join(Candidate, Candidate.id == SelectionOverride.candidate_id)
        .where(SelectionOverride.campaign_id == campaign.id, SelectionOverride.approved_at.is_not(None))
    )
    return [{"code": code, "made": made_, "reason": reason} for code, made_, reason in sorted(session.execute(query))]
