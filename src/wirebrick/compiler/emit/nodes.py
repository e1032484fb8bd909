"""The code of each operator in the fused function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wirebrick.compiler.emit.duplicate import emit_duplicate
from wirebrick.compiler.emit.encapsulation import emit_pop, emit_push
from wirebrick.compiler.emit.filters import emit_expression, emit_filter
from wirebrick.compiler.emit.hold import emit_hold
from wirebrick.compiler.emit.parsing import OK, announced, parse_function
from wirebrick.compiler.emit.remake import emit_remake
from wirebrick.compiler.emit.shuffle import emit_shuffle
from wirebrick.compiler.emit.windows import emit_window
from wirebrick.compiler.front.packets import DROP, SEND
from wirebrick.packet import frame
from wirebrick.stream.deparse import Deparse
from wirebrick.stream.drop import Drop
from wirebrick.stream.duplicate import Duplicate
from wirebrick.stream.filter import ExpressionFilter, Filter
from wirebrick.stream.graph import Enter, Exit, Graph, Input, Node, Output
from wirebrick.stream.group_by import GroupBy
from wirebrick.stream.hold import Hold
from wirebrick.stream.map import Map
from wirebrick.stream.merge import Merge
from wirebrick.stream.metadata import Metadata
from wirebrick.stream.parse import Parse
from wirebrick.stream.pop import Pop
from wirebrick.stream.push import Push
from wirebrick.stream.remake import Remake
from wirebrick.stream.send import Send
from wirebrick.stream.shuffle import Shuffle
from wirebrick.stream.transform import Transform
from wirebrick.stream.window import Window

if TYPE_CHECKING:
    from wirebrick.compiler.emit.fused import Fused


PENDING = "@PENDING@"  # becomes the reset of the numbers that pushed and popped headers left behind


def _on(f: Fused, node: Node) -> None:
    """Nothing happens; the packet goes on."""
    settled, touched = f.knowledge.arrive(node.inputs)
    if isinstance(node, Enter | Exit):
        kind = "in" if isinstance(node, Enter) else "out"
        if node in f.counted:
            f.count(node, kind)
        else:
            f.tap(node, kind)
        f.code.line(PENDING)
    f.go(node.outputs[0], settled, touched)


def _parse(f: Fused, node: Parse) -> None:
    slot = node.slot
    n = slot.number
    settled, touched = f.knowledge.arrive(node.inputs)
    code = f.code
    if slot not in settled:
        if slot in touched:
            f.states.add(n)
            code.line(f"if s{n} == 0:")
            code.depth += 1
        _find(f, node)
        if slot in touched:
            code.depth -= 1
    touched |= {slot}
    success, failure = settled | {slot}, settled | {slot} | f.knowledge.below(slot)
    code.line(f"if {_likely(node)}(s{n} == {OK}):")
    with code.indent():
        f.go(node.outputs[0], success, touched)
    code.line("else:")
    with code.indent():
        if node.otherwise == "drop":
            first = f.plan.counters.number(
                node.scope.name if node.scope else "chain", "drop", node.reasons()[0]
            )
            f.add(f"{first} + s{n} - 2")
        else:
            f.go(node.outputs[1], failure, touched)


def _likely(node: Parse) -> str:
    """What the optimiser is told of a header: it is there as a rule, or more often than not."""
    return "likely" if node.otherwise == "drop" else "rather"


def _find(f: Fused, node: Parse) -> None:
    """Emit the parsing itself."""
    slot = node.slot
    n = slot.number
    code = f.code
    if slot.parent is None:
        begin, end, wire = "0", "end", "wire"
    else:
        names = f.unit.slot_names(slot.parent)
        begin, end, wire = names.begin, names.end, names.wire
    condition = announced(f.unit, slot)
    code.line(f"h{n} = {begin}")
    function = parse_function(f.unit, slot.header)
    line = f"s{n}, b{n}, l{n}, x{n} = {function}(p, {begin}, {end}, {wire})"
    if condition is None:
        code.line(line)
        return
    code.line(f"s{n} = 2")
    code.line(f"if {_likely(node)}({condition}):")
    with code.indent():
        code.line(line)


def _user(f: Fused, node: Any) -> None:
    """Call the function and see what came of it."""
    function = f.functions[node].function
    settled, touched = f.knowledge.arrive(node.inputs)
    stack = node.inputs[0].stack
    result = f.call(node, function, stack, node.inputs[0].schema)
    code = f.code
    code.line(f"if unlikely({result} < 0):")
    with code.indent():
        f.fault(node, result)
    if function.ends:
        code.line(f"elif {result} != 0:")
        with code.indent():
            end(f, node, result)
    code.line("else:")
    with code.indent():
        if function.emitter.resizes:
            f.refresh()
            f.end_with_packet(stack)
        settled, touched = f.forget(f.functions[node].wrote, settled, touched)
        f.go(node.outputs[0], settled, touched)


def end(f: Fused, node: Node, result: str) -> None:
    """The function has sent or dropped the packet, as its result says."""
    code = f.code
    code.line(f"if {result} < {SEND}:")
    with code.indent():
        f.add(f"{result} - {DROP}")
    code.line("else:")
    with code.indent():
        _transmit(f, f"{result} - {SEND}")
        f.count(node, "sent")


def _metadata(f: Fused, node: Metadata) -> None:
    settled, touched = f.knowledge.arrive(node.inputs)
    function = f.functions[node].function
    result = f.call(node, function, node.inputs[0].stack, node.inputs[0].schema)
    code = f.code
    code.line(f"if unlikely({result} < 0):")
    with code.indent():
        f.fault(node, result)
    code.line("else:")
    with code.indent():
        f.go(node.outputs[0], settled, touched)


def _group_by(f: Fused, node: GroupBy) -> None:
    settled, touched = f.knowledge.arrive(node.inputs)
    result = f.call(node, f.functions[node].function, node.inputs[0].stack, node.inputs[0].schema)
    code = f.code
    code.line(f"if unlikely({result} < 0):")
    with code.indent():
        f.fault(node, result)
    for number, stream in enumerate(node.outputs):
        last = number == len(node.outputs) - 1
        code.line("else:" if last else f"elif {result} == {number}:")
        with code.indent():
            f.go(stream, settled, touched)


def _drop(f: Fused, node: Drop) -> None:
    f.count(node, "drop", node.reason)


def _send(f: Fused, node: Send) -> None:
    port = f.plan.ports.index(node.port)
    _append(f, port)
    f.count(node, "sent")


def _append(f: Fused, port: int) -> None:
    """Put the packet on a port's list."""
    if port in f.local_ports:
        f.code.line(f"store32(list{port} + 4 * n{port}, i)")
        f.code.line(f"n{port} += 1")
    else:
        _transmit(f, str(port))


