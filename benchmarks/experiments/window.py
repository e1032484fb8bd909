"""window over a capture of 1,000 interleaved TCP streams, some of it out of order or twice."""

from __future__ import annotations

import ipaddress
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import wirebrick
from benchmarks.experiments.capture import _tmpfs
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row, Target
from benchmarks.harness.streams import Streams, tshark_texts
from wirebrick import FlowKey, Record, Stream, Table, network_function
from wirebrick.fields import U64
from wirebrick.headers import TCP, Ethernet, IPv4

MANY = Streams(count=1000, size=200_000)
FEW = Streams(count=50, size=60_000)
FAST = Target(">=", 5, "Gbit/s")
MASK = (1 << 32) - 1


class Text(Record):
    """What is known of the bytes of a stream: how many, and a hash in which each place counts."""

    bytes: U64
    hash: U64


def rows(options: Options) -> Iterator[Row]:
    """Payload put in order and given to a function, in Gbit/s of one worker; after the bytes were checked."""
    with tempfile.TemporaryDirectory(prefix="wirebrick-window-", dir=_tmpfs()) as folder:
        few, many = Path(folder) / "few.pcap", Path(folder) / "many.pcap"
        FEW.write(few)
        compare(few, FEW)
        MANY.write(many)
        measured = tuple(gigabits(many, MANY) for _ in range(options.repeats + 1))[1:]
    yield Row("window, 1000 streams", "Gbit/s", measured, target=FAST)


def gigabits(path: Path, streams: Streams) -> float:
    """Payload bits a nanosecond. Raises BenchmarkError where a byte is missing or there twice."""
    nf, sizes = counting()
    result = wirebrick.run(nf, rx=path, tx="null:")
    size = sum(text.bytes for _, text in sizes.items())
    if size != streams.count * streams.size:
        raise BenchmarkError(f"of {streams.count * streams.size} bytes {size} were given")
    return size * 8 / result.elapsed_s / 1e9


def counting() -> tuple[Any, Table[FlowKey, Text]]:
    """A network function that counts the bytes of each stream, and where it does."""
    sizes = Table(FlowKey, Text, capacity=1 << 14)

    def count(window: Any) -> None:
        sizes[window.flow].bytes += len(window.data)

    @network_function
    def count_bytes(packets: Stream) -> Stream:
        """Count the bytes of each stream."""
        return packets.parse(Ethernet).parse(IPv4).parse(TCP).window(0, 0, 10.0, count)

    return count_bytes, sizes


def compare(path: Path, streams: Streams) -> None:
    """Raise BenchmarkError unless window and tshark give each stream's bytes as they were sent."""
    texts = Table(FlowKey, Text, capacity=1 << 14)

    def look(window: Any) -> None:
        text = texts[window.flow]
        text.bytes += len(window.data)
        for byte in window.data:
            text.hash = (text.hash * 31 + byte) & MASK

    @network_function
    def hash_bytes(packets: Stream) -> Stream:
        """Hash the bytes of each stream."""
        return packets.parse(Ethernet).parse(IPv4).parse(TCP).window(0, 0, 10.0, look)

    wirebrick.run(hash_bytes, rx=path, tx="null:")
    given = {(str(key.src), key.src_port): (text.bytes, text.hash) for key, text in texts.items()}
    theirs = tshark_texts(path, streams.count)
    for number in range(streams.count):
        address, port = streams.client(number)
        client = str(ipaddress.IPv4Address(address)), port
        if theirs.get(client) != streams.text(number):
            raise BenchmarkError(f"tshark gives other bytes of {client} than were sent")
        if given.get(client) != (streams.size, hashed(streams.text(number))):
            raise BenchmarkError(f"window gives other bytes of {client} than tshark")


def hashed(text: bytes) -> int:
    """The hash of ``look``.

    >>> hashed(b"ab") != hashed(b"ba")
    True
    """
    value = 0
    for byte in text:
        value = (value * 31 + byte) & MASK
    return value
