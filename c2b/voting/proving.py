"""Holding a voter's receipt against the published result, step by step, as the page shows it."""

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.errors import N_, Invalid, Sentence
from c2b.voting import bundle, receipts, selecting, tree, verifying
from c2b.voting.models import Ballot
from c2b.voting.receipts import Receipt
from c2b.voting.verifying import Answer

MOST_FOLDED = 200_000
"""So many ballots are folded into the root while somebody waits: a second; with more, the bundle is the way."""


class Step(enum.StrEnum):
    """The four things that are looked at, in their order."""

    COMPLETE = "complete"
    FOUND = "found"
    ROOT = "root"
    LATEST = "latest"


class State(enum.StrEnum):
    """What came of a step; what a failure or a step before made pointless is skipped."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


_NOT_REACHED = (State.SKIPPED, State.SKIPPED)


@dataclass(frozen=True)
class Proof:
    """What became of a receipt; `why` says what is wrong with it, `root` is what comes out with it in its place, in hexadecimal."""

    answer: Answer
    steps: dict[Step, State]
    why: Sentence | None = None
    receipt: Receipt | None = None
    version: int = 0
    """Of the ballot in the tree; 0: there is none."""
    ballots: int = 0
    root: str = ""
    published: str = ""


def prove(session: Session, campaign: Campaign, text: str) -> Proof:
    """Hold the receipt in `text` against the result; writes nothing. Raises Refused before the selection."""
    run = bundle.made(session, campaign)
    published = run.ballot_root
    try:
        receipt = receipts.parse(text)
    except Invalid as wrong:
        return Proof(Answer.NO_MATCH, _states(), wrong, published=published)
    leaf = _leaf(session, campaign, receipt.serial)
    answer, failures = verifying.check(receipt, slug=campaign.slug, leaf=leaf)
    version, ballots = leaf.version if leaf else 0, _ballots(session, campaign)
    proof = Proof(answer, {}, next(iter(failures), None), receipt, version, ballots, published=published)
    if receipt.campaign != campaign.slug or receipt.spoilt:
        return replace(proof, steps=_states())
    if leaf is None:
        return replace(proof, steps=_states(State.PASSED, State.FAILED, *_NOT_REACHED))
    return _folded(session, campaign, proof, receipt, run.input_hash)


def _states(*known: State) -> dict[Step, State]:
    """Return the steps' states: those known, else the first failed and the others skipped."""
    return dict(zip(Step, known or (State.FAILED, State.SKIPPED, *_NOT_REACHED), strict=True))


def _folded(session: Session, campaign: Campaign, proof: Proof, receipt: Receipt, input_hash: str) -> Proof:
    """Fold all ballots into a root and a list, the receipt's fingerprint in its place, if it is of the version that was taken.

    Nothing is said of the ballot before both are what was published: the root binds the fingerprints, the input hash the list with
    everybody's version and who is held.
    """
    if proof.ballots > MOST_FOLDED:
        return replace(proof, answer=Answer.UNPROVED, steps=_states(State.PASSED, State.PASSED, *_NOT_REACHED))
    leaves = selecting.leaves(session, campaign)
    seal = tree.sealed(_with(leaves, receipt) if receipt.version == proof.version else leaves)
    proof = replace(proof, root=seal.root.hex())
    if proof.root != proof.published:
        return replace(proof, answer=Answer.NO_MATCH, steps=_states(State.PASSED, State.PASSED, State.FAILED, State.SKIPPED))
    if selecting.input_hash(session, campaign, seal) != input_hash:
        why = proof.why or verifying.Failure(N_("Versions, held ballots or votes are not those of the selection"))
        return replace(proof, answer=Answer.NO_MATCH, why=why, steps=_states(State.PASSED, State.PASSED, State.PASSED, State.FAILED))
    latest = State.PASSED if proof.answer is Answer.COUNTED else State.FAILED
    return replace(proof, steps=_states(State.PASSED, State.PASSED, State.PASSED, latest))


def _with(leaves: Iterable[tree.Leaf], receipt: Receipt) -> Iterator[tree.Leaf]:
    for leaf in leaves:
        yield replace(leaf, commitment=receipt.commitment) if leaf.serial == receipt.serial else leaf


def _leaf(session: Session, campaign: Campaign, serial: str) -> tree.Leaf | None:
    columns = (Ballot.serial, Ballot.version, Ballot.held_at.is_not(None), Ballot.commitment)
    row = session.execute(select(*columns).where(*selecting.in_tree(session, campaign), Ballot.serial == serial)).one_or_none()
    return tree.Leaf(*row) if row else None


def _ballots(session: Session, campaign: Campaign) -> int:
    return session.scalars(select(func.count()).select_from(Ballot).where(*selecting.in_tree(session, campaign))).one()
