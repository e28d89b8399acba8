"""The Merkle tree of RFC 9162 section 2.1, as arithmetic: no database, no clock.

A proof asks for hashes of complete subtrees only, by `node_at(level, position)`: the subtree of
2^level leaves that begins at leaf position * 2^level, level 0 being the leaf itself. So a proof
in a log of any length reads O(log n) rows.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

NodeAt = Callable[[int, int], bytes]

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def peaks(size: int) -> list[tuple[int, int]]:
    """Level and position of the complete subtrees a tree of this size is made of, left to right."""
    return [
        (level, (size >> level) - 1)
        for level in range(size.bit_length() - 1, -1, -1)
        if size >> level & 1
    ]


class Frontier:
    """A growing tree of which only the peaks are remembered."""

    def __init__(self, size: int = 0, peak_hashes: Sequence[bytes] = ()) -> None:
        if len(peak_hashes) != size.bit_count():
            raise ValueError("a peak for each bit of the size")
        self.size = size
        self._peaks = list(peak_hashes)

    def append(self, leaf: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Take one leaf in; level, position and hash of every subtree it completes, from below.

        The leaf is in once the iterator is used up.
        """
        node, level = leaf, 0
        while self.size >> level & 1:
            node = node_hash(self._peaks.pop(), node)
            level += 1
            yield level, self.size >> level, node
        self._peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY_ROOT
        node = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            node = node_hash(peak, node)
        return node


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """MTH of section 2.1.1, over the hashes of the leaves."""
    frontier = Frontier()
    for leaf in leaf_hashes:
        for _ in frontier.append(leaf):
            pass
    return frontier.root()


def root_at(size: int, node_at: NodeAt) -> bytes:
    """The root the log had when it was of this size."""
    return Frontier(size, [node_at(*peak) for peak in peaks(size)]).root()


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _root_of_range(start: int, end: int, node_at: NodeAt) -> bytes:
    """MTH(D[start:end]); `start` is a multiple of the range's length rounded up to a power of 2."""
    size = end - start
    if size.bit_count() == 1:
        level = size.bit_length() - 1
        return node_at(level, start >> level)
    middle = start + _split(size)
    return node_hash(_root_of_range(start, middle, node_at), _root_of_range(middle, end, node_at))


def inclusion_path(index: int, size: int, node_at: NodeAt) -> list[bytes]:
    """PATH of section 2.1.3.1: what turns the leaf's hash into the root."""
    if not 0 <= index < size:
        raise ValueError("no such leaf in a tree of that size")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_root_of_range(middle, end, node_at))
            end = middle
        else:
            path.append(_root_of_range(start, middle, node_at))
            start = middle
    return path[::-1]


def consistency_path(first: int, second: int, node_at: NodeAt) -> list[bytes]:
    """PROOF of section 2.1.4.1: the later tree holds all of the earlier, in the same places.

    Of the empty tree, and of a tree with itself, there is nothing to prove: the path is empty.
    """
    if not 0 <= first <= second:
        raise ValueError("the first size is at most the second, and none is negative")
    if first in (0, second):
        return []
    path: list[bytes] = []
    start, end = 0, second
    whole = True  # SUBPROOF's b: the part is the earlier tree itself, whose root the verifier has
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(_root_of_range(middle, end, node_at))
            end = middle
        else:
            path.append(_root_of_range(start, middle, node_at))
            start, whole = middle, False
    if not whole:
        path.append(_root_of_range(start, end, node_at))
    return path[::-1]


def root_from_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """Section 2.1.3.2: the root that leaf and path lead to; a path of a wrong length is refused."""
    if not 0 <= index < size:
        raise ValueError("no such leaf in a tree of that size")
    node, last = index, size - 1
    result = leaf
    for sibling in path:
        if last == 0:
            raise ValueError("the path is too long")
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            result = node_hash(result, sibling)
        node >>= 1
        last >>= 1
    if last != 0:
        raise ValueError("the path is too short")
    return result


def verify_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]
) -> bool:
    """Section 2.1.4.2: whether the path leads to both roots."""
    if not 0 <= first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    if first == 0:
        return not path and first_root == EMPTY_ROOT
    steps = list(path)
    if first.bit_count() == 1:
        steps.insert(0, first_root)
    if not steps:
        return False
    node, last = first - 1, second - 1
    while node & 1:
        node >>= 1
        last >>= 1
    earlier = later = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            earlier = node_hash(sibling, earlier)
            later = node_hash(sibling, later)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            later = node_hash(later, sibling)
        node >>= 1
        last >>= 1
    return last == 0 and earlier == first_root and later == second_root
