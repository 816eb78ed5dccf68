"""Files become candidates, offers and suppliers: checked against what is there, written as a whole or not at all."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.campaigns import undoing
from c2b.campaigns.actions import locked
from c2b.campaigns.importing.assemble import assemble
from c2b.campaigns.importing.findings import Finding
from c2b.campaigns.importing.formats import Parsed
from c2b.campaigns.importing.listing import Listing
from c2b.campaigns.importing.pictures import Shots
from c2b.campaigns.importing.shapes import CandidateIn
from c2b.campaigns.importing.write import Record, Writer, Written, apply, difference
from c2b.campaigns.models import Campaign, Candidate, Picture, Supplier, Variant
from c2b.campaigns.rules import CATALOGUE_OPEN, CampaignState
from c2b.db import Base
from c2b.errors import N_, Refused


@dataclass(frozen=True)
class ImportReport:
    """What an import did, or (`written` false) would do or why it did nothing. Counts are candidates, or rows of a list."""

    written: bool
    new: int
    changed: int
    unchanged: int
    skipped: int
    variants: int
    pictures: int
    problems: tuple[Finding, ...]
    notices: tuple[Finding, ...]


def import_candidates(
    session: Session,
    *,
    slug: str,
    parsed: Parsed,
    actor: str,
    now: datetime,
    selected: Collection[int] | None = None,
    shots: Shots | None = None,
    skip_bad: bool = False,
    dry_run: bool = False,
) -> ImportReport:
    """Bring a campaign's candidates up to date with a file: all of it or, if it has a problem, nothing, unless `skip_bad`.

    In `draft` and `scheduled` everything is set; in `selected` only the offers of the candidates in `selected` (keys; None: of
    all), rows of others are notices and unknown codes problems. It can be taken back for a day (`undoing`). Raises NotFound, and
    Refused in any other state.
    """
    campaign = locked(session, slug)
    _refuse_frozen(campaign)
    offers_only = campaign.state is CampaignState.SELECTED
    candidates = assemble(parsed, currency=campaign.currency)
    if offers_only:
        candidates = _of_selected(session, campaign, parsed, candidates, selected)
    candidates = _with_own_skus(session, campaign, parsed, _of_known_suppliers(session, parsed, candidates))
    accepted = parsed.findings.accepted(skip_bad=skip_bad)
    taken = candidates if accepted else []
    before = undoing.state(session, campaign.id)
    writer = Writer(session, campaign_id=campaign.id, candidates=taken, shots=shots or {})
    done = _write(session, writer, offers_only=offers_only, dry_run=dry_run)
    report = ImportReport(
        written=accepted and not dry_run,
        new=len(done.new),
        changed=len(done.changed),
        unchanged=len(taken) - len(done.new) - len(done.changed),
        skipped=len(parsed.codes) - len(candidates),
        variants=done.variants,
        pictures=done.pictures,
        problems=_by_row(parsed.findings.problems),
        notices=_by_row(parsed.findings.notices),
    )
    undoing.keep(session, campaign, before, counts={"added": report.new, "changed": report.changed}, actor=actor, now=now)
    _record(session, report, action="candidates.import", campaign=slug, actor=actor, now=now)
    return report


def _refuse_frozen(campaign: Campaign) -> None:
    if campaign.state not in CATALOGUE_OPEN:
        frozen = N_("Campaign %(slug)s is “%(state)s”; its candidates and offers are frozen")
        raise Refused(frozen, slug=campaign.slug, state=campaign.state.value)


def _record(session: Session, report: ImportReport, *, action: str, campaign: str, actor: str, now: datetime) -> None:
    if report.written and (report.new or report.changed):
        counts = {"new": report.new, "changed": report.changed, "variants": report.variants}
        record(session, actor=actor, action=action, campaign=campaign, after=counts, now=now)


def _write(session: Session, writer: Writer, *, offers_only: bool, dry_run: bool) -> Written:
    """Write in a savepoint, so that a dry run can take everything back and a constraint speaks as a refusal."""
    savepoint = session.begin_nested()
    try:
        written = writer.write(offers_only=offers_only)
    except IntegrityError as error:
        savepoint.rollback()
        raise Refused(N_("The file contradicts what is stored: %(why)s"), why=str(error.orig).splitlines()[0]) from error
    savepoint.rollback() if dry_run else savepoint.commit()
    session.expire_all()
    return written


def _of_selected(
    session: Session, campaign: Campaign, parsed: Parsed, candidates: Sequence[CandidateIn], selected: Collection[int] | None
) -> list[CandidateIn]:
    rows: Sequence[Any] = session.execute(select(Candidate.code, Candidate.id).where(Candidate.campaign_id == campaign.id)).all()
    there: dict[str, int] = dict(map(tuple, rows))
    offered = []
    for each in candidates:
        if each.code not in there:
            message, repair = N_("there is no such candidate"), N_("after the selection no candidate can be added; correct the code")
            parsed.problem(each.row, "code", message, repair, value=each.code)
        elif selected is None or there[each.code] in selected:
            offered.append(each)
        else:
            message = N_("the candidate wasn't selected and gets no offer")
            parsed.findings.notice(message, row=each.row, column=parsed.names["code"], value=each.code)
    return offered


def _of_known_suppliers(session: Session, parsed: Parsed, candidates: Sequence[CandidateIn]) -> list[CandidateIn]:
    known = {None, "", *session.scalars(select(Supplier.code))}
    strangers = [each for each in candidates if each.offer.get("supplier") not in known]
    for each in strangers:
        message, repair = N_("there is no such supplier"), N_("import it first with c2b suppliers import, or correct the code")
        parsed.problem(each.row, "supplier", message, repair, value=each.offer["supplier"])
    return [each for each in candidates if each not in strangers]


def _with_own_skus(session: Session, campaign: Campaign, parsed: Parsed, candidates: Sequence[CandidateIn]) -> list[CandidateIn]:
    """Return the candidates none of whose SKUs belongs to a candidate outside the file."""
    mine = {each.code for each in candidates}
    query = select(Variant.sku, Candidate.code).join(Candidate, Candidate.id == Variant.candidate_id)
    rows: Sequence[Any] = session.execute(query.where(Variant.campaign_id == campaign.id)).all()
    owner: dict[str, str] = dict(map(tuple, rows))
    taken = [(each, variant) for each in candidates for variant in each.variants if owner.get(variant.sku, each.code) not in mine]
    for each, variant in taken:
        mine.discard(each.code)
        message, repair = N_("candidate %(code)s has the same SKU"), N_("give every variant its own")
        parsed.problem(variant.row, "sku", message, repair, value=variant.sku, code=owner[variant.sku])
    return [each for each in candidates if each.code in mine]


def _by_row(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: (finding.row, finding.column)))


def stored_pictures(session: Session, slug: str) -> set[tuple[str, str]]:
    """Return code and source of every picture of a campaign that needn't be stored again."""
    query = (
        select(Candidate.code, Picture.source)
        .join(Candidate, Candidate.id == Picture.candidate_id)
        .join(Campaign, Campaign.id == Candidate.campaign_id)
        .where(Campaign.slug == slug, Picture.file != "")
    )
    return {(code, source) for code, source in session.execute(query)}


