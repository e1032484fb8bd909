"""An end of a TCP connection, for tests: handshake, sliding window, Reno, delayed acknowledgements, persist timer.

Offsets count from the SYN (0); the data's first byte has offset 1. Times are in seconds.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field

from tcp_packets import ACK, FIN, PSH, RST, SYN, Segment, find_option

RTO = 0.2
IDLE = 1e9


@dataclass
class Endpoint:
    """One end: sends ``data``, then its FIN, and collects what comes in ``received``."""

    address: bytes
    peer: bytes
    port: int
    peer_port: int
    isn: int
    data: bytes
    rng: random.Random
    active: bool = False
    mss: int = 1460
    buffer: int = 65535  # for what comes
    scale: int | None = 7
    timestamps: bool = True
    sack: bool = True  # offered in the SYN; there is none
    delayed: bool = True
    reads: int = 1 << 30  # bytes that the application reads at once, every 10 ms

    received: bytearray = field(default_factory=bytearray)
    out: list[Segment] = field(default_factory=list)
    una: int = 0
    nxt: int = 0
    top: int = 0  # end of what was ever sent
    peer_isn: int = -1
    peer_mss: int = 536
    peer_scale: int = 0
    peer_window: int = 0
    rcv: int = 0  # offset expected
    ahead: dict[int, bytes] = field(default_factory=dict)
    peer_fin: int = -1
    unread: int = 0
    cwnd: int = 0
    duplicates: int = 0
    recover: int = 0
    rto: float = RTO
    rto_at: float = IDLE
    ack_at: float = IDLE
    read_at: float = IDLE
    owed: int = 0
    identification: int = 0
    retransmitted: int = 0
    fast: int = 0
    timeouts: int = 0
    reset: bool = False

    @property
    def end(self) -> int:
        """Offset behind the FIN."""
        return len(self.data) + 2

    @property
    def finished(self) -> bool:
        """Everything was sent and acknowledged, and everything came."""
        return self.una == self.end and self.peer_fin >= 0 and self.rcv > self.peer_fin

    def timer(self) -> float:
        """When ``tick`` is due."""
        return min(self.rto_at, self.ack_at, self.read_at)

    def space(self) -> int:
        return max(0, self.buffer - self.unread)

    def send(self, offset: int, size: int, flags: int, now: float) -> None:
        """Put a segment out; ``size`` counts SYN and FIN."""
        scaled = self.scale is not None and self.peer_scale >= 0 and not flags & SYN
        window = min(0xFFFF, self.space() >> (self.scale or 0) if scaled else self.space())
        options = b""
        if flags & SYN:
            options = struct.pack(">BBH", 2, 4, self.mss) + (b"\x01\x01\x04\x02" if self.sack else b"")
            if self.scale is not None:
                options += bytes([1, 3, 3, self.scale])
        if self.timestamps:
            options += struct.pack(">BBBBII", 1, 1, 8, 10, int(now * 1000) & 0xFFFFFFFF, 0)
        payload = b""
        if not flags & SYN and size:
            payload = self.data[offset - 1 : offset - 1 + size]
            if offset + size == self.end:
                flags |= FIN
        self.identification += 1
        self.out.append(
            Segment(
                self.address,
                self.peer,
                self.port,
                self.peer_port,
                (self.isn + offset) & 0xFFFFFFFF,
                (self.peer_isn + self.rcv) & 0xFFFFFFFF if self.peer_isn >= 0 else 0,
                flags | (PSH if payload else 0),
                window,
                payload,
                options,
                self.identification,
            )
        )
        if flags & ACK:
            self.owed = 0
            self.ack_at = IDLE
        if size:
            if offset < self.top:
                self.retransmitted += 1
            self.top = max(self.top, offset + size)

    def start(self, now: float) -> None:
        """Send the SYN."""
        self.nxt = 1
        self.send(0, 1, SYN, now)
        self.rto_at = now + self.rto

    def push(self, now: float) -> None:
        """Send what the windows allow."""
        if self.una == 0:
            return
        most = self.peer_mss - (12 if self.timestamps else 0)
        limit = self.una + min(self.cwnd, self.peer_window)
        while self.nxt < self.end and self.nxt < limit:
            size = min(most, self.end - self.nxt, limit - self.nxt)
            self.send(self.nxt, size, ACK, now)
            self.nxt += size
        if (self.una < self.nxt or (self.nxt < self.end and self.peer_window == 0)) and self.rto_at == IDLE:
            self.rto_at = now + self.rto

    def again(self, now: float) -> None:
        """Retransmit the first segment that is not acknowledged."""
        if self.una == 0:
            self.send(0, 1, SYN | (ACK if self.peer_isn >= 0 else 0), now)
            return
        size = min(self.peer_mss - (12 if self.timestamps else 0), self.nxt - self.una)
        if size > 0:
            self.send(self.una, size, ACK, now)

    def tick(self, now: float) -> None:
        """Timers."""
        if now >= self.read_at:
            before = self.space()
            self.unread = max(0, self.unread - self.reads)
            self.read_at = now + 0.01 if self.unread else IDLE
            if before < self.mss <= self.space():
                self.send(self.nxt, 0, ACK, now)
        if now >= self.ack_at:
            self.send(self.nxt, 0, ACK, now)
        if now >= self.rto_at:
            self.rto = min(self.rto * 2, 10)
            self.rto_at = now + self.rto
            self.timeouts += 1
            if self.una and self.una == self.nxt and self.peer_window == 0:
                self.send(self.nxt - 1, 0, ACK, now)  # a window probe as Linux sends it
                return
            self.cwnd = self.mss
            self.duplicates = 0
            if self.una:
                self.nxt = min(self.nxt, self.una + self.mss)
            self.again(now)

    def receive(self, segment: Segment, now: float) -> None:
        """A segment comes."""
        if segment.flags & RST:
            self.reset = True
            return
        if segment.flags & SYN:
            if self.peer_isn < 0:
                self.peer_isn = segment.seq
                self.rcv = 1
                self.peer_mss = struct.unpack(">H", find_option(segment.options, 2) or b"\2\x18")[0]
                shift = find_option(segment.options, 3)
                self.peer_scale = shift[0] if shift and self.scale is not None else -1
                self.cwnd = 10 * self.peer_mss
                assert find_option(segment.options, 4) is None, "SACK is permitted"
                if not self.active:
                    self.nxt = 1
                    self.send(0, 1, SYN | ACK, now)
                    self.rto_at = now + self.rto
            else:
                self.send(max(self.nxt, 1), 0, ACK, now) if self.una else self.again(now)
        if self.peer_isn < 0:
            return
        at = self.rcv + (((segment.seq - self.peer_isn - self.rcv) & 0xFFFFFFFF) ^ 1 << 31) - (1 << 31)
        if segment.flags & SYN:
            at += 1
        size = len(segment.payload) + (segment.flags & FIN)
        if at + size < self.rcv or at > self.rcv + self.space() or (at < self.rcv and at + size <= self.rcv):
            self.send(self.nxt, 0, ACK, now)  # not acceptable: say what is expected
            if at + size < self.rcv:
                return
        if segment.flags & ACK and not self.take_ack(segment, size, now):
            return
        if size:
            self.take_data(at, segment, now)
        if segment.flags & SYN and self.active:
            self.send(self.nxt, 0, ACK, now)
        self.push(now)

    def take_ack(self, segment: Segment, size: int, now: float) -> bool:
        ack = self.una + (((segment.ack - self.isn - self.una) & 0xFFFFFFFF) ^ 1 << 31) - (1 << 31)
        assert ack <= self.top, f"{segment} acknowledges what was never sent ({ack} > {self.top})"
        if ack < self.una:
            return True
        shift = max(self.peer_scale, 0) if not segment.flags & SYN else 0
        window = segment.window << shift
        if ack > self.una:
            self.cwnd += ack - self.una
            self.una = ack
            self.nxt = max(self.nxt, ack)
            self.rto = RTO
            self.rto_at = IDLE if self.una == self.nxt else now + self.rto
            if ack < self.recover and self.duplicates >= 3:
                self.again(now)  # RFC 6582: a partial acknowledgement
            else:
                self.duplicates = 0
        elif (
            self.una < self.nxt
            and not size
            and window == self.peer_window
            and not segment.flags & (SYN | FIN)
        ):
            self.duplicates += 1
            if self.duplicates == 3:
                self.fast += 1
                self.recover = self.nxt
                self.cwnd = max(2 * self.mss, (self.nxt - self.una) // 2)
                self.again(now)
        self.peer_window = window
        return True

    def take_data(self, at: int, segment: Segment, now: float) -> None:
        payload = segment.payload
        if segment.flags & FIN:
            self.peer_fin = at + len(payload)
        if at < self.rcv:
            payload = payload[self.rcv - at :]
            at = max(at, min(self.rcv, at + len(segment.payload)))
        fits = payload[: max(0, self.rcv + self.space() - at)]
        if len(fits) < len(payload) and segment.flags & FIN:
            self.peer_fin = -1
        if at > self.rcv:
            if fits and len(self.ahead.get(at, b"")) < len(fits):
                self.ahead[at] = fits
            self.send(self.nxt, 0, ACK, now)
            return
        before = self.rcv
        self.keep(fits, now)
        for start in sorted(self.ahead):
            part = self.ahead[start]
            if start <= self.rcv:
                del self.ahead[start]
                self.keep(part[self.rcv - start :], now)
        filled = self.rcv > before + len(fits)
        if self.rcv == self.peer_fin:
            self.rcv += 1
        self.owed += 1
        if (
            not self.delayed
            or self.owed >= 2
            or filled
            or self.rcv == before
            or self.rcv == self.peer_fin + 1
        ):
            self.send(self.nxt, 0, ACK, now)
        elif self.ack_at == IDLE:
            self.ack_at = now + 0.04

    def keep(self, data: bytes, now: float) -> None:
        self.received += data
        self.rcv += len(data)
        if self.reads < 1 << 30:
            self.unread += len(data)
            if self.unread and self.read_at == IDLE:
                self.read_at = now + 0.01
