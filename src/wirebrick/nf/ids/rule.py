"""What a rule says, read: its header, its tests of the packet, and its options for the payload in their order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from wirebrick.errors import Place
from wirebrick.nf.ids.addresses import AddressSet
from wirebrick.nf.ids.classes import DEFAULT_PRIORITY
from wirebrick.nf.ids.ranges import Ranges

Action = Literal["alert", "log", "pass", "drop", "reject", "sdrop"]
Protocol = Literal["ip", "tcp", "udp", "icmp"]
Number = int | str  # a number, or the name of a variable that byte_extract sets


@dataclass(frozen=True)
class Content:
    """``content``: bytes to be found (``negated``: not to be found).

    ``relative``: ``offset`` and ``depth`` are the rule's distance and within. ``depth`` None: to the end.
    ``fast``: begin and end of the part that was named as fast pattern.
    """

    data: bytes
    negated: bool = False
    nocase: bool = False
    relative: bool = False
    offset: Number = 0
    depth: Number | None = None
    fast: tuple[int, int] | None = None


@dataclass(frozen=True)
class Pcre:
    """``pcre``: an expression without its slashes; ``flags``: those of i, s, m, x, A, E, G that it has."""

    pattern: str
    flags: str
    negated: bool = False
    relative: bool = False


@dataclass(frozen=True)
class Bytes:
    """Bytes read as a number: ``count`` of them at ``offset``; ``base`` 0: binary, else the base of digits.

    The number is then ANDed with ``mask`` and moved down by the zeros at its end, where there is one.
    """

    count: int
    offset: Number
    relative: bool = False
    little: bool = False
    base: int = 0
    mask: int = 0


@dataclass(frozen=True)
class ByteTest:
    """``byte_test``: the number compared."""

    bytes: Bytes
    operator: Literal["<", ">", "=", "<=", ">=", "&", "^"]
    negated: bool
    value: Number


@dataclass(frozen=True)
class ByteJump:
    """``byte_jump``: the cursor moves by the number. ``origin``: from where."""

    bytes: Bytes
    multiplier: int = 1
    align: int = 0
    origin: Literal["here", "beginning", "end"] = "here"
    post_offset: Number = 0


@dataclass(frozen=True)
class ByteExtract:
    """``byte_extract``: the number gets a name."""

    bytes: Bytes
    name: str
    multiplier: int = 1
    align: int = 0


@dataclass(frozen=True)
class IsDataAt:
    """``isdataat``: whether there is a byte at ``offset``."""

    offset: Number
    negated: bool = False
    relative: bool = False


PayloadOption = Content | Pcre | ByteTest | ByteJump | ByteExtract | IsDataAt


@dataclass(frozen=True)
class InRange:
    """A field of the packet lies in a range (``negated``: it does not)."""

    field: str
    low: int
    high: int
    negated: bool = False


@dataclass(frozen=True)
class Bits:
    """Bits of a field: ``exactly`` these, ``all`` of them, ``any``, ``none``; bits of ``ignored`` count for nothing."""

    field: str
    how: Literal["exactly", "all", "any", "none"]
    bits: int
    ignored: int = 0


@dataclass(frozen=True)
class IpOption:
    """``ipopts``: an IPv4 option by number; -1: any."""

    number: int


@dataclass(frozen=True)
class SameIp:
    """``sameip``: source and destination address are one."""


PacketTest = InRange | Bits | IpOption | SameIp


@dataclass(frozen=True)
class Flow:
    """``flow``: None where it isn't asked for."""

    established: bool | None = None  # False: not_established
    to_server: bool | None = None
    streams: Literal["both", "only", "none"] = "both"


@dataclass(frozen=True)
class FlowBit:
    """``flowbits``: one operation on one name."""

    operation: Literal["set", "unset", "toggle", "isset", "isnotset"]
    name: str


@dataclass(frozen=True)
class Filter:
    """``detection_filter``, or ``threshold`` and ``event_filter``: how often what matches is told."""

    kind: Literal["detection", "limit", "threshold", "both"]
    by_src: bool
    count: int
    seconds: int


@dataclass(frozen=True)
class Suppress:
    """``suppress``: no alerts, at all or for packets from (``by_src``) or to some addresses."""

    by_src: bool | None = None
    addresses: AddressSet | None = None


@dataclass(frozen=True)
class Rule:
    """A rule. ``place`` and ``text``: where and how it is written."""

    action: Action
    protocol: Protocol
    src: AddressSet
    src_ports: Ranges
    dst: AddressSet
    dst_ports: Ranges
    both_ways: bool
    sid: int
    gid: int = 1
    rev: int = 0
    message: str = ""
    classtype: str = ""
    category: str = ""
    priority: int = DEFAULT_PRIORITY
    references: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    tests: tuple[PacketTest, ...] = ()
    payload: tuple[PayloadOption, ...] = ()
    flow: Flow = Flow()
    flowbits: tuple[FlowBit, ...] = ()
    silent: bool = False  # flowbits:noalert
    detection: Filter | None = None
    limit: Filter | None = None
    suppressed: tuple[Suppress, ...] = ()
    place: Place | None = field(default=None, compare=False)
    text: str = field(default="", compare=False, repr=False)

    @property
    def number(self) -> str:
        """Generator and signature, as Snort writes them: ``1:2001219``."""
        return f"{self.gid}:{self.sid}"
