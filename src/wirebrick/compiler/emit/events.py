"""The code of events: the function that calls what is due, and where the loop over packets calls it.

Events come between packets, so nothing of a packet is alive while they run. What they use of the worker's
memory (state blocks, scratch memory) they get from the loop, which has it in variables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.compiler.emit.sharing import locks_of
from wirebrick.compiler.front.functions import Function
from wirebrick.packet import frame
from wirebrick.state.timers import Timers
from wirebrick.state.timers_native import T_DUE

if TYPE_CHECKING:
    from wirebrick.compiler.emit.fused import Fused

OWN = ("w", "d")  # what the calling function has itself
NAME = "call_events"


def emit_events(f: Fused) -> None:
    """Emit ``call_events(w, now, timers, fuel, ...)``, if the graph has events for the workers."""
    timers = f.shared.timers
    if timers is None:
        return
    parameters = ", ".join(["w", "now", "timers", "fuel", *_needs(f, timers)])
    lines = [
        f"def {NAME}({parameters}):",
        "    timers_catch_up(timers, now)",
        "    number = timers_next(timers, now)",
        "    while number >= 0:",
        "        d = timers_take(timers, number, now)",
    ]
    for number, event in enumerate(timers.events):
        function: Function = f.functions[event].function
        arguments = ", ".join([*function.needs, "fuel"])
        locks = locks_of(function.needs)
        lines += [
            f"        {'if' if number == 0 else 'elif'} number == {number}:",
            f"            # {event.scope.name}: {event.label}",
            *(f"            lock_acquire(lock{lock}, w)" for lock in locks),
            f"            result = {function.name}({arguments})",
            *(f"            lock_release(lock{lock})" for lock in reversed(locks)),
        ]
    lines += [
        "        if result < 0:",
        "            timers_fault(timers, number, -result)",
        "        number = timers_next(timers, now)",
        "    timers_end(w, timers, now)",
        "    return 0",
    ]
    f.shared.functions.append("\n".join(lines))


def events_before(f: Fused) -> list[str]:
    """Before the loop: the clock begins with the first packet, and goes on in a worker without packets."""
    timers = f.shared.timers
    if timers is None:
        return []
    block = _block(f, timers)
    if f.holds:  # what is held and due goes first
        return [f"    idle = timers_begin(w, {block})"]
    return [
        f"    if unlikely(timers_begin(w, {block}) != 0):",
        f"        {_call(f, timers, f'load64(w + {frame.W_NOW})')}",
    ]


def events_check(f: Fused) -> list[str]:
    """Before each packet ``d``: events that are due by its time come first."""
    timers = f.shared.timers
    if timers is None:
        return []
    time = f"load64(d + {frame.D_TIME})"
    return [
        f"if unlikely({time} >= {events_due(f)}):",
        f"    {_call(f, timers, time)}",
    ]


def events_due(f: Fused) -> str:
    """When the next event is due."""
    assert f.shared.timers is not None
    return f"load64({_block(f, f.shared.timers)} + {T_DUE})"


def events_after(f: Fused) -> list[str]:
    """Behind the loop, where packets are held: events that are due in a worker without packets."""
    timers = f.shared.timers
    if timers is None:
        return []
    return [
        "    if idle != 0 and complete != 0:",
        f"        {_call(f, timers, 'clock')}",
        f"    due = min(due, {events_due(f)})",
    ]


def _needs(f: Fused, timers: Timers) -> list[str]:
    return sorted({name for event in timers.events for name in f.functions[event].function.needs} - set(OWN))


def _block(f: Fused, timers: Timers) -> str:
    return f"t{f.shared.state_number(timers)}"


def _call(f: Fused, timers: Timers, now: str) -> str:
    return f"{NAME}({', '.join(['w', now, _block(f, timers), 'fuel', *_needs(f, timers)])})"
