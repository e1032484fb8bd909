"""The fleet: the backends that there are, what is known of them, and what workers see of that."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from wirebrick.addresses import IPv4Address
from wirebrick.errors import ParameterError
from wirebrick.nf.maglev.config import BackendSpec, Config, Vip
from wirebrick.nf.maglev.ways import DELIVERY, NAT
from wirebrick.state.maglev import Backend, Balance, Maglev, Own, Place, Service, populate

FIXED = ("table", "clients", "servers")  # what can't change while a run goes on
Identity = tuple[str, int, int]  # name of the VIP, address and port of the backend


@dataclass(eq=False)
class Member:
    """A backend of a VIP. It keeps its number and its generation as long as it is in the configuration."""

    number: int
    generation: int
    spec: BackendSpec
    vip: Vip
    up: bool = True
    why: str = ""  # it is down: what its last check said

    @property
    def accepts(self) -> bool:
        """Whether it takes new connections."""
        return self.up and self.spec.weight > 0 and not self.spec.drain

    @property
    def state(self) -> str:
        """What a report calls it."""
        if not self.up:
            return "down"
        return "up" if self.accepts else "draining"


class Fleet:
    """Members by identity, and their publication. Called from several threads; ``publish`` is the only way out.

    ``egresses``: the ports that backends may be behind, by number from 1 on.
    """

    def __init__(self, config: Config, maglev: Maglev, egresses: tuple[str, ...]) -> None:
        self.config = config
        self.members: dict[Identity, Member] = {}
        self.gone: list[Member] = []
        self._maglev = maglev
        self._egresses = egresses
        self._lock = threading.Lock()
        self._neighbours: dict[int, int] = {}
        self._generation = 0
        self._tables: dict[Any, Any] = {}
        self.replace(config)

    def replace(self, config: Config) -> str:
        """Put a configuration in the place of the one there is; what to tell of it.

        Raises WirebrickError where it can't be while a run goes on: nothing is changed then.
        """
        for name in FIXED:
            old, new = getattr(self.config, name), getattr(config, name)
            if old != new:
                raise ParameterError(f"{name} is {old!r} as long as this run lasts", cure="start it anew")
        with self._lock:
            before = self.config, self.members, self.gone
            known = [(member, member.spec, member.vip, member.up) for member in self.members.values()]
            try:
                self.config, self.members, self.gone = self._merged(config)
                self._publish()
            except BaseException:
                self.config, self.members, self.gone = before
                for old, spec, vip, up in known:
                    old.spec, old.vip, old.up = spec, vip, up
                raise
            new = sum(member not in before[1].values() for member in self.members.values())
            lost = len(before[1]) + new - len(self.members)
            return f"{len(config.vips)} VIPs, {len(self.members)} backends: {new} new, {lost} gone"

    def listed(self) -> list[Member]:
        """The members, in the order of the configuration."""
        with self._lock:
            return list(self.members.values())

    def change(self, member: Member, up: bool, why: str) -> bool:
        """A check says whether a member is up; whether that is still asked for."""
        with self._lock:
            if not any(member is known for known in self.members.values()):
                return False
            member.up, member.why = up, why
            self._publish()
            return True

    def learn(self, found: Iterable[tuple[int, int]]) -> None:
        """Addresses and the MAC addresses that they are at: those that backends are behind are kept."""
        with self._lock:
            hops = {int(member.spec.hop) for member in self.members.values()}
            new = {ip: mac for ip, mac in found if ip in hops and self._neighbours.get(ip) != mac}
            if new:
                self._neighbours |= new
                self._publish()

    def share(self, member: Member) -> float:
        """The part of its VIP's table that a member has."""
        with self._lock:
            if member not in self.members.values():
                return 0.0
            table = self._table(member.vip)
            return float((table == member.number).sum()) / len(table)

    def _merged(self, config: Config) -> tuple[Config, dict[Identity, Member], list[Member]]:
        """The members of a configuration: those that are there already stay what they are."""
        named = {(vip.name, int(b.address), b.port): (vip, b) for vip in config.vips for b in vip.backends}
        for _, spec in named.values():
            if spec.egress and spec.egress not in self._egresses:
                raise ParameterError(
                    f"no backend was behind the port {spec.egress} when the run began", cure="start it anew"
                )
        kept = {identity: old for identity, old in self.members.items() if identity in named}
        gone = self.gone + [old for identity, old in self.members.items() if identity not in named]
        free = self._free({member.number for member in kept.values()}, gone)
        members: dict[Identity, Member] = {}
        for identity, (vip, spec) in named.items():
            old = kept.get(identity)
            if old is not None:
                checked = vip.check is not None
                members[identity] = old
                old.spec, old.vip = spec, vip
                old.up = old.up or not checked
            else:
                self._generation += 1
                members[identity] = Member(next(free), self._generation, spec, vip)
        taken = {member.number for member in members.values()}
        return config, members, [member for member in gone if member.number not in taken]

    def _free(self, taken: set[int], gone: list[Member]) -> Any:
        """Numbers for new members: those that were never used first, then those that were, the oldest first."""
        used = taken | {member.number for member in gone}
        room = self._maglev.backends
        yield from (number for number in range(room) if number not in used)
        yield from (member.number for member in gone if member.number not in taken)
        raise ParameterError(
            f"there is room for {room} backends", cure="start the run anew, with backends= larger"
        )

    def _publish(self) -> None:
        """Have workers see what there is."""
        self._tables = {
            key: self._tables[key] for key in map(self._key, self.config.vips) if key in self._tables
        }
        services = [
            Service(
                address=vip.address, port=vip.ports[0] if len(vip.ports) == 1 else 0, sticky=int(vip.sticky)
            )
            for vip in self.config.vips
        ]
        places = {
            (int(vip.address), vip.protocol, port): number
            for number, vip in enumerate(self.config.vips)
            for port in vip.ports or (0,)
        }
        owned = {int(vip.address) for vip in self.config.vips}
        owned |= {address for address in (self.config.address, self.config.address6) if address}
        backends, origins = self._records()
        balance = Balance(
            services,
            [self._table(vip) for vip in self.config.vips],
            places,
            owned,
            backends,
            origins,
            Own(
                mac=self.config.mac,
                mtu=self.config.mtu,
                address4=self.config.address,
                address6=self.config.address6,
            ),
            self.config.seed,
        )
        self._maglev.show(balance)

    def _records(self) -> tuple[dict[int, Backend], dict[Place, int]]:
        numbers = {vip.name: number for number, vip in enumerate(self.config.vips)}
        backends: dict[int, Backend] = {}
        origins: dict[Place, int] = {}
        for member in self.members.values():
            spec, vip = member.spec, member.vip
            way = DELIVERY[vip.delivery, 4 if type(spec.address) is IPv4Address else 6]
            record = Backend(
                address=spec.address,
                hop=0 if spec.mac else spec.hop,
                mac=spec.mac or self._neighbours.get(int(spec.hop), 0),
                generation=member.generation if member.up else 0,
                service=numbers[vip.name],
                port=spec.port,
                way=way,
                egress=self._egresses.index(spec.egress) + 1 if spec.egress else 0,
                accepts=int(member.accepts),
            )
            backends[member.number] = record
            if way == NAT:
                # A backend may answer for several VIPs: they are looked through one behind the other.
                for port in (spec.port,) if spec.port else vip.ports or (0,):
                    place = int(spec.address), vip.protocol, port
                    if place in origins:
                        last = backends[origins[place]]
                        while last.next:
                            last = backends[last.next - 1]
                        if last is not record:
                            last.next = member.number + 1
                    else:
                        origins[place] = member.number
        return backends, origins

    def _key(self, vip: Vip) -> Any:
        """What a VIP's table depends on."""
        config = self.config
        return config.table, config.seed, tuple(self._choice(vip))

    def _choice(self, vip: Vip) -> list[tuple[str, int, int]]:
        members = (self.members[vip.name, int(spec.address), spec.port] for spec in vip.backends)
        return [(member.spec.name, member.spec.weight, member.number) for member in members if member.accepts]

    def _table(self, vip: Vip) -> Any:
        key = self._key(vip)
        if key not in self._tables:
            self._tables[key] = populate(self.config.table, key[2], self.config.seed)
        return self._tables[key]
