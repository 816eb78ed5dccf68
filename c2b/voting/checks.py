"""What `c2b audit` proves of votes and selections, by recomputing them."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.audit.rules import Finding
from c2b.campaigns.models import Campaign, Candidate
from c2b.people.models import Address, RetiredAddress
from c2b.voting import ballots, counting, publication, queries, rules, seals, selecting, statement, tree
from c2b.voting.holding import holds
from c2b.voting.models import Ballot, Pick, Selection, SelectionLine, Suspicion, SuspicionBallot, VoteEvent


def checks(session: Session) -> list[Finding]:
    """Return what is wrong with limits, addresses, taps, votes for what is withdrawn, counts, commitments, holds and selections."""
    runs = session.execute(select(Selection, Campaign).join(Campaign, Campaign.id == Selection.campaign_id)).all()
    of_runs = [finding for run, campaign in runs for finding in _selection(session, run, campaign)]
    of_votes = (_limits, _retired, _taps, _withdrawn, _counts, _commitments, _held)
    return [finding for check in of_votes for finding in check(session)] + of_runs


def _limits(session: Session) -> Iterator[Finding]:
    given = func.count(Pick.candidate_id.distinct())
    query = select(Campaign.slug, Pick.person_id, func.count(), given).join(Campaign, Campaign.id == Pick.campaign_id)
    sizes = query.group_by(Campaign.slug, Campaign.votes_each, Pick.person_id)
    for slug, person, votes, distinct in session.execute(sizes.having((func.count() > Campaign.votes_each) | (given < func.count()))):
        yield Finding("voting.limit", f"{slug}: person {person} has {votes} votes for {distinct} candidates")


def _retired(session: Session) -> Iterator[Finding]:
    used = (Address.kind == RetiredAddress.kind) & (Address.digest == RetiredAddress.digest)
    for person in session.scalars(select(RetiredAddress.person_id).join(Address, used).order_by(RetiredAddress.id)):
        yield Finding("voting.retired", f"person {person}: an address that they gave up is barred and in use at once")


def _taps(session: Session) -> Iterator[Finding]:
    outside = (VoteEvent.at >= Campaign.voting_closes) | (VoteEvent.at < Campaign.voting_opens)
    query = select(Campaign.slug, func.count()).join(VoteEvent, VoteEvent.campaign_id == Campaign.id).where(outside)
    for slug, late in session.execute(query.group_by(Campaign.slug)):
        yield Finding("voting.in_time", f"{slug}: {late} taps outside the voting phase")


def _withdrawn(session: Session) -> Iterator[Finding]:
    """Look for votes that should have gone back; for what is withdrawn after voting has closed they stay, as they were counted."""
    of_candidate = (Pick.campaign_id == Candidate.campaign_id) & (Pick.candidate_id == Candidate.id)
    query = select(Campaign.slug, Candidate.code, func.count()).join(Candidate, Candidate.campaign_id == Campaign.id)
    early = query.join(Pick, of_candidate).where(Candidate.withdrawn_at < Campaign.voting_closes).group_by(Campaign.slug, Candidate.code)
    for slug, code, votes in session.execute(early.order_by(Campaign.slug, Candidate.code)):
        yield Finding("voting.withdrawn", f"{slug}: {votes} votes stand on {code}, which was withdrawn while voting was open")


def _counts(session: Session) -> Iterator[Finding]:
    """Compare what was counted as votes came in with the picks that there are."""
    for campaign_id, slug in session.execute(select(Campaign.id, Campaign.slug)):
        kept, anew = counting.tallies(session, campaign_id), counting.recount(session, campaign_id)
        if wrong := _apart(kept, anew, without=0):
            yield Finding("voting.counts", f"{slug}: {len(wrong)} counts are not what the picks give")
        by_hour, by_hour_anew = counting.hours(session, campaign_id), counting.recount_hours(session, campaign_id)
        if wrong_hours := _apart(by_hour, by_hour_anew, without=(0, 0)):
            yield Finding("voting.counts", f"{slug}: the ballots and votes of {len(wrong_hours)} hours are not what the picks give")


def _apart(kept: Mapping[Any, object], anew: Mapping[Any, object], *, without: object) -> list[Any]:
    """Return the keys that say something else; one that is missing says `without`."""
    return [key for key in kept.keys() | anew.keys() if kept.get(key, without) != anew.get(key, without)]


def _commitments(session: Session) -> Iterator[Finding]:
    for campaign_id, slug in session.execute(select(Campaign.id, Campaign.slug)).all():
        for serial in ballots.mismatched(session, campaign_id):
            yield Finding("voting.commitment", f"{slug}: ballot {serial} has other picks than those that it is bound to")


def _held(session: Session) -> Iterator[Finding]:
    """Compare what is held with what was decided."""
    of_group, own = Suspicion.id == SuspicionBallot.suspicion_id, Ballot.campaign_id == SuspicionBallot.campaign_id
    query = (
        select(Campaign.slug, Ballot.serial)
        .join(Ballot, Ballot.campaign_id == Campaign.id)
        .join(SuspicionBallot, own & (Ballot.person_id == SuspicionBallot.person_id))
        .join(Suspicion, of_group)
        .where(holds(), Ballot.held_at.is_(None))
    )
    for slug, serial in session.execute(query.distinct().order_by(Campaign.slug, Ballot.serial)):
        yield Finding("voting.held", f"{slug}: ballot {serial} counts although staff hold it")
    decided = select(SuspicionBallot.person_id).join(Suspicion, of_group).where(own, SuspicionBallot.person_id == Ballot.person_id, holds())
    forgotten = select(Campaign.slug, Ballot.serial).join(Ballot, Ballot.campaign_id == Campaign.id)
    alone = forgotten.where(Ballot.held_at.is_not(None), ~decided.correlate(Ballot).exists())
    for slug, serial in session.execute(alone.order_by(Campaign.slug, Ballot.serial)):
        yield Finding("voting.held", f"{slug}: ballot {serial} is held although nobody's decision holds it")


def _selection(session: Session, run: Selection, campaign: Campaign) -> Iterator[Finding]:
    seal = tree.sealed(selecting.leaves(session, campaign))
    if seal.root.hex() != run.ballot_root:
        yield Finding("voting.ballot_root", f"{campaign.slug}: ballots are not what they were at the selection")
    seed = rules.seed(campaign.secret, seal.root)
    if seed.hex() != run.seed:
        yield Finding("voting.seed", f"{campaign.slug}: secret and root don't give the stored seed")
    yield from _sums(session, run, campaign)
    yield from _inputs(session, run, campaign, seal)
    yield from _seal(session, campaign, seal)
    yield from _lines(session, run, campaign, seed)
    yield from _published(session, run, campaign)


def _sums(session: Session, run: Selection, campaign: Campaign) -> Iterator[Finding]:
    sums = (func.coalesce(func.sum(SelectionLine.votes), 0), func.coalesce(func.sum(SelectionLine.held), 0))
    if session.execute(select(*sums).where(SelectionLine.campaign_id == campaign.id)).one() != (run.votes, run.held_votes):
        yield Finding("voting.sums", f"{campaign.slug}: the candidates' votes don't add up to the total")


def _inputs(session: Session, run: Selection, campaign: Campaign, seal: tree.Seal) -> Iterator[Finding]:
    if selecting.input_hash(session, campaign, seal) != run.input_hash:
        yield Finding("voting.input_hash", f"{campaign.slug}: rules, votes or held ballots are not those of the selection")


def _seal(session: Session, campaign: Campaign, seal: tree.Seal) -> Iterator[Finding]:
    """Compare every block that receipts are held against with the ballots."""
    kept = seals.kept(session, campaign.id)
    pairs = enumerate(zip_longest(kept.blocks, seal.blocks), start=1)
    if wrong := [number for number, (stored, made) in pairs if stored != made]:
        yield Finding(
            "voting.seal", f"{campaign.slug}: {len(wrong)} of the sealed blocks are not the ballots', the first is number {wrong[0]}"
        )
    if kept.listed != seal.listed:
        yield Finding("voting.seal", f"{campaign.slug}: the list's stored hash is not that of the ballots")


def _lines(session: Session, run: Selection, campaign: Campaign, seed: bytes) -> Iterator[Finding]:
    query = select(SelectionLine, Candidate.code).join(Candidate, Candidate.id == SelectionLine.candidate_id)
    lines = session.execute(query.where(SelectionLine.campaign_id == campaign.id).order_by(SelectionLine.rank)).all()
    if any(line.tie_key != rules.lot(seed, code) for line, code in lines):
        yield Finding("voting.lots", f"{campaign.slug}: a lot isn't the one that the seed gives")
    written = [
        statement.line(rank=line.rank, code=code, votes=line.votes, held=line.held, result=line.result, tie_key=line.tie_key)
        for line, code in lines
    ]
    if tree.digest(written) != run.output_hash:
        yield Finding("voting.output_hash", f"{campaign.slug}: the lines don't give the stored output hash")


def _published(session: Session, run: Selection, campaign: Campaign) -> Iterator[Finding]:
    """Compare what was published with its hashes, and with the selection, its holds and the overrides in effect."""
    found = publication.published(session, campaign, run)
    told = [each.told() for each in found.versions]
    if statement.versions(found.document, told) != told:
        yield Finding("voting.published", f"{campaign.slug}: what is published doesn't give the hashes of its versions")
    same = {
        "root": run.ballot_root,
        "input": run.input_hash,
        "output": run.output_hash,
        "holds": publication.held_for(session, campaign.id),
    }
    stated = {"root": found.document["ballots"]["root"], "holds": found.document["holds"]}
    if same != stated | {"input": found.document["input_hash"], "output": found.document["output_hash"]}:
        yield Finding("voting.published", f"{campaign.slug}: what is published isn't what the selection and its holds are")
    overrides = {each.code: (each.made, each.reason) for each in queries.overrides(session, campaign.id)}
    if overrides != {each["code"]: (each["made"], each["reason"]) for each in statement.in_effect(told)}:
        yield Finding("voting.published", f"{campaign.slug}: the published overrides are not those in effect")
