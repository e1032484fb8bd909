"""shuffle: packets go to the worker that is chosen, once, with what is known of them; flows keep their order."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

import wirebrick
from wirebrick import Array, Record, Stream, network_function
from wirebrick.errors import GraphError
from wirebrick.fields import U16, U64
from wirebrick.headers import UDP, VLAN, Ethernet, IPv4

CAPTURE = Path(__file__).parents[2] / "captures" / "mixed.pcap"
WAYS = pytest.mark.parametrize("interpret", [False, True], ids=["compiled", "interpreted"])


def frame(src: int, number: int = 0, tag: bytes = b"") -> bytes:
    payload = number.to_bytes(4, "big")
    udp = bytes(UDP(src_port=1000 + src, dst_port=53, length=12)) + payload
    ip = bytes(IPv4(src=src, dst=9, protocol=17, total_length=32))
    return bytes(12) + tag + b"\x08\x00" + ip + udp


def by_flow(packets: list[bytes]) -> dict[bytes, list[bytes]]:
    """Packets by what names their flow, both ways alike; all that is no IP together."""
    flows = defaultdict(list)
    for packet in packets:
        at = 14
        while packet[at - 2 : at] in (b"\x81\x00", b"\x88\xa8"):
            at += 4
        kind = packet[at - 2 : at]
        key = b""
        if kind == b"\x08\x00" and len(packet) >= at + 20:
            fragment = packet[at + 6] & 0x3F or packet[at + 7]
            begin = at + (packet[at] & 15) * 4
            key = ends(packet, packet[at + 9], at + 12, 4, 0 if fragment else begin)
        elif kind == b"\x86\xdd" and len(packet) >= at + 40:
            key = ends(packet, packet[at + 6], at + 8, 16, at + 40)
            if packet[at + 6] not in (6, 17, 58):
                key = packet  # extension headers: which flow it is of is not looked at here
        flows[key].append(packet)
    return flows


def ends(packet: bytes, protocol: int, addresses: int, size: int, ports: int) -> bytes:
    """The two ends of a flow, in the order of their bytes."""
    found = []
    for number in range(2):
        end = packet[addresses + number * size :][:size]
        if ports and protocol in (6, 17, 132):
            end += packet[ports + 2 * number :][:2]
        found.append(end)
    return bytes([protocol]) + b"".join(sorted(found))


@WAYS
@pytest.mark.parametrize("workers", [2, 3])
def test_a_capture_feeds_several_workers_and_flows_keep_their_order(workers, interpret, tmp_path):
    counts = []
    for crew in (1, workers):
        out: list[bytes] = []
        result = wirebrick.run(["ttl", "monitor"], rx=CAPTURE, tx=out, workers=crew, interpret=interpret)
        entered = [nf.packets_in for nf in result.nfs]
        counts.append((result.packets_in, result.packets_out, result.drops, entered, by_flow(out)))
    assert counts[0] == counts[1]


def where(packets_by_worker: Array) -> list[list[int]]:
    return [packets_by_worker.partition(worker) for worker in range(len(packets_by_worker.blocks))]


@WAYS
def test_the_function_chooses_modulo_the_queues(interpret):
    seen = []

    @network_function
    def chosen(packets: Stream) -> Stream:
        by_source = Array(U64, 8)

        def source(packet):
            return packet.header.src - 3  # negative for some

        def note(packet):
            by_source[packet.header.src] += 1

        wirebrick.at_end(lambda: seen.append(where(by_source)))
        return packets.parse(Ethernet).parse(IPv4).shuffle(source, workers=[0, 1, 1]).map(note)

    frames = [frame(src, number) for number in range(40) for src in range(8)]
    for crew in (2, 1):
        result = wirebrick.run(chosen, rx=frames, workers=crew, interpret=interpret)
        assert result.packets_out == len(frames)
    expected = [[0] * 8, [0] * 8]
    for src in range(8):
        expected[[0, 1, 1][(src - 3) % 3]][src] = 40
    assert seen[0] == expected
    assert seen[1] == [[40] * 8]


@WAYS
def test_queues_by_port(interpret):
    seen = []

    @network_function
    def halves(packets: Stream) -> Stream:
        count = Array(U64, 1)

        def note(packet):
            count[0] += 1

        wirebrick.at_end(lambda: seen.append(where(count)))
        return packets.shuffle({"in": 1, "lan": 0}).map(note)

    ports = {"lan": "memory:count=30,flows=3", "out": "null:"}
    wirebrick.run(halves, rx="memory:count=20,flows=2", ports=ports, workers=2, interpret=interpret)
    assert seen == [[[30], [20]]]


class Note(Record):
    """Travels with the packet."""

    number: U64
    low: U16


@WAYS
def test_headers_metadata_and_pending_numbers_travel(interpret):
    @network_function
    def onward(packets: Stream) -> Stream:
        def note(packet):
            return Note(number=packet[IPv4].src * 1000, low=packet.header.src_port)

        def away(packet):
            return 1 - packet[IPv4].src % 2

        def use(packet):
            packet[IPv4].identification = packet.metadata.number + packet.metadata.low
            packet.header.dst_port += 1

        inner = packets.parse(Ethernet).parse(VLAN).parse(IPv4).parse(UDP)
        return inner.metadata(Note, note).shuffle(away, workers=2).transform(use)

    @network_function
    def retag(packets: Stream) -> Stream:
        bare = packets.parse(Ethernet).parse(VLAN).pop()
        return bare.shuffle(lambda packet: packet.length, workers=2).push(VLAN)

    tag = bytes.fromhex("81000005")
    frames = [frame(src, number, tag) for number in range(50) for src in range(5)]
    alone = wirebrick.run([onward, retag], rx=frames, interpret=True)
    crew = wirebrick.run([onward, retag], rx=frames, workers=2, interpret=interpret)
    assert by_flow(crew.packets) == by_flow(alone.packets)
    assert crew.packets_out == len(frames)
    first = IPv4.from_bytes(crew.packets[0][18:])
    assert first.identification == (int(first.src) * 1000 + 1000 + int(first.src)) & 0xFFFF


@WAYS
def test_shuffles_in_a_row_and_copies(interpret):
    @network_function
    def mirror(packets: Stream) -> Stream:
        def double(packet):
            if packet.header.src % 2:
                packet.copy().send("out")

        return packets.parse(Ethernet).parse(IPv4).transform(double).shuffle("flow")

    frames = [frame(src, number) for number in range(64) for src in range(16)]
    result = wirebrick.run([mirror, "ttl", mirror], rx=frames, workers=2, interpret=interpret, burst=8)
    assert result.packets_in + result.packets_copied == result.packets_out
    assert result.packets_copied == 2 * 64 * 8
    assert [nf.packets_in for nf in result.nfs] == [1024, 1024, 1024]


def test_a_full_ring_drops_or_waits():
    def chain(full):
        @network_function
        def slow(packets: Stream) -> Stream:
            def work(packet):
                total = 0
                for i in range(200):
                    total += i
                if total == 1:
                    packet.drop("never")

            there = packets.parse(Ethernet).shuffle(lambda packet: 1, workers=2, full=full, capacity=64)
            return there.transform(work)

        return slow

    rx = "memory:count=200000,flows=2"
    waited = wirebrick.run(chain("wait"), rx=rx, workers=2)
    assert waited.packets_out == 200_000
    dropped = wirebrick.run(chain("drop"), rx=rx, workers=2)
    assert dropped.packets_out + dropped.drops.get("slow.shuffle_full", 0) == 200_000


def test_placed_network_functions(tmp_path):
    from wirebrick.nf.macswap import macswap
    from wirebrick.nf.ttl import ttl

    one = wirebrick.run([ttl, macswap], rx=CAPTURE)
    two = wirebrick.run([ttl.on(0), macswap.on(1)], rx=CAPTURE, workers=2)
    assert (one.packets_out, one.drops) == (two.packets_out, two.drops)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("flows",), "shuffle\\(\\) can't go by 'flows'"),
        (({"in": -1},), "can't go by {'in': -1}"),
        (({},), "can't go by {}"),
        (("flow", 0), "can't use the workers 0"),
        (("flow", []), "can't use the workers \\[\\]"),
        ((lambda a, b: 1,), "takes one argument, the packet"),
    ],
)
def test_mistakes(arguments, said):
    @network_function
    def wrong(packets: Stream) -> Stream:
        return packets.shuffle(*arguments)

    with pytest.raises(GraphError, match=said):
        wirebrick.run(wrong, rx=[])


@pytest.mark.parametrize("options", [{"full": "explode"}, {"capacity": 100}, {"capacity": 1}])
def test_wrong_options(options):
    @network_function
    def wrong(packets: Stream) -> Stream:
        return packets.shuffle("flow", **options)

    with pytest.raises(GraphError, match=r"a .*ring can't"):
        wirebrick.run(wrong, rx=[])
