"""Files become candidates, offers and suppliers: checked against what is there, written as a whole or not at all."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.campaigns.actions import locked
from c2b.campaigns.importing.assemble import CandidateIn, assemble
from c2b.campaigns.importing.findings import Finding
from c2b.campaigns.importing.formats import Parsed
from c2b.campaigns.importing.pictures import Shots
from c2b.campaigns.importing.suppliers import Suppliers
from c2b.campaigns.importing.write import Writer, Written, difference
from c2b.campaigns.models import Campaign, Candidate, Picture, Supplier, Variant
from c2b.campaigns.rules import CampaignState
from c2b.errors import N_, Refused

_OPEN = (CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.SELECTED)


@dataclass(frozen=True)
class ImportReport:
    """What an import did, or (`written` false) would do or why it did nothing. Counts are candidates, or suppliers."""

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
    all), rows of others are notices and unknown codes problems. Raises NotFound, and Refused in any other state.
    """
    campaign = locked(session, slug)
    if campaign.state not in _OPEN:
        raise Refused(N_("Campaign %(slug)s is “%(state)s”; its candidates and offers are frozen"), slug=slug, state=campaign.state.value)
    offers_only = campaign.state is CampaignState.SELECTED
    candidates = assemble(parsed, currency=campaign.currency)
    total = len({line.cells["code"] for line in parsed.lines})
    if offers_only:
        candidates = _of_selected(session, campaign, parsed, candidates, selected)
    candidates = _without_clashes(session, campaign, parsed, candidates)
    written = None
    if candidates and (skip_bad or not parsed.findings.problems):
        writer = Writer(session, campaign_id=campaign.id, candidates=candidates, shots=shots or {})
        savepoint = session.begin_nested()
        written = writer.write(offers_only=offers_only)
        savepoint.rollback() if dry_run else savepoint.commit()
        session.expire_all()
    report = _report(parsed, candidates, written, total=total, dry_run=dry_run)
    if report.written and (report.new or report.changed):
        counts = {"new": report.new, "changed": report.changed, "variants": report.variants}
        record(session, actor=actor, action="candidates.import", campaign=slug, after=counts, now=now)
    return report


def _of_selected(
    session: Session, campaign: Campaign, parsed: Parsed, candidates: Sequence[CandidateIn], selected: Collection[int] | None
) -> list[CandidateIn]:
    query = select(Candidate).where(Candidate.campaign_id == campaign.id)
    there = {each.code: each.id for each in session.scalars(query)}
    column, kept = parsed.names["code"], []
    for each in candidates:
        if each.code not in there:
            message, repair = N_("there is no such candidate"), N_("after the selection no candidate can be added; correct the code")
            parsed.findings.problem(message, repair, row=each.row, column=column, value=each.code)
        elif selected is not None and there[each.code] not in selected:
            parsed.findings.notice(N_("the candidate wasn't selected and gets no offer"), row=each.row, column=column, value=each.code)
        else:
            kept.append(each)
    return kept


def _without_clashes(session: Session, campaign: Campaign, parsed: Parsed, candidates: Sequence[CandidateIn]) -> list[CandidateIn]:
    """Report suppliers that nobody knows and SKUs that belong to candidates outside the file, and return the others."""
    suppliers = set(session.scalars(select(Supplier.code)))
    mine = {each.code for each in candidates}
    query = (
        select(Variant.sku, Candidate.code).join(Candidate, Candidate.id == Variant.candidate_id).where(Variant.campaign_id == campaign.id)
    )
    taken = {sku: code for sku, code in session.execute(query) if code not in mine}
    kept = []
    for each in candidates:
        problems = len(parsed.findings.problems)
        if (code := each.offer.get("supplier")) and code not in suppliers:
            message, repair = N_("there is no such supplier"), N_("import it first with c2b suppliers import, or correct the code")
            parsed.findings.problem(message, repair, row=each.row, column=parsed.names["supplier"], value=code)
        for variant in each.variants:
            if variant.sku in taken:
                message, repair = N_("candidate %(code)s has the same SKU"), N_("give every variant its own")
                column = parsed.names.get("sku", "sku")
                parsed.findings.problem(message, repair, row=variant.row, column=column, value=variant.sku, code=taken[variant.sku])
        if len(parsed.findings.problems) == problems:
            kept.append(each)
    return kept


def _report(parsed: Parsed, candidates: Sequence[CandidateIn], written: Written | None, *, total: int, dry_run: bool) -> ImportReport:
    done = written or Written()
    return ImportReport(
        written=written is not None and not dry_run,
        new=len(done.new),
        changed=len(done.changed),
        unchanged=len(candidates) - len(done.new) - len(done.changed) if written else 0,
        skipped=total - len(candidates),
        variants=sum(len(each.variants) for each in candidates) if written else 0,
        pictures=done.pictures,
        problems=tuple(sorted(parsed.findings.problems, key=lambda finding: finding.row)),
        notices=tuple(sorted(parsed.findings.notices, key=lambda finding: finding.row)),
    )


def stored_pictures(session: Session, slug: str) -> set[tuple[str, str]]:
    """Return code and source of every picture of a campaign that needn't be stored again."""
    query = (
        select(Candidate.code, Picture.source)
        .join(Candidate, Candidate.id == Picture.candidate_id)
        .join(Campaign, Campaign.id == Candidate.campaign_id)
        .where(Campaign.slug == slug, Picture.file != "")
    )
    return {(code, source) for code, source in session.execute(query)}


def import_suppliers(session: Session, *, suppliers: Suppliers, actor: str, now: datetime, skip_bad: bool = False) -> ImportReport:
    """Make or update suppliers by their code; none is removed. With a problem nothing is written unless `skip_bad`."""
    table = Supplier.__table__
    have: list[Mapping[str, Any]] = [dict(row._mapping) for row in session.connection().execute(select(table))]  # noqa: SLF001  the documented way
    blank = {"contact": "", "phone": "", "capacity_units": None, "lead_days": None}
    found = difference(have, [dict(row) for row in suppliers.rows], key=("code",), blank=blank)
    allowed = skip_bad or not suppliers.findings.problems
    if allowed and found.new:
        session.execute(insert(Supplier), found.new)
    if allowed and found.changed:
        session.execute(update(Supplier), found.changed)
    if allowed and (found.new or found.changed):
        record(session, actor=actor, action="suppliers.import", after={"new": len(found.new), "changed": len(found.changed)}, now=now)
    return ImportReport(
        written=allowed,
        new=len(found.new) if allowed else 0,
        changed=len(found.changed) if allowed else 0,
        unchanged=len(suppliers.rows) - len(found.new) - len(found.changed) if allowed else 0,
        skipped=len({finding.row for finding in suppliers.findings.problems}),
        variants=0,
        pictures=0,
        problems=tuple(suppliers.findings.problems),
        notices=tuple(suppliers.findings.notices),
    )
