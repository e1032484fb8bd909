"""packetize in the fused function: what a window's function emits leaves in the packet at hand, and in more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.compiler.emit import loops, spill
from wirebrick.compiler.emit.windows import block_of, maker_of
from wirebrick.compiler.front.packets import innermost_ip
from wirebrick.packet import frame
from wirebrick.packet.made import MADE_SPILL
from wirebrick.state.reassembly_layout import F_REACHED, F_START
from wirebrick.state.rewrite_layout import REASONS
from wirebrick.stream.graph import Slot
from wirebrick.stream.packetize import Packetize
from wirebrick.stream.window import Window

if TYPE_CHECKING:
    from wirebrick.compiler.emit.fused import Fused


def emit_packetize(f: Fused, node: Window, packet: str, key: str, size: str, now: str, deliver: str) -> None:
    """Emit what becomes of a packet behind a window that does not forward; ``packet``: call of the window."""
    code, maker = f.code, maker_of(node)
    tw = block_of(f, maker)
    f.inlined.add(maker)
    stack = node.inputs[0].stack
    innermost = innermost_ip(stack)
    assert innermost is not None
    ip, last = f.unit.slot_names(innermost), f.unit.slot_names(stack[-1])
    code.line(f"rw = rewrite_arrive({tw}, {key}, p + {ip.offset}, p + {last.offset}, {size}, {now})")
    code.line("result = 0")
    code.line("if rw > 0:")
    with code.indent():
        code.line(f"wf = {packet}")
        # It may have brought nothing, and what is kept may have room now.
        block = block_of(f, node)
        code.line(f"if wf <= 0: wf = stream_find({block}, {key}, stream_hash({block}, {key}))")
        code.line("if wf > 0:")
        with code.indent():
            code.line(f"result = {deliver}")
            code.line(f"rewrite_hold({tw}, rw, load64(wf + {F_START}) + load64(wf + {F_REACHED}))")
    code.line("if unlikely(result < 0):")
    with code.indent():
        f.fault(node, "result")
    code.line("else:")
    with code.indent():
        code.line("extra = rw")
        code.line("if rw > 0:")
        with code.indent():
            code.line(f"first = load64(w + {frame.W_USED})")
            places = f"{ip.offset}, {last.offset}, {last.begin}"
            code.line(f"extra = rewrite_leave({tw}, rw, w, i, {places})")
            f.refresh()
            f.end_with_packet(stack)
        code.line("if unlikely(extra < 0):")
        with code.indent():
            for number, (reason, name) in enumerate(REASONS.items()):
                code.line(f"{'el' if number else ''}if extra == {reason}:")
                with code.indent():
                    f.count(maker, "drop", name)
        code.line("else:")
        with code.indent():
            code.line("if extra > 0:")
            with code.indent():
                _wait(f, maker)
            code.line(f"at = {f.label(maker)}")


def _wait(f: Fused, maker: Packetize) -> None:
    """The packets made wait on the stack until the packet at hand has gone its way."""
    code = f.code
    code.line(f"made = made_push(waiting, {loops.stack_entry(f)}, first, first + extra, {f.label(maker)})")
    spill.write(f, maker.inputs[0], f"made + {MADE_SPILL}")


def emit_made(f: Fused, node: Packetize) -> None:
    """Emit where packets go on: the one that came and those made."""
    code, stream = f.code, node.outputs[0]
    stack = stream.stack
    code.line(f"if at == {f.label(node)}:")
    with code.indent():
        code.line("if made != 0:")
        with code.indent():
            spill.read(f, node.inputs[0], f"made + {MADE_SPILL}")
            f.end_with_packet(stack)
            code.line("made = 0")
        settled, touched = f.settle_again(stack, node.window.inputs)
        if node.function is None:
            f.go(stream, settled, touched)
            return
        _fill_in(f, node, settled, touched)


def _fill_in(f: Fused, node: Packetize, settled: frozenset[Slot], touched: frozenset[Slot]) -> None:
    """The user's function on a packet."""
    code, stack = f.code, node.outputs[0].stack
    function = f.functions[node].function
    result = f.call(node, function, stack, None)
    code.line(f"if unlikely({result} < 0):")
    with code.indent():
        f.fault(node, result)
    code.line("else:")
    with code.indent():
        settled, touched = f.forget(f.functions[node].wrote, settled, touched)
        f.go(node.outputs[0], settled, touched)
