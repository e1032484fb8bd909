"""nat beside Linux's: the same packets through nftables' ``masquerade`` and ``snat``, byte by byte.

What differs is asserted as such, at the end: TTLs, and what RFC 4787 asks for and Linux does otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nat_box import EXTERNAL, FAR, HOST, OTHER, WEB, NatBox
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from two_sides import Sent, exchange

from wirebrick.nf.nat import nat

SERVER, SERVER2, ROUTER, INSIDE_ROUTER = "198.51.100.1", "198.51.100.2", "192.0.2.77", "10.9.9.9"
SHARED = "meta l4proto {tcp, udp} th sport 4000"  # by hosts that share two external ports
SOURCE = {
    "masquerade": f"oifname right {SHARED} masquerade to :4000-4001\noifname right masquerade",
    "snat": f"oifname right {SHARED} snat to {EXTERNAL}:4000-4001\noifname right snat to {EXTERNAL}",
}
LIKE_LINUX: dict[str, Any] = {
    "addresses": EXTERNAL,
    "preserve": True,
    "filtering": "port",
    "capacity": 1000,
}
Step = tuple[str, Packet]
Seen = list[list[tuple[str, bytes]]]  # for each step what came out: sides and IP packets


@pytest.fixture(scope="module", params=SOURCE)
def box(request: pytest.FixtureRequest) -> Iterator[NatBox]:
    with NatBox(SOURCE[request.param]) as made:
        yield made


def linux(box: NatBox, steps: list[Step]) -> Seen:
    """What came out of the box."""
    return [box.send(side, packet) for side, packet in numbered(steps)]


def ours(folder: Path, steps: list[Step], **parameters: Any) -> Seen:
    """What came out of our NAT, with TTLs as behind a router."""
    file = folder / "nat.conf"
    file.write_text(f"forward tcp {EXTERNAL}:8080 to {WEB}:80\n")
    name = {"left": "in", "right": "out"}
    sent = [Sent(name[side], bytes(Ether() / packet)) for side, packet in numbered(steps)]
    found = exchange(nat(**{**LIKE_LINUX, "forwards": file, **parameters}), sent, folder, interpret=True)
    seen: Seen = [[] for _ in steps]
    for side, frames in (("right", found.outside), ("left", found.inside)):
        for frame in frames:
            packet = IP(frame[14:])
            packet.ttl -= 1
            del packet.chksum
            seen[packet.id >> 4].append((side, bytes(packet)))
    return seen


def numbered(steps: list[Step]) -> list[Step]:
    """IP's identification tells which step a packet is of (fragments of one datagram share theirs)."""
    found = []
    for number, (side, packet) in enumerate(steps):
        packet = packet.copy()
        packet.id = number << 4 if packet.id == 1 else packet.id
        found.append((side, packet))
    return found


def out(upper: Packet, src: str = HOST, dst: str = SERVER) -> Step:
    return "left", IP(src=src, dst=dst) / upper


def back(upper: Packet, src: str = SERVER, dst: str = EXTERNAL) -> Step:
    return "right", IP(src=src, dst=dst) / upper


def tcp(sport: int, dport: int, flags: str, seq: int, ack: int = 0, data: bytes = b"") -> Packet:
    return TCP(sport=sport, dport=dport, flags=flags, seq=seq, ack=ack, window=64240) / data


def udp(sport: int, dport: int, data: bytes = b"data") -> Packet:
    return UDP(sport=sport, dport=dport) / data


def handshake(port: int, src: str = HOST, external: int | None = None) -> list[Step]:
    at = port if external is None else external
    return [
        out(tcp(port, 80, "S", 100), src),
        back(tcp(80, at, "SA", 500, 101)),
        out(tcp(port, 80, "A", 101, 501), src),
    ]


def error(kind: int, code: int, about: Packet, bytes_quoted: int = 100, **fields: Any) -> Packet:
    return ICMP(type=kind, code=code, **fields) / Raw(bytes(about)[:bytes_quoted])


def quoted(upper: Packet, src: str, dst: str) -> Packet:
    """A packet as the host that complains has seen it."""
    return IP(src=src, dst=dst, ttl=1, id=77) / upper


