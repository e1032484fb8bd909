"""The C conntrack lets the same packets pass as the stateful firewall, one by one, and keeps the same connections."""

from __future__ import annotations

import ctypes
import random
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from benchmarks.experiments import measure
from benchmarks.experiments.conntrack import c_conntrack, ours
from benchmarks.harness.baseline import CNF, Baseline
from benchmarks.harness.options import Options
from hypothesis import given, settings
from hypothesis import strategies as st
from traffic_of_all_kinds import frames

import wirebrick
from wirebrick.nf.firewall import tracking
from wirebrick.packet.memory import load8, load32
from wirebrick.ports.memory.traffic import START_TIME, Traffic
from wirebrick.state import connections_layout as layout
from wirebrick.state.connections import Connections
from wirebrick.state.table_layout import S_KEY, S_LAST
from wirebrick.state.table_native import table_slot
from wirebrick.state.table_sweep_native import table_next

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="the baselines need gcc")

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
ICMP, TCP, UDP, SCTP = 1, 6, 17, 132
TAGS = (b"\x81\x00", b"\x88\xa8", b"\x91\x00")
SECOND = 10**9
CAPACITY = 5000  # a quarter of it half-open
Frames = list[tuple[int, bytes]]  # nanoseconds from the beginning


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("conntrack") / "all.rules"
    path.write_text("allow all\n")
    return path


def compare(
    rules: Path, sent: Frames, capacity: int = CAPACITY, interpret: bool = False
) -> tuple[set[int], dict[str, int]]:
    """Numbers of those that pass, and C's counters, once both sides were found to agree on all of it."""
    packets = [(START_TIME + when, numbered(frame, number)) for number, (when, frame) in enumerate(sent)]
    kept: list[Connections] = []
    with mock.patch.object(
        tracking, "Connections", lambda **named: kept.append(Connections(**named)) or kept[0]
    ):
        result = wirebrick.run(ours(rules, capacity), rx=packets, interpret=interpret)
    nf = c_conntrack(capacity)
    baseline = Baseline([nf], Traffic(size="imix"))
    passed = []
    for first in range(0, len(packets), baseline.burst):
        passed += baseline.process(packets[first : first + baseline.burst])
    number = {frame: number for number, (_, frame) in enumerate(packets)}
    mine, other = ({number[frame] for frame in frames} for frames in (result.packets, passed))
    assert mine == other, [(place, sent[place][1].hex()) for place in sorted(mine ^ other)[:3]]
    assert passed == result.packets
    words = ("opened", "connections", "refused", "dropped", "unseen", "hits")
    counted = dict(zip(words, baseline.state(0)[7:13], strict=True))
    assert (counted["opened"], counted["refused"]) == (kept[0].opened, kept[0].refused)
    assert counted["dropped"] == result.packets_dropped
    theirs, own = of_c(nf), dict(of_wirebrick(kept[0]))
    assert len(theirs) == counted["connections"]
    if kept[0].expired:  # which Wirebrick looks for each second
        theirs = {key: value for key, value in theirs.items() if key in own}
    assert theirs == own
    return mine, counted


def of_c(nf: CNF) -> dict[bytes, bytes]:
    """By key: time of expiry, state, who began, half-open, who sent a FIN, then the sequence numbers and windows."""
    memory, _ = nf.keeps
    slots = memory[nf.state[0] - memory.ctypes.data :][: 64 * (nf.state[1] + 1)].reshape(-1, 64)
    return {
        row[:16].tobytes(): row[16:24].tobytes() + row[32:60].tobytes() for row in slots if row[8:16].any()
    }


def of_wirebrick(connections: Connections) -> Iterator[tuple[bytes, bytes]]:
    """The same of Wirebrick's."""
    table, number = connections.blocks[0] + layout.C_TABLE, 0
    while number := table_next(table, number):
        slot = table_slot(table, number, layout.STRIDE)
        at = slot + S_KEY + layout.KEY
        state, marks = load8(at), load8(at + layout.V_MARKS)
        began, half = marks & layout.BEGAN_LOWER, marks & layout.HALF != 0
        fins = marks // layout.FIN_BEGAN & 3
        words = struct.pack("<I4B", load32(slot + S_LAST), state, began, half, fins)
        yield ctypes.string_at(slot + S_KEY, 16), words + ctypes.string_at(at + layout.V_SIDES, 28)


