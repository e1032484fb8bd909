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
from wirebrick.ports.base import Source
from wirebrick.runtime.context import Context
from wirebrick.runtime.driver_native import SOON

Poll = Literal["adaptive", "busy"]

SHORTEST, LONGEST = 50e-6, 1e-3  # seconds of a nap
LONGEST_LIVE = 2e-3  # where only a device can bring packets: a thousand looks a second are 3 % of a core
_SELECTABLE = 1024  # select() takes descriptors below this number
SLEEP = 0.1  # seconds of sleep on descriptors: stopping and pausing wait for no longer
# Rounds without a packet before the driver comes back. Where rings join workers, a short wait for the next burst
# is the rule, and a nap costs more than it lasts; so does going to sleep between two packets of a flow.
SPINS_BUSY, SPINS_RINGS, SPINS_LIVE = 1 << 12, 1 << 9, 1 << 11


class Rest:
    """One worker's; ``poll``: ``"adaptive"``, or ``"busy"``: never. ``rings``: whether packets come by rings.

    ``sources``: where else they come from.
    """

    def __init__(self, context: Context, poll: Poll, rings: bool, sources: Sequence[Source] = ()) -> None:
        self._context = context
        self._busy = poll == "busy"
        self._rings = rings
        self._sources = sources
        self._live = any(source.live for source in sources)
        self._nap = SHORTEST
        self._received = 0  # packets received at the last rest
        self._longest = LONGEST_LIVE if self._live and not rings else LONGEST
        self._spins = SPINS_RINGS if rings else SPINS_LIVE if self._live else 0
        context[W_SPIN] = SPINS_BUSY if self._busy else 0

    def take(self, pending: bool = False) -> None:
        """Sleep for a moment; it is the shortest if packets came in since the last time.

        ``pending``: something is to be sent as soon as there is room for it.
        """
        if self._busy:
            return
        received = self._context[W_PACKETS_IN] + self._context[W_RING_IN]
        active = received != self._received
        self._received = received
        self._nap = SHORTEST if active else min(2 * self._nap, self._longest)
        self._context[W_SPIN] = self._spins if active else 0
        if not self._live:
            time.sleep(self._nap)
        elif not active:
            self._sleep(pending)

    def _sleep(self, pending: bool) -> None:
        """Until a packet comes, an event is due, or time is up.

        Nobody waits on the descriptors but during this: the kernel would look after whoever waits, for each packet.
        """
        sleepers = [source.descriptors() for source in self._sources]
        known = [one for one in sleepers if one is not None]
        wakes = len(known) == len(sleepers) and not self._rings and not pending
        seconds = SLEEP if wakes else self._nap
        due = self._context[W_DUE]
        if due:
            seconds = min(seconds, max(0.0, (due - self._context[W_NOW] - SOON) / 1e9))
        if not wakes:
            time.sleep(seconds)
            return
        descriptors = [one for several in known for one in several]
        waiting = select.poll()
        for descriptor in descriptors:
            waiting.register(descriptor, select.POLLIN)
        if seconds < SLEEP and max(descriptors, default=0) < _SELECTABLE:
            # Something is due: select() tells time in microseconds, poll() in milliseconds only.
            ready = select.select(descriptors, [], [], seconds)[0]
            seconds = 0.0
            if not ready:
                return
        for _, event in waiting.poll(round(seconds * 1e3)):
            if not event & select.POLLIN:
                # The interface is down or gone: the descriptor would wake us for ever.
                time.sleep(LONGEST)
