"""Bundles that somebody made to break the verifiers: each ends in a sentence of both, in little memory."""

import json
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from c2b.voting import bundle, verifying
from c2b.voting.published import verify as alone
from tests.voting.elections import dice, made_up, packed

Parts = dict[str, bytes]


@pytest.fixture
def parts() -> Parts:
    return made_up(dice(3), least=4, opened=True).files().parts()


def found(path: Path) -> list[str]:
    ours = [str(failure) for failure in verifying.verify(path).failures]
    theirs = alone.verify(str(path))
    assert all("Traceback" not in each and len(each) < 600 for each in [*ours, *theirs])
    assert bool(ours) == bool(theirs), (ours, theirs)
    return ours


def edited(name: str, change: Callable[[bytes], bytes]) -> Callable[[Parts], None]:
    def spoil(parts: Parts) -> None:
        before = parts[name]
        parts[name] = change(before)
        assert parts[name] != before

    return spoil


def stated(old: bytes, new: bytes) -> Callable[[Parts], None]:
    return edited(bundle.RESULT, lambda data: data.replace(old, new, 1))


def without(name: str) -> Callable[[Parts], None]:
    def spoil(parts: Parts) -> None:
        del parts[name]

    return spoil


def set_to(**values: object) -> Callable[[Parts], None]:
    return edited(bundle.RESULT, lambda data: json.dumps(json.loads(data) | values).encode())


def of_ballots(old: bytes, new: bytes) -> Callable[[Parts], None]:
    return edited(bundle.BALLOTS, lambda data: data.replace(old, new, 1))


HOSTILE: dict[str, Callable[[Parts], None]] = {
    "no result": without(bundle.RESULT),
    "no ballots": without(bundle.BALLOTS),
    "picks promised and missing": without(bundle.PICKS),
    "another file": lambda parts: parts.update({"run-me.exe": b"MZ"}),
    "a path out of the folder": lambda parts: parts.update({"../../etc/passwd": b"x"}),
    "empty result": edited(bundle.RESULT, lambda _: b""),
    "no JSON": edited(bundle.RESULT, lambda _: b"{'a': 1}"),
    "a list": edited(bundle.RESULT, lambda _: b"[]"),
    "null": edited(bundle.RESULT, lambda _: b"null"),
    "no UTF-8": edited(bundle.RESULT, lambda data: data + b"\xff"),
    "a million lists in lists": edited(bundle.RESULT, lambda _: b"[" * 10**6),
    "a hundred thousand lists in lists": edited(bundle.RESULT, lambda _: b"[" * 10**5 + b"]" * 10**5),
    "a result of 64 MB": edited(bundle.RESULT, lambda _: b" " * 2**26),
    "a result of many small things": edited(bundle.RESULT, lambda _: b"[" + b"{}," * 2_000_000 + b"0]"),
    "said twice": stated(b'"campaign":', b'"campaign": "x", "campaign":'),
    "NaN": stated(b'"places": ', b'"places": NaN, "x": '),
    "Infinity": set_to(votes=float("inf")),
    "a fraction": set_to(voters=1.5),
    "a huge number": stated(b'"voters": ', b'"voters": 1' + b"0" * 100_000),
    "a huge exponent": stated(b'"voters": ', b'"voters": 1e999999999, "x": '),
    "a negative number": set_to(votes=-1),
    "a truth for a number": set_to(voters=True),
    "a text for a number": set_to(votes="3"),
    "a number for a text": set_to(secret=3),
    "a list for an object": set_to(rules=[]),
    "null for a list": set_to(lines=None),
    "an empty object": set_to(ballots={}),
    "a short hash": set_to(secret="00"),
    "half a character": stated(b'"category": "', b'"category": "\\ud800'),
    "another format": set_to(format="c2b bundle 1"),
    "a list of numbers for candidates": set_to(candidates=[1, 2, 3]),
    "an unknown candidate overridden": set_to(overrides=[{"code": "nobody", "made": True, "reason": "x"}]),
    "no lines": set_to(lines=[]),
    "no header": of_ballots(b"serial,version", b"version,serial"),
    "a blank line": edited(bundle.BALLOTS, lambda data: data + b"\n"),
    "half a line": edited(bundle.BALLOTS, lambda data: data[:-5]),
    "a NUL": edited(bundle.BALLOTS, lambda data: data + b"\0\n"),
    "a line without end": edited(bundle.BALLOTS, lambda data: data + b"a" * 2**22),
    "a serial with a comma": of_ballots(b",", b",,"),
    "a version that is no number": edited(bundle.BALLOTS, lambda data: data + b"zzzzz,0x10," + b"0" * 64 + b",0\n"),
    "digits of another script": edited(bundle.BALLOTS, lambda data: data + "zzzzz,٣,".encode() + b"0" * 64 + b",0\n"),
    "a hundred thousand more ballots": edited(
        bundle.BALLOTS, lambda data: data + b"".join(b"zzz%08d,1,%064d,0\n" % (number, number) for number in range(100_000))
    ),
    "picks of nobody": edited(bundle.PICKS, lambda data: data + b"zzzz," + b"0" * 32 + b",\n"),
    "picks with spaces": edited(bundle.PICKS, lambda data: data.replace(b"\n", b" \n").replace(b"codes \n", b"codes\n")),
}


