"""dpdk-testpmd, DPDK's own packet forwarder, as a baseline: started for each measurement, measured while it runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Sequence

from benchmarks.harness.errors import BenchmarkError

BURSTS = (32, 64)
_READY = 20.0  # seconds it may take to start
_SENT = re.compile(r"Tx-pps:\s*(\d+)")
_LINE_BUFFERED = ("stdbuf", "-oL")  # else it says nothing into a pipe before it ends
_MEMORY = ("--no-huge", "-m", "1024", "--no-pci", "--no-telemetry", "--no-shconf")


def forwards(vdevs: Sequence[str], seconds: float, core: int | None, mode: str = "macswap") -> float:
    """Mpps that it sends in all, with the burst that suits it best, by one core: ``core`` or any.

    Without huge pages. Raises BenchmarkError where it isn't installed or doesn't start.
    """
    return max(_forwards(vdevs, seconds, core, mode, burst) for burst in BURSTS)


def _forwards(vdevs: Sequence[str], seconds: float, core: int | None, mode: str, burst: int) -> float:
    if shutil.which("dpdk-testpmd") is None:
        raise BenchmarkError("dpdk-testpmd is not installed", cure="apt-get install dpdk-dev")
    process = subprocess.Popen(
        _command(vdevs, core, mode, burst),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    guard = threading.Timer(_READY + seconds, process.kill)
    guard.start()
    try:
        _shown(process, len(vdevs))  # it counts from here
        time.sleep(seconds)
        seen = _shown(process, len(vdevs))
    finally:
        guard.cancel()
        process.kill()
        process.communicate()
    return sum(seen) / 1e6


def _shown(process: subprocess.Popen[str], ports: int) -> list[int]:
    """Packets a second that each port sent since this was asked last, by testpmd's own clock."""
    assert process.stdin is not None
    assert process.stdout is not None
    said: list[str] = []
    found: list[int] = []
    try:
        process.stdin.write("show port stats all\n")
        process.stdin.flush()
        while len(found) < ports and (line := process.stdout.readline()):
            said.append(line)
            found += [int(number) for number in _SENT.findall(line)]
    except BrokenPipeError:
        pass
    if len(found) < ports:
        raise BenchmarkError("dpdk-testpmd did not start:\n" + "".join(said[-5:]))
    return found


def _command(vdevs: Sequence[str], core: int | None, mode: str, burst: int) -> list[str]:
    """The command line: its main thread stays on another processor than the forwarding one, if there is one."""
    cores = sorted(os.sched_getaffinity(0))
    forwarding = core if core is not None else cores[-1]
    main = next((other for other in cores if other != forwarding), forwarding)
    return [
        *_LINE_BUFFERED,
        "dpdk-testpmd",
        *_MEMORY,
        "--file-prefix=wirebrick-testpmd",
        f"--lcores=0@{main},1@{forwarding}",
        *(f"--vdev={vdev}" for vdev in vdevs),
        "--",
        "--interactive",
        "--auto-start",
        "--nb-cores=1",
        "--total-num-mbufs=8192",
        f"--forward-mode={mode}",
        f"--burst={burst}",
    ]
