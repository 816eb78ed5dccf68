"""Verifies a published vote, with nothing but Python 3.9 or later: read it, then run it.

    python3 verify.py BUNDLE.zip [--receipt FILE] [--expect HASH]...

It trusts nothing in the bundle: every hash, rank and total is computed anew and compared. What no bundle can show by itself is that it
is the one which was promised: so hand over, with --expect, what you noted down elsewhere: the sealed secret's hash and the rules' hash
(published when voting opened), the hash of everything published, of any of its versions, or the root or the result's hash (on the page
of results). And bring your own receipt.

It ends with 0 if everything holds, with 1 and a list of what doesn't, with 2 if it was called wrongly.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import struct
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

HASH, CODE, SERIAL, NONCE, VERSION = "[0-9a-f]{64}", "[A-Za-z0-9._-]{1,60}", "[A-Za-z0-9_-]{1,24}", "[0-9a-f]{32}", "0|[1-9][0-9]{0,8}"
BALLOTS = re.compile(f"({SERIAL}),({VERSION}),({HASH}),([01])")
PICKS = re.compile(f"({SERIAL}),({NONCE}),([A-Za-z0-9._ -]*)")
RECEIPT = {"campaign": "[A-Za-z0-9_-]{1,60}", "ballot": SERIAL, "version": VERSION, "commitment": HASH, "nonce": NONCE, "pick": CODE}
FILES = {"README.en.txt", "README.zh.txt", "verify.py", "result.json", "ballots.csv", "picks.csv"}
LARGEST_RESULT, MOST_PARTS, LARGEST_DIRECTORY, MOST_DIGITS, LONGEST_LINE = 8_388_608, 200_000, 4096, 13, 65_536


class Wrong(Exception):
    """Something doesn't hold, so badly that what follows it makes no sense."""


def need(holds: object, fault: str) -> None:
    """Stop with a fault unless the condition holds."""
    if not holds:
        raise Wrong(fault)


# Hashes


def sha256(data: bytes) -> bytes:
    """Return the SHA-256."""
    return hashlib.sha256(data).digest()


