"""The monitor on the bundled capture, against scapy's count; its file, its limits."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import Dot1Q, Ether
from scapy.utils import RawPcapReader

import wirebrick
from wirebrick.errors import ParameterError, PortError
from wirebrick.nf.monitor.export import export
from wirebrick.nf.monitor.flows import Flow
from wirebrick.nf.monitor.nf import monitor
from wirebrick.nf.ttl import ttl

CAPTURE = Path(__file__).parents[2] / "captures" / "mixed.pcap"
BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])


@pytest.fixture(scope="module")
def frames() -> list[bytes]:
    return [frame for frame, _ in RawPcapReader(str(CAPTURE))]


def count(frames: list[bytes]) -> dict[tuple[str, str, int, int, int], list[int]]:
    """Packets and bytes of each flow, as scapy sees them."""
    packets, sizes = Counter(), Counter()
    for frame in frames:
        layer = Ether(frame).payload
        while isinstance(layer, Dot1Q):
            layer = layer.payload
        if not isinstance(layer, IP | IPv6):
            continue
        if isinstance(layer, IP):
            protocol, later, upper = layer.proto, layer.frag > 0, bytes(layer)[layer.ihl * 4 : layer.len]
        else:
            header, upper, protocol, later = layer, bytes(layer)[40 : 40 + layer.plen], layer.nh, False
            while protocol in (0, 43, 44, 60):
                header = header.payload
                size = 8 if protocol == 44 else 8 * (upper[1] + 1)
                later = later or (isinstance(header, IPv6ExtHdrFragment) and header.offset > 0)
                protocol, upper = upper[0], upper[size:]
        ports = (0, 0)
        if protocol in (6, 17, 132) and not later and len(upper) >= 4:
            ports = int.from_bytes(upper[:2], "big"), int.from_bytes(upper[2:4], "big")
        key = (layer.src, layer.dst, *ports, protocol)
        packets[key] += 1
        sizes[key] += len(frame)
    return {key: [packets[key], sizes[key]] for key in packets}


@BOTH
@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_the_capture(frames: list[bytes], tmp_path: Path, suffix: str, interpret: bool) -> None:
    out = tmp_path / f"flows.{suffix}"
    result = wirebrick.run(monitor(out=out, top=5), rx=frames, interpret=interpret)
    assert result.packets == frames
    text = out.read_text()
    rows = json.loads(text) if suffix == "json" else list(csv.DictReader(text.splitlines()))
    assert list(rows[0]) == ["src", "dst", "src_port", "dst_port", "protocol", "packets", "bytes"]
    found = {}
    for row in rows:
        key = (row["src"], row["dst"], *(int(row[name]) for name in ("src_port", "dst_port", "protocol")))
        found[key] = [int(row["packets"]), int(row["bytes"])]
    assert len(found) == len(rows)
    assert found == count(frames)
    sizes = [int(row["bytes"]) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    (_, report), *_ = result.reports
    assert report.title == f"top 5 of {len(rows)} flows by bytes"
    assert [row[-1] for row in report.rows] == sizes[:5]
    assert os.listdir(tmp_path) == [out.name]


@BOTH
def test_a_full_table_is_told(frames: list[bytes], interpret: bool) -> None:
    result = wirebrick.run(monitor(capacity=16), rx=frames, interpret=interpret)
    assert result.packets == frames
    (_, report), *_ = result.reports
    assert "top 10 of 16 flows by bytes; the table was full: " in report.title
    assert " evicted" in report.title or " idle forgotten" in report.title


@BOTH
def test_behind_another_nf(frames: list[bytes], interpret: bool) -> None:
    result = wirebrick.run([ttl, monitor(top=1000)], rx=frames, interpret=interpret)
    (_, report), *_ = result.reports
    counted = {tuple(row[:5]): list(row[5:]) for row in report.rows}
    assert counted == count(result.packets)


def test_the_file_is_replaced_whole(frames: list[bytes], tmp_path: Path) -> None:
    real = tmp_path / "real.csv"
    real.write_text("old\n")
    link = tmp_path / "flows.csv"
    link.symlink_to(real)
    wirebrick.run(monitor(out=str(link)), rx=frames[:20], interpret=True)
    assert link.is_symlink()
    assert real.read_text().startswith("src,dst,")
    assert real.stat().st_mode & 0o777 == 0o666 & ~_umask()


def test_a_file_that_can_t_be_written_after_all(tmp_path: Path) -> None:
    old = tmp_path / "flows.csv"
    flow = Flow("192.0.2.1", "192.0.2.2", 1, 2, 17, 3, 4)
    with pytest.raises(PortError, match="can't be written: No such file"):
        export([flow], tmp_path / "gone" / "flows.csv")
    old.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        export([flow._replace(src="\ud800")], old)  # fails in the middle
    assert old.read_text() == "old"
    assert os.listdir(tmp_path) == ["flows.csv"]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"out": "flows.txt"}, "says no format"),
        ({"out": "flows"}, "says no format"),
        ({"out": "/nowhere/flows.csv"}, "there is no folder /nowhere"),
        ({"out": "folder.csv"}, "no plain file"),
        ({"capacity": 0}, "capacity can't be 0"),
        ({"capacity": 1.5}, "capacity can't be 1.5"),
        ({"idle": 0}, "idle can't be 0"),
        ({"idle": float("nan")}, "idle can't be nan"),
        ({"top": -1}, "top can't be -1"),
    ],
)
def test_wrong_parameters(
    parameters: dict[str, object], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.csv").mkdir()
    with pytest.raises(ParameterError, match=message):
        wirebrick.run(monitor(**parameters), rx=[], interpret=True)
    assert os.listdir(tmp_path) == ["folder.csv"]
