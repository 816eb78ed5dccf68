"""Ballots and picks, and what the selection made of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from c2b.db import Base, Key, append_only, choice
from c2b.voting.rules import BallotSource, SelectionResult, SuspicionRule, SuspicionState


class Ballot(Base):
    """All picks of a person in a campaign; counted or held as a whole."""

    __tablename__ = "ballot"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "votes_each"], ["campaign.id", "campaign.votes_each"], onupdate="CASCADE"),
        UniqueConstraint("campaign_id", "person_id", "votes_each"),  # the target of the pick's composite key
        UniqueConstraint("campaign_id", "serial"),
        CheckConstraint("(held_at IS NULL) = (held_reason = '')", name="held_with_reason"),
    )

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    votes_each: Mapped[int]
    source: Mapped[BallotSource] = mapped_column(choice(BallotSource))
    serial: Mapped[str] = mapped_column(String(24).with_variant(String(24, collation="C"), "postgresql"))
    """Random public name of the ballot, on receipts and in the bundle; ordered by its bytes, as the tree is, whatever the language."""
    version: Mapped[int] = mapped_column(default=0)
    """Rises with every tap; a receipt names one version."""
    nonce: Mapped[bytes] = mapped_column(LargeBinary(16))
    """Hides the picks in the commitment; never published without its owner."""
    commitment: Mapped[str] = mapped_column(String(64), default="", server_default=text("''"))
    """Binds serial, version and picks, see `tree.commitment`; what a receipt shows and the tree holds."""
    held_at: Mapped[datetime | None]
    held_reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]


class Pick(Base):
    """One of a person's votes, for one candidate."""

    __tablename__ = "pick"
    __table_args__ = (
        ForeignKeyConstraint(
            ["campaign_id", "person_id", "votes_each"],
            ["ballot.campaign_id", "ballot.person_id", "ballot.votes_each"],
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"]),  # only this campaign's candidates
        UniqueConstraint("campaign_id", "person_id", "candidate_id"),  # nobody votes twice for one candidate
        CheckConstraint("slot BETWEEN 1 AND votes_each", name="slot_in_ballot"),  # the limit is the size of the key space
    )

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True)
    """1..votes_each; freed by undo."""
    votes_each: Mapped[int]
    candidate_id: Mapped[int] = mapped_column(index=True)


class LeftOver(Base):
    """A pick of a draft that found no vote free when its person signed in: it waits beside their ballot until they have chosen."""

    __tablename__ = "left_over"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "person_id"], ["ballot.campaign_id", "ballot.person_id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"]),
    )

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(primary_key=True)
    candidate_id: Mapped[int] = mapped_column(primary_key=True)


class VoteEvent(Base):
    """A tap: what the detection of stuffed ballots looks at. Append-only."""

    __tablename__ = "vote_event"
    __table_args__ = (Index("ix_vote_event_campaign_at", "campaign_id", "at"),)

    id: Mapped[Key]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    person_id: Mapped[int]
    candidate_id: Mapped[int]
    undo: Mapped[bool]
    at: Mapped[datetime]
    device: Mapped[str] = mapped_column(String(64), default="")
    """Keyed hash of user agent and network, never the address itself."""
    agent: Mapped[str] = mapped_column(String(16), default="", server_default=text("''"))
    """Keyed hash of the user agent alone."""
    referrer: Mapped[str] = mapped_column(String(100), default="", server_default=text("''"))
    """Host of the page that led to the first visit, or the source of a short link."""


class Selection(Base):
    """The run that turned counted votes into the top N; one a campaign, never changed."""

    __tablename__ = "selection"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(200))
    rules_version: Mapped[int]
    places: Mapped[int]
    voters: Mapped[int]
    votes: Mapped[int]
    held_votes: Mapped[int]
    input_hash: Mapped[str] = mapped_column(String(64))
    ballot_root: Mapped[str] = mapped_column(String(64))
    seed: Mapped[str] = mapped_column(String(64))
    output_hash: Mapped[str] = mapped_column(String(64))
    margin: Mapped[dict[str, Any]] = mapped_column(JSON)


class SelectionLine(Base):
    """A candidate's rank in the selection."""

    __tablename__ = "selection_line"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"]),
        UniqueConstraint("campaign_id", "rank"),
    )

    campaign_id: Mapped[int] = mapped_column(ForeignKey("selection.campaign_id"), primary_key=True)
    candidate_id: Mapped[int] = mapped_column(primary_key=True)
    rank: Mapped[int]
    votes: Mapped[int]
    held: Mapped[int]
    result: Mapped[SelectionResult] = mapped_column(choice(SelectionResult))
    tie_key: Mapped[str] = mapped_column(String(64))


