import hashlib
from datetime import datetime

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState, commitment
from c2b.db import Database
from c2b.errors import NotFound, Refused
from c2b.voting import checks, holding, queries, selecting, tree
from c2b.voting.models import Selection, TallyDelta, VoteEvent
from c2b.voting.queries import SelectionView
from c2b.voting.rules import BallotSource, SelectionResult
from tests import make
from tests.statements import counted


@pytest.fixture
def campaign(session: Session) -> Campaign:
    """Three candidates: K1 has three votes, K2 two and one held, K3 one; a draft and an uncounted source don't matter."""
    made = make.campaign(session, state=CampaignState.TALLY, count=["verified", "imported"])
    one, two, three = (make.candidate(session, made, code, position=number) for number, code in enumerate(("K1", "K2", "K3"), start=1))
    make.ballot(session, made, one, two)
    make.ballot(session, made, one, two)
    make.ballot(session, made, one, three, source=BallotSource.IMPORTED)
    make.ballot(session, made, two, held_at=make.OPENS, held_reason="twins")
    make.ballot(session, made, three, source=BallotSource.DRAFT)
    make.ballot(session, made, three, source=BallotSource.STORE)
    make.ballot(session, made)
    return made


def run(session: Session, slug: str = "ss27") -> SelectionView:
    return selecting.select_winners(session, slug=slug, actor="staff:anna@example.com", now=make.CLOSES)


def shown(view: SelectionView) -> list[tuple[int, str, int, int, str]]:
    return [(line.rank, line.code, line.votes, line.held, line.result.value) for line in view.lines]


def test_the_most_voted_are_selected_and_the_campaign_moves_on(session: Session, campaign: Campaign) -> None:
    view = run(session)
    assert shown(view) == [(1, "K1", 3, 0, "selected"), (2, "K2", 2, 1, "selected"), (3, "K3", 1, 0, "not_selected")]
    assert (view.places, view.voters, view.votes, view.held_votes) == (2, 3, 6, 1)
    assert campaign.state is CampaignState.SELECTED
    assert queries.selected_ids(session, campaign) == [line.candidate_id for line in view.lines[:2]]


def test_counted_and_held_are_all_votes_that_there_are(session: Session, campaign: Campaign) -> None:
    raw = queries.turnout(session, campaign.id).raw_votes
    view = run(session)
    assert sum(line.votes for line in view.lines) + sum(line.held for line in view.lines) == raw == view.votes + view.held_votes


def test_running_it_again_returns_the_stored_run(session: Session, campaign: Campaign) -> None:
    first = run(session)
    campaign.secret = b"x" * 32
    session.flush()
    assert run(session) == first
    assert session.scalars(select(AuditEntry.action)).all() == ["voting.select"]


@pytest.mark.parametrize("state", [state for state in CampaignState if state is not CampaignState.TALLY])
def test_outside_the_tally_nothing_is_selected(session: Session, campaign: Campaign, state: CampaignState) -> None:
    campaign.state = state
    session.flush()
    with pytest.raises(Refused, match="tally"):
        run(session)
    assert session.scalars(select(Selection)).all() == []


def test_a_campaign_without_a_vote_has_nothing_to_select(session: Session) -> None:
    other = make.campaign(session, slug="aw27", voting_opens=None, voting_closes=None)
    everything = [make.candidate(session, other, code).id for code in ("A", "B")]
    with pytest.raises(Refused, match="no voting phase"):
        run(session, "aw27")
    with pytest.raises(Refused, match="no voting phase"):
        selecting.preview(session, slug="aw27")
    assert queries.selected_ids(session, other) == everything


def test_an_unknown_campaign_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        run(session, "nothing")


@pytest.mark.usefixtures("campaign")
def test_the_seed_is_bound_to_secret_and_ballots_and_the_secret_to_what_was_published(session: Session, campaign: Campaign) -> None:
    published = commitment(campaign.secret)
    view = run(session)
    assert view.seed == hashlib.sha256(campaign.secret + bytes.fromhex(view.ballot_root)).hexdigest()
    assert hashlib.sha256(campaign.secret).hexdigest() == published
    assert [line.tie_key for line in view.lines] == [
        hashlib.sha256(bytes.fromhex(view.seed) + line.code.encode()).hexdigest() for line in view.lines
    ]


def test_the_leaves_are_the_ballots_that_count_or_are_held_in_the_order_of_their_serials(session: Session, campaign: Campaign) -> None:
    view = run(session)
    leaves = list(selecting.leaves(session, campaign))
    assert [leaf.serial for leaf in leaves] == sorted(leaf.serial for leaf in leaves)
    assert [leaf.held for leaf in leaves].count(True) == 1
    assert len(leaves) == 5
    assert tree.root(leaf.hash() for leaf in leaves).hex() == view.ballot_root


