"""filter in the fused function: by a user function, or by what libpcap made of an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.runtime.filter import bpf
from wirebrick.runtime.filter_native import filter_function
from wirebrick.stream.filter import ExpressionFilter, Filter
from wirebrick.stream.graph import Slot

if TYPE_CHECKING:
    from wirebrick.compiler.emit.fused import Fused


def emit_filter(f: Fused, node: Filter) -> None:
    """Emit a filter by a function."""
    settled, touched = f.knowledge.arrive(node.inputs)
    result = f.call(node, f.functions[node].function, node.inputs[0].stack, node.inputs[0].schema)
    code = f.code
    code.line(f"if {result} > 0:")
    with code.indent():
        f.go(node.outputs[0], settled, touched)
    code.line(f"elif {result} == 0:")
    with code.indent():
        _refused(f, node, settled, touched)
    code.line("else:")
    with code.indent():
        f.fault(node, result)


def emit_expression(f: Fused, node: ExpressionFilter) -> None:
    """Emit one by an expression: on the frame as it is now, from its first byte, whatever headers are parsed."""
    settled, touched = f.knowledge.arrive(node.inputs)
    name = f.shared.name("matches")
    f.shared.functions.append(filter_function(bpf(node.expression), name))
    code = f.code
    code.line(f"if {name}(p, end, wire) != 0:")
    with code.indent():
        f.go(node.outputs[0], settled, touched)
    code.line("else:")
    with code.indent():
        _refused(f, node, settled, touched)


def _refused(
    f: Fused, node: Filter | ExpressionFilter, settled: frozenset[Slot], touched: frozenset[Slot]
) -> None:
    """What isn't wanted is dropped, or goes another way."""
    if len(node.outputs) > 1:
        f.go(node.outputs[1], settled, touched)
    else:
        f.count(node, "drop", node.reason)
