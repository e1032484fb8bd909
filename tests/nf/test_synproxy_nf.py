"""The SYN proxy between a made client and a made server: what each of them sees; hostile input; both ways to run it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

import wirebrick
from wirebrick import Stream, network_function
from wirebrick.errors import ParameterError
from wirebrick.nf.synproxy import synproxy
from wirebrick.packet.flow import FlowKey
from wirebrick.state.base import worker
from wirebrick.state.syn_cookies import SynCookies

CLIENT, SERVER, CLIENT6, SERVER6 = "192.0.2.1", "198.51.100.2", "2001:db8::1", "2001:db8:0:1::2"
SECOND = 1_000_000_000
BEGIN = 1_800_000_000 * SECOND


class Talk:
    """A client and a server at the proxy's sides; each packet is a run of all before it, as cookies are secret.

    The secret is fixed, so that every run gives the same cookies.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, v6: bool, interpret: bool, **options: Any) -> None:
        monkeypatch.setattr("wirebrick.state.syn_cookies.secrets.randbits", lambda bits: 12345)

        @network_function
        def proxied(packets: Stream) -> Stream:
            def out(packet: Any) -> None:
                packet.egress = "out"

            servers = f"{SERVER6}/128" if v6 else f"{SERVER}/32"
            return synproxy(packets, servers=servers, **options).transform(out)

        self.nf = proxied
        self.v6, self.interpret = v6, interpret
        self.sent: list[tuple[int, bytes]] = []
        self.seen = 0
        self.drops: dict[str, int] = {}

    def send(self, tcp: Packet, *, server: bool = False, after: float = 0.001) -> list[Packet]:
        """Send a segment; what comes out of the proxy for it."""
        ends = ((CLIENT6, SERVER6) if self.v6 else (CLIENT, SERVER))[:: -1 if server else 1]
        ip = IPv6(src=ends[0], dst=ends[1]) if self.v6 else IP(src=ends[0], dst=ends[1])
        now = (self.sent[-1][0] if self.sent else BEGIN) + round(after * SECOND)
        macs = ("02:00:00:00:00:01", "02:00:00:00:00:02")[:: -1 if server else 1]
        self.sent.append((now, bytes(Ether(src=macs[0], dst=macs[1]) / ip / tcp)))
        result = wirebrick.run(self.nf, rx=self.sent, interpret=self.interpret)
        found, self.seen = result.packets[self.seen :], len(result.packets)
        self.drops = result.drops
        made = [Ether(one) for one in found]
        for one in made:
            again = Ether(bytes(one))
            del again[TCP].chksum
            assert Ether(bytes(again))[TCP].chksum == one[TCP].chksum
        return made


def options_of(packet: Packet) -> dict[str, Any]:
    return {name: value for name, value in packet[TCP].options if name not in ("NOP", "EOL")}