def same() -> dict[str, tuple[list[Step], str]]:
    """Steps by name; and which come out: ``r`` on the right, ``l`` on the left, ``.`` not at all."""
    ping, pong = ICMP(id=2030, seq=1) / b"ping", ICMP(type=0, id=2030, seq=1) / b"ping"
    return {
        "tcp": (
            [
                *handshake(2000),
                out(tcp(2000, 80, "PA", 101, 501, b"question")),
                back(tcp(80, 2000, "PA", 501, 109, b"answer")),
                out(tcp(2000, 80, "FA", 109, 507)),
                back(tcp(80, 2000, "FA", 507, 110)),
                out(tcp(2000, 80, "A", 110, 508)),
            ],
            "rlrrlrlr",
        ),
        "tcp refused": ([out(tcp(2001, 80, "S", 100)), back(tcp(80, 2001, "RA", 0, 101))], "rl"),
        "tcp that begins in its middle": (
            [out(tcp(2002, 80, "A", 1, 1)), out(tcp(2002, 80, "SA", 1, 1)), out(tcp(2002, 80, "FA", 1, 1))],
            "...",
        ),
        "udp": (
            [
                out(udp(2010, 53)),
                back(udp(53, 2010)),
                back(udp(53, 2010, b"more")),
                back(udp(53, 2011)),
                back(udp(54, 2010)),
                back(udp(53, 2010), SERVER2),
            ],
            "rll...",
        ),
        "udp without a checksum": (
            [out(UDP(sport=2012, dport=53, chksum=0) / b"data"), back(UDP(sport=53, dport=2012, chksum=0))],
            "rl",
        ),
        "udp to several servers": (
            [
                out(udp(2013, 53)),
                out(udp(2013, 53), dst=SERVER2),
                back(udp(53, 2013), SERVER2),
                back(udp(53, 2013)),
            ],
            "rrll",
        ),
        "unsolicited": (
            [
                back(tcp(80, 2020, "S", 1)),
                back(tcp(80, 2020, "A", 1, 1)),
                back(udp(53, 2020)),
                back(ICMP(type=8, id=2020)),
                back(ICMP(type=0, id=2020)),
                back(error(3, 3, quoted(udp(2021, 53), EXTERNAL, SERVER)), ROUTER),
                back(error(11, 0, quoted(tcp(2021, 80, "S", 1), EXTERNAL, SERVER)), ROUTER),
            ],
            "." * 7,
        ),
        "echo": (
            [
                out(ping),
                back(pong),
                back(ICMP(type=0, id=2031)),
                back(pong, SERVER2),
                out(ICMP(type=13, id=2032)),
                back(ICMP(type=14, id=2032)),
            ],
            "rl..rl",
        ),
        "errors from outside": (
            [
                out(udp(2040, 53)),
                out(tcp(2041, 80, "S", 100)),
                out(ICMP(id=2042) / b"ping"),
                back(error(11, 0, quoted(udp(2040, 53), EXTERNAL, SERVER)), ROUTER),
                back(error(3, 3, quoted(udp(2040, 53), EXTERNAL, SERVER), 28)),
                back(error(11, 0, quoted(tcp(2041, 80, "S", 100), EXTERNAL, SERVER), 28), ROUTER),
                back(error(3, 4, quoted(tcp(2041, 80, "S", 100), EXTERNAL, SERVER), nexthopmtu=1400), ROUTER),
                back(error(11, 0, quoted(ICMP(id=2042) / b"ping", EXTERNAL, SERVER)), ROUTER),
                back(error(11, 0, quoted(udp(2040, 54), EXTERNAL, SERVER)), ROUTER),
                back(error(11, 0, quoted(udp(2040, 53), EXTERNAL, SERVER), chksum=1), ROUTER),
                back(error(3, 3, quoted(udp(2040, 53), EXTERNAL, SERVER), 24), ROUTER),
            ],
            "rrrlllll...",
        ),
        "errors from inside": (
            [
                out(udp(2050, 53)),
                back(udp(53, 2050)),
                out(error(3, 3, quoted(udp(53, 2050), SERVER, HOST))),
                out(error(11, 0, quoted(udp(53, 2050), SERVER, HOST)), INSIDE_ROUTER),
                *handshake(2051),
                out(error(3, 4, quoted(tcp(80, 2051, "A", 501, 101), SERVER, HOST), nexthopmtu=1300)),
                out(error(3, 3, quoted(udp(53, 2052), SERVER, HOST))),
            ],
            "rlrrrlrr.",
        ),
        "a redirect": (
            [out(udp(2110, 53)), back(error(5, 1, quoted(udp(2110, 53), EXTERNAL, SERVER)), ROUTER)],
            "r.",
        ),
        "a forward": (
            [
                back(tcp(3000, 8080, "S", 100)),
                out(tcp(80, 3000, "SA", 500, 101), WEB),
                back(tcp(3000, 8080, "A", 101, 501)),
                back(tcp(3000, 8080, "PA", 101, 501, b"question")),
                out(tcp(80, 3000, "PA", 501, 109, b"answer"), WEB),
                back(error(3, 4, quoted(tcp(8080, 3000, "PA", 501, 109), EXTERNAL, SERVER)), ROUTER),
                back(tcp(3000, 8081, "S", 100)),
                back(tcp(3000, 80, "S", 100)),
            ],
            "lrllrl..",
        ),
        "a hairpin": (
            [
                out(tcp(2060, 8080, "S", 100), dst=EXTERNAL),
                out(tcp(80, 2060, "SA", 500, 101), WEB, EXTERNAL),
                out(tcp(2060, 8080, "PA", 101, 501, b"question"), dst=EXTERNAL),
                out(tcp(80, 2060, "PA", 501, 109, b"answer"), WEB, EXTERNAL),
            ],
            "llll",
        ),
        "the same port of two hosts": (
            [
                out(udp(4000, 53)),
                out(udp(4000, 53), OTHER),
                back(udp(53, 4001)),
                back(udp(53, 4000)),
                back(error(11, 0, quoted(udp(4001, 53), EXTERNAL, SERVER)), ROUTER),
                *handshake(4000),
                *handshake(4000, OTHER, 4001),
                back(tcp(80, 4001, "PA", 501, 101, b"data")),
                back(tcp(80, 4000, "PA", 501, 101, b"data")),
            ],
            "rrlllrlrrlrll",
        ),
    }


