"""The selection: counted ballots, frozen rules and a seed become a rank for every candidate and the top N."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import starmap

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.orm import Session

from c2b.audit import actions as audit
from c2b.campaigns.actions import locked
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.queries import campaign as find_campaign
from c2b.campaigns.rules import CampaignState, has_voting
from c2b.errors import N_, Refused
from c2b.voting import counting, publication, queries, rules, seals, statement, telling, tree
from c2b.voting.models import Ballot, Selection, SelectionLine
from c2b.voting.queries import SelectionRow, SelectionView

LOOK = "voting.look_at_counts"
"""What the audit log calls a look at counts that aren't published."""
_BATCH = 5000


def preview(session: Session, *, slug: str) -> SelectionView:
    """Return what the selection would be now, every pick counted anew.

    Its seed is labelled `preview:`, so that nobody learns the lots beforehand. Raises NotFound; Refused where there is no vote.
    """
    campaign = find_campaign(session, slug)
    _must_vote(campaign)
    seed = preview_seed(campaign)
    return _view(session, campaign, tree.sealed(leaves(session, campaign)), bytes.fromhex(seed), label=f"preview:{seed}")


def preview_seed(campaign: Campaign) -> str:
    """Return what lots are drawn by before there is a seed: anybody's guess, and never the selection's."""
    return tree.digest({"preview": campaign.slug})


def look(session: Session, *, slug: str, actor: str, now: datetime) -> SelectionView:
    """Return the preview; while the counts in it are nobody's yet, the audit log says who looked. Raises as `preview` does."""
    view = preview(session, slug=slug)
    if not queries.is_published(session, find_campaign(session, slug)):
        audit.record(session, actor=actor, action=LOOK, campaign=slug, object=slug, now=now)
    return view


def select_winners(session: Session, *, slug: str, actor: str, now: datetime) -> SelectionView:
    """Make the selection once, store it, move the campaign on to `selected` and have its voters told; made already, return it.

    Raises NotFound; Refused outside `tally`.
    """
    campaign = locked(session, slug)
    if stored := queries.selection(session, campaign.id):
        return stored
    _must_vote(campaign)
    if campaign.state is not CampaignState.TALLY:
        early = N_("Campaign %(slug)s is “%(state)s”; the selection is made in “tally”, when voting has closed")
        raise Refused(early, slug=slug, state=campaign.state.value)
    seal = tree.sealed(leaves(session, campaign))
    seed = rules.seed(campaign.secret, seal.root)
    view = _view(session, campaign, seal, seed, label=seed.hex())
    _store(session, campaign, view, actor=actor, now=now)
    seals.keep(session, campaign.id, seal)
    publication.begin(session, campaign, session.get_one(Selection, campaign.id), now=now)
    campaign.state = CampaignState.SELECTED
    session.flush()
    after = {"state": campaign.state.value, "input_hash": view.input_hash, "output_hash": view.output_hash}
    before = {"state": CampaignState.TALLY.value}
    audit.record(session, actor=actor, action="voting.select", campaign=slug, before=before, after=after, now=now)
    telling.ask(session, campaign, now=now)
    stored = queries.selection(session, campaign.id)
    assert stored is not None
    return stored


def _must_vote(campaign: Campaign) -> None:
    if not has_voting(campaign):
        raise Refused(N_("Campaign %(slug)s has no voting phase: every candidate counts as selected"), slug=campaign.slug)


def _view(session: Session, campaign: Campaign, seal: tree.Seal, seed: bytes, *, label: str) -> SelectionView:
    tallies, named = _tallies(session, campaign, queries.recount(session, campaign.id))
    frozen = statement.rules_of(campaign)
    by = statement.deciding(frozen)
    ranked = rules.choose(tallies, by, seed)
    lines = tuple(
        SelectionRow(each.rank, *named[each.tally.code], each.tally.votes, each.tally.held, each.result, each.tie_key) for each in ranked
    )
    return SelectionView(
        places=campaign.places,
        voters=queries.turnout(session, campaign.id).ballots,
        votes=sum(each.votes for each in tallies),
        held_votes=sum(each.held for each in tallies),
        input_hash=tree.digest(statement.input_of(campaign.slug, frozen, tallies, seal)),
        ballot_root=seal.root.hex(),
        seed=label,
        output_hash=tree.digest(list(map(statement.line_of, ranked))),
        margin=rules.margin(ranked, by, seed),
        lines=lines,
    )


def _tallies(
    session: Session, campaign: Campaign, counts: Mapping[int, counting.Count]
) -> tuple[list[rules.Tally], dict[str, tuple[int, str, str, str]]]:
    """Return every candidate's tally; and key, code and names by code."""
    columns = (Candidate.id, Candidate.code, Candidate.name, Candidate.name_en, Candidate.category, Candidate.withdrawn_at)
    candidates = session.execute(select(*columns).where(Candidate.campaign_id == campaign.id)).all()
    tallies = []
    for key, code, _, _, category, withdrawn_at in candidates:
        count = counts.get(key, counting.NOTHING)
        tallies.append(rules.Tally(code, count.votes, count.held, category, withdrawn_at is not None))
    return tallies, {each.code: (each.id, each.code, each.name, each.name_en) for each in candidates}


def leaves(session: Session, campaign: Campaign, *within: ColumnElement[bool]) -> Iterator[tree.Leaf]:
    """Yield a leaf for each ballot that counts or is held, by serial, from a cursor of the database: a million needn't fit into memory."""
    columns = (Ballot.serial, Ballot.version, Ballot.held_at.is_not(None), Ballot.commitment)
    query = select(*columns).where(*in_tree(session, campaign), *within).order_by(Ballot.serial)
    yield from map(tree.Leaf._make, session.execute(query, execution_options={"yield_per": _BATCH}))


def input_hash(session: Session, campaign: Campaign, seal: tree.Seal) -> str:
    """Return what the campaign's rules, the stored lines and the ballots of `seal` give as the hash of all that went in."""
    columns = (Candidate.code, SelectionLine.votes, SelectionLine.held, Candidate.category)
    withdrawn = SelectionLine.result == rules.SelectionResult.WITHDRAWN
    query = select(*columns, withdrawn).join(Candidate, Candidate.id == SelectionLine.candidate_id)
    tallies = list(starmap(rules.Tally, session.execute(query.where(SelectionLine.campaign_id == campaign.id))))
    return tree.digest(statement.input_of(campaign.slug, statement.rules_of(campaign), tallies, seal))


def in_tree(session: Session, campaign: Campaign) -> tuple[ColumnElement[bool], ...]:
    """Return what makes a ballot one of the tree's: its source counts; held ones are among them."""
    return Ballot.campaign_id == campaign.id, Ballot.source.in_(queries.counted_sources(session, campaign.id))


def _store(session: Session, campaign: Campaign, view: SelectionView, *, actor: str, now: datetime) -> None:
    hashes = {"input_hash": view.input_hash, "ballot_root": view.ballot_root, "seed": view.seed, "output_hash": view.output_hash}
    figures = {"places": view.places, "voters": view.voters, "votes": view.votes, "held_votes": view.held_votes, "margin": view.margin}
    values = {"campaign_id": campaign.id, "at": now, "actor": actor, "rules_version": campaign.rules_version}
    session.execute(insert(Selection).values(values | hashes | figures))
    session.execute(
        insert(SelectionLine),
        [
            {
                "campaign_id": campaign.id,
                "candidate_id": row.candidate_id,
                "rank": row.rank,
                "votes": row.votes,
                "held": row.held,
                "result": row.result,
                "tie_key": row.tie_key,
            }
            for row in view.lines
        ],
    )
