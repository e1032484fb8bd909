"""The port as it is written, and what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from namespace import Net, as_root, command, inside

from wirebrick.errors import PortError
from wirebrick.ports.afpacket.options import Options, parse_options
from wirebrick.ports.afpacket.port import AfPacketPort
from wirebrick.ports.spec import open_port

SOURCE = Path(__file__).parents[3] / "src"


def test_all_options() -> None:
    spec = "afpacket:eth0,promisc=off, ring=v3,qdisc=off,buffer=2"
    assert parse_options(spec) == Options("eth0", promisc=False, ring="v3", qdisc=False, buffer=2)
    assert parse_options("afpacket:eth0") == Options("eth0")
    port = open_port("afpacket:eth0")
    assert (port.two_way, port.can_receive, port.can_transmit, port.splits(4)) == (True, True, True, True)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("afpacket:", "which interface?"),
        ("afpacket:eth0,promsic=on", "did you mean 'promisc'"),
        ("afpacket:eth0,ring=v1", "ring can't be 'v1'"),
        ("afpacket:eth0,buffer=0", "1 to 256"),
        ("afpacket:eth0,buffer=x", "1 to 256"),
        ("afpacket:eth0,qdisc", "on or off"),
        ("afpacket:eth0,qdisc=on,qdisc=off", "twice"),
    ],
)
def test_wrong_options(spec: str, text: str) -> None:
    with pytest.raises(PortError) as caught:
        open_port(spec)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "text"),
    [("afpacket:no-such-one0", "there is no interface"), ("afpacket:" + "x" * 16, "at most 15 characters")],
)
def test_no_such_interface(spec: str, text: str) -> None:
    with pytest.raises(PortError, match=text):
        AfPacketPort(spec).source(0, 1)


@as_root
def test_loopback_has_no_ethernet_header() -> None:
    with pytest.raises(PortError, match="no Ethernet header") as caught:
        AfPacketPort("afpacket:lo").source(0, 1)
    assert "veth" in caught.value.cure


@as_root
def test_an_interface_is_one_port(net: Net) -> None:
    """Two would each receive every frame."""
    box = net.namespace("x")
    command("ip", "-n", box, "link", "add", "in0", "type", "veth", "peer", "far0")
    with inside(box):
        port = AfPacketPort("afpacket:in0")
        port.source(0, 1).close()
        with pytest.raises(PortError, match="afpacket:in0,ring=v3: in0 is in use already, by afpacket:in0"):
            AfPacketPort("afpacket:in0,ring=v3").source(0, 1)
        port.close()
        again = AfPacketPort("afpacket:in0,ring=v3")
        again.source(0, 1).close()
        again.close()


@as_root
def test_without_the_capability(net: Net) -> None:
    box = net.namespace("x")
    command("ip", "-n", box, "link", "add", "in0", "type", "veth", "peer", "far0")
    script = "from wirebrick.ports.spec import open_port; open_port('afpacket:in0').source(0, 1)"
    done = subprocess.run(
        ["ip", "netns", "exec", box, "setpriv", "--bounding-set=-all", "--inh-caps=-all",
         sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(SOURCE)}, capture_output=True, text=True,
    )  # fmt: skip
    assert "afpacket:in0: CAP_NET_RAW missing" in done.stderr
    assert "pcap:" in done.stderr


@as_root
def test_its_frames_are_as_large_as_the_mtu(net: Net) -> None:
    box = net.namespace("x")
    command("ip", "-n", box, "link", "add", "in0", "mtu", 9000, "type", "veth", "peer", "far0")
    with inside(box):
        port = AfPacketPort("afpacket:in0")
        source = port.source(0, 1)
        assert port.frame_size == 9022
        assert source.live
        assert source.fd is not None
        source.close()
        source.close()
        assert port.statistics["kernel_drops"] == 0
        port.close()
