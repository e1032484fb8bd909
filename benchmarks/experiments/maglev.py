"""maglev delivering to 100 backends in three ways, over more and more connections, beside C that does the same.

The C side reads the very block that Wirebrick's workers do: services, look-up tables, backends. Both sides see every
connection once before the measurement begins, so that entering them is in neither.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.harness.baseline import CNF, Baseline
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.machine import pinned
from benchmarks.harness.memory import SIZE
from benchmarks.harness.options import Options
from benchmarks.harness.pairs import interleaved
from benchmarks.harness.row import Row, Target
from benchmarks.harness.warm import once_seen
from wirebrick.nf.maglev import maglev
from wirebrick.nf.maglev.config import load_config
from wirebrick.nf.maglev.decide import Traffic as Seen
from wirebrick.nf.maglev.fleet import Fleet
from wirebrick.nf.maglev.nf import room_for
from wirebrick.ports.base import BURST
from wirebrick.ports.memory.traffic import Traffic
from wirebrick.state.maglev import Maglev

DELIVERIES = ("nat", "mac", "gre")
FLOWS = {"1k": 1_000, "100k": 100_000, "1M": 1_000_000}
BACKENDS = 100
SLOT = 64  # bytes of a connection, of both
FAST = Target(">=", 0.9, "ratio")


def rows(options: Options) -> Iterator[Row]:
    """One row for each delivery and number of connections."""
    with tempfile.TemporaryDirectory() as folder:
        for delivery in DELIVERIES:
            path = Path(folder) / f"{delivery}.toml"
            path.write_text(configuration(delivery))
            for name, flows in FLOWS.items():
                with pinned(options.core):
                    measured, against = interleaved(
                        lambda path=path, flows=flows: ours(path, flows, options.seconds),  # type: ignore[misc]
                        lambda path=path, flows=flows: theirs(path, flows, options.seconds),  # type: ignore[misc]
                        options.repeats,
                    )
                yield Row(f"maglev, {delivery}, {name} connections", "Mpps", measured, against, FAST)


def configuration(delivery: str) -> str:
    """A file with one service, that of made traffic to one server."""
    port = "port = 8080\n" if delivery == "nat" else ""
    backends = "".join(
        f'[[vip.backend]]\naddress = "192.0.2.{number}"\nmac = "02:00:00:00:01:{number:02x}"\n{port}'
        for number in range(1, BACKENDS + 1)
    )
    return (
        '[balancer]\nmac = "02:00:00:00:00:02"\naddress = "192.0.2.254"\n'
        f'[[vip]]\naddress = "198.18.0.1"\nprotocol = "udp"\nports = 16384\ndelivery = "{delivery}"\n{backends}'
    )


def ours(path: Path, flows: int, seconds: float) -> float:
    """Million packets a second of Wirebrick, once every connection was seen."""
    nf = maglev(config=path, capacity=flows)
    return once_seen(nf, f"memory:size={SIZE},flows={flows},servers=1", flows, seconds)


def theirs(path: Path, flows: int, seconds: float) -> float:
    """Million packets a second of C, once every connection was seen."""
    baseline = Baseline([c_maglev(path, flows)], Traffic(size=SIZE, flows=flows, servers=1), BURST)
    baseline.drive(flows)
    packets, took = 1024 * BURST, 0.0
    while took < seconds:
        _, took = baseline.drive(packets)
        done, packets = packets, round(packets * min(16.0, 1.2 * seconds / took)) // BURST * BURST
    if baseline.state(0)[5:] != [flows, 0, 0]:
        raise BenchmarkError("C does not balance every packet")
    return done / took / 1e6


def c_maglev(path: Path, capacity: int) -> CNF:
    """The C baseline with a configuration: at most half of the slots are taken."""
    config = load_config(path)
    table = Maglev(**room_for(config))
    fleet = Fleet(config, table, ())
    table.allocate(1)
    slots = 1 << (2 * capacity - 1).bit_length()
    # As the blocks of state objects: NumPy asks for huge pages where it is large.
    memory = np.zeros(slots * SLOT + SLOT, np.uint8)
    first = -(-memory.ctypes.data // SLOT) * SLOT
    traffic = np.zeros(table.backends * Seen.size, np.uint8)
    words = (first, slots - 1, capacity, table.blocks[0], traffic.ctypes.data, 0, 0, 0)
    return CNF("maglev", words, keeps=(table, fleet, memory, traffic))
