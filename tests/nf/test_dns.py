"""dns: its answers as scapy reads them, real captures, random messages, its file, and both ways to run."""

import os
import random
from pathlib import Path

import pytest
from scapy.layers.dns import DNS, DNSQR, DNSRR, DNSRROPT
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap

import wirebrick
from wirebrick import Array, network_function
from wirebrick.errors import ParameterError
from wirebrick.fields import U8
from wirebrick.headers import Ethernet
from wirebrick.nf.dns.names import load_names
from wirebrick.nf.dns.nf import dns
from wirebrick.state.domains import Domains, labels_of

ROOT = Path(__file__).parents[2]
REAL = Path(os.environ.get("WIREBRICK_PCAPS", ROOT.parent / "shared" / "pcaps"))
CAPTURES = [ROOT / "captures" / "mixed.pcap", REAL / "dns.pcap", REAL / "bad-dns-traffic.pcap"]


@network_function
def out(packets):
    """What was to go back goes out."""

    def send(packet):
        packet.egress = "out"

    return packets.transform(send)


def names(folder, text):
    path = folder / "names.txt"
    path.write_text(text)
    return path


@pytest.mark.parametrize("interpret", [False, True])
def test_answers(tmp_path, interpret):
    path = names(tmp_path, "evil.example")
    question = DNSQR(qname="Evil.Example", qtype="AAAA")
    sent = [
        Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / ip
        / UDP(sport=4711) / DNS(id=7, rd=rd, ad=1, qd=question, ar=DNSRROPT(rclass=4096))
        for rd in (0, 1)
        for ip in (IP(src="192.0.2.1", dst="192.0.2.2", ttl=3), IPv6(src="2001:db8::1", dst="2001:db8::2", hlim=3))
    ]  # fmt: skip
    sent[0][UDP].chksum = 0
    result = wirebrick.run(
        [dns(names=path, answer="nxdomain"), out], rx=list(map(bytes, sent)), interpret=interpret
    )
    assert result.drops == {}
    for query, frame in zip(sent, result.packets, strict=True):
        reply = Ether(frame)
        assert (reply.src, reply.dst) == (query.dst, query.src)
        assert (reply[1].src, reply[1].dst) == (query[1].dst, query[1].src)
        assert (reply[UDP].sport, reply[UDP].dport) == (53, 4711)
        message = reply[DNS]
        assert (message.id, message.qr, message.rcode, message.rd, message.ra) == (7, 1, 3, query[DNS].rd, 1)
        assert (message.qdcount, message.ancount, message.nscount, message.arcount) == (1, 0, 0, 0)
        assert (message.qd.qname.lower(), message.qd.qtype) == (b"evil.example.", 28)
        rebuilt = reply.copy()
        for layer, field in ((1, "chksum"), (1, "len"), (1, "plen"), (UDP, "chksum"), (UDP, "len")):
            if field in reply[layer].fields and reply[layer].fields[field] is not None:
                delattr(rebuilt[layer], field)
        again = Ether(bytes(rebuilt))
        if query[UDP].chksum == 0:
            again[UDP].chksum = 0
        assert bytes(again) == frame


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_captures_like_scapy(tmp_path, capture):
    if not capture.exists():
        pytest.skip(f"{capture} is not here: see WIREBRICK_PCAPS")
    frames = rdpcap(str(capture), 400)
    asked = [
        packet[DNSQR].qname.decode("latin-1").lower().rstrip(".")
        for packet in frames
        if packet.haslayer(DNSQR) and packet.haslayer(UDP) and 53 in (packet[UDP].sport, packet[UDP].dport)
        # Whether scapy sees through PPPoE depends on what else was imported.
        if not packet.haslayer("PPPoE") and not packet.haslayer("PPP Link Layer")
    ]
    wanted = sorted({name for name in asked if _is_name(name)})[::2]
    path = names(tmp_path, "\n".join(wanted))
    results = [
        wirebrick.run(dns(names=path, malformed="allow"), rx=list(map(bytes, frames)), interpret=interpret)
        for interpret in (False, True)
    ]
    assert results[0].packets == results[1].packets
    assert results[0].drops == results[1].drops
    dropped = sum(results[0].drops.values())
    assert dropped >= sum(name in wanted for name in asked)
    if capture != CAPTURES[0]:
        assert dropped > 0


def _is_name(name):
    try:
        labels_of(name)
    except ValueError:
        return False
    return "#" not in name and ";" not in name and name.strip() == name


def test_random_messages_both_ways(tmp_path):
    rng = random.Random(4)
    path = names(tmp_path, "evil.example\n*.ads.example\n")
    seeds = [
        bytes(DNS(qd=DNSQR(qname="evil.example"))),
        bytes(
            DNS(
                qr=1,
                qd=DNSQR(qname="x.y"),
                an=DNSRR(rrname="a.ads.example", type="CNAME", rdata="evil.example"),
            )
        ),
    ]
    frames = []
    for _ in range(400):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(6)):
            data[rng.randrange(len(data))] = rng.choice([0, 1, 0xC0, 12, 255, rng.randrange(256)])
        data = data[: rng.randrange(len(data) + 1)] if rng.random() < 0.3 else data
        frames.append(bytes(Ether() / IP() / UDP(sport=1) / bytes(data)))
    results = [wirebrick.run(dns(names=path), rx=frames, interpret=interpret) for interpret in (False, True)]
    assert results[0].packets == results[1].packets
    assert results[0].drops == results[1].drops
    assert set(results[0].drops) == {"dns.malformed", "dns.query_listed", "dns.answer_listed"}


