"""The VXLAN endpoint with scapy at the other end."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw
from wires import exchange

import wirebrick
from wirebrick import IPv4Address, MacAddress
from wirebrick.nf.vxlan import vxlan

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
PORTS = ("in", "out")
MINE, FAR, FAR2, HERE, THERE = (f"02:00:00:00:00:{n:02x}" for n in (1, 2, 3, 0x10, 0x20))
LOCAL, REMOTE, REMOTE2 = "198.51.100.1", "198.51.100.2", "198.51.100.3"
ENDS = {"local": IPv4Address(LOCAL), "mac": MacAddress(MINE)}


def is_at(address: str, mac: str) -> tuple[str, Ether]:
    return "out", Ether(src=mac, dst=MINE) / ARP(op=2, hwsrc=mac, psrc=address, hwdst=MINE, pdst=LOCAL)


def run(
    folder: Path, came: list[tuple], interpret: bool, **parameters: object
) -> tuple[wirebrick.Result, dict]:
    given = {"vni": 7, "remotes": f"{REMOTE} {REMOTE2}", **ENDS, **parameters}
    result, got = exchange(vxlan(**given), folder, PORTS, came, interpret)
    return result, {name: [Ether(frame) for frame in frames] for name, frames in got.items()}


def tunnelled(
    inner: Ether, src: str = REMOTE, vni: int = 7, mac: str = FAR, **udp: object
) -> tuple[str, Ether]:
    outer = Ether(src=mac, dst=MINE) / IP(src=src, dst=LOCAL) / UDP(sport=50000, dport=4789, **udp)
    return "out", outer / VXLAN(vni=vni, flags=8) / inner


KNOWN = [is_at(REMOTE, FAR), is_at(REMOTE2, FAR2)]


@BOTH
@pytest.mark.parametrize("checksum", [False, True])
def test_there_and_back(interpret: bool, checksum: bool, tmp_path: Path) -> None:
    answer = Ether(src=THERE, dst=HERE) / IP(src="10.0.0.2", dst="10.0.0.1") / TCP() / Raw(b"hello")
    asks = Ether(src=HERE, dst=THERE) / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=7) / Raw(b"hi")
    wide = Ether(src=HERE, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=HERE, psrc="10.0.0.1", pdst="10.0.0.2")
    came = [*KNOWN, ("in", wide), tunnelled(answer), ("in", asks), ("in", asks)]
    result, got = run(tmp_path, came, interpret, checksum=checksum)
    assert [bytes(frame) for frame in got["in"]] == [bytes(answer)]
    copies, one = got["out"][:-2], got["out"][-2:]
    copies = [packet for packet in copies if VXLAN in packet]
    assert [(p.dst, p[IP].dst) for p in copies] == [(FAR, REMOTE), (FAR2, REMOTE2)]
    for packet in [*copies, *one]:
        raw = bytes(packet)
        assert (packet.src, packet[IP].src, packet[UDP].dport, packet[VXLAN].vni) == (MINE, LOCAL, 4789, 7)
        assert (packet[VXLAN].flags, 49152 <= packet[UDP].sport < 65536, str(packet[IP].flags)) == (
            8,
            True,
            "",
        )
        inner = raw[50:]
        assert inner == (bytes(asks) if packet in one else bytes(wide))
        sent = packet[UDP].chksum
        assert (sent != 0) == checksum
        again = Ether(raw)
        del again[IP].chksum, again[UDP].chksum
        rebuilt = Ether(bytes(again))
        assert rebuilt[IP].chksum == packet[IP].chksum
        assert not checksum or rebuilt[UDP].chksum == sent
        assert packet[UDP].len == len(raw) - 34
    assert {(p.dst, p[IP].dst) for p in one} == {(FAR, REMOTE)}
    assert len({p[UDP].sport for p in one}) == 1
    assert result.drops == {"vxlan.arp_done": 2}
    assert ("02:00:00:00:00:20", REMOTE) in result.reports[0][1].rows


@BOTH
def test_flows_have_ports_of_their_own(interpret: bool, tmp_path: Path) -> None:
    inner = [Ether(src=HERE, dst=THERE) / IP(dst="10.0.0.2") / UDP(sport=n) for n in range(40)]
    inner += [Ether(src=HERE, dst=THERE) / IPv6(dst="2001:db8::2") / UDP(sport=n) for n in range(40)]
    _, got = run(tmp_path, [KNOWN[0], *(("in", frame) for frame in inner)], interpret, remotes=REMOTE)
    assert len({packet[UDP].sport for packet in got["out"] if VXLAN in packet}) > 60


@BOTH
def test_what_is_not_let_in_or_out(interpret: bool, tmp_path: Path) -> None:
    inner = Ether(src=THERE, dst=HERE) / IP() / UDP()
    fragment = Ether(src=FAR, dst=MINE) / IP(src=REMOTE, dst=LOCAL, proto=17, frag=2) / Raw(bytes(60))
    flags = Ether(bytes(tunnelled(inner)[1]))
    flags[VXLAN].flags = 0
    cut = bytes(tunnelled(inner)[1])[:52]
    outer = bytearray(cut)
    outer[16:18], outer[38:40] = (38).to_bytes(2, "big"), (18).to_bytes(2, "big")
    came = [
        tunnelled(inner, vni=8),
        tunnelled(inner, src="198.51.100.9"),
        tunnelled(Ether(src="03:00:00:00:00:01", dst=HERE) / IP()),
        ("out", Ether(src=FAR, dst=FAR2) / IP(src=REMOTE, dst=LOCAL) / UDP()),
        ("out", Ether(src=FAR, dst=MINE) / IP(src=REMOTE, dst="198.51.100.77") / UDP()),
        ("out", Ether(src=FAR, dst=MINE) / IP(src=REMOTE, dst=LOCAL) / ICMP()),
        ("out", fragment),
        ("out", flags),
        ("out", bytes(outer)),
        ("out", Ether(src=FAR, dst=MINE, type=0x88CC) / b"LLDP"),
        ("in", Ether(src=THERE, dst=HERE) / IP()),
        ("in", Ether(src=HERE, dst=THERE) / IP()),
    ]
    result, got = run(tmp_path, came, interpret)
    assert got["in"] == []
    assert not [packet for packet in got["out"] if VXLAN in packet]
    assert result.drops == {
        "vxlan.other_vni": 1,
        "vxlan.unknown_remote": 1,
        "vxlan.bad_source": 1,
        "vxlan.not_for_endpoint": 2,
        "vxlan.not_vxlan": 4,
        "vxlan.ethernet_truncated": 1,
        "vxlan.unresolved": 1,
        "vxlan.same_port": 1,
    }


@BOTH
def test_the_gateway_is_asked_for_and_arp_answered(interpret: bool, tmp_path: Path) -> None:
    asks = Ether(src=FAR, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=FAR, psrc="198.51.100.254", pdst=LOCAL)
    frame = Ether(src=HERE, dst=THERE) / Dot1Q(vlan=5) / IP()
    came = [("in", frame, 0), ("out", asks, 0.5), ("in", frame, 0.6)]
    _, got = run(tmp_path, came, interpret, gateway=IPv4Address("198.51.100.254"), remotes="203.0.113.5")
    kinds = [(p[ARP].op, p.dst, p[ARP].pdst) if ARP in p else (p.dst, p[IP].dst) for p in got["out"]]
    assert kinds == [
        (1, "ff:ff:ff:ff:ff:ff", "198.51.100.254"),
        (2, FAR, "198.51.100.254"),
        (1, FAR, "198.51.100.254"),  # what it said of itself is confirmed
        (FAR, "203.0.113.5"),
    ]
    assert bytes(got["out"][-1])[50:] == bytes(frame)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"vni": 0}, "the vni can't be 0"),
        ({"vni": 1 << 24}, "the vni can't be"),
        ({"remotes": ""}, "remotes can't be"),
        ({"remotes": "x"}, "vxlan"),
        ({"remotes": f"{REMOTE} {REMOTE}"}, "each once"),
        ({"local": IPv4Address("127.0.0.1")}, "local address can't be"),
        ({"mac": MacAddress("ff:ff:ff:ff:ff:ff")}, "MAC address can't be"),
        ({"ageing": 0}, "ageing can't be"),
        ({"inside": "out"}, "inside and outside"),
    ],
)
def test_wrong_parameters(parameters: dict[str, object], message: str) -> None:
    given = {"vni": 7, "remotes": REMOTE, **ENDS, **parameters}
    with pytest.raises(wirebrick.WirebrickError, match=message):
        wirebrick.run(vxlan(**given), rx=[], interpret=True)
