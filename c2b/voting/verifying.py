"""Recomputing a published selection from its bundle alone."""

import enum
import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any

from c2b.errors import N_, Invalid
from c2b.voting import rules, statement, tree
from c2b.voting.bundle_file import Bundle, opened
from c2b.voting.receipts import Receipt
from c2b.voting.rules import SelectionResult, Tally

ANCHORS = ("commitment", "rules_hash", "root", "input_hash", "output_hash", "published_hash")
"""What a sceptic may have noted down from elsewhere: the first two are published when voting opens, the others with the result.

The last binds all that is published; each override that begins or ends makes another, and those before stay in the bundle.
"""


class Answer(enum.StrEnum):
    """What becomes of a receipt."""

    COUNTED = "counted"
    HELD = "held"
    SUPERSEDED = "superseded"
    NO_MATCH = "no_match"


@dataclass(frozen=True)
class Failure:
    """One thing that doesn't hold: a template in English for `values`."""

    message: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message % self.values if self.values else self.message


@dataclass(frozen=True)
class Report:
    """What a verification found; a bundle that can't be read has no hashes."""

    failures: tuple[Failure, ...]
    hashes: Mapping[str, str] = field(default_factory=dict)
    counted: int = 0
    held: int = 0
    opened: bool = False
    """Every ballot's picks were there, so that the votes were counted anew."""
    answer: Answer | None = None
    """What became of the receipt, if there was one; where anything doesn't hold nothing is said of it but that it doesn't match."""
    versions: tuple[str, ...] = ()
    """The hash of each version of what is published, oldest first."""

    @property
    def valid(self) -> bool:
        """Whether everything holds."""
        return not self.failures


def verify(path: Path, *, expected: Collection[str] = (), receipt: Receipt | None = None) -> Report:
    """Recompute everything in the bundle; `expected` are hashes that one of its `ANCHORS` must be. Never raises for what is in it."""
    try:
        with opened(path) as file:
            return _verified(file, expected, receipt)
    except Invalid as broken:
        return Report((Failure(broken.message, broken.values),))


def _verified(file: Bundle, expected: Collection[str], receipt: Receipt | None) -> Report:
    result = file.result()
    count = _Count(result, receipt)
    count.read(file)
    hashes = {name: result[name] for name in ANCHORS if name in result} | {"root": result["ballots"]["root"]}
    versions = tuple(each["hash"] for each in result["published"])
    failures = [*count.failures.values(), *_recomputed(result, count), *_outcome(result, count), *_published(result)]
    failures += _unexpected({*hashes.values(), *versions}, expected)
    answer = None
    if receipt:
        answer, wrong = check(receipt, slug=result["campaign"], leaf=count.found)
        failures += wrong
        answer = Answer.NO_MATCH if failures else answer
    return Report(tuple(failures), hashes, count.ballots[False], count.ballots[True], result["ballots"]["picks"], answer, versions)


def check(receipt: Receipt, *, slug: str, leaf: tree.Leaf | None) -> tuple[Answer, list[Failure]]:
    """Hold a receipt against the leaf of its serial: return what became of it, and what is wrong.

    An older version is superseded, for later taps made another; that nobody but the voter tapped only the voter knows.
    """
    wrong = _of_receipt(receipt, slug, leaf)
    if wrong or leaf is None:
        return Answer.NO_MATCH, wrong
    if receipt.version < leaf.version:
        return Answer.SUPERSEDED, []
    return (Answer.HELD if leaf.held else Answer.COUNTED), []


def _of_receipt(receipt: Receipt, slug: str, leaf: tree.Leaf | None) -> list[Failure]:
    values = {"serial": receipt.serial, "version": receipt.version, "campaign": receipt.campaign, "slug": slug}
    ours = leaf or tree.Leaf("", 0, held=False, commitment="")
    checks = (
        (receipt.campaign != slug, N_("The receipt is of the campaign %(campaign)s, the result of %(slug)s")),
        (receipt.spoilt, N_("The receipt contradicts itself: its picks and nonce don't give its commitment")),
        (leaf is None, N_("The receipt's ballot %(serial)s is not among the ballots")),
        (leaf is not None and receipt.version > ours.version, N_("Of ballot %(serial)s only an older version was taken, not %(version)s")),
        (
            receipt.version == ours.version and receipt.commitment != ours.commitment,
            N_("Ballot %(serial)s, version %(version)s, has other picks than the receipt says"),
        ),
    )
    return [Failure(message, values) for is_wrong, message in checks if is_wrong][:1]


