"""What is known of each ballot, and what a rule makes of it: values in, groups of ballots out."""

from __future__ import annotations  # array[int] can be written in a signature only, before Python 3.12

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from math import isnan, nan
from typing import Any

from c2b.voting.rules import SuspicionRule


@dataclass(frozen=True, slots=True)
class BallotFacts:
    """A ballot as the rules look at it: who picked what, when and from where; nothing in it names a person but the key."""

    person_id: int
    picks: tuple[int, ...]
    """Candidates' keys."""
    began: float = nan
    """The first tap, in seconds of UTC since 1970; nan for a ballot without taps, as imported ones are."""
    lasted: float = 0.0
    """Seconds from the first tap to the last."""
    taps: int = 0
    device: str = ""
    """Keyed hash of user agent and network; the one most used. Empty if unknown, here and below: then it is like nobody else's."""
    agent: str = ""
    """Keyed hash of the user agent alone."""
    referrer: str = ""
    domain: str = ""
    """Of the mail address, as DNS writes it."""
    stem: str = ""
    """The address with its number left out, see `addresses.stem`."""
    number: int = -1
    """The number that was left out; -1 for none."""


@dataclass(frozen=True)
class Cluster:
    """Ballots that a rule found suspicious together, and what staff need to judge whether it is right.

    `ballots` are persons' keys, ascending. `evidence` is made by `evidence.of`; JSON, without personal data.
    """

    rule: SuspicionRule
    ballots: tuple[int, ...]
    evidence: dict[str, Any]


@dataclass
class Names:
    """Texts by number: a text that a million ballots share is kept once. 0 is the empty text."""

    texts: list[str] = field(default_factory=lambda: [""])
    _codes: dict[str, int] = field(default_factory=lambda: {"": 0})

    def code(self, text: str) -> int:
        """Return the text's number, a new one if it wasn't met before."""
        code = self._codes.setdefault(text, len(self.texts))
        if code == len(self.texts):
            self.texts.append(text)
        return code


@dataclass
class Column:
    """One text of every ballot, by number."""

    names: Names = field(default_factory=Names)
    codes: array[int] = field(default_factory=lambda: array("I"))

    def append(self, text: str) -> None:
        """Add the next ballot's text."""
        self.codes.append(self.names.code(text))


@dataclass
class Box:
    """All ballots of an election in columns: a million ballots of twenty picks take 130 MB, as objects they would take a gigabyte.

    Ballots are numbered from 0 in the order of their persons' keys, candidates in the order of theirs.
    """

    persons: array[int] = field(default_factory=lambda: array("q"))
    began: array[float] = field(default_factory=lambda: array("d"))
    lasted: array[float] = field(default_factory=lambda: array("d"))
    taps: array[int] = field(default_factory=lambda: array("I"))
    numbers: array[int] = field(default_factory=lambda: array("q"))
    device: Column = field(default_factory=Column)
    agent: Column = field(default_factory=Column)
    referrer: Column = field(default_factory=Column)
    domain: Column = field(default_factory=Column)
    stem: Column = field(default_factory=Column)
    picks: array[int] = field(default_factory=lambda: array("q"))
    starts: array[int] = field(default_factory=lambda: array("Q", [0]))

    def __len__(self) -> int:
        return len(self.persons)

    def add(self, facts: BallotFacts) -> None:
        """Append a ballot; they must come by ascending person's key."""
        self.persons.append(facts.person_id)
        self.began.append(facts.began)
        self.lasted.append(facts.lasted)
        self.taps.append(facts.taps)
        self.numbers.append(facts.number)
        for name in ("device", "agent", "referrer", "domain", "stem"):
            getattr(self, name).append(getattr(facts, name))
        self.picks.extend(sorted(facts.picks))
        self.starts.append(len(self.picks))

    def picked(self, ballot: int) -> array[int]:
        """Return the candidates of a ballot, ascending."""
        return self.picks[self.starts[ballot] : self.starts[ballot + 1]]

    @cached_property
    def votes(self) -> Counter[int]:
        """How many ballots picked each candidate."""
        return Counter(self.picks)

    def timed(self) -> list[int]:
        """Return the ballots whose beginning is known, earliest first."""
        return sorted((ballot for ballot in range(len(self)) if not isnan(self.began[ballot])), key=lambda ballot: self.began[ballot])


def boxed(ballots: Iterable[BallotFacts]) -> Box:
    """Put ballots into columns. A stream in the order of persons is never held as objects; any other order costs a sort."""
    box = Box()
    waiting: list[BallotFacts] = []
    for facts in ballots:
        if waiting or (box.persons and facts.person_id < box.persons[-1]):
            waiting.append(facts)
        else:
            box.add(facts)
    return boxed(sorted([*_unboxed(box), *waiting], key=lambda facts: facts.person_id)) if waiting else box


def _unboxed(box: Box) -> Iterable[BallotFacts]:
    texts = [(column.names.texts, column.codes) for column in (box.device, box.agent, box.referrer, box.domain, box.stem)]
    for ballot, person in enumerate(box.persons):
        device, agent, referrer, domain, stem = (names[codes[ballot]] for names, codes in texts)
        figures = (box.began[ballot], box.lasted[ballot], box.taps[ballot])
        yield BallotFacts(person, tuple(box.picked(ballot)), *figures, device, agent, referrer, domain, stem, box.numbers[ballot])
