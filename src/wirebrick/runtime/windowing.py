"""window and packetize in the interpreter: the native parts as they are, in CPython."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wirebrick.headers.ipv4 import IPv4
from wirebrick.headers.ipv6 import IPv6
from wirebrick.headers.tcp import TCP
from wirebrick.packet.faults import REASONS as FAULTS
from wirebrick.packet.faults import ROOM, Fault, code_of
from wirebrick.packet.flow_key import flow_key
from wirebrick.packet.frame import W_NOW, W_USED
from wirebrick.packet.memory import load64, store64
from wirebrick.packet.packet import Packet
from wirebrick.packet.window_view import WindowView
from wirebrick.runtime.plan import WINDOW, scope_name
from wirebrick.state.base import worker
from wirebrick.state.reassembly_flows_native import reassembly_make_room
from wirebrick.state.reassembly_give_native import reassembly_discard, reassembly_keep
from wirebrick.state.reassembly_index_native import stream_find, stream_hash
from wirebrick.state.reassembly_layout import F_BASE, F_CLOSED, F_KEY, F_NEXT_SEQ, F_REACHED, F_SIZE, F_START
from wirebrick.state.reassembly_native import (
    reassembly_done,
    reassembly_due,
    reassembly_last,
    reassembly_ready,
)
from wirebrick.state.reassembly_segment_native import reassembly_packet
from wirebrick.state.rewrite_layout import R_EMIT, R_END
from wirebrick.state.rewrite_layout import REASONS as REFUSED
from wirebrick.state.rewrite_native import (
    rewrite_accept,
    rewrite_arrive,
    rewrite_commit,
    rewrite_emit,
    rewrite_find,
    rewrite_hold,
    rewrite_leave,
    rewrite_room,
)
from wirebrick.stream.packetize import Packetize
from wirebrick.stream.stream import Stream
from wirebrick.stream.window import Window

if TYPE_CHECKING:
    from wirebrick.runtime.operators import Done, On


class Windowing:
    """One window, and the packetize behind it if it does not forward; ``function`` is prepared.

    ``count(scope, kind, reason)`` counts faults that no packet is lost by.
    """

    def __init__(self, node: Window, function: Callable[..., Any], count: Callable[..., None]) -> None:
        self._node = node
        self._function = function
        self._count = count
        self._tcp = node.inputs[0].headers[-1] is TCP
        self._maker = node.maker
        self._stream = 0  # the direction whose bytes are emitted

    def __call__(self, packet: Packet, stream: Stream) -> On | Done:
        """Take a packet in, and call the function with what is ready then."""
        from wirebrick.runtime.operators import On

        block, now = self._node.state.current(), packet.timestamp
        start, last = packet._descriptor.data, packet._layers[-1]
        key = flow_key(start, packet._layers)
        self._late(lambda: reassembly_due(block, now))
        self._late(lambda: reassembly_make_room(block, key._at), final=True)
        size = last.end - last.begin
        if self._maker is not None:
            return self._rewrite(packet, self._maker, key._at, size, now)
        tcp = start + last.start if self._tcp else 0
        flow = reassembly_packet(block, key._at, tcp, start + last.begin, size, last.wire - last.end, now)
        if flow > 0:
            self._forward(block, flow)
        return On(self._node.outputs[0])

    def finish(self, context: int) -> None:
        """At the end of a run: every stream gives what it has."""
        block = self._node.state.current()
        worker.now = load64(context + W_NOW)
        self._late(lambda: reassembly_last(block), final=True)

    def _late(self, next_flow: Callable[[], int], final: bool = False) -> None:
        """Calls that no packet asked for."""
        block = self._node.state.current()
        while flow := next_flow():
            try:
                if self._maker is None:
                    self._forward(block, flow)
                elif final:
                    reassembly_discard(block, flow)
                else:
                    known = self._maker.state.current()
                    self._stream = rewrite_find(known, flow + F_KEY)
                    self._give(block, flow)
            except Exception as error:
                self._count(scope_name(self._node), WINDOW, FAULTS[code_of(error)])

    def _forward(self, block: int, flow: int) -> None:
        """Give all that is ready; the last failure is raised when that is done."""
        failure: Exception | None = None
        while reassembly_ready(block, flow):
            consumed = -1
            try:
                consumed = self._call(flow, None)
            except Exception as error:
                failure = error
            reassembly_done(block, flow, consumed)
        if failure is not None:
            raise failure

    def _give(self, block: int, flow: int) -> None:
        """Give what is ready while there is room for what comes of it."""
        assert self._maker is not None
        known, stream = self._maker.state.current(), self._stream
        while stream > 0 and reassembly_ready(block, flow):
            room = rewrite_room(known, stream)
            if not room:
                reassembly_keep(block, flow)
                return
            skip = rewrite_accept(known, stream, load64(flow + F_NEXT_SEQ), load64(flow + F_CLOSED))
            if skip != 0:
                reassembly_done(block, flow, min(skip, load64(flow + F_SIZE)))
                continue
            whole, closed = load64(flow + F_SIZE), load64(flow + F_CLOSED)
            last = (load64(flow + F_NEXT_SEQ) + whole) & 0xFFFFFFFF
            given = whole
            if not self._node.state.size and not closed:
                given = min(whole, room)
            store64(flow + F_SIZE, given)
            try:
                used = self._call(flow, self._emit)
            except Exception:
                store64(stream + R_EMIT, load64(stream + R_END))
                store64(flow + F_SIZE, whole)
                reassembly_keep(block, flow)
                raise
            store64(flow + F_SIZE, whole)
            if used < 0 and not self._node.state.size:
                used = given
            reassembly_done(block, flow, used)
            if not closed:  # the slot of a closed stream may be another's by now
                last = (load64(flow + F_START) + load64(flow + F_BASE)) & 0xFFFFFFFF
            rewrite_commit(known, stream, last, closed)

    def _call(self, flow: int, emit: Any) -> int:
        """The user's function; how many bytes it is done with, or -1."""
        view = WindowView(flow, self._node.schema, emit)
        result = self._function(view)
        if result is None:
            return -1
        consumed = operator.index(result)
        if not 0 <= consumed <= len(view.data):
            raise IndexError(f"done with {consumed} of {len(view.data)} bytes")
        return consumed

    def _emit(self, at: int, size: int) -> None:
        assert self._maker is not None
        if rewrite_emit(self._maker.state.current(), self._stream, at, size) < 0:
            raise Fault(ROOM)

    def _rewrite(self, packet: Packet, maker: Packetize, key: int, size: int, now: int) -> On | Done:
        """A packet whose bytes the function may replace; packets made of what it emits follow it."""
        from wirebrick.runtime.operators import Done, On

        known, block = maker.state.current(), self._node.state.current()
        start, last = packet._descriptor.data, packet._layers[-1]
        ip = next(layer for layer in reversed(packet._layers) if layer.header in (IPv4, IPv6))
        stream = rewrite_arrive(known, key, start + ip.start, start + last.start, size, now)
        if stream == 0:
            return On(self._node.outputs[0])
        extra = stream
        made: list[Packet] = []
        if stream > 0:
            tcp = start + last.start if self._tcp else 0
            missing = last.wire - last.end
            flow = reassembly_packet(block, key, tcp, start + last.begin, size, missing, now)
            if flow <= 0:  # it brought nothing, but what is kept may have room now
                flow = stream_find(block, key, stream_hash(block, key))
            if flow > 0:
                self._stream = stream
                try:
                    self._give(block, flow)
                finally:
                    rewrite_hold(known, stream, load64(flow + F_START) + load64(flow + F_REACHED))
            context = packet._context
            first = load64(context + W_USED)
            extra = rewrite_leave(known, stream, context, packet._position, ip.start, last.start, last.begin)
            for position in range(first, first + max(0, extra)):
                other = Packet(context, position, packet._ports, packet._ender)
                other._layers = [layer.copy() for layer in packet._layers]
                other._pending = dict(packet._pending)
                made.append(other)
            for one in (packet, *made):
                one._metadata = None
                for layer in one._layers:
                    layer.end = layer.wire = one._descriptor.length
        if extra < 0:
            return Done("drop", REFUSED[extra])
        return On(self._node.outputs[0], made=tuple(made))