@pytest.mark.parametrize(
    ("v6", "stamps", "interpret"),
    [(False, True, True), (False, True, False), (False, False, True), (True, True, True)],
)
def test_a_connection(monkeypatch: pytest.MonkeyPatch, v6: bool, stamps: bool, interpret: bool) -> None:
    talk = Talk(monkeypatch, v6=v6, interpret=interpret)
    ports, back = {"sport": 5000, "dport": 80}, {"sport": 80, "dport": 5000}
    more = [("SAckOK", b""), ("Timestamp", (700, 0)), ("WScale", 3)] if stamps else []

    (answer,) = talk.send(
        TCP(**ports, flags="S", seq=100, window=1000, options=[("MSS", 1400), *more]) / b"data"
    )
    cookie = answer[TCP].seq
    assert (answer[TCP].flags, answer[TCP].ack, answer[TCP].window, answer.dst) == (
        "SA",
        101,
        0,
        "02:00:00:00:00:01",
    )
    offered = options_of(answer)
    assert offered.pop("MSS") == 1460
    assert not bytes(answer[TCP].payload)
    stamp = offered.pop("Timestamp")[0] if stamps else 0
    assert offered == ({"SAckOK": b"", "WScale": 7} if stamps else {})

    echo = [("NOP", None), ("NOP", None), ("Timestamp", (710, stamp))] if stamps else []
    (asked,) = talk.send(TCP(**ports, flags="A", seq=101, ack=cookie + 1, window=500, options=echo))
    assert (asked[TCP].flags, asked[TCP].seq, asked[TCP].window) == ("S", 100, 4000 if stamps else 500)
    # The largest that a cookie can say and the client takes.
    assert options_of(asked) == {
        "MSS": 1360,
        **({"SAckOK": b"", "Timestamp": (710, 0), "WScale": 3} if stamps else {}),
    }

    theirs = [("SAckOK", b""), ("Timestamp", (900000, 710)), ("NOP", None), ("WScale", 9)] if stamps else []
    synack = TCP(**back, flags="SA", seq=7_000_000, ack=101, window=60000, options=[("MSS", 1460), *theirs])
    acknowledged, told = talk.send(synack, server=True)
    if acknowledged[TCP].dport != 80:
        acknowledged, told = told, acknowledged
    assert (acknowledged[TCP].flags, acknowledged[TCP].seq, acknowledged[TCP].ack) == ("A", 101, 7_000_001)
    assert acknowledged[TCP].window == 500
    assert (told[TCP].flags, told[TCP].seq, told[TCP].ack) == ("A", cookie + 1, 101)
    assert told[TCP].window == (60000 >> 7 if stamps else 60000)
    if stamps:
        assert options_of(acknowledged) == {"Timestamp": (710, 900000)}
        assert options_of(told) == {"Timestamp": (stamp, 710)}

    sack = [("NOP", None), ("NOP", None), ("SAck", (cookie + 11, cookie + 21))] if stamps else []
    data = TCP(**ports, flags="PA", seq=101, ack=cookie + 1, options=[*echo, *sack]) / b"GET /"
    (passed,) = talk.send(data)
    assert (passed[TCP].seq, passed[TCP].ack, bytes(passed[TCP].payload)) == (101, 7_000_001, b"GET /")
    if stamps:
        assert options_of(passed) == {"Timestamp": (710, 900000), "SAck": (7_000_011, 7_000_021)}
    late = [("NOP", None), ("NOP", None), ("Timestamp", (900050, 710))] if stamps else []
    (passed,) = talk.send(
        TCP(**back, flags="FPA", seq=7_000_001, ack=106, window=100, options=late) / b"OK", server=True
    )
    assert (passed[TCP].seq, passed[TCP].ack, bytes(passed[TCP].payload)) == (cookie + 1, 106, b"OK")
    assert passed[TCP].window == (100 << 9 >> 7 if stamps else 100)
    if stamps:
        assert options_of(passed) == {"Timestamp": (stamp + 50, 710)}

    # After a FIN, another one may begin with the same ports.
    (answer,) = talk.send(TCP(**ports, flags="S", seq=9000))
    (asked,) = talk.send(TCP(**ports, flags="A", seq=9001, ack=answer[TCP].seq + 1))
    assert (asked[TCP].flags, asked[TCP].seq) == ("S", 9000)
    assert talk.drops == {}


def test_what_goes_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(monkeypatch, v6=False, interpret=True)
    ports, back = {"sport": 5000, "dport": 443}, {"sport": 443, "dport": 5000}
    (answer,) = talk.send(TCP(**ports, flags="S", seq=2**32 - 1))
    assert answer[TCP].ack == 0
    cookie = answer[TCP].seq
    good = TCP(**ports, flags="A", seq=0, ack=cookie + 1)
    for wrong in (cookie, cookie + 2, cookie ^ 1 << 30):
        assert talk.send(TCP(**ports, flags="A", seq=0, ack=wrong)) == []
    assert talk.send(TCP(**ports, flags="A", seq=1, ack=cookie + 1)) == []
    assert talk.send(TCP(sport=5001, dport=443, flags="A", seq=0, ack=cookie + 1)) == []
    assert talk.drops == {"proxied.bad_cookie": 5} or talk.drops == {"synproxy.bad_cookie": 5}
    assert talk.send(TCP(**back, flags="SA", seq=1, ack=0), server=True) == []
    # The client's SYN to the server is sent again as often as the client says that it waits.
    for _ in range(3):
        (asked,) = talk.send(good)
        assert (asked[TCP].flags, asked[TCP].seq) == ("S", 2**32 - 1)
    # Data that comes too early is not lost: the client sends it again.
    (asked,) = talk.send(TCP(**ports, flags="PA", seq=0, ack=cookie + 1) / b"early")
    assert asked[TCP].flags == "S"
    assert not bytes(asked[TCP].payload)
    (refused,) = talk.send(TCP(**back, flags="RA", seq=0, ack=0), server=True)
    assert (refused[TCP].flags, refused[TCP].seq, refused[TCP].ack) == ("RA", cookie + 1, 0)
    assert talk.send(TCP(**ports, flags="R", seq=0)) == []
    assert talk.send(good, after=200) == []  # too late


