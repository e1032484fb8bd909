"""The loop of the fused function: over the packets of a burst, those made on the way right behind their makers.

A chain without shuffles, windows, holds, duplicate and packetize has the plain loop. Else a burst may have come by a
ring (``entry`` says behind which shuffle its packets go on), packets that are due come out of holds before the next
one is looked at, and packets that packetize and duplicate made wait on a small stack: each maker's packets go on
before the next packet is looked at, so that the order within a stream is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.compiler.emit import hold
from wirebrick.compiler.emit.events import events_check
from wirebrick.compiler.emit.windows import last_calls
from wirebrick.packet import frame
from wirebrick.packet.made import MADE_LABEL, MADE_NEXT, MADE_SPILL
from wirebrick.runtime.spill import spill_size

if TYPE_CHECKING:
    from wirebrick.compiler.emit.fused import Fused


def stack_entry(f: Fused) -> int:
    """Bytes of an entry of the stack."""
    sizes = [spill_size(f.graph, node.inputs[0].stack, node.inputs[0].schema) for node in f.makers]
    return MADE_SPILL + -(-max(sizes) // 8) * 8


def before(f: Fused) -> list[str]:
    """What is done once for a burst."""
    lines = []
    if f.shuffles or f.windows or f.holds:
        lines.append(f"    entry = load64(w + {frame.W_ENTRY})")
    if f.shuffles:
        lines += [
            f"    crew = load64(w + {frame.W_WORKERS})",
            f"    spills = load64(w + {frame.W_SPILL})",
            f"    spill_size = load64(w + {frame.W_SPILL_SIZE})",
        ]
    if f.makers:
        depth = f.shared.scratch(8 + len(f.makers) * stack_entry(f))
        lines += [f"    waiting = scratch + {depth}", "    store64(waiting, 0)"]
    return [*lines, *hold.before(f), *last_calls(f)]


def turn(f: Fused) -> list[str]:
    """The head of the loop: ``i`` is the position of the packet whose turn it is, ``at`` where it begins its way."""
    begin = "entry" if f.shuffles else "0"
    if not f.makers and not f.holds:
        lines = [f"at = {begin}", *packet(f)]
        return ["    for i in range(size):", *(f"        {line}" for line in lines)]
    lines = []
    if f.makers:
        lines += [
            f"made = made_next(waiting, {stack_entry(f)})",
            "if made != 0:",
            f"    i = load64(made + {MADE_NEXT}) - 1",
            f"    at = load64(made + {MADE_LABEL})",
            *(f"    {line}" for line in packet(f)),
            "else:",
        ]
    following = hold.turn(f, begin) if f.holds else _next(f, begin)
    lines += [f"{'    ' if f.makers else ''}{line}" for line in following]
    return ["    turn = 0", "    while True:", *(f"        {line}" for line in lines)]


def _next(f: Fused, begin: str) -> list[str]:
    """The next packet of the burst."""
    return ["if turn >= size: break", *hold.following(begin), *packet(f)]


def packet(f: Fused) -> list[str]:
    """The packet whose turn it is, ``d``, and what comes before it."""
    if f.holds:
        return hold.packet(f)
    return [f"d = burst + i * {frame.DESCRIPTOR}", *events_check(f)]


def beginning(f: Fused) -> list[str]:
    """What is known of the packet from elsewhere."""
    return ["        brought = spills + i * spill_size"] if f.shuffles else []


def after(f: Fused) -> list[str]:
    """What is done behind the loop."""
    return hold.after(f)


def result(f: Fused) -> str:
    """What the function gives: whether there may be more at the end."""
    return "1 if finishing != 0 and taken > 0 else 0" if f.holds else "0"
