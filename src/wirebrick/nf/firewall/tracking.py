"""Tracking: the firewall's stateful mode. What belongs to a connection passes; the rules judge what begins one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from wirebrick.durations import nanoseconds
from wirebrick.errors import ParameterError
from wirebrick.fields import U8, U16, U32, U64, IPv6Address
from wirebrick.nf.firewall.rows import DEFAULT_DENIED, PASS
from wirebrick.packet.packet import Packet
from wirebrick.state import connections_layout as layout
from wirebrick.state.connections import LONGEST, Connections
from wirebrick.state.record import Record
from wirebrick.state.table import Table
from wirebrick.stream.events import every
from wirebrick.stream.graph import at_end
from wirebrick.stream.merge import merge
from wirebrick.stream.stream import Stream

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report

Judge = Callable[[Packet], int]

INVALID, OUT_OF_WINDOW, UNRELATED, FRAGMENT, FULL = range(DEFAULT_DENIED + 1, DEFAULT_DENIED + 6)
REASONS = ("invalid", "out_of_window", "unrelated", "fragment", "connections_full")
GROUPS = DEFAULT_DENIED + 1 + len(REASONS)

FRAGMENTED = 4096  # packets whose first fragment is remembered, in each worker
REASSEMBLY = 30_000_000_000  # ns that fragments may take: what Linux waits for them
SWEEPS = 60  # seconds for all connections to be looked at: have they expired?
MOST = 1 << 28  # connections
MIX = 0x9E3779B97F4A7C15
WORD = (1 << 64) - 1


class FragmentKey(Record):
    """Fragments with the same key are of one packet (RFC 791, 3.2; RFC 8200, 4.5)."""

    src: IPv6Address
    dst: IPv6Address
    identification: U32
    protocol: U8  # 0: IPv6
    version: U8


class FirstFragment(Record):
    """Of a packet whose first fragment has passed: ``end``, its bytes; ``until``, when others must be there (ns)."""

    until: U64
    end: U16


class Tracking:
    """What the stateful mode needs, made while the firewall is built; ``loose``, ``timeouts``: see Connections.

    Raises ParameterError.
    """

    def __init__(self, *, capacity: int, loose: bool, timeouts: dict[str, float]) -> None:
        _check(capacity, timeouts)
        self.connections = Connections(capacity=capacity, loose=loose, timeouts=timeouts)
        self._fragments = Table(
            FragmentKey, FirstFragment, capacity=FRAGMENTED, idle_timeout=REASSEMBLY / 1e9
        )
        self._sweep()
        at_end(self._report)

    def judged(self, streams: list[Stream], judge: Judge, version: int) -> list[Stream]:
        """Streams of IP packets (parsed) that pass, are denied by a rule, and by default; others are dropped.

        ``streams``: by their number of tags. Where no packet changes its worker, known connections are looked up
        in each of them, as places in the packet are constants there.
        """
        known, rest = [], []
        for stream in streams if streams[0].graph.alone else [merge(*streams)]:
            near = stream.shuffle(_hosts_v4 if version == 4 else _hosts_v6)
            if version == 4:
                near, passes = near.group_by(2, self._known())
                known.append(passes)
            rest.append(near)
        groups = merge(*rest).group_by(GROUPS, self._guard(judge, version))
        for reason, dropped in zip(REASONS, groups[DEFAULT_DENIED + 1 :], strict=True):
            dropped.drop(reason)
        return [merge(*known, groups[PASS]), *groups[PASS + 1 : DEFAULT_DENIED + 1]]

    def _known(self) -> Judge:
        """The function that says whether an IPv4 packet belongs to a known connection, and passes: 1 or 0."""
        connections = self.connections

        def known(packet: Packet) -> int:
            ip = packet.header
            whole = ip.fragment_offset == 0 and not ip.more_fragments
            size = ip.claimed_payload()
            if whole and connections.known(ip.src, ip.dst, ip.protocol, packet.payload, size):
                return 1
            return 0

        return known

    def _guard(self, judge: Judge, version: int) -> Judge:
        """The function that finds the verdict on a packet."""
        connections, fragments = self.connections, self._fragments
        invalid, untracked, new, passes = layout.INVALID, layout.UNTRACKED, layout.NEW, layout.PASS
        fragment_key = _fragment_key_v4 if version == 4 else _fragment_key_v6

        def later(packet: Packet) -> int:
            """A fragment behind the first passes if that did, and it covers nothing of it."""
            key = fragment_key(packet)
            if key in fragments:
                first = fragments[key]
                if packet.timestamp < first.until and packet.header.fragment_offset * 8 >= first.end:
                    return PASS
            return FRAGMENT

        def first_passes(packet: Packet) -> None:
            first = fragments[fragment_key(packet)]
            first.until = packet.timestamp + REASSEMBLY
            first.end = len(packet.payload)

        def guard(packet: Packet) -> int:
            ip = packet.header
            if ip.fragment_offset != 0:
                return later(packet)
            more = ip.more_fragments
            found = connections.track(packet.flow(), packet.payload, ip.claimed_payload(), more)
            verdict = PASS
            if found in (new, untracked):
                verdict = judge(packet)
                if verdict == PASS and found == new and not connections.open():
                    return FULL
            elif found != passes:
                return INVALID + found - invalid
            if more and verdict == PASS:
                first_passes(packet)
            return verdict

        return guard

    def _sweep(self) -> None:
        """Look for connections that have expired."""
        connections = self.connections
        most = connections.slots // SWEEPS + 1

        def expire() -> None:
            connections.expire(most)

        every(1.0, expire)

    def _report(self) -> Report:
        from wirebrick import Report

        of = self.connections
        columns = ("at the end", "opened", "expired", "half-open, gave way", "refused")
        return Report("connections", columns, [(of.entries, of.opened, of.expired, of.pushed, of.refused)])


def _check(capacity: int, timeouts: dict[str, float]) -> None:
    if type(capacity) is not int or not 1 <= capacity <= MOST:
        cure = f"give a whole number from 1 to {MOST}"
        raise ParameterError(f"the firewall's connections can't be {capacity!r}", cure=cure)
    for name, seconds in timeouts.items():
        time = nanoseconds(seconds)
        if time is None or time > LONGEST:
            cure = f"give seconds, more than 0 and up to {LONGEST // 10**9:,}"
            raise ParameterError(f"the firewall's {name} can't be {seconds!r}", cure=cure)


def _fragment_key_v4(packet: Packet) -> FragmentKey:
    ip = packet.header
    return FragmentKey(
        src=ip.src, dst=ip.dst, identification=ip.identification, protocol=ip.protocol, version=4
    )


def _fragment_key_v6(packet: Packet) -> FragmentKey:
    ip = packet.header
    return FragmentKey(src=ip.src, dst=ip.dst, identification=ip.identification, version=6)


def _hosts_v4(packet: Packet) -> int:
    """The worker for a packet: by its addresses, both ways alike; of an ICMP error by those that it quotes."""
    ip, payload = packet.header, packet.payload
    hosts = ip.src ^ ip.dst
    if ip.protocol == 1 and ip.fragment_offset == 0 and len(payload) >= 28:
        kind = payload.u8(0)
        if 3 <= kind <= 5 or kind == 11 or kind == 12:
            hosts = payload.u32(20) ^ payload.u32(24)
    return _spread(hosts)


def _hosts_v6(packet: Packet) -> int:
    """The same of IPv6."""
    ip, payload = packet.header, packet.payload
    both = ip.src ^ ip.dst
    hosts = (both >> 64) ^ (both & WORD)
    if ip.protocol == 58 and ip.fragment_offset == 0 and len(payload) >= 48 and payload.u8(0) < 128:
        hosts = payload.u64(16) ^ payload.u64(24) ^ payload.u64(32) ^ payload.u64(40)
    return _spread(hosts)


def _spread(hosts: int) -> int:
    return (hosts * MIX & WORD) >> 32
