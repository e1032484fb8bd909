"""Graphs as text for other programs to draw: Mermaid and DOT.

>>> from wirebrick.stream.network_function import build_chain
>>> print(dot(build_chain([])))
digraph wirebrick {
    node [fontname=Helvetica]; edge [fontname=Helvetica, fontsize=10];
    n0 [shape=oval, label="input"];
    n1 [shape=oval, label="output"];
    n0 -> n1;
}
"""

from __future__ import annotations

from wirebrick.stream.draw import edges_of, items_of, shape_of, title_of
from wirebrick.stream.graph import Graph, Node, Scope

_MERMAID = {
    "port": ("([", "])"),
    "dot": ("((", "))"),
    "choice": ("{", "}"),
    "end": ("[[", "]]"),
    "box": ("[", "]"),
}
_DOT = {"port": "oval", "dot": "point", "choice": "diamond", "end": "box, peripheries=2", "box": "box"}


def mermaid(graph: Graph) -> str:
    """The graph in Mermaid's language, one subgraph for each network function (mermaid.js.org)."""
    lines = ["flowchart TD", *_mermaid_items(graph, None, "    ")]
    for source, target, role in edges_of(graph):
        arrow = f"-. {_entities(role)} .->" if role else "-->"
        lines.append(f"    n{source.number} {arrow} n{target.number}")
    return "\n".join(lines)


def dot(graph: Graph) -> str:
    """The graph in Graphviz's language, one cluster for each network function (graphviz.org)."""
    lines = ["digraph wirebrick {", "    node [fontname=Helvetica]; edge [fontname=Helvetica, fontsize=10];"]
    lines += _dot_items(graph, None, "    ")
    for source, target, role in edges_of(graph):
        label = f" [label={_quoted(role)}, style=dashed]" if role else ""
        lines.append(f"    n{source.number} -> n{target.number}{label};")
    return "\n".join([*lines, "}"])


def _mermaid_items(graph: Graph, scope: Scope | None, indent: str) -> list[str]:
    lines = []
    for item in items_of(graph, scope):
        if isinstance(item, Node):
            left, right = _MERMAID[shape_of(item)]
            lines.append(f"{indent}n{item.number}{left}{_entities(title_of(item))}{right}")
        else:
            lines.append(f"{indent}subgraph s{graph.scopes.index(item)} [{_entities(item.name)}]")
            lines += [*_mermaid_items(graph, item, indent + "    "), f"{indent}end"]
    return lines


def _dot_items(graph: Graph, scope: Scope | None, indent: str) -> list[str]:
    lines = []
    for item in items_of(graph, scope):
        if isinstance(item, Node):
            look = f"shape={_DOT[shape_of(item)]}, label={_quoted(title_of(item))}"
            lines.append(f"{indent}n{item.number} [{look}];")
        else:
            lines.append(f"{indent}subgraph cluster_{graph.scopes.index(item)} {{")
            lines.append(f"{indent}    label={_quoted(item.name)}; style=rounded;")
            lines += [*_dot_items(graph, item, indent + "    "), f"{indent}}}"]
    return lines


def _entities(text: str) -> str:
    """Text in quotation marks, with what means something to Mermaid there as entities."""
    return '"' + "".join(f"#{ord(c)};" if c in '"#<>&`' else c for c in text) + '"'


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
