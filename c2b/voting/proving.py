"""Holding a voter's receipt against the published result, step by step, as the page shows it.

The ballots of one block are read and folded, `tree.BLOCK` at most; of the others the hashes that were sealed with the selection. So
it costs the same with a million ballots. The root binds all of these hashes; that each is its ballots' own is what `c2b audit` proves.
"""

import enum
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.errors import N_, Invalid, Sentence
from c2b.voting import bundle, receipts, seals, selecting, tree, verifying
from c2b.voting.models import Ballot, Selection
from c2b.voting.receipts import Receipt
from c2b.voting.verifying import Answer


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
    seal = seals.kept(session, campaign.id)
    place = seal.place(receipt.serial)
    leaves = _leaves(session, campaign, seal, place)
    leaf = next((each for each in leaves if each.serial == receipt.serial), None)
    answer, failures = verifying.check(receipt, slug=campaign.slug, leaf=leaf)
    proof = Proof(answer, {}, next(iter(failures), None), receipt, leaf.version if leaf else 0, seal.ballots, published=published)
    if receipt.campaign != campaign.slug or receipt.spoilt:
        return replace(proof, steps=_states())
    if leaf is None:
        return replace(proof, steps=_states(State.PASSED, State.FAILED, *_NOT_REACHED))
    made = seal.having(place, tree.block(_with(leaves, receipt) if receipt.version == leaf.version else leaves))
    return _folded(session, campaign, run, proof, sealed=seal, made=made)


def _states(*known: State) -> dict[Step, State]:
    """Return the steps' states: those known, else the first failed and the others skipped."""
    return dict(zip(Step, known or (State.FAILED, State.SKIPPED, *_NOT_REACHED), strict=True))


def _folded(session: Session, campaign: Campaign, run: Selection, proof: Proof, *, sealed: tree.Seal, made: tree.Seal) -> Proof:
    """Say what became of the ballot once its block, `made` with the receipt's fingerprint, leads to what was published.

    The root binds the fingerprints; the block's list everybody's version in it and who is held; the input hash all lists and the votes.
    """
    proof = replace(proof, root=made.root.hex())
    if proof.root != proof.published:
        return replace(proof, answer=Answer.NO_MATCH, steps=_states(State.PASSED, State.PASSED, State.FAILED, State.SKIPPED))
    if made != sealed or selecting.input_hash(session, campaign, sealed) != run.input_hash:
        why = proof.why or verifying.Failure(N_("Versions, held ballots or votes are not those of the selection"))
        return replace(proof, answer=Answer.NO_MATCH, why=why, steps=_states(State.PASSED, State.PASSED, State.PASSED, State.FAILED))
    latest = State.PASSED if proof.answer is Answer.COUNTED else State.FAILED
    return replace(proof, steps=_states(State.PASSED, State.PASSED, State.PASSED, latest))


def _with(leaves: list[tree.Leaf], receipt: Receipt) -> list[tree.Leaf]:
    return [leaf._replace(commitment=receipt.commitment) if leaf.serial == receipt.serial else leaf for leaf in leaves]


def _leaves(session: Session, campaign: Campaign, seal: tree.Seal, place: slice) -> list[tree.Leaf]:
    """Return the ballots from the first of the block in this place to the first of the next one."""
    begins = [Ballot.serial >= each.first for each in seal.blocks[place]]
    ends = [Ballot.serial < each.first for each in seal.blocks[place.stop : place.stop + 1]]
    return list(selecting.leaves(session, campaign, *begins, *ends)) if begins else []