class CandidateTally(Base):
    """How many picks a candidate has, drafts aside, by where their ballots come from and whether they are held; see `TallyDelta`."""

    __tablename__ = "candidate_tally"
    __table_args__ = (ForeignKeyConstraint(["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"]),)

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    candidate_id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[BallotSource] = mapped_column(choice(BallotSource), primary_key=True)
    held: Mapped[bool] = mapped_column(primary_key=True)
    votes: Mapped[int]


class HourTally(Base):
    """How many ballots with picks were begun in an hour, and their picks, drafts aside, by source and whether they are held."""

    __tablename__ = "hour_tally"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    hour: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Seconds from 1970 to its beginning."""
    source: Mapped[BallotSource] = mapped_column(choice(BallotSource), primary_key=True)
    held: Mapped[bool] = mapped_column(primary_key=True)
    votes: Mapped[int]
    ballots: Mapped[int]


class TallyDelta(Base):
    """A change of a candidate's tally, an hour's, or both, waiting to be folded in: nobody waits at a popular candidate's row."""

    __tablename__ = "tally_delta"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"]),
        ForeignKeyConstraint(["campaign_id"], ["campaign.id"]),
        CheckConstraint("candidate_id IS NOT NULL OR hour IS NOT NULL", name="of_something"),
        Index("ix_tally_delta_campaign_id", "campaign_id"),
    )

    id: Mapped[Key]
    campaign_id: Mapped[int]
    candidate_id: Mapped[int | None]
    hour: Mapped[int | None]
    """In which the ballot was begun."""
    source: Mapped[BallotSource] = mapped_column(choice(BallotSource))
    held: Mapped[bool]
    votes: Mapped[int]
    """+1 for a vote, -1 for one taken back."""
    ballots: Mapped[int] = mapped_column(default=0)
    """+1 where a ballot has its first pick, -1 where its last is gone."""


class Seen(Base):
    """Which candidates a viewer was shown in a campaign; written in batches, away from every request."""

    __tablename__ = "seen"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    viewer: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    marks: Mapped[bytes] = mapped_column(LargeBinary)
    """One bit a candidate, in the order of the file; the lowest bit of the first byte is the first candidate's."""


class Views(Base):
    """How many viewers were shown a candidate: what staff compare its votes with."""

    __tablename__ = "views"
    __table_args__ = (ForeignKeyConstraint(["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"]),)

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    candidate_id: Mapped[int] = mapped_column(primary_key=True)
    viewers: Mapped[int]


class Suspicion(Base):
    """A group of ballots that a rule found suspicious, with its evidence, and what staff decided about it.

    A ballot held by its serial alone is a group of one, so that whatever holds a ballot is a row here.
    """

    __tablename__ = "suspicion"
    __table_args__ = (
        UniqueConstraint("campaign_id", "digest"),
        UniqueConstraint("campaign_id", "id"),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_or_open"),
        CheckConstraint("state = 'open' OR reason <> ''", name="decided_with_reason"),
    )

    id: Mapped[Key]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    rule: Mapped[SuspicionRule] = mapped_column(choice(SuspicionRule))
    digest: Mapped[str] = mapped_column(String(64))
    """Of rule and ballots: looking again finds the same group, not a second one. The serial, where the ballot was named by hand."""
    evidence: Mapped[dict[str, Any]] = mapped_column(JSON)
    found_at: Mapped[datetime]
    state: Mapped[SuspicionState] = mapped_column(choice(SuspicionState), default=SuspicionState.OPEN)
    reason: Mapped[str] = mapped_column(Text, default="")
    """Published with the result, where ballots are held for it."""
    decided_by: Mapped[str] = mapped_column(String(200), default="")
    decided_at: Mapped[datetime | None]


class SuspicionBallot(Base):
    """A ballot of a suspicious group."""

    __tablename__ = "suspicion_ballot"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "suspicion_id"], ["suspicion.campaign_id", "suspicion.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["campaign_id", "person_id"], ["ballot.campaign_id", "ballot.person_id"], ondelete="CASCADE"),
        Index("ix_suspicion_ballot_campaign_id_person_id", "campaign_id", "person_id"),
    )

    suspicion_id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int]
    person_id: Mapped[int] = mapped_column(primary_key=True)
    decided: Mapped[bool] = mapped_column(default=False)
    """False for one found after the decision about its group: it waits for another."""
    freed_at: Mapped[datetime | None]
    """When this ballot alone was let off: its owner signed in again when asked to, or staff released it by its serial."""
    freed_by: Mapped[str] = mapped_column(String(200), default="")


