"""Holds beside a plain Python model: NFs that stamp packets with the time they go on, and what must come of them."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from wirebrick import Stream, network_function

LENGTH = 60  # bytes of a packet: what it asks for in the first eight, then room for two stamps


@dataclass(frozen=True)
class Ask:
    """A packet that comes at ``time`` and asks to be held for ``first``, then for ``second`` nanoseconds."""

    time: int
    first: int
    second: int = 0
    number: int = 0

    @property
    def frame(self) -> bytes:
        """Its bytes."""
        parts = (self.first, self.second, self.number)
        return b"".join(part.to_bytes(8, "big") for part in parts) + bytes(LENGTH - 24)


def asks(packets: list[tuple[int, ...]]) -> list[Ask]:
    """Packets of (nanoseconds behind the one before, first, second)."""
    found, now = [], 1_000_000
    for number, (gap, *wanted) in enumerate(packets):
        now += gap
        found.append(Ask(now, *wanted, number=number))
    return found


@network_function
def held_once(packets: Stream, *, capacity: int = 4096) -> Stream:
    """Hold each packet as long as it asks, then stamp it."""

    def until(packet):
        return packet.timestamp + packet.payload.u64(0)

    def stamp(packet):
        packet.payload.put_u64(24, packet.timestamp)

    return packets.transform(lambda packet: None).hold(until, capacity).transform(stamp)


@network_function
def held_twice(packets: Stream, *, capacity: int = 4096) -> Stream:
    """Hold each packet twice, and stamp it with both times."""

    def once(packet):
        return packet.timestamp + packet.payload.u64(0)

    def twice(packet):
        return packet.timestamp + packet.payload.u64(8)

    def stamp(packet):
        packet.payload.put_u64(24, packet.timestamp)

    def stamp_again(packet):
        packet.payload.put_u64(32, packet.timestamp)

    return packets.hold(once, capacity).transform(stamp).hold(twice, capacity).transform(stamp_again)


def model(packets: list[Ask], capacity: int = 4096, holds: int = 1) -> tuple[list[tuple[int, ...]], int]:
    """Numbers and stamps in the order in which packets leave, and how many found no room."""
    waiting: list[tuple[int, int, int, Ask, int]] = []
    left: list[tuple[int, ...]] = []
    state = {"order": 0, "clock": 0, "lost": 0}
    room = [capacity] * holds

    def go(ask: Ask, now: int, stage: int, first: int) -> None:
        state["clock"] = max(state["clock"], now)
        while stage < holds:
            until = now + (ask.first, ask.second)[stage]
            if until > state["clock"]:
                if room[stage] == 0:
                    state["lost"] += 1
                    return
                room[stage] -= 1
                heapq.heappush(waiting, (until, state["order"], stage, ask, first))
                state["order"] += 1
                return
            first = now if stage == 0 else first
            stage += 1
        left.append((ask.number, first, now)[: 1 + holds] if holds == 2 else (ask.number, now))

    def release(now: int) -> None:
        while waiting and waiting[0][0] <= now:
            time, _, stage, ask, first = heapq.heappop(waiting)
            room[stage] += 1
            go(ask, time, stage + 1, time if stage == 0 else first)

    for ask in packets:
        release(ask.time)
        go(ask, ask.time, 0, 0)
    release(1 << 62)
    return left, state["lost"]
