"""Fixtures: memory to run native functions in, and a reader of whole captures."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from pcap_bench import Bench, Packet

from wirebrick.ports.pcap.reader import PcapSource

Read = Callable[..., tuple[list[Packet], str | None]]


@pytest.fixture(scope="session")
def bench() -> Bench:
    """The memory of a worker."""
    return Bench()


@pytest.fixture
def read(bench: Bench) -> Read:
    """A function from a file's bytes (or path) to its packets and problem."""

    def run(file: bytes | str, room: int = 16) -> tuple[list[Packet], str | None]:
        stream = io.BytesIO(file) if isinstance(file, bytes) else file
        source = PcapSource(stream, receive=0)  # type: ignore[arg-type]
        try:
            return bench.drain(source, room), source.problem
        finally:
            source.close()

    return run
