"""Reading a bundle that anybody may have made: in bounded memory, and every fault is one sentence."""

import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from c2b.errors import N_, Invalid
from c2b.voting import bundle, statement
from c2b.voting.rules import SelectionResult, SuspicionRule
from c2b.voting.tree import Leaf

_LARGEST_RESULT = 8 * 1024 * 1024
"""Bytes of the result: room for 10,000 candidates."""
_MOST_PARTS = 200_000
"""Lists and objects in it."""
_LONGEST_LINE = 64 * 1024
_LARGEST_DIRECTORY = 4096
_MOST_FILES = 16
_LACKING = N_("The file %(file)s is missing in the bundle")
_CHUNK = 64 * 1024
_LARGEST_NUMBER = 10**12
_FAULTS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, NotImplementedError)
"""What reading a damaged ZIP raises; RecursionError is a RuntimeError, UnicodeDecodeError a ValueError."""
_HEX, _CODE, _TEXT = re.compile("[0-9a-f]{64}"), re.compile("[A-Za-z0-9._-]{1,60}"), re.compile("[^\ud800-\udfff]{0,10000}")
_RULES: Final = {
    "version": int,
    "votes_each": int,
    "places": int,
    "min_votes": int,
    "max_per_category": int,
    "count": [_CODE],
    "publish_ballots": bool,
}
_CANDIDATE: Final = {"code": _CODE, "name": _TEXT, "name_en": _TEXT, "category": _TEXT, "withdrawn": bool, "reason": _TEXT}
_LINE: Final = {
    "rank": int,
    "code": _CODE,
    "votes": int,
    "held": int,
    "result": re.compile("|".join(SelectionResult)),
    "tie_key": _HEX,
}
_MARGIN: Final = {"last_selected": int, "first_not_selected": int, "tie": bool, "held_would_add": [_CODE], "held_would_drop": [_CODE]}
_CHANGE = re.compile(f"{statement.MADE}|{statement.DROPPED}|{statement.UNDONE}")
_SHAPE: Final[dict[str, Any]] = {
    "format": re.compile(statement.FORMAT),
    **dict.fromkeys(("campaign", "title", "title_en", "time_zone", "voting_opens", "voting_closes", "selected_at"), _TEXT),
    "rules": _RULES,
    **dict.fromkeys(("rules_hash", "commitment", "secret", "seed", "input_hash", "output_hash"), _HEX),
    "ballots": {"counted": int, "held": int, "root": _HEX, "picks": bool},
    **dict.fromkeys(("voters", "votes", "held_votes"), int),
    "candidates": [_CANDIDATE],
    "lines": [_LINE],
    "margin": _MARGIN,
    "holds": [{"rule": re.compile("|".join(SuspicionRule)), "reason": _TEXT, "ballots": int, "votes": int}],
    "overrides": [{"code": _CODE, "made": bool, "reason": _TEXT}],
    "published": [{"version": int, "at": _TEXT, "changes": [{"code": _CODE, "change": _CHANGE, "reason": _TEXT}], "hash": _HEX}],
    "published_hash": _HEX,
}
_BALLOT = re.compile(rb"([A-Za-z0-9_-]{1,24}),(0|[1-9][0-9]{0,8}),([0-9a-f]{64}),([01])")
_PICKED = re.compile(rb"([A-Za-z0-9_-]{1,24}),([0-9a-f]{32}),([A-Za-z0-9._ -]*)")
_HEADERS = {bundle.BALLOTS: b"serial,version,commitment,held", bundle.PICKS: b"serial,nonce,codes"}