@pytest.mark.parametrize("spoil", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_bundle_ends_in_a_sentence(tmp_path: Path, parts: Parts, spoil: Callable[[Parts], None]) -> None:
    assert found(packed(tmp_path / "whole.zip", parts)) == []
    spoil(parts)
    assert found(packed(tmp_path / "bundle.zip", parts))


@pytest.mark.parametrize("size", [0, 1, 21, 22, 100, 1000])
def test_half_a_file_is_none(tmp_path: Path, parts: Parts, size: int) -> None:
    path = packed(tmp_path / "bundle.zip", parts)
    path.write_bytes(path.read_bytes()[:size])
    assert found(path)


def test_wherever_a_byte_is_changed_it_never_breaks_them(tmp_path: Path, parts: Parts) -> None:
    whole, random = packed(tmp_path / "whole.zip", parts).read_bytes(), dice(7)
    for _ in range(150):
        spoilt = bytearray(whole)
        spoilt[random.randrange(len(spoilt))] ^= 1 << random.randrange(8)
        (tmp_path / "bundle.zip").write_bytes(spoilt)
        alone.verify(str(tmp_path / "bundle.zip"))
        verifying.verify(tmp_path / "bundle.zip")


def test_the_same_file_twice_is_refused(tmp_path: Path, parts: Parts) -> None:
    path = packed(tmp_path / "bundle.zip", parts)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as file:
        file.writestr(bundle.RESULT, parts[bundle.RESULT])
    assert found(path)


@pytest.mark.parametrize("way", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_ways_of_packing_that_take_much_memory_are_refused(tmp_path: Path, parts: Parts, way: int) -> None:
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w", way) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    assert found(path)


def test_a_directory_of_many_files_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w") as file:
        for number in range(70_000):
            file.writestr(f"{number}", b"")
    assert found(path)


_LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (%(limit)d, %(limit)d))
sys.argv = ["verify.py", %(path)r]
sys.path.insert(0, %(folder)r)
import verify
sys.exit(verify.main())
"""


@pytest.mark.parametrize("what", ["result", "ballots"])
def test_a_bomb_of_a_gigabyte_fits_into_256_mb(tmp_path: Path, parts: Parts, what: str) -> None:
    path, mega = tmp_path / "bomb.zip", b"0" * 2**20
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name, data in parts.items():
            if (name == bundle.RESULT) is not (what == "result") and name != bundle.BALLOTS:
                file.writestr(name, data)
        with file.open(bundle.RESULT if what == "result" else bundle.BALLOTS, "w") as bomb:
            for _ in range(1024):
                bomb.write(mega)
        if what == "result":
            file.writestr(bundle.BALLOTS, parts[bundle.BALLOTS])
    script = _LIMITED % {"limit": 256 * 2**20, "path": str(path), "folder": str(Path(alone.__file__).parent)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "WRONG" in done.stdout
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert not verifying.verify(path).valid
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024
