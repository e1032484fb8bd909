"""A graph as SVG (W3C), without any other program.

>>> from wirebrick.stream.network_function import build_chain
>>> svg(build_chain([])).partition(" viewBox")[0]
'<svg xmlns="http://www.w3.org/2000/svg"'
"""

from __future__ import annotations

from html import escape
from itertools import pairwise

from wirebrick.stream.draw import edges_of, shape_of, title_of
from wirebrick.stream.graph import Graph, Node, Scope
from wirebrick.stream.layout import HEADING, PADDING, Block, arrange

_FILL = {"port": "#dbeafe", "choice": "#fef3c7", "end": "#fee2e2", "box": "#ffffff"}
_HEAD = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0 0 8 4 0 8z" fill="#475569"/></marker></defs>'
)

Place = tuple[float, float, float, float]  # left, top, width, height
Point = tuple[float, float]


def svg(graph: Graph) -> str:
    """The graph as one SVG document, its network functions in frames."""
    block = arrange(graph)
    places: dict[Node, Place] = {}
    frames: list[str] = []
    ways: dict[tuple[Node, Node], list[Point]] = {}
    _collect(block, 0.0, 0.0, places, frames, ways)
    width, height = f"{block.width:.0f}", f"{block.height:.0f}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="monospace" font-size="12">',
        _HEAD,
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *frames,
    ]
    for source, target, role in edges_of(graph):
        lines += _edge(places[source], places[target], ways.get((source, target), []), role)
    lines += [_node(node, place) for node, place in places.items()]
    return "\n".join([*lines, "</svg>"])


def _collect(
    block: Block,
    left: float,
    top: float,
    places: dict[Node, Place],
    frames: list[str],
    ways: dict[tuple[Node, Node], list[Point]],
) -> None:
    """Absolute places of everything in a block whose corner is at ``left``, ``top``."""
    for edge, spots in block.waypoints.items():
        ways[edge] = [(left + s.middle, top + s.y + end * s.height) for s in spots for end in (0, 1)]
    for spot in block.spots:
        x, y = left + spot.x, top + spot.y
        if isinstance(spot.what, Node):
            places[spot.what] = x, y, spot.width, spot.height
        elif isinstance(spot.what, Scope) and spot.inside is not None:
            frames.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{spot.width:.1f}" height="{spot.height:.1f}" rx="8" '
                'fill="#f1f5f9" stroke="#94a3b8"/>'
            )
            name = escape(spot.what.name)
            frames.append(
                f'<text x="{x + PADDING:.1f}" y="{y + HEADING:.1f}" font-weight="bold">{name}</text>'
            )
            shift = (spot.width - spot.inside.width) / 2
            _collect(spot.inside, x + shift, y, places, frames, ways)


def _node(node: Node, place: Place) -> str:
    x, y, width, height = place
    shape = shape_of(node)
    if shape == "dot":
        return (
            f'<circle cx="{x + width / 2:.1f}" cy="{y + height / 2:.1f}" r="{width / 2:.1f}" fill="#475569"/>'
        )
    corner = {"port": height / 2, "choice": 10.0}.get(shape, 2.0)
    where = f" ({node.place})" if node.place else ""
    return (
        f"<g><title>{escape(title_of(node) + where)}</title>"
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{corner:.1f}" '
        f'fill="{_FILL[shape]}" stroke="#475569"/>'
        f'<text x="{x + width / 2:.1f}" y="{y + height / 2 + 4:.1f}" text-anchor="middle">'
        f"{escape(title_of(node))}</text></g>"
    )


def _edge(start: Place, end: Place, way: list[Point], role: str) -> list[str]:
    """A curve from the bottom of one node by the waypoints to the top of another, and its label."""
    first = (start[0] + start[2] / 2, start[1] + start[3])
    points = [first, *way, (end[0] + end[2] / 2, end[1])]
    path = f"M{first[0]:.1f} {first[1]:.1f}"
    for (x, y), (to_x, to_y) in pairwise(points):
        middle = (y + to_y) / 2
        path += f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
    dashes = ' stroke-dasharray="4 3"' if role else ""
    lines = [f'<path d="{path}" fill="none" stroke="#475569"{dashes} marker-end="url(#arrow)"/>']
    if role:
        (x, y), (to_x, to_y) = points[0], points[1]
        lines.append(
            f'<text x="{(x + to_x) / 2 + 4:.1f}" y="{(y + to_y) / 2 + 4:.1f}" font-size="10" '
            f'fill="#475569" stroke="#f8fafc" stroke-width="3" paint-order="stroke">{escape(role)}</text>'
        )
    return lines
