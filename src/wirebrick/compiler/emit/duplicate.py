"""duplicate in the fused function: a copy waits until the packet at hand has gone its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.compiler.emit import loops, spill
from wirebrick.packet.faults import ROOM
from wirebrick.packet.made import MADE_SPILL
from wirebrick.stream.duplicate import Duplicate

if TYPE_CHECKING:
    from wirebrick.compiler.emit.fused import Fused


def emit_duplicate(f: Fused, node: Duplicate) -> None:
    """Emit the choice, and the copy; ``emit_second`` is emitted behind it."""
    code, stream = f.code, node.inputs[0]
    result = f.call(node, f.functions[node].function, stream.stack, stream.schema)
    code.line(f"if {result} > 0:")
    with code.indent():
        code.line("first = copy_packet(w, d)")
        code.line(f"if unlikely(first < 0): {result} = -{ROOM}")
        code.line("else:")
        with code.indent():
            size = loops.stack_entry(f)
            second = code.keep(f"made_push(waiting, {size}, first, first + 1, {f.label(node)})")
            spill.write(f, stream, f"{second} + {MADE_SPILL}")
    code.line(f"if unlikely({result} < 0):")
    with code.indent():
        f.fault(node, result)
    code.line("else:")
    with code.indent():
        code.line(f"at = {f.label(node)}")


def emit_second(f: Fused, node: Duplicate) -> None:
    """Emit where packets go on: the one that came and the copy."""
    code, stream = f.code, node.outputs[0]
    code.line(f"if at == {f.label(node)}:")
    with code.indent():
        known = f.settle_again(stream.stack, node.inputs)
        code.line("if made != 0:")
        with code.indent():
            spill.read(f, stream, f"made + {MADE_SPILL}")
            code.line("made = 0")
            if len(node.outputs) > 1:
                f.go(node.outputs[1], *known)
        if len(node.outputs) > 1:
            code.line("else:")
            code.depth += 1
        f.go(stream, *known)
        if len(node.outputs) > 1:
            code.depth -= 1
