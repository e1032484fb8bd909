"""The loop of the fused function: over the packets of a burst, those made on the way right behind their makers.

A chain without shuffles, windows and packetize has the plain loop. Else a burst may have come by a ring (``entry``
says behind which shuffle its packets go on), and packets that packetize made wait on a small stack: each maker's
packets go on before the next packet is looked at, so that the order within a stream is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    if f.shuffles or f.windows:
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
    return [*lines, *last_calls(f)]


def turn(f: Fused) -> list[str]:
    """The head of the loop: ``i`` is the position of the packet whose turn it is."""
    if not f.makers:
        return ["    for i in range(size):"]
    return [
        "    turn = 0",
        "    while True:",
        "        at = 0",
        f"        made = made_next(waiting, {stack_entry(f)})",
        "        if made != 0:",
        f"            i = load64(made + {MADE_NEXT}) - 1",
        f"            at = load64(made + {MADE_LABEL})",
        "        elif turn < size:",
        "            i = turn",
        "            turn += 1",
        "        else:",
        "            break",
    ]


def beginning(f: Fused) -> list[str]:
    """Where the packet begins its way."""
    lines = []
    if f.makers:
        if f.shuffles:
            lines.append("        if made == 0: at = entry")
    else:
        lines.append("        at = entry" if f.shuffles else "        at = 0")
    if f.shuffles:
        lines.append("        brought = spills + i * spill_size")
    return lines
