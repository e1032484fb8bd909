"""``python -m benchmarks.harness.wire.reflector IF``: the kernel swaps addresses and sends back, until input ends."""

from __future__ import annotations

import socket
import sys

from benchmarks.harness.wire.programs import reflector
from wirebrick.ports.xdp.bpf import NATIVE, link_xdp, load_xdp


def main(interface: str) -> None:
    """Attach it and wait."""
    link = link_xdp(load_xdp(reflector()), socket.if_nametoindex(interface), NATIVE)
    sys.stdin.read()
    assert link


if __name__ == "__main__":
    main(sys.argv[1])
