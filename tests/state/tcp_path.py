"""Two ends of TCP and a box between them, with losses, delays and reordering, in simulated time."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass

from rewrite_box import Box
from tcp_endpoint import Endpoint
from tcp_packets import Segment, parse

A4, B4 = bytes([192, 0, 2, 1]), bytes([198, 51, 100, 2])
A6, B6 = bytes.fromhex("20010db8" + "00" * 11 + "01"), bytes.fromhex("20010db8" + "00" * 11 + "02")


@dataclass
class Path:
    """What links do to packets: a share is lost, a share twice delivered, the delay varies."""

    loss: float = 0.0
    twice: float = 0.0
    jitter: float = 0.0
    delay: float = 0.005


class Network:
    """Runs a connection through a box until both ends are finished."""

    def __init__(
        self, client: Endpoint, server: Endpoint, box: Box, path: Path, rng: random.Random, skip: int = 0
    ) -> None:
        self.ends = {client.address: client, server.address: server}
        self.client, self.server = client, server
        self.box, self.path, self.rng = box, path, rng
        self.skip = skip  # so many packets go past the box at first
        self.now = 0.0
        self.events: list[tuple[float, int, bytes, bool]] = []
        self.number = 0
        self.packets = 0
        self.log: list[str] = []

    def later(self, frame: bytes, at_box: bool) -> None:
        """A frame begins its way over a link."""
        for _ in range(1 + (self.rng.random() < self.path.twice)):
            if self.rng.random() >= self.path.loss:
                delay = self.path.delay + self.rng.random() * self.path.jitter
                self.number += 1
                heapq.heappush(self.events, (self.now + delay, self.number, frame, at_box))

    def flush(self, end: Endpoint) -> None:
        """What an end puts out goes to the box."""
        for segment in end.out:
            self.later(segment.frame(), True)
        end.out.clear()

    def arrive(self, frame: bytes, at_box: bool) -> None:
        """A frame comes to the box, or to its end."""
        self.packets += 1
        if at_box:
            if self.packets <= self.skip:
                self.later(frame, False)
                return
            for made in self.box.process(frame, int(self.now * 1e9)):
                self.later(made, False)
            return
        segment = parse(frame)
        end = self.ends[segment.dst]
        end.receive(segment, self.now)
        self.flush(end)

    def run(self, limit: float = 600.0) -> None:
        """Until both ends are finished, or ``limit`` seconds went by."""
        self.client.start(self.now)
        self.flush(self.client)
        while not (self.client.finished and self.server.finished):
            timer = min((end.timer(), end.port) for end in (self.client, self.server))[0]
            at = self.events[0][0] if self.events else 1e9
            self.now = max(self.now, min(at, timer))
            if self.now > limit:
                return
            if at <= timer:
                self.arrive(*heapq.heappop(self.events)[2:])
                continue
            for end in (self.client, self.server):
                if end.timer() <= self.now:
                    end.tick(self.now)
                    self.flush(end)


def connect(
    box: Box,
    request: bytes,
    response: bytes,
    seed: int = 0,
    path: Path | None = None,
    ipv6: bool = False,
    skip: int = 0,
    client: dict[str, object] | None = None,
    server: dict[str, object] | None = None,
    limit: float = 600.0,
) -> Network:
    """Run a connection on which both ends send at once; the network afterwards."""
    rng = random.Random(seed)
    a, b = (A6, B6) if ipv6 else (A4, B4)
    isns = [rng.choice([rng.getrandbits(32), 0xFFFFFFFF - rng.randrange(5000)]) for _ in range(2)]
    one = Endpoint(a, b, 40000, 80, isns[0], request, rng, active=True, **(client or {}))  # type: ignore[arg-type]
    two = Endpoint(b, a, 80, 40000, isns[1], response, rng, **(server or {}))  # type: ignore[arg-type]
    network = Network(one, two, box, path or Path(), rng, skip)
    network.run(limit)
    return network


def segment(network: Network, **values: object) -> Segment:
    """A segment from the client's to the server's side, for what an attacker would send."""
    client = network.client
    fields: dict[str, object] = {
        "src": client.address,
        "dst": client.peer,
        "sport": client.port,
        "dport": client.peer_port,
        "seq": 0,
    }
    return Segment(**{**fields, **values})  # type: ignore[arg-type]
