"""hold in the fused function: into the worker's queue, or on at once; and where packets go on when they are due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.compiler.emit import spill
from wirebrick.compiler.emit.events import events_after, events_check, events_due
from wirebrick.compiler.front.packets import HOLD
from wirebrick.packet import frame
from wirebrick.runtime.hold_native import H_DUE, H_LABEL
from wirebrick.stream.hold import Hold

if TYPE_CHECKING:
    from wirebrick.compiler.emit.fused import Fused


def emit_hold(f: Fused, node: Hold) -> None:
    """Emit the choice of the time, and the way into the queue; ``emit_release`` is emitted behind it."""
    from wirebrick.compiler.emit.nodes import end

    code, stream = f.code, node.inputs[0]
    function = f.functions[node].function
    result = f.call(node, function, stream.stack, stream.schema)
    code.line(f"if unlikely({result} < 0):")
    with code.indent():
        f.fault(node, result)
    if function.ends:
        code.line(f"elif {result} != 0 and {result} < {HOLD}:")
        with code.indent():
            end(f, node, result)
    code.line(f"elif {result} <= {HOLD} + clock:")
    with code.indent():
        code.line(f"at = {f.label(node)}")
    code.line("else:")
    with code.indent():
        queue = code.keep(f"hold_queue(holds, {f.holds.index(node)})")
        slot = code.keep(f"hold_reserve({queue})")
        code.line(f"if unlikely({slot} == 0):")
        with code.indent():
            f.count(node, "drop", node.reason)
        code.line("else:")
        with code.indent():
            code.line(f"hold_put(w, holds, {queue}, {slot}, i, {result} - {HOLD})")
            code.line(f"ready = hold_still(burst, turn, ready, {result} - {HOLD})")
            spill.write(f, stream, f"{slot} + {frame.DESCRIPTOR}")


def emit_release(f: Fused, node: Hold) -> None:
    """Emit where packets go on behind a hold: at once, or when they are due."""
    code, stream = f.code, node.outputs[0]
    code.line(f"if at == {f.label(node)}:")
    with code.indent():
        code.line("if released != 0:")
        with code.indent():
            spill.read(f, stream, "released")
            code.line("released = 0")
        f.go(stream, *f.settle_again(stream.stack, node.inputs))


def before(f: Fused) -> list[str]:
    """What is done once for a burst: ``rest`` is the time until which packets are due behind its last one."""
    if not f.holds:
        return []
    return [
        f"    if entry == {frame.ASIDE}: entry = 0",
        f"    holds = load64(w + {frame.W_HOLDS})",
        f"    most = load64(w + {frame.W_BURST_SIZE})",
        f"    clock = load64(w + {frame.W_NOW})",
        f"    behind = entry if entry < {frame.FINISH} else 0",
        "    finishing = 0",
        f"    if entry >= {frame.FINISH} and load64(w + {frame.W_STOP}) == 0: finishing = 1",
        "    rest = -1",
        "    if size == 0 and entry == 0: rest = clock",
        "    taken = 0",
        "    released = 0",
        "    complete = 1",
        "    ready = 0",
    ]


def turn(f: Fused, begin: str) -> list[str]:
    """Whose turn it is: what is due goes before the next packet. More than a burst of it lets the rest wait.

    Up to position ``ready`` it is known that nothing is due.
    """
    alarm = f"load64(holds + {H_DUE})"
    if f.shared.timers is not None:
        alarm = f"min({alarm}, {events_due(f)})"
    choice = [
        "queue = 0",
        "until = rest",
        f"if turn < size: until = load64(burst + turn * {frame.DESCRIPTOR} + {frame.D_TIME})",
        f"elif finishing != 0: until = hold_last(holds, entry - {frame.FINISH})",
        f"if unlikely(until >= load64(holds + {H_DUE})): queue = hold_next(holds, behind, until)",
        "if queue != 0:",
        "    if unlikely(taken == most):",
        "        if turn < size: hold_set_aside(w, turn, entry)",
        "        complete = 0",
        "        break",
        "    taken += 1",
        f"    i = load64(w + {frame.W_USED})",
        "    released = hold_take(w, holds, queue)",
        f"    at = load64(holds + {H_LABEL})",
        "elif turn < size:",
        *(f"    {line}" for line in following(begin)),
        "else:",
        "    break",
        *packet(f),
        f"ready = hold_ready(burst, turn, size, clock, {alarm})",
    ]
    return [
        "released = 0",
        "if unlikely(turn >= ready):",
        *(f"    {line}" for line in choice),
        "else:",
        *(f"    {line}" for line in following(begin)),
        f"    d = burst + i * {frame.DESCRIPTOR}",
        f"    clock = load64(d + {frame.D_TIME})",
    ]


def following(begin: str) -> list[str]:
    """It is the turn of the next packet of the burst."""
    return ["i = turn", f"at = {begin}", "turn += 1"]


def packet(f: Fused) -> list[str]:
    """The packet whose turn it is: what is due before it, and the worker's clock."""
    return [
        f"d = burst + i * {frame.DESCRIPTOR}",
        *events_check(f),
        f"clock = max(clock, load64(d + {frame.D_TIME}))",
    ]


def after(f: Fused) -> list[str]:
    """Behind the loop: the worker's clock, and when it has to look again."""
    if not f.holds:
        return []
    return [
        f"    due = load64(holds + {H_DUE})",
        *events_after(f),
        f"    store64(w + {frame.W_NOW}, clock)",
        f"    store64(w + {frame.W_DUE}, due)",
    ]
