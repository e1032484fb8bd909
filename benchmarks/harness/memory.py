"""Measuring chains on made packets: Wirebrick by its own runtime, and C, on the same number of packets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import wirebrick
from benchmarks.harness.baseline import CNF, Baseline
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.machine import pinned
from benchmarks.harness.options import Options
from benchmarks.harness.pairs import interleaved
from benchmarks.harness.row import Row, Target
from wirebrick.ports.base import BURST
from wirebrick.ports.memory.options import OPTIONS
from wirebrick.ports.memory.traffic import Traffic
from wirebrick.stream.network_function import Configured, NetworkFunction

SIZE = 64  # bytes of a packet
SMALL = Traffic(size=SIZE, flows=1024)
_LEAST = 0.05  # seconds a first measurement must take for its speed to be believed

NF = NetworkFunction | Configured


def spec(traffic: Traffic) -> str:
    """The ``memory:`` port that makes this traffic.

    >>> spec(Traffic(size="imix", flows=9, protocols="tcp:60,udp:40"))
    'memory:size=imix,flows=9,proto=tcp:60/udp:40'
    """
    usual = Traffic()
    fields = {option: field for option, (field, _) in OPTIONS.items() if option != "imix"}
    values = {option: getattr(traffic, field) for option, field in fields.items()}
    return "memory:" + ",".join(
        f"{option}={_written(value)}"
        for option, value in values.items()
        if value != getattr(usual, fields[option])
    )


def _written(value: object) -> str:
    """The value of an option: ranges with a dash, and no comma within."""
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value).replace(",", "/")


def wirebrick_mpps(
    chain: Sequence[NF],
    traffic: Traffic = SMALL,
    *,
    packets: int = 0,
    seconds: float | None = None,
    interpret: bool = False,
) -> float:
    """Million packets a second of one run, of so many packets or seconds, by the run's own clock."""
    result = wirebrick.run(
        list(chain),
        rx=spec(replace(traffic, count=packets)),
        tx="null:",
        workers=1,
        duration=seconds,
        burst=BURST,
        interpret=interpret,
    )
    if packets and result.packets_in != packets:
        raise BenchmarkError(f"{result.packets_in} packets were run, not {packets}")
    if not result.packets_in:
        raise BenchmarkError("no packet was processed", cure="measure for longer: --seconds 1")
    return float(result.mpps)


def baseline_mpps(chain: Sequence[CNF], packets: int, traffic: Traffic = SMALL) -> float:
    """Million packets a second of C, in memory newly laid out, as each run of Wirebrick has it."""
    _, seconds = Baseline(chain, traffic, BURST).drive(packets)
    return packets / seconds / 1e6


def packets_for(chain: Sequence[CNF], seconds: float, traffic: Traffic = SMALL) -> int:
    """How many packets C does in about that time: whole bursts."""
    baseline = Baseline(chain, traffic, BURST)
    packets = 1024 * BURST
    while (took := baseline.drive(packets)[1]) < min(_LEAST, seconds):
        packets *= 4
    return max(1, round(packets * seconds / took / BURST)) * BURST


def beside_c(
    name: str,
    ours: Sequence[NF],
    theirs: Sequence[CNF],
    options: Options,
    target: Target | None,
    traffic: Traffic = SMALL,
) -> Row:
    """Wirebrick and C in turn, on one processor."""
    with pinned(options.core):
        packets = packets_for(theirs, options.seconds, traffic)
        measured, against = interleaved(
            lambda: wirebrick_mpps(ours, traffic, packets=packets),
            lambda: baseline_mpps(theirs, packets, traffic),
            options.repeats,
        )
    return Row(name, "Mpps", measured, against, target)


def alone(
    name: str,
    ours: Sequence[NF],
    options: Options,
    *,
    packets: int = 0,
    interpret: bool = False,
) -> Row:
    """Wirebrick without a baseline; for so many packets, or for as long as the options say."""
    seconds = None if packets else options.seconds
    with pinned(options.core):
        measured = [
            wirebrick_mpps(ours, packets=packets, seconds=seconds, interpret=interpret)
            for _ in range(options.repeats + 1)
        ]
    return Row(name, "Mpps", tuple(measured[1:]))  # the first warms up
