"""The stored tree: any root and proof from O(log n) rows, read in two queries."""

from collections.abc import Callable

from django.db.models import Max

from consent.models import Leaf, Node
from consent.proof import merkle


def tree_size() -> int:
    highest = Leaf.objects.aggregate(highest=Max("index"))["highest"]
    return 0 if highest is None else int(highest) + 1


def root_at(size: int) -> bytes:
    return _computed(lambda node_at: merkle.root_at(size, node_at))


def inclusion_proof(index: int, size: int) -> list[bytes]:
    return _computed(lambda node_at: merkle.inclusion_path(index, size, node_at))


def consistency_proof(first: int, second: int) -> list[bytes]:
    return _computed(lambda node_at: merkle.consistency_path(first, second, node_at))


def peak_hashes(size: int) -> list[bytes]:
    """What a `merkle.Frontier` of this size goes on from."""
    return _computed(lambda node_at: [node_at(*peak) for peak in merkle.peaks(size)])


def node_number(level: int, position: int) -> int:
    """`Node.number`: all nodes from left to right, leaves included."""
    return ((2 * position + 1) << level) - 1


def _computed[T](compute: Callable[[merkle.NodeAt], T]) -> T:
    """Compute twice: first only to learn which nodes are asked for, then with their hashes."""
    asked: set[tuple[int, int]] = set()

    def note(level: int, position: int) -> bytes:
        asked.add((level, position))
        return b""

    compute(note)
    leaves = dict(
        Leaf.objects.filter(index__in=[p for level, p in asked if level == 0]).values_list(
            "index", "hash"
        )
    )
    nodes = dict(
        Node.objects.filter(
            number__in=[node_number(level, p) for level, p in asked if level > 0]
        ).values_list("number", "hash")
    )

    def node_at(level: int, position: int) -> bytes:
        """A size beyond the log's asks for a row that is not there."""
        try:
            found = nodes[node_number(level, position)] if level else leaves[position]
        except KeyError:
            raise ValueError("the log is not that long") from None
        return bytes(found)

    return compute(node_at)
