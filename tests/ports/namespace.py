"""Network namespaces for tests: made and removed with ip(8), entered by the thread that asks."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

PREFIX = "wbafp"
NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces are for root")


def command(*words: object, check: bool = True, **options: object) -> str:
    """Run a command; its output."""
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=60, check=False, **options
    )
    if check and done.returncode:
        raise RuntimeError(f"{words}: {done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """This thread, and those it starts, are in a namespace."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    other = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        assert LIBC.setns(other, NEWNET) == 0
        yield
    finally:
        assert LIBC.setns(own, NEWNET) == 0
        os.close(own)
        os.close(other)


class Net:
    """Namespaces that go away with it; ``ip`` in one of them."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def namespace(self, name: str) -> str:
        full = f"{PREFIX}{os.getpid()}{name}"
        command("ip", "netns", "add", full)
        self.made.append(full)
        self.run(
            full, "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0"
        )
        command("ip", "-n", full, "link", "set", "lo", "up")
        return full

    def run(self, namespace: str, *words: object, check: bool = True) -> str:
        return command("ip", "netns", "exec", namespace, *words, check=check)

    def popen(self, namespace: str, *words: object, **options: object) -> subprocess.Popen:
        full = ["ip", "netns", "exec", namespace, *map(str, words)]
        return subprocess.Popen(full, text=True, **options)

    def quiet(self, namespace: str, device: str) -> None:
        """An interface in the wire: no addresses, and it says nothing by itself."""
        self.run(namespace, "sysctl", "-qw", f"net.ipv6.conf.{device}.disable_ipv6=1")
        command("ip", "-n", namespace, "link", "set", device, "up")

    def wire(self, host: str, box: str, device: str, number: int) -> None:
        """A veth pair: ``eth0`` in the host with address 10.9.0.NUMBER, ``device`` in the box without."""
        command("ip", "link", "add", "eth0", "netns", host, "type", "veth", "peer", device, "netns", box)
        command("ip", "-n", host, "addr", "add", f"10.9.0.{number}/24", "dev", "eth0")
        command("ip", "-n", host, "addr", "add", f"fd09::{number}/64", "dev", "eth0", "nodad")
        command("ip", "-n", host, "link", "set", "eth0", "up")
        self.quiet(box, device)

    def close(self) -> None:
        for name in self.made:
            command("ip", "netns", "del", name, check=False)