@pytest.mark.parametrize("name", same())
def test_the_same_comes_out(box: NatBox, name: str, tmp_path: Path) -> None:
    steps, sides = same()[name]
    theirs = linux(box, steps)
    assert "".join(found[0][0][0] if found else "." for found in theirs) == sides
    few = {"ports": "4000-4001"} if name == "the same port of two hosts" else {}
    assert ours(tmp_path, steps, **few) == theirs


def test_fragments(box: NatBox, tmp_path: Path) -> None:
    """Linux puts them together and takes them apart again: last come, last gone, but the same ones."""
    whole = IP(src=HOST, dst=SERVER, id=16) / udp(2070, 53, bytes(range(256)) * 10)
    answer = IP(src=SERVER, dst=EXTERNAL, id=32) / udp(53, 2070, bytes(range(256)) * 8)
    steps = [("left", part) for part in fragment(whole, 800)]
    steps += [("right", part) for part in fragment(answer, 800)]
    theirs = [one for found in linux(box, steps) for one in found]
    steps = [out(udp(2070, 53)), *steps]  # number 0: the others have theirs
    mine = ours(tmp_path, steps)
    assert sorted(mine[1] + mine[2]) == sorted(theirs)
    assert len(theirs) == 7


def test_linux_shares_a_port_of_two_hosts_by_destination(box: NatBox, tmp_path: Path) -> None:
    """Ours doesn't: a mapping is an endpoint's, whatever the destination is (RFC 4787, REQ-1 and 3)."""
    steps = [out(udp(2080, 53)), out(udp(2080, 53), OTHER, SERVER2)]
    theirs, mine = linux(box, steps), ours(tmp_path, steps)
    assert [IP(found[0][1])[UDP].sport for found in theirs] == [2080, 2080]
    assert mine[0] == theirs[0]
    (_, second) = mine[1][0]
    port = IP(second)[UDP].sport
    assert port != 2080
    answers = [*steps, back(udp(53, 2080)), back(udp(53, port), SERVER2)]
    assert len(ours(tmp_path, answers, ports="2080-2081")[2]) == 1


@pytest.mark.parametrize(("filtering", "passed"), [("endpoint", 3), ("address", 2), ("port", 1)])
def test_linux_filters_by_the_whole_endpoint(
    box: NatBox, filtering: str, passed: int, tmp_path: Path
) -> None:
    """Ours does so where it is asked for; else as RFC 4787, REQ-8, prefers it."""
    port = 2090 + passed
    steps = [out(udp(port, 53)), back(udp(53, port)), back(udp(54, port)), back(udp(53, port), SERVER2)]
    assert [len(found) for found in linux(box, steps)] == [1, 1, 0, 0]
    mine = ours(tmp_path, steps, filtering=filtering)
    assert sum(map(len, mine[1:])) == passed


def test_linux_has_no_hairpin_without_a_rule(box: NatBox, tmp_path: Path) -> None:
    """Of a port that a host got by itself; ours has (RFC 4787, REQ-9)."""
    steps = [out(udp(2100, 53)), out(udp(2101, 2100), OTHER, EXTERNAL)]
    assert linux(box, steps)[1] == []
    ((side, packet),) = ours(tmp_path, steps, filtering="endpoint")[1]
    seen = IP(packet)
    assert (side, seen.src, seen[UDP].sport, seen.dst, seen[UDP].dport) == (
        "left",
        EXTERNAL,
        2101,
        HOST,
        2100,
    )


def test_linux_translates_other_protocols_by_address(box: NatBox, tmp_path: Path) -> None:
    """One inside host for each remote one; ours drops them."""
    steps = [("left", IP(src=HOST, dst=FAR, proto=99) / Raw(bytes(20)))]
    assert [IP(packet).src for _, packet in linux(box, steps)[0]] == [EXTERNAL]
    assert ours(tmp_path, steps) == [[]]
