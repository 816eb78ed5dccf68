"""Elections made up by a random generator, as the files of a bundle: whole, and spoilt in every way that comes to mind."""

import copy
import csv
import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from c2b.voting import bundle, rules, statement, tree
from c2b.voting.receipts import Receipt
from c2b.voting.rules import Tally

CATEGORIES = ("", "衬衫", "针织", "coat")


@dataclass
class Cast:
    """A ballot, with all that its owner knows of it."""

    serial: str
    version: int
    nonce: str
    codes: list[str]
    held: bool = False

    @property
    def commitment(self) -> str:
        return tree.commitment(nonce=bytes.fromhex(self.nonce), serial=self.serial, version=self.version, codes=self.codes)

    def receipt(self, campaign: str) -> Receipt:
        return Receipt(campaign, self.serial, self.version, self.commitment, self.nonce, tuple(sorted(self.codes)))


@dataclass
class Election:
    """What happened; `files` tells it as a bundle does."""

    rules: dict[str, Any]
    secret: bytes
    candidates: list[dict[str, Any]]
    ballots: list[Cast]
    history: list[list[dict[str, Any]]] = field(default_factory=lambda: [[]])
    """The overrides that began or ended with each version of what is published."""
    holds: list[dict[str, Any]] = field(default_factory=list)
    slug: str = "ss27"
    opened: bool = False

    def tallies(self) -> list[Tally]:
        votes = {held: Counter(code for each in self.ballots if each.held is held for code in each.codes) for held in (False, True)}
        return [
            Tally(each["code"], votes[False][each["code"]], votes[True][each["code"]], each["category"], each["withdrawn"])
            for each in self.candidates
        ]

    def files(self) -> "Files":
        """Tell it as it happened."""
        listed = sorted(self.ballots, key=lambda each: each.serial)
        rows = [[each.serial, str(each.version), each.commitment, str(int(each.held))] for each in listed]
        files = Files({}, rows, [[each.serial, each.nonce, " ".join(sorted(each.codes))] for each in listed] if self.opened else None)
        held = [each for each in listed if each.held]
        files.result = {
            "format": statement.FORMAT,
            "campaign": self.slug,
            **dict.fromkeys(("title", "title_en", "time_zone", "voting_opens", "voting_closes", "selected_at"), "…"),
            "rules": self.rules,
            "secret": self.secret.hex(),
            "ballots": {"counted": len(listed) - len(held), "held": len(held), "picks": self.opened},
            "voters": sum(bool(each.codes) for each in listed if not each.held),
            "candidates": self.candidates,
            "holds": self.holds,
            "published": [{"at": f"2027-03-1{min(place, 9)}", "changes": changes} for place, changes in enumerate(self.history)],
        }
        files.state(self.tallies())
        return files


@dataclass
class Files:
    """A bundle before it is packed."""

    result: dict[str, Any]
    rows: list[list[str]]
    picks: list[list[str]] | None

    def state(self, tallies: Sequence[Tally]) -> None:
        """State everything that follows from rules, secret, ballots and these totals: so does who tampers and knows the format."""
        leaves = [tree.Leaf(serial, int(version), held == "1", commitment) for serial, version, commitment, held in self.rows]
        seal, secret, by = tree.sealed(leaves), bytes.fromhex(self.result["secret"]), statement.deciding(self.result["rules"])
        seed = rules.seed(secret, seal.root)
        ranked = rules.choose(tallies, by, seed)
        lines = [statement.line_of(each) for each in ranked]
        self.result["ballots"] |= {
            "counted": sum(not leaf.held for leaf in leaves),
            "held": sum(leaf.held for leaf in leaves),
            "root": seal.root.hex(),
        }
        self.result |= {
            "rules_hash": tree.digest(self.result["rules"]),
            "commitment": hashlib.sha256(secret).hexdigest(),
            "seed": seed.hex(),
            "lines": lines,
            "votes": sum(line["votes"] for line in lines),
            "held_votes": sum(line["held"] for line in lines),
            "margin": rules.margin(ranked, by, seed),
            "input_hash": tree.digest(statement.input_of(self.result["campaign"], self.result["rules"], tallies, seal)),
            "output_hash": tree.digest(lines),
        }
        self.publish()

    def publish(self) -> None:
        """State the hashes of what is published as it stands there now, and the overrides that the versions leave."""
        told = statement.versions(self.result, self.result["published"])
        self.result |= {"published": told, "published_hash": told[-1]["hash"], "overrides": statement.in_effect(told)}

    def restate(self) -> None:
        """State anew what follows from what stands there now, totals as they are."""
        votes = {line["code"]: (line["votes"], line["held"]) for line in self.result["lines"]}
        of = [(each["code"], each["category"], each["withdrawn"]) for each in self.result["candidates"]]
        self.state([Tally(code, *votes.get(code, (0, 0)), category, withdrawn) for code, category, withdrawn in of])

    @property
    def anchors(self) -> dict[str, str]:
        """What the honest bundle's hashes are, as they were published elsewhere."""
        names = ("commitment", "rules_hash", "input_hash", "output_hash", "published_hash")
        return {name: self.result[name] for name in names} | {"root": self.result["ballots"]["root"]}

    def copy(self) -> "Files":
        return copy.deepcopy(self)

    def parts(self) -> dict[str, bytes]:
        parts = dict.fromkeys(bundle.TEXTS, b"") | {bundle.RESULT: json.dumps(self.result, ensure_ascii=False).encode()}
        if self.picks is not None:
            parts[bundle.PICKS] = table("serial,nonce,codes", self.picks)
        return parts | {bundle.BALLOTS: table("serial,version,commitment,held", self.rows)}

    def write(self, path: Path) -> Path:
        return packed(path, self.parts())


