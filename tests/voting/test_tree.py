import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2b.voting.tree import BLOCK, Leaf, block, canonical, commitment, digest, root, sealed

# The test vectors of RFC 6962's reference implementation (certificate-transparency, merkle_tree_test): inputs and roots of 1 to 8 leaves.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_the_root_is_that_of_the_rfcs_reference(size: int) -> None:
    assert root(leaf_hash(bytes.fromhex(data)) for data in INPUTS[:size]).hex() == ROOTS[size - 1]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert root([]) == hashlib.sha256(b"").digest()


def by_the_book(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while 2 * half < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + by_the_book(leaves[:half]) + by_the_book(leaves[half:])).digest()


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70))
def test_the_root_is_the_recursive_definitions(leaves: list[bytes]) -> None:
    assert root(leaves) == by_the_book(leaves)


LEAF = Leaf("serial", 3, held=False, commitment="c" * 64)


def test_a_leaf_is_hashed_with_its_prefix() -> None:
    assert LEAF.hash() == hashlib.sha256(b"\x00" + bytes.fromhex("c" * 64)).digest()


def test_another_commitment_is_another_leaf() -> None:
    assert Leaf("serial", 3, held=False, commitment="d" * 64).hash() != LEAF.hash()


def test_holding_a_ballot_changes_the_seal_but_not_the_root_that_the_lots_come_from() -> None:
    others = [Leaf(serial, 1, held=False, commitment=serial * 64) for serial in "ab"]
    released, kept = sealed([*others, LEAF]), sealed([*others, LEAF._replace(held=True)])
    assert released.root == kept.root == root(leaf.hash() for leaf in [*others, LEAF])
    listed = f"a,1,{'a' * 64},0\nb,1,{'b' * 64},0\nserial,3,{'c' * 64},"
    assert released.listed == hashlib.sha256(f"{listed}0\n".encode()).hexdigest()
    assert kept.listed == hashlib.sha256(f"{listed}1\n".encode()).hexdigest()


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 1, 3 * BLOCK, 5 * BLOCK + 7])
def test_the_root_over_the_blocks_is_the_root_over_the_leaves(size: int) -> None:
    leaves = [Leaf(f"{number:04}", 1, held=number % 7 == 0, commitment=f"{number:064x}") for number in range(size)]
    seal = sealed(leaves)
    assert seal.root == (by_the_book([leaf.hash() for leaf in leaves]) if leaves else hashlib.sha256(b"").digest())
    assert seal.listed == hashlib.sha256("".join(f"{leaf.row()}\n" for leaf in leaves).encode()).hexdigest()
    assert seal.ballots == size
    assert list(seal.blocks) == [block(leaves[first : first + BLOCK]) for first in range(0, size, BLOCK)]


def test_a_serial_is_looked_for_in_the_block_that_begins_at_it_or_before() -> None:
    seal = sealed(Leaf(f"{number:04}", 1, held=False, commitment="c" * 64) for number in range(2 * BLOCK))
    assert [seal.blocks[seal.place(serial)] for serial in ("", "0000", "1023", "1023a", "1024", "x")] == [
        (),
        *[seal.blocks[:1]] * 3,
        *[seal.blocks[1:]] * 2,
    ]


def test_another_block_in_its_place_changes_the_root_and_nothing_else() -> None:
    seal = sealed(Leaf(f"{number:04}", 1, held=False, commitment="c" * 64) for number in range(3 * BLOCK))
    other = replace(seal.blocks[1], node="0" * 64)
    changed = seal.having(seal.place(other.first), other)
    assert changed.root != seal.root
    assert changed == replace(seal, blocks=(seal.blocks[0], other, seal.blocks[2]))


def test_a_commitment_can_be_recomputed_by_hand() -> None:
    written = b'{"codes":["K1","K2"],"nonce":"6e6e","serial":"s","version":2}'
    assert commitment(nonce=b"nn", serial="s", version=2, codes=["K2", "K1"]) == hashlib.sha256(written).hexdigest()


def test_a_commitment_hides_what_its_nonce_hides_and_binds_the_rest() -> None:
    made = {
        commitment(nonce=nonce, serial=serial, version=version, codes=codes)
        for nonce in (b"a", b"b")
        for serial in ("s", "t")
        for version in (1, 2)
        for codes in ([], ["K1"], ["K1", "K2"], ["K1K2"])
    }
    assert len(made) == 32


def test_equal_values_are_written_alike() -> None:
    assert canonical({"b": 1, "a": "款"}) == '{"a":"款","b":1}'.encode()
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1, "b": 3})