def test_a_voter_can_recompute_the_commitment_of_their_ballot(session: Session, campaign: Campaign) -> None:
    wanted = session.scalars(select(Candidate).where(Candidate.code == "K3")).one()
    ballot = make.ballot(session, campaign, wanted)
    run(session)
    (stored,) = (leaf for leaf in selecting.leaves(session, campaign) if leaf.serial == ballot.serial)
    assert stored.commitment == tree.commitment(nonce=ballot.nonce, serial=ballot.serial, version=ballot.version, codes=["K3"])


@pytest.mark.usefixtures("campaign")
def test_the_output_hash_can_be_recomputed_from_the_lines(session: Session) -> None:
    view = run(session)
    lines = [
        {
            "rank": line.rank,
            "code": line.code,
            "votes": line.votes,
            "held": line.held,
            "result": line.result.value,
            "tie_key": line.tie_key,
        }
        for line in view.lines
    ]
    assert view.output_hash == tree.digest(lines)


def test_any_change_of_the_input_changes_its_hash(session: Session, campaign: Campaign) -> None:
    seen = [selecting.preview(session, slug="ss27").input_hash]
    for name, value in (("places", 1), ("min_votes", 3), ("max_per_category", 1), ("count", ["verified", "imported", "store"])):
        setattr(campaign, name, value)
        session.flush()
        seen.append(selecting.preview(session, slug="ss27").input_hash)
    make.ballot(session, campaign)
    seen.append(selecting.preview(session, slug="ss27").input_hash)
    assert len(set(seen)) == 6


@pytest.mark.usefixtures("campaign")
def test_the_preview_has_the_same_input_but_not_the_lots(session: Session) -> None:
    before = selecting.preview(session, slug="ss27")
    real = run(session)
    assert before.input_hash == real.input_hash
    assert before.seed.startswith("preview:")
    assert real.seed not in before.seed
    assert [line.tie_key for line in before.lines] != [line.tie_key for line in real.lines]


def test_the_selection_counts_every_pick_whatever_was_counted_before(session: Session, campaign: Campaign) -> None:
    session.execute(update(TallyDelta).values(votes=100))
    assert queries.counts(session, campaign.id) != queries.recount(session, campaign.id)
    assert shown(run(session)) == [(1, "K1", 3, 0, "selected"), (2, "K2", 2, 1, "selected"), (3, "K3", 1, 0, "not_selected")]


def test_holding_another_ballot_with_the_same_picks_changes_the_input_but_not_the_seed(session: Session, campaign: Campaign) -> None:
    one = session.scalars(select(Candidate).where(Candidate.code == "K1")).one()
    first, second = make.ballot(session, campaign, one), make.ballot(session, campaign, one)
    views = []
    for ballot in (first, second):
        holding.hold(session, slug="ss27", serial=ballot.serial, reason="twins", actor="cli:root", now=make.OPENS)
        views.append(selecting.preview(session, slug="ss27"))
        holding.release(session, slug="ss27", serial=ballot.serial, reason="twins", actor="cli:root", now=make.OPENS)
    assert views[0].ballot_root == views[1].ballot_root
    assert [line.held for line in views[0].lines] == [line.held for line in views[1].lines]
    assert views[0].input_hash != views[1].input_hash


@pytest.mark.parametrize("state", list(CampaignState))
def test_a_preview_is_possible_in_any_state_and_writes_nothing(session: Session, campaign: Campaign, state: CampaignState) -> None:
    campaign.state = state
    session.flush()
    assert [line.code for line in selecting.preview(session, slug="ss27").lines] == ["K1", "K2", "K3"]
    assert queries.selection(session, campaign.id) is None
    assert session.scalars(select(AuditEntry)).all() == []


@pytest.mark.usefixtures("campaign")
def test_the_margin_says_what_held_ballots_would_change(session: Session, campaign: Campaign) -> None:
    campaign.places = 1
    two = session.scalars(select(Candidate).where(Candidate.code == "K2")).one()
    for _ in range(2):
        make.ballot(session, campaign, two, held_at=make.OPENS, held_reason="twins")
    assert run(session).margin == {
        "last_selected": 3,
        "first_not_selected": 2,
        "tie": False,
        "held_would_add": ["K2"],
        "held_would_drop": ["K1"],
    }


@pytest.mark.usefixtures("campaign")
def test_a_withdrawn_candidate_is_listed_last_and_opens_no_order(session: Session, now: datetime) -> None:
    session.scalars(select(Candidate).where(Candidate.code == "K1")).one().withdrawn_at = now
    session.flush()
    view = run(session)
    assert [(line.code, line.result) for line in view.lines] == [
        ("K2", SelectionResult.SELECTED),
        ("K3", SelectionResult.SELECTED),
        ("K1", SelectionResult.WITHDRAWN),
    ]