class _Count:
    """Goes over the ballots once, in memory that doesn't grow with them."""

    def __init__(self, result: Mapping[str, Any], receipt: Receipt | None) -> None:
        self.failures: dict[str, Failure] = {}
        """By template: the first of a kind is enough."""
        self.ballots = {False: 0, True: 0}
        """Counted ones, and held ones."""
        self.found: tree.Leaf | None = None
        self.votes: dict[bool, Counter[str]] = {False: Counter(), True: Counter()}
        self.voters = 0
        self._sealing, self._last, self._receipt = tree.Sealing(), "", receipt
        self._codes, self._limit = {each["code"] for each in result["candidates"]}, result["rules"]["votes_each"]
        self._stated = result["ballots"]

    def read(self, file: Bundle) -> None:
        """Take every ballot, opened where its picks are there."""
        most = self._stated["counted"] + self._stated["held"]
        picks = file.picks() if self._stated["picks"] else iter(())
        for number, (leaf, picked) in enumerate(zip_longest(file.ballots(), picks), start=1):
            if leaf is None or number > most:
                self._fail(N_("There are more ballots, or more opened ones, than the result says: %(most)s"), most=most)
                break
            self._take(leaf)
            if self._stated["picks"]:
                self._open(leaf, *(picked or ("", b"", [])))
        self.seal = self._sealing.done()
        if (self.ballots[False], self.ballots[True]) != (self._stated["counted"], self._stated["held"]):
            self._fail(N_("There are not as many counted and held ballots as the result says"))

    def _take(self, leaf: tree.Leaf) -> None:
        if leaf.serial <= self._last:
            self._fail(N_("Ballot %(serial)s stands there twice or not in its place"), serial=leaf.serial)
        self._last = leaf.serial
        self._sealing.add(leaf)
        self.ballots[leaf.held] += 1
        if self._receipt and self._receipt.serial == leaf.serial:
            self.found = leaf

    def _open(self, leaf: tree.Leaf, serial: str, nonce: bytes, codes: list[str]) -> None:
        made = tree.commitment(nonce=nonce, serial=serial, version=leaf.version, codes=codes)
        if serial != leaf.serial or made != leaf.commitment:
            self._fail(N_("The picks of ballot %(serial)s don't open its commitment"), serial=leaf.serial)
        if len(codes) > self._limit:
            self._fail(N_("Ballot %(serial)s has more picks than votes"), serial=leaf.serial)
        if len(set(codes)) < len(codes) or not self._codes.issuperset(codes):
            self._fail(N_("Ballot %(serial)s picks a candidate twice, or one that doesn't exist"), serial=leaf.serial)
        self.votes[leaf.held].update(codes)
        self.voters += bool(codes) and not leaf.held

    def _fail(self, message: str, **values: Any) -> None:
        self.failures.setdefault(message, Failure(message, values))


def _recomputed(result: Mapping[str, Any], count: _Count) -> Iterator[Failure]:
    """Yield what the result states otherwise than it comes out of ballots, secret and totals."""
    secret, tallies = bytes.fromhex(result["secret"]), _tallies(result)
    made = statement.input_of(result["campaign"], result["rules"], tallies, count.seal)
    checks = (
        (hashlib.sha256(secret).hexdigest() != result["commitment"], N_("The secret isn't the one whose hash was published at opening")),
        (tree.digest(result["rules"]) != result["rules_hash"], N_("The rules don't give the hash of the rules")),
        (count.seal.root.hex() != result["ballots"]["root"], N_("The ballots don't give the root")),
        (rules.seed(secret, count.seal.root).hex() != result["seed"], N_("Secret and ballots don't give the seed")),
        (tree.digest(made) != result["input_hash"], N_("Rules, ballots, held ballots and totals don't give the input hash")),
        (tree.digest(result["lines"]) != result["output_hash"], N_("The lines don't give the output hash")),
        (not _rises([each["code"] for each in result["candidates"]]), N_("The candidates aren't in order, or one stands there twice")),
        (sorted(each["code"] for each in result["lines"]) != [t.code for t in tallies], N_("Not every candidate has one line")),
    )
    yield from (Failure(message) for is_wrong, message in checks if is_wrong)


def _rises(codes: list[str]) -> bool:
    return all(first < second for first, second in pairwise(codes))


def _tallies(result: Mapping[str, Any]) -> list[Tally]:
    """Return what the lines say each candidate got, by code."""
    votes = {line["code"]: (line["votes"], line["held"]) for line in result["lines"]}
    return [
        Tally(each["code"], *votes.get(each["code"], (0, 0)), each["category"], withdrawn=each["withdrawn"])
        for each in result["candidates"]
    ]


