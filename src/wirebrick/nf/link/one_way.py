"""One direction of a link: packets go through a queue, then over the line."""

from __future__ import annotations

from wirebrick.fields import U64
from wirebrick.nf.link.jitter import STEPS, delays
from wirebrick.nf.link.settings import OneWay
from wirebrick.packet.packet import Packet
from wirebrick.state.array import Array
from wirebrick.state.consistency import PARTITIONED, Strict
from wirebrick.state.counter import Counter
from wirebrick.state.random import Random
from wirebrick.state.record import Record
from wirebrick.stream.stream import Stream

BIT = 8 * 10**9  # nanoseconds that a byte takes at one bit a second


class Sender(Record):
    """The end where packets wait to be sent: until when it is busy, in nanoseconds and parts of one."""

    free: U64
    part: U64


class Line(Record):
    """What is on the way: when the last packet arrives, and whether it is in its bad state."""

    last: U64
    bad: U64


class Direction:
    """Builds a direction; its counters are read when the run has ended."""

    def __init__(self, way: OneWay, seed: int) -> None:
        self.way = way
        self.duplicated = Counter("packets duplicated")
        self.corrupted = Counter("packets corrupted")
        self.reordered = Counter("packets that went first")
        self._random = Random(seed)

    def build(self, packets: Stream) -> Stream:
        """The stream of what arrives."""
        way, random = self.way, self._random
        duplicated, corrupted = self.duplicated, self.corrupted

        def twice(packet: Packet) -> bool:
            if random.happens(way_duplicate):
                duplicated.add()
                return True
            return False

        def flip(packet: Packet) -> None:
            size = len(packet.payload)
            if size > 0 and random.happens(way_corrupt):
                at = random.below(size)
                packet.payload.put_u8(at, packet.payload.u8(at) ^ (1 << random.below(8)))
                corrupted.add()

        way_duplicate, way_corrupt = way.duplicate, way.corrupt
        if way.duplicate:
            packets = packets.duplicate(twice)
        if way.corrupt:
            packets = packets.transform(flip, checksums=False)
        return self._line(packets)

    def _line(self, packets: Stream) -> Stream:
        """When each packet arrives, if it does."""
        way, random, reordered = self.way, self._random, self.reordered
        rate, overhead, queue = way.rate, way.overhead, way.queue
        loses, loss, bad, good, loss_bad = way.loses, way.loss, way.bad, way.good, way.loss_bad
        delay, jitter, reorder = way.delay, way.jitter, way.reorder
        keep = way.ordered and jitter > 0
        senders = Array(Sender, 1, consistency=Strict() if rate else PARTITIONED)
        lines = Array(Line, 1)
        drawn = Array(U64, values=delays(delay, jitter, way.distribution) if jitter else [delay])

        def arrival(packet: Packet) -> int | None:
            at = packet.timestamp
            if rate:
                sender = senders[0]
                part = sender.part
                if sender.free > at:
                    if sender.free - at > queue:
                        packet.drop("queue_full")
                        return None
                    at = sender.free
                else:
                    part = 0
                part += (packet.length + overhead) * BIT
                at += part // rate
                sender.free = at
                sender.part = part % rate
            line = lines[0]
            if loses:
                likely = loss
                if bad:
                    if line.bad:
                        if random.happens(good):
                            line.bad = 0
                    elif random.happens(bad):
                        line.bad = 1
                    if line.bad:
                        likely = loss_bad
                if random.happens(likely):
                    packet.drop("lost")
                    return None
            if reorder and random.happens(reorder):
                reordered.add()
                return at
            if jitter:
                at += drawn[random.below(STEPS)]
            else:
                at += delay
            if keep:
                if at < line.last:
                    at = line.last
                line.last = at
            return at

        return packets.hold(arrival, way.limit, reason="limit")
