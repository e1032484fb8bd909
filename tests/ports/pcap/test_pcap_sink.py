"""Writing captures: whole records, whatever happens to the file."""

from __future__ import annotations

import errno
import io
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pcap_bench import Bench, Packet

from wirebrick.errors import PortError
from wirebrick.ports.pcap import layout
from wirebrick.ports.pcap.output import Output
from wirebrick.ports.pcap.reader import PcapSource
from wirebrick.ports.pcap.writer import PcapSink

PACKETS = [Packet(bytes([n % 256]) * (n % 1400), n % 1400 + 4, n * 1_000_003_000) for n in range(500)]


def test_header_is_there_at_once(tmp_path):
    path = tmp_path / "out.pcap"
    sink = PcapSink(path, transmit=0)
    assert path.read_bytes().hex() == "d4c3b2a1020004000000000000000000" + "0000040001000000"
    sink.close()


def test_what_is_written_is_read(bench, read, tmp_path):
    path = tmp_path / "out.pcap"
    sink = PcapSink(path, transmit=0)
    bench.send(sink, PACKETS)
    sink.close()
    assert read(str(path)) == (PACKETS, None)
    assert sink.packets == 500
    assert sink.bytes_copied == sum(len(packet.data) for packet in PACKETS)


def test_readable_at_any_moment(bench, read, tmp_path):
    path = tmp_path / "out.pcap"
    sink = PcapSink(path, transmit=0)
    large = [Packet(b"p" * 60000, 60000, n) for n in range(100)]
    for at in range(0, 100, 10):
        bench.send(sink, large[at : at + 10])
        packets, problem = read(str(path))
        assert problem is None
        assert [packet.data for packet in packets] == [packet.data for packet in large[: len(packets)]]
    sink.close()
    assert len(read(str(path))[0]) == 100


def test_lengths_at_the_edge(bench, read):
    stream = io.BytesIO()
    sink = PcapSink(stream, True, transmit=0)
    largest = layout.MAX_CAPTURED
    bench.send(sink, [Packet(b"", 0, 0), Packet(b"p" * (largest + 14), 5, 7)] * 9)
    sink.close()
    assert read(stream.getvalue())[0] == [Packet(b"", 0, 0), Packet(b"p" * largest, largest + 14, 7)] * 9


def test_times_outside_the_format_do_not_matter(bench, read):
    stream = io.BytesIO()
    sink = PcapSink(stream, True, transmit=0)
    bench.send(sink, [Packet(b"p", 1, -1), Packet(b"q", 1, (1 << 63) - 1)])
    sink.close()
    packets, problem = read(stream.getvalue())
    assert problem is None
    assert packets[0].time == ((1 << 32) - 1) * 10**9 + 999_999_999


class Full(io.BytesIO):
    """A disk with room for some bytes; what does not fit is written in part, as the system does."""

    def __init__(self, room: int, code: int = errno.ENOSPC) -> None:
        super().__init__()
        self.room, self.code = room, code

    def write(self, data) -> int:
        size = min(len(data), self.room - self.tell())
        if size <= 0:
            raise OSError(self.code, os.strerror(self.code))
        return super().write(bytes(data[:size]))


@pytest.mark.parametrize("room", [24, 25, 39, 40, 41, 16_000, 100_000, 100_001])
def test_full_disk(bench, read, room):
    disk = Full(room)
    sink = PcapSink(disk, transmit=0)
    bench.send(sink, PACKETS)
    with pytest.raises(PortError) as caught:
        sink.flush()
    packets, problem = read(disk.getvalue())
    assert problem is None
    assert packets == PACKETS[: len(packets)]
    assert len(disk.getvalue()) + 16 + 1400 > room
    assert caught.value.message == (
        f"the given file: no space left on device; {len(packets)} packets written,"
        " the file is readable up to there"
    )
    with pytest.raises(PortError):
        sink.flush()
    sink.close()


def test_full_disk_before_the_header():
    with pytest.raises(PortError, match="the given file: no space left on device"):
        PcapSink(Full(10), transmit=0)
    if Path("/dev/full").exists():
        with pytest.raises(PortError, match="/dev/full: no space left on device"):
            PcapSink("/dev/full", transmit=0)


def test_file_size_limit(bench, read, tmp_path):
    path = tmp_path / "out.pcap"
    sink = PcapSink(path, transmit=0)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    bench.send(sink, PACKETS)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    try:
        with pytest.raises(PortError, match=r"file too large; .* packets written, the file is readable"):
            sink.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    sink.close()
    packets, problem = read(str(path))
    assert problem is None
    assert packets == PACKETS[: len(packets)]
    assert 0 < len(packets) == sink.packets


def test_closed_pipe(bench):
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb", buffering=0) as stream:
        sink = PcapSink(stream, transmit=0)
        os.close(reading)
        bench.send(sink, PACKETS)
        with pytest.raises(PortError, match="broken pipe; 0 packets written") as caught:
            sink.flush()
        assert caught.value.cure
        sink.close()


def test_interrupt_keeps_the_records(bench, read, monkeypatch):
    stream = io.BytesIO()
    sink = PcapSink(stream, transmit=0)
    bench.send(sink, PACKETS[:100])

    class Interrupted(io.BytesIO):
        def write(self, data) -> int:
            stream.write(bytes(data[:1000]))
            raise KeyboardInterrupt

        tell, truncate, seek = stream.tell, stream.truncate, stream.seek

    monkeypatch.setattr(sink.output, "_stream", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        sink.flush()
    assert read(stream.getvalue()) == ([], None)
    monkeypatch.setattr(sink.output, "_stream", stream)
    sink.close()
    assert read(stream.getvalue()) == (PACKETS[:100], None)


def test_workers_share_a_file(read):
    stream = io.BytesIO()
    output = Output(stream)
    benches = [Bench(2048) for _ in range(3)]
    sinks = [PcapSink(output, transmit=0) for _ in range(3)]

    def work(number: int) -> None:
        for _ in range(10):
            benches[number].send(sinks[number], PACKETS[:100])
            sinks[number].flush()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for sink in sinks:
        sink.close()
    packets, problem = read(stream.getvalue())
    assert problem is None
    assert len(packets) == output.packets == 3000
    assert sorted(packet.data for packet in packets) == sorted(packet.data for packet in PACKETS[:100] * 30)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("no/where/out.pcap", "its directory does not exist"),
        (".", "is a directory"),
        ("a.pcap.gz", "uncompressed"),
    ],
)
def test_refused(path, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PortError, match=text) as caught:
        PcapSink(path, transmit=0)
    assert caught.value.cure
    assert list(tmp_path.iterdir()) == []


def test_standard_output():
    script = (
        "from wirebrick.ports.pcap.writer import PcapSink\n"
        "sink = PcapSink('-', transmit=0); sink.flush(); sink.close()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert len(done.stdout) == 24
    assert PcapSource(io.BytesIO(done.stdout), receive=0).frame_size > 0


def test_standard_output_is_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    with pytest.raises(PortError, match="standard output is a terminal"):
        PcapSink("-", transmit=0)
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(PortError, match="standard output is closed"):
        PcapSink("-", transmit=0)
