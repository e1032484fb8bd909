"""remake in the fused function: a state object's native code takes the packet, and may make more that follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.compiler.emit import loops, spill
from wirebrick.packet import frame
from wirebrick.packet.made import MADE_SPILL
from wirebrick.stream.remake import Remake

if TYPE_CHECKING:
    from wirebrick.compiler.emit.fused import Fused


def emit_remake(f: Fused, node: Remake) -> None:
    """Emit the call, and what becomes of the packet."""
    code, stream = f.code, node.inputs[0]
    native = node.state.steps[node.step].native
    f.shared.modules.add(native.__module__)
    names = f.unit.slot_names(stream.stack[-1])
    meta = f"scratch + {f.shared.metadata_offset(stream.schema)}" if stream.schema else "0"
    block = f"t{f.shared.state_number(node.state)}"
    code.line(f"first = load64(w + {frame.W_USED})")
    places = f"{names.offset}, {names.begin}, {meta}, load64(d + {frame.D_TIME})"
    code.line(f"extra = {native.__name__}({block}, w, i, {places})")
    code.line("if unlikely(extra < 0):")
    with code.indent():
        for number, reason in enumerate(node.reasons, 1):
            code.line(f"{'el' if number > 1 else ''}if extra == {-number}:")
            with code.indent():
                f.count(node, "drop", reason)
    code.line("else:")
    with code.indent():
        f.refresh()
        f.end_with_packet(stream.stack[:-1])
        code.line("if extra > 0:")
        with code.indent():
            entry = loops.stack_entry(f)
            code.line(f"made = made_push(waiting, {entry}, first, first + extra, {f.label(node)})")
            spill.write(f, node.outputs[0], f"made + {MADE_SPILL}")
        code.line("made = 0")
        code.line(f"at = {f.label(node)}")


def emit_remade(f: Fused, node: Remake) -> None:
    """Emit where packets go on: the one that came and those made."""
    code, stream = f.code, node.outputs[0]
    code.line(f"if at == {f.label(node)}:")
    with code.indent():
        code.line("if made != 0:")
        with code.indent():
            spill.read(f, stream, f"made + {MADE_SPILL}")
            f.end_with_packet(stream.stack)
        settled, touched = f.settle_again(stream.stack, node.inputs)
        below = f.knowledge.below(stream.stack[-1] if stream.stack else None)
        settled, touched = f.forget_slots(below, settled, touched)
        f.go(stream, settled, touched)