def numbered(frame: bytes, number: int) -> bytes:
    """With its number for hardware addresses, so that no two frames are alike."""
    return number.to_bytes(12, "big") + frame[12:] if len(frame) >= 12 else number.to_bytes(4, "big") * 2


def ipv4(protocol: int, flow: int, back: bool, upper: bytes, tags: int = 0, fragment: int = 0) -> bytes:
    """A frame of a flow, one way or the other; every other flow has its lower end where the others have the upper."""
    ends = [0x0A000001 + flow // 3, 0xC6336401 - flow % 5 if flow % 2 else 0x01020304]
    src, dst = ends[::-1] if back else ends
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(upper), 7, fragment, 64, protocol, 0, src, dst)
    return bytes(12) + b"".join(TAGS[n] + b"\x00\x07" for n in range(tags)) + b"\x08\x00" + ip + upper


def ports(flow: int, back: bool) -> bytes:
    pair = [2000 + flow, 53 + flow % 2]
    return struct.pack(">HH", *(pair[::-1] if back else pair))


def udp(flow: int, back: bool = False, size: int = 10, **more: int) -> bytes:
    return ipv4(UDP, flow, back, ports(flow, back) + struct.pack(">HH", 8 + size, 0) + bytes(size), **more)


def sctp(flow: int, back: bool = False, size: int = 12) -> bytes:
    return ipv4(SCTP, flow, back, ports(flow, back) + bytes(size - 4))


def tcp(
    flow: int,
    back: bool = False,
    flags: int = ACK,
    seq: int = 0,
    ack: int = 0,
    window: int = 1000,
    size: int = 0,
) -> bytes:
    numbers = struct.pack(">IIBBHHH", seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4, flags, window, 0, 0)
    return ipv4(TCP, flow, back, ports(flow, back) + numbers + bytes(size))


def test_udp_sctp_and_others_both_ways(rules: Path) -> None:
    chance = random.Random(1)
    sent: Frames = []
    for _ in range(3000):
        flow, back = chance.randrange(150), chance.random() < 0.3
        kind = chance.random()
        if kind < 0.6:
            frame = udp(flow, back, chance.choice((0, 22, 552, 1400)), tags=chance.choice((0, 0, 1, 2)))
        elif kind < 0.8:
            frame = sctp(flow, back)
        else:
            frame = ipv4(
                chance.choice((2, 47, 50, 58, 136, 255)), flow, back, chance.randbytes(chance.randrange(40))
            )
        sent.append((0, frame))
    passed, counted = compare(rules, sent)
    assert len(passed) == 3000
    assert 300 < counted["connections"] == counted["hits"] < 1000


def test_an_address_that_talks_to_itself(rules: Path) -> None:
    same = bytes(4) + bytes(4)
    sent = [frame(0, back) for frame in (udp, tcp, sctp) for back in (False, True)]
    sent += [sent[0][:34] + b"\x12\x34\x12\x34" + sent[0][38:]] * 2
    sent = [frame[:26] + same + frame[34:] for frame in sent]
    _, counted = compare(rules, [(0, frame) for frame in sent] * 2)
    assert counted["connections"] == 4


@pytest.mark.parametrize("first", [0, 5000, (1 << 32) - 3000])
def test_tcp_taken_up_loosely(rules: Path, first: int) -> None:
    """Segments in order, late, twice and far off, in windows of any size; FIN and RST; sequence numbers go round."""
    chance = random.Random(2)
    at = [[first, first + 77] for _ in range(120)]
    sent: Frames = []
    for _ in range(4000):
        flow, way = chance.randrange(120), chance.randrange(2)
        size = chance.choice((0, 0, 100, 1400))
        seq, ack = at[flow][way], at[flow][1 - way]
        off = chance.choice((0, 0, 0, -size, 1460, -70_000, 1 << 31))
        flags = chance.choices((ACK, ACK | PSH, ACK | URG, ACK | FIN, RST, RST | ACK), (60, 20, 3, 6, 1, 1))[
            0
        ]
        window = chance.choice((0, 1, 1000, 65535))
        sent.append((0, tcp(flow, way == 1, flags, seq + off, ack, window, size)))
        at[flow][way] += size + (flags & FIN)
    passed, counted = compare(rules, sent)
    assert counted["unseen"] == 0
    assert 3900 < len(passed) < 4000  # what began with a FIN or a RST did not pass
    assert counted["connections"] == 120


