"""Calls reassembly as a worker does, in CPython or compiled, and notes what the user's function is given."""

from __future__ import annotations

import ctypes

from wirebrick import FlowKey
from wirebrick.headers import TCP
from wirebrick.packet.memory import load64, store64
from wirebrick.state import reassembly_layout as layout
from wirebrick.state import reassembly_native as native
from wirebrick.state.reassembly import Reassembly

FUNCTIONS = {
    "reassembly_packet": 7,
    "reassembly_ready": 2,
    "reassembly_done": 3,
    "reassembly_due": 2,
    "reassembly_last": 1,
    "reassembly_make_room": 2,
    "reassembly_pending": 1,
}
FIN, SYN, RST = 1, 2, 4


def compiled_functions():
    from wirebrick.compiler.native import load_native

    return {
        name: ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * FUNCTIONS[name])(address)
        for name, address in load_native(native.__name__, FUNCTIONS).items()
    }


def key_of(number, protocol=6):
    return FlowKey(version=4, src=number + 1, dst=99, src_port=1000, dst_port=80, protocol=protocol)


class Driver:
    """``calls`` has (flow, offset, bytes, closed, gap); ``consume`` is the user's function's answer."""

    def __init__(self, size=0, slide=1, timeout=10**9, functions=None, consume=lambda data: -1, **options):
        self.state = Reassembly(size, slide, timeout, **options)
        self.state.allocate(1)
        self.block = self.state.blocks[0]
        store64(self.block + layout.R_KEY0, 1)
        store64(self.block + layout.R_KEY1, 2)
        self.do = functions or {name: getattr(native, name) for name in FUNCTIONS}
        self.consume = consume
        self.calls = []
        self.now = 0
        self.metas = []

    def tcp(self, number=0, seq=0, data=b"", flags=0, missing=0):
        header = bytes(TCP(seq=seq & 0xFFFFFFFF, fin=flags & FIN, syn=flags >> 1 & 1, rst=flags >> 2 & 1))
        return self._packet(key_of(number), header, data, missing)

    def udp(self, number=0, data=b"", missing=0):
        return self._packet(key_of(number, 17), b"", data, missing)

    def _packet(self, key, header, data, missing):
        memory = ctypes.create_string_buffer(header + data, len(header) + len(data) + 1)
        at = ctypes.addressof(memory)
        for _ in range(3):
            flow = self.do["reassembly_make_room"](self.block, key._at)
            if not flow:
                break
            self._windows(flow)
        else:
            raise AssertionError("no room is made")
        tcp, payload = (at if header else 0), at + len(header)
        flow = self.do["reassembly_packet"](self.block, key._at, tcp, payload, len(data), missing, self.now)
        if flow > 0:
            self._windows(flow)
        ctypes.memset(at, 0xEE, len(memory))  # the frame is used for another packet
        return flow

    def _windows(self, flow):
        for _ in range(3000):
            if not self.do["reassembly_ready"](self.block, flow):
                assert load64(flow + layout.F_PACKET_SIZE) == 0
                return
            size, offset, closed, gap = (
                load64(flow + word)
                for word in (layout.F_SIZE, layout.F_OFFSET, layout.F_CLOSED, layout.F_GAP)
            )
            data = ctypes.string_at(load64(flow + layout.F_DATA), size)
            key = FlowKey.at(flow + layout.F_KEY)
            start = load64(flow + layout.F_START)
            assert load64(flow + layout.F_NEXT_SEQ) == (start + offset) & 0xFFFFFFFF
            assert closed or self.do["reassembly_pending"](flow) >= size
            self.calls.append((key.src - 1, offset, data, closed, gap))
            if self.state.meta:
                self.metas.append(load64(flow + layout.F_META))
                store64(flow + layout.F_META, self.metas[-1] + 1)
            self.do["reassembly_done"](self.block, flow, self.consume(data))
        raise AssertionError("windows without end")

    def due(self, now):
        self.now = now
        for _ in range(1000):
            flow = self.do["reassembly_due"](self.block, now)
            if not flow:
                return
            self._windows(flow)
        raise AssertionError("due without end")

    def last(self):
        for _ in range(10000):
            flow = self.do["reassembly_last"](self.block)
            if not flow:
                return
            self._windows(flow)
        raise AssertionError("last without end")

    def total(self, name):
        return self.state.totals()[name]

    def text(self, number=0):
        """The bytes of a stream, as a function that consumes all was given them."""
        return b"".join(data for flow, _, data, _, _ in self.calls if flow == number)
