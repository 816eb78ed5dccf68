"""Importing ballots: the whole file is read and checked first, then written in sets, all of it or nothing."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from c2b.audit import actions as audit
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.db import insert_into, insert_rows
from c2b.errors import N_, Invalid, NotFound, Refused
from c2b.people import retired
from c2b.people.actions import reserve_viewers
from c2b.people.models import Address, Person, RetiredAddress
from c2b.people.rules import AddressKind, keyed_hash, normalise
from c2b.voting import ballot_files, ballots, counting, projects
from c2b.voting.ballot_files import BallotRow
from c2b.voting.models import Ballot, Pick
from c2b.voting.retired import barred
from c2b.voting.rules import BallotSource

_CHUNK = 2000
_SHOWN = 20
_OPEN = (CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.VOTING)

Progress = Callable[[int, int], None]
"""Called with how many voters are written, and of how many."""


@dataclass(frozen=True)
class ImportReport:
    """What an import did: `kept` voters had tapped themselves and stay as they are."""

    voters: int
    votes: int
    new: int = 0
    replaced: int = 0
    unchanged: int = 0
    kept: int = 0
    candidates: int = 0


class BadBallots(Invalid):
    """A file with problems, one for each line; nothing of it was written."""

    def __init__(self, problems: Sequence[Invalid]) -> None:
        more = f" (+{len(problems) - _SHOWN})" if len(problems) > _SHOWN else ""
        what = "; ".join(str(problem) for problem in problems[:_SHOWN]) + more
        super().__init__(N_("Nothing was imported: %(what)s"), what=what, field="file")
        self.problems = list(problems)


@dataclass(frozen=True)
class _Voter:
    """A voter as the database will know them."""

    kind: AddressKind
    digest: bytes
    value: str
    picks: tuple[int, ...]


def import_ballots(
    session: Session, *, slug: str, path: Path, actor: str, secret_key: str, now: datetime, progress: Progress | None = None
) -> ImportReport:
    """Import the ballots of a file, replacing those of an earlier import, never one that its owner tapped.

    A voter who is an address of the campaign's anchor is that person; any other name is opaque and holds in this campaign only.
    A Pabulib file's projects become candidates if the campaign has none. Raises NotFound; Refused outside `draft` to `voting` or
    if `votes_each` is too small; BadBallots and Invalid for what is wrong with the file.
    """
    campaign = _open_campaign(session, slug, now)
    with ballot_files.opened(path) as file:
        # The projects stand before the first ballot; with them read, they can become the candidates that ballots name.
        first = list(islice(file.rows, 1))
        made = projects.add(session, campaign, file.projects) if file.projects else 0
        collected = _collect(chain(first, file.rows), _known_codes(session, campaign), campaign.votes_each)
    voters = _voters(collected, campaign, secret_key)
    report = ImportReport(voters=len(voters), votes=sum(len(voter.picks) for voter in voters), candidates=made)
    for start in range(0, len(voters), _CHUNK):
        chunk = voters[start : start + _CHUNK]
        report = _write(session, campaign, chunk, report, now)
        if progress:
            progress(start + len(chunk), len(voters))
    after = {"voters": report.voters, "votes": report.votes, "new": report.new, "replaced": report.replaced}
    audit.record(session, actor=actor, action="voting.import_ballots", campaign=slug, object=path.name, after=after, now=now)
    return report


def _open_campaign(session: Session, slug: str, now: datetime) -> Campaign:
    """Lock the campaign against a second import and a change of phase; votes go on meanwhile."""
    campaign = session.scalars(select(Campaign).where(Campaign.slug == slug).with_for_update(key_share=True)).one_or_none()
    if campaign is None:
        raise NotFound(N_("There is no campaign “%(slug)s”; c2b campaign list shows all"), slug=slug)
    if campaign.voting_closes is None:
        raise Refused(N_("Campaign %(slug)s has no voting phase"), slug=slug)
    if campaign.state not in _OPEN or now >= campaign.voting_closes:
        raise Refused(N_("Ballots can be imported from the draft to the end of voting; voting for %(slug)s is over"), slug=slug)
    return campaign


# Reading

Codes = Mapping[str, int]
"""Candidates' keys by code; 0, which is nobody's, for one that was withdrawn and can have no vote any more."""


def _known_codes(session: Session, campaign: Campaign) -> Codes:
    """Return the candidates; nobody withdraws one meanwhile, for the campaign is locked."""
    columns = (Candidate.code, Candidate.id, Candidate.withdrawn_at)
    rows = session.execute(select(*columns).where(Candidate.campaign_id == campaign.id))
    return {row.code: 0 if row.withdrawn_at else row.id for row in rows}


@dataclass
class _Collected:
    picks: dict[str, tuple[int, ...]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[Invalid] = field(default_factory=list)
    largest: int = 0


def _collect(rows: Iterator[BallotRow], known: Codes, votes_each: int) -> _Collected:
    """Bring the rows of each voter together; raises BadBallots with every problem, Refused if only the limit is too small."""
    found, limit = _Collected(), 0
    for row in rows:
        problem = _problem(row, known, found)
        if problem:
            found.problems.append(problem)
            continue
        picks = found.picks.get(row.voter, ()) + tuple(known[code] for code in row.codes)
        found.picks[row.voter] = picks
        found.lines.setdefault(row.voter, row.line)
        if len(picks) > votes_each:
            limit = max(limit, len(picks))
            many = N_("line %(line)s: voter %(voter)s gives %(votes)s votes, a ballot has %(most)s")
            found.problems.append(Invalid(many, line=row.line, voter=row.voter[:40], votes=len(picks), most=votes_each))
    if limit:
        needed = N_("the largest ballot has %(needed)s votes: set votes_each = %(needed)s in the campaign file, or repair the lines")
        found.problems.insert(0, Invalid(needed, needed=limit))
    if found.problems:
        raise BadBallots(found.problems)
    return found


def _problem(row: BallotRow, known: Codes, found: _Collected) -> Invalid | None:
    if not row.voter:
        return Invalid(N_("line %(line)s: the voter is missing"), line=row.line)
    if not row.partial and row.voter in found.picks:
        twice = N_("line %(line)s: voter %(voter)s has a ballot on line %(first)s already")
        return Invalid(twice, line=row.line, voter=row.voter[:40], first=found.lines[row.voter])
    if row.partial and not row.codes:
        return Invalid(N_("line %(line)s: the candidate is missing"), line=row.line)
    if unknown := next((code for code in row.codes if code not in known), None):
        return Invalid(N_("line %(line)s: there is no candidate “%(code)s” in this campaign"), line=row.line, code=unknown[:60])
    if gone := next((code for code in row.codes if not known[code]), None):
        return Invalid(N_("line %(line)s: %(code)s was withdrawn and can have no vote; take it out of the file"), line=row.line, code=gone)
    return _repeated(row, known, found.picks.get(row.voter, ()))


def _repeated(row: BallotRow, known: Codes, before: tuple[int, ...]) -> Invalid | None:
    again = next((code for code in row.codes if known[code] in before or row.codes.count(code) > 1), None)
    if again is None:
        return None
    return Invalid(N_("line %(line)s: voter %(voter)s votes twice for “%(code)s”"), line=row.line, voter=row.voter[:40], code=again)


def _voters(found: _Collected, campaign: Campaign, secret_key: str) -> list[_Voter]:
    """Say who each voter is; two writings of one address are a problem, as one person has one ballot."""
    voters: dict[bytes, _Voter] = {}
    lines: dict[bytes, int] = {}
    problems = []
    for name, picks in found.picks.items():
        kind, normal = _identity(name, campaign)
        digest = keyed_hash(secret_key, "address", kind, normal)
        line = found.lines[name]
        if digest in voters:
            same = N_("line %(line)s: this address has a ballot on line %(first)s already, written differently")
            problems.append(Invalid(same, line=line, first=lines[digest]))
        voters[digest] = _Voter(kind, digest, "" if kind is AddressKind.IMPORTED else name, picks)
        lines[digest] = line
    if problems:
        raise BadBallots(problems)
    return list(voters.values())


def _identity(name: str, campaign: Campaign) -> tuple[AddressKind, str]:
    """Return the anchor address that `name` is, else the opaque name, which holds in this campaign only."""
    if campaign.identity in (AddressKind.EMAIL, AddressKind.PHONE):
        try:
            return campaign.identity, normalise(campaign.identity, name)
        except Invalid:
            pass
    return AddressKind.IMPORTED, f"{campaign.slug}:{name}"


# Writing


def _write(session: Session, campaign: Campaign, chunk: Sequence[_Voter], report: ImportReport, now: datetime) -> ImportReport:
    """Write some voters' ballots by a constant number of statements."""
    known = _known(session, chunk)
    strangers = _enter(session, [voter for voter in chunk if voter.digest not in known], now)
    people = known | strangers
    wanted = {people[voter.digest]: voter.picks for voter in chunk}
    earlier = _earlier(session, campaign, list(known.values()))
    changed = {person for person, picks in earlier.items() if picks != set(wanted[person])}
    new = _begin(session, campaign, set(known.values()) - earlier.keys(), set(strangers.values()), now)
    written = {person: wanted[person] for person in sorted(new | changed)}
    with counting.changing(session, (Ballot.campaign_id == campaign.id) & Ballot.person_id.in_(written)):
        session.execute(delete(Pick).where(Pick.campaign_id == campaign.id, Pick.person_id.in_(changed)))
        _fill(session, campaign, written)
    ballots.renew(session, campaign.id, list(written))
    return replace(
        report,
        new=report.new + len(new),
        replaced=report.replaced + len(changed),
        unchanged=report.unchanged + len(earlier) - len(changed),
        kept=report.kept + len(wanted) - len(new) - len(earlier),
    )


