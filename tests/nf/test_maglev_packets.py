"""maglev on packets of every kind: compiled as interpreted, hostile input, floods, changes, several workers."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    ICMPv6PacketTooBig,
    IPv6,
    IPv6ExtHdrFragment,
)
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import checksum, rdpcap, wrpcap

import wirebrick
from wirebrick.errors import ParameterError
from wirebrick.nf.load import load_nf
from wirebrick.nf.maglev.config import load_config

MAC, CLIENT, OTHER = "02:00:00:00:00:fe", "02:00:00:00:00:05", "02:00:00:00:00:77"
OWN = f'[balancer]\nmac = "{MAC}"\naddress = "192.0.2.10"\naddress6 = "2001:db8::10"\ntable = 251\n'


def vip(address, delivery, backends, ports="80", more="", port=0):
    text = f'[[vip]]\naddress = "{address}"\nports = {ports}\ndelivery = "{delivery}"\n{more}\n'
    for number, backend in enumerate(backends, 1):
        text += f'[[vip.backend]]\naddress = "{backend}"\nmac = "02:00:00:00:01:{number:02x}"\n'
        text += f"port = {port}\n" if port else ""
    return text


FOUR, SIX = ["10.0.0.1", "10.0.0.2", "10.0.0.3"], ["2001:db8:1::1", "2001:db8:1::2"]
EVERYTHING = (
    OWN
    + vip("192.0.2.100", "nat", FOUR, port=8080)
    + vip("192.0.2.101", "mac", FOUR, '"all"')
    + vip("192.0.2.102", "gre", FOUR, "[80, 53]")
    + vip("192.0.2.103", "ipip", SIX)
    + vip("2001:db8::100", "nat", SIX, port=8080)
    + vip("2001:db8::101", "gre", FOUR)
    + vip("2001:db8::102", "ipip", SIX)
)


def run(path, frames, **options):
    return wirebrick.run(
        load_nf(f"maglev:config={path},capacity=1000"), rx=[bytes(frame) for frame in frames], **options
    )


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "lb.toml"
        path.write_text(text)
        return path

    return write


def ether(**fields):
    return Ether(**{"dst": MAC, "src": CLIENT, **fields})


def test_icmp_errors_find_the_backend_of_their_connection(config):
    path = config(EVERYTHING)
    sent = IP(src="198.51.100.7", dst="192.0.2.100") / TCP(sport=4000, dport=80)
    sent6 = IPv6(src="2001:db8:7::7", dst="2001:db8::100") / TCP(sport=4000, dport=80)
    first = run(path, [ether() / sent, ether() / sent6]).packets
    to, to6 = Ether(first[0]), Ether(first[1])
    about = IP(src="192.0.2.100", dst="198.51.100.7", ttl=9) / TCP(sport=80, dport=4000)
    about6 = IPv6(src="2001:db8::100", dst="2001:db8:7::7", hlim=9) / TCP(sport=80, dport=4000)
    back = IP(src="198.51.100.7", dst=to[IP].dst) / TCP(sport=4000, dport=8080)
    frames = [
        ether() / sent,
        ether() / sent6,
        ether() / IP(src="203.0.113.1", dst="192.0.2.100") / ICMP(type=3, code=4, nexthopmtu=1280) / about,
        ether() / IPv6(src="2001:db8:9::9", dst="2001:db8::100") / ICMPv6PacketTooBig(mtu=1280) / about6,
        ether(src=to.dst) / IP(src=to[IP].dst, dst="198.51.100.7") / ICMP(type=3, code=3) / back,
        ether() / IP(src="203.0.113.1", dst="192.0.2.102") / ICMP(type=11)
        / IP(src="192.0.2.102", dst="198.51.100.7") / UDP(sport=53, dport=9),
    ]  # fmt: skip
    results = [run(path, frames, interpret=interpret) for interpret in (True, False)]
    assert results[0].packets == results[1].packets
    assert len(results[0].packets) == 6 - 1
    assert results[0].drops == {"maglev.no_service": 1}  # UDP is no service there
    four, six, reply = map(Ether, results[0].packets[2:])
    assert (four.dst, four[IP].dst) == (to.dst, to[IP].dst)
    assert four[IP].src == "203.0.113.1"
    assert (four[ICMP].payload.src, four[ICMP].payload.sport) == (to[IP].dst, 8080)
    assert (six.dst, six[IPv6].dst) == (to6.dst, to6[IPv6].dst)
    inner = six[ICMPv6PacketTooBig].payload
    assert (inner.src, inner.sport, inner.dport) == (to6[IPv6].dst, 8080, 4000)
    assert (reply[IP].src, reply[ICMP].payload.dst, reply[ICMP].payload.dport) == (
        "192.0.2.100",
        "192.0.2.100",
        80,
    )
    for frame in results[0].packets:
        assert right_checksums(frame)


def right_checksums(frame):
    """Whether the sums of IP, TCP and ICMP are right (RFC 1071), and that of an IPv4 header within an error."""
    ip = bytes(frame)[14:]
    if ip[0] >> 4 == 4:
        size, protocol = (ip[0] & 15) * 4, ip[9]
        rest = ip[size : int.from_bytes(ip[2:4], "big")]
        pseudo = ip[12:20] + bytes((0, protocol)) + len(rest).to_bytes(2, "big") if protocol == 6 else b""
        heads = [ip[:size]] + ([rest[8:28]] if protocol == 1 and rest[0] in (3, 11) else [])
    else:
        rest, heads = ip[40:], []
        pseudo = ip[8:40] + len(rest).to_bytes(4, "big") + bytes((0, 0, 0, ip[6]))
    return not any(map(checksum, [pseudo + rest, *heads]))


def test_arp_and_neighbour_discovery(config):
    path = config(OWN + vip("192.0.2.100", "mac", FOUR) + vip("2001:db8::100", "mac", SIX))
    ask = ether(dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=CLIENT, psrc="192.0.2.1", pdst="192.0.2.100")
    other = ether(dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=CLIENT, psrc="192.0.2.1", pdst="192.0.2.9")
    solicit = ether(dst="33:33:ff:00:01:00") / IPv6(src="2001:db8::1", dst="ff02::1:ff00:100")
    solicit6 = solicit / ICMPv6ND_NS(tgt="2001:db8::100") / ICMPv6NDOptSrcLLAddr(lladdr=CLIENT)
    unsure = (
        ether(dst="33:33:ff:00:01:00")
        / IPv6(src="::", dst="ff02::1:ff00:100")
        / ICMPv6ND_NS(tgt="2001:db8::100")
    )
    ping = ether() / IP(src="192.0.2.1", dst="192.0.2.100") / ICMP(id=7) / b"hello"
    ping6 = ether() / IPv6(src="2001:db8::1", dst="2001:db8::100") / ICMPv6EchoRequest(id=7)
    frames = [ask, other, solicit6, unsure, ping, ping6]
    for interpret in (True, False):
        back: list[bytes] = []
        result = wirebrick.run(
            load_nf(f"maglev:config={path},capacity=10"), interpret=interpret, **two_way(path.parent, frames)
        )
        back = list(rdpcap(str(path.parent / "back.pcap")))
        assert result.packets_out == 6
        assert not result.packets_dropped
        arp, advert, unsure_advert, pong, pong6 = back
        assert (arp.dst, arp.src, arp[ARP].op, arp[ARP].psrc, arp[ARP].hwsrc) == (
            CLIENT,
            MAC,
            2,
            "192.0.2.100",
            MAC,
        )
        assert (advert[IPv6].src, advert[IPv6].dst, advert[IPv6].hlim) == (
            "2001:db8::100",
            "2001:db8::1",
            255,
        )
        assert advert[ICMPv6ND_NA].S == advert[ICMPv6ND_NA].O == 1
        assert advert[ICMPv6NDOptDstLLAddr].lladdr == MAC
        assert (unsure_advert[IPv6].dst, unsure_advert[ICMPv6ND_NA].S) == ("ff02::1", 0)
        assert (pong[IP].src, pong[ICMP].type, pong[Raw].load[:5]) == ("192.0.2.100", 0, b"hello")
        assert (pong6[IPv6].dst, pong6.dst) == ("2001:db8::1", CLIENT)
        assert all(right_checksums(bytes(frame)) for frame in back)


def two_way(folder: Path, frames):
    """Ports for a run: what goes back to where it came from is in back.pcap."""
    wrpcap(str(folder / "in.pcap"), [Ether(bytes(frame)) for frame in frames])
    return {"rx": f"pcap:{folder}/in.pcap,{folder}/back.pcap", "tx": f"{folder}/out.pcap"}


def test_what_is_too_long_for_a_tunnel_is_told(config):
    path = config(EVERYTHING)
    long4 = ether() / IP(src="198.51.100.7", dst="192.0.2.102", flags="DF") / TCP(dport=80) / Raw(bytes(1440))
    cut4 = ether() / IP(src="198.51.100.7", dst="192.0.2.102") / TCP(dport=80) / Raw(bytes(1440))
    long6 = ether() / IPv6(src="2001:db8:7::7", dst="2001:db8::102") / TCP(dport=80) / Raw(bytes(1410))
    fits = ether() / IP(src="198.51.100.7", dst="192.0.2.102", flags="DF") / TCP(dport=80) / Raw(bytes(1436))
    for interpret in (True, False):
        result = wirebrick.run(
            load_nf(f"maglev:config={path},capacity=10"),
            interpret=interpret,
            **two_way(path.parent, [long4, cut4, long6, fits]),
        )
        assert result.drops == {"maglev.too_long": 1}
        four, six = rdpcap(str(path.parent / "back.pcap"))
        assert (four[IP].src, four[IP].dst, four.dst) == ("192.0.2.102", "198.51.100.7", CLIENT)
        assert (four[ICMP].type, four[ICMP].code, four[ICMP].nexthopmtu) == (3, 4, 1476)
        assert bytes(four[ICMP].payload)[:100] == bytes(long4[IP])[:100]
        assert len(four) == 14 + 20 + 8 + 548
        assert (six[IPv6].src, six[IPv6].dst, six[ICMPv6PacketTooBig].mtu) == (
            "2001:db8::102",
            "2001:db8:7::7",
            1460,
        )
        assert all(right_checksums(bytes(frame)) for frame in (four, six))
        (out,) = rdpcap(str(path.parent / "out.pcap"))
        assert len(out) == 1514
        assert out[IP].payload.name == "GRE"


def hostile(seed, count):
    """Packets of every kind at every address, some of them damaged."""
    rng = random.Random(seed)
    four = ["192.0.2.100", "192.0.2.101", "192.0.2.102", "192.0.2.103", "192.0.2.10", "198.51.100.7", *FOUR]
    six = ["2001:db8::100", "2001:db8::101", "2001:db8::102", "2001:db8::10", "2001:db8:7::7", *SIX]
    ports = [80, 8080, 53, 4000, 4001]

    def transport():
        kind = rng.choice([TCP, TCP, UDP])
        fields = {"sport": rng.choice(ports), "dport": rng.choice(ports)}
        if kind is TCP:
            fields["flags"] = rng.choice(["S", "A", "SA", "F", "R"])
        return kind(**fields) / Raw(bytes(rng.randrange(60)))

    def packet(depth=0):
        if rng.random() < 0.5:
            ip = IP(src=rng.choice(four), dst=rng.choice(four), id=rng.randrange(4))
            if rng.random() < 0.2:
                ip.flags, ip.frag = rng.choice([("MF", 0), (0, 2), ("MF", 2)])
            error = ICMP(type=rng.choice([3, 11, 12, 5, 8, 0]))
        else:
            ip = IPv6(src=rng.choice(six), dst=rng.choice(six))
            if rng.random() < 0.2:
                ip /= IPv6ExtHdrFragment(id=rng.randrange(4), m=rng.randrange(2), offset=rng.choice([0, 2]))
            error = rng.choice([ICMPv6PacketTooBig(mtu=1280), ICMPv6DestUnreach(), ICMPv6EchoRequest()])
            if rng.random() < 0.2:
                error = ICMPv6ND_NS(tgt=rng.choice(six))
        if depth == 0 and rng.random() < 0.3:
            return ip / error / packet(1)
        return ip / transport()

    frames = []
    for _ in range(count):
        built = ether(dst=rng.choice([MAC, MAC, MAC, OTHER]))
        if rng.random() < 0.1:
            built /= Dot1Q(vlan=5)
        frame = bytearray(bytes(built / packet()))
        if rng.random() < 0.3:
            for _ in range(rng.randrange(1, 4)):
                frame[rng.randrange(12, min(len(frame), 90))] = rng.randrange(256)
        if rng.random() < 0.2:
            frame = frame[: rng.randrange(len(frame))]
        frames.append(bytes(frame) or b"\0")
    return frames


@pytest.mark.parametrize("seed", [1, 2])
def test_hostile_packets_compiled_as_interpreted(config, seed):
    path = config(EVERYTHING)
    frames = hostile(seed, 1500)
    results = [run(path, frames, interpret=interpret) for interpret in (True, False)]
    one, other = results
    assert one.packets == other.packets
    assert one.drops == other.drops
    assert one.reports[0][1].rows == other.reports[0][1].rows
    assert not any("fault" in reason for reason in one.drops), one.drops
    for result in results:
        made = result.packets_in + result.packets_copied + result.packets_made
        assert made == result.packets_out + result.packets_dropped


def test_a_flood_evicts_and_hashing_gives_the_same_backend(config):
    path = config(OWN + vip("192.0.2.100", "mac", FOUR))
    kept = [
        ether() / IP(src="198.51.100.7", dst="192.0.2.100") / TCP(sport=port, dport=80) for port in range(50)
    ]
    flood = [
        ether()
        / IP(src=f"203.0.{number >> 8}.{number & 255}", dst="192.0.2.100")
        / TCP(sport=9, dport=80, flags="S")
        for number in range(3000)
    ]
    result = wirebrick.run(
        load_nf(f"maglev:config={path},capacity=100"), rx=[bytes(frame) for frame in [*kept, *flood, *kept]]
    )
    assert result.packets_out == 3100
    assert [frame[:6] for frame in result.packets[:50]] == [frame[:6] for frame in result.packets[-50:]]
    assert "gave way" in result.reports[0][1].title


def test_changes_in_a_run(config):
    def text(backends):
        service = vip("198.18.0.1", "mac", backends, '"all"', 'protocol = "udp"')
        return (OWN + service).replace(MAC, "02:00:00:00:00:02")

    path = config(text(FOUR[:2]))
    steps = iter([text(FOUR), text(FOUR[1:]), "nonsense", None])
    enough, due = threading.Event(), [0.3]

    def look(progress):
        if progress.elapsed_s >= due[0] and not enough.is_set():
            due[0] += 1.2  # the file is looked at twice a second
            if (step := next(steps)) is None:
                enough.set()
            else:
                path.write_text(step)

    result = wirebrick.run(
        load_nf(f"maglev:config={path},capacity=1000"),
        rx="memory:flows=300,servers=1",
        tx="null:",
        progress=look,
        stop=enough,
    )
    assert not result.drops
    assert result.packets_out == result.packets_in
    rows = {row[1]: row for row in result.reports[0][1].rows}
    one, two, three = (rows[name] for name in FOUR)
    assert [row[2] for row in (one, two, three)] == ["gone", "up", "up"]
    assert (
        one[5] > 100
    )  # it had about half of 300, which went to the others when it was removed: no other moved
    assert one[5] + two[5] + three[5] == 300 + one[5]
    assert 0 < three[5] < one[5]
    told = "\n".join(map(str, result.notices))
    assert "3 backends: 1 new, 0 gone" in told
    assert "2 backends: 0 new, 1 gone" in told
    assert "is refused" in told


def test_two_workers_agree(config):
    path = config(
        OWN + vip("198.18.0.1", "mac", FOUR, '"all"', 'protocol = "udp"').replace(MAC, "02:00:00:00:00:02")
    )
    path.write_text(path.read_text().replace(MAC, "02:00:00:00:00:02"))
    counts = []
    for workers in (1, 2):
        result = wirebrick.run(
            load_nf(f"maglev:config={path},capacity=1000"),
            rx="memory:flows=500,servers=1,count=20000",
            tx="null:",
            workers=workers,
        )
        assert result.packets_out == 20000
        counts.append([row[1:3] + row[5:8] for row in result.reports[0][1].rows])
    assert counts[0] == counts[1]
    path.write_text(path.read_text().replace('"mac"', '"nat"'))
    result = wirebrick.run(
        load_nf(f"maglev:config={path},capacity=1000"),
        rx="memory:flows=500,servers=1,count=20000",
        tx="null:",
        workers=2,
    )
    assert [row[1:3] + row[5:8] for row in result.reports[0][1].rows] == counts[0]


def test_direct_connections_are_not_the_services(config):
    path = config(OWN + vip("192.0.2.100", "nat", ["10.0.0.1"]))
    client, server = {"src": "198.51.100.7"}, {"src": "10.0.0.1", "dst": "198.51.100.7"}
    frames = [
        ether(dst=OTHER) / IP(dst="10.0.0.1", **client) / TCP(sport=5, dport=80),
        ether(dst=OTHER) / IP(**server) / TCP(sport=80, dport=5, flags="SA"),
        ether() / IP(dst="192.0.2.100", **client) / TCP(sport=6, dport=80),
        ether(dst=OTHER) / IP(**server) / TCP(sport=80, dport=6, flags="SA"),
        ether(dst=OTHER)
        / IP(**server)
        / TCP(sport=80, dport=7, flags="SA"),  # forgotten: the service's by hashing
    ]
    sources = [Ether(frame)[IP].src for frame in run(path, frames).packets]
    assert sources == ["198.51.100.7", "10.0.0.1", "198.51.100.7", "192.0.2.100", "192.0.2.100"]


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("[balancer]\n", "1:1", "does not say its mac"),
        ('[balancer]\nmac = "01:00:00:00:00:01"\n', "2:1", "can't be 01:00:00:00:00:01"),
        (OWN.replace("251", "250"), "5:1", "250 is no prime number"),
        (OWN, "1:1", "has 0 VIPs"),
        (OWN + '[[vip]]\nadress = "1.2.3.4"\n', "7:1", "there is no 'adress' in [vip]"),
        (OWN + vip("192.0.2.256", "mac", FOUR), "7:1", "address can't be '192.0.2.256'"),
        (OWN + vip("192.0.2.1", "mac", FOUR, "0"), "8:1", "ports can't be 0"),
        (OWN + vip("192.0.2.1", "mac", FOUR, '"9-8"'), "8:1", "ports can't be '9-8'"),
        (OWN + vip("192.0.2.1", "mac", []), "6:1", "has no backends"),
        (OWN + vip("192.0.2.1", "mac", SIX), "12:1", "can't have the backend 2001:db8:1::1 with mac"),
        (OWN + vip("192.0.2.1", "mac", ["10.0.0.1", "10.0.0.1"]), "14:1", "twice"),
        (OWN + vip("192.0.2.1", "nat", FOUR, "[1, 2]", port=5), "14:1", "can't have a port of its own"),
        (OWN + vip("192.0.2.1", "mac", FOUR) * 2, "21:1", "has a VIP already, at"),
        (OWN.replace("address =", "#") + vip("192.0.2.1", "gre", FOUR), "12:1", "no address to begin at"),
        (
            OWN + vip("192.0.2.1", "mac", FOUR) + '[vip.check]\nkind = "tcp"\npath = "/"\n',
            "22:1",
            "has no path",
        ),
        (
            OWN + vip("192.0.2.1", "mac", FOUR) + '[vip.check]\nkind = "http"\nstatus = [20]\n',
            "22:1",
            "status",
        ),
        (
            OWN + vip("192.0.2.1", "mac", FOUR).replace("[[vip.b", "weight = 1\n[[vip.b", 1),
            "11:1",
            "no 'weight'",
        ),
        (OWN + vip("192.0.2.1", "mac", FOUR) + "weight = 70000\n", "20:1", "weight can't be 70000"),
        ("[balancer\n", "1:10", ""),
    ],
)
def test_mistakes_in_the_file(config, text, place, told):
    path = config(text)
    with pytest.raises(ParameterError, match="") as error:
        load_config(path)
    assert told in error.value.message
    assert str(error.value.place) == f"{path}:{place}", error.value
    assert error.value.cure or not told
