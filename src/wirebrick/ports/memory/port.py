"""The `memory:` port: made traffic, for tests and measurements.

``memory:size=64,flows=1024,count=1000000,proto=tcp:60/udp:40,imix,ipv6=0.2,vlan=5,seed=7,payload=random,gap=1000,ttl=64``
(every option may be left out; ``imix`` takes the place of ``size``). Traffic describes what each means; equal
options give equal packets, byte for byte.

>>> MemoryPort("memory:imix,count=1000").frame_size
1518
"""

from __future__ import annotations

import numpy as np

from wirebrick.errors import PortError
from wirebrick.ports.base import Port, Sink, Source
from wirebrick.ports.libc import address_of
from wirebrick.ports.memory import native, paced_native
from wirebrick.ports.memory.options import parse_options
from wirebrick.ports.memory.pace import Pace
from wirebrick.ports.memory.templates import Templates, make_templates
from wirebrick.ports.memory.traffic import START_TIME, Traffic


class MemorySource(Source):
    """One worker's share of the traffic."""

    def __init__(self, traffic: Traffic, worker: int, workers: int) -> None:
        # Imported here: describing traffic needs no compiler.
        from wirebrick.compiler.native import load_native

        if traffic.pace is None:
            self.receive = load_native("wirebrick.ports.memory.native", {"receive": 3})["receive"]
        else:
            functions = load_native("wirebrick.ports.memory.paced_native", {"receive_paced": 3})
            self.receive = functions["receive_paced"]
            self.live = True
        self._templates = make_templates(traffic, worker, workers)
        self._limit = _share(traffic, worker, workers)
        self._state = state_block(self._templates, traffic, self._limit, worker, workers)
        self.state = self._state.ctypes.data
        self.wire_length = self._templates.length

    def progress(self) -> tuple[int, int] | None:
        """Packets made and packets to make, or None where there is no end."""
        if self._limit == native.ENDLESS:
            return None
        return self._limit - int(self._state[native.S_LEFT // 8]), self._limit


class MemoryPort(Port):
    """``memory:`` with its options. Raises PortError where an option is unknown or wrong."""

    can_transmit = False

    def __init__(self, spec: str = "memory:") -> None:
        super().__init__(spec)
        self.traffic = parse_options(spec)

    @property
    def frame_size(self) -> int:
        """The longest packet it makes, in bytes."""
        return self.traffic.largest

    def splits(self, workers: int) -> bool:
        """Always: flows are shared out."""
        return True

    def source(self, worker: int, workers: int) -> Source:
        """Flows i with i % workers == worker and an equal part of the count (the first gets the rest)."""
        return MemorySource(self.traffic, worker, workers)

    def sink(self, worker: int, workers: int) -> Sink:
        """Refused: nothing can be sent into memory."""
        raise PortError(f"{self.spec!r}: memory: can't take packets", cure="use null: to throw them away")


def state_block(
    templates: Templates, traffic: Traffic, limit: int, worker: int = 0, workers: int = 1
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The state block of the native part: words as native.S_... name them. Keep ``templates`` as long.

    Timestamps of the workers interleave: packet k of worker w is number k * workers + w of the whole.
    """
    state = np.zeros(paced_native.PACED // 8, np.int64)
    buffer, index = templates.buffer.ctypes.data, templates.index.ctypes.data
    words = {
        native.S_LEFT: limit,
        native.S_TIME: START_TIME + worker * traffic.gap_ns,
        native.S_GAP: workers * traffic.gap_ns,
        native.S_FIRST: buffer,
        native.S_END: buffer + templates.buffer.nbytes,
        native.S_AT: buffer,
        native.S_LENGTH: templates.length,
        native.S_LINES: -(-templates.length // native.LINE),
        native.S_INDEX: index,
        native.S_INDEX_END: index + templates.index.nbytes,
        native.S_INDEX_AT: index,
    }
    if traffic.pace is not None:
        words |= _pace_words(traffic.pace, traffic.largest, min(workers, traffic.flows))
    for at, value in words.items():
        state[at // 8] = value
    return state


def _pace_words(pace: Pace, largest: int, workers: int) -> dict[int, int]:
    """What paces one of several workers."""
    return {
        paced_native.P_CLOCK: address_of("clock_gettime"),
        paced_native.P_FIRST: max(1, pace.first // workers),
        paced_native.P_LAST: max(1, pace.last // workers),
        paced_native.P_RAMP: pace.ramp,
        paced_native.P_BITS: int(pace.bits),
        paced_native.P_MOST: paced_native.cost(largest, int(pace.bits)),
    }


def _share(traffic: Traffic, worker: int, workers: int) -> int:
    """Packets this worker makes. Workers without a flow make none, and the others share what there is."""
    busy = min(workers, traffic.flows)
    if worker >= busy:
        return 0
    if traffic.count == 0:
        return native.ENDLESS
    return traffic.count // busy + (traffic.count % busy if worker == 0 else 0)
