"""maglev delivering to 100 backends in three ways, over more and more connections, beside C that does the same.

The C side reads the very block that Wirebrick's workers do: services, look-up tables, backends. Both sides see every
connection once before the measurement begins, so that entering them is in neither.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.harness.baseline import CNF
from benchmarks.harness.memory import SIZE
from benchmarks.harness.options import Options
from benchmarks.harness.row import Row
from benchmarks.harness.warm import warm_row
from wirebrick.nf.maglev import maglev
from wirebrick.nf.maglev.config import load_config
from wirebrick.nf.maglev.decide import Traffic as Seen
from wirebrick.nf.maglev.fleet import Fleet
from wirebrick.nf.maglev.nf import room_for
from wirebrick.ports.memory.traffic import Traffic
from wirebrick.state.maglev import Maglev
from wirebrick.stream.network_function import Configured

DELIVERIES = ("nat", "mac", "gre")
FLOWS = {"1k": 1_000, "100k": 100_000, "1M": 1_000_000}
BACKENDS = 100
SLOT = 64  # bytes of a connection, of both


def rows(options: Options) -> Iterator[Row]:
    """One row for each delivery and number of connections; IMIX for those that don't make packets longer."""
    kinds: list[tuple[str, int | str, str]] = [(delivery, SIZE, "") for delivery in DELIVERIES]
    kinds += [(delivery, "imix", ", IMIX") for delivery in DELIVERIES if delivery != "gre"]
    with tempfile.TemporaryDirectory() as folder:
        for delivery, size, more in kinds:
            path = Path(folder) / f"{delivery}.toml"
            path.write_text(configuration(delivery))
            for name, flows in FLOWS.items():
                yield warm_row(
                    f"maglev, {delivery}, {name} connections{more}",
                    lambda path=path, flows=flows: ours(path, flows),  # type: ignore[misc]
                    lambda path=path, flows=flows: c_maglev(path, flows),  # type: ignore[misc]
                    options,
                    Traffic(size=size, flows=flows, servers=1),
                    holds={5: flows, 6: 0, 7: 0},
                )


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


def ours(path: Path, capacity: int) -> Configured:
    """Wirebrick's load balancer with room for so many connections."""
    made: Configured = maglev(config=path, capacity=capacity)
    return made


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
