"""What is compared: each takes frames at the first interface, and sends them out of the last (it may be the same).

All are pinned to one processor, the same for all, with all their threads.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.process import wirebrick as wirebrick_command
from benchmarks.harness.wire.topology import Network, cores, require

_PATIENCE = 10.0  # seconds for a process to end
_BURST, _RING, _BUFFERS = (
    64,
    2048,
    16384,
)  # bursts of 256 and 512 are slower: the kernel's queues of 256 overflow
Interfaces = Sequence[str]


@dataclass(frozen=True)
class Running:
    """A contestant that runs: ``pid`` of its process, None where the kernel does it; ``check`` tells why it ended."""

    pid: int | None
    check: Callable[[], None]


@dataclass(frozen=True)
class Contestant:
    """``start`` runs it between interfaces of a network until it is left."""

    name: str
    start: Callable[[Network, Interfaces], AbstractContextManager[Running]]


def wirebrick(kind: str, poll: str) -> Contestant:
    """``wirebrick run macswap`` on ports of a kind (``xdp``, ``afpacket``)."""

    def start(network: Network, interfaces: Interfaces) -> AbstractContextManager[Running]:
        ports = [f"{kind}:{name}" for name in interfaces]
        flags = ["--in", ports[0]] + (["--out", ports[1]] if len(ports) > 1 else [])
        command = wirebrick_command("run", "macswap", *flags, "--poll", poll, "--quiet")
        return _process(network, command, signal.SIGINT)

    return Contestant(f"{kind} {poll}", start)


def testpmd(driver: str, *options: str) -> Contestant:
    """``dpdk-testpmd`` in macswap mode, on a virtual device of ``driver`` for each interface.

    One lcore forwards; the other, which starts it and then waits, is on the same processor.
    """

    def start(network: Network, interfaces: Interfaces) -> AbstractContextManager[Running]:
        require({"dpdk-testpmd": "dpdk-dev"})
        core = cores()[0]
        devices = [
            ",".join([f"{driver}{number},iface={name}", *options]) for number, name in enumerate(interfaces)
        ]
        command = [
            "dpdk-testpmd",
            *("--lcores", f"0@{core},1@{core}"),
            *("--no-huge", "-m", "512", "--no-pci", "--no-shconf", "--no-telemetry"),
            f"--file-prefix={network.namespace}",
            *(f"--vdev={device}" for device in devices),
            "--",
            *("--forward-mode=macswap", "--nb-cores=1", f"--burst={_BURST}"),
            *(f"--rxd={_RING}", f"--txd={_RING}", f"--total-num-mbufs={_BUFFERS}"),
        ]
        return _process(network, command, None)

    return Contestant(driver, start)


def reflector() -> Contestant:
    """The kernel's XDP_TX, with the same swap. It runs where frames are taken in: on the generator's processor."""

    @contextmanager
    def start(network: Network, interfaces: Interfaces) -> Iterator[Running]:
        command = [sys.executable, "-m", "benchmarks.harness.wire.reflector", interfaces[0]]
        with _process(network, command, None) as waiting:
            yield replace(waiting, pid=None)

    return Contestant("XDP_TX", start)


def bridge() -> Contestant:
    """A Linux bridge between two interfaces. It swaps nothing, and runs on the generator's processor."""

    @contextmanager
    def start(network: Network, interfaces: Interfaces) -> Iterator[Running]:
        network.run("ip", "link", "add", "wbbnbr", "type", "bridge")
        try:
            for name in interfaces:
                network.run("ip", "link", "set", name, "master", "wbbnbr")
            network.run("sysctl", "-qw", "net.ipv6.conf.wbbnbr.disable_ipv6=1")
            network.run("ip", "link", "set", "wbbnbr", "up")
            yield Running(None, lambda: None)
        finally:
            network.run("ip", "link", "del", "wbbnbr")

    return Contestant("bridge", start)


@contextmanager
def _process(network: Network, command: list[str], end_by: signal.Signals | None) -> Iterator[Running]:
    """Run a command while it is needed; ``end_by`` ends it, or (None) the end of its input."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            network.inside(*command, core=cores()[0]), stdin=subprocess.PIPE, stdout=output, stderr=output
        )

        def check() -> None:
            if process.poll() is not None:
                output.seek(0)
                told = output.read()[-2000:].strip()
                raise BenchmarkError(f"{' '.join(command)}\nended with status {process.returncode}:\n{told}")

        try:
            yield Running(process.pid, check)
            check()
        finally:
            if end_by is not None:
                process.send_signal(end_by)
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
