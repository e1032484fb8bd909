"""arp: answer for addresses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from wirebrick.addresses import MacAddress
from wirebrick.errors import ParameterError, Place
from wirebrick.fields import U64
from wirebrick.headers import ARP, VLAN, Ethernet, ICMPv6, IPv6, NeighbourTarget
from wirebrick.nf.arp_reply import REQUEST, arp_reply
from wirebrick.nf.neighbour_advertisement import OVERRIDE, SIZE, is_solicitation, neighbour_advertisement
from wirebrick.packet.packet import Packet
from wirebrick.state.array import Array
from wirebrick.state.counter import Counter
from wirebrick.state.lpm import LongestPrefixMatch
from wirebrick.stream.graph import at_end
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report

PROXY = 1 << 48  # beside the MAC address of a prefix


class Entry(NamedTuple):
    """Whom to answer for: a prefix as text, the MAC address to say, whether it is more than one address."""

    prefix: str
    mac: MacAddress
    proxy: bool


@network_function
def arp(
    packets: Stream, *, addresses: str = "", mac: MacAddress | None = None, table: Path | None = None
) -> Stream:
    """Answer ARP requests and neighbour solicitations for addresses.

    Parameters
        ``addresses``: IPv4 and IPv6 addresses and prefixes to answer for, with spaces between them; none where it
        is not given.

        ``mac``: the MAC address to say. It must be given, unless the table says one in each line.

        ``table``: a file with more of them, one a line: an address or prefix, and its MAC address where that is
        another one; ``#`` begins a comment. None where it is not given.

    What it does
        An ARP request for one of the addresses becomes the reply, an IPv6 neighbour solicitation becomes the
        advertisement, and leaves by the port it came from; untagged or behind one VLAN tag. All else leaves
        unchanged. The longest prefix that holds an address decides.

        For a single address it also answers who probes whether the address is in use (RFC 5227; duplicate
        address detection), so that nobody else takes it; announcements and probes for addresses in prefixes
        (proxy ARP) are not answered, so that their hosts can take them. Others that say they have one of the
        single addresses are counted as conflicts.

    Drop reasons
        None.

    State
        The addresses: a table for all workers. Counters of answers and conflicts, reported at the end of a run.

    Example
        ``wirebrick run arp:addresses="192.0.2.9 198.51.100.0/24",mac=02:00:00:00:00:09 --in eth1``

        >>> import wirebrick
        >>> asks = ARP(sender_mac="02:00:00:00:00:01", sender_ip="192.0.2.1", target_ip="192.0.2.9")
        >>> frame = bytes(Ethernet(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:01", ethertype=0x0806)) + bytes(asks)
        >>> answers = arp(addresses="192.0.2.9", mac=MacAddress("02:00:00:00:00:09"))
        >>> wirebrick.run(answers, rx="memory:count=1", tx="null:", interpret=True).packets_out
        1

    References
        RFC 826 (ARP); RFC 1027 (proxy ARP); RFC 5227 (conflicts, probes); RFC 4861, 7.2.4 (IPv6).
    """
    entries = list(_entries(addresses, mac, table))
    numbers = {entry.prefix: number for number, entry in enumerate(entries)}
    found = LongestPrefixMatch(numbers)
    macs = Array(U64, values=[int(entry.mac) | (PROXY if entry.proxy else 0) for entry in entries])
    answered, conflicts = Counter("answers"), Counter("conflicts")
    at_end(lambda: _report(answered, conflicts))

    def answer(packet: Packet) -> None:
        asked: Any = packet.header
        mine = found.lookup(asked.sender_ip)
        if mine >= 0 and macs[mine] < PROXY and asked.sender_mac != macs[mine]:
            conflicts.add()
        number = found.lookup(asked.target_ip)
        if number < 0 or asked.operation != REQUEST or asked.sender_ip == asked.target_ip:
            return
        if macs[number] >= PROXY and asked.sender_ip == 0:
            return
        answered.add()
        arp_reply(packet, macs[number] & PROXY - 1)
        packet.egress = packet.ingress

    def advertise(packet: Packet) -> None:
        if not is_solicitation(packet):
            return
        number = found.lookup(packet.header.target)
        if number < 0 or (macs[number] >= PROXY and packet[IPv6].src == 0):
            return
        answered.add()
        packet.payload.resize(SIZE)
        neighbour_advertisement(packet, macs[number] & PROXY - 1, OVERRIDE if macs[number] < PROXY else 0)
        packet.egress = packet.ingress

    def both(frames: Stream, others: Stream) -> Stream:
        not_arp = Stream()
        answers = frames.parse(ARP, otherwise=not_arp).transform(answer)
        messages = not_arp.parse(IPv6, otherwise=others).parse(ICMPv6).parse(NeighbourTarget)
        return merge(answers, messages.transform(advertise))

    others, rest, tagged_rest = Stream(), Stream(), Stream()
    plain = both(packets.parse(Ethernet), others)
    tagged = both(others.parse(VLAN, otherwise=rest), tagged_rest)
    return merge(plain, tagged, rest, tagged_rest)


def _entries(addresses: str, mac: MacAddress | None, table: Path | None) -> Iterator[Entry]:
    """Whom to answer for. Raises ParameterError."""
    seen: dict[str, str] = {}
    lines: list[tuple[str, Place | None]] = [(text, None) for text in addresses.replace(",", " ").split()]
    if table is not None:
        try:
            text = Path(table).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise ParameterError(
                f"arp: {table} can't be read: {error}", cure="give the path of a table"
            ) from None
        places = enumerate(text.splitlines(), 1)
        lines += [
            (line, Place(str(table), number)) for number, line in places if line.partition("#")[0].strip()
        ]
    for line, place in lines:
        words = line.partition("#")[0].split()
        entry = _entry(words, mac, place)
        if entry.prefix in seen:
            raise ParameterError(f"arp: {entry.prefix} is there twice", place=place, cure="leave one out")
        seen[entry.prefix] = line
        yield entry
    if not seen:
        raise ParameterError("arp needs addresses", cure='arp:addresses="192.0.2.9",mac=02:00:00:00:00:09')


def _entry(words: list[str], mac: MacAddress | None, place: Place | None) -> Entry:
    from wirebrick.nf.router.routes import parse_address, parse_prefix

    try:
        key = parse_prefix(words[0]) if "/" in words[0] else None
        address = parse_address(words[0]) if key is None else None
        if len(words) > 2:
            raise ValueError(f"there is more than an address and a MAC address: {' '.join(words[2:])}")
        if len(words) == 2:
            mac = MacAddress(words[1])
    except ValueError as error:
        raise ParameterError(f"arp: {error}", place=place, cure="192.0.2.9, or 198.51.100.0/24") from None
    if mac is None or mac == 0 or mac >> 40 & 1:
        cure = "give the MAC address of one station: mac=02:00:00:00:00:09"
        raise ParameterError(f"arp: {words[0]} can't be at {mac}", place=place, cure=cure)
    if key is not None:
        bits = 32 if key.version == 4 else 128
        return Entry(str(key.network), mac, key.length < bits)
    assert address is not None
    return Entry(f"{address}/{address.bits}", mac, False)


def _report(answered: Counter, conflicts: Counter) -> Report:
    from wirebrick import Report

    return Report("arp", ["answers", "conflicts"], [(answered.value, conflicts.value)])
