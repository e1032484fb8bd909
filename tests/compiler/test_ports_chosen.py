"""Ports chosen by what came in, by number, and found in a tuple: compiled and interpreted alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap, wrpcap
from snippets import nf_text, refused

import wirebrick
from wirebrick import Array, Stream, network_function
from wirebrick.fields import U64
from wirebrick.headers import Ethernet

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
PORTS = ("d", "a", "c", "b")


def frame(number: int, size: int = 60) -> bytes:
    return bytes(Ethernet(dst=number)) + bytes(size - 14)


def run_between(nf, folder: Path, interpret: bool, **received: list[bytes]) -> tuple[object, dict]:
    """Run with a capture for each port in which it receives and one it sends to; what each port sent."""
    ports = {}
    for name in PORTS:
        incoming = folder / f"{name}-in.pcap"
        wrpcap(str(incoming), [Ether(data) for data in received.get(name, [])], linktype=1)
        ports[name] = f"pcap:{incoming},{folder / name}.pcap"
    result = wirebrick.run(nf, ports=ports, interpret=interpret)
    return result, {name: [bytes(packet) for packet in rdpcap(f"{folder / name}.pcap")] for name in PORTS}


@network_function
def by_number(packets: Stream) -> Stream:
    """The port whose number is in the destination; forward for even lengths, by send for odd ones."""

    def choose(packet):
        number = packet.header.dst - 10
        if packet.length % 2 == 1:
            packet.send(PORTS[number])
        else:
            packet.egress = PORTS[number]

    return packets.parse(Ethernet).transform(choose)


@network_function
def back(packets: Stream) -> Stream:
    """Everything goes back where it came from, with the number of the port in it, counted."""
    seen = Array(U64, 4)

    def turn(packet):
        number = PORTS.index(packet.ingress)
        seen[number] += 1
        packet.header.src = number
        same = packet.ingress == PORTS[number] and PORTS[number] == packet.ingress
        other = PORTS[(number + 1) % 4] != packet.ingress
        if same and other:
            copy = packet.copy()
            copy.send(packet.ingress)
            packet.send(packet.ingress)

    wirebrick.at_end(lambda: wirebrick.Report("", ["n"], [(n,) for n in seen.totals()]))
    return packets.parse(Ethernet).transform(turn)


@network_function
def only_some(packets: Stream) -> Stream:
    some = ("a", "b")

    def count(packet):
        if some.index(packet.ingress) == 1:
            packet.drop("second")
            return
        packet.egress = packet.egress

    return packets.parse(Ethernet).transform(count)


@network_function
def nowhere(packets: Stream) -> Stream:
    return packets.parse(Ethernet).transform(lambda packet: packet.send(packet.egress))


@BOTH
def test_a_port_by_its_number(tmp_path: Path, interpret: bool) -> None:
    sent = [frame(10 + n, size) for n in range(-5, 5) for size in (60, 61)]
    result, got = run_between(by_number, tmp_path, interpret, a=sent)
    assert got == {
        name: [frame(10 + n, size) for n in (at - 4, at) for size in (60, 61)]
        for at, name in enumerate(PORTS)
    }
    assert result.drops == {"by_number.fault_index": 4}


@BOTH
def test_back_to_where_it_came_from(tmp_path: Path, interpret: bool) -> None:
    received = {name: [frame(1)] * count for count, name in enumerate(PORTS)}
    result, got = run_between(back, tmp_path, interpret, **received)
    assert {name: len(packets) for name, packets in got.items()} == {"d": 0, "a": 2, "c": 4, "b": 6}
    assert {data[11] for data in got["c"]} == {2}
    assert [n for (n,) in result.reports[0][1].rows] == [0, 1, 2, 3]


@BOTH
def test_a_port_that_is_not_in_the_tuple(tmp_path: Path, interpret: bool) -> None:
    result, _ = run_between(only_some, tmp_path, interpret, a=[frame(1)], b=[frame(1)], c=[frame(1)])
    reasons = {"only_some.second": 1, "only_some.fault_value": 1, "chain.no_egress": 1}
    assert result.drops == reasons


@BOTH
def test_an_egress_that_nobody_set(interpret: bool) -> None:
    assert wirebrick.run(nowhere, rx=[frame(1)], interpret=interpret).drops == {"nowhere.fault_value": 1}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("packet.send(5)", "send() takes a port"),
        ("packet.egress = (1, 2)[packet.length]", "indexed with a constant"),
        ("packet.header.dst = ('in', 'out').index(5)", "takes a port"),
        ("packet.send(('in', 'nowhere')[packet.length % 2])", "no port named 'nowhere'"),
    ],
)
def test_what_is_no_port(tmp_path: Path, body: str, message: str) -> None:
    error = refused(tmp_path, nf_text(body))
    assert message in error.message
