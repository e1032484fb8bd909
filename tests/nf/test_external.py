"""external: packets leave to the other NF by one port, come back by the other, both ways, and go on in the chain."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.all import IP, UDP, Ether, rdpcap, wrpcap

import wirebrick
from wirebrick import Stream, network_function
from wirebrick.errors import GraphError
from wirebrick.headers import Ethernet, IPv4
from wirebrick.nf.external import external


def packets(first: int, count: int) -> list[bytes]:
    return [
        bytes(Ether() / IP(src="192.0.2.1", dst="192.0.2.2", ttl=60) / UDP(sport=first + n) / bytes(20))
        for n in range(count)
    ]


@network_function
def older(stream: Stream) -> Stream:
    def age(packet):
        packet.header.ttl -= 1

    return stream.parse(Ethernet).parse(IPv4).transform(age)


def ttls(path: Path) -> list[tuple[int, int]]:
    return [(packet[UDP].sport, packet[IP].ttl) for packet in rdpcap(str(path))]


def two_way(folder: Path, name: str, given: list[bytes]) -> tuple[str, Path]:
    """A port with packets to receive, and where it writes what it sends."""
    wrpcap(str(folder / f"{name}_in.pcap"), [Ether(one) for one in given] or [])
    if not given:
        (folder / f"{name}_in.pcap").write_bytes(
            bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
        )
    return f"pcap:{folder}/{name}_in.pcap,{folder}/{name}_out.pcap", folder / f"{name}_out.pcap"


@pytest.mark.parametrize("interpret", [False, True])
@pytest.mark.parametrize("workers", [1, 2])
def test_both_directions(tmp_path: Path, interpret: bool, workers: int) -> None:
    left, to_left = two_way(tmp_path, "left", packets(100, 5))
    right, to_right = two_way(tmp_path, "right", packets(200, 4))
    inner, to_inner = two_way(tmp_path, "inner", packets(300, 3))
    outer, to_outer = two_way(tmp_path, "outer", packets(400, 2))
    result = wirebrick.run(
        [older, external(inside=inner, outside=outer), older],
        rx=left,
        tx=right,
        interpret=interpret,
        workers=workers,
    )
    assert sorted(ttls(to_inner)) == [(100 + n, 59) for n in range(5)]  # from in, aged once
    assert sorted(ttls(to_outer)) == [(200 + n, 59) for n in range(4)]  # from out, aged once
    assert sorted(ttls(to_left)) == [(300 + n, 59) for n in range(3)]  # came back inside: on to in
    assert sorted(ttls(to_right)) == [(400 + n, 59) for n in range(2)]
    counts = {nf.name: (nf.packets_in, nf.packets_out) for nf in result.nfs}
    assert counts == {"older": (9, 9), "external": (14, 14), "older#2": (5, 5)}
    assert (result.packets_in, result.packets_out, result.packets_dropped) == (14, 14, 0)


def test_two_hops(tmp_path: Path) -> None:
    left, to_left = two_way(tmp_path, "left", packets(100, 1))
    right, to_right = two_way(tmp_path, "right", packets(200, 1))
    legs = {name: two_way(tmp_path, name, packets(300 + 100 * n, 1)) for n, name in enumerate("abcd")}
    specs = {name: spec for name, (spec, _) in legs.items()}
    wirebrick.run(
        [
            external(inside=specs["a"], outside=specs["b"]),
            older,
            external(inside=specs["c"], outside=specs["d"]),
        ],
        rx=left,
        tx=right,
    )
    sent = {name: ttls(path) for name, (_, path) in legs.items()}
    assert sent == {
        "a": [(100, 60)],
        "b": [(200, 60)],
        "c": [(400, 59)],  # came back at b, on its way out
        "d": [(300, 59)],  # came back at a, on its way in
    }
    assert ttls(to_left) == [(500, 60)]
    assert ttls(to_right) == [(600, 60)]


def test_ports_of_the_run_by_name(tmp_path: Path) -> None:
    left, _ = two_way(tmp_path, "left", packets(100, 2))
    inner, to_inner = two_way(tmp_path, "inner", [])
    result = wirebrick.run(
        [external(inside="ids", outside="far")],
        rx=left,
        tx="null:",
        ports={"ids": inner, "far": "null:"},
    )
    assert ttls(to_inner) == [(100, 60), (101, 60)]
    assert [port.packets_out for port in result.ports if port.name == "ids"] == [2]


def test_a_name_that_no_port_has() -> None:
    with pytest.raises(GraphError, match="no port named 'nothere'"):
        wirebrick.run([external(inside="nothere", outside="neither")], rx="memory:count=1", tx="null:")


def test_in_a_chain_file(tmp_path: Path) -> None:
    from wirebrick.cli.main import main

    left, _ = two_way(tmp_path, "left", packets(100, 2))
    inner, to_inner = two_way(tmp_path, "inner", [])
    (tmp_path / "chain.toml").write_text(
        f'[ports]\nin = "{left}"\nout = "null:"\n\n[[chain]]\nuse = "ttl"\n\n'
        f'[[chain]]\nuse = "external"\ninside = "{inner}"\noutside = "null:"\n'
    )
    assert main(["run", str(tmp_path / "chain.toml"), "--quiet"]) == 0
    assert ttls(to_inner) == [(100, 59), (101, 59)]


def test_tracing_sends_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from wirebrick.cli.main import main

    wrpcap(str(tmp_path / "in.pcap"), [Ether(one) for one in packets(1, 1)])
    out = tmp_path / "leg.pcap"
    assert (
        main(["trace", f"external:inside='pcap:,{out}',outside=null:", "--in", str(tmp_path / "in.pcap")])
        == 0
    )
    assert "leaves by port external.inside" in capsys.readouterr().out
    assert not out.exists()
