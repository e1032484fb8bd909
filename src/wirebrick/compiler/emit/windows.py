"""window in the fused function: segments are put in order, and the function is called with what is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.compiler.emit.parsing import announcing_value
from wirebrick.compiler.front.emitter import PacketInfo
from wirebrick.compiler.front.fields import raw_bits
from wirebrick.compiler.front.packets import flow_record, innermost_ip
from wirebrick.compiler.front.windows import FLOW, STREAM
from wirebrick.headers.tcp import TCP
from wirebrick.packet import frame
from wirebrick.packet.faults import REASONS
from wirebrick.runtime.plan import WINDOW, scope_name
from wirebrick.state.reassembly_layout import F_BASE, F_CLOSED, F_KEY, F_NEXT_SEQ, F_SIZE, F_START
from wirebrick.state.rewrite_layout import R_EMIT, R_END
from wirebrick.stream.graph import Slot
from wirebrick.stream.packetize import Packetize
from wirebrick.stream.window import Window

if TYPE_CHECKING:
    from wirebrick.compiler.emit.fused import Fused


def emit_window(f: Fused, node: Window) -> None:
    """Emit a window, and behind one that does not forward, what makes packets of its bytes."""
    settled, touched = f.knowledge.arrive(node.inputs)
    code, block = f.code, block_of(f, node)
    names = f.unit.slot_names(node.inputs[0].stack[-1])
    deliver = deliver_function(f, node)
    key = flow_key(f, node.inputs[0].stack)
    now = code.keep(f"load64(d + {frame.D_TIME})")
    tcp = f"p + {names.offset}" if node.inputs[0].headers[-1] is TCP else "0"
    _late_calls(f, node, f"reassembly_due({block}, {now})")
    _late_calls(f, node, f"reassembly_make_room({block}, {key})", final=True)
    size = code.keep(f"{names.end} - {names.begin}")
    missing = f"{names.wire} - {names.end}"
    packet = f"reassembly_packet({block}, {key}, {tcp}, p + {names.begin}, {size}, {missing}, {now})"
    if not node.forward:
        from wirebrick.compiler.emit.packetize import emit_packetize

        emit_packetize(f, node, packet, key, size, now, deliver)
        return
    code.line(f"wf = {packet}")
    code.line("result = 0")
    code.line(f"if wf > 0: result = {deliver}")
    code.line("if unlikely(result < 0):")
    with code.indent():
        f.fault(node, "result")
    code.line("else:")
    with code.indent():
        f.go(node.outputs[0], settled, touched)


def maker_of(node: Window) -> Packetize:
    """The packetize behind a window that does not forward."""
    assert node.maker is not None
    return node.maker


def flow_key(f: Fused, stack: tuple[Slot, ...]) -> str:
    """The address of the packet's FlowKey."""
    slot = innermost_ip(stack)
    assert slot is not None
    names = f.unit.slot_names(slot)
    upper = []
    for name in ("protocol", "fragment_offset"):
        field = slot.header.fields.get(name)
        if field is not None:
            upper.append(f.code.keep(raw_bits(f"p + {names.offset} + {field.first}", field)))
        else:
            function = announcing_value(f.unit, slot.header, name)
            upper.append(f.code.keep(f"{function}(p, {names.offset}, {names.end})"))
    f.code.packets[0] = PacketInfo("d", "p", stack)
    return flow_record(f.code, 0, (upper[0], upper[1]))


def block_of(f: Fused, node: Window | Packetize) -> str:
    """The name of the operator's block."""
    return f"t{f.shared.state_number(node.state)}"


def _late_calls(f: Fused, node: Window, flow: str, final: bool = False) -> None:
    """Calls that no packet asked for: their faults are counted, and cost none.

    Where bytes go on, those of streams that are given up (``final``) can't: they were never acknowledged.
    """
    code = f.code
    code.line(f"wf = {flow}")
    code.line("while wf != 0:")
    with code.indent():
        if node.forward:
            _late(f, node)
        elif final:
            code.line(f"reassembly_discard({block_of(f, node)}, wf)")
        else:
            tw = block_of(f, maker_of(node))
            code.line(f"rw = rewrite_find({tw}, wf + {F_KEY})")
            _late(f, node)
        code.line(f"wf = {flow}")


def _late(f: Fused, node: Window) -> None:
    first = f.plan.counters.number(scope_name(node), WINDOW, REASONS[1])
    for reason in list(REASONS.values())[1:]:
        f.plan.counters.number(scope_name(node), WINDOW, reason)
    f.code.line(f"result = {deliver_function(f, node)}")
    f.code.line(f"if unlikely(result < 0): count(w, {first - 1} - result)")


