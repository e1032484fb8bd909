"""Opening what a run uses, in the right order, and closing all of it whatever happens."""

from __future__ import annotations

import os
from contextlib import suppress

from wirebrick.errors import PortError, WirebrickError
from wirebrick.packet.frame import HEADROOM, TAILROOM
from wirebrick.ports.base import Port, Sink, Source
from wirebrick.ports.pcap.port import PcapPort, refuse_same_file
from wirebrick.runtime.endpoints import Endpoint
from wirebrick.runtime.mempool import Mempool


class Opened:
    """The sources and sinks of a run. First ``open_sources``, then ``open_sinks``; ``close`` at the end."""

    def __init__(self, ends: list[Endpoint], workers: int) -> None:
        self.ends = ends
        self.workers = workers
        self.least_frame = 0  # bytes of the largest packet that is made of others
        self.sources: list[list[tuple[int, Source]]] = [[] for _ in range(workers)]
        self.sinks: list[dict[int, Sink]] = [{} for _ in range(workers)]

    @property
    def receiving(self) -> list[Port]:
        """The ports packets come from."""
        return [end.port for end in self.ends if end.receives and end.port is not None]

    @property
    def live(self) -> bool:
        """Whether packets come by themselves at some port; known when the sources are open."""
        return any(source.live for sources in self.sources for _, source in sources)

    @property
    def ports(self) -> list[Port]:
        """All ports, each once."""
        return list(dict.fromkeys(end.port for end in self.ends if end.port is not None))

    @property
    def frame_size(self) -> int:
        """The largest packet that may come, in bytes; known when the sources are open."""
        return max(self.least_frame, *(port.frame_size for port in self.receiving))

    @property
    def burst(self) -> int:
        """How many packets to ask of a port at once: what suits all."""
        return min(port.burst for port in self.receiving)

    def open_sources(self) -> None:
        """Open every receiving port, for each worker or, where it can't be shared out, for the first one."""
        for number, end in enumerate(self.ends):
            if end.receives and end.port is not None:
                for worker in range(self.workers if end.port.splits(self.workers) else 1):
                    source = end.port.source(worker, self.workers)
                    self.sources[worker].append((number, source))

    def open_sinks(self) -> None:
        """Open every transmitting port for each worker, if no file would be lost by it. Raises PortError."""
        self._refuse_lost_files()
        fine = any(not isinstance(port, PcapPort) or port.nanoseconds for port in self.receiving)
        for number, end in enumerate(self.ends):
            if end.transmits and end.port is not None:
                if isinstance(end.port, PcapPort):
                    end.port.nanoseconds |= fine  # times are kept as finely as they come
                for worker in range(self.workers):
                    self.sinks[worker][number] = end.port.sink(worker, self.workers)

    def mempool(self, positions: int, rings: int) -> Mempool | None:
        """The mempool that all share, where one is needed, with the ports' frames given to them; else None.

        ``positions`` and ``rings``: frames that workers and rings between them own; the ports' come behind these.
        Raises PortError.
        """
        owners: list[Source | Sink] = [source for sources in self.sources for _, source in sources]
        owners += [sink for sinks in self.sinks for sink in sinks.values()]
        own = sum(owner.frames for owner in owners)
        if not own and not rings:
            return None
        frames = positions + rings + own
        made: dict[type[Port], tuple[Port, Mempool]] = {}
        for port in self.ports:
            pool = port.mempool(frames, self.frame_size) if type(port) not in made else None
            if pool is not None:
                made[type(port)] = port, pool
        if len(made) > 1:
            (first, _), (second, _) = list(made.values())[:2]
            raise PortError(
                f"{first.spec} and {second.spec} can't be in one run: each needs all packets in memory of its own kind",
                cure="use ports of the same kind, or afpacket: for one of them",
            )
        pool = next(iter(made.values()))[1] if made else Mempool(frames, self.frame_size)
        most = pool.frame - HEADROOM - TAILROOM
        for port in self.receiving:
            if port.frame_size > most and not port.cuts:
                raise PortError(
                    f"{port.spec}: its packets of up to {port.frame_size:,} bytes don't fit frames for {most:,}",
                    cure="ask for shorter packets, lower the MTU, or use another kind of port on the other side",
                )
        first_frame = positions + rings
        for owner in owners:
            owner.own(pool, first_frame)
            first_frame += owner.frames
        return pool

    def start(self) -> None:
        """Have the ports begin: packets may come. Raises PortError."""
        for port in self.ports:
            port.start()

    def close(self, abandoned: frozenset[int] = frozenset()) -> WirebrickError | None:
        """Close sinks, sources and ports; the first error. What workers ``abandoned`` hold stays open."""
        failure: WirebrickError | None = None
        for worker in range(self.workers):
            if worker not in abandoned:
                for sink in self.sinks[worker].values():
                    try:
                        sink.close()
                    except WirebrickError as error:
                        failure = failure or error
                for _, source in self.sources[worker]:
                    source.close()
        if not abandoned:
            for end in self.ends:
                if end.port is not None:
                    with suppress(OSError):
                        end.port.close()
        return failure

    def _refuse_lost_files(self) -> None:
        reads = [end.port for end in self.ends if end.receives and isinstance(end.port, PcapPort)]
        writes = [end.port for end in self.ends if end.transmits and isinstance(end.port, PcapPort)]
        seen: set[str] = set()
        for port in writes:
            path = port.paths[1]
            for other in reads:
                refuse_same_file(other.paths[0], path)
            name = path if path == "-" else os.path.realpath(path)
            if name in seen:
                raise PortError(f"{path}: two ports would write it", cure="give each a file of its own")
            seen.add(name)