def test_flags_that_do_not_belong_together(rules: Path) -> None:
    for known in (False, True):
        begun = [tcp(flow) for flow in range(256)] if known else []
        sent = begun + [tcp(flow, flags=flow) for flow in range(256) if flow & SYN == 0 or flow & (FIN | RST)]
        passed, _ = compare(rules, [(0, frame) for frame in sent])
        sensible = sum(number >= len(begun) for number in passed)
        assert sensible == (4 * 8 if not known else 8 * (2 + 1 + 1 + 2)) // (2 if not known else 1)


def is_here(frame: bytes) -> bool:
    """Whether it is of the kinds that C does: not IPv6, ICMP, a fragment or a SYN."""
    at = 12
    while frame[at : at + 2] in TAGS and at < 20:
        at += 4
    if frame[at : at + 2] == b"\x86\xdd":
        return False
    ip = frame[at + 2 :]
    if frame[at : at + 2] != b"\x08\x00" or len(ip) < 20:
        return True
    upper = ip[(ip[0] & 15) * 4 :]
    fragment = int.from_bytes(ip[6:8], "big") & 0x3FFF
    return ip[9] != ICMP and fragment == 0 and not (ip[9] == TCP and len(upper) > 13 and upper[13] & SYN)


@pytest.mark.parametrize("seed", range(3))
def test_malformed_and_cut_short(rules: Path, seed: int) -> None:
    chance = random.Random(seed)
    made = [
        udp(3),
        udp(3, True),
        tcp(4, size=9),
        tcp(4, True),
        sctp(5),
        udp(6, tags=2),
        udp(7, tags=3),
        tcp(8),
    ]
    made += [ipv4(47, 8, False, b"abc")]
    sent = []
    for frame in frames(3000, seed) + made * 150:
        data = bytearray(frame)
        if chance.random() < 0.5 and len(data) > 14:
            data[chance.randrange(12, len(data))] = chance.choice(
                (0, 1, 5, 0x45, 0x60, chance.randrange(256))
            )
        if chance.random() < 0.2:
            del data[chance.randrange(len(data) + 1) :]
        sent.append(bytes(data))
    sent = [frame for frame in sent if is_here(frame)]
    passed, counted = compare(rules, [(0, frame) for frame in sent])
    assert 1500 < len(sent) < 4000
    assert len(sent) / 10 < counted["dropped"] == len(sent) - len(passed)
    assert counted["connections"] > 100


def test_what_is_not_here_passes_unseen(rules: Path) -> None:
    """So that the experiment, which wants none of them, sees that there were some."""
    first = udp(1, fragment=0x2000)
    sent = [first, udp(1, fragment=0x0002), tcp(2, flags=SYN), ipv4(ICMP, 3, False, b"\x08" + bytes(7))]
    sent += [bytes(12) + b"\x86\xdd\x60" + bytes(60), bytes(12) + b"\x08\x06" + bytes(40), bytes(13)]
    baseline = Baseline([c_conntrack(100)])
    assert baseline.process(sent) == sent
    assert baseline.state(0)[8:12] == [0, 0, 0, len(sent)]


def test_half_open_ones_give_way(rules: Path) -> None:
    """A quarter may be half-open; then a full table refuses."""
    chance = random.Random(4)
    sent = [udp(flow) for flow in range(300)]
    sent += [tcp(flow) for flow in range(400, 420)] + [tcp(flow, True) for flow in range(400, 420)]
    for _ in range(3000):
        flow = chance.randrange(150)
        frame = udp if flow % 3 else tcp
        sent.append(frame(flow, chance.random() < 0.4))
    _, counted = compare(rules, [(0, frame) for frame in sent], 100, interpret=True)
    assert counted["connections"] <= 100
    assert counted["opened"] > 500
    # An answer comes to each before the next begins: none is half-open, and none gives way.
    sent = [frame(flow, back) for frame in (udp, tcp) for flow in range(80) for back in (False, True)]
    passed, counted = compare(rules, [(0, frame) for frame in sent], 100, interpret=True)
    assert counted["connections"] == 100
    assert counted["refused"] > 20
    assert len(passed) == 200


