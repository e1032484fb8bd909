"""The description of made traffic: sizes, flows, protocols, addresses. ``templates`` turns it into packets.

Addresses are those set aside for tests: sources in 10.0.0.0/8 (RFC 1918) and 2001:db8::/32 (RFC 3849),
another one for each flow; destinations in 198.18.0.0/15 (RFC 2544) and 2001:2::/48 (RFC 5180). Source ports
are 32768 .. 65535, destination ports 16384 .. 32767, clear of the tunnels' well-known ports, so that payloads
are not taken for headers. With ``servers`` there are so many destinations, from 198.18.0.1 port 16384 and
2001:2::1 on. ICMP flows are echo requests. Lengths and checksums are right.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from wirebrick.errors import PortError
from wirebrick.ports.memory.flows import ICMP, L4_SIZES, TCP, UDP
from wirebrick.ports.memory.pace import Pace, read_pace
from wirebrick.ports.suggest import did_you_mean

IMIX = (64,) * 7 + (594,) * 4 + (1518,)
LARGEST = 9216  # bytes of the longest frame that can be made
MOST_FLOWS = 1 << 23
MOST_SERVERS = 1 << 14
MOST_BYTES = 2 << 30  # memory all templates together may take
PAYLOADS = ("zero", "random", "text")
PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP}

# 2000-01-01T00:00:00Z in nanoseconds: made packets start then, so that equal options give equal captures.
START_TIME = 946_684_800_000_000_000

_LEAST_TEMPLATES = 1024  # of a size range: so that one flow also has many sizes
_HIGHEST = {"count": 2**62 - 1, "seed": 2**63 - 1, "gap_ns": 1_000_000_000}


def _require(right: bool, message: str, cure: str) -> None:
    if not right:
        raise PortError(f"memory: {message}", cure=cure)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(frozen=True)
class Traffic:
    """Made traffic. Raises PortError where a value is out of range.

    ``size`` counts the bytes of the frame as captures do, without the 4 bytes of FCS (the "64-byte packet" of
    the wire is 60 here): a number, ``(low, high)`` for all sizes between alike, or ``"imix"``: 64, 594 and
    1518 bytes in the ratio 7:4:1. A packet whose headers need more than its size is as long as its headers.
    With a number each flow has one packet; with IMIX all twelve (or one of them, where twelve of every flow
    would be too many to keep), with a range twelve or more. They are played in turn, over and over.

    >>> traffic = Traffic(size=64, flows=10, protocols="tcp:60,udp:30,icmp:10", count=100)
    >>> traffic.sizes, traffic.rounds, traffic.largest
    ((64, 64), 1, 64)
    >>> Traffic(size="imix").largest
    1518
    """

    size: int | str | tuple[int, int] = 64
    flows: int = 1024  # 1 .. 8,388,608
    protocols: str = "udp"  # names, weighted where there are several: "tcp:60,udp:40" (or / for ,)
    ipv6: float = 0.0  # share of flows that are IPv6, 0 .. 1
    vlan: int = 0  # 802.1Q tag, 0 for none
    seed: int = 1
    count: int = 0  # packets in all, 0 for no end
    payload: str = "zero"
    gap_ns: int = 1000  # from one timestamp to the next
    ttl: int = 64  # and the hop limit
    servers: int = 0  # destinations, each an address and a port; 0: as the flows' numbers have it
    rate: str = ""  # in real time: packets or bits a second, as "10kpps"; "": as fast as they are taken
    ramp: str = ""  # how long it takes from the first of two rates to the second
    pace: Pace | None = field(init=False, repr=False, compare=False)
    mix: list[tuple[int, float]] = field(init=False, repr=False, compare=False)
    sizes: tuple[int, int] | list[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        whole = {"flows": self.flows, "vlan": self.vlan, "ttl": self.ttl, "servers": self.servers}
        whole |= {"count": self.count, "seed": self.seed, "gap_ns": self.gap_ns}
        for name, value in whole.items():
            _require(_is_whole(value), f"{name} is {value!r}", f"{name} is a whole number")
        for name, highest in _HIGHEST.items():
            _require(0 <= whole[name] <= highest, f"{name} is {whole[name]}", f"{name} is 0 .. {highest}")
        _require(1 <= self.flows <= MOST_FLOWS, f"flows is {self.flows}", f"flows is 1 .. {MOST_FLOWS}")
        _require(0 <= self.vlan <= 4094, f"vlan is {self.vlan}", "vlan is 1 .. 4094, or 0 for none")
        few = f"servers is {self.servers}"
        _require(0 <= self.servers <= MOST_SERVERS, few, f"servers is 1 .. {MOST_SERVERS}, or 0 for any")
        _require(1 <= self.ttl <= 255, f"ttl is {self.ttl}", "ttl is 1 .. 255")
        _require(0 <= self.ipv6 <= 1, f"ipv6 is {self.ipv6}", "ipv6 is the share of IPv6 flows, 0 .. 1")
        wrong = f"payload is {self.payload!r}"
        _require(self.payload in PAYLOADS, wrong, did_you_mean(self.payload, PAYLOADS))
        object.__setattr__(self, "mix", _mix(self.protocols))
        object.__setattr__(self, "pace", read_pace(self.rate, self.ramp))
        object.__setattr__(self, "sizes", self._sizes())
        cure = f"make fewer flows or smaller packets: templates may take {MOST_BYTES / 2**30:g} GiB"
        needs = self._bytes_needed(self.rounds)
        _require(needs <= MOST_BYTES, f"{self.flows} flows need {needs / 2**30:.1f} GiB of packets", cure)

    @property
    def l3_at(self) -> int:
        """Where the IP header starts."""
        return 18 if self.vlan else 14

    @property
    def rounds(self) -> int:
        """How many templates each flow has."""
        if isinstance(self.sizes, list):
            return len(self.sizes) if self._bytes_needed(len(self.sizes)) <= MOST_BYTES else 1
        return 1 if self.sizes[0] == self.sizes[1] else max(12, -(-_LEAST_TEMPLATES // self.flows))

    @property
    def largest(self) -> int:
        """Bytes of the longest packet there may be."""
        return max(*self.sizes, self._headers()[1])

    def _headers(self) -> tuple[int, int]:
        """The fewest and the most bytes of headers a packet of this traffic may have."""
        l4 = [L4_SIZES[protocol] for protocol, _ in self.mix]
        shortest = (20 if self.ipv6 < 1 else 40) + min(l4)
        return self.l3_at + shortest, self.l3_at + (40 if self.ipv6 > 0 else 20) + max(l4)

    def _sizes(self) -> tuple[int, int] | list[int]:
        """The range of sizes, or the pattern of them."""
        least = self._headers()[0]
        allowed = f"size is a number of bytes or a range low-high, {least} .. {LARGEST}, or imix"
        if self.size == "imix":
            return list(IMIX)
        pair = (self.size, self.size) if isinstance(self.size, int) else self.size
        right = isinstance(pair, tuple) and len(pair) == 2 and all(_is_whole(value) for value in pair)
        _require(right, f"size is {self.size!r}", allowed)
        assert isinstance(pair, tuple)
        _require(least <= pair[0] <= pair[1] <= LARGEST, f"size is {self.size}", allowed)
        return pair

    def _bytes_needed(self, rounds: int) -> int:
        """About how much memory so many templates of each flow take: whole lines of 64 bytes."""
        lines = [-(-size // 64) for size in self.sizes]
        return int(self.flows * rounds * 64 * sum(lines) / len(lines))


def _mix(text: str) -> list[tuple[int, float]]:
    """Protocols and weights out of "tcp:60,udp:40"; a name without a weight has 1."""
    mix: dict[int, float] = {}
    for part in text.replace("/", ",").split(","):
        name, colon, weight = part.strip().partition(":")
        _require(name in PROTOCOLS, f"there is no protocol {name!r} to make", did_you_mean(name, PROTOCOLS))
        _require(PROTOCOLS[name] not in mix, f"protocol {name} is there twice", "name each protocol once")
        right = not colon or (weight.isascii() and weight.isdigit() and len(weight) < 10)
        _require(right, f"weight of {name} is {weight!r}", "weights are whole numbers, as in tcp:60/udp:40")
        mix[PROTOCOLS[name]] = float(weight) if colon else 1.0
    _require(sum(mix.values()) > 0, "all protocols have weight 0", "give one of them a weight")
    return [(protocol, weight) for protocol, weight in mix.items() if weight]