def fingerprint(value: object) -> str:
    """Return the SHA-256 of a value written as JSON in the one agreed way: sorted keys, no spaces, UTF-8."""
    return sha256(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hex()


def commit(serial: str, version: int, nonce: str, codes: Sequence[str]) -> str:
    """Return what a ballot with these picks is published as."""
    return fingerprint({"serial": serial, "version": version, "nonce": nonce, "codes": sorted(codes)})


class Tree:
    """The Merkle tree of RFC 6962: complete subtrees, each remembered by its height and its top alone."""

    def __init__(self) -> None:
        self.tops: list[tuple[int, bytes]] = []

    def add(self, commitment: str) -> None:
        """Put the next ballot at the right end."""
        height, top = 0, sha256(b"\x00" + bytes.fromhex(commitment))
        while self.tops and self.tops[-1][0] == height:
            height, top = height + 1, sha256(b"\x01" + self.tops.pop()[1] + top)
        self.tops.append((height, top))

    def root(self) -> str:
        """Join what is left from right to left."""
        tops = [top for _, top in self.tops] or [sha256(b"")]
        joined = tops.pop()
        while tops:
            joined = sha256(b"\x01" + tops.pop() + joined)
        return joined.hex()


# Reading: nothing is unpacked to the disk, and nothing is read at once that could be too large for the memory


def open_bundle(path: str) -> zipfile.ZipFile:
    """Open the ZIP file after a look at its end: a directory of a million files is refused before it is read."""
    with open(path, "rb") as file:  # noqa: PTH123  as every reader of Python knows it
        file.seek(max(0, file.seek(0, 2) - 42))
        tail = file.read()
    mark, _, _, _, files, size, _, comment = struct.unpack("<4s4H2IH", tail[-22:])
    need((mark, comment) == (b"PK\5\6", 0) and tail[:4] != b"PK\6\7", "this is not the ZIP file of a bundle")
    need(files <= len(FILES) and size <= LARGEST_DIRECTORY, "the ZIP file lists more than a bundle holds")
    packed = zipfile.ZipFile(path)
    names, ways = [each.filename for each in packed.infolist()], {each.compress_type for each in packed.infolist()}
    need({"result.json", "ballots.csv"} <= set(names) <= FILES, f"the bundle holds other files than it should: {names!r:.200}")
    need(len(names) == len(set(names)) and ways <= {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}, "the bundle is packed strangely")
    return packed


def read_rows(packed: zipfile.ZipFile, name: str, header: str, form: re.Pattern[str]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a table; each line must be written as it should be."""
    with packed.open(name) as file:
        need(file.readline(LONGEST_LINE) == header.encode() + b"\n", f"{name} begins with other columns")
        number = 1
        while line := file.readline(LONGEST_LINE):
            number += 1
            found = form.fullmatch(line[:-1].decode("ascii"))
            need(found and line.endswith(b"\n"), f"{name}, line {number}: not written as it should be")
            yield found.groups() if found else ()


def number(text: str) -> int:
    """Read a number: whole, not negative, of a sensible size."""
    need(text.isdigit() and len(text) <= MOST_DIGITS, f"the number {text[:20]} makes no sense here")
    return int(text)


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Read an object: nothing is said twice."""
    need(len(dict(pairs)) == len(pairs), f"said twice: {[name for name, _ in pairs]!r:.100}")
    return dict(pairs)


def read_result(packed: zipfile.ZipFile) -> dict[str, Any]:
    """Read what is stated."""
    with packed.open("result.json") as file:
        raw = file.read(LARGEST_RESULT + 1)
    need(len(raw) <= LARGEST_RESULT and raw.count(b"[") + raw.count(b"{") <= MOST_PARTS, "result.json is larger than any result")
    stated = json.loads(raw.decode(), parse_int=number, parse_float=number, parse_constant=number, object_pairs_hook=once)
    need(stated["format"] == "c2b bundle 2", "the bundle has another format; take the verifier that came with it")
    return dict(stated)


def read_receipt(path: str) -> dict[str, list[str]]:
    """Read a receipt: its first line says what it is, each other line one fact; check that it doesn't contradict itself."""
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        lines = [line.strip(" \t\r>\ufeff").partition(" ") for line in file.read(LONGEST_LINE).splitlines()]
    facts: dict[str, list[str]] = {name: [] for name in RECEIPT}
    for name, _, rest in [line for line in lines if line[0]][1:]:
        value = "".join(rest.split())
        need(re.fullmatch(RECEIPT.get(name, "-"), value), f"the receipt's line “{name[:60]} {value[:80]}” isn't complete")
        facts[name].append(value)
    need([len(facts[name]) for name in ("campaign", "ballot", "version", "commitment")] == [1, 1, 1, 1], "the receipt lacks a line")
    opening = commit(facts["ballot"][0], int(facts["version"][0]), "".join(facts["nonce"]), facts["pick"])
    need(not facts["nonce"] or opening == facts["commitment"][0], "the receipt contradicts itself: picks and nonce give another commitment")
    return facts


# What the rules say


def rank(stated: dict[str, Any], seed: bytes, *, with_held: bool = False) -> list[dict[str, Any]]:
    """Return the lines as they must be: most votes first, equals by lot, withdrawn ones last; then select from the top."""
    rules, about, taken = stated["rules"], {each["code"]: each for each in stated["candidates"]}, Counter[str]()
    lines = [{**line, "tie_key": sha256(seed + line["code"].encode()).hex()} for line in stated["lines"]]
    votes = {line["code"]: line["votes"] + with_held * line["held"] for line in lines}
    lines.sort(key=lambda line: (about[line["code"]]["withdrawn"], -votes[line["code"]], line["tie_key"]))
    for place, line in enumerate(lines, start=1):
        category = about[line["code"]]["category"]
        room = taken[category] < (rules["max_per_category"] or place) and sum(taken.values()) < rules["places"]
        wins = room and votes[line["code"]] >= max(1, rules["min_votes"])
        outcome = "selected" if wins else "not_selected"
        line["rank"], line["result"] = place, "withdrawn" if about[line["code"]]["withdrawn"] else outcome
        taken[category] += line["result"] == "selected"
    return lines


def margin(lines: list[dict[str, Any]], with_held: list[dict[str, Any]]) -> dict[str, Any]:
    """Return how close it was, and what the held ballots would change."""

    def codes(of: list[dict[str, Any]]) -> set[str]:
        return {line["code"] for line in of if line["result"] == "selected"}

    now, then = codes(lines), codes(with_held)
    last = min((line["votes"] for line in lines if line["code"] in now), default=0)
    first = max((line["votes"] for line in lines if line["result"] == "not_selected"), default=0)
    changes = {"held_would_add": sorted(then - now), "held_would_drop": sorted(now - then)}
    return {"last_selected": last, "first_not_selected": first, "tie": bool(now) and last == first, **changes}


# The verification


class Verifier:
    """Goes through a bundle and writes down what doesn't hold."""

    def __init__(self, packed: zipfile.ZipFile) -> None:
        self.packed, self.stated = packed, read_result(packed)
        self.faults: list[str] = []
        self.candidates = {each["code"] for each in self.stated["candidates"]}
        self.tree, self.listed, self.ballots, self.voters = Tree(), hashlib.sha256(), [0, 0], 0
        self.counts: list[Counter[str]] = [Counter(), Counter()]

    def must(self, holds: object, fault: str) -> None:
        """Write down a fault, once, unless the condition holds."""
        if not holds and fault not in self.faults:
            self.faults.append(fault)

    def go_over_ballots(self, serial_wanted: str) -> list[tuple[int, str, str]]:
        """Check order and hashes of all ballots, and the picks where they are public; return the versions of the wanted one."""
        opened, last, found = self.stated["ballots"]["picks"], "", []
        picks = read_rows(self.packed, "picks.csv", "serial,nonce,codes", PICKS) if opened else iter(())
        for serial, version, commitment, held in read_rows(self.packed, "ballots.csv", "serial,version,commitment,held", BALLOTS):
            self.must(last < serial, "the ballots aren't in the order of their serials, or one stands there twice")
            last = serial
            self.tree.add(commitment)
            self.ballots[int(held)] += 1
            self.listed.update(f"{serial},{version},{commitment},{held}\n".encode())
            if opened:
                self.open_ballot((serial, int(version), commitment, int(held)), *next(picks, ("", "", "")))
            found += [(int(version), commitment, held)] if serial == serial_wanted else []
        self.must(next(picks, None) is None, "more ballots are opened than there are")
        return found

    def open_ballot(self, ballot: tuple[str, int, str, int], serial: str, nonce: str, picked: str) -> None:
        """Check the picks of one ballot against its commitment, and count them."""
        codes = picked.split(" ") if picked else []
        self.must(ballot[:3] == (serial, ballot[1], commit(serial, ballot[1], nonce, codes)), "a ballot's picks don't open its commitment")
        self.must(len(codes) <= self.stated["rules"]["votes_each"], "a ballot has more picks than votes")
        self.must(
            len(set(codes)) == len(codes) and self.candidates.issuperset(codes), "a ballot picks a candidate twice, or an unknown one"
        )
        self.counts[ballot[3]].update(codes)
        self.voters += 1 if codes and not ballot[3] else 0

    def compare(self) -> None:
        """Compare what is stated with what comes out of rules, secret, ballots and totals."""
        stated, must, secret = self.stated, self.must, bytes.fromhex(self.stated["secret"])
        codes, lined = [each["code"] for each in stated["candidates"]], [line["code"] for line in stated["lines"]]
        need(codes == sorted(set(codes)) == sorted(lined), "each candidate must stand there once, in order, and have one line")
        seed = sha256(secret + bytes.fromhex(self.tree.root()))
        lines = rank(stated, seed)
        must(sha256(secret).hex() == stated["commitment"], "the secret isn't the one whose hash was published at opening")
        must(fingerprint(stated["rules"]) == stated["rules_hash"], "the rules don't give the hash of the rules")
        must(self.ballots == [stated["ballots"]["counted"], stated["ballots"]["held"]], "there aren't as many ballots as stated")
        must(self.tree.root() == stated["ballots"]["root"], "the ballots don't give the root")
        must(seed.hex() == stated["seed"], "secret and ballots don't give the seed")
        must(lines == stated["lines"], "votes, lots and rules give other ranks or another selection")
        must(margin(lines, rank(stated, seed, with_held=True)) == stated["margin"], "the margin is another one")
        must(self.input_hash() == stated["input_hash"], "rules, ballots and totals don't give the input hash")
        must(fingerprint(stated["lines"]) == stated["output_hash"], "the lines don't give the output hash")

    def input_hash(self) -> str:
        """Return the hash of all that went into the selection, besides the secret."""
        votes = {line["code"]: {"votes": line["votes"], "held": line["held"]} for line in self.stated["lines"]}
        about = [{name: each[name] for name in ("code", "category", "withdrawn")} for each in self.stated["candidates"]]
        whole = {"candidates": [{**each, **votes[each["code"]]} for each in about], "ballot_root": self.tree.root()}
        return fingerprint({**whole, **{name: self.stated[name] for name in ("campaign", "rules")}, "ballots": self.listed.hexdigest()})

    def count(self) -> None:
        """Check the totals: against the picks where they are public, else that so many votes fit on so many ballots."""
        stated, must, each, lines = self.stated, self.must, self.stated["rules"]["votes_each"], self.stated["lines"]
        counted, held = {line["code"]: line["votes"] for line in lines}, {line["code"]: line["held"] for line in lines}
        sums = [sum(counted.values()), sum(held.values())]
        must(sums == [stated["votes"], stated["held_votes"]], "the candidates' votes don't add up to the totals")
        most = [max([0, *counted.values()]), max([0, *held.values()])]
        fits = (stated["voters"] <= self.ballots[0], most[0] <= stated["voters"], sums[0] <= stated["voters"] * each)
        must(all((*fits, most[1] <= self.ballots[1], sums[1] <= self.ballots[1] * each)), "there are more votes than the ballots can hold")
        opened = stated["ballots"]["picks"]
        must(opened or not stated["rules"]["publish_ballots"], "the rules promise the picks of every ballot; they are missing")
        same = [+Counter(counted), +Counter(held), stated["voters"]] == [*self.counts, self.voters]
        must(same or not opened, "the picks give other totals than stated")

    def published(self) -> list[str]:
        """Check what binds everything: titles, names, holds, overrides; return the hash of each version, the oldest first."""
        apart, stated, must, hashes = {"overrides", "published", "published_hash"}, self.stated, self.must, [""]
        frozen = {name: value for name, value in stated.items() if name not in apart}
        document = fingerprint({**frozen, "ballots": {name: value for name, value in stated["ballots"].items() if name != "picks"}})
        for place, told in enumerate(stated["published"], start=1):
            must(set(told) == {"version", "at", "changes", "hash"} and told["version"] == place, "a version is told strangely")
            about = {name: told[name] for name in ("version", "at", "changes")}
            hashes.append(fingerprint({**about, "document": document, "previous": hashes[-1]}))
            must(hashes[-1] == told["hash"], "what is published doesn't give the hash of a version")
        must(hashes[-1] == stated["published_hash"], "the hash of everything published isn't that of the last version")
        self.overridden()
        self.held()
        return hashes[1:]

    def overridden(self) -> None:
        """Check that each override changes something and says why, that what ends had begun, and what all of them leave."""
        won, left = {line["code"]: line["result"] == "selected" for line in self.stated["lines"]}, dict[str, dict[str, Any]]()
        for each in [each for told in self.stated["published"] for each in told["changes"]]:
            code, what, reason = each["code"], each["change"], each["reason"]
            self.must(reason.strip() and set(each) == {"code", "change", "reason"}, "an override has no reason")
            fits = {"made": won.get(code) is False and code not in left, "dropped": won.get(code) and code not in left}
            self.must({**fits, "undone": code in left}.get(what), "an override changes nothing, or is of no candidate")
            left.pop(code, None)
            if what != "undone":
                left[code] = {"code": code, "made": what == "made", "reason": reason}
        self.must([left[code] for code in sorted(left)] == self.stated["overrides"], "the overrides aren't those that the versions leave")

    def held(self) -> None:
        """Check that what was held for a reason adds up to all held votes; a held ballot without picks stands under no reason."""
        holds, each = self.stated["holds"], self.stated["rules"]["votes_each"]
        fits = [1 <= hold["ballots"] <= hold["votes"] <= each * hold["ballots"] for hold in holds]
        same = sum(hold["votes"] for hold in holds) == self.stated["held_votes"]
        must_be = all(fits) and same and sum(hold["ballots"] for hold in holds) <= self.ballots[1]
        self.must(must_be, "what was held for a reason doesn't add up to what is held")
        self.must(all(hold["reason"].strip() and hold["rule"] for hold in holds), "a hold has no reason")

    def answer(self, receipt: dict[str, list[str]], found: list[tuple[int, str, str]]) -> None:
        """Say what became of the receipt's ballot; of a bundle that doesn't hold nothing follows."""
        need(not self.faults, "so nothing can be said of the receipt")
        need(receipt["campaign"] == [self.stated["campaign"]], "the receipt is of another campaign")
        need(found, "the receipt's ballot isn't among the ballots")
        wanted, (version, commitment, held) = int(receipt["version"][0]), found[0]
        need(wanted <= version, "of the receipt's ballot only an older version was taken")
        need(wanted < version or receipt["commitment"] == [commitment], "the receipt's ballot has other picks than the receipt says")
        state = "held, so it doesn't count" if held == "1" else "counted"
        say(f"Your receipt: {'superseded' if wanted < version else state}; version {version} of the ballot was taken.")


def check(verifier: Verifier, receipt: dict[str, list[str]] | None, expected: Sequence[str]) -> None:
    """Check everything in a bundle, and what was brought along."""
    found = verifier.go_over_ballots(receipt["ballot"][0] if receipt else "")
    verifier.compare()
    verifier.count()
    versions = verifier.published()
    own = {name: verifier.stated[name] for name in ("commitment", "rules_hash", "input_hash", "output_hash")}
    own["root"] = verifier.tree.root()
    own.update({f"published {number}": value for number, value in enumerate(versions, start=1)})
    missing = [wanted for wanted in expected if wanted.lower() not in own.values()]
    verifier.must(not missing, f"none of the bundle's hashes is the expected {' or '.join(missing):.200}")
    say("\n".join(f"{name:<14} {value}" for name, value in own.items()))
    if receipt:
        verifier.answer(receipt, found)


def verify(path: str, receipt_path: str = "", expected: Sequence[str] = ()) -> list[str]:
    """Return what doesn't hold; nothing, if everything does."""
    faults: list[str] = []
    try:
        receipt = read_receipt(receipt_path) if receipt_path else None
        with open_bundle(path) as packed:
            verifier = Verifier(packed)
            faults = verifier.faults
            check(verifier, receipt, expected)
    except Wrong as wrong:
        faults.append(str(wrong))
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        faults.append(f"the bundle is damaged: {error!s:.200}")
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        faults.append(f"the bundle isn't written as it should be: {error!r:.200}")
    return faults


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")


def main() -> int:
    """Verify what the command line names."""
    parser = argparse.ArgumentParser(description="Recompute a published vote from its bundle.")
    parser.add_argument("bundle")
    parser.add_argument("--receipt", metavar="FILE", default="", help="your receipt")
    parser.add_argument("--expect", metavar="HASH", action="append", default=[], help="a hash that you noted down elsewhere")
    wanted = parser.parse_args()
    faults = verify(wanted.bundle, wanted.receipt, wanted.expect)
    for fault in faults:
        say(f"WRONG: {fault}.")
    say("It doesn't hold." if faults else "Everything holds. Are the hashes those that you noted down elsewhere? See --expect.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