class SuspicionLook(Base):
    """When a campaign's ballots were last looked through, and what for; one row a campaign."""

    __tablename__ = "suspicion_look"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    asked_at: Mapped[datetime]
    began_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    groups: Mapped[int] = mapped_column(default=0)
    """How many the rules found, known ones too."""


class Objection(Base):
    """What a customer says about their held ballot; one a person and campaign, the latest stands."""

    __tablename__ = "objection"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "person_id"], ["ballot.campaign_id", "ballot.person_id"], ondelete="CASCADE"),
        CheckConstraint("words <> ''", name="says_something"),
    )

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[str] = mapped_column(String(500))
    at: Mapped[datetime]


class SelectionOverride(Base):
    """A candidate made although it lost, or dropped although it won: never changes a count, and its reason is public."""

    __tablename__ = "selection_override"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "candidate_id"], ["selection_line.campaign_id", "selection_line.candidate_id"]),
        CheckConstraint("reason <> ''", name="override_with_reason"),
        CheckConstraint("approved_by <> proposed_by", name="second_person"),
        CheckConstraint("(approved_at IS NULL) = (approved_by = '')", name="approved_by_somebody"),
        CheckConstraint("(ending_by = '') = (ending_reason = '')", name="ended_with_reason"),
        CheckConstraint("ending_by = '' OR approved_at IS NOT NULL", name="ended_once_approved"),
    )

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    candidate_id: Mapped[int] = mapped_column(primary_key=True)
    made: Mapped[bool]
    """True: made although it lost; False: dropped although it won."""
    reason: Mapped[str] = mapped_column(Text)
    """Public."""
    proposed_by: Mapped[str] = mapped_column(String(200))
    proposed_at: Mapped[datetime]
    approved_by: Mapped[str] = mapped_column(String(200), default="")
    """Somebody else; empty while it waits, and it has no effect then."""
    approved_at: Mapped[datetime | None]
    ending_by: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))
    """Who wants it undone; it goes on until somebody else agrees to that, and the row goes then."""
    ending_reason: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))

    @property
    def waits(self) -> bool:
        """Whether a second person is asked for: to begin it, or to end it."""
        return self.approved_at is None or self.ending_by != ""

    @property
    def asked_by(self) -> str:
        """Who asked for it, or for its end."""
        return self.ending_by or self.proposed_by


class Publication(Base):
    """Everything that was published with a selection, frozen with it: titles, rules, names, counts, ranks, holds with their reasons."""

    __tablename__ = "publication"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("selection.campaign_id"), primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    hash: Mapped[str] = mapped_column(String(64))


class PublishedVersion(Base):
    """A version of what is published: the first comes with the selection, another whenever an override begins or ends."""

    __tablename__ = "published_version"
    __table_args__ = (CheckConstraint("version >= 1", name="counted_from_one"),)

    campaign_id: Mapped[int] = mapped_column(ForeignKey("publication.campaign_id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    hash: Mapped[str] = mapped_column(String(64))
    """Binds the document, the changes, and the version before."""


class BallotSeal(Base):
    """What bound a campaign's ballots at the selection, see `tree.Seal`; one a selection, never changed."""

    __tablename__ = "ballot_seal"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("selection.campaign_id"), primary_key=True)
    listed: Mapped[str] = mapped_column(String(64))


class SealBlock(Base):
    """A block of ballots under a seal, see `tree.Block`: a receipt is held against its block's ballots and the others' hashes."""

    __tablename__ = "seal_block"
    __table_args__ = (
        UniqueConstraint("campaign_id", "first"),
        CheckConstraint("number >= 1", name="numbered_from_one"),
        CheckConstraint("ballots BETWEEN 1 AND 1024", name="ballots_in_block"),
    )

    campaign_id: Mapped[int] = mapped_column(ForeignKey("ballot_seal.campaign_id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    """1, 2, ... in the order of the serials."""
    first: Mapped[str] = mapped_column(String(24))
    ballots: Mapped[int]
    node: Mapped[str] = mapped_column(String(64))
    listed: Mapped[str] = mapped_column(String(64))


for _table in ("vote_event", "selection", "selection_line", "publication", "published_version", "ballot_seal", "seal_block"):
    append_only(_table)
