"""Commitments to ballots, and the Merkle tree of RFC 6962 (section 2.1) over them: pure."""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

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


class Leaf(NamedTuple):
    """A ballot in the tree; names no person."""

    serial: str
    version: int
    held: bool
    commitment: str

    def row(self) -> str:
        """Return the ballot as it is listed."""
        return f"{self.serial},{self.version},{self.commitment},{int(self.held)}"

    def hash(self) -> bytes:
        """Return the leaf's hash: SHA-256 of 0x00 and the commitment's 32 bytes, which bind serial, version and picks.

        Whether it is held isn't in it: else who knows the secret could choose the seed by holding and releasing ballots.
        """
        return hashlib.sha256(b"\x00" + bytes.fromhex(self.commitment)).digest()


BLOCK = 1024
"""Ballots in a block. A power of two: so each block is a subtree of the tree, and the root over the blocks is the root over the leaves."""


@dataclass(frozen=True)
class Block:
    """Ballots that follow one another: `BLOCK` of them, or fewer at the end. Hashes are in hexadecimal."""

    first: str
    """The first ballot's serial."""
    ballots: int
    node: str
    """The subtree's hash: binds the commitments."""
    listed: str
    """The hash of these lines of the list: binds versions and who is held too."""


@dataclass(frozen=True)
class Seal:
    """What binds all ballots: the hash of their list, with who is held, in hexadecimal, and the blocks that the tree's root comes from."""

    listed: str
    blocks: tuple[Block, ...]

    @property
    def root(self) -> bytes:
        """The tree's root, which the lots come from."""
        return root(bytes.fromhex(each.node) for each in self.blocks)

    @property
    def ballots(self) -> int:
        """How many there are."""
        return sum(each.ballots for each in self.blocks)

    def place(self, serial: str) -> slice:
        """Return where among the blocks the one is that holds the serial if any does: one block, or none."""
        after = bisect_right(self.blocks, serial, key=lambda block: block.first)
        return slice(max(after - 1, 0), after)

    def having(self, place: slice, block: Block) -> "Seal":
        """Return the same with this block in that place."""
        return replace(self, blocks=(*self.blocks[: place.start], block, *self.blocks[place.stop :]))


class Sealing:
    """Makes a seal of leaves that come one by one, in the order of their serials, in memory that grows with their blocks."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._open: list[Leaf] = []
        self._list = hashlib.sha256()

    def add(self, leaf: Leaf) -> None:
        """Take the next leaf."""
        self._open.append(leaf)
        if len(self._open) == BLOCK:
            self._close()

    def done(self) -> Seal:
        """Return the seal of all leaves; there must come no more."""
        if self._open:
            self._close()
        return Seal(self._list.hexdigest(), tuple(self._blocks))

    def _close(self) -> None:
        self._list.update(_lines(self._open))
        self._blocks.append(block(self._open))
        self._open = []


def block(leaves: Sequence[Leaf]) -> Block:
    """Return the block of leaves in the order of their serials, at least one and at most `BLOCK`."""
    node = root(leaf.hash() for leaf in leaves)
    return Block(leaves[0].serial, len(leaves), node.hex(), hashlib.sha256(_lines(leaves)).hexdigest())


def _lines(leaves: Iterable[Leaf]) -> bytes:
    return b"".join(leaf.row().encode() + b"\n" for leaf in leaves)


def sealed(leaves: Iterable[Leaf]) -> Seal:
    """Return the seal of leaves in the order of their serials."""
    sealing = Sealing()
    for leaf in leaves:
        sealing.add(leaf)
    return sealing.done()


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the tree's root over leaf hashes, in their order; of none, the SHA-256 of nothing.

    Neighbours are joined level by level, and one without a neighbour moves up as it is: so the left subtree of n leaves holds the
    largest power of two smaller than n.
    """
    level = list(leaves) or [hashlib.sha256(b"").digest()]
    while len(level) > 1:
        alone = level[len(level) & ~1 :]
        level = [*map(_node, level[::2], level[1::2]), *alone]
    return level[0]


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