def test_those_that_give_way_are_found_where_they_moved(rules: Path) -> None:
    """C moves connections when one before them goes; some of the oldest are half-open no more."""
    chance = random.Random(5)
    sent = []
    for flow in range(1500):
        sent.append(udp(flow))
        if chance.random() < 0.1:
            sent.append(udp(flow - chance.randrange(32), True))
    _, counted = compare(rules, [(0, frame) for frame in sent], 128, interpret=True)
    assert counted["opened"] > 1500
    assert 64 < counted["connections"] <= 128


def test_a_reset_is_no_answer(rules: Path) -> None:
    """Connections stay half-open, whoever resets them; what comes behind a RST is none of a new one."""
    sent = [
        tcp(1),
        tcp(1, flags=RST),
        tcp(2),
        tcp(2, True, RST),
        tcp(3),
        tcp(3, True, RST | ACK),
        tcp(3, seq=9),
    ]
    sent += [
        tcp(4),
        tcp(4, True, RST),
        tcp(4, True, seq=70, size=5),
        tcp(4, True, FIN | ACK),
        tcp(4, flags=FIN | ACK),
    ]
    compare(rules, [(number * SECOND, frame) for number, frame in enumerate(sent)])


def test_they_expire_alike(rules: Path) -> None:
    """After each state's own time: what then comes begins another connection, or is dropped."""
    ages = (9, 11, 119, 121, 239, 241, 299, 301, 599, 601, 7439, 7441)
    begun: list[bytes] = []
    later: Frames = []
    for age, first in zip(ages, range(0, 1000, 10), strict=False):
        one, two, three, four, five, six, seven = range(first, first + 7)
        begun += [udp(one), udp(two), udp(two, True), sctp(three), tcp(four), tcp(four, True)]
        begun += [tcp(five), tcp(five, flags=RST), tcp(six), tcp(six, flags=FIN | ACK)]
        begun += [tcp(seven), tcp(seven, True, FIN | ACK), tcp(seven, flags=FIN | ACK, ack=1)]
        again = [
            udp(one),
            udp(two),
            sctp(three),
            *(tcp(flow, flags=FIN | ACK) for flow in range(four, seven + 1)),
        ]
        later += [(age * SECOND, frame) for frame in again]
    passed, counted = compare(rules, [(0, frame) for frame in begun] + later)
    last = [number - len(begun) for number in passed if number >= len(begun)]
    lived = [sum(number // 7 == place for number in last) - 3 for place in range(len(ages))]
    assert lived == [4, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 0]  # UDP and SCTP begin anew
    assert counted["opened"] == len(ages) * 7 + sum(age > limit for age in ages for limit in (120, 300, 600))


steps = st.tuples(
    st.integers(0, SECOND // 11),  # since the one before: less than any timeout in all
    st.sampled_from(["udp", "sctp", "gre", "tcp"]),
    st.integers(0, 5),
    st.booleans(),
    st.sampled_from([ACK, ACK, ACK | PSH, ACK | FIN, RST, RST | ACK, ACK | URG, FIN, 0]),
    st.sampled_from([0, 1, 999, 1000, 1 << 31, (1 << 32) - 1]),
    st.sampled_from([0, 1, 1000, (1 << 32) - 1]),
    st.sampled_from([0, 1, 1000, 65535]),
    st.sampled_from([0, 1, 100]),
)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(taken=st.lists(steps, min_size=20, max_size=100), capacity=st.sampled_from([1, 3, 8, 16]))
def test_any_steps(rules: Path, taken: list[tuple], capacity: int) -> None:  # type: ignore[type-arg]
    now, sent = 0, []
    for wait, kind, flow, back, flags, seq, ack, window, size in taken:
        now += wait
        made = {
            "udp": lambda: udp(flow, back, size),  # noqa: B023
            "sctp": lambda: sctp(flow, back),  # noqa: B023
            "gre": lambda: ipv4(47, flow, back, bytes(4)),  # noqa: B023
            "tcp": lambda: tcp(flow, back, flags, seq, ack, window, size),  # noqa: B023
        }
        sent.append((now, made[kind]()))
    compare(rules, sent, capacity, interpret=True)


def test_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = {"few": Traffic(flows=500), "few, IMIX": Traffic(size="imix", flows=500, protocols="tcp")}
    monkeypatch.setattr("benchmarks.experiments.conntrack.CASES", cases)
    rows = list(measure("conntrack", Options(seconds=0.01, repeats=1)))
    assert [row.name for row in rows] == [f"firewall, stateful, {name}" for name in cases]
    assert all(row.ratio for row in rows)
