"""maglev between real clients and servers: connections live through changes, backends go and come back."""

from __future__ import annotations

import shutil
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from farm import VIP, VIP6, Farm, config
from wire import need

DECAPSULATE = '''
from wirebrick import Stream, merge, network_function
from wirebrick.headers import GRE, Ethernet, IPv4, IPv6

@network_function
def decapsulate(packets: Stream, *, mac: int) -> Stream:
    """Outer headers go; what is in them is for the interface behind the tap."""

    def arrived(packet):
        packet.header.dst = mac
        packet.send("out")

    def opened(outer):
        v4, v6, gre, bare = Stream(), Stream(), Stream(), Stream()
        inner = outer.parse(GRE, otherwise=bare)
        tunnelled = [inner.parse(IPv4, otherwise=v6).deparse().pop().pop(), v6.parse(IPv6).deparse().pop().pop()]
        plain6 = Stream()
        plain = [bare.parse(IPv4, otherwise=plain6).deparse().pop(), plain6.parse(IPv6).deparse().pop()]
        return [*tunnelled, *plain]

    six = Stream()
    four = packets.parse(Ethernet).parse(IPv4, otherwise=six)
    return merge(*opened(four), *opened(six.parse(IPv6, otherwise="drop"))).transform(arrived)
'''


def names(told: list[str]) -> Counter[str]:
    """How many downloads each server answered; all of them were whole."""
    found = Counter(line.split()[0] for line in told if line.endswith(" True"))
    assert sum(found.values()) == len(told), told
    return found


def test_nat_keeps_connections_and_drops_only_those_of_what_is_removed(tmp_path: Path) -> None:
    need("ethtool", "ss")
    check = 'kind = "http"\npath = "/health"\ninterval = 0.2\ntimeout = 0.2\nrise = 2\nfall = 2'
    with Farm(tmp_path, config("nat", "one", "two", check=check), neighbours=False) as farm:
        slow = farm.start(VIP, "/slow/25", 16)
        slow6 = farm.start(VIP6, "/slow/25", 16)
        farm.until(lambda: farm.connections() >= 32)
        farm.write(config("nat", "one", "two", "three", check=check))
        farm.until(lambda: names(farm.fetch(VIP, count=8))["three"] > 0)
        for downloads in (slow, slow6):
            served = names(downloads.communicate()[0].split("\n")[:-1])
            assert set(served) == {"one", "two"}
            assert served.total() == 16

        slow = farm.start(VIP, "/slow/20", 16)
        farm.until(lambda: farm.connections() >= 16)
        farm.write(config("nat", "two", "three", check=check))
        told = slow.communicate()[0].split("\n")[:-1]
        assert {line.split()[0] for line in told if line.endswith("False")} == {"one"}
        assert Counter(line.endswith("True") for line in told if not line.startswith("one"))[True] > 4

        farm.servers["two"].kill()
        farm.until(lambda: farm.fetch(VIP, count=8) == ["three True"] * 8)
        farm.serve("two")
        farm.until(lambda: names(farm.fetch(VIP, count=8))["two"] > 0)
        farm.write("[balancer]\nmac = 7\n")
        time.sleep(1.0)
        assert names(farm.fetch(VIP, count=4)).total() == 4
        told_by = farm.stop()
        notices = "\n".join(map(str, told_by["notices"]))
    assert "6 backends: 2 new, 0 gone" in notices
    assert "4 backends: 0 new, 2 gone" in notices
    assert f"{VIP} tcp 80: the backend two is down: Connection refused" in notices
    assert f"{VIP} tcp 80: the backend two is up again" in notices
    assert "lb.toml has changed and is refused" in notices
    assert "maglev.fault_index" not in str(told_by["drops"])


def test_direct_server_return(tmp_path: Path) -> None:
    need("ethtool")
    with Farm(tmp_path, config("mac", "one", "two", "three"), neighbours=False) as farm:
        assert set(names(farm.fetch(VIP, count=24))) == {"one", "two", "three"}
        assert set(names(farm.fetch(VIP6, count=24))) == {"one", "two", "three"}
        assert "1 received" in farm.lab.run("client", "ping", "-c1", VIP6).stdout
        rows = farm.stop()["reports"][0]["rows"]
    assert all(row[5] > 0 and row[8] == 0 for row in rows)


@pytest.mark.parametrize("delivery", ["ipip", "gre"])
def test_tunnels(tmp_path: Path, delivery: str) -> None:
    need("ethtool")
    if not Path("/dev/net/tun").exists() or not shutil.which("ip"):
        pytest.skip("no taps")
    chain = tmp_path / "decap.py"
    chain.write_text(DECAPSULATE)
    farm = Farm(tmp_path, config(delivery, "one", "two", own="mtu = 1500"), neighbours=False)
    begin = farm.begin

    def begin_at_servers() -> None:
        for name in ("one", "two"):
            command = [sys.executable, "-m", "wirebrick", "run", f"{chain}:decapsulate:mac=0x020000000a0a"]
            farm.lab.start(name, *command, "--in", "afpacket:eth0", "--out", "tap:inner", "--quiet")
            farm.until(
                lambda name=name: (
                    not farm.lab.run(name, "ip", "link", "show", "inner", check=False).returncode
                ),
                60,
            )  # type: ignore[misc]
            farm.lab.run(name, "ip", "link", "set", "inner", "address", "02:00:00:00:0a:0a", "up")
        begin()

    farm.begin = begin_at_servers  # type: ignore[method-assign]
    with farm:
        assert set(names(farm.fetch(VIP, count=16))) == {"one", "two"}
        assert set(names(farm.fetch(VIP6, count=16))) == {"one", "two"}
        totals = farm.stop()
    assert all(row[5] > 0 for row in totals["reports"][0]["rows"])
