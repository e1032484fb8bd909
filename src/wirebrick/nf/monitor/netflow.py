"""Flow records as messages to a collector: IPFIX (RFC 7011, elements: RFC 5102) and NetFlow version 9 (RFC 3954).

Both number their elements alike. A message has its header, now and then the templates, and sets of records of one
template: 256 for IPv4, 257 for IPv6.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from wirebrick.fields import U8, U16, U64, IPv6Address
from wirebrick.state.record import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_BYTES = 1400  # of a message: one packet on every usual link
TEMPLATES_EVERY = 20  # messages
DAY = 86_400_000  # milliseconds
# Why a record was made (RFC 5102, flowEndReason).
IDLE, ACTIVE, ENDED, FORCED, NO_ROOM = range(1, 6)
TEMPLATES = {4: 256, 6: 257}
SPECIFIC = {4: ((8, ">u4"), (12, ">u4")), 6: ((27, "V16"), (28, "V16"))}
PORTS_TO_OCTETS = (
    (7, ">u2", "src_port"),
    (11, ">u2", "dst_port"),
    (4, "u1", "protocol"),
    (6, "u1", "tcp_flags"),
    (2, ">u8", "packets"),
    (1, ">u8", "octets"),
)


class Exported(Record):
    """A flow between two times, as a collector is told of it. ``octets`` are those of IP packets."""

    src: IPv6Address
    dst: IPv6Address
    src_port: U16
    dst_port: U16
    protocol: U8
    version: U8
    tcp_flags: U8
    reason: U8
    packets: U64
    octets: U64
    first: U64  # ns since 1970
    last: U64


PROTOCOLS = ("ipfix", "netflow9")


class Messages:
    """Makes messages of records; counts what a collector needs to see losses.

    >>> from wirebrick.state.columns import dtype_of
    >>> import numpy as np
    >>> rows = np.zeros(1, dtype_of(Exported))
    >>> rows["version"], rows["packets"], rows["src"]["low"] = 4, 2, 0xC0000201
    >>> (message,) = Messages("ipfix").of(rows)
    >>> struct.unpack(">HH", message[:4]) == (10, len(message))
    True
    """

    def __init__(self, protocol: str, domain: int = 0) -> None:
        self.records = self.messages = 0
        self._ipfix = protocol == "ipfix"
        self._domain = domain
        self._booted: int | None = None  # NetFlow's times are since then, milliseconds since 1970
        times = [(152, ">u8", "first"), (153, ">u8", "last"), (136, "u1", "reason")]
        if not self._ipfix:
            times = [(22, ">u4", "first"), (21, ">u4", "last")]
        self._elements = [*PORTS_TO_OCTETS, *times]

    def of(self, rows: NDArray[Any]) -> Iterator[bytes]:
        """The messages that have the records of ``rows`` (as ``Exported``), those of IPv4 first."""
        for version in (4, 6):
            part = rows[rows["version"] == version]
            if not len(part):
                continue
            encoded = self._encode(part, version)
            size = encoded.dtype.itemsize
            templates = len(self._templates())
            most = (MOST_BYTES - 24 - templates) // size
            for at in range(0, len(encoded), most):
                yield self._message(encoded[at : at + most].tobytes(), size, version)

    def _message(self, data: bytes, size: int, version: int) -> bytes:
        templates = b"" if self.messages % TEMPLATES_EVERY else self._templates()
        padding = bytes(-len(data) % 4)
        body = templates + struct.pack(">HH", TEMPLATES[version], 4 + len(data) + len(padding))
        body += data + padding
        count = len(data) // size
        now = int(time.time())
        if self._ipfix:
            head = struct.pack(">HHIII", 10, 16 + len(body), now, self.records & 0xFFFFFFFF, self._domain)
        else:
            assert self._booted is not None
            # In whole seconds: the time of the start is what the collector finds by subtracting one from the other.
            up = max(now - self._booted // 1000, 0) & 0x3FFFFF
            seconds = self._booted // 1000 + up
            total = count + (2 if templates else 0)
            head = struct.pack(
                ">HHIIII", 9, total, up * 1000, seconds, self.messages & 0xFFFFFFFF, self._domain
            )
        self.records += count
        self.messages += 1
        return head + body

    def _templates(self) -> bytes:
        found = b""
        for version, addresses in SPECIFIC.items():
            elements = [(number, _size(kind)) for number, kind in addresses]
            elements += [(number, _size(kind)) for number, kind, _ in self._elements]
            found += struct.pack(">HH", TEMPLATES[version], len(elements))
            found += b"".join(struct.pack(">HH", *element) for element in elements)
        return struct.pack(">HH", 2 if self._ipfix else 0, 4 + len(found)) + found

    def _encode(self, rows: NDArray[Any], version: int) -> NDArray[Any]:
        import numpy as np

        kinds = [("src", SPECIFIC[version][0][1]), ("dst", SPECIFIC[version][1][1])]
        kinds += [(name, kind) for _, kind, name in self._elements]
        out = np.zeros(len(rows), np.dtype(kinds))
        for name in ("src", "dst"):
            end = rows[name]
            if version == 4:
                out[name] = end["low"]
            else:
                halves = np.stack([end["high"], end["low"]], axis=1).astype(">u8")
                out[name] = np.ascontiguousarray(halves).view("V16")[:, 0]
        for _, _, name in self._elements:
            out[name] = self._times(rows[name]) if name in ("first", "last") else rows[name]
        return out

    def _times(self, times: NDArray[Any]) -> NDArray[Any]:
        import numpy as np

        milliseconds = times.astype(np.int64) // 1_000_000
        if self._ipfix:
            return milliseconds
        if self._booted is None:  # a day before the first flow: others may be told later that began earlier
            self._booted = (int(milliseconds.min()) - DAY) // 1000 * 1000
        return np.clip(milliseconds - self._booted, 0, None)


def _size(kind: str) -> int:
    import numpy as np

    return np.dtype(kind).itemsize


def deltas(rows: NDArray[Any], reason: int) -> NDArray[Any]:
    """What a collector doesn't know yet of rows of a table of ``ExportedStats``, as ``Exported``."""
    import numpy as np

    from wirebrick.state.columns import dtype_of

    rows = rows[rows["value"]["packets"] > rows["value"]["told_packets"]]
    key, value = rows["key"], rows["value"]
    found = np.zeros(len(rows), dtype_of(Exported))
    for name in ("src", "dst", "src_port", "dst_port", "protocol", "version"):
        found[name] = key[name]
    found["tcp_flags"] = value["tcp_flags"]
    found["packets"] = value["packets"] - value["told_packets"]
    found["octets"] = value["octets"] - value["told_octets"]
    found["first"], found["last"] = value["since"], value["last"]
    # FIN or RST was seen.
    found["reason"] = np.where(value["tcp_flags"] & 5, ENDED, reason)
    return found
