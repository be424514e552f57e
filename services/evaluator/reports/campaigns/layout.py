"""Places the steps of a campaign in layers from top to bottom, and the ways between them.

The layers are the longest paths from the start, without the ways that lead back (found by a depth-first search). Ways
over several layers get a place in each. The order in a layer follows the mean place of the neighbours (Sugiyama, K.,
Tagawa, S. and Toda, M., 1981), and the places are the least squares of the distances to the neighbours with room for
each (pool adjacent violators).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

ROOM = 26.0
"""Between two steps of a layer."""
LAYER = 46.0
"""Between two layers."""
_SWEEPS = 12
_THIN = 14.0
"""The width of a way that passes a layer."""


@dataclass(frozen=True, slots=True)
class Box:
    """A step to place. width, height: its size. ports: where its ways leave, from its left edge, with their targets."""

    width: float
    height: float
    ports: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """A way. port: its number at the source. points: through which it runs. back: it leads to an earlier layer."""

    source: str
    port: int
    target: str
    points: tuple[tuple[float, float], ...]
    back: bool = False


@dataclass(slots=True)
class _Node:
    """A step, or the place of a way in a layer."""

    width: float
    height: float
    before: list[tuple["_Node", float]] = field(default_factory=list)
    after: list[tuple["_Node", float]] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0
    place: int = 0

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each step is: its left and top edge. ways: in the order of the steps. width, height: of everything."""

    places: Mapping[str, tuple[float, float]]
    ways: Sequence[Way]
    width: float
    height: float


def layout(boxes: Mapping[str, Box], start: str) -> Layout:
    """Place the boxes. Ports to boxes that do not exist are left out. start: the first step."""
    order, back = _searched(boxes, start)
    layer = dict.fromkeys(boxes, 0)
    for name in order:
        for number, (_, target) in enumerate(boxes[name].ports):
            if target in boxes and (name, number) not in back:
                layer[target] = max(layer[target], layer[name] + 1)
    nodes = {name: _Node(box.width, box.height) for name, box in boxes.items()}
    rows: list[list[_Node]] = [[] for _ in range(max(layer.values(), default=0) + 1)]
    for name in order:
        rows[layer[name]].append(nodes[name])
    chains: dict[tuple[str, int], list[_Node]] = {}
    for name in order:
        for number, (port, target) in enumerate(boxes[name].ports):
            if target not in boxes or (name, number) in back:
                continue
            chain = [_Node(_THIN, 0) for _ in range(layer[target] - layer[name] - 1)]
            for depth, node in enumerate(chain, layer[name] + 1):
                rows[depth].append(node)
            chains[name, number] = chain
            _join(nodes[name], port, [*chain, nodes[target]])
    _arrange(rows)
    ways = _ways(boxes, nodes, chains, back)
    right = max((x for way in ways for x, _ in way.points), default=0.0)
    return Layout(
        {name: (node.x, node.y) for name, node in nodes.items()},
        ways,
        max(right, max((node.x + node.width for node in nodes.values()), default=0.0)),
        max((node.y + node.height for node in nodes.values()), default=0.0),
    )


def _searched(boxes: Mapping[str, Box], start: str) -> tuple[list[str], set[tuple[str, int]]]:
    """(the steps so that ways lead forward, the ways that lead back)"""
    aimed = {target for box in boxes.values() for _, target in box.ports}
    roots = [start, *(name for name in boxes if name not in aimed), *boxes]
    finished: list[str] = []
    back: set[tuple[str, int]] = set()
    state: dict[str, int] = {}
    for root in roots:
        if root not in boxes or root in state:
            continue
        state[root] = 1
        stack = [(root, iter(enumerate(boxes[root].ports)))]
        while stack:
            name, rest = stack[-1]
            for number, (_, target) in rest:
                if target not in boxes:
                    continue
                if state.get(target) == 1:
                    back.add((name, number))
                elif target not in state:
                    state[target] = 1
                    stack.append((target, iter(enumerate(boxes[target].ports))))
                    break
            else:
                state[name] = 2
                finished.append(name)
                stack.pop()
    return finished[::-1], back


def _join(source: _Node, port: float, rest: Sequence[_Node]) -> None:
    """Make neighbours of a source and the nodes of a way. The offsets are from the middles of their boxes."""
    offset = port - source.width / 2
    for one, other in pairwise((source, *rest)):
        one.after.append((other, -offset))
        other.before.append((one, offset))
        offset = 0.0


def _arrange(rows: Sequence[list[_Node]]) -> None:
    """Place the nodes. Steps without any way stand beside the first layer, so that nothing is wide because of them."""
    alone = [node for node in rows[0] if not node.before and not node.after]
    rows[0][:] = [node for node in rows[0] if node.before or node.after]
    top = 0.0
    for row in rows:
        _order(row, down=True)
        for node in row:
            node.y = top
        top += max((node.height for node in row), default=0.0) + LAYER
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            down = sweep % 2 == 0
            if sweep < _SWEEPS - 4:
                _order(row, down)
            _place(row, [_wanted(node, node.before if down else node.after) for node in row])
    left = min((node.x for row in rows for node in row), default=0.0)
    for row in rows:
        for node in row:
            node.x -= left
    for node in alone:
        node.x = max((one.x + one.width + ROOM for one in rows[0]), default=0.0)
        rows[0].append(node)


def _wanted(node: _Node, neighbours: Sequence[tuple[_Node, float]]) -> float:
    """Where the middle of a node should be."""
    if not neighbours:
        return node.middle
    return sum(one.middle + offset for one, offset in neighbours) / len(neighbours)


def _order(row: list[_Node], down: bool) -> None:
    """Sort a layer by the mean place of the neighbours above, or below."""
    row.sort(key=lambda node: _wanted(node, node.before if down else node.after))


def _place(row: Sequence[_Node], wanted: Sequence[float]) -> None:
    """Put the middles as near to where they should be as the order and the room between them allow."""
    offsets = [0.0]
    for one, other in pairwise(row):
        offsets.append(offsets[-1] + (one.width + other.width) / 2 + ROOM)
    blocks: list[tuple[float, int]] = []
    for middle, offset in zip(wanted, offsets, strict=False):
        total, count = middle - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            before = blocks.pop()
            total, count = total + before[0], count + before[1]
        blocks.append((total, count))
    middles = [total / count for total, count in blocks for _ in range(count)]
    for node, middle, offset in zip(row, middles, offsets, strict=False):
        node.x = middle + offset - node.width / 2


def _ways(
    boxes: Mapping[str, Box],
    nodes: Mapping[str, _Node],
    chains: Mapping[tuple[str, int], Sequence[_Node]],
    back: set[tuple[str, int]],
) -> list[Way]:
    right = max((node.x + node.width for node in nodes.values()), default=0.0)
    right = max(right, max((node.x + node.width for chain in chains.values() for node in chain), default=0.0))
    found: list[Way] = []
    for name, box in boxes.items():
        node = nodes[name]
        for number, (port, target) in enumerate(box.ports):
            if target not in boxes:
                continue
            begin, end = (node.x + port, node.y + node.height), nodes[target]
            if (name, number) in back:
                right += 16
                middle = end.y + end.height / 2
                low = begin[1] + 14
                points = (begin, (begin[0], low), (right, low), (right, middle), (end.x + end.width, middle))
                found.append(Way(name, number, target, points, back=True))
            else:
                between = tuple((one.middle, one.y) for one in chains[name, number])
                found.append(Way(name, number, target, (begin, *between, (end.middle, end.y))))
    return found
