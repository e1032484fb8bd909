"""Rest: what a worker does while no packets come in: it looks a little longer, then sleeps.

Where all that may bring packets has a descriptor (interfaces), it sleeps on those and wakes with the next packet;
else it naps, longer and longer, and looks again.

>>> from wirebrick.runtime.context import Context
>>> context = Context(burst=4, frame_size=60, ports=1, counters=1)
>>> Rest(context, "busy", rings=False).take()
>>> context[W_SPIN]
4096
"""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import Literal

from wirebrick.packet.frame import W_DUE, W_NOW, W_PACKETS_IN, W_RING_IN, W_SPIN
from wirebrick.runtime.context import Context

Poll = Literal["adaptive", "busy"]

SHORTEST, LONGEST = 50e-6, 1e-3  # seconds of a nap
SLEEP = 0.1  # seconds of sleep on descriptors: stopping and pausing wait for no longer
# Rounds without a packet before the driver comes back. Where rings join workers, a short wait for the next burst
# is the rule, and a nap costs more than it lasts; so does going to sleep between two packets of a flow.
SPINS_BUSY, SPINS_RINGS, SPINS_LIVE = 1 << 12, 1 << 9, 1 << 10


class Rest:
    """One worker's; ``poll``: ``"adaptive"``, or ``"busy"``: never. ``rings``: whether packets come by rings.

    ``descriptors``: that of each source, or None where it has none.
    """

    def __init__(
        self, context: Context, poll: Poll, rings: bool, descriptors: Sequence[int | None] = ()
    ) -> None:
        self._context = context
        self._busy = poll == "busy"
        self._rings = rings
        self._nap = SHORTEST
        self._received = 0  # packets received at the last rest
        known = [fd for fd in descriptors if fd is not None]
        self._wakes = bool(known) and len(known) == len(descriptors) and not rings
        self._spins = SPINS_RINGS if rings else SPINS_LIVE if known else 0
        self._poll: select.poll | None = None
        if known and not self._busy:
            self._poll = select.poll()
            for fd in known:
                self._poll.register(fd, select.POLLIN)
        context[W_SPIN] = SPINS_BUSY if self._busy else 0

    def watch(self, old: int, new: int) -> None:
        """A source has another descriptor now."""
        if self._poll is not None:
            self._poll.unregister(old)
            self._poll.register(new, select.POLLIN)

    def take(self, pending: bool = False) -> None:
        """Sleep for a moment; it is the shortest if packets came in since the last time.

        ``pending``: something is to be sent as soon as there is room for it.
        """
        if self._busy:
            return
        received = self._context[W_PACKETS_IN] + self._context[W_RING_IN]
        active = received != self._received
        self._received = received
        self._nap = SHORTEST if active else min(2 * self._nap, LONGEST)
        self._context[W_SPIN] = self._spins if active else 0
        if self._poll is None:
            time.sleep(self._nap)
        elif not active:
            self._sleep(self._nap if pending or not self._wakes else SLEEP)

    def _sleep(self, seconds: float) -> None:
        """Until a packet comes, an event is due, or time is up."""
        assert self._poll is not None
        due = self._context[W_DUE]
        if due:
            seconds = min(seconds, max(0.0, (due - self._context[W_NOW]) / 1e9))
        for _, event in self._poll.poll(max(1, round(seconds * 1e3))):
            if not event & select.POLLIN:
                # The interface is down or gone: the descriptor would wake us for ever.
                time.sleep(LONGEST)
