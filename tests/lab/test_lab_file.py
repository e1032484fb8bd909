"""Topology files: what they say, and mistakes with their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from wirebrick.errors import ParameterError
from wirebrick.lab.shipped import find_topology, shipped
from wirebrick.lab.topology_file import read_topology

GOOD = """\
summary = "All there is."
try = ["true"]

[hosts.client]
routes = ["default via 192.0.2.254", "2001:db8:2::/64 via 2001:db8::fe"]
forwarding = true
[hosts.client.addresses]
eth0 = ["192.0.2.1/24", "2001:db8::1/64"]
[hosts.client.neighbours]
"192.0.2.2" = "box.left"
"2001:db8::2" = "02:00:00:00:00:99"
[hosts.client.sysctls]
"net.ipv4.ip_default_ttl" = 9

[hosts.box.bridges]
br0 = ["left"]

[[links]]
ends = ["client.eth0", "box.left"]
macs = ["02:00:00:00:00:01", "02:00:00:00:00:02"]
mtu = 9000
queues = 2
offload = ["checksum"]

[[links]]
ends = ["client.eth1", "box.right"]
"""


def read(folder: Path, text: str):
    path = folder / "mine.toml"
    path.write_text(text)
    return read_topology(str(path))


def test_all_keys(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    client = found.hosts["client"]
    assert (found.name, found.summary, found.commands) == ("mine", "All there is.", ["true"])
    assert [str(one) for one in client.addresses["eth0"]] == ["192.0.2.1/24", "2001:db8::1/64"]
    assert [(str(one.to), str(one.via)) for one in client.routes] == [
        ("0.0.0.0/0", "192.0.2.254"),
        ("2001:db8:2::/64", "2001:db8::fe"),
    ]
    assert [(one.interface, one.mac) for one in client.neighbours] == [
        ("eth0", "02:00:00:00:00:02"),
        ("eth0", "02:00:00:00:00:99"),
    ]
    assert (client.forwarding, client.sysctls) == (True, {"net.ipv4.ip_default_ttl": "9"})
    assert found.hosts["box"].bridges == {"br0": ["left"]}
    first, second = found.links
    assert (first.mtu, first.queues, first.offload) == (9000, 2, {"checksum"})
    assert (second.mtu, second.queues, second.offload) == (1500, 1, frozenset())
    assert [end.mac for end in second.ends] == ["02:57:42:00:01:01", "02:57:42:00:01:02"]
    assert found.interfaces("box") == ["left", "right", "br0"]


@pytest.mark.parametrize("name", shipped())
def test_shipped_ones_can_be_read(name: str) -> None:
    found = find_topology(name)
    assert found.summary.endswith(".")
    assert found.commands
    assert all("{lab}" in command for command in found.commands)


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("[hosts.box.bridges]", "[hsots.box]", 15, "there is no 'hsots'"),
        ("forwarding = true", "forwading = true", 6, "did you mean 'forwarding'?"),
        ("forwarding = true", "forwarding = 1", 6, "is not true or false"),
        ("[hosts.box.bridges]", "[hosts.Box]", 15, "can't be the name of a host"),
        ('eth0 = ["192.0.2.1/24", ', 'eth9 = ["192.0.2.1/24", ', 8, "has no interface 'eth9'"),
        ('"192.0.2.1/24"', '"192.0.2.1"', 8, "has no length of its prefix"),
        ('"192.0.2.1/24"', '"192.0.2/24"', 8, "is not an address"),
        ('eth0 = ["192.0.2.1/24", "2001:db8::1/64"]', "eth0 = 5", 8, "is not a list of texts"),
        ("default via 192.0.2.254", "default 192.0.2.254", 5, "is not a route"),
        ("default via 192.0.2.254", "default via 198.51.100.1", 5, "is in no network of client"),
        ("default via 192.0.2.254", "2001:db8::/64 via 192.0.2.254", 5, "goes from IPv6 to IPv4"),
        ("default via 192.0.2.254", "10.0.0.1/8 via 192.0.2.254", 5, "has host bits set"),
        ('"192.0.2.2" = "box.left"', '"192.0.2.2" = "box.lft"', 10, "did you mean 'box.left'?"),
        ('"192.0.2.2" = "box.left"', '"x" = "box.left"', 10, "'x' is not an address"),
        ('"net.ipv4.ip_default_ttl"', '"kernel.panic"', 13, "is not a network namespace's to set"),
        ('"net.ipv4.ip_default_ttl"', '"net.ipv4/../../kernel.x"', 13, "is not a network namespace's"),
        ("= 9\n", "= [9]\n", 13, "is neither a whole number nor a text"),
        ('br0 = ["left"]', 'br0 = ["lft"]', 16, "did you mean 'left'?"),
        ('br0 = ["left"]', 'br0 = ["left"]\nbr1 = ["left"]', 17, "left is in two bridges"),
        ('br0 = ["left"]', 'left = ["left"]', 16, "can't be the name of a bridge"),
        ('ends = ["client.eth1", "box.right"]', "mtu = 1500", 25, "a link has two ends"),
        ('ends = ["client.eth1", "box.right"]', 'ends = ["client.eth1"]', 26, "a link has two ends"),
        ("[hosts.client.sysctls]", "[hosts.client.sysctl]", 12, "did you mean 'sysctls'?"),
        ('"box.left"]\nmacs', '"bix.left"]\nmacs', 19, "did you mean 'box'?"),
        ('"box.left"]\nmacs', '"box.all"]\nmacs', 19, "can't be the name of an interface"),
        ('"box.left"]\nmacs', '"box"]\nmacs', 19, "can't be the name of an interface"),
        ('"box.right"', '"box.left"', 26, "is the end of two links"),
        ("mtu = 9000", "mtu = 9", 21, "from 68 to 65535"),
        ("mtu = 9000", "mtu = 1279", 21, "too small for the IPv6 address of client.eth0"),
        ("queues = 2", "queues = true", 22, "from 1 to 256"),
        ('["checksum"]', '["chksum"]', 23, "did you mean 'checksum'?"),
        ('["checksum"]', '"checksum"', 23, "does not say what is on"),
        ('"02:00:00:00:00:02"', '"03:00:00:00:00:02"', 20, "are not two MAC addresses"),
        ('"02:00:00:00:00:02"', '"02:00:00:00:00:01"', 20, "have one MAC address"),
        ("queues = 2", "queue = 2", 22, "did you mean 'queues'?"),
        ('try = ["true"]', 'try = "true"', 2, "try is a list of commands"),
        ("queues = 2", "queues = ", 22, "Invalid value"),
    ],
)
def test_mistakes(tmp_path: Path, old: str, new: str, line: int, told: str) -> None:
    assert old in GOOD
    with pytest.raises(ParameterError) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert told in str(caught.value)
    assert f"mine.toml:{line}:" in str(caught.value)


VALUES = [
    "5",
    "-1",
    "1.5",
    "true",
    '""',
    '"x"',
    "[]",
    "[1]",
    '["x"]',
    "[[]]",
    "{}",
    "{a = 1}",
    "1979-05-27",
    "nan",
]


def test_any_value_anywhere_is_taken_or_told(tmp_path: Path) -> None:
    lines = GOOD.splitlines()
    told = []
    for at, line in enumerate(lines):
        for value in VALUES if " = " in line else ():
            changed = [*lines[:at], f"{line.partition(' = ')[0]} = {value}", *lines[at + 1 :]]
            try:
                read(tmp_path, "\n".join(changed))
            except ParameterError as error:
                told.append((at, error.place))
    assert len(told) > 150
    # What depends on it may be what is wrong then: a route, where the address beside it is gone.
    assert all(place and (place.line > 1 or at < 2) for at, place in told)
    for heading in ("hosts", "links", "hosts.client", "hosts.client.addresses", "hosts.box.bridges"):
        for value in VALUES:
            section = f"{heading.replace('hosts.', '')} = {value}\n"
            with pytest.raises(ParameterError):
                read(tmp_path, ("[hosts]\n" if "." in heading else "") + section.replace("{}", "{x = 1}"))


def test_without_hosts(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="names no hosts"):
        read(tmp_path, "")


def test_no_such_topology(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="did you mean 'pair'"):
        find_topology("piar")
    with pytest.raises(ParameterError, match="can't be read: No such file"):
        find_topology(tmp_path / "absent.toml")
