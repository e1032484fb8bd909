"""What kind of file a capture is, by its first bytes.

>>> classic_header("a.pcap", bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 00000400 71000000"))
ClassicHeader(order='<', tick=1000, record=16, snaplen=262144, link=113)
>>> print(foreign("a.png", bytes.fromhex("89504e47")))
a.png: not a pcap or pcapng file (it starts with 89 50 4e 47)
  help: name a file written by tcpdump, Wireshark or the like
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from wirebrick.errors import PortError
from wirebrick.ports.pcap.layout import LINK_UNKNOWN
from wirebrick.ports.pcap.linktypes import describe, kind

CLASSIC_SIZE = 24  # bytes of a classic header
SUPPORTED = "only Ethernet, raw IP, BSD loopback and Linux cooked packets can be read"

# Byte order, nanoseconds of a tick, bytes of a record header; 24 in the variant of old Red Hat systems.
_CLASSIC = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000, 16),
    b"\xa1\xb2\xc3\xd4": (">", 1000, 16),
    b"\x4d\x3c\xb2\xa1": ("<", 1, 16),
    b"\xa1\xb2\x3c\x4d": (">", 1, 16),
    b"\x34\xcd\xb2\xa1": ("<", 1000, 24),
    b"\xa1\xb2\xcd\x34": (">", 1000, 24),
}
_COMPRESSED = {
    b"\x28\xb5\x2f\xfd": "zstdcat",
    b"\xfd7zX": "xzcat",
    b"\x04\x22\x4d\x18": "lz4cat",
}


@dataclass(frozen=True)
class ClassicHeader:
    """The header of a classic file: byte order, nanoseconds of a tick, bytes of a record header."""

    order: str
    tick: int
    record: int
    snaplen: int
    link: int


def is_classic(start: bytes) -> bool:
    """Whether a file that starts so is a classic pcap file.

    >>> is_classic(bytes.fromhex("a1b2c3d4")), is_classic(bytes.fromhex("0a0d0d0a"))
    (True, False)
    """
    return start[:4] in _CLASSIC


def classic_header(name: str, start: bytes) -> ClassicHeader:
    """Read the header of a classic file. Raises PortError where it is cut or its packets can't be mapped."""
    order, tick, record = _CLASSIC[start[:4]]
    if len(start) < CLASSIC_SIZE:
        raise cut_header(name, len(start), CLASSIC_SIZE)
    snaplen, link = struct.unpack_from(order + "II", start, 16)
    link &= 0x03FFFFFF  # the bits above tell whether there is a frame check sequence
    if kind(link) == LINK_UNKNOWN:
        raise PortError(
            f"{name}: link type {describe(link)} can't be mapped to Ethernet",
            cure=f"{SUPPORTED}; convert the capture first",
        )
    return ClassicHeader(order, tick, record, snaplen, link)


def cut_header(name: str, there: int, size: int) -> PortError:
    """The error of a file that ends inside its header."""
    return PortError(f"{name}: ends inside its header ({there} of {size} bytes)", cure="get a whole copy")


def foreign(name: str, start: bytes) -> PortError:
    """The error of a file that is no capture."""
    cure = "name a file written by tcpdump, Wireshark or the like"
    if start in _COMPRESSED:
        cure = f"it is compressed: {_COMPRESSED[start]} {name} | wirebrick ... with - as its input"
    return PortError(f"{name}: not a pcap or pcapng file (it starts with {start.hex(' ')})", cure=cure)
