"""The teaching path: every step runs, compiled and interpreted, and does to the capture what it says."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import wirebrick
from wirebrick.headers import Ethernet, IPv4

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
CAPTURE = ROOT / "captures" / "mixed.pcap"
STEPS = sorted(EXAMPLES.glob("step*.py"))


def frames(path: Path) -> list[bytes]:
    """The packets of a classic little-endian capture, read without Wirebrick."""

    def walk(data: bytes) -> Iterator[bytes]:
        at = 24
        while at < len(data):
            size = struct.unpack_from("<I", data, at + 8)[0]
            yield data[at + 16 : at + 16 + size]
            at += 16 + size

    return list(walk(path.read_bytes()))


class Both:
    """What a step made of the capture; compiled and interpreted it was the same."""

    def __init__(self, nf: str, folder: Path, *ports: str) -> None:
        ways = []
        for interpret in (False, True):
            out = {name: folder / f"{name}_{interpret}.pcap" for name in ("out", *ports)}
            more = {name: f"pcap:,{path}" for name, path in out.items() if name != "out"}
            self.result = wirebrick.run(
                f"{EXAMPLES}/{nf}", rx=CAPTURE, tx=out["out"], ports=more, interpret=interpret
            )
            counts = self.result.to_dict()
            del counts["elapsed_s"], counts["compile_s"]
            for port in counts["ports"]:
                del port["port"]  # the files' names differ
            ways.append((counts, {name: frames(path) for name, path in out.items()}))
        assert ways[0] == ways[1]
        self.ports = ways[0][1]
        self.out = self.ports["out"]
        self.drops = self.result.drops
        self.rows = self.result.reports[0][1].rows if self.result.reports else []


@pytest.fixture
def both(tmp_path: Path):
    return lambda nf, *ports: Both(nf, tmp_path, *ports)


@pytest.fixture(scope="module")
def given() -> list[bytes]:
    return frames(CAPTURE)


def is_v4(frame: bytes) -> bool:
    return frame[12:14] == b"\x08\x00"


def ip(frame: bytes) -> IPv4:
    return IPv4.from_bytes(frame[14:])


def checksums_are_right(packets: list[bytes]) -> bool:
    def total(header: bytes) -> int:
        number = sum(struct.unpack(f"!{len(header) // 2}H", header))
        return (number & 0xFFFF) + (number >> 16)

    return all(total(bytes(ip(frame))) == 0xFFFF for frame in packets if is_v4(frame))


def test_step01(both, given):
    done = both("step01_filter.py")
    assert done.out == [frame for frame in given if len(frame) <= 128]
    assert done.drops == {"short.too_long": len(given) - len(done.out)}


def test_step02(both, given):
    done = both("step02_parse.py")
    old = [frame for frame in given if is_v4(frame) and ip(frame).ttl <= 1]
    assert old
    assert done.drops == {"age.ttl_expired": len(old)}
    before = [ip(frame).ttl for frame in given if is_v4(frame) and ip(frame).ttl > 1]
    assert [ip(frame).ttl for frame in done.out if is_v4(frame)] == [ttl - 1 for ttl in before]
    assert [f for f in done.out if not is_v4(f)] == [f for f in given if not is_v4(f)]
    assert checksums_are_right(done.out)


def test_step03(both, given):
    done = both("step03_parameters.py:mark:port=80,dscp=10")
    changed = [new for new, old in zip(done.out, given, strict=True) if new != old]
    assert changed
    for frame in changed:
        header = ip(frame)
        assert header.dscp == 10
        assert header.protocol == 6
        assert frame[14 + header.ihl * 4 + 2 :][:2] == (80).to_bytes(2, "big")
        assert str(header.src).startswith("192.0.2.")
    assert checksums_are_right(done.out)


def test_step04(both):
    done = both("step04_own_header.py")
    assert done.rows == [[24, 24]]
    assert done.drops == {"dns.no_such_name": 20}


def test_step05(both, given):
    done = both("step05_state.py:quota:packets_each=20")
    flows: dict[bytes, int] = {}
    for frame in given:
        if is_v4(frame):
            header = ip(frame)
            begin = 14 + header.ihl * 4
            ported = header.protocol in (6, 17) and header.fragment_offset == 0
            key = bytes([header.protocol]) + frame[26:34] + (frame[begin : begin + 4] if ported else b"")
            flows[key] = flows.get(key, 0) + 1
    assert done.drops == {"quota.over_quota": sum(max(0, count - 20) for count in flows.values())}
    assert [row[3] for row in done.rows] == sorted(flows.values(), reverse=True)[:5]


def test_step06(both):
    done = both("step06_branches.py")
    assert set(done.drops) == {"classes.large"}
    marks = {(header.protocol, header.dscp) for header in map(ip, filter(is_v4, done.out))}
    assert {(6, 8), (17, 46)} <= marks
    assert all(mark == {6: 8, 17: 46}.get(protocol, mark) for protocol, mark in marks)
    assert checksums_are_right(done.out)


def test_step07(both, given, tmp_path):
    done = both("step07_push_pop.py:tag:vid=42,priority=3")
    tag = bytes.fromhex("8100602a")
    assert done.out == [frame[:12] + tag + frame[12:] for frame in given]
    steps = [f"{EXAMPLES}/step07_push_pop.py:tag", f"{EXAMPLES}/step07_push_pop.py:untag"]
    wirebrick.run(steps, rx=CAPTURE, tx=tmp_path / "back.pcap")
    assert (tmp_path / "back.pcap").read_bytes() == CAPTURE.read_bytes()


def test_step08(both):
    done = both("step08_compose.py")
    assert set(done.drops) == {"edge.not_ip", "short.too_long", "age.ttl_expired"}
    assert {Ethernet.from_bytes(frame).ethertype for frame in done.out} == {0x0800, 0x86DD, 0x0806}
    assert [nf.name for nf in done.result.nfs] == ["edge", "short", "age"]


def test_step09(both, given):
    done = both("step09_copy.py", "mirror")
    assert done.out == given
    assert len(done.ports["mirror"]) == done.result.packets_copied == 775


def test_step10():
    # Its own process: pytest as a user runs it, without this project's settings.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null"]
    ended = subprocess.run(
        [*command, "--rootdir", str(EXAMPLES), str(EXAMPLES / "step10_library_test.py")],
        capture_output=True,
        text=True,
        cwd=EXAMPLES,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]),
        },
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_step11(both, given):
    done = both("step11_window.py")
    requests = sum(b"\r\nHost: www.example.com\r\n" in frame and b"\r\n\r\n" in frame for frame in given)
    assert done.out == given
    assert done.rows[0][0] == "www.example.com"
    assert 0 < done.rows[0][1] <= requests  # those sent twice count once


def test_step12(both, given):
    done = both("step12_events.py:syn_guard:limit=3")
    assert done.drops == {"syn_guard.syn_flood": 1}
    assert len(done.out) == len(given) - 1
    flood = [
        (1_700_000_000_000_000_000 + n * 1_000_000, syn)
        for n, syn in enumerate(syns(b"\xc6\x33\x64\x01", 3000))
    ]
    for workers in (1, 2):
        result = wirebrick.run(f"{EXAMPLES}/step12_events.py:syn_guard:limit=100", rx=flood, workers=workers)
        assert result.packets_out <= workers * 4 * 100  # of three seconds, in each worker
        assert result.packets_in == result.packets_out + result.packets_dropped == 3000


def syns(target: bytes, count: int) -> list[bytes]:
    """SYNs to one host, each from another: as floods have them."""
    frames = []
    for number in range(count):
        ip = IPv4(src=0x0A000000 + number, protocol=6, total_length=40)
        tcp = struct.pack("!HHIIBBHHH", 1024 + number, 80, number, 0, 0x50, 2, 1024, 0, 0)
        frames.append(bytes(12) + b"\x08\x00" + bytes(ip)[:16] + target + tcp)
    return frames


def test_step13(both, given):
    done = both("step13_rate_limiter.py:rate_limiter:rate=5000")
    assert done.rows == [[1282, 853]]
    assert done.drops == {"rate_limiter.over_rate": 853}
    assert len(done.out) == len(given) - 853


@pytest.mark.parametrize("step", ["step14_shuffle.py", "step15_consistency.py:shared_quota:limit=100"])
def test_steps_with_several_workers(both, step):
    alone = both(step)
    crew = wirebrick.run(f"{EXAMPLES}/{step}", rx=CAPTURE, workers=2)
    assert crew.drops == alone.drops
    assert crew.reports[0][1].rows == alone.rows
    assert crew.packets_out == len(alone.out)


def test_step16(both):
    done = both("step16_packetize.py")
    assert done.result.packets_made > 0
    assert checksums_are_right(done.out)


def test_step17(both, given):
    done = both("step17_routes.py")
    assert done.out == given
    assert [row[1] for row in done.rows] == [672, 492, 971]


def test_step18(both, given):
    done = both("step18_heavy_hitters.py")
    assert done.out == given
    for *_, amount, error, sketch in done.rows:
        assert error == 0  # fewer flows than would push one out
        assert amount <= sketch <= amount + 5000


def test_step19(both, given):
    done = both("step19_expression.py")
    wanted = [packet for packet in given if is_syn_or_icmp(packet)]
    assert done.out == wanted
    assert 0 < len(wanted) < len(given)


def is_syn_or_icmp(packet: bytes) -> bool:
    if packet[12:14] != b"\x08\x00" or int.from_bytes(packet[20:22], "big") & 0x1FFF:
        return packet[12:14] == b"\x08\x00" and packet[23] == 1
    at = 14 + 4 * (packet[14] & 15)
    return packet[23] == 1 or (packet[23] == 6 and packet[at + 13] & 0x12 == 0x02)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.stem)
def test_steps_are_small_and_say_how_to_run_them(step):
    lines = step.read_text().splitlines()
    assert 12 <= len(lines) <= 70
    assert re.search(rf"(wirebrick run|pytest) examples/{step.name}", step.read_text())
    assert step.name in (EXAMPLES / "README.md").read_text()