def test_what_is_withdrawn_after_the_selection_is_not_selected_any_more(session: Session, campaign: Campaign, now: datetime) -> None:
    view = run(session)
    session.scalars(select(Candidate).where(Candidate.code == "K1")).one().withdrawn_at = now
    session.flush()
    assert queries.selected_ids(session, campaign) == [view.lines[1].candidate_id]


@pytest.mark.parametrize("table", ["selection", "selection_line"])
@pytest.mark.parametrize("change", ["UPDATE {} SET campaign_id = campaign_id", "DELETE FROM {}"])
def test_a_stored_run_is_never_changed(database: Database, table: str, change: str) -> None:
    with database.transaction() as session:
        made = make.campaign(session, state=CampaignState.TALLY)
        make.ballot(session, made, make.candidate(session, made, "K1"))
        run(session)
    with pytest.raises(DBAPIError, match="append-only"), database.transaction() as session:
        session.execute(text(change.format(table)))


def test_the_statements_of_a_selection_do_not_grow_with_the_ballots(database: Database) -> None:
    sizes = []
    for slug, ballots in (("small", 2), ("large", 60)):
        with database.transaction() as session:
            made = make.campaign(session, slug=slug, state=CampaignState.TALLY)
            candidates = [make.candidate(session, made, code) for code in ("A", "B")]
            for _ in range(ballots):
                make.ballot(session, made, *candidates)
        with database.transaction() as session, counted(database) as statements:
            run(session, slug)
        sizes.append(len(statements))
    assert sizes[0] == sizes[1]


def findings(session: Session) -> set[str]:
    return {finding.check for finding in checks.checks(session)}


@pytest.mark.usefixtures("campaign")
def test_the_audit_finds_nothing_wrong_with_a_fresh_selection(session: Session) -> None:
    run(session)
    assert findings(session) == set()


TAMPERED = {
    "a pick moved": ("UPDATE pick SET candidate_id = (SELECT id FROM candidate WHERE code = 'K3') WHERE slot = 2", "commitment"),
    "a ballot held": ("UPDATE ballot SET held_at = created_at, held_reason = 'late' WHERE source = 'imported'", "input_hash"),
    "a ballot made to count": ("UPDATE ballot SET source = 'verified' WHERE source = 'draft'", "ballot_root"),
    "another secret": ("UPDATE campaign SET secret = nonce FROM (SELECT nonce FROM ballot LIMIT 1) AS other", "seed"),
    "a candidate renamed": ("UPDATE candidate SET code = 'K9' WHERE code = 'K3'", "lots"),
    "voting said to have closed earlier": ("UPDATE campaign SET voting_closes = voting_opens", "in_time"),
}


@pytest.fixture
def selected(database: Database) -> Database:
    with database.transaction() as session:
        made = make.campaign(session, votes_each=15)
        for code in ("K1", "K2", "K3"):
            make.candidate(session, made, code)
        one, two, _ = session.scalars(select(Candidate).order_by(Candidate.code)).all()
        voter = make.ballot(session, made, one, two)
        make.ballot(session, made, one, source=BallotSource.IMPORTED)
        make.ballot(session, made, one, source=BallotSource.DRAFT)
        session.add(VoteEvent(campaign_id=made.id, person_id=voter.person_id, candidate_id=one.id, undo=False, at=make.OPENS))
        made.state = CampaignState.TALLY
        session.flush()
        run(session)
    return database


@pytest.mark.parametrize("what", list(TAMPERED))
def test_the_audit_finds_what_was_changed_afterwards(selected: Database, what: str) -> None:
    change, check = TAMPERED[what]
    with selected.transaction() as session:
        session.execute(text(change))
        assert f"voting.{check}" in findings(session)


def test_before_a_selection_the_audit_has_nothing_to_say(session: Session, campaign: Campaign) -> None:
    assert findings(session) == set()
    assert campaign.id


@pytest.mark.usefixtures("campaign")
def test_a_look_at_what_is_not_published_is_recorded_and_says_what_the_preview_says(session: Session) -> None:
    preview = selecting.preview(session, slug="ss27")
    assert selecting.look(session, slug="ss27", actor="cli:root", now=make.CLOSES) == preview
    (entry,) = session.scalars(select(AuditEntry)).all()
    assert (entry.actor, entry.action, entry.campaign, entry.at) == ("cli:root", selecting.LOOK, "ss27", make.CLOSES)


def test_a_look_at_what_everybody_may_see_is_nobodys_business(session: Session, campaign: Campaign) -> None:
    run(session, campaign.slug)
    selecting.look(session, slug=campaign.slug, actor="cli:root", now=make.CLOSES)
    assert session.scalars(select(AuditEntry.action)).all() == ["voting.select"]
