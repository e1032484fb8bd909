"""Flow records: what nfcapd and scapy read of them is what was counted; nothing is told twice or not at all."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.layers.netflow import NetflowHeader, netflowv9_defragment
from scapy.utils import RawPcapReader

import wirebrick
from wirebrick.errors import ParameterError
from wirebrick.nf.monitor.nf import monitor

CAPTURE = Path(__file__).parents[2] / "captures" / "mixed.pcap"
BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
PROTOCOLS = pytest.mark.parametrize("protocol", ["ipfix", "netflow9"])
SECOND = 1_000_000_000


@contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """A collector: its address, and the messages it has received once the ``with`` block has ended."""
    messages: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(0.3)

        def receive() -> None:
            while True:
                try:
                    messages.append(receiver.recv(65536))
                except TimeoutError:
                    if done.is_set():
                        return

        done = threading.Event()
        thread = threading.Thread(target=receive)
        thread.start()
        try:
            yield f"127.0.0.1:{receiver.getsockname()[1]}", messages
        finally:
            done.set()
            thread.join()


def records(messages: list[bytes]) -> list[dict]:
    """What scapy decodes."""
    packets = [IP(src="127.0.0.1") / UDP(sport=2055, dport=2055) / NetflowHeader(raw) for raw in messages]
    found = []
    for packet in netflowv9_defragment(packets):
        layer = packet[NetflowHeader]
        while layer:
            found += [record.fields for record in layer.fields.get("records", [])]
            layer = layer.payload
    return found


def key(record: dict) -> tuple:
    src = record.get("IPV4_SRC_ADDR") or record["IPV6_SRC_ADDR"]
    dst = record.get("IPV4_DST_ADDR") or record["IPV6_DST_ADDR"]
    ports = record["L4_SRC_PORT"], record["L4_DST_PORT"]
    return str(ip_address(src)), str(ip_address(dst)), *ports, record["PROTOCOL"]


def number(value: object) -> int:
    return int.from_bytes(value, "big") if isinstance(value, bytes) else int(value)


def frame(n: int, flags: str = "A", size: int = 20, ipv6: bool = False) -> bytes:
    """A segment of flow ``n`` with an IP packet of 40 (IPv6: 60) + ``size`` bytes."""
    ip = IPv6(src="2001:db8::1", dst="2001:db8::2") if ipv6 else IP(src="192.0.2.1", dst="192.0.2.2")
    return bytes(Ether() / ip / TCP(sport=1000 + n, dport=80, flags=flags) / bytes(size))


@BOTH
@PROTOCOLS
def test_each_packet_is_in_one_record(protocol: str, interpret: bool) -> None:
    """Idle, long and unfinished flows, and a table that is too small."""
    traffic, now = [], 10**18
    for turn in range(200):
        now += SECOND // 4
        for n in (0, turn % 7 + 1, turn // 20 + 10):
            traffic.append((now, frame(n, "PA", n, ipv6=n == 3)))
    with listening() as (address, messages):
        nf = monitor(collector=address, protocol=protocol, capacity=6, idle=5.0, active=10.0)
        result = wirebrick.run(nf, rx=traffic, interpret=interpret)
    found = records(messages)
    sent, octets = Counter(), Counter()
    for record in found:
        sent[key(record)[2] - 1000] += number(record["IN_PKTS"])
        octets[key(record)[2] - 1000] += number(record["IN_BYTES"])
    expected = Counter(n for turn in range(200) for n in (0, turn % 7 + 1, turn // 20 + 10))
    assert sent == expected
    assert octets == Counter({n: count * (40 + n + 20 * (n == 3)) for n, count in expected.items()})
    # Flow 0 goes on for 50 s: a record each 10 s.
    assert len([record for record in found if key(record)[2] == 1000]) in (5, 6)
    report = {report.title: report.rows for _, report in result.reports}
    assert report[f"flow records sent to {address}"] == [(len(found), len(messages), 0, 0)]


@BOTH
def test_times_and_reasons(interpret: bool) -> None:
    start = 1_700_000_000_123_000_000
    traffic = [(start, frame(1)), (start + SECOND, frame(1)), (start + 2 * SECOND, frame(2, "FA"))]
    traffic += [(start + 30 * SECOND, frame(3)), (start + 45 * SECOND, frame(3))]
    with listening() as (address, messages):
        wirebrick.run(monitor(collector=address, idle=20.0, active=10.0), rx=traffic, interpret=interpret)
    found = {}
    for record in records(messages):
        told = [
            number(record[f"flow{name}"]) for name in ("StartMilliseconds", "EndMilliseconds", "EndReason")
        ]
        found.setdefault(key(record)[2] - 1000, []).append(tuple(told))
    at = start // 1_000_000
    assert found == {
        1: [(at, at + 1000, 1)],  # idle
        2: [(at + 2000, at + 2000, 3)],  # its end was seen
        3: [(at + 30_000, at + 45_000, 2)],  # it goes on; nothing is left for the end
    }


@PROTOCOLS
def test_messages_are_short_and_numbered(protocol: str) -> None:
    with listening() as (address, messages):
        nf = monitor(collector=address, protocol=protocol)
        wirebrick.run(nf, rx="memory:count=20000,flows=5000,ipv6=0.3")
    assert max(map(len, messages)) <= 1400
    found = records(messages)
    assert len({key(record) for record in found}) == len(found) == 5000
    assert sum(number(record["IN_PKTS"]) for record in found) == 20000
    numbers = [int.from_bytes(raw[8:12] if protocol == "ipfix" else raw[12:16], "big") for raw in messages]
    assert numbers == sorted(numbers)
    if protocol == "netflow9":
        assert numbers == list(range(len(messages)))


def test_several_workers_tell_of_their_flows() -> None:
    with listening() as (address, messages):
        nf = monitor(collector=address)
        wirebrick.run(nf, rx="memory:count=20000,flows=500", workers=2)
    found = records(messages)
    assert sum(number(record["IN_PKTS"]) for record in found) == 20000


@PROTOCOLS
def test_nfcapd_reads_the_capture(protocol: str, tmp_path: Path) -> None:
    """Debian's nfdump: every flow of the capture, and no sequence errors."""
    if not shutil.which("nfcapd") or not shutil.which("nfdump"):
        pytest.skip("nfdump is not installed")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "flows").mkdir()
    command = ["nfcapd", "-w", str(tmp_path / "flows"), "-b", "127.0.0.1", "-p", str(port), "-t", "3600"]
    collector = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        end = time.monotonic() + 10
        while f":{port:04X}" not in Path("/proc/net/udp").read_text():
            assert time.monotonic() < end
            assert collector.poll() is None
            time.sleep(0.01)
        wirebrick.run(monitor(collector=f"127.0.0.1:{port}", protocol=protocol), rx=str(CAPTURE))
        time.sleep(0.1)
        collector.terminate()
        said, _ = collector.communicate(timeout=10)
    finally:
        collector.kill()
    assert "Sequence Errors: 0, Bad Packets: 0" in said
    (file,) = (tmp_path / "flows").glob("nfcapd.*")
    text = "fmt:%ts;%te;%sa;%da;%sp;%dp;%pr;%pkt;%byt;%flg"
    told = subprocess.run(
        ["nfdump", "-r", str(file), "-6", "-N", "-q", "-o", text], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    found = Counter()
    for line in told:
        _, _, src, dst, _, _, proto, packets, octets, _ = (part.strip() for part in line.split(";"))
        found[src, dst, int(proto)] += int(packets) + 1j * int(octets)
    assert found == _addresses(RawPcapReader(str(CAPTURE)))


def _addresses(frames) -> Counter:
    """Packets, and bytes of IP as the imaginary part, by addresses and protocol: as scapy sees them."""
    expected = Counter()
    for raw, _ in frames:
        layer = Ether(raw).payload
        while isinstance(layer, Dot1Q):
            layer = layer.payload
        if isinstance(layer, IP):
            expected[layer.src, layer.dst, layer.proto] += 1 + 1j * layer.len
        elif isinstance(layer, IPv6):
            following, upper = layer.nh, bytes(layer)[40:]
            while following in (0, 43, 44, 60):
                size = 8 if following == 44 else 8 * (upper[1] + 1)
                following, upper = upper[0], upper[size:]
            expected[layer.src, layer.dst, following] += 1 + 1j * (40 + layer.plen)
    return expected


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"collector": "localhost"}, "names no port"),
        ({"collector": "127.0.0.1:70000"}, "names no port"),
        ({"collector": "::1:2055"}, "names no port"),
        ({"collector": "no-such-host.invalid:2055"}, "can't be reached"),
        ({"collector": "127.0.0.1:2055", "active": 0}, "active can't be 0"),
        ({"collector": "127.0.0.1:2055", "protocol": "netflow5"}, "netflow5"),
    ],
)
def test_wrong_parameters(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        wirebrick.run(monitor(**parameters), rx=[], interpret=True)


def test_a_collector_that_is_not_there_costs_nothing() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    result = wirebrick.run(monitor(collector=f"127.0.0.1:{port}"), rx="memory:count=3000,flows=1000")
    assert result.packets_out == 3000
    assert result.warnings == []


@pytest.mark.parametrize("rows", [0, 3])
def test_parquet(rows: int, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    flows, connections = tmp_path / "flows.parquet", tmp_path / "connections.parquet"
    frames = [frame(n, "S", n) for n in range(rows)]
    wirebrick.run(monitor(out=flows, connections=connections), rx=frames, interpret=True)
    table = parquet.read_table(flows)
    assert table.column_names == ["src", "dst", "src_port", "dst_port", "protocol", "packets", "bytes"]
    assert table.column("bytes").to_pylist() == [54 + n for n in reversed(range(rows))]
    assert parquet.read_table(connections).column("state").to_pylist() == ["syn sent"] * rows


def test_heavy_hitters_are_bounded() -> None:
    """One flow has half of all packets, hundreds share the rest: it is found, within the bound."""
    frames = [frame(n, size=100) for turn in range(20) for n in (0, turn + 1) * 10]
    result = wirebrick.run(monitor(heavy=8, top=3, capacity=4), rx=frames, interpret=True)
    report = next(report for _, report in result.reports if report.title.startswith("heavy hitters"))
    src_port, amount, error = report.rows[0][2], *report.rows[0][-2:]
    assert src_port == 1000
    assert amount - error <= 200 * 154 <= amount
    assert error <= len(frames) * 154 // 8