class Bundle:
    """An open bundle; nothing is ever unpacked to the disk."""

    def __init__(self, packed: zipfile.ZipFile) -> None:
        self._packed = packed

    def result(self) -> dict[str, Any]:
        """Return everything but the ballots, its shape looked at."""
        with self._packed.open(bundle.RESULT) as file:
            raw = file.read(_LARGEST_RESULT + 1)
        if len(raw) > _LARGEST_RESULT or raw.count(b"{") + raw.count(b"[") > _MOST_PARTS:
            raise Invalid(N_("%(file)s is larger than any result"), file=bundle.RESULT)
        found = json.loads(
            raw.decode(), parse_float=_no_number, parse_constant=_no_number, parse_int=_number, object_pairs_hook=_without_doubles
        )
        if wrong := _misfit(found, _SHAPE, ""):
            raise Invalid(N_("%(file)s: %(place)s is missing, too much or not what it should be"), file=bundle.RESULT, place=wrong)
        return dict(found)

    def ballots(self) -> Iterator[Leaf]:
        """Yield the ballots as they stand."""
        for serial, version, commitment, held in self._rows(bundle.BALLOTS, _BALLOT):
            yield Leaf(serial.decode(), int(version), held == b"1", commitment.decode())

    def picks(self) -> Iterator[tuple[str, bytes, list[str]]]:
        """Yield serial, nonce and codes of each opened ballot."""
        for serial, nonce, codes in self._rows(bundle.PICKS, _PICKED):
            yield serial.decode(), bytes.fromhex(nonce.decode()), codes.decode().split(" ") if codes else []

    def _rows(self, name: str, form: re.Pattern[bytes]) -> Iterator[tuple[bytes, ...]]:
        if name not in self._packed.namelist():
            raise Invalid(_LACKING, file=name)
        with self._packed.open(name) as file:
            for number, line in enumerate(_lines(file), start=1):
                found = form.fullmatch(line) if number > 1 else line == _HEADERS[name]
                if not found:
                    raise Invalid(N_("%(file)s, line %(line)s isn't written as it should be"), file=name, line=number)
                if isinstance(found, re.Match):
                    yield found.groups()


@contextmanager
def opened(path: Path) -> Iterator[Bundle]:
    """Open a bundle; raises Invalid, then and while it is read, for whatever no bundle of ours would hold."""
    try:
        with path.open("rb") as file:
            _look_at_the_end(file)
            with zipfile.ZipFile(file) as packed:
                _look_at_the_files(packed)
                yield Bundle(packed)
    except _FAULTS as error:
        raise Invalid(N_("The bundle is damaged or none: %(why)s"), why=" ".join(str(error).split())[:200]) from error


def _look_at_the_end(file: IO[bytes]) -> None:
    """Refuse a directory that would not fit into memory, before it is read.

    PKWARE APPNOTE 4.3.16: the end of the central directory; 4.3.15: the locator of a 64 bit one, which no bundle needs.
    """
    file.seek(max(0, file.seek(0, 2) - 42))
    tail = file.read()
    mark, _, _, _, files, size, _, comment = struct.unpack("<4s4H2IH", tail[-22:])
    if (mark, comment) != (b"PK\5\6", 0) or files > _MOST_FILES or size > _LARGEST_DIRECTORY or tail[:-22].startswith(b"PK\6\7"):
        raise Invalid(N_("This is no ZIP file that c2b made"))


def _look_at_the_files(packed: zipfile.ZipFile) -> None:
    names = [info.filename for info in packed.infolist()]
    known = {*bundle.TEXTS, bundle.RESULT, bundle.BALLOTS, bundle.PICKS}
    for name in (bundle.RESULT, bundle.BALLOTS):
        if name not in names:
            raise Invalid(_LACKING, file=name)
    strange = [name for name in names if name not in known] or [name for name in names if names.count(name) > 1]
    packings = {info.compress_type for info in packed.infolist()}
    if strange or packings - {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Invalid(N_("The bundle holds what doesn't belong into it: %(names)s"), names=repr(strange)[:100])


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := file.read(_CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > _LONGEST_LINE:
            raise Invalid(N_("A line of the bundle doesn't end"))
    if rest:
        raise Invalid(N_("The bundle ends in the middle of a line"))


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Invalid(N_("%(file)s says something twice: %(names)s"), file=bundle.RESULT, names=repr([name for name, _ in pairs])[:100])
    return found


def _no_number(text: str) -> None:
    raise Invalid(N_("%(file)s holds %(text)s where there are only whole numbers"), file=bundle.RESULT, text=text[:20])


def _number(text: str) -> int:
    return int(text) if len(text) <= len(str(_LARGEST_NUMBER)) else -1


def _misfit(value: Any, shape: Any, place: str) -> str:
    """Return the first place where `value` hasn't the `shape`, or an empty string."""
    if isinstance(shape, dict):
        same = isinstance(value, dict) and value.keys() == shape.keys()
        return _first(_misfit(value[name], part, f"{place}.{name}") for name, part in shape.items()) if same else place or "."
    if isinstance(shape, list):
        each = enumerate(value) if isinstance(value, list) else [(0, None)]
        return _first(_misfit(item, shape[0], f"{place}[{index}]") for index, item in each)
    return "" if _fits(value, shape) else place


def _first(places: Iterator[str]) -> str:
    return next(filter(None, places), "")


def _fits(value: Any, shape: Any) -> bool:
    if isinstance(shape, re.Pattern):
        return isinstance(value, str) and bool(shape.fullmatch(value))
    if shape is int:
        return type(value) is int and 0 <= value <= _LARGEST_NUMBER
    return type(value) is shape
