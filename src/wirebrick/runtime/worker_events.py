"""Events in interpreted workers: the same clock as in compiled code, with the user functions as they are."""

from __future__ import annotations

import ctypes
from bdb import BdbQuit
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wirebrick.headers.header import Header
from wirebrick.packet.body import Fate
from wirebrick.packet.faults import ROOM, Fault, code_of
from wirebrick.packet.frame import D_TIME, W_NOW
from wirebrick.packet.make import make_packet
from wirebrick.packet.memory import load64
from wirebrick.packet.packet import Packet
from wirebrick.packet.template import template_of
from wirebrick.runtime.plan import COPY_LOST, MADE_LOST, Plan
from wirebrick.state import timers_native as native
from wirebrick.state.base import worker
from wirebrick.state.timers import Timers
from wirebrick.stream.events import Event

Function = Callable[..., Any]


@dataclass(frozen=True)
class Way:
    """Where packets that events make go: ``count(packet, scope, kind, reason)`` and ``transmit(packet, port)``."""

    plan: Plan
    count: Callable[..., None]
    transmit: Callable[[Packet, int], None]


class Call:
    """What the function of a worker's event gets: ``now``, ``late`` and ``make``; times in nanoseconds."""

    def __init__(
        self, context: int, moment: int, event: Event, own: frozenset[type[Header]], way: Way
    ) -> None:
        self.now = load64(moment + D_TIME)
        self.late = load64(moment + native.MOMENT_LATE)
        self._context = context
        self._event = event
        self._own = own
        self._way = way
        self._made: list[Packet] = []

    def make(self, data: bytes, *headers: type[Header]) -> Packet:
        """A new packet of constant bytes, ``headers`` parsed; it must be sent or dropped."""
        template = template_of(data, headers)
        position = make_packet(self._context, len(template.data), self.now)
        if position < 0:
            raise Fault(ROOM)
        packet = Packet(self._context, position, self._way.plan.ports, self)
        ctypes.memmove(packet._descriptor.data, template.data, len(template.data))
        packet._layers = [layer.copy() for layer in template.layers]
        packet._begin(True, True, self._own)
        packet._copied = True  # its end takes effect at once
        self._made.append(packet)
        return packet

    def end_copy(self, copy: Packet, fate: Fate) -> None:
        """Send or drop a packet that was made, or a copy of one."""
        kind, detail = fate
        scope = self._event.scope.name
        if kind == "send":
            self._way.count(copy, scope, "sent")
            self._way.transmit(copy, self._way.plan.port(detail))
        else:
            self._way.count(copy, scope, "drop", detail)

    def finish(self) -> None:
        """Drop what the function left behind."""
        for made in self._made:
            if made._fate is None:
                made.drop(MADE_LOST)
            for copy in made._copies:
                if copy._fate is None:
                    copy.drop(COPY_LOST)


class WorkerEvents:
    """The events of one interpreted worker; ``functions`` and ``own`` are in the order of ``timers.events``."""

    def __init__(
        self, timers: Timers, functions: list[Function], own: list[frozenset[type[Header]]], way: Way
    ) -> None:
        self.timers = timers
        self._functions = functions
        self._own = own
        self._way = way
        self._idle = False

    def begin(self, context: int) -> None:
        """Before a burst."""
        self._idle = native.timers_begin(context, self.timers.current()) != 0

    def before(self, context: int, time: int) -> None:
        """Before a packet of a time: what is due by it is called."""
        if time >= load64(self.timers.current() + native.T_DUE):
            self._call_due(context, time)

    def end(self, context: int, complete: bool) -> int:
        """Behind the packets of a burst, all of them if ``complete``: an idle worker calls what is due by its clock.

        Returns when the next event is due.
        """
        if self._idle and complete:
            self._call_due(context, load64(context + W_NOW))
        return load64(self.timers.current() + native.T_DUE)

    def _call_due(self, context: int, now: int) -> None:
        block = self.timers.current()
        native.timers_catch_up(block, now)
        number = native.timers_next(block, now)
        while number >= 0:
            self._call(context, number, native.timers_take(block, number, now))
            number = native.timers_next(block, now)
        native.timers_end(context, block, now)

    def _call(self, context: int, number: int, moment: int) -> None:
        event = self.timers.events[number]
        call = Call(context, moment, event, self._own[number], self._way)
        worker.now = call.now
        try:
            self._functions[number](*([call] if event.takes_event else []))
        except BdbQuit:
            raise
        except Exception as error:
            native.timers_fault(self.timers.current(), number, code_of(error))
        finally:
            call.finish()
