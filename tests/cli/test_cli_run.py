"""wirebrick run: what it prints, where, and its exit status."""

from __future__ import annotations

import json
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest
from command_line import CAPTURE, frame, pcap

KEYS = {
    "packets_in", "packets_out", "packets_dropped", "packets_held", "drops", "bytes_in", "bytes_out",
    "bytes_copied", "elapsed_s", "compile_s", "nfs", "workers",
}  # fmt: skip
BOTH = pytest.mark.parametrize("way", [["--interpret"], []], ids=["interpreted", "compiled"])


def ttls(path: Path) -> list[int]:
    data, at, found = path.read_bytes(), 24, []
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        found.append(data[at + 16 + 22])
        at += 16 + size
    return found


@BOTH
def test_packets_and_totals(wirebrick, capture: Path, way: list[str]) -> None:
    ended = wirebrick("run", "ttl", "--in", capture, "--out", "out.pcap", *way)
    assert (ended.status, ended.err) == (0, "")
    assert ttls(wirebrick.folder / "out.pcap") == [63] * 8
    lines = [line.split() for line in ended.out.splitlines()]
    assert ["in", "10", "600"] in lines
    assert ["out", "8", "480"] in lines
    assert ["dropped", "2"] in lines
    assert ["held", "0"] in lines
    assert ["ttl", "10", "8", "2", "0"] in lines
    assert ["ttl.ttl_expired", "2"] in lines
    assert ["output:", "out.pcap"] in lines
    assert "Mpps" in ended.out
    assert "Gbit/s" in ended.out


@BOTH
def test_json(wirebrick, capture: Path, way: list[str]) -> None:
    ended = wirebrick("run", "ttl", "--in", capture, "--out", "out.pcap", "--json", *way)
    assert (ended.status, ended.err) == (0, "")
    found = ended.json
    assert set(found) >= KEYS
    assert (found["packets_in"], found["packets_out"], found["packets_dropped"]) == (10, 8, 2)
    assert found["drops"] == {"ttl.ttl_expired": 2}
    one = {"name": "ttl", "packets_in": 10, "packets_out": 8, "packets_dropped": 2, "faults": 0}
    assert found["nfs"] == [one]


def test_pipes(wirebrick, capture: Path) -> None:
    ended = wirebrick.shell("cat in.pcap | $WB run ttl --in - --out - --interpret > out.pcap")
    assert (ended.status, ended.out) == (0, "")
    assert "ttl.ttl_expired" in ended.err
    assert ttls(wirebrick.folder / "out.pcap") == [63] * 8


def test_json_and_capture_on_standard_output(wirebrick, capture: Path) -> None:
    ended = wirebrick.shell("$WB run ttl --in in.pcap --out=- --json --interpret > out.pcap")
    assert json.loads(ended.err)["packets_out"] == 8
    assert ttls(wirebrick.folder / "out.pcap") == [63] * 8


def test_a_reader_that_ends_early(wirebrick) -> None:
    line = f"$WB run ttl --in {CAPTURE} --out - --interpret | head -c 30 >/dev/null; exit ${{PIPESTATUS[0]}}"
    ended = wirebrick.shell(line)
    assert ended.status == 1
    assert "standard output: broken pipe" in ended.err


def test_what_user_functions_print_stays_out_of_the_json(wirebrick, capture: Path) -> None:
    (wirebrick.folder / "loud.py").write_text(
        "from wirebrick import network_function\n"
        "@network_function\n"
        "def loud(packets):\n"
        "    def shout(packet):\n"
        "        print('packet of', packet.length)\n"
        "    return packets.map(shout)\n"
    )
    ended = wirebrick("run", "loud.py", "--in", capture, "--out", "null:", "--interpret", "--json")
    assert ended.json["packets_out"] == 10
    assert ended.err.count("packet of 60\n") == 10
    ended = wirebrick("run", "loud.py", "--in", capture, "--out", "-", "--interpret")
    assert ended.out.encode(errors="surrogateescape")[:4] == b"\xd4\xc3\xb2\xa1"
    assert "packet of" not in ended.out


