"""Drawings of a graph: Mermaid (for Markdown), DOT (for Graphviz) and SVG (for a browser).

>>> from wirebrick import network_function
>>> from wirebrick.headers import Ethernet
>>> from wirebrick.stream.network_function import build_chain
>>> @network_function
... def short(packets):
...     return packets.parse(Ethernet).filter(lambda packet: packet.length < 100, reason="too_long")
>>> print(draw(build_chain([short]), "mermaid"))
flowchart TD
    n0(["input"])
    subgraph s0 ["short"]
        n1(("enter"))
        n2["parse(Ethernet)"]
        n3{"filter: too_long"}
        n4(("exit"))
    end
    n5(["output"])
    n0 --> n1
    n1 --> n2
    n2 --> n3
    n2 -. "bypass" .-> n4
    n3 --> n4
    n4 --> n5
"""

from __future__ import annotations

from collections.abc import Iterator

from wirebrick.stream.graph import Enter, Exit, Graph, Input, Node, Output, Scope

FORMATS = ("mermaid", "dot", "svg")
_CHOICES = ("filter", "group_by")
_ENDS = ("drop", "send")


def draw(graph: Graph, form: str) -> str:
    """A complete graph as text in one of FORMATS; nodes are grouped by their network function.

    Raises ValueError for another format.
    """
    if form == "svg":
        from wirebrick.stream.draw_svg import svg

        return svg(graph)
    from wirebrick.stream.draw_text import dot, mermaid

    if form not in FORMATS:
        raise ValueError(f"{form!r} is not one of {', '.join(FORMATS)}")
    return mermaid(graph) if form == "mermaid" else dot(graph)


def shape_of(node: Node) -> str:
    """How a node is drawn: as a ``port``, a ``dot``, a ``choice``, an ``end`` or a ``box``."""
    if isinstance(node, Input | Output):
        return "port"
    if isinstance(node, Enter | Exit):
        return "dot"
    return "choice" if node.kind in _CHOICES else "end" if node.kind in _ENDS else "box"


def title_of(node: Node) -> str:
    """What is written on a node: its label, and of a filter the reason under which it drops."""
    reason = getattr(node, "reason", "") if node.kind == "filter" and len(node.outputs) < 2 else ""
    return f"{node.label}: {reason}" if reason else node.label


def edges_of(graph: Graph) -> Iterator[tuple[Node, Node, str]]:
    """From, to and label (``bypass``, ``otherwise``, ``group 1``, or nothing) of each stream."""
    for node in graph.nodes:
        for stream in node.outputs:
            if stream.consumer is not None:
                yield node, stream.consumer, stream.role


def items_of(graph: Graph, scope: Scope | None) -> list[Node | Scope]:
    """The nodes and the scopes right in ``scope`` (None: outside of all), in the packets' order."""
    items: list[Node | Scope] = []
    seen: set[int] = set()
    for node in graph.nodes:
        item = item_in(node, scope)
        if item is not None and id(item) not in seen:
            seen.add(id(item))
            items.append(item)
    return items


def item_in(node: Node, scope: Scope | None) -> Node | Scope | None:
    """What stands for ``node`` in ``scope``: itself, the scope in it that the node is in, or nothing."""
    if node.scope is scope:
        return node
    inner = node.scope
    while inner is not None and inner.parent is not scope:
        inner = inner.parent
    return inner
