"""``wirebrick bench``: how fast is a chain, from memory?"""

from __future__ import annotations

import contextlib
import json as json_module
import statistics
import sys
from typing import Any

from wirebrick.cli.chain import read_chain
from wirebrick.cli.options import at_least
from wirebrick.cli.progress import progress_on
from wirebrick.cli.signals import Interrupts
from wirebrick.cli.tables import Table, show
from wirebrick.errors import WirebrickError

REPETITIONS = 5
DROPS = 5  # reasons that are named


def bench_command(
    *nfs: str,
    size: int = 64,
    flows: int = 1024,
    frames: int | None = None,
    workers: int = 1,
    seconds: float = 2.0,
    json: bool = False,
) -> int:
    """Measure a chain on made packets: from memory: to null:, the median of five runs.

    Parameters
    ----------
    nfs
        Network functions in the order packets pass them, or a chain file.
    size
        Bytes of a packet, without FCS.
    flows
        How many flows the packets belong to.
    frames
        Packets of a burst, which is how many frames are in use at a time.
    workers
        How many threads, each on a core of its own.
    seconds
        For how long, all in all (without compiling).
    json
        Print one JSON object: mpps, ns_per_packet (of one worker), gbit_s, runs (Mpps of each) and more.
    """
    at_least("--workers", workers, 1)
    at_least("--seconds", seconds, 0, above=True)
    for option, value in (("--size", size), ("--flows", flows), ("--frames", frames)):
        at_least(option, value, 1)
    chain = read_chain(nfs).chain
    names = [configured.nf.name for configured in chain]
    results, status = _measure(
        chain, f"memory:size={size},flows={flows}", workers, seconds / REPETITIONS, frames
    )
    if not results:
        return status
    runs = [result.mpps for result in results]
    mpps = statistics.median(runs)
    if mpps == 0:
        raise WirebrickError("no packet was processed", cure="measure for longer: --seconds 5")
    last = results[-1]
    bytes_in = sum(result.bytes_in for result in results) / sum(result.packets_in for result in results)
    found: dict[str, Any] = {
        "nfs": names,
        "mpps": mpps,
        "ns_per_packet": 1e3 * workers / mpps,
        "gbit_s": mpps * bytes_in * 8 / 1e3,
        "runs": runs,
        "size": size,
        "flows": flows,
        "frames": frames,
        "workers": workers,
        "drops": dict(last.drops),
        "compile_s": results[0].compile_s,
    }
    if json:
        print(json_module.dumps(found))
    else:
        show(_parts(found, last.packets_in))
    return status


def _measure(
    chain: list[Any], source: str, workers: int, seconds: float, frames: int | None
) -> tuple[list[Any], int]:
    """The results of the repetitions, and the exit status; one run before them warms up."""
    from wirebrick.cli.chain import check_ports
    from wirebrick.runtime.run import run

    check_ports({"memory": source})
    progress = progress_on(sys.stderr)
    options: dict[str, Any] = {} if frames is None else {"burst": frames}
    results = []
    with Interrupts() as interrupts, progress or contextlib.nullcontext():
        for number in range(REPETITIONS + 1):
            result = run(
                chain,
                rx=source,
                tx="null:",
                workers=workers,
                duration=min(seconds, 0.2) if number == 0 else seconds,
                stop=interrupts.stop,
                progress=progress,
                **options,
            )
            if interrupts.stop.is_set():
                break
            if number:
                results.append(result)
            else:
                warm = result
    if results:
        results[0].compile_s = warm.compile_s
    return results, interrupts.status


def _parts(found: dict[str, Any], packets: int) -> list[Table | str]:
    rows = [
        ["packets a second", f"{found['mpps']:.2f} Mpps"],
        ["time for a packet", f"{found['ns_per_packet']:.2f} ns"],
        ["bits a second", f"{found['gbit_s']:.2f} Gbit/s"],
        ["slowest and fastest run", f"{min(found['runs']):.2f} and {max(found['runs']):.2f} Mpps"],
        ["workers", found["workers"]],
        ["size, flows", f"{found['size']} bytes, {found['flows']:,} flows"],
        ["compiled in", f"{found['compile_s']:.2f} s"],
    ]
    drops = sorted(found["drops"].items(), key=lambda drop: -drop[1])[:DROPS]
    for reason, count in drops:
        rows.append([f"dropped, {reason}", f"{count / packets:.1%}" if packets else count])
    return [Table(" ".join(found["nfs"]), [], rows)]