def import_suppliers(session: Session, *, suppliers: Listing, actor: str, now: datetime, skip_bad: bool = False) -> ImportReport:
    """Make or update suppliers by their code; none is removed. With a problem nothing is written unless `skip_bad`."""
    blank = {"contact": "", "phone": "", "capacity_units": None, "lead_days": None}
    return import_list(session, Supplier, suppliers, blank=blank, action="suppliers.import", actor=actor, now=now, skip_bad=skip_bad)


def import_list(
    session: Session, model: type[Base], listing: Listing, *, blank: Record, action: str, actor: str, now: datetime, skip_bad: bool
) -> ImportReport:
    """Make or update rows of `model` by their code; none is removed, and what a file doesn't say stays, or is `blank` in a new row."""
    accepted = listing.findings.accepted(skip_bad=skip_bad)
    want = [dict(row) for row in listing.rows] if accepted else []
    have: Sequence[Any] = session.connection().execute(select(model.__table__)).mappings().all()
    found = difference(have, want, key=("code",), blank=blank)
    apply(session, model, found.keeping())
    report = ImportReport(
        written=accepted,
        new=len(found.new),
        changed=len(found.changed),
        unchanged=len(want) - len(found.new) - len(found.changed),
        skipped=len({finding.row for finding in listing.findings.problems}),
        variants=0,
        pictures=0,
        problems=_by_row(listing.findings.problems),
        notices=_by_row(listing.findings.notices),
    )
    _record(session, report, action=action, campaign="", actor=actor, now=now)
    return report
