"""Network functions with events, and what a run of them leaves, for the tests of events."""

from __future__ import annotations

from dataclasses import asdict

import wirebrick
from wirebrick import Array, Bounded, Counter, FlowKey, Record, Table, after, every, network_function
from wirebrick.fields import U64
from wirebrick.headers import TCP, UDP, Ethernet, IPv4, IPv6

SECOND = 1_000_000_000
IPV4 = bytes.fromhex("4500002000000000401100000a0000010a000002")
BEACON = bytes(12) + b"\x08\x00" + IPV4 + bytes.fromhex("00010002000c0000") + b"ping"
BEACON6 = (
    bytes(12)
    + b"\x86\xdd"
    + bytes.fromhex("60000000001606ff")
    + bytes(15)
    + b"\1"
    + bytes(15)
    + b"\2"
    + bytes.fromhex("00500051 00000000 00000000 5002ffff 0000 0000")
    + b"hi"
)
INSIDE = []  # the state of the NF that was built last


class Seen(Record):
    packets: U64
    last: U64


def fold(value):
    return value % 1000


def note(event, log, at):
    """A helper that gets the event."""
    log[at] = event.now
    return event.late


@network_function
def busy(packets, *, period: float = 1.0):
    """Several events with state, tables, made packets, helpers and loops."""
    log = Array(U64, 8)
    flows = Table(FlowKey, Seen, capacity=64, idle_timeout=period)
    ticks = Counter("ticks")
    INSIDE[:] = [log, ticks, flows]

    def count(packet):
        seen = flows[packet.flow()]
        seen.packets += 1
        seen.last = packet.timestamp

    def tick(event):
        ticks.add(1)
        log[0] = log[0] * 31 + fold(event.now)
        log[1] += note(event, log, 2)
        log[3] += flows.expire(64)

    def often():
        for i in range(3):
            log[4] += i
        log[0] = log[0] * 17 + 1

    def beacon(event):
        packet = event.make(BEACON, Ethernet, IPv4, UDP)
        packet[IPv4].identification = log[0]
        packet.header.src_port = fold(event.now)
        packet.payload[0] = log[4] & 0xFF
        twin = packet.copy()
        twin[IPv4].ttl -= 1
        if log[0] & 1:
            packet.send("out")
        else:
            packet.drop("odd")
        twin.send("out")

    def once(event):
        log[5] = event.now
        packet = event.make(BEACON6, Ethernet, IPv6, TCP)
        packet.header.seq = 77
        packet.payload.put_u16(0, 0x4142)
        packet.send("out")

    every(period, tick)
    every(period / 3, often)
    every(period * 1.5, beacon)
    after(period * 2, once)
    return packets.parse(Ethernet).parse(IPv4).transform(count)


def stamp(event, packet, number):
    """A helper that gets the event and a packet it made."""
    packet[IPv4].identification = number
    if event.late > SECOND:
        packet[IPv4].dscp = 1
    return event.now // SECOND


@network_function
def shapes(packets):
    """Packets made in loops and branches, the event by another name, a helper that ends nothing."""
    log = Array(U64, 4, consistency=Bounded(staleness=1e-6))
    INSIDE[:] = [log]

    def burst(event):
        same = event
        for number in range(3):
            packet = same.make(BEACON, Ethernet, IPv4, UDP)
            log[number] += stamp(same, packet, number)
            if number == 1:
                packet.drop("middle")
                continue
            packet.payload.put_u32(0, log[number])
            packet.send("out")
        if log[0] % 2 == 0:
            plain = event.make(b"no header in it")
            plain.payload[0] = log[0] & 0xFF
            plain.send("out")
        else:
            six = event.make(BEACON6, Ethernet, IPv6)
            six.header.hop_limit -= 1
            log[3] += six.length + six.timestamp - event.now
            six.send("out")
        return None

    every(1.0, burst)
    return packets


@network_function
def faulty(packets):
    """Events that fail in each way, some with packets in hand."""
    log = Array(U64, 4)
    INSIDE[:] = [log]

    def index(event):
        packet = event.make(BEACON, Ethernet)
        twin = packet.copy()
        log[0] += 1
        log[log[0] + 3] = 1
        packet.send("out")
        twin.send("out")

    def endless():
        log[1] += 1
        while log[1] > 0:
            log[2] += 1

    def division():
        log[3] = 1 // (log[3] - log[3])

    def raising(event):
        packet = event.make(BEACON, Ethernet)
        packet.send("out")
        if event.late >= 0:
            raise ValueError

    every(1.0, index)
    every(7.0, endless)
    every(1.0, division)
    every(2.0, raising)
    return packets


@network_function
def flood(packets):
    """An event that makes more packets than there is room for."""
    INSIDE[:] = []

    def too_many(event):
        for _ in range(10_000):
            packet = event.make(BEACON)
            packet.send("out")

    after(3.0, too_many)
    return packets


def udp(source: int, size: int = 60) -> bytes:
    """A frame of UDP from 10.0.0.``source``."""
    ip = bytearray(IPV4)
    ip[15] = source
    return (bytes(12) + b"\x08\x00" + bytes(ip) + bytes.fromhex("00010002000c0000")).ljust(size, b"x")


def left_by(nf, packets, *, interpret: bool, burst: int | None = None, workers: int = 1):
    """Everything that a run left: output, counts, state."""
    result = wirebrick.run(nf, rx=packets, interpret=interpret, burst=burst, workers=workers)
    state = []
    for one in INSIDE:
        if isinstance(one, Array):
            state.append(one.totals())
        elif isinstance(one, Counter):
            state.append(one.value)
        else:
            state.append(sorted((bytes(key), seen.packets, seen.last) for key, seen in one.items()))
    counts = (result.packets_in, result.packets_out, result.packets_dropped, result.packets_copied)
    return (
        [packet.hex() for packet in result.packets],
        counts,
        result.packets_made,
        result.drops,
        result.nfs,
        [asdict(event) for event in result.events],
        state,
    )