def _begin(session: Session, campaign: Campaign, known: set[int], strangers: set[int], now: datetime) -> set[int]:
    """Begin the ballots of `strangers`, and of those `known` people who have none, not even one that they tap at this moment."""

    def rows(people: set[int]) -> list[dict[str, Any]]:
        imported = {"source": BallotSource.IMPORTED}
        return [ballots.new_ballot(campaign.id, person, campaign.votes_each, now) | imported for person in sorted(people)]

    if strangers:
        insert_rows(session, Ballot, rows(strangers))
    if not known:
        return strangers
    fresh = insert_into(session, Ballot).on_conflict_do_nothing().returning(Ballot.person_id)
    return strangers.union(session.scalars(fresh, rows(known)))


def _fill(session: Session, campaign: Campaign, wanted: dict[int, tuple[int, ...]]) -> None:
    keys = {"campaign_id": campaign.id, "votes_each": campaign.votes_each}
    rows = [
        keys | {"person_id": person, "slot": slot, "candidate_id": pick}
        for person, picks in wanted.items()
        for slot, pick in enumerate(picks, start=1)
    ]
    if rows:
        insert_rows(session, Pick, rows)


def _earlier(session: Session, campaign: Campaign, persons: Sequence[int]) -> dict[int, set[int]]:
    """Lock and return the imported ballots among those of `persons`; what its owner tapped isn't one any more."""
    mine = (Ballot.campaign_id == campaign.id) & Ballot.person_id.in_(persons) & (Ballot.source == BallotSource.IMPORTED)
    found: dict[int, set[int]] = {
        person: set() for person in session.scalars(select(Ballot.person_id).where(mine).order_by(Ballot.person_id).with_for_update())
    }
    for person, pick in session.execute(
        select(Pick.person_id, Pick.candidate_id).where(Pick.campaign_id == campaign.id, Pick.person_id.in_(found))
    ):
        found[person].add(pick)
    return found


