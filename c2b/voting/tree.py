"""Commitments to ballots, and the Merkle tree of RFC 6962 (section 2.1) over them: pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: Any) -> bytes:
    """Return the one way to write `value` (dicts, lists, texts, integers, booleans) as bytes: JSON, sorted keys, no spaces, UTF-8."""
    return _JSON.encode(value).encode()


def digest(value: Any) -> str:
    """Return the SHA-256 of `value`'s canonical bytes, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def commitment(*, nonce: bytes, serial: str, version: int, codes: Iterable[str]) -> str:
    """Return what binds a ballot to its picks without showing them; only who knows the nonce can open it."""
    return digest({"nonce": nonce.hex(), "serial": serial, "version": version, "codes": sorted(codes)})


@dataclass(frozen=True)
class Leaf:
    """A ballot in the tree; names no person."""

    serial: str
    version: int
    held: bool
    commitment: str

    def hash(self) -> bytes:
        """Return the leaf's hash: SHA-256 of 0x00 and the commitment's 32 bytes, which bind serial, version and picks.

        Whether it is held isn't in it: else who knows the secret could choose the seed by holding and releasing ballots.
        """
        return hashlib.sha256(b"\x00" + bytes.fromhex(self.commitment)).digest()


@dataclass(frozen=True)
class Seal:
    """What binds all ballots: the tree's root, and the SHA-256 of the held ones' serials, a line feed after each, in hexadecimal."""

    root: bytes
    held: str


def sealed(leaves: Iterable[Leaf]) -> Seal:
    """Return the seal of leaves in the order of their serials, in one pass."""
    held = hashlib.sha256()

    def hashes() -> Iterator[bytes]:
        for leaf in leaves:
            if leaf.held:
                held.update(leaf.serial.encode() + b"\n")
            yield leaf.hash()

    return Seal(root(hashes()), held.hexdigest())


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the tree's root over leaf hashes, in their order; of no leaves, the SHA-256 of nothing.

    The left subtree of n leaves holds the largest power of two smaller than n: complete subtrees are kept on a stack and the
    rest is joined from the right.
    """
    stack = [(0, b"")]  # the bottom, which no subtree joins
    for leaf in leaves:
        size, top = 1, leaf
        while stack[-1][0] == size:
            size, top = 2 * size, _node(stack.pop()[1], top)
        stack.append((size, top))
    if len(stack) == 1:
        return hashlib.sha256(b"").digest()
    _, top = stack.pop()
    while len(stack) > 1:
        top = _node(stack.pop()[1], top)
    return top


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
