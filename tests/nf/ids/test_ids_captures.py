"""Real captures: all packets accounted for, and the alerts that the evaluation in plain Python gives."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from pathlib import Path

import pytest
from reference import matches
from rule_maker import realistic
from scapy.utils import RawPcapReader
from sensor import STEP, Sensor

import wirebrick
from wirebrick.nf.ids import ids
from wirebrick.nf.ids.rules import parse_rules

MOST = 30  # packets of a capture that are looked at
OWN = Path(__file__).parents[3] / "captures" / "mixed.pcap"
SHARED = Path(os.environ.get("WIREBRICK_PCAPS", Path(__file__).parents[4] / "shared" / "pcaps"))
CAPTURES = [OWN, *sorted(path for path in SHARED.glob("*cap*") if path.is_file())]

RULES = "\n".join(
    f"alert {rule} sid:{sid};)"
    for sid, rule in enumerate(
        [
            "ip any any -> any any (ttl:64;",
            "ip any any -> any any (tos:>0;",
            "ip any any -> any any (id:!0; fragbits:D+;",
            "ip any any -> any any (fragbits:M;",
            "ip any any -> any any (fragoffset:>0;",
            "ip any any -> any any (ip_proto:!6; dsize:>100;",
            "ip any any -> any any (ipopts:any;",
            "ip any any -> any any (sameip;",
            "ip any any -> 10.0.0.0/8 any (",
            "ip !192.168.0.0/16 any -> any any (",
            "ip any any -> [fe80::/10,ff00::/8] any (",
            "tcp any any -> any any (flags:S;",
            "tcp any any -> any any (flags:+A; dsize:0;",
            "tcp any any -> any any (window:0;",
            "tcp any 1:1023 -> any !1:1023 (",
            "udp any any -> any 53 (",
            "udp any any <> any [67,68] (",
            "icmp any any -> any any (itype:3;",
            "icmp any any -> any any (icmp_id:>0;",
            'ip any any -> any any (content:"HTTP/1.";',
            'tcp any any -> any any (content:"GET "; depth:4;',
            'tcp any 80 -> any any (content:"200 OK"; offset:9; depth:6;',
            'ip any any -> any any (content:"|00 01 00 01|";',
            "udp any any -> any any (byte_test:2,&,0x8000,2;",
            "udp any any -> any any (byte_jump:2,4;",
            r'tcp any any -> any any (pcre:"/User-Agent: [^\r\n]+/i";',
            'ip any any -> any any (isdataat:100; content:!"a";',
            'tcp any any -> any any (content:"ssh"; nocase; content:"-"; within:5;',
            'ip any any -> any any (content:"a"; content:"e"; distance:3; within:2; content:"s"; distance:0;',
        ],
        1,
    )
)


def ethernet(path: Path) -> bool:
    """Whether a capture is of Ethernet frames."""
    reader = RawPcapReader(str(path))
    _, meta = next(iter(reader))
    return getattr(meta, "linktype", getattr(reader, "linktype", 1)) == 1


def frames_of(path: Path, most: int = MOST) -> list[bytes]:
    """The first frames of a capture."""
    return [data for data, _ in itertools.islice(RawPcapReader(str(path)), most)]


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_packets_of_captures(path: Path, tmp_path: Path) -> None:
    if not ethernet(path):
        pytest.skip("no Ethernet")
    frames = frames_of(path)
    rules = parse_rules(RULES).rules
    sensor = Sensor(tmp_path, RULES, streams=0)
    result = sensor.run(frames)
    assert result.packets == frames
    expected = {(rule.sid, at) for at, frame in enumerate(frames) for rule in rules if matches(rule, frame)}
    assert set(sensor.alerts()) == expected
    again = Sensor(tmp_path, RULES, streams=0)
    again.run(frames[:9], interpret=True)
    assert set(again.alerts()) == {(sid, at) for sid, at in expected if at < 9}


def test_hundreds_of_rules_over_all_captures(tmp_path: Path) -> None:
    frames = []
    for path in CAPTURES:
        frames += frames_of(path, 150) if ethernet(path) else []
    path = tmp_path / "many.rules"
    path.write_text(realistic(1, 400))
    result = wirebrick.run(ids(rules=path, mode="inline"), rx=frames, tx="null:")
    assert result.packets_in == len(frames) == result.packets_out + result.packets_dropped


def test_a_capture_with_streams(tmp_path: Path) -> None:
    """What the streams of a capture contain is found once for each stream, wherever it was cut."""
    words = {1: b"HTTP/1.1 200", 2: b"User-Agent:", 3: b"</html>", 4: b"SSH-2.0", 5: b"Content-Length: "}
    rules = "\n".join(
        f'alert tcp any any -> any any (flow:only_stream; content:"{word.decode()}"; sid:{sid};)'.replace(
            ':"User-Agent:', ':"User-Agent\\:'
        )
        for sid, word in words.items()
    )
    if not (SHARED / "http_auth.pcap").exists():
        pytest.skip("there are no shared captures")
    frames = frames_of(SHARED / "http_auth.pcap", 1000)
    sensor = Sensor(tmp_path, rules)
    sensor.run(frames)
    found = Counter(
        (event["alert"]["signature_id"], event["src_ip"], event["src_port"]) for event in sensor.events()
    )
    assert set(found) == {
        (sid, *flow)
        for flow, data in streams_of(frames).items()
        for sid, word in words.items()
        if word in data
    }


def streams_of(frames: list[bytes]) -> dict[tuple[str, int], bytes]:
    """The bytes of each direction of TCP, by sender."""
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether

    parts: dict[tuple[str, int], dict[int, bytes]] = {}
    for frame in frames:
        packet = Ether(frame)
        if TCP in packet:
            ip, tcp = packet[IP], packet[TCP]
            data = frame[14 + 4 * ip.ihl + 4 * tcp.dataofs : 14 + ip.len]
            pieces = parts.setdefault((ip.src, tcp.sport), {})
            pieces[tcp.seq] = max(data, pieces.get(tcp.seq, b""), key=len)
    return {flow: b"".join(data for _, data in sorted(pieces.items())) for flow, pieces in parts.items()}


def test_times_and_steps_are_what_the_sensor_counts(tmp_path: Path) -> None:
    sensor = Sensor(tmp_path, "alert ip any any -> any any (sid:1;)")
    sensor.run([frames_of(OWN)[0]] * 3)
    assert [event["timestamp"][19:26] for event in sensor.events()] == [
        f".{at * STEP // 1000:06d}" for at in range(3)
    ]
