"""TCP packets as bytes and back, for tests: written from RFC 791, 8200 and 9293, without Wirebrick's headers."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

FIN, SYN, RST, PSH, ACK, URG, CWR = 1, 2, 4, 8, 16, 32, 128
ETHERNET = bytes.fromhex("020000000001 020000000002")


def internet_sum(data: bytes) -> int:
    """The one's complement sum of RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@dataclass
class Segment:
    """A TCP segment with its addresses."""

    src: bytes
    dst: bytes
    sport: int
    dport: int
    seq: int
    ack: int = 0
    flags: int = ACK
    window: int = 0xFFFF
    payload: bytes = b""
    options: bytes = b""
    identification: int = field(default=0, compare=False)
    protocol: int = 6

    def __repr__(self) -> str:
        names = "".join(n for b, n in ((2, "S"), (1, "F"), (4, "R"), (8, "P"), (16, ".")) if self.flags & b)
        return f"{self.sport}>{self.dport} [{names}] {self.seq}+{len(self.payload)} ack {self.ack} win {self.window}"

    def pseudo(self, size: int) -> bytes:
        """The pseudo-header."""
        if len(self.src) == 4:
            return self.src + self.dst + struct.pack(">BBH", 0, self.protocol, size)
        return self.src + self.dst + struct.pack(">II", size, self.protocol)

    def transport(self) -> bytes:
        """The TCP (or UDP) header and the payload."""
        if self.protocol == 17:
            size = 8 + len(self.payload)
            head = struct.pack(">HHHH", self.sport, self.dport, size, 0)
            total = ~internet_sum(self.pseudo(size) + head + self.payload) & 0xFFFF
            return head[:6] + struct.pack(">H", total or 0xFFFF) + self.payload
        offset = (20 + len(self.options)) // 4 << 4
        head = struct.pack(
            ">HHIIBBHHH",
            self.sport,
            self.dport,
            self.seq,
            self.ack if self.flags & ACK else 0,
            offset,
            self.flags,
            self.window,
            0,
            0,
        )
        body = self.options + self.payload
        size = len(head) + len(body)
        total = ~internet_sum(self.pseudo(size) + head + body) & 0xFFFF
        return head[:16] + struct.pack(">H", total) + head[18:] + body

    def frame(self) -> bytes:
        """An Ethernet frame."""
        data = self.transport()
        if len(self.src) == 4:
            ip = struct.pack(
                ">BBHHHBBH4s4s",
                0x45,
                0,
                20 + len(data),
                self.identification & 0xFFFF,
                0x4000,
                64,
                self.protocol,
                0,
                self.src,
                self.dst,
            )
            ip = ip[:10] + struct.pack(">H", ~internet_sum(ip) & 0xFFFF) + ip[12:]
            return ETHERNET + b"\x08\x00" + ip + data
        ip = struct.pack(">IHBB16s16s", 6 << 28, len(data), self.protocol, 64, self.src, self.dst)
        return ETHERNET + b"\x86\xdd" + ip + data


def parse(frame: bytes) -> Segment:
    """A frame as a segment; every length and checksum in it is asserted to be right."""
    ip = frame[14:]
    if ip[0] >> 4 == 4:
        assert internet_sum(ip[:20]) == 0xFFFF, "IPv4 checksum"
        length, identification = struct.unpack(">HH", ip[2:6])
        assert length == len(ip), "IPv4 length"
        src, dst, body, protocol = ip[12:16], ip[16:20], ip[20:], ip[9]
    else:
        assert struct.unpack(">H", ip[4:6])[0] == len(ip) - 40, "IPv6 length"
        identification, src, dst, body, protocol = 0, ip[8:24], ip[24:40], ip[40:], ip[6]
    sport, dport = struct.unpack(">HH", body[:4])
    found = Segment(src, dst, sport, dport, 0, protocol=protocol, identification=identification)
    assert internet_sum(found.pseudo(len(body)) + body) == 0xFFFF, "checksum"
    if protocol == 17:
        assert struct.unpack(">H", body[4:6])[0] == len(body), "UDP length"
        found.payload = body[8:]
        return found
    found.seq, found.ack, offset, found.flags, found.window = struct.unpack(">IIBBH", body[4:16])
    header = (offset >> 4) * 4
    found.options, found.payload = body[20:header], body[header:]
    return found


def find_option(options: bytes, wanted: int) -> bytes | None:
    """The data of an option."""
    while len(options) > 1 and options[0]:
        if options[0] == 1:
            options = options[1:]
            continue
        if options[0] == wanted:
            return options[2 : options[1]]
        options = options[options[1] :]
    return None
