"""Taps at every point of a graph: the same packets interpreted and compiled, and the same run as without taps."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import wirebrick
from wirebrick import Stream, network_function
from wirebrick.errors import ParameterError
from wirebrick.fields import U64
from wirebrick.headers import TCP, UDP, VLAN, Ethernet, IPv4
from wirebrick.packet.frame import W_PROCESS, W_TAPS
from wirebrick.runtime import tap_server
from wirebrick.runtime.taps import Taps

for folder in ("compiler", "stream"):
    sys.path.append(str(Path(__file__).parents[1] / folder))

CAPTURE = Path(__file__).parents[2] / "captures" / "mixed.pcap"
BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])


def records(data: bytes) -> list[tuple[int, int, bytes]]:
    """Nanoseconds, bytes on the wire and the bytes kept of each record."""
    at, found = 0, []
    while at < len(data):
        seconds, nanoseconds, size, wire = struct.unpack_from("<IIII", data, at)
        found.append((seconds * 10**9 + nanoseconds, wire, data[at + 16 : at + 16 + size]))
        at += 16 + size
    assert at == len(data)
    return found


class Watched:
    """What passed each point of a run; ``wanted``: the points, else all."""

    def __init__(self, wanted: list[str] | None = None, **options: object) -> None:
        self.wanted = wanted
        self.options = options
        self.seen: dict[str, list[tuple[int, int, bytes]]] = {}
        self.taps: Taps | None = None
        self.processes: list[list[int]] = []

    @contextmanager
    def listening(self, taps: Taps, names: list[str]) -> Iterator[None]:
        self.taps = taps
        self._note(taps)
        attached = {name: taps.attach(name, **self.options) for name in self.wanted or taps.points}
        self._note(taps)
        yield
        for name, tap in attached.items():
            taps.detach(tap)
            data = b"".join(bytes(tap.read(worker)) for worker in range(len(tap.rings)))
            self.seen[name] = records(data)
            assert (tap.taken, tap.missed) == (len(self.seen[name]), 0)
        self._note(taps)

    def _note(self, taps: Taps) -> None:
        self.processes.append([worker.context[W_PROCESS] for worker in taps._workers])

    def bytes(self, point: str) -> list[bytes]:
        return [data for _, _, data in self.seen[point]]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch):
    """Run a chain and watch it; gives the result and what was seen."""

    def run(chain, rx, *, wanted=None, filter_at=None, snaplen=262144, count=None, **options):
        watched = Watched(wanted, expression=filter_at, snaplen=snaplen, count=count)
        monkeypatch.setattr(tap_server, "listening", watched.listening)
        result = wirebrick.run(chain, rx=rx, captures=True, **options)
        monkeypatch.undo()
        return result, watched

    return run


@network_function
def copier(packets: Stream) -> Stream:
    """Copies that are sent, dropped and changed; drops and faults of all kinds."""
    seen = wirebrick.Array(U64, 4)

    def look(packet):
        seen[0] += 1
        if packet.length > 300:
            packet.drop("long")
        elif packet.length > 200:
            other = packet.copy()
            other[IPv4].ttl = 99
            other.send("out")
        elif packet.length > 120:
            third = packet.copy()
            third.drop("copied")
            packet[IPv4].ttl = 98
        elif packet.length > 100:
            packet.send("out")
        elif packet.length > 90:
            seen[packet.length] += 1

    return packets.parse(Ethernet, otherwise="drop").parse(IPv4, otherwise="drop").transform(look)


def zoo_chains() -> list[list[str]]:
    from test_differential import CHAINS

    return CHAINS


@pytest.mark.parametrize("chain", zoo_chains(), ids="+".join)
def test_every_point_of_the_zoo(watch, chain: list[str]) -> None:
    from frames import frames
    from zoo import ZOO

    packets = frames(seed=len(chain), count=60)
    functions = [ZOO[name] for name in chain]
    plain = wirebrick.run(functions, rx=packets)
    interpreted, mine = watch(functions, packets, interpret=True)
    compiled, theirs = watch(functions, packets)
    assert plain.packets == interpreted.packets == compiled.packets
    assert plain.drops == interpreted.drops == compiled.drops
    assert plain.nfs == interpreted.nfs == compiled.nfs
    assert mine.seen == theirs.seen
    agree(compiled, theirs)


def agree(result: wirebrick.Result, watched: Watched) -> None:
    """What was seen is what was counted."""
    for nf in result.nfs:
        assert len(watched.seen[f"{nf.name}:in"]) == nf.packets_in
        assert len(watched.seen[f"{nf.name}:out"]) == nf.packets_out
        assert len(watched.seen[f"{nf.name}:drop"]) == nf.packets_dropped
    for reason, count in result.drops.items():
        assert len(watched.seen[reason]) == count
    assert len(watched.seen["drop"]) == result.packets_dropped
    assert len(watched.seen["in:rx"]) == result.packets_in
    assert len(watched.seen["out:tx"]) == result.packets_out


@BOTH
def test_copies_sends_drops_and_faults(watch, interpret: bool) -> None:
    result, watched = watch([copier, "ttl"], CAPTURE, tx="null:", interpret=interpret)
    agree(result, watched)
    for reason in (
        "copier.long",
        "copier.copied",
        "copier.fault_index",
        "copier.ipv4_absent",
        "ttl.ttl_expired",
    ):
        assert watched.seen[reason], reason
    assert 99 in {data[22] for data in watched.bytes("copier:out") if len(data) > 200}
    assert all(len(data) > 300 for data in watched.bytes("copier.long"))
    assert all(data[12:14] != b"\x08\x00" for data in watched.bytes("copier.ipv4_absent"))


@network_function
def shout(packets: Stream) -> Stream:
    """Windows whose bytes go on in more packets than came."""

    def louder(window):
        window.emit(window.data, window.data)

    stream = packets.parse(Ethernet).parse(IPv4).parse(TCP).window(None, None, 10.0, louder, forward=False)
    return stream.packetize((Ethernet, IPv4, TCP))


@network_function
def wrapped(packets: Stream) -> Stream:
    """Pushed and popped headers; what is watched is the frame as a whole."""
    return packets.parse(Ethernet).push(VLAN).pop().push(VLAN)


@pytest.mark.parametrize("name", ["copier", "shout", "wrapped", "busy", "shapes", "faulty"])
def test_what_nfs_make_is_seen_alike(watch, name: str) -> None:
    import events_nfs

    chain = [globals().get(name) or getattr(events_nfs, name), "ttl"]
    interpreted, mine = watch(chain, CAPTURE, tx="null:", interpret=True)
    compiled, theirs = watch(chain, CAPTURE, tx="null:")
    assert interpreted.drops == compiled.drops
    assert interpreted.packets_made == compiled.packets_made
    for point in mine.seen:
        assert mine.seen[point] == theirs.seen[point], point
    agree(compiled, theirs)


@BOTH
def test_the_bytes_are_those_of_the_moment(watch, interpret: bool) -> None:
    result, watched = watch("ttl", CAPTURE, tx="null:", interpret=interpret, filter="ip")
    before, after = watched.bytes("ttl:in"), watched.bytes("ttl:out")
    assert before == watched.bytes("in:rx")
    assert after == watched.bytes("out:tx")
    alive = [data for data in before if data[22] > 1]
    assert [data[22] - 1 for data in alive] == [data[22] for data in after]
    assert [data[:22] for data in alive] == [data[:22] for data in after]
    assert {data[22] for data in watched.bytes("ttl.ttl_expired")} <= {0, 1}
    assert len(watched.seen["drop"]) == result.packets_dropped > 0


@BOTH
def test_filter_snaplen_and_count(watch, interpret: bool) -> None:
    how = {"wanted": ["in:rx"], "interpret": interpret, "tx": "null:"}
    _, tcp = watch("ttl", CAPTURE, filter_at="tcp port 80", snaplen=60, **how)
    received = wirebrick.run("ttl", CAPTURE, "null:", filter="tcp port 80")
    assert len(tcp.seen["in:rx"]) == received.packets_in > 10
    assert all(len(data) == min(60, wire) for _, wire, data in tcp.seen["in:rx"])
    assert any(wire > 60 for _, wire, _ in tcp.seen["in:rx"])
    _, few = watch("ttl", CAPTURE, filter_at="tcp port 80", count=3, snaplen=60, **how)
    assert few.seen["in:rx"] == tcp.seen["in:rx"][:3]


def test_several_workers_with_rings_between_them(watch) -> None:
    @network_function
    def spread(packets):
        return packets.parse(Ethernet).parse(IPv4).parse(UDP).shuffle("flow")

    result, watched = watch([spread, "ttl"], "memory:count=20000,size=64", tx="null:", workers=2)
    agree(result, watched)
    assert result.packets_in == 20000
    assert sorted(watched.bytes("spread:in")) == sorted(watched.bytes("spread:out"))


def test_the_code_with_taps_is_there_only_while_somebody_watches(watch) -> None:
    _, watched = watch("ttl", CAPTURE, tx="null:")
    before, during, after = watched.processes
    assert before == after
    assert before != during
    assert watched.taps is not None
    assert [worker.context[W_TAPS] for worker in watched.taps._workers] == [0]
    assert not watched.taps._taps


def test_a_full_ring_misses_packets_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {}

    @contextmanager
    def listening(taps: Taps, names: list[str]) -> Iterator[None]:
        tap = taps.attach("in:rx")
        yield
        taps.detach(tap)
        counts.update(taken=tap.taken, missed=tap.missed, size=len(tap.read(0)))

    monkeypatch.setattr(tap_server, "listening", listening)
    result = wirebrick.run("macswap", rx="memory:count=100000,size=100", tx="null:", captures=True)
    assert result.packets_out == 100000
    assert counts["taken"] + counts["missed"] == 100000
    assert counts["size"] == counts["taken"] * 116 <= 1 << 22
    assert counts["missed"] > 0


def test_unknown_points_and_wrong_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []

    @contextmanager
    def listening(taps: Taps, names: list[str]) -> Iterator[None]:
        for point, expression in (("ttl:on", None), ("ttl:in", "tcp prot 80")):
            with pytest.raises(ParameterError) as error:
                taps.attach(point, expression)
            told.append(str(error.value))
        yield

    monkeypatch.setattr(tap_server, "listening", listening)
    wirebrick.run("ttl", rx=[bytes(60)], captures=True)
    assert "there is no point 'ttl:on' in this run" in told[0]
    assert "did you mean 'ttl:out'" in told[0] or "did you mean 'ttl:in'" in told[0]
    assert "syntax error" in told[1]