def test_pointers_that_lead_forward_or_nowhere():
    domains = Domains([("evil.example", 0)])
    domains.allocate(1)
    head = bytes(4) + b"\0\1" + bytes(6)
    for name in (
        b"\xc0\x0c",
        b"\xc0\x10\0\0\0\0\0",
        b"\4evil\xc0\x0c",
        b"\xff\xff",
        b"\x40",
        b"\4evil\xc0",
        b"\4ev",
    ):
        assert domains.find(head + name + b"\0\1\0\1") == -2
    chain = head + b"\0" + b"".join(b"\xc0" + bytes([12 if n == 0 else 11 + 2 * n]) for n in range(100))
    question = chain + b"\0\1\0\1"
    assert domains.find(question) == -1  # the name is the root; the chain behind it is not looked at
    long = bytearray(head) + (b"\x3f" + b"a" * 63) * 4 + b"\0\0\1\0\1"
    assert domains.find(bytes(long)) == -2
    assert domains.find(b"") == -2


def test_many_names_like_a_set():
    rng = random.Random(8)
    listed = {
        ".".join(rng.choice("abcdefg") * rng.randrange(1, 3) for _ in range(rng.randrange(1, 5)))
        for _ in range(600)
    }
    given = [("*." * (n % 2) + name, n) for n, name in enumerate(sorted(listed))]
    domains = Domains(given)
    domains.allocate(1)
    exact = {name: n for name, n in given if not name.startswith("*")}
    below = {name[2:]: n for name, n in given if name.startswith("*")}
    met = 0
    for _ in range(1500):
        name = ".".join(rng.choice("abcdefg") * rng.randrange(1, 3) for _ in range(rng.randrange(1, 6)))
        labels = name.split(".")
        above = [".".join(labels[n:]) for n in range(len(labels) - 1, 0, -1)]
        expected = next((below[suffix] for suffix in above if suffix in below), exact.get(name, -1))
        assert domains.find(bytes(DNS(qd=DNSQR(qname=name.upper())))) == expected, name
        met += expected >= 0
    assert 100 < met < 1400


def test_the_file_is_read_again(tmp_path):
    path = names(tmp_path, "evil.example")
    frame = bytes(Ether() / IP() / UDP(sport=1) / DNS(qd=DNSQR(qname="new.example")))
    steps = []

    @network_function
    def change(packets):
        seen = wirebrick.Counter("seen")

        def count(packet):
            seen.add()

        def step(event):
            if not steps:
                steps.append(seen.value)
                path.write_text("a..b\n")
            elif len(steps) == 1 and seen.value > steps[0]:
                steps.append(seen.value)
                path.write_text("*.else.example\nnew.example\n")

        wirebrick.every(0.2, step, on="background")
        return packets.map(count)

    result = _run_for(2.0, [change, dns(names=path)], frame)
    assert len(steps) == 2
    assert result.packets_out > 0
    assert result.drops.get("dns.query_listed", 0) > 0


def _run_for(seconds, chain, frame):
    """Packets of made traffic turned into one frame: a run that lasts."""

    @network_function
    def source(packets):
        length = len(frame)
        octets = Array(U8, values=list(frame))

        def become(packet):
            packet.payload.resize(length - 14)
            for i in range(length - 14):
                packet.payload[i] = octets[i + 14]
            packet.header.ethertype = 0x0800

        return packets.parse(Ethernet).transform(become).deparse()

    return wirebrick.run([source, *chain], rx="memory:size=64,flows=1", tx="null:", duration=seconds)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("good.example\n  a..b # two dots\n", 2, 3, "'a..b' is no name: a label has 1 to 63 bytes, not 0"),
        ("*.*.example", 1, 1, r"a \* stands alone"),
        ("a*.example", 1, 1, r"a \* stands alone"),
        ("*", 1, 1, r"a \* stands alone"),
        ("*.", 1, 1, "it has no label"),
        ("b\u00fccher.example", 1, 1, "it is not ASCII"),
        ("a" * 64, 1, 1, "a label has 1 to 63 bytes"),
        (".".join(["abcdefg"] * 32), 1, 1, "more than 255 bytes"),
        ("a..b\nx\nc..d", 1, 1, r"and 1 more in line 3"),
    ],
)
def test_mistakes_in_the_file(tmp_path, text, line, column, message):
    path = names(tmp_path, text)
    with pytest.raises(ParameterError, match=message) as caught:
        load_names(path)
    assert (caught.value.place.file, caught.value.place.line, caught.value.place.column) == (
        str(path),
        line,
        column,
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "dns needs names"),
        ({"names": "/nowhere/x"}, "can't be read"),
        ({"names": "/dev/null", "answer": "refused"}, "the answer of dns can't be 'refused'"),
        ({"names": "/dev/null", "malformed": "x"}, "the malformed of dns"),
        ({"names": "/dev/null", "top": -1}, "the top of dns"),
    ],
)
def test_wrong_parameters(parameters, message):
    with pytest.raises(ParameterError, match=message):
        wirebrick.run(dns(**parameters), rx=[bytes(60)])