def deliver_function(f: Fused, node: Window) -> str:
    """The call of a function that gives flow ``wf`` all windows that are ready; 0, or a fault (negative)."""
    found = f.functions[node].function
    block = block_of(f, node)
    needs = {*found.needs, "w", "d", "scratch", block} - {FLOW}
    if not node.forward:
        needs |= {STREAM, block_of(f, maker_of(node))}
    arguments = sorted(needs)
    key = ("deliver", node)
    if key not in f.shared.helpers:
        name = f.shared.helpers[key] = f.shared.name(f"deliver_{scope_name(node)}")
        lines, f.code.lines, depth, f.code.depth = f.code.lines, [], f.code.depth, 1
        code = f.code
        (_forwarding if node.forward else _rewriting)(f, node)
        head = f"def {name}({', '.join([*arguments, FLOW, 'fuel'])}):"
        f.shared.functions.append("\n".join([head, *code.lines]))
        f.code.lines, f.code.depth = lines, depth
    return f"{f.shared.helpers[key]}({', '.join([*arguments, FLOW, 'fuel'])})"


def _forwarding(f: Fused, node: Window) -> None:
    """Give all that is ready; a window whose function fails is passed over."""
    code, block = f.code, block_of(f, node)
    code.line("worst = 0")
    code.line(f"while reassembly_ready({block}, wf) != 0:")
    with code.indent():
        result = f.call(node, f.functions[node].function, (), None)
        code.line(f"if unlikely({result} < 0): worst = {result}")
        code.line(f"reassembly_done({block}, wf, max(-1, {result} - 1))")
    code.line("return worst")


def _rewriting(f: Fused, node: Window) -> None:
    """Give what is ready while there is room for what comes of it; a window whose function fails stays."""
    code, block, tw = f.code, block_of(f, node), block_of(f, maker_of(node))
    code.line(f"while rw > 0 and reassembly_ready({block}, wf) != 0:")
    with code.indent():
        code.line(f"room = rewrite_room({tw}, rw)")
        code.line(f"if room == 0: return reassembly_keep({block}, wf)")
        # Bytes that are known already, or that begin anew where reassembly had lost the stream.
        code.line(f"skip = rewrite_accept({tw}, rw, load64(wf + {F_NEXT_SEQ}), load64(wf + {F_CLOSED}))")
        code.line("if unlikely(skip != 0):")
        with code.indent():
            code.line(f"reassembly_done({block}, wf, min(skip, load64(wf + {F_SIZE})))")
            code.line("continue")
        code.line(f"closed = load64(wf + {F_CLOSED})")
        code.line(f"whole = load64(wf + {F_SIZE})")
        code.line(f"last = (load64(wf + {F_NEXT_SEQ}) + whole) & 4294967295")
        code.line("given = whole")
        if node.state.size == 0:
            # No more than will have room for what comes of it; what a closed stream has is given whole.
            code.line("if closed == 0: given = min(whole, room)")
            code.line(f"store64(wf + {F_SIZE}, given)")
        result = f.call(node, f.functions[node].function, (), None)
        code.line(f"store64(wf + {F_SIZE}, whole)")
        code.line(f"if unlikely({result} < 0):")
        with code.indent():
            code.line(f"store64(rw + {R_EMIT}, load64(rw + {R_END}))")
            code.line(f"reassembly_keep({block}, wf)")
            code.line(f"return {result}")
        code.line(f"used = {result} - 1")
        if node.state.size == 0:
            code.line("if used < 0: used = given")
        code.line(f"reassembly_done({block}, wf, used)")
        # The slot of a closed stream may be another's by now.
        code.line(f"if closed == 0: last = (load64(wf + {F_START}) + load64(wf + {F_BASE})) & 4294967295")
        code.line(f"rewrite_commit({tw}, rw, last, closed)")
    code.line("return 0")


def last_calls(f: Fused) -> list[str]:
    """At the end of a run: every window gives what it has."""
    if not f.windows:
        return []
    lines, f.code.lines, depth, f.code.depth = f.code.lines, [], f.code.depth, 1
    code = f.code
    code.line(
        f"if entry == {frame.FINISH}{' and (finishing == 0 or hold_last(holds, 0) < 0)' if f.holds else ''}:"
    )
    with code.indent():
        # A descriptor that only says what time it is.
        code.line(f"d = scratch + {f.shared.scratch(frame.DESCRIPTOR)}")
        code.line(f"store64(d + {frame.D_TIME}, load64(w + {frame.W_NOW}))")
        for node in f.windows:
            _late_calls(f, node, f"reassembly_last({block_of(f, node)})", final=True)
        code.line("return 0")
    code.line("if size > 0:")
    with code.indent():
        code.line(f"now = load64(burst + (size - 1) * {frame.DESCRIPTOR} + {frame.D_TIME})")
        code.line(f"if now > load64(w + {frame.W_NOW}): store64(w + {frame.W_NOW}, now)")
    found, f.code.lines, f.code.depth = f.code.lines, lines, depth
    return found