def table(header: str, rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header.split(","), *rows])
    return text.getvalue().encode()


def packed(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return path


def dice(number: int) -> Random:
    return Random(number)  # noqa: S311  made-up elections, no secret


def made_up(random: Random, *, opened: bool | None = None, least: int = 0) -> Election:
    """Make up an election: of any small size, often with ties, limits, withdrawn candidates, held and empty ballots."""
    count, each = random.randint(max(least, 0), 12), random.randint(1, 6)
    codes = random.sample([f"K{number}" for number in range(100)] + ["a.b", "A-1", "_"], count)
    candidates = [
        {"code": code, "name": f"款 {code}", "name_en": "", "category": random.choice(CATEGORIES), "withdrawn": False, "reason": ""}
        for code in sorted(codes)
    ]
    for candidate in random.sample(candidates, random.choice([0, 0, min(2, count)])):
        candidate.update(withdrawn=True, reason="料子断货")
    voters = random.choice([least, 1 + least, random.randint(2, 12), random.randint(10, 60)])
    ballots = [cast(random, random.sample(codes, random.randint(0, min(each, count)))) for _ in range(voters)]
    is_open = random.random() < 0.5 if opened is None else opened
    frozen = {
        "version": random.randint(1, 9),
        "votes_each": each,
        "places": random.randint(1, 8),
        "min_votes": random.choice([0, 1, 1, 3]),
        "max_per_category": random.choice([0, 0, 1, 2]),
        "count": sorted(random.sample(["verified", "store", "imported"], random.randint(1, 3))),
        "publish_ballots": is_open and random.random() < 0.9,  # else it was opened for an auditor
    }
    made = Election(frozen, random.randbytes(32), candidates, ballots, opened=is_open)
    made.holds = held_for(random, ballots)
    made.history = overridden(random, made.files().result["lines"])
    return made


def held_for(random: Random, ballots: Sequence[Cast]) -> list[dict[str, Any]]:
    """Make up which decisions hold the held ballots; those without picks stand under none."""
    sizes = [len(each.codes) for each in ballots if each.held and each.codes]
    found = []
    while sizes:
        group = [sizes.pop() for _ in range(random.randint(1, len(sizes)))]
        rule = random.choice(["burst", "one_time_mail", "clique", "by_hand"])
        found.append({"rule": rule, "reason": f"同一时间 {len(group)}", "ballots": len(group), "votes": sum(group)})
    return found


def overridden(random: Random, lines: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Make up the overrides that followed the result: none, or some, one a version, some of them undone again."""
    history: list[list[dict[str, Any]]] = [[]]
    begun: set[str] = set()
    for line in random.choices(lines, k=random.choice([0, 0, 1, 3, 6])) if lines else ():
        changes = "undone" if line["code"] in begun else "dropped" if line["result"] == "selected" else "made"
        begun ^= {line["code"]}
        history.append([statement.change(code=line["code"], change=changes, reason=f"补一款 “{len(history)}”")])
    return history


def cast(random: Random, codes: list[str]) -> Cast:
    serial = "".join(random.choices("ABCXYZabcxyz0189-_", k=16))
    return Cast(serial, random.randint(max(1, len(codes)), 40), random.randbytes(16).hex(), codes, held=random.random() < 0.2)
