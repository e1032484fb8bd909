"""TCP connections as the monitor sees them: each state by made segments, round trips and flows as tshark has them."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

import wirebrick
from wirebrick.errors import ParameterError
from wirebrick.nf.monitor.handshake import BUCKETS, bucket, highest
from wirebrick.nf.monitor.nf import monitor

CAPTURE = Path(__file__).parents[2] / "captures" / "mixed.pcap"
BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
MS = 1_000_000


def segments(text: str, ipv6: bool = False, port: int = 1234) -> list[tuple[int, bytes]]:
    """``> S`` are flags from the client, ``< SA`` from the server, one a millisecond; ``+ 5`` waits."""
    frames, now = [], 10**18
    for part in text.split(";"):
        way, flags = part.split()
        if way == "+":
            now += int(flags) * MS
            continue
        now += MS
        ends = (("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2"))[ipv6]
        src, dst = ends if way == ">" else ends[::-1]
        sport, dport = (port, 80) if way == ">" else (80, port)
        ip = (IPv6 if ipv6 else IP)(src=src, dst=dst)
        frames.append((now, bytes(Ether() / ip / TCP(sport=sport, dport=dport, flags=flags) / b"data")))
    return frames


def connections(frames, tmp_path: Path, interpret: bool, **parameters) -> tuple[list[dict], dict]:
    """The rows of the file of connections, and the reports by the beginning of their titles."""
    out = tmp_path / "connections.json"
    result = wirebrick.run(monitor(connections=out, **parameters), rx=frames, interpret=interpret)
    assert result.packets_in == result.packets_out
    assert [nf.faults for nf in result.nfs] == [0]
    return json.loads(out.read_text()), {report.title: report.rows for _, report in result.reports}


@BOTH
@pytest.mark.parametrize("ipv6", [False, True])
@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("> S", "syn sent"),
        ("> S;> S", "syn sent"),
        ("> S;< SA", "syn received"),
        ("> S;< SA;> A", "established"),
        ("> S;< SA;> A;> PA;< A;< PA;> A", "established"),
        ("> S;< SA;> A;> S", "established"),  # answered by an ACK only (RFC 5961)
        ("> S;< SA;> A;> FA", "closing"),
        ("> S;< SA;> A;< FA;< FA", "closing"),
        ("> S;< SA;> A;> FA;< FA", "closed"),
        ("> S;< SA;> A;> FA;< FA;> A", "closed"),
        ("> S;< SA;> A;> FA;< FA;> R", "closed"),
        ("> S;< RA", "refused"),
        ("> S;< SA;< R", "refused"),
        ("> S;> R", "reset"),
        ("> S;< SA;> A;> R", "reset"),
        ("> S;< SA;> A;< FA;> RA", "reset"),
        ("> S;< RA;> S;< SA;> A", "established"),  # the ports are used again
        ("> S;< SA;> A;> FA;< FA;> S", "syn sent"),
        ("> PA", "met in the middle"),
        ("< PA;> A;< PA", "met in the middle"),
        ("> A;> FA;< FA", "closed"),
        ("> R", "reset"),
    ],
)
def test_states(text: str, state: str, ipv6: bool, interpret: bool, tmp_path: Path) -> None:
    frames = segments(text, ipv6)
    rows, reports = connections(frames, tmp_path, interpret)
    assert [row["state"] for row in rows] == [state]
    assert reports["1 TCP connections by state"] == [(state, 1)]
    if "S" in text and text[0] == ">":
        assert (rows[0]["client_port"], rows[0]["server_port"]) == (1234, 80)
        assert rows[0]["client"] == ("2001:db8::1" if ipv6 else "192.0.2.1")


@BOTH
def test_round_trips_of_a_handshake(interpret: bool, tmp_path: Path) -> None:
    rows, reports = connections(segments("> S;+ 9;< SA;+ 3;> A;< A"), tmp_path, interpret)
    assert (rows[0]["to_server_ms"], rows[0]["to_client_ms"]) == (10.0, 4.0)
    assert rows[0]["opened"] == pytest.approx(1e9 + 0.001)
    ((name, *times), *_) = reports["TCP round trips, milliseconds, of 1 handshakes"]
    assert name == "monitor to server"
    assert all(10 <= time <= 10.7 for time in times)


@BOTH
@pytest.mark.parametrize("text", ["> S;> S;< SA;> A", "> S;< SA;< SA;> A"])
def test_repeated_handshakes_give_no_round_trip(text: str, interpret: bool, tmp_path: Path) -> None:
    rows, reports = connections(segments(text), tmp_path, interpret)
    assert (rows[0]["state"], rows[0]["to_server_ms"]) == ("established", None)
    assert "TCP round trips, milliseconds, of 0 handshakes" in reports


@BOTH
def test_many_handshakes_that_share_ports(interpret: bool, tmp_path: Path) -> None:
    """Those of which another one ended in between are followed too, if their flow is new."""
    frames = []
    for ipv6 in (False, True):
        frames += segments("> S;< SA;> A;> PA", ipv6)
    frames.sort()
    rows, _ = connections(frames, tmp_path, interpret)
    assert {row["state"] for row in rows} <= {"established", "syn received"}
    assert len(rows) == 2


def test_a_flood_of_syns_evicts_and_is_told(tmp_path: Path) -> None:
    frames = [frame for port in range(2000, 4000) for frame in segments("> S", port=port)]
    rows, reports = connections(frames, tmp_path, False, capacity=128)
    assert len(rows) == 64
    assert "64 TCP connections by state; the table was full: 1,936 evicted (raise capacity)" in reports


def test_without_tcp() -> None:
    result = wirebrick.run(monitor(tcp=False), rx=segments("> S;< SA"), interpret=True)
    assert not [report for _, report in result.reports if "TCP" in report.title]
    with pytest.raises(ParameterError, match="not followed with tcp=no"):
        wirebrick.run(monitor(tcp=False, connections="x.csv"), rx=[])


def test_every_time_lies_in_its_bucket() -> None:
    before = -1
    for time in [*range(5000), *(1 << shift for shift in range(13, 62)), 1 << 62]:
        number = bucket(time)
        assert before <= number < BUCKETS
        assert time <= highest(number) <= max(time * 1.0625, time + 1) or number == BUCKETS - 1
        before = number


def tshark(*arguments: str) -> list[str]:
    program = shutil.which("tshark")
    if program is None:
        pytest.skip("tshark is not installed")
    command = [program, "-n", "-r", str(CAPTURE), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_round_trips_are_tshark_s(tmp_path: Path) -> None:
    """Whatever tshark says of a handshake of which nothing came twice."""
    fields = ("ip.src", "ipv6.src", "tcp.srcport", "tcp.dstport", "tcp.analysis.initial_rtt")
    wanted = "tcp.analysis.initial_rtt and tcp.flags.syn==0 and tcp.analysis.acks_frame"
    lines = tshark("-Y", wanted, "-T", "fields", *(word for name in fields for word in ("-e", name)))
    theirs = {}
    for line in lines:
        v4, v6, src_port, dst_port, time = line.split("\t")
        theirs.setdefault((v4 or v6, int(src_port), int(dst_port)), float(time) * 1000)
    rows, _ = connections(str(CAPTURE), tmp_path, False)
    timed = [row for row in rows if row["to_server_ms"] is not None]
    assert len(timed) > 20
    for row in timed:
        whole = row["to_server_ms"] + row["to_client_ms"]
        assert theirs[row["client"], row["client_port"], row["server_port"]] == pytest.approx(whole, abs=2e-3)


@pytest.mark.parametrize(("kind", "protocol"), [("tcp", 6), ("udp", 17)])
def test_flows_are_tshark_s_conversations(kind: str, protocol: int, tmp_path: Path) -> None:
    """Packets and bytes of each direction, tshark's tables summed from its fields: both count whole frames."""
    fields = ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", f"{kind}.srcport", f"{kind}.dstport", "frame.len")
    # Tunnels and ICMP errors show two headers; fragments are shown where they are put together.
    wanted = f"{kind} and not icmp and not icmpv6 and not vxlan and not ip.fragments and not ipv6.fragments"
    found: dict[tuple, list[int]] = {}
    for line in tshark("-Y", wanted, "-T", "fields", *(word for name in fields for word in ("-e", name))):
        v4_src, v4_dst, v6_src, v6_dst, src_port, dst_port, size = line.split("\t")
        count = found.setdefault((v4_src or v6_src, v4_dst or v6_dst, int(src_port), int(dst_port)), [0, 0])
        count[0] += 1
        count[1] += int(size)
    out = tmp_path / "flows.csv"
    wirebrick.run(monitor(out=out), rx=str(CAPTURE))
    ours = {}
    for row in csv.DictReader(out.read_text().splitlines()):
        if int(row["protocol"]) == protocol and int(row["src_port"]):
            key = (row["src"], row["dst"], int(row["src_port"]), int(row["dst_port"]))
            ours[key] = [int(row["packets"]), int(row["bytes"])]
    assert len(found) > 30
    assert {key: ours[key] for key in found} == found
