"""What a voter keeps: a receipt names one version of a ballot; with its nonce it opens the commitment."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import text as text_in
from c2b.errors import N_, Invalid, Refused
from c2b.messages.actions import queue
from c2b.people.models import Address, Person
from c2b.people.rules import AddressKind
from c2b.voting import tree
from c2b.voting.models import Ballot, Pick

_TITLE = "c2b receipt 1"
_LONGEST = 64 * 1024
_FORMS = {
    "campaign": re.compile("[A-Za-z0-9_-]{1,60}"),
    "ballot": re.compile("[A-Za-z0-9_-]{1,24}"),
    "version": re.compile("[1-9][0-9]{0,8}"),
    "commitment": re.compile("[0-9a-f]{64}"),
    "nonce": re.compile("[0-9a-f]{32}"),
    "pick": re.compile("[A-Za-z0-9._-]{1,60}"),
}
_NEEDED = ("campaign", "ballot", "version", "commitment")


@dataclass(frozen=True)
class Receipt:
    """A version of a ballot; without `nonce` and `codes` it shows that the ballot is there, with them also what is in it."""

    campaign: str
    serial: str
    version: int
    commitment: str
    nonce: str = ""
    codes: tuple[str, ...] = ()

    @property
    def full(self) -> bool:
        """Whether it opens the commitment."""
        return bool(self.nonce)

    @property
    def opens(self) -> bool:
        """Whether nonce and codes give the commitment."""
        made = tree.commitment(nonce=bytes.fromhex(self.nonce), serial=self.serial, version=self.version, codes=self.codes)
        return made == self.commitment

    @property
    def spoilt(self) -> bool:
        """Whether it contradicts itself."""
        return self.full and not self.opens

    @property
    def short(self) -> "Receipt":
        """The same without what it says of the picks."""
        return Receipt(self.campaign, self.serial, self.version, self.commitment)

    def text(self) -> str:
        """Return it as people keep it: one fact a line."""
        facts = [("campaign", self.campaign), ("ballot", self.serial), ("version", str(self.version)), ("commitment", self.commitment)]
        facts += [("nonce", self.nonce)] if self.nonce else []
        facts += [("pick", code) for code in self.codes]
        return "".join([f"{_TITLE}\n", *(f"{name:<10} {value}\n" for name, value in facts)])


def parse(text: str) -> Receipt:
    """Read a receipt, however it was copied: spaces, blank lines and quotation marks of a mail don't matter.

    Raises Invalid saying which line is wrong or missing.
    """
    first, *lines = [line for line in (raw.strip(" \t\r>\ufeff") for raw in text[:_LONGEST].splitlines()) if line] or [""]
    if " ".join(first.split()) != _TITLE:
        raise Invalid(N_("A receipt begins with the line “%(line)s”"), line=_TITLE, field="receipt")
    facts = _facts(lines)
    if missing := next((name for name in _NEEDED if not facts[name]), ""):
        raise Invalid(N_("The receipt's line “%(line)s” is missing; copy all of it"), line=missing, field="receipt")
    campaign, serial, version, commitment = (facts[name][0] for name in _NEEDED)
    return Receipt(campaign, serial, int(version), commitment, "".join(facts["nonce"]), tuple(sorted(facts["pick"])))


def _facts(lines: list[str]) -> dict[str, list[str]]:
    facts: dict[str, list[str]] = {name: [] for name in _FORMS}
    for line in lines:
        name, _, rest = line.partition(" ")
        value = "".join(rest.split())
        known = name in _FORMS and _FORMS[name].fullmatch(value)
        if not known or (facts[name] and name != "pick"):
            raise Invalid(
                N_("The receipt's line “%(line)s” isn't complete or stands there twice; copy it again"), line=line[:80], field="receipt"
            )
        facts[name].append(value)
    return facts


def receipt(session: Session, *, campaign: Campaign, person_id: int) -> Receipt | None:
    """Return the receipt of a person's ballot as it is now, or None before their first tap."""
    about = select(Ballot.serial, Ballot.version, Ballot.nonce, Ballot.commitment)
    row = session.execute(about.where(Ballot.campaign_id == campaign.id, Ballot.person_id == person_id)).one_or_none()
    if row is None or not row.version:
        return None
    of_person = (Pick.campaign_id == campaign.id) & (Pick.person_id == person_id)
    codes = session.scalars(select(Candidate.code).join(Pick, (Pick.candidate_id == Candidate.id) & of_person))
    return Receipt(campaign.slug, row.serial, row.version, row.commitment, row.nonce.hex(), tuple(sorted(codes)))


def mail(session: Session, *, campaign: Campaign, person_id: int, picks: bool, now: datetime) -> bool:
    """Queue the receipt to the person's address, once for each version; `picks`: with what opens it. Return whether it is new.

    Raises Refused where there is nothing to confirm, or no address to send it to.
    """
    own = receipt(session, campaign=campaign, person_id=person_id)
    if own is None:
        raise Refused(N_("You have no ballot in this campaign yet; vote first"))
    known = (Address.person_id == person_id) & (Address.kind == AddressKind.EMAIL) & Address.verified_at.is_not(None)
    query = select(Address.value, Person.locale).join(Person, Person.id == Address.person_id).where(known).order_by(Address.id)
    row = session.execute(query.limit(1)).one_or_none()
    if row is None:
        raise Refused(N_("We know no e-mail address of yours; save the receipt as a file instead"))
    sent = queue(
        session,
        event=f"receipt:{own.serial}:{own.version}:{'picks' if picks else 'short'}",
        channel="email",
        recipient=row.value,
        template="receipt",
        fields={
            "campaign": text_in(campaign.title, campaign.title_en, row.locale),
            "receipt": (own if picks else own.short).text(),
            "path": f"/c/{campaign.slug}/verify",
        },
        locale=row.locale,
        now=now,
    )
    return sent is not None
