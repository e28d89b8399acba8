"""The tree is the one of RFC 9162: known roots and paths, an independent maker, and any size.

Leaves, roots and paths are the public test data of the reference implementation of RFC 6962, whose
hashing RFC 9162 kept.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_consistency

from consent.proof import merkle, tree

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
LEAF_0 = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
LEAF_1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
LEAF_4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
NODE_0_1 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
NODE_2_3 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
NODE_4_5 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
NODE_6_7 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
NODE_0_3 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
NODE_4_7 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"


class Stored:
    """A tree whose complete subtrees are kept, as the database keeps them."""

    def __init__(self, data):
        self.leaves = [merkle.leaf_hash(each) for each in data]
        self.nodes = {}
        frontier = merkle.Frontier()
        for position, leaf in enumerate(self.leaves):
            self.nodes[0, position] = leaf
            for level, place, node in frontier.append(leaf):
                assert (level, place) not in self.nodes
                self.nodes[level, place] = node

    def __call__(self, level, position):
        return self.nodes[level, position]

    def root(self, size):
        return merkle.root_of(self.leaves[:size])


KNOWN = Stored(LEAVES)


@pytest.mark.parametrize("size", range(9))
def test_the_known_leaves_have_the_known_roots(size):
    assert KNOWN.root(size).hex() == ROOTS[size]
    assert merkle.root_at(size, KNOWN).hex() == ROOTS[size]


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 1, []),
        (0, 8, [LEAF_1, NODE_2_3, NODE_4_7]),
        (5, 8, [LEAF_4, NODE_6_7, NODE_0_3]),
        (2, 3, [NODE_0_1]),
        (1, 5, [LEAF_0, NODE_2_3, LEAF_4]),
    ],
)
def test_the_known_inclusion_paths(index, size, path):
    found = merkle.inclusion_path(index, size, KNOWN)
    assert [each.hex() for each in found] == path
    assert merkle.root_from_inclusion(index, size, KNOWN.leaves[index], found) == KNOWN.root(size)


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [
        (1, 1, []),
        (1, 8, [LEAF_1, NODE_2_3, NODE_4_7]),
        (6, 8, [NODE_4_5, NODE_6_7, NODE_0_3]),
        (2, 5, [NODE_2_3, LEAF_4]),
    ],
)
def test_the_known_consistency_paths(first, second, path):
    found = merkle.consistency_path(first, second, KNOWN)
    assert [each.hex() for each in found] == path
    assert merkle.verify_consistency(first, second, KNOWN.root(first), KNOWN.root(second), found)


SIZES = 70


@pytest.fixture(scope="module")
def both():
    """Our tree and that of an independent implementation, over the same entries."""
    data = [f"entry {number}".encode() for number in range(SIZES)]
    theirs = InmemoryTree(algorithm="sha256")
    for each in data:
        theirs.append_entry(each)
    return Stored(data), theirs


def test_an_independent_implementation_has_the_same_roots(both):
    ours, theirs = both
    for size in range(1, SIZES + 1):
        assert ours.root(size) == theirs.get_root(size)


def test_an_independent_implementation_has_the_same_inclusion_paths(both):
    ours, theirs = both
    for size in range(1, SIZES + 1):
        for index in range(size):
            leaf, *path = theirs.prove_inclusion(index + 1, size).serialize()["path"]
            assert leaf == ours.leaves[index].hex()
            assert [each.hex() for each in merkle.inclusion_path(index, size, ours)] == path


def test_an_independent_implementation_finds_each_of_our_roots_consistent_with_each_later(both):
    ours, theirs = both
    for second in range(1, SIZES + 1):
        for first in range(1, second + 1):
            proof = theirs.prove_consistency(first, second)
            verify_consistency(ours.root(first), ours.root(second), proof)


sizes = st.integers(1, 300)
MANY = Stored([number.to_bytes(2) for number in range(300)])


@given(size=sizes, data=st.data())
def test_every_leaf_leads_to_the_root_and_no_other_does(size, data):
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda each: each != index) | st.none())
    path = merkle.inclusion_path(index, size, MANY)
    assert merkle.root_from_inclusion(index, size, MANY.leaves[index], path) == MANY.root(size)
    if other is not None:
        wrong = merkle.root_from_inclusion(index, size, MANY.leaves[other], path)
        assert wrong != MANY.root(size)


@given(sizes=st.tuples(sizes, sizes).map(sorted))
def test_every_earlier_tree_is_consistent_with_every_later(sizes):
    first, second = sizes
    path = merkle.consistency_path(first, second, MANY)
    old, new = MANY.root(first), MANY.root(second)
    assert merkle.verify_consistency(first, second, old, new, path)
    if first < second:
        assert not merkle.verify_consistency(first, second, new, old, path)
        assert not merkle.verify_consistency(first, second, old, new, [*path, old])
        assert not merkle.verify_consistency(first, second, old, new, path[:-1])
        damaged = [bytes([path[0][0] ^ 1]) + path[0][1:], *path[1:]]
        assert not merkle.verify_consistency(first, second, old, new, damaged)


@given(size=sizes, data=st.data())
def test_an_inclusion_path_of_a_wrong_length_is_refused(size, data):
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_path(index, size, MANY)
    leaf = MANY.leaves[index]
    with pytest.raises(ValueError, match="long"):
        merkle.root_from_inclusion(index, size, leaf, [*path, leaf])
    if path:
        with pytest.raises(ValueError, match="short"):
            merkle.root_from_inclusion(index, size, leaf, path[:-1])


def test_the_empty_tree_is_before_every_other_and_proves_nothing():
    assert merkle.consistency_path(0, 5, KNOWN) == []
    assert merkle.verify_consistency(0, 5, merkle.EMPTY_ROOT, KNOWN.root(5), [])
    assert not merkle.verify_consistency(0, 5, KNOWN.root(1), KNOWN.root(5), [])


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_a_leaf_outside_the_tree_has_no_path(index, size):
    with pytest.raises(ValueError, match="no such leaf"):
        merkle.inclusion_path(index, size, KNOWN)
    with pytest.raises(ValueError, match="no such leaf"):
        merkle.root_from_inclusion(index, size, LEAVES[0], [])


@pytest.mark.parametrize(("first", "second"), [(3, 2), (-1, 2)])
def test_a_later_tree_cannot_come_before(first, second):
    with pytest.raises(ValueError, match="the first size is at most the second"):
        merkle.consistency_path(first, second, KNOWN)
    assert not merkle.verify_consistency(first, second, b"", b"", [])


@given(size=st.integers(1, 2**40), data=st.data())
def test_no_proof_reads_more_rows_than_the_log_is_high_twice_over(size, data):
    asked = []

    def node_at(level, position):
        asked.append((level, position))
        return b""

    merkle.inclusion_path(data.draw(st.integers(0, size - 1)), size, node_at)
    assert len(asked) <= 2 * size.bit_length()
    asked.clear()
    merkle.consistency_path(data.draw(st.integers(1, size)), size, node_at)
    assert len(asked) <= 2 * size.bit_length()


@given(level=st.integers(0, 40), position=st.integers(0, 2**20))
def test_the_number_of_a_node_lies_between_those_of_its_halves(level, position):
    """And no other node has it: a node's number says its level and place."""
    number = tree.node_number(level, position)
    assert (number + 1) & -(number + 1) == 1 << level
    assert (number + 1) >> (level + 1) == position
    if level:
        assert tree.node_number(level - 1, 2 * position) < number
        assert number < tree.node_number(level - 1, 2 * position + 1)
