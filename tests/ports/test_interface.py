from __future__ import annotations

import pytest
from namespace import Net, as_root, command, inside

from wirebrick.errors import PortError
from wirebrick.ports import interface
from wirebrick.ports.interface import Interface, require_capability


def test_loopback() -> None:
    lo = Interface("lo")
    assert (lo.exists, lo.index, lo.ethernet, lo.queues) == (True, 1, False, 1)
    with pytest.raises(PortError, match="no Ethernet header of their own"):
        lo.require("xdp:lo")
    lo.close()


@pytest.mark.parametrize("name", ["", "a/b", "a b", "..", "x" * 16, "ü" * 8])
def test_what_cant_be_a_name(name: str) -> None:
    with pytest.raises(PortError, match="can't be an interface") as caught:
        Interface(name)
    assert "ip link" in caught.value.cure


def test_one_that_is_not_there() -> None:
    missing = Interface("lo0")
    assert (missing.exists, missing.index, missing.mtu, missing.up, missing.ethernet) == (
        False,
        0,
        0,
        False,
        False,
    )
    with pytest.raises(PortError, match=r"afpacket:lo0: there is no interface 'lo0'") as caught:
        missing.require("afpacket:lo0")
    assert "did you mean 'lo'" in caught.value.cure
    missing.close()


@as_root
def test_what_becomes_of_it(net: Net) -> None:
    box = net.namespace("x")
    command(
        "ip",
        "-n",
        box,
        "link",
        "add",
        "in0",
        "mtu",
        1400,
        "numrxqueues",
        4,
        "numtxqueues",
        4,
        "type",
        "veth",
        "peer",
        "far0",
    )
    with inside(box):
        found = Interface("in0")
    assert (found.mtu, found.ethernet, found.queues) == (1400, True, 4)
    assert (found.up, found.state) == (False, interface.DOWN)
    assert found.changes() == []
    command("ip", "-n", box, "link", "set", "in0", "up")
    assert found.changes() == ["in0 has no carrier"]
    command("ip", "-n", box, "link", "set", "far0", "up")
    assert found.changes() == ["in0 is up again"]
    command("ip", "-n", box, "link", "set", "in0", "down")
    assert found.changes() == ["in0 is down"]
    index = found.index
    command("ip", "-n", box, "link", "del", "in0")
    assert found.changes() == ["in0 is gone"]
    assert found.changes() == []
    command("ip", "-n", box, "link", "add", "in0", "type", "veth", "peer", "far0")
    assert found.changes() == ["in0 is back", "in0 is down"]
    assert found.index not in (0, index)
    found.close()


def test_a_capability_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        interface.Path, "read_text", lambda self: "Name:\tx\nCapEff:\t0000000000001000\nx: 1\n"
    )
    require_capability("xdp:x", "CAP_NET_ADMIN")
    with pytest.raises(PortError, match="afpacket:x: CAP_NET_RAW missing") as caught:
        require_capability("afpacket:x", "CAP_NET_ADMIN", "CAP_NET_RAW")
    assert "pcap:" in caught.value.cure
