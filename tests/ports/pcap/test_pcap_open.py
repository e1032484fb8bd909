"""Captures that can't be opened: each with its reason and cure."""

from __future__ import annotations

import io
import os
import sys

import pytest
from pcap_files import classic, section

from wirebrick.errors import PortError
from wirebrick.ports.pcap.reader import PcapSource


def refused(file) -> str:
    with pytest.raises(PortError) as caught:
        PcapSource(file, receive=0)
    assert caught.value.cure
    return caught.value.message


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "empty, not a capture"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "not a pcap or pcapng file (it starts with 89 50 4e 47)"),
        (b"\x01", "not a pcap or pcapng file (it starts with 01)"),
        (b"\x28\xb5\x2f\xfd" + bytes(50), "not a pcap or pcapng file (it starts with 28 b5 2f fd)"),
        (classic([])[:23], "ends inside its header (23 of 24 bytes)"),
        (section()[:27], "ends inside its header (27 of 28 bytes)"),
        (section()[:8] + b"abcd" + section()[12:], "a section header with byte-order magic 61 62 63 64"),
        (section()[:-4] + bytes(4), "a block of 28 bytes at its start and 0 at its end"),
        (section()[:12] + b"\x02" + section()[13:], "a section of version 2.0, only 1.x can be read"),
        (section()[:4] + b"\x08" + section()[5:], "a block of 8 bytes"),
        (section()[:4] + b"\xff\xff\xff\x7f" + section()[8:], "a block of 2147483647 bytes"),
        (b"\x1f\x8b" + bytes(30), "the compressed data is cut or damaged"),
    ],
)
def test_contents(data, text, tmp_path):
    path = tmp_path / "capture"
    path.write_bytes(data)
    for name in (path, str(path)):
        message = refused(name)
        assert message.startswith(f"{path}: ")
        assert message.endswith(text)
    assert refused(io.BytesIO(data)).endswith(text)


def test_missing(tmp_path):
    assert refused(tmp_path / "no.pcap") == f"{tmp_path}/no.pcap: no such file"


def test_directory(tmp_path):
    assert refused(tmp_path) == f"{tmp_path}: is a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable(tmp_path):
    path = tmp_path / "c.pcap"
    path.write_bytes(classic([]))
    path.chmod(0)
    assert refused(path) == f"{path}: permission denied"


def test_unreadable_by_whatever_reason(tmp_path, monkeypatch):
    def deny(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", deny)
    assert refused("c.pcap") == "c.pcap: permission denied"


def test_path_with_a_zero():
    assert "null" in refused("a\0b")


class Broken(io.RawIOBase):
    """A disk with a bad block after the header."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def readinto(self, view) -> int:
        if not self.data:
            raise OSError(5, "Input/output error")
        piece, self.data = self.data[: len(view)], self.data[len(view) :]
        view[: len(piece)] = piece
        return len(piece)


def test_read_errors(bench):
    source = PcapSource(Broken(classic([(0, 0, b"p" * 60, None)] * 3)), receive=0)
    assert len(bench.drain(source)) == 3
    expected = "the given file: can't be read on: input/output error; 3 packets were read"
    assert source.problem == expected
    assert refused(Broken(b"")).endswith("input/output error")
    assert refused(Broken(classic([])[:10])).endswith("input/output error")


def test_standard_input(bench, monkeypatch):
    data = classic([(0, 0, b"p" * 60, None)] * 3)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    source = PcapSource("-", receive=0)
    assert len(bench.drain(source)) == 3
    assert source.name == "standard input"
    source.close()
    assert not sys.stdin.closed
    monkeypatch.setattr(sys, "stdin", None)
    assert refused("-") == "standard input is closed"


def test_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    assert refused("-") == "standard input is a terminal"


def test_pipe(bench):
    reading, writing = os.pipe()
    os.write(writing, classic([(0, 0, b"p" * 60, None)] * 5)[:-10])
    os.close(writing)
    with open(reading, "rb") as stream:
        source = PcapSource(stream, receive=0)
        assert len(bench.drain(source)) == 4
    assert "it ends inside record 5" in source.problem


def test_only_read_is_needed(bench):
    class OnlyRead:
        def __init__(self, data: bytes) -> None:
            self.stream = io.BytesIO(data)

        def read(self, size: int) -> bytes:
            return self.stream.read(size)

    source = PcapSource(OnlyRead(classic([(0, 0, b"p", None)])), receive=0)
    assert len(bench.drain(source)) == 1
