"""Rest: what a worker does while no packets come in: it looks a little longer, then sleeps, longer and longer.

>>> from wirebrick.runtime.context import Context
>>> context = Context(burst=4, frame_size=60, ports=1, counters=1)
>>> Rest(context, "busy", rings=False).take()
>>> context[W_SPIN]
4096
"""

from __future__ import annotations

import time
from typing import Literal

from wirebrick.packet.frame import W_PACKETS_IN, W_RING_IN, W_SPIN
from wirebrick.runtime.context import Context

Poll = Literal["adaptive", "busy"]

SHORTEST, LONGEST = 50e-6, 1e-3  # seconds of sleep
# Rounds without a packet before the driver comes back. Where rings join workers, a short wait for the next burst
# is the rule, and a nap costs more than it lasts.
SPINS_BUSY, SPINS_RINGS = 1 << 12, 1 << 9


class Rest:
    """One worker's; ``poll``: ``"adaptive"``, or ``"busy"``: never. ``rings``: whether packets come by rings."""

    def __init__(self, context: Context, poll: Poll, rings: bool) -> None:
        self._context = context
        self._busy = poll == "busy"
        self._rings = rings
        self._nap = SHORTEST
        self._received = 0  # packets received at the last rest
        context[W_SPIN] = SPINS_BUSY if self._busy else 0

    def take(self) -> None:
        """Sleep for a moment; it is the shortest if packets came in since the last time."""
        if self._busy:
            return
        received = self._context[W_PACKETS_IN] + self._context[W_RING_IN]
        active = received != self._received
        self._received = received
        self._nap = SHORTEST if active else min(2 * self._nap, LONGEST)
        self._context[W_SPIN] = SPINS_RINGS if active and self._rings else 0
        time.sleep(self._nap)
