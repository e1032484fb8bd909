"""The switch against a model of a bridge, and its limits."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from wires import exchange

import wirebrick
from wirebrick.nf.switch.config import Config, Port, read_config
from wirebrick.nf.switch.nf import switch

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
PORTS = ("in", "b", "up", "d", "out")
CONFIG = """
[[port]]
name = "in"
access = 10
[[port]]
name = "b"
access = 10
[[port]]
name = "up"
trunk = "all"
native = 5
[[port]]
name = "d"
trunk = [10, "20-22"]
[[port]]
name = "out"
access = 20
[[static]]
mac = "02:00:00:00:00:63"
vlan = 10
port = "b"
"""
AGEING = 10


class Bridge:
    """What a bridge does, said again: frames by port, for each frame that comes in."""

    def __init__(self, config: Config) -> None:
        self.ports = config.ports
        self.where = {(one.vlan, bytes(one.mac.packed)): (one.port, 1e9) for one in config.static}

    def handle(self, port: int, frame: bytes, now: float) -> dict[int, bytes]:
        dst, src, rest = frame[:6], frame[6:12], frame[12:]
        tag = 0
        if rest[:2] == b"\x81\x00":
            tag = int.from_bytes(rest[2:4], "big")
            rest = rest[4:]
        mine = self.ports[port]
        vlan = tag & 0xFFF or mine.untagged
        if dst[:5] == bytes.fromhex("0180c20000") and dst[5] < 16:
            return {}
        if src[0] & 1 or src == bytes(6) or vlan not in (mine.untagged, *mine.tagged) or not vlan:
            return {}
        if self.where.get((vlan, src), (0, 0))[1] != 1e9:
            self.where[vlan, src] = port, now
        others = [n for n, p in enumerate(self.ports) if n != port and vlan in (p.untagged, *p.tagged)]
        known, seen = self.where.get((vlan, dst), (-1, 0))
        if not dst[0] & 1 and known >= 0 and now - seen <= AGEING:
            others = [known] if known != port else []
        tagged = (tag & 0xF000 | vlan).to_bytes(2, "big")
        return {
            n: dst + src + (b"\x81\x00" + tagged if vlan in self.ports[n].tagged else b"") + rest
            for n in others
        }


def frames(count: int, rng: random.Random) -> list[tuple[str, bytes, float]]:
    macs = [bytes([2, 0, 0, 0, 0, n]) for n in range(6)] + [bytes.fromhex("020000000063")]
    odd = [bytes(6), b"\xff" * 6, bytes.fromhex("0180c200000e"), bytes.fromhex("0180c2000010")]
    made = []
    now = 0.0
    for _ in range(count):
        now += rng.choice([0.001, 0.1, 0.6, 3, 11])
        src, dst = rng.choice([*macs, *macs, *odd]), rng.choice([*macs, *macs, *odd])
        tag = rng.choice(
            [b"", b"", *(n.to_bytes(2, "big") for n in (0, 5, 10, 10, 0x600A, 20, 0xB014, 22, 99, 4095))]
        )
        body = b"\x08\x00" + rng.randbytes(rng.choice([0, 46, 100]))
        made.append((rng.choice(PORTS), dst + src + (b"\x81\x00" + tag if tag else b"") + body, now))
    return made


@BOTH
@pytest.mark.parametrize("seed", range(3))
def test_as_a_bridge_does(tmp_path: Path, interpret: bool, seed: int) -> None:
    file = tmp_path / "switch.toml"
    file.write_text(CONFIG)
    came = frames(400, random.Random(seed))
    bridge = Bridge(read_config(file))
    expected: dict[str, list[bytes]] = {name: [] for name in PORTS}
    for port, frame, now in came:
        for number, leaves in bridge.handle(PORTS.index(port), frame, now).items():
            expected[PORTS[number]].append(leaves)
    result, got = exchange(switch(config=file, ageing=AGEING), tmp_path, PORTS, came, interpret)
    assert got == expected
    assert sum(map(len, expected.values())) == result.packets_out
    assert not [reason for reason in result.drops if "fault" in reason]


@BOTH
def test_a_storm_leaves_by_all_ports(interpret: bool, tmp_path: Path) -> None:
    names = [f"p{number}" for number in range(20)]
    storm = [bytes(b"\xff" * 6 + bytes([2, 0, 0, 0, 1, n]) + bytes(48)) for n in range(200)]
    result = wirebrick.run(
        switch(ports=" ".join(["in", *names])),
        rx=storm,
        tx="null:",
        ports=dict.fromkeys(names, "null:"),
        interpret=interpret,
    )
    assert result.packets_out == 200 * 20
    assert result.packets_copied == 200 * 19
    assert result.drops == {}


@BOTH
def test_a_flood_of_stations_becomes_flooding(interpret: bool, tmp_path: Path) -> None:
    rng = random.Random(7)
    came = [("in", bytes([2, 9, 9, 9, 9, 9]) + b"\x02" + rng.randbytes(5) + bytes(48)) for _ in range(600)]
    came.append(("out", b"\x02" + bytes(5) + bytes([2, 9, 9, 9, 9, 9]) + bytes(48)))
    result, got = exchange(switch(capacity=100), tmp_path, ("in", "out"), came, interpret)
    assert len(got["out"]) == 600  # nobody was known; then the table was full
    assert len(got["in"]) == 1
    title = result.reports[0][1].title
    assert title.startswith("100 stations")
    assert "no room for those of 501 frames" in title


@BOTH
def test_two_workers_know_the_same_stations(interpret: bool, tmp_path: Path) -> None:
    here, there = bytes([2, 0, 0, 0, 0, 1]), bytes([2, 0, 0, 0, 0, 2])
    came = [("in", there + here + bytes(48)), ("out", here + there + bytes(48))] * 50
    result, got = exchange(switch(ports="in out c"), tmp_path, ("in", "out", "c"), came, interpret, workers=2)
    assert result.packets_in == 100 == result.packets_out - len(got["c"])
    assert len(got["c"]) < 50


MISTAKES = [
    ('[[port]]\nname = "a"', "names 1 ports"),
    ('[[port]]\nname = "a"\n[[port]]\nname = "a"', "two ports 'a'"),
    ('[[port]]\nname = ""', "needs its name"),
    ('[[port]]\nname = "a"\naccess = 4095', "4095 is no VLAN"),
    ('[[port]]\nname = "a"\naccess = true', "no VLAN"),
    ('[[port]]\nname = "a"\naccess = 1\ntrunk = [2]', "either access"),
    ('[[port]]\nname = "a"\ntrunk = 5', "list of VLANs"),
    ('[[port]]\nname = "a"\ntrunk = ["5-x"]', "no VLAN"),
    ('[[port]]\nname = "a"\nvlan = 5', "no 'vlan'"),
    ('[[port]]\nname = "a"\n[[port]]\nname = "b"\n[[static]]\nmac = "x"\nport = "a"', "no station's MAC"),
    (
        '[[port]]\nname = "a"\n[[port]]\nname = "b"\n[[static]]\nmac = "02:00:00:00:00:01"\nport = "c"',
        "there is no port 'c'",
    ),
    (
        '[[port]]\nname = "a"\n[[port]]\nname = "b"\n[[static]]\nmac = "02:00:00:00:00:01"\nport = "a"\nvlan = 2',
        "a has no VLAN 2",
    ),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_mistakes_in_the_file(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "switch.toml"
    file.write_text(text)
    with pytest.raises(wirebrick.WirebrickError, match=message):
        wirebrick.run(switch(config=file), rx=[], interpret=True)


@pytest.mark.parametrize("parameters", [{"ports": "a"}, {"ports": "a a"}, {"capacity": 0}, {"ageing": 0}])
def test_wrong_parameters(parameters: dict[str, object]) -> None:
    with pytest.raises(wirebrick.WirebrickError, match="switch"):
        wirebrick.run(switch(**parameters), rx=[], interpret=True)


def test_what_a_port_has() -> None:
    config = Config((Port("a", 1), Port("b", 0, frozenset({1, 2}))))
    assert (config.members(1), config.members(2), config.tagged(1)) == (3, 2, 2)