def test_options(wirebrick, capture: Path) -> None:
    common = ("--in", capture, "--interpret", "--json")
    assert wirebrick("run", "ttl", *common, "--count", 5).json["packets_in"] == 5
    assert wirebrick("run", "ttl", *common, "--filter", "ip[8] = 1").json["drops"] == {"ttl.ttl_expired": 2}
    quiet = wirebrick("run", "ttl", "--in", capture, "--out", "out.pcap", "--interpret", "--quiet")
    assert (quiet.status, quiet.out, quiet.err) == (0, "", "")
    ended = wirebrick("run", "ttl", "--in", "memory:size=64", "--interpret", "--duration", 0.3, "--json")
    assert ended.status == 0
    assert 0.2 < ended.json["elapsed_s"] < 3


def test_show(wirebrick, capture: Path) -> None:
    ended = wirebrick("run", "ttl", "--in", capture, "--show")
    assert ended.status == 0
    assert "def process(" in ended.out
    assert "ttl_expired" in ended.out
    ended = wirebrick("run", "ttl", "--in", capture, "--show", "--json")
    assert "def process(" in ended.err
    assert ended.json["packets_in"] == 10


def test_more_ports(wirebrick, capture: Path) -> None:
    (wirebrick.folder / "split.py").write_text(
        "from wirebrick import network_function\n"
        "from wirebrick.headers import Ethernet, IPv4\n"
        "@network_function\n"
        "def split(packets):\n"
        "    ip = packets.parse(Ethernet).parse(IPv4)\n"
        "    young, old = ip.group_by(2, lambda packet: 1 if packet.header.ttl < 9 else 0)\n"
        "    old.send('side')\n"
        "    return young\n"
    )
    arguments = ("run", "split.py", "--in", capture, "--out", "out.pcap", "--interpret")
    ended = wirebrick(*arguments, "--port", "side=pcap:,side.pcap")
    assert ended.status == 0, ended.err
    assert "output: out.pcap, side.pcap" in ended.out
    assert (ttls(wirebrick.folder / "out.pcap"), ttls(wirebrick.folder / "side.pcap")) == ([64] * 8, [1] * 2)
    ended = wirebrick(*arguments)
    assert ended.status == 1
    assert "there is no port named 'side'" in ended.err


def test_a_cut_capture_is_a_warning_after_the_totals(wirebrick) -> None:
    (wirebrick.folder / "cut.pcap").write_bytes(pcap(frame(), frame(), frame())[:-10])
    ended = wirebrick("run", "ttl", "--in", "cut.pcap", "--out", "out.pcap", "--interpret")
    assert ended.status == 1
    assert ["in", "2", "120"] in [line.split() for line in ended.out.splitlines()]
    assert ended.err.startswith("wirebrick: warning: ")
    assert "cut.pcap" in ended.err


def until_written(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait for a run to get going."""
    while not (path.exists() and path.stat().st_size > 10_000) and process.poll() is None:
        time.sleep(0.05)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@BOTH
def test_a_signal_ends_it_with_totals(wirebrick, number: int, status: int, way: list[str]) -> None:
    process = wirebrick.start(
        "run", "ttl", "delay:cycles=20000", "--in", "memory:", "--out", "out.pcap", "--json", *way,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    path = wirebrick.folder / "out.pcap"
    until_written(path, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == status, err
    found = json.loads(out)
    assert found["packets_in"] == found["packets_out"] > 0
    assert len(ttls(path)) == found["packets_out"]
    assert err == b""


def test_a_second_signal_ends_it_at_once(wirebrick) -> None:
    (wirebrick.folder / "stuck.py").write_text(
        "import time\n"
        "from wirebrick import at_end, network_function\n"
        "def wait():\n"
        "    print('waiting', flush=True)\n"
        "    time.sleep(60)\n"
        "@network_function\n"
        "def stuck(packets):\n"
        "    at_end(wait)\n"
        "    return packets\n"
    )
    arguments = ("run", "stuck.py", "--in", "memory:", "--out", "out.pcap", "--interpret")
    process = wirebrick.start(*arguments, stdout=subprocess.PIPE)
    assert process.stdout is not None
    until_written(wirebrick.folder / "out.pcap", process)
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == b"waiting\n"
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=5) == -signal.SIGINT
    process.stdout.close()
