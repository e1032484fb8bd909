"""Layered layout of a graph (Sugiyama, Tagawa and Toda 1981), each network function a block of its own.

Rows from top to bottom by the longest way; an edge over several rows gets a waypoint in each row between;
within a row the order follows the mean place of the neighbours, and so does the distance from the left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from wirebrick.stream.draw import edges_of, item_in, items_of, shape_of, title_of
from wirebrick.stream.graph import Graph, Node, Scope

CHARACTER, LINE = 7.3, 30.0  # width of a letter and height of a box, in pixels
GAP, ROW_GAP = 22.0, 34.0
PADDING, HEADING = 14.0, 24.0  # inside a block, and above for its name
WAYPOINT = 14.0
SWEEPS = 12


@dataclass(eq=False)
class Spot:
    """Something with a place: a node, a block (scope) or a waypoint; ``x``, ``y`` is its top left corner."""

    what: Node | Scope | None
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0
    inside: Block | None = None
    above: list[Spot] = field(default_factory=list)
    below: list[Spot] = field(default_factory=list)

    @property
    def middle(self) -> float:
        """Its middle from the left."""
        return self.x + self.width / 2


@dataclass
class Block:
    """What lies in a scope, its size, and the waypoints of its edges by (from, to) and their position."""

    spots: list[Spot]
    width: float
    height: float
    waypoints: dict[tuple[Node, Node], list[Spot]]


def arrange(graph: Graph, scope: Scope | None = None) -> Block:
    """Places for everything in ``scope``, relative to its top left corner."""
    spots = {id(item): _spot(graph, item) for item in items_of(graph, scope)}
    edges = []
    for source, target, _ in edges_of(graph):
        first, last = item_in(source, scope), item_in(target, scope)
        if first is not None and last is not None and first is not last:
            edges.append((source, target, spots[id(first)], spots[id(last)]))
    layer = {id(spot): 0 for spot in spots.values()}
    for _ in spots:  # at most as many rounds as there are rows
        for _, _, start, end in edges:
            layer[id(end)] = max(layer[id(end)], layer[id(start)] + 1)
    rows: list[list[Spot]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for spot in spots.values():
        rows[layer[id(spot)]].append(spot)
    waypoints: dict[tuple[Node, Node], list[Spot]] = {}
    for source, target, start, end in edges:
        between = [Spot(None, WAYPOINT, LINE) for _ in range(layer[id(start)] + 1, layer[id(end)])]
        waypoints[source, target] = between
        way = [start, *between, end]
        for row, spot in enumerate(between, layer[id(start)] + 1):
            rows[row].append(spot)
        for upper, lower in pairwise(way):
            upper.below.append(lower)
            lower.above.append(upper)
    return _place(rows, list(spots.values()), waypoints, heading=scope is not None)


def _spot(graph: Graph, item: Node | Scope) -> Spot:
    if isinstance(item, Scope):
        inside = arrange(graph, item)
        return Spot(
            item, max(inside.width, CHARACTER * len(item.name) + 2 * PADDING), inside.height, inside=inside
        )
    if shape_of(item) == "dot":
        return Spot(item, 10.0, 10.0)
    return Spot(item, CHARACTER * len(title_of(item)) + 24.0, LINE)


def _place(
    rows: list[list[Spot]],
    spots: list[Spot],
    waypoints: dict[tuple[Node, Node], list[Spot]],
    heading: bool,
) -> Block:
    y = PADDING + (HEADING if heading else 0.0)
    for row in rows:
        height = max(spot.height for spot in row)
        x = 0.0
        for spot in row:
            spot.x, spot.y = x, y + (height - spot.height) / 2
            x += spot.width + GAP
        y += height + ROW_GAP
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            _settle(row, down, order=sweep < SWEEPS // 2)
    everything = [spot for row in rows for spot in row]
    left = min((spot.x for spot in everything), default=0.0)
    for spot in everything:
        spot.x += PADDING - left
    width = max((spot.x + spot.width for spot in everything), default=0.0) + PADDING
    return Block(spots, width, y - ROW_GAP + PADDING, waypoints)


def _settle(row: list[Spot], down: bool, order: bool) -> None:
    """Move the spots of a row to the mean of their neighbours, as far as they leave each other room."""

    def wish(spot: Spot) -> float:
        near = (spot.above if down else spot.below) or spot.above or spot.below
        # A bend in the main way is worse than one in a bypass, which is mostly waypoints.
        weights = [0.1 if other.what is None and spot.what is not None else 1.0 for other in near]
        if not near:
            return spot.middle
        return sum(w * other.middle for w, other in zip(weights, near, strict=True)) / sum(weights)

    wishes = {id(spot): wish(spot) for spot in row}
    if order:
        row.sort(key=lambda spot: (wishes[id(spot)], spot.what is None))
    at = float("-inf")
    for spot in row:
        spot.x = max(wishes[id(spot)] - spot.width / 2, at)
        at = spot.x + spot.width + GAP
    excess = sum(spot.middle - wishes[id(spot)] for spot in row if spot.what is not None)
    count = sum(spot.what is not None for spot in row)
    if count:
        for spot in row:
            spot.x -= excess / count
