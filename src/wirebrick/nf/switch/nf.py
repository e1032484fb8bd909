"""switch: the network function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wirebrick.addresses import MacAddress
from wirebrick.errors import ParameterError
from wirebrick.fields import U8, U16, U64
from wirebrick.headers import VLAN, Ethernet
from wirebrick.nf.switch.config import VLANS, Config, plain_config, read_config
from wirebrick.packet.packet import Packet
from wirebrick.state.array import Array
from wirebrick.state.counter import Counter
from wirebrick.state.directory import Directory
from wirebrick.state.directory_native import REFUSED
from wirebrick.state.record import Record
from wirebrick.stream.graph import at_end, most_copies
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report

PLAIN, TAGGED, FLOOD_PLAIN, FLOOD_TAGGED, FLOOD_BOTH, DROPS = range(6)  # how a frame leaves
REASONS = ("reserved", "bad_source", "vlan_denied", "same_port", "no_other_port")
RESERVED, BAD_SOURCE, VLAN_DENIED, SAME_PORT, NO_OTHER_PORT = range(DROPS, DROPS + len(REASONS))
TAG = 0x8100
RESERVED_MACS = 0x0180_C200_000  # and four bits: IEEE 802.1Q, table 8-1
MOST_CAPACITY = 1 << 20
VLAN_NUMBERS = 4096
ROWS = 1000  # of the report


class Station(Record):
    """A MAC address in a VLAN."""

    where: U64  # vlan << 48 | mac


class Way(Record):
    """How a frame leaves."""

    tag: U16  # its VLAN, and above that priority and drop eligibility
    action: U8
    port: U8
    plain: U64  # ports that get it without a tag: bit n is port n
    tagged: U64


@network_function
def switch(
    packets: Stream,
    *,
    ports: str = "in out",
    config: Path | None = None,
    ageing: float = 300.0,
    capacity: int = 16384,
) -> Stream:
    """Switch Ethernet frames: a learning bridge with VLANs.

    Parameters
        ``ports``: names of the ports that it joins, 2 to 62, with spaces between them; ``in out`` where it is not
        given.

        ``config``: instead, a file (TOML) with the ports, their VLANs and fixed stations;
        ``wirebrick.nf.switch.config`` describes it. None where it is not given: all ports are in one VLAN,
        without tags.

        ``ageing``: after so many seconds without a frame from it a station is forgotten; 300 where it is not
        given.

        ``capacity``: how many stations are known at once, 1 to 1,048,576; 16,384 where it is not given.

    What it does
        Learns from the source of each frame by which port its station is reached, in its VLAN, and sends frames
        for it there alone. Frames for unknown stations, broadcasts and multicasts leave by all other ports of
        the VLAN: as copies, which leave at once, past NFs behind the switch. A station that appears at another
        port has moved. Where there is no room to learn, frames are flooded.

        A frame's VLAN is that of its tag (802.1Q), or without one that of the port it comes in by; a tag for
        VLAN 0 carries a priority only. Frames of VLANs that a port does not have are dropped there. Tags are
        put in and taken out as the port needs where a frame leaves; the priority is kept while it has one. Tags
        of other kinds (802.1ad) are bytes of the frame.

        There is no spanning tree: wire no loops. Frames for bridges themselves (01:80:c2:00:00:00 to 0f, such as
        spanning tree, LLDP and pause) are not forwarded.

    Drop reasons
        ``reserved``: for bridges themselves. ``bad_source``: from a group address, or 0. ``vlan_denied``: of a
        VLAN that the port does not have. ``same_port``: its station is where it came from. ``no_other_port``:
        nobody else is in the VLAN. ``ethernet_truncated``, ``vlan_truncated``: too short.

    State
        A table of stations, one for all workers, 256 to 512 bytes for each of ``capacity`` as far as it is used;
        reported at the end of a run, with how often stations moved and how often there was no room.

    Example
        ``wirebrick run switch:ports="a b c" --port a=veth1 --port b=veth2 --port c=veth3``

        >>> import wirebrick
        >>> frame = bytes(Ethernet(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:01")) + bytes(46)
        >>> wirebrick.run(switch, rx=[frame], interpret=True).packets == [frame]
        True

    References
        IEEE 802.1Q-2022, 8.6 to 8.8 (forwarding, learning, ageing) and 6.9 (VLANs).
    """
    _check(capacity, ageing)
    found = plain_config(ports) if config is None else read_config(Path(config))
    names = tuple(port.name for port in found.ports)
    fixed = [(Station(where=one.vlan << 48 | int(one.mac)), one.port) for one in found.static]
    stations = Directory(Station, capacity=capacity, idle_timeout=float(ageing), fixed=fixed)
    refused = Counter("frames from stations there was no room for")
    most_copies(len(names))
    at_end(lambda: _report(stations, names, refused))

    frames = packets.parse(Ethernet, otherwise="drop")
    plain, tagged = frames.group_by(2, _is_tagged)
    decide = _Decide(found, names, stations, refused)
    plain = plain.metadata(Way, decide.plain())
    tagged = tagged.parse(VLAN, otherwise="drop").metadata(Way, decide.tagged())
    ways = [_refused(stream.group_by(DROPS + len(REASONS), _action)) for stream in (plain, tagged)]
    without = [
        ways[0][action] if action == PLAIN else merge(ways[0][action], ways[1][action].pop())
        for action in (FLOOD_PLAIN, FLOOD_TAGGED, FLOOD_BOTH)
    ]
    one_plain = merge(ways[0][PLAIN], ways[1][PLAIN].pop())
    both = without[2].transform(_copy_to_plain(names))
    flooded = merge(without[1], both).push(VLAN, _fill_tag).transform(_flood(names, tagged=True))
    return merge(
        one_plain.transform(_send(names)),
        ways[0][TAGGED].push(VLAN, _fill_tag).transform(_send(names)),
        ways[1][TAGGED].transform(_fill_tag).transform(_send(names)),
        without[0].transform(_flood(names, tagged=False)),
        flooded,
    )


def _check(capacity: int, ageing: float) -> None:
    if isinstance(capacity, bool) or not isinstance(capacity, int) or not 1 <= capacity <= MOST_CAPACITY:
        cure = f"give a whole number from 1 to {MOST_CAPACITY}"
        raise ParameterError(f"the switch's capacity can't be {capacity!r}", cure=cure)
    if isinstance(ageing, bool) or not isinstance(ageing, int | float) or not 1 <= ageing <= 1e6:
        raise ParameterError(f"the switch's ageing can't be {ageing!r}", cure="give seconds, 1 to a million")


def _is_tagged(packet: Packet) -> int:
    return 1 if packet.header.ethertype == TAG else 0


def _action(packet: Packet) -> int:
    return int(packet.metadata.action)


def _refused(ways: list[Stream]) -> list[Stream]:
    for reason, stream in zip(REASONS, ways[DROPS:], strict=True):
        stream.drop(reason)
    return ways


class _Decide:
    """Makes the functions that decide how frames leave."""

    def __init__(self, config: Config, names: tuple[str, ...], stations: Directory, refused: Counter) -> None:
        self._names = names
        self._stations = stations
        self._refused = refused
        self._members = Array(
            U64, values=[config.members(vlan) if vlan in VLANS else 0 for vlan in range(VLAN_NUMBERS)]
        )
        self._tagged = Array(U64, values=[config.tagged(vlan) for vlan in range(VLAN_NUMBERS)])
        self._native = Array(U16, values=[port.untagged for port in config.ports])

    def plain(self) -> Callable[[Packet], Way]:
        """For frames without a tag."""
        names, native, leave = self._names, self._native, self._leave()

        def decide(packet: Packet) -> Way:
            number = names.index(packet.ingress)
            ethernet = packet.header
            return leave(ethernet.dst, ethernet.src, number, native[number], 0)

        return decide

    def tagged(self) -> Callable[[Packet], Way]:
        """For frames with one."""
        names, native, leave = self._names, self._native, self._leave()

        def decide(packet: Packet) -> Way:
            number = names.index(packet.ingress)
            ethernet, tag = packet[Ethernet], packet.header
            priority = tag.pcp << 13 | tag.dei << 12
            if tag.vid == 0:
                return leave(ethernet.dst, ethernet.src, number, native[number], priority)
            return leave(ethernet.dst, ethernet.src, number, tag.vid, priority)

        return decide

    def _leave(self) -> Callable[[int, int, int, int, int], Way]:
        members, tagged, stations, refused = self._members, self._tagged, self._stations, self._refused

        def leave(dst: int, src: int, number: int, vlan: int, priority: int) -> Way:
            if dst >> 4 == RESERVED_MACS:
                return Way(action=RESERVED)
            if src >> 40 & 1 == 1 or src == 0:
                return Way(action=BAD_SOURCE)
            everyone = members[vlan]
            with_tag = tagged[vlan]
            if everyone >> number & 1 == 0:
                return Way(action=VLAN_DENIED)
            if stations.learn(Station(where=vlan << 48 | src), number) == REFUSED:
                refused.add()
            if dst >> 40 & 1 == 0:
                port = stations.get(Station(where=vlan << 48 | dst))
                if port == number:
                    return Way(action=SAME_PORT)
                if port >= 0:
                    action = TAGGED if with_tag >> port & 1 == 1 else PLAIN
                    return Way(action=action, port=port, tag=priority | vlan)
            others = everyone & ~(1 << number)
            plain = others & ~with_tag
            action = FLOOD_BOTH
            if others == 0:
                action = NO_OTHER_PORT
            elif plain == 0:
                action = FLOOD_TAGGED
            elif others & with_tag == 0:
                action = FLOOD_PLAIN
            return Way(action=action, tag=priority | vlan, plain=plain, tagged=others & with_tag)

        return leave


def _fill_tag(packet: Packet) -> None:
    tag = packet.metadata.tag
    packet.header.pcp = tag >> 13
    packet.header.dei = tag >> 12
    packet.header.vid = tag


def _send(names: tuple[str, ...]) -> Callable[[Packet], None]:
    def send(packet: Packet) -> None:
        packet.egress = names[packet.metadata.port]

    return send


def _copy_to_plain(names: tuple[str, ...]) -> Callable[[Packet], None]:
    """Copies to all that get it without a tag."""
    count = len(names)

    def flood(packet: Packet) -> None:
        for number in range(count):
            if packet.metadata.plain >> number & 1 == 1:
                copy = packet.copy()
                copy.send(names[number])

    return flood


def _flood(names: tuple[str, ...], *, tagged: bool) -> Callable[[Packet], None]:
    """Copies to all that get it with a tag, or without one, but the last, which gets the frame itself."""
    count = len(names)

    def flood(packet: Packet) -> None:
        left = packet.metadata.tagged if tagged else packet.metadata.plain
        for number in range(count):
            if left >> number == 1:
                packet.egress = names[number]
                return
            if left >> number & 1 == 1:
                copy = packet.copy()
                copy.send(names[number])

    return flood


def _report(stations: Directory, names: tuple[str, ...], refused: Counter) -> Report:
    from wirebrick import Report

    found: list[tuple[Any, int, bool]] = stations.items()
    title = f"{len(found):,} stations; {stations.moved:,} moved"
    if refused.value:
        title += f"; no room for those of {refused.value:,} frames (raise capacity)"
    if len(found) > ROWS:
        title += f"; the first {ROWS:,}"
    low = (1 << 48) - 1
    rows = [
        (
            int(key.where) >> 48,
            str(MacAddress(int(key.where) & low)),
            names[port],
            "fixed" if stays else "learned",
        )
        for key, port, stays in found[:ROWS]
    ]
    return Report(title, ["vlan", "station", "port", "how"], rows)
