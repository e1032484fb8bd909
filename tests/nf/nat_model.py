"""A NAT as the RFCs say it, in plain Python with dictionaries: what to compare the real one with.

It does not choose external ports: where a mapping is made it takes what the log says, if that is a right one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

FIN, SYN, RST, ACK = 1, 2, 4, 16
End = tuple[str, int]


@dataclass(frozen=True)
class Probe:
    """A packet: ``flags`` of TCP; of ICMP, ``src_port`` or ``dst_port`` is the identifier, the other 0."""

    protocol: Literal["tcp", "udp", "icmp"]
    src: str
    src_port: int
    dst: str
    dst_port: int
    flags: int = 0


@dataclass
class Mapping:
    """An inside endpoint's external one."""

    external: End
    static: bool


@dataclass
class Session:
    """Between an inside endpoint and a remote one."""

    mapping: Mapping
    last: float
    flags: set[str] = field(default_factory=set)


class Refused(Exception):
    """A drop, with its reason."""


@dataclass
class Model:
    """``step`` says what becomes of a packet; ``given``: external endpoints by protocol and inside endpoint."""

    externals: list[str]
    ports: tuple[int, int]
    filtering: str
    timeouts: dict[str, float]
    given: dict[tuple[str, End], list[End]]
    statics: dict[tuple[str, str, int], End] = field(
        default_factory=dict
    )  # by protocol and external endpoint
    preserve: bool = False
    parity: bool = False
    paired: bool = True
    limit: int = 65535
    sessions: dict[tuple[str, End, End], Session] = field(default_factory=dict)

    def step(self, side: str, probe: Probe, now: float) -> tuple[str, Probe]:
        """The port it leaves by and how it looks; raises Refused."""
        self._expire(now)
        if side == "out":
            return "in", self._inward(probe, now)
        sent = self._outward(probe, now)
        own = {external for _, external, _ in self.statics} | set(self.externals)
        if sent.dst in own:
            if probe.protocol == "icmp":
                raise Refused("no_binding")  # a request, and only replies belong to mappings
            return "in", self._inward(sent, now)
        return "out", sent

    def _timeout(self, protocol: str, session: Session) -> float:
        if protocol != "tcp":
            return self.timeouts[protocol]
        flags = session.flags
        established = {"syn_out", "syn_in"} <= flags and not {"fin_out", "fin_in"} <= flags
        return self.timeouts["tcp" if established and "rst" not in flags else "transitory"]

    def _expire(self, now: float) -> None:
        self.sessions = {
            key: session
            for key, session in self.sessions.items()
            if now - session.last < self._timeout(key[0], session)
        }

    def mappings(self, protocol: str | None = None) -> dict[tuple[str, End], Mapping]:
        """Of every inside endpoint that has sessions."""
        return {
            (key[0], key[1]): session.mapping
            for key, session in self.sessions.items()
            if protocol in (None, key[0]) and not session.mapping.static
        }

    def _outward(self, probe: Probe, now: float) -> Probe:
        inside = (probe.src, probe.src_port)
        remote = (probe.dst, probe.dst_port)
        key = (probe.protocol, inside, remote)
        session = self.sessions.get(key)
        if session is None:
            mapping, session = self._new(probe, inside, now)
            if session is not None:
                self.sessions[key] = session
        else:
            mapping = session.mapping
            session.last = now
            self._tcp(session, probe, "out")
        return Probe(probe.protocol, *mapping.external, *remote, probe.flags)

    def _new(self, probe: Probe, inside: End, now: float) -> tuple[Mapping, Session | None]:
        static = next(
            (
                (external, port)
                for (protocol, external, port), target in self.statics.items()
                if protocol == probe.protocol and target == inside
            ),
            None,
        )
        known = self.mappings().get((probe.protocol, inside))
        mapping = Mapping(static, True) if static else known
        kind = probe.flags & (SYN | ACK | RST | FIN)
        session_flags: set[str] = set()
        if probe.protocol == "tcp":
            if kind != SYN and mapping is None:
                raise Refused("no_session")
            if kind & RST:
                assert mapping is not None
                return mapping, None
            if kind & SYN and kind not in (SYN, SYN | ACK):
                raise Refused("no_session")
            if not kind & SYN and not static:
                raise Refused("no_session")
            session_flags = {"syn_out", "syn_in"} if kind == SYN | ACK else {"syn_out"}
        if mapping is None:
            mapping = Mapping(self._endpoint(probe, inside), False)
        return mapping, Session(mapping, now, session_flags)

    def _endpoint(self, probe: Probe, inside: End) -> End:
        """A new external endpoint: what the log has, which must be one that may be given."""
        mine = [one for key, one in self.mappings().items() if key[1][0] == inside[0]]
        if len(mine) >= self.limit:
            raise Refused("host_limit")
        taken = {one.external for one in self.mappings(probe.protocol).values()}
        low, high = self.ports
        step = 2 if self.parity else 1
        wanted = inside[1]
        ports = [port for port in range(low, high + 1) if (port - wanted) % step == 0]
        addresses = self.externals
        if self.paired and mine:
            addresses = [mine[0].external[0]]
        free = {(address, port) for address in addresses for port in ports} - taken
        if not free:
            raise Refused("no_port")
        given = self.given[probe.protocol, inside].pop(0)
        assert given in free
        assert not self.preserve or given[1] == wanted or (given[0], wanted) not in free
        return given

    def _inward(self, probe: Probe, now: float) -> Probe:
        external = (probe.dst, probe.dst_port)
        remote = (probe.src, probe.src_port)
        for (protocol, inside, other), session in self.sessions.items():
            if (protocol, other, session.mapping.external) == (probe.protocol, remote, external):
                if protocol == "tcp":
                    session.last = now
                    self._tcp(session, probe, "in")
                return Probe(probe.protocol, *remote, *inside, probe.flags)
        if target := self.statics.get((probe.protocol, *external)):
            return Probe(probe.protocol, *remote, *target, probe.flags)
        candidates = [
            (inside, other)
            for (protocol, inside, other), session in self.sessions.items()
            if protocol == probe.protocol
            and session.mapping.external == external
            and not session.mapping.static
        ]
        if not candidates:
            raise Refused("no_binding")
        if self.filtering == "port":
            raise Refused("filtered")
        if self.filtering == "address" and probe.src not in [other[0] for _, other in candidates]:
            raise Refused("filtered")
        if probe.protocol == "tcp" and probe.flags & (SYN | ACK | RST | FIN) != SYN:
            raise Refused("no_session")
        return Probe(probe.protocol, *remote, *candidates[0][0], probe.flags)

    def _tcp(self, session: Session, probe: Probe, side: str) -> None:
        if probe.protocol != "tcp":
            return
        flags = session.flags
        closed = "rst" in flags or {"fin_out", "fin_in"} <= flags
        flags.discard("rst")
        if probe.flags & RST:
            flags.add("rst")
        elif probe.flags & SYN:
            if closed:
                flags.clear()
            flags.add(f"syn_{side}")
        elif probe.flags & FIN:
            flags.add(f"fin_{side}")