def _transmit(f: Fused, port: str) -> None:
    """Put the packet on the list of a port whose number the text gives, through memory."""
    f.code.line(f"transmit(w, {port}, i)")
    f.code.line(f"count(w, {f.plan.counters.number('chain', 'out')})")


def _output(f: Fused, node: Output) -> None:
    defaults = f.plan.default_egress
    code = f.code
    if not f.shared.sets_egress and len(set(defaults)) == 1:
        _append(f, defaults[0])
        return
    port = code.temporary()
    code.line(f"{port} = load16(d + {frame.D_EGRESS})")
    table = f"load64(w + {frame.W_EGRESS})"
    code.line(f"if {port} == {frame.NO_PORT}: {port} = load64({table} + 8 * load16(d + {frame.D_INGRESS}))")
    for number in range(len(f.plan.ports)):
        if number in f.local_ports:
            code.line(f"{'if' if number == min(f.local_ports) else 'elif'} {port} == {number}:")
            with code.indent():
                _append(f, number)
    if not f.local_ports:
        _transmit(f, port)
    elif len(f.local_ports) < len(f.plan.ports):
        code.line("else:")
        with code.indent():
            _transmit(f, port)


def counted_boundaries(graph: Graph, functions: dict[Node, Any]) -> set[Node]:
    """The beginnings and ends of NFs at which packets must be counted: the other counts follow from sums."""
    from wirebrick.compiler.emit.counts import derivable

    return {
        node
        for node in graph.nodes
        if isinstance(node, Enter | Exit) and not derivable(graph, functions, node)
    }


EMIT: dict[type[Node], Callable[[Any, Any], None]] = {
    Input: _on,
    Enter: _on,
    Exit: _on,
    Merge: _on,
    Deparse: _on,
    Parse: _parse,
    Transform: _user,
    Map: _user,
    Filter: emit_filter,
    ExpressionFilter: emit_expression,
    Metadata: _metadata,
    GroupBy: _group_by,
    Push: emit_push,
    Pop: emit_pop,
    Shuffle: emit_shuffle,
    Hold: emit_hold,
    Duplicate: emit_duplicate,
    Window: emit_window,
    Remake: emit_remake,
    Drop: _drop,
    Send: _send,
    Output: _output,
}