def _known(session: Session, chunk: Sequence[_Voter]) -> dict[bytes, int]:
    """Return the person behind each address that is known, by its digest: one that was moved away from still leads to its ballot."""
    digests = [voter.digest for voter in chunk]
    moved = select(RetiredAddress.digest, RetiredAddress.person_id).where(RetiredAddress.digest.in_(digests), barred())
    known = select(Address.digest, Address.person_id).where(Address.digest.in_(digests))
    return dict(session.execute(known.union_all(moved)).all())


def _enter(session: Session, strangers: Sequence[_Voter], now: datetime) -> dict[bytes, int]:
    """Make a person for each stranger, the address not verified; returns their keys by its digest."""
    if not strangers:
        return {}
    refs = [secrets.token_urlsafe(12) for _ in strangers]
    viewers = reserve_viewers(session, count=len(strangers))
    insert_rows(
        session,
        Person,
        [{"ref": ref, "name": "", "locale": "", "viewer": viewer, "created_at": now} for ref, viewer in zip(refs, viewers, strict=True)],
    )
    made = dict(session.execute(select(Person.ref, Person.id).where(Person.ref.in_(refs))).all())
    addresses = [
        {"person_id": made[ref], "kind": voter.kind, "value": voter.value, "digest": voter.digest}
        for ref, voter in zip(refs, strangers, strict=True)
    ]
    retired.release(session, digests=[voter.digest for voter in strangers])
    insert_rows(session, Address, addresses)
    return {voter.digest: made[ref] for ref, voter in zip(refs, strangers, strict=True)}
