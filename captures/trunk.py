#!/usr/bin/env python3
"""A trunk cable between two switches, in user space: VLAN tags, loss, reordering and a mirror port.

Each segment (an untagged LAN, a VLAN, a VLAN in a VLAN) has two access ports, both TAP devices: ``NAME-near``
for the hosts and ``NAME-far`` for the router. Between them runs one trunk on which the frames of all segments
travel with their tags. Every frame on the near end of the trunk is copied to the TAP device ``span``: that is
where tcpdump listens.

Why not the kernel's own ``vlan`` devices and ``tc netem``: kernels of small virtual machines lack them. And
a TAP device has no offloads, so what is captured is what a real wire would carry: frames no longer than the
MTU, with finished checksums.

The devices are made in the network namespace where this runs; whoever started it moves them on. It writes
``ready`` to its standard output, works until SIGTERM, then writes its counters as one line of JSON.
"""

import errno
import fcntl
import heapq
import json
import os
import random
import select
import signal
import struct
import sys
import time
from dataclasses import asdict, dataclass

TUNSETIFF = 0x400454CA  # <linux/if_tun.h>
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
LARGEST_FRAME = 2048
BURST = 32  # frames taken from one port before the others have their turn

Tags = tuple[tuple[int, int], ...]

SEGMENTS: dict[str, Tags] = {
    "lan": (),
    "vlan": ((0x8100, 3 << 13 | 100),),  # 802.1Q: priority 3, VLAN 100
    "qinq": ((0x88A8, 200), (0x8100, 5 << 13 | 30)),  # 802.1ad 200 around VLAN 30, priority 5
}


@dataclass(frozen=True)
class Impairment:
    """What the trunk does to frames, as ``tc netem`` would; probabilities from 0 to 1, times in seconds."""

    delay: float = 0.001
    jitter: float = 0.0003
    loss: float = 0.012
    reorder: float = 0.025
    reorder_delay: float = 0.008
    duplicate: float = 0.003


@dataclass
class Counters:
    """What happened to the frames on the trunk, both directions together."""

    carried: int = 0
    lost: int = 0
    held_back: int = 0
    duplicated: int = 0


def tag(frame: bytes, tags: Tags) -> bytes:
    """Return ``frame`` with VLAN ``tags`` (EtherType, control word; outermost first) behind its addresses.

    >>> tag(bytes(12) + b"\\x08\\x00", ((0x8100, 100),))[12:].hex()
    '810000640800'
    """
    return frame[:12] + b"".join(struct.pack("!HH", *each) for each in tags) + frame[12:]


def untag(frame: bytes, tags: Tags) -> bytes:
    """Return ``frame`` without the ``tags`` that `tag` put in.

    >>> tags = ((0x88A8, 2), (0x8100, 3))
    >>> untag(tag(bytes(12) + b"\\x08\\x00", tags), tags)[12:].hex()
    '0800'
    """
    return frame[:12] + frame[12 + 4 * len(tags) :]


def open_tap(name: str) -> int:
    """Make the TAP device ``name`` and return its file descriptor, which doesn't block (needs root)."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return descriptor


def put(descriptor: int, frame: bytes) -> None:
    """Hand ``frame`` to a TAP device; a device that is still down (EIO) loses it, as a real port would."""
    try:
        os.write(descriptor, frame)
    except OSError as error:
        if error.errno not in (errno.EIO, errno.EAGAIN):
            raise


class Trunk:
    """The access ports, the trunk between them, and the frames that are on their way."""

    def __init__(self, impairment: Impairment, seed: int) -> None:
        self.impairment = impairment
        self.counters = Counters()
        self._random = random.Random(seed)
        self._near = {open_tap(f"{name}-near"): name for name in SEGMENTS}
        self._far = {open_tap(f"{name}-far"): name for name in SEGMENTS}
        self._span = open_tap("span")
        self._port = {(name, "near"): port for port, name in self._near.items()}
        self._port |= {(name, "far"): port for port, name in self._far.items()}
        # due, serial (so that equal times keep their order), towards which end, segment, tagged frame
        self._flying: list[tuple[float, int, str, str, bytes]] = []
        self._serial = 0
        self._last_due = {"near": 0.0, "far": 0.0}

    def serve(self) -> None:
        """Carry frames until an exception (the signal handler's) ends it."""
        ports = [*self._near, *self._far, self._span]
        while True:
            wait = max(0.0, self._flying[0][0] - time.monotonic()) if self._flying else None
            readable, _, _ = select.select(ports, [], [], wait)
            for port in readable:
                self._receive(port)
            self._deliver()

    def _receive(self, port: int) -> None:
        for _ in range(BURST):
            try:
                frame = os.read(port, LARGEST_FRAME)
            except BlockingIOError:
                return
            if port in self._near:
                tagged = tag(frame, SEGMENTS[self._near[port]])
                put(self._span, tagged)
                self._send("far", self._near[port], tagged)
            elif port in self._far:
                self._send("near", self._far[port], tag(frame, SEGMENTS[self._far[port]]))

    def _send(self, towards: str, segment: str, tagged: bytes) -> None:
        how, chance = self.impairment, self._random.random
        if chance() < how.loss:
            self.counters.lost += 1
            return
        due = time.monotonic() + how.delay + how.jitter * chance()
        if chance() < how.reorder:
            self.counters.held_back += 1
            due += how.reorder_delay
        else:
            # Jitter alone must not reorder: only what is held back on purpose is overtaken.
            due = self._last_due[towards] = max(due, self._last_due[towards])
        copies = 1
        if chance() < how.duplicate:
            self.counters.duplicated += 1
            copies = 2
        for _ in range(copies):
            self._serial += 1
            heapq.heappush(self._flying, (due, self._serial, towards, segment, tagged))

    def _deliver(self) -> None:
        now = time.monotonic()
        while self._flying and self._flying[0][0] <= now:
            _, _, towards, segment, tagged = heapq.heappop(self._flying)
            self.counters.carried += 1
            if towards == "near":
                put(self._span, tagged)
            put(self._port[segment, towards], untag(tagged, SEGMENTS[segment]))


def main() -> None:
    """Make the devices, say ``ready``, carry frames until SIGTERM, print the counters; argument: the seed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    trunk = Trunk(Impairment(), seed=int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    print("ready", flush=True)
    try:
        trunk.serve()
    finally:
        print(json.dumps(asdict(trunk.counters)), flush=True)


if __name__ == "__main__":
    main()
