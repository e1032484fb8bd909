"""The frames of ``benchmarks.fuzz``: noise, and packets of a capture, some behind tunnels, tags and labels, spoilt."""

from __future__ import annotations

from pathlib import Path

import numpy as np

CAPTURE = Path(__file__).parent.parent / "captures" / "mixed.pcap"
BURST, LONGEST = 512, 2000
OUTER = bytes.fromhex("020000000002020000000001")
IP = bytes.fromhex("45000040000040004000") + bytes(2) + bytes([192, 0, 2, 1, 192, 0, 2, 2])


def _udp(port: int) -> bytes:
    """Ethernet, IPv4 of 64 bytes, and UDP to a port."""
    ip = IP[:9] + b"\x11" + IP[10:]
    return (
        OUTER + b"\x08\x00" + ip + (5000).to_bytes(2, "big") + port.to_bytes(2, "big") + b"\x00\x2c\x00\x00"
    )


# What captured packets are put behind, for every second of them once more: tunnels, tags and labels.
FRONTS = [
    _udp(4789) + b"\x08\0\0\0\0\0\x07\0",  # VXLAN
    _udp(6081) + b"\0\0\x65\x58\0\0\x07\0",  # Geneve
    _udp(6081) + b"\x02\0\x65\x58\0\0\x07\0" + b"\x01\x02\x03\x01abcd",  # with an option
    OUTER + b"\x08\x00" + IP[:9] + b"\x2f" + IP[10:] + b"\x20\0\x65\x58\0\0\0\x09",  # GRE with a key
    OUTER
    + b"\x08\x00"
    + IP[:9]
    + b"\x2f"
    + IP[10:]
    + b"\0\0\x08\0"
    + b"\x45\0\0\x28"
    + IP[4:9]
    + b"\x11"
    + IP[10:],  # GRE, IPv4
    OUTER + b"\x81\x00\x20\x07\x08\x00" + IP,  # VLAN
    OUTER + b"\x88\xa8\x20\x07\x81\x00\0\x05\x86\xdd" + b"\x60" + bytes(5) + b"\0\x40",  # QinQ, IPv6
    OUTER + b"\x88\x47\0\x01\0\x40\0\x02\x01\x40",  # two MPLS labels
    OUTER + b"\x86\xdd\x60\0\0\0\0\x40\0\x40" + bytes(32) + b"\x2b\0" + bytes(6) + b"\x2c\x01" + bytes(14),
]
Bytes = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def capture(path: Path) -> list[bytes]:
    """The packets of a classic little-endian pcap file."""
    data, at, packets = path.read_bytes(), 24, []
    while at + 16 <= len(data):
        size = int.from_bytes(data[at + 8 : at + 12], "little")
        packets.append(data[at + 16 : at + 16 + size])
        at += 16 + size
    return packets


class Frames:
    """Makes bursts of frames in the rows of a table, from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.noise = self.random.integers(0, 256, 1 << 24, np.uint8)
        real = capture(CAPTURE)
        real += [
            front + packet
            for number, packet in enumerate(real[::2])
            for front in [FRONTS[number % len(FRONTS)]]
        ]
        self.sizes = np.array([len(packet) for packet in real])
        self.real = np.zeros((len(real), LONGEST), np.uint8)
        for row, packet in zip(self.real, real, strict=True):
            row[: min(len(packet), LONGEST)] = np.frombuffer(packet[:LONGEST], np.uint8)

    def fill(self, rows: Bytes, head: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Fill the table with noise, and frames from column ``head`` on; their lengths."""
        r, (count, width) = self.random, rows.shape
        start = int(r.integers(0, len(self.noise) - count * width))
        rows[:] = self.noise[start : start + count * width].reshape(count, width)
        chosen = r.integers(0, len(self.real), BURST)
        lengths = np.minimum(self.sizes[chosen], LONGEST)
        random = r.random(BURST)
        for row in np.flatnonzero(random > 0.25):
            size = lengths[row]
            rows[row, head : head + size] = self.real[chosen[row], :size]
        other = (random < 0.25) | (random > 0.85)  # random frames of any length; real ones cut or lengthened
        lengths[other] = r.integers(0, LONGEST + 1, int(other.sum()))
        short = random < 0.08
        lengths[short] = r.integers(0, 100, int(short.sum()))
        for _ in range(3):
            changed = np.flatnonzero((random > 0.4) & (r.random(BURST) < 0.5))
            places = np.minimum(r.integers(0, 90, len(changed)), 14 + r.integers(0, 50, len(changed)))
            rows[changed, head + places] = r.integers(0, 256, len(changed), np.uint8)
        return lengths.astype(np.int64)