def _outcome(result: Mapping[str, Any], count: _Count) -> Iterator[Failure]:
    """Yield what the rules would have decided otherwise, and totals that can't be."""
    lots, by = rules.seed(bytes.fromhex(result["secret"]), count.seal.root), statement.deciding(result["rules"])
    ranked = rules.choose(_tallies(result), by, lots)
    lines = [statement.line_of(each) for each in ranked]
    checks = (
        ([each["tie_key"] for each in lines] != [each["tie_key"] for each in result["lines"]], N_("The seed doesn't give these lots")),
        (lines != result["lines"], N_("Votes, lots and rules give other ranks or another selection")),
        (rules.margin(ranked, by, lots) != result["margin"], N_("The margin is another one")),
        (not _adds_up(result), N_("The candidates' votes don't add up to the totals")),
        (not _possible(result, count), N_("There are more votes than the ballots can hold")),
        (result["ballots"]["picks"] and not _same_votes(result, count), N_("The picks give other totals than the lines say")),
        (
            result["rules"]["publish_ballots"] and not result["ballots"]["picks"],
            N_("The rules promise every ballot's picks; they are missing"),
        ),
    )
    yield from (Failure(message) for is_wrong, message in checks if is_wrong)


def _adds_up(result: Mapping[str, Any]) -> bool:
    sums = (sum(line["votes"] for line in result["lines"]), sum(line["held"] for line in result["lines"]))
    return sums == (result["votes"], result["held_votes"])


def _possible(result: Mapping[str, Any], count: _Count) -> bool:
    """Say whether so many votes fit on so many ballots: all that can be said of the count where the picks stay hidden."""
    each, counted, held = result["rules"]["votes_each"], count.ballots[False], count.ballots[True]
    totals = result["votes"] <= each * result["voters"] and result["voters"] <= counted and result["held_votes"] <= each * held
    return totals and all(line["votes"] <= result["voters"] and line["held"] <= held for line in result["lines"])


def _published(result: Mapping[str, Any]) -> Iterator[Failure]:
    """Yield what the hashes of everything published don't bind as it stands there, and overrides and holds that can't be."""
    holds, overrides = result["holds"], result["overrides"]
    reasons = [each["reason"] for each in (*holds, *overrides, *statement.changes(result["published"]))]
    checks = (
        (
            statement.versions(result, result["published"]) != result["published"],
            N_("What is published doesn't give the hashes of its versions"),
        ),
        (
            [each["hash"] for each in result["published"][-1:]] != [result["published_hash"]],
            N_("The hash of everything published isn't that of the last version"),
        ),
        (statement.in_effect(result["published"]) != overrides, N_("The overrides aren't those that the versions leave")),
        (not _overrides_fit(result), N_("An override is of no candidate, or changes nothing")),
        (not all(reason.strip() for reason in reasons), N_("An override or a hold has no reason")),
        (not _holds_fit(result), N_("What was held for a reason doesn't add up to what is held")),
    )
    yield from (Failure(message) for is_wrong, message in checks if is_wrong)


def _overrides_fit(result: Mapping[str, Any]) -> bool:
    """Say whether each override began with what the votes hadn't decided, and each that ended had begun."""
    won, begun = {line["code"]: line["result"] == SelectionResult.SELECTED for line in result["lines"]}, set[str]()
    for each in (each for told in result["published"] for each in told["changes"]):
        code, ends = each["code"], each["change"] == statement.UNDONE
        fits = code in begun if ends else code not in begun and won.get(code) is (each["change"] == statement.DROPPED)
        if not fits:
            return False
        begun ^= {code}
    return True


def _holds_fit(result: Mapping[str, Any]) -> bool:
    """Say whether the holds add up to all held votes, and are of so many ballots as there are; empty ones stand under no hold."""
    each, holds = result["rules"]["votes_each"], result["holds"]
    possible = all(1 <= hold["ballots"] <= hold["votes"] <= each * hold["ballots"] for hold in holds)
    sums = sum(hold["votes"] for hold in holds), sum(hold["ballots"] for hold in holds)
    return possible and sums[0] == result["held_votes"] and sums[1] <= result["ballots"]["held"]


def _same_votes(result: Mapping[str, Any], count: _Count) -> bool:
    counted = {line["code"]: (line["votes"], line["held"]) for line in result["lines"]}
    same = all((count.votes[False][code], count.votes[True][code]) == votes for code, votes in counted.items())
    return same and count.voters == result["voters"]


def _unexpected(hashes: Collection[str], expected: Collection[str]) -> Iterator[Failure]:
    for wanted in expected:
        if wanted.lower() not in hashes:
            yield Failure(N_("None of the bundle's hashes is the expected %(hash)s"), {"hash": wanted[:80]})
