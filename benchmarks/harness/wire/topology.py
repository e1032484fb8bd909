"""A network namespace with veth pairs in it, for one experiment.

In all of them: no checksum offload, no IPv6 (hosts that talk by themselves), and NAPI on both ends of each pair, for
frames that the kernel redirects are taken in by no other way. Which processor does what then follows from who sends:
a frame is taken in on the processor that sent it. What the generator sends is taken in on the generator's, what the
network function sends on the network function's; so for all that are compared.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.harness.errors import BenchmarkError

NAME = "wbbn"
TOOLS = {
    "ip": "iproute2",
    "ethtool": "ethtool",
    "taskset": "util-linux",
    "setpriv": "util-linux",
    "sysctl": "procps",
}


class Network:
    """A namespace that holds ``pairs`` of interfaces: ``ends`` of each, the generator's first."""

    def __init__(self, pairs: int = 1) -> None:
        self.namespace = f"{NAME}{os.getpid()}"
        self.ends = [(f"{NAME}g{number}", f"{NAME}n{number}") for number in range(pairs)]

    def inside(self, *command: str, core: int | None = None) -> list[str]:
        """The command line of ``command`` in the namespace; with ``core``: pinned to a processor, and ends with us."""
        pinned = [] if core is None else ["setpriv", "--pdeathsig", "KILL", "taskset", "-c", str(core)]
        return ["ip", "netns", "exec", self.namespace, *pinned, *command]

    def run(self, *command: str) -> str:
        """What a command in the namespace prints. Raises BenchmarkError where it fails."""
        return run(self.inside(*command))

    def build(self) -> None:
        """Make it."""
        run(["ip", "netns", "add", self.namespace])
        for pair in self.ends:
            self.run("ip", "link", "add", pair[0], "type", "veth", "peer", "name", pair[1])
            for end in pair:
                self.run("sysctl", "-qw", f"net.ipv6.conf.{end}.disable_ipv6=1")
                self.run("ip", "link", "set", end, "up")
                # GRO brings NAPI; the kernel sees that frames can be redirected here only when it is turned on late.
                self.run("ethtool", "-K", end, "rx", "off", "tx", "off", "gro", "on")

    def remove(self) -> None:
        """Remove it, whatever of it there is."""
        subprocess.run(["ip", "netns", "del", self.namespace], capture_output=True, check=False)


@contextmanager
def network(pairs: int = 1) -> Iterator[Network]:
    """A network while it is needed. Raises BenchmarkError where it can't be made."""
    if os.geteuid():
        raise BenchmarkError("network namespaces need root", cure="run this experiment as root")
    if len(os.sched_getaffinity(0)) < 2:
        raise BenchmarkError("a generator needs a processor of its own beside that of the network function")
    require(TOOLS)
    made = Network(pairs)
    try:
        made.build()
        yield made
    finally:
        made.remove()


def require(tools: dict[str, str]) -> None:
    """Raise BenchmarkError where one of these commands is missing, with the package that has it."""
    for tool, package in tools.items():
        if shutil.which(tool) is None:
            raise BenchmarkError(f"{tool} is not installed", cure=f"install {package}")


def cores() -> tuple[int, int]:
    """The processor of the network function, and the generator's."""
    first, *_, last = sorted(os.sched_getaffinity(0))
    return first, last


def run(command: Sequence[str]) -> str:
    """What a command prints. Raises BenchmarkError where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(
            f"{' '.join(command)}\nended with status {done.returncode}:\n{done.stderr.strip()}"
        )
    return done.stdout
