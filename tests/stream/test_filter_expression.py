"""Filters by an expression of tcpdump's: compiled as interpreted, as libpcap and tcpdump, and what mistakes say."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import wirebrick
from wirebrick import network_function
from wirebrick.errors import GraphError
from wirebrick.headers import VLAN, Ethernet, IPv4
from wirebrick.runtime import filter as module

CAPTURE = Path(__file__).parents[2] / "captures" / "mixed.pcap"
EXPRESSIONS = [
    "tcp port 80",
    "",
    "ip[6:2] & 0x1fff = 0 and len > 100",
    "arp or icmp",
    "ip6 protochain 6",
    "vlan",
]


@network_function
def matching(packets, *, expression: str):
    return packets.filter(expression, reason="no_match")


@network_function
def tagged(packets):
    """The frame is looked at as it is then: tagged, and under another TTL."""

    def tag(packet):
        packet.header.vid = 7

    def age(packet):
        packet.header.ttl = 9

    stream = packets.filter("not vlan", reason="tagged_before").parse(Ethernet).push(VLAN, tag)
    stream = stream.filter("vlan 7", reason="untagged").parse(IPv4).transform(age)
    return stream.filter("vlan and (not ip or ip[8] = 9)", reason="not_aged").filter(
        lambda packet: packet.header.ttl == 9, reason="forgotten"
    )


def tcpdump(expression: str) -> int:
    """How many packets of the capture tcpdump finds."""
    told = subprocess.run(
        ["tcpdump", "-nn", "-r", str(CAPTURE), "-w", "-", expression], capture_output=True, check=True
    ).stdout
    at, found = 24, 0
    while at < len(told):
        at += 16 + struct.unpack_from("<I", told, at + 8)[0]
        found += 1
    return found


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="no tcpdump")
@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("interpret", [True, False])
def test_keeps_what_tcpdump_finds(expression: str, interpret: bool, tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    kept = wirebrick.run(matching(expression=expression), CAPTURE, out, interpret=interpret)
    received = wirebrick.run("macswap", CAPTURE, "null:", filter=expression)
    assert kept.packets_out == received.packets_in == tcpdump(expression)
    assert kept.drops.get("matching.no_match", 0) == 3682 - kept.packets_out


def test_two_of_them_and_other_operators(tmp_path: Path) -> None:
    ways = []
    for interpret in (True, False):
        out = tmp_path / f"{interpret}.pcap"
        result = wirebrick.run([tagged, matching(expression="ip")], CAPTURE, out, interpret=interpret)
        ways.append((result.drops, out.read_bytes()))
    assert ways[0] == ways[1]
    drops = ways[0][0]
    assert drops["tagged.tagged_before"] > 0
    assert drops["matching.no_match"] > 0  # under a tag nothing is plain "ip"
    assert not {"tagged.untagged", "tagged.not_aged", "tagged.forgotten"} & set(drops)


def test_a_frame_that_is_too_short_does_not_match() -> None:
    for interpret in (True, False):
        short = wirebrick.run(
            matching(expression="ip[19] = 0"), rx=[bytes(12) + b"\x08\x00" + bytes(19)], interpret=interpret
        )
        assert short.drops == {"matching.no_match": 1}


def test_a_mistake_has_its_place_and_libpcaps_words(tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(
        "from wirebrick import network_function\n@network_function\ndef wrong(packets):\n"
        "    return packets.filter('tcp prot 80')\n"
    )
    with pytest.raises(GraphError) as error:
        wirebrick.run(str(file), rx=[])
    assert str(error.value).startswith(f"{file}:4:12: the filter 'tcp prot 80' is not right: ")
    assert "syntax error" in error.value.message
    assert "pcap-filter" in error.value.cure


def test_without_libpcap_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    module._libpcap.cache_clear()

    def absent(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(module.ctypes, "CDLL", absent)
    with pytest.raises(GraphError, match="libpcap") as error:
        wirebrick.run(matching(expression="ip"), rx=[])
    assert "apt-get install libpcap0.8" in error.value.cure
    module._libpcap.cache_clear()


def test_what_check_and_graph_say(tmp_path: Path) -> None:
    file = tmp_path / "web.py"
    file.write_text(
        "from wirebrick import network_function\n@network_function\ndef web(packets):\n"
        "    return packets.filter('tcp port 80', reason='not_web')\n"
    )
    command = [sys.executable, "-m", "wirebrick"]
    told = subprocess.run([*command, "check", str(file), "--json"], capture_output=True, check=True)
    found = json.loads(told.stdout)["nfs"][0]
    assert (found["reads"], found["writes"]) == (["frame"], [])
    assert (found["reasons"], found["can_drop"]) == (["not_web"], True)
    assert found["operators"] == ["filter('tcp port 80')"]
    drawn = subprocess.run([*command, "graph", str(file)], capture_output=True, check=True, text=True).stdout
    assert "filter('tcp port 80'): not_web" in drawn
