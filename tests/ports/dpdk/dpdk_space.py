"""Network namespaces for the tests of dpdk:, two hosts and a box between them; made and removed by iproute2."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PREFIX = "wbdpdk"
BOX, LEFT, RIGHT = f"{PREFIX}-box", f"{PREFIX}-left", f"{PREFIX}-right"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


def inside(space: str, *command: str, timeout: float = 30.0) -> str:
    """Run a command in a namespace, and return what it prints."""
    done = subprocess.run(
        ["ip", "netns", "exec", space, *command], capture_output=True, text=True, timeout=timeout
    )
    return done.stdout + done.stderr


def start(space: str, *arguments: str) -> subprocess.Popen[str]:
    """Start Python in a namespace; what it prints can be read."""
    return subprocess.Popen(
        ["ip", "netns", "exec", space, sys.executable, *arguments], stdout=subprocess.PIPE, text=True
    )


@contextmanager
def spaces() -> Iterator[None]:
    """The namespaces; LEFT has 10.77.0.1, RIGHT 10.77.0.2, the box has the other ends: ``left``, ``right``."""
    _remove()
    try:
        for space in (BOX, LEFT, RIGHT):
            ip("netns", "add", space)
            # No IPv6: only what the tests send comes.
            inside(space, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
            inside(space, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")
        for number, (space, end) in enumerate(((LEFT, "left"), (RIGHT, "right")), 1):
            ip("-n", BOX, "link", "add", end, "type", "veth", "peer", "name", "eth", "netns", space)
            ip("-n", BOX, "link", "set", end, "up")
            ip("-n", space, "link", "set", "eth", "up")
            ip("-n", space, "addr", "add", f"10.77.0.{number}/24", "dev", "eth")
            # A veth leaves checksums to its peer, which is no network card here.
            inside(space, "ethtool", "-K", "eth", "tx", "off", "tso", "off", "gso", "off")
        yield
    finally:
        _remove()


def _remove() -> None:
    for space in (BOX, LEFT, RIGHT):
        subprocess.run(["ip", "netns", "delete", space], capture_output=True, timeout=20)
