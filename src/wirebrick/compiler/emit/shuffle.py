"""shuffle in the fused function: into a ring, or on in the same worker; and where packets of a ring go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.compiler.emit import spill
from wirebrick.compiler.front.packets import innermost_ip
from wirebrick.packet import frame
from wirebrick.stream.graph import Slot
from wirebrick.stream.shuffle import FULL, Shuffle

if TYPE_CHECKING:
    from wirebrick.compiler.emit.fused import Fused


def emit_shuffle(f: Fused, node: Shuffle) -> None:
    """Emit the choice of the worker, and the way there; ``resume`` is emitted behind it."""
    code = f.code
    if node.queues is None:
        code.line("if crew == 1:")
        with code.indent():
            code.line(f"at = {f.label(node)}")
        code.line("else:")
        with code.indent():
            _choose(f, node)
    else:
        _choose(f, node)


def _choose(f: Fused, node: Shuffle) -> None:
    """Ask for the queue, and move the packet there."""
    code = f.code
    if node.function is not None:
        result = f.call(node, f.functions[node].function, node.inputs[0].stack, node.inputs[0].schema)
        code.line(f"if unlikely({result} < 0):")
        with code.indent():
            f.fault(node, result)
        code.line("else:")
        with code.indent():
            _move(f, node, result)
    elif node.ports is not None:
        _move(f, node, _by_port(f, node))
    else:
        _move(f, node, code.keep(f"share({_flow_hash(f, node.inputs[0].stack)}, {queues_text(node)})"))


def queues_text(node: Shuffle) -> str:
    """The number of queues: a constant, or the number of workers of the run."""
    return "crew" if node.queues is None else str(len(node.queues))


def _by_port(f: Fused, node: Shuffle) -> str:
    assert node.ports is not None
    queue = f.code.keep("0")
    port = f.code.keep(f"load16(d + {frame.D_INGRESS})")
    for name, number in node.ports.items():
        f.code.line(f"if {port} == {f.plan.port(name, node)}: {queue} = {number}")
    return str(f.code.keep(f"{queue} % {queues_text(node)}"))


def _flow_hash(f: Fused, stack: tuple[Slot, ...]) -> str:
    slot = innermost_ip(stack)
    if slot is None:
        return "frame_flow_hash(p, end)"
    names = f.unit.slot_names(slot)
    return f"ip_flow_hash(p + {names.offset}, p + {names.end})"


def _move(f: Fused, node: Shuffle, queue: str) -> None:
    """On to the worker of a queue."""
    code = f.code
    target = queue
    if node.queues is not None:
        if node.queues != tuple(range(len(node.queues))):
            target = code.temporary()
            for number, worker in enumerate(node.queues):
                last = number == len(node.queues) - 1
                head = "else" if last and number else f"{'el' if number else ''}if {queue} == {number}"
                code.line(f"{head}: {target} = {worker}" if len(node.queues) > 1 else f"{target} = {worker}")
        target = code.keep(f"{target} % crew")
    ring = code.keep(f"ring_of(w, {f.shuffles.index(node)}, {target})")
    code.line(f"if {ring} == 0 or entry == {frame.FINISH}:")
    with code.indent():
        code.line(f"at = {f.label(node)}")
    code.line("else:")
    with code.indent():
        slot = code.keep(f"ring_reserve({ring})")
        code.line(f"if unlikely({slot} == 0):")
        with code.indent():
            f.count(node, "drop", FULL)
        code.line("else:")
        with code.indent():
            code.line(f"ring_put(w, {ring}, {slot}, i)")
            spill.write(f, node.inputs[0], f"{slot} + {frame.DESCRIPTOR}")


def emit_resume(f: Fused, node: Shuffle) -> None:
    """Emit where packets go on behind a shuffle, from this worker and from others."""
    code, stream = f.code, node.outputs[0]
    code.line(f"if at == {f.label(node)}:")
    with code.indent():
        # What a hold of before the shuffle let go beside these packets brings nothing from a ring.
        code.line(f"if entry == {f.label(node)}{' and i < size' if f.holds else ''}:")
        with code.indent():
            spill.read(f, stream, "brought")
        f.go(stream, *f.settle_again(stream.stack, node.inputs))