@pytest.mark.parametrize("timestamps", [True, False])
def test_random_segments(monkeypatch: pytest.MonkeyPatch, timestamps: bool) -> None:
    """Compiled and interpreted alike, and nothing is lost; options are random bytes, too."""
    monkeypatch.setattr("wirebrick.state.syn_cookies.secrets.randbits", lambda bits: 12345)
    rng = random.Random(3)
    frames = []
    for number in range(1500):
        back = rng.random() < 0.3
        ends = (CLIENT, SERVER)[:: -1 if back else 1]
        ports = (5000 + rng.randrange(3), 80)[:: -1 if back else 1]
        options = rng.randbytes(4 * rng.randrange(11))
        if rng.random() < 0.5:
            options = b"\x01\x01\x08\x0a" + options[:8].ljust(8, b"\0")
        header = TCP(
            sport=ports[0], dport=ports[1], dataofs=5 + len(options) // 4, seq=rng.randrange(4), ack=1
        )
        header.flags = rng.choice(["S", "S", "SA", "A", "A", "R", "FA", rng.randrange(256)])
        data = Raw(options + rng.randbytes(rng.randrange(9)))
        macs = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
        raw = bytearray(bytes(macs / IP(src=ends[0], dst=ends[1]) / header / data))
        if rng.random() < 0.1:
            raw = raw[: rng.randrange(len(raw))]
        frames.append((BEGIN + number * 1000, bytes(raw)))

    @network_function
    def proxied(packets: Stream) -> Stream:
        def out(packet: Any) -> None:
            packet.egress = "out"

        return synproxy(packets, servers=SERVER + "/32", timestamps=timestamps).transform(out)

    interpreted = wirebrick.run(proxied, rx=frames, interpret=True)
    compiled = wirebrick.run(proxied, rx=frames)
    assert compiled.packets == interpreted.packets
    assert compiled.drops == interpreted.drops
    assert len(compiled.packets) > 300


def test_cookies_are_good_for_their_flow_number_and_time() -> None:
    cookies = SynCookies()
    cookies.allocate(1)
    key = FlowKey(version=4, src=1, dst=2, src_port=3, dst_port=80, protocol=6)
    worker.now = BEGIN
    cookie = cookies.make(key, 1000, 6)
    for after, good in ((0, True), (60, True), (140, False), (69 * 32, False)):
        worker.now = BEGIN + after * SECOND
        assert (cookies.check(key, 1000, cookie) == 6) == good
    worker.now = BEGIN
    key.src_port = 4
    assert cookies.check(key, 1000, cookie) == -1
    key.src_port = 3
    assert sum(cookies.check(key, 1000, cookie ^ 1 << bit) >= 0 for bit in range(32)) == 0
    other = SynCookies()
    other.allocate(1)
    assert other.check(key, 1000, cookie) == -1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "needs servers"),
        ({"servers": "here"}, "servers can't be 'here'"),
        ({"servers": "192.0.2.0/24", "ports": "http"}, "ports can't be 'http'"),
        ({"servers": "192.0.2.0/24", "mss": 10}, "mss can't be 10"),
        ({"servers": "192.0.2.0/24", "scale": 15}, "scale can't be 15"),
        ({"servers": "192.0.2.0/24", "idle": 0.0}, "idle can't be 0.0"),
    ],
)
def test_wrong_parameters(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        wirebrick.run(synproxy(**parameters), rx=[], interpret=True)
