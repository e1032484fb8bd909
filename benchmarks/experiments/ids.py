"""ids with 944 rules of one content each, beside Hyperscan called from C.

With 64-byte packets C is a whole network function around Hyperscan (baselines/ids.c), on the same packets in the same
memory. IMIX doesn't fit its receiver, so there the row is ids, everything included, beside Hyperscan alone: it scans
the payloads of the very packets, one after the other, and does nothing else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import wirebrick
from benchmarks.experiments.patterns import Payloads, in_c
from benchmarks.harness.baseline import CNF, Baseline
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.machine import pinned
from benchmarks.harness.options import Options
from benchmarks.harness.pairs import interleaved
from benchmarks.harness.row import Row, Target
from benchmarks.harness.signatures import FRAME, literals
from wirebrick.nf.ids import ids
from wirebrick.ports.base import BURST
from wirebrick.ports.memory.templates import LINE, make_templates
from wirebrick.ports.memory.traffic import Traffic
from wirebrick.state import hyperscan
from wirebrick.state.patterns_tables import Literal
from wirebrick.stream.network_function import Configured

COUNT = 944
FLOWS = 1024
FAST = Target(">=", 0.9, "ratio")
SURICATA = Target(">=", 0.45, "Mpps")  # what Suricata 7 does with such rules, IMIX, on one core


def rows(options: Options) -> Iterator[Row]:
    """64-byte packets and IMIX, with random bytes and text. Raises BenchmarkError where there is no Hyperscan."""
    if hyperscan.library() is None:
        raise BenchmarkError(
            "libhyperscan5 is not installed: it is what is measured beside",
            cure="apt-get install libhyperscan5, or name other experiments",
        )
    database = hyperscan.Database(
        [Literal(*pair) for pair in zip(*literals(COUNT), strict=True)], 1, once=True
    )
    with tempfile.NamedTemporaryFile("w", suffix=".rules") as file:
        file.write(rule_file())
        file.flush()
        ours = ids(rules=Path(file.name))
        for payload in ("random", "text"):
            yield small(ours, database, payload, options)
        for payload in ("random", "text"):
            yield mixed(ours, database, payload, options)


def rule_file() -> str:
    """The literals as rules."""
    lines = []
    for number, (text, nocase) in enumerate(zip(*literals(COUNT), strict=True), 1):
        more = " nocase;" if nocase else ""
        lines.append(
            f'alert ip any any -> any any (msg:"literal {number}"; content:"|{text.hex(" ")}|";{more} sid:{number};)'
        )
    return "\n".join(lines)


def c_ids(database: hyperscan.Database, count: int = COUNT) -> tuple[CNF, NDArray[np.uint64]]:
    """The C baseline, and the hits of each literal."""
    hits = np.zeros(count, np.uint64)
    scan, address, _, _ = database.words()
    words = (scan, address, database.scratches[0], int(hits.ctypes.data), 0)
    return CNF("ids", words, keeps=(hits, database)), hits


def small(ours: Configured, database: hyperscan.Database, payload: str, options: Options) -> Row:
    """64-byte packets, beside a network function in C."""
    traffic = Traffic(size=64, flows=FLOWS, payload=payload)
    packets = packets_of(ours, "size=64", payload, options)

    def theirs() -> float:
        _, seconds = Baseline([c_ids(database)[0]], traffic, BURST).drive(packets)
        return packets / seconds / 1e6

    with pinned(options.core):
        measured, against = interleaved(
            lambda: mpps(ours, "size=64", payload, packets), theirs, options.repeats
        )
    return Row(f"ids, 64 B, {payload}", "Mpps", measured, against, FAST)


def mixed(ours: Configured, database: hyperscan.Database, payload: str, options: Options) -> Row:
    """IMIX, beside Hyperscan alone."""
    from benchmarks.experiments.patterns import mpps as scanned

    data = Payloads(imix_payloads(payload))
    packets = packets_of(ours, "imix", payload, options)
    scan = in_c(database, data)
    rate = scanned(scan, options.seconds, len(data.texts))
    with pinned(options.core):
        measured, against = interleaved(lambda: mpps(ours, "imix", payload, packets), rate, options.repeats)
    return Row(f"ids, IMIX, {payload} (C: the scan alone)", "Mpps", measured, against, SURICATA)


def imix_payloads(payload: str) -> list[bytes]:
    """What the UDP packets of made IMIX traffic carry."""
    templates = make_templates(Traffic(size="imix", flows=FLOWS, payload=payload))
    buffer: NDArray[np.uint8] = templates.buffer
    return [
        buffer[int(line) * LINE + FRAME : int(line) * LINE + int(length)].tobytes()
        for line, length in templates.index
    ]


def mpps(ours: Configured, size: str, payload: str, packets: int) -> float:
    """Million packets a second of one run."""
    result = wirebrick.run(
        [ours],
        rx=f"memory:{size},flows={FLOWS},payload={payload},count={packets}",
        tx="null:",
        workers=1,
        burst=BURST,
    )
    if result.packets_out != packets:
        raise BenchmarkError(f"{result.packets_out} packets left, not {packets}")
    return float(result.mpps)


def packets_of(ours: Configured, size: str, payload: str, options: Options) -> int:
    """How many packets take about as long as the options say: whole bursts."""
    first = 512 * BURST
    rate = mpps(ours, size, payload, first)
    return max(first, round(rate * 1e6 * options.seconds / BURST) * BURST)
