"""blocklist: the network function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from wirebrick.errors import ParameterError
from wirebrick.fields import U64
from wirebrick.headers import Ethernet
from wirebrick.nf.blocklist.prefixes import V6, Prefixes, load_prefixes, text_of
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.nf.numbering import Numbering
from wirebrick.nf.watched import watch
from wirebrick.packet.packet import Packet
from wirebrick.state.array import Array
from wirebrick.state.lpm import LongestPrefixMatch
from wirebrick.stream.graph import at_end
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report

SIDES = ("src", "dst", "both")
PASS, SRC_LISTED, DST_LISTED = range(3)
VERDICTS = 3
ROOM = 65536  # prefixes, at least, that a changed file may have


@network_function
def blocklist(
    packets: Stream,
    *,
    prefixes: Path | None = None,
    match: Literal["src", "dst", "both"] = "both",
    allow: Path | None = None,
    top: int = 10,
) -> Stream:
    """Drop IP packets from or to listed prefixes.

    Parameters
        ``prefixes``: the file with the list, one prefix or address a line, IPv4 and IPv6 together; must be given.
        ``#`` or ``;`` begins a comment. It is read again whenever it changes.

        ``match``: which addresses are looked at: ``src``, ``dst`` or ``both``; ``both`` where it is not given.

        ``allow``: a file of the same form with exceptions: an address in one of its prefixes is not listed, whatever
        the list has. None where it is not given. It is read again whenever it changes.

        ``top``: how many prefixes the report has, those met most often; 10 where it is not given.

    What it does
        Looks up the addresses of IPv4 and IPv6 packets, untagged or behind one or two VLAN tags, by their outermost
        IP header. Of prefixes that hold an address the longest counts in the report. Everything else passes:
        other protocols, and frames without a well-formed IP header. Packets that pass are unchanged.

    Drop reasons
        ``src_listed``, ``dst_listed``: the source, the destination is in a listed prefix and not in an allowed one.

    State
        The prefixes, which all workers read, and a counter for each, in each worker. A million prefixes take a second
        or two to read and 150 MB; there is room for twice as many as the file has at first, at least 65,536. When a
        file is changed, all packets of a burst see the old list or the new one; a file with errors, or too large,
        is refused and the old list stays.

    Example
        ``wirebrick run blocklist:prefixes=drop.txt,match=src --in in.pcap --out out.pcap``

        >>> import tempfile, wirebrick
        >>> with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        ...     _ = file.write("192.0.2.0/24")
        ...     file.flush()
        ...     wirebrick.run(blocklist(prefixes=file.name), rx=[bytes(60)], interpret=True).packets_out
        1

    References
        RFC 4632, RFC 4291 (prefixes); Zec, Rizzo, Mikuc, "DXR" (ACM CCR 2012): how they are looked up.
    """
    if prefixes is None:
        raise ParameterError(
            "the blocklist needs prefixes",
            cure="name the file with the list: blocklist:prefixes=drop.txt, or blocklist(prefixes=...)",
        )
    if match not in SIDES:
        cure = f"it is one of {', '.join(SIDES)}"
        raise ParameterError(f"the match of the blocklist can't be {match!r}", cure=cure)
    if type(top) is not int or top < 0:
        raise ParameterError(
            f"the top of the blocklist can't be {top!r}", cure="give a whole number, such as 10"
        )
    listed, numbers = _followed(Path(prefixes), "list of prefixes")
    allowed = None if allow is None else _followed(Path(allow), "list of exceptions")[0]
    hits = Array(U64, numbers.capacity)

    def report() -> Report:
        from wirebrick import Report

        met = [(key if key == "others" else text_of(key), n) for key, n in numbers.top(hits.totals(), top)]
        return Report("packets by listed prefix", ("prefix", "packets"), met)

    at_end(report)
    judge = _judge(listed, allowed, hits, match)
    found = ip_packets(packets.parse(Ethernet))
    passed = list(found.rest)
    for stream in (found.v4, found.v6):
        fine, src_listed, dst_listed = stream.group_by(VERDICTS, judge)
        src_listed.drop("src_listed")
        dst_listed.drop("dst_listed")
        passed.append(fine)
    return merge(*passed)


def _followed(path: Path, what: str) -> tuple[LongestPrefixMatch, Numbering[int]]:
    """The prefixes of a file, which follow its changes."""
    found = load_prefixes(path, what)
    capacity = max(ROOM, 2 * len(found))
    numbers: Numbering[int] = Numbering(capacity)
    table = LongestPrefixMatch(capacity=capacity)
    show(table, numbers, found)

    def load(changed: Path) -> str:
        new = load_prefixes(changed, what)
        if len(new) > capacity:
            raise ParameterError(
                f"{changed} has {len(new):,} prefixes, and there is room for {capacity:,}",
                cure="start again with the larger file",
            )
        show(table, numbers, new)
        return f"{changed}: {len(new)} prefixes"

    watch(path, load)
    return table, numbers


def show(table: LongestPrefixMatch, numbers: Numbering[int], found: Prefixes) -> None:
    """Put prefixes into a table, each with its number."""
    tables: dict[int, dict[int, dict[int, int]]] = {4: {}, 6: {}}
    for key, number in zip(found.keys, numbers.assign(found.keys), strict=True):
        tables[6 if key & V6 else 4].setdefault(key & 255, {})[(key & ~V6) >> 8] = number
    table.replace(tables)


def _judge(
    listed: LongestPrefixMatch, allowed: LongestPrefixMatch | None, hits: Array, match: str
) -> Callable[[Packet], int]:
    """The function that finds the verdict on a packet, and counts it."""
    exceptions = allowed if allowed is not None else listed
    has_exceptions = allowed is not None
    looks_at_src, looks_at_dst = match != "dst", match != "src"

    def judge(packet: Packet) -> int:
        ip = packet.header
        if looks_at_src:
            number = listed.lookup(ip.src)
            if number >= 0 and not (has_exceptions and exceptions.lookup(ip.src) >= 0):
                hits[number] += 1
                return SRC_LISTED
        if looks_at_dst:
            number = listed.lookup(ip.dst)
            if number >= 0 and not (has_exceptions and exceptions.lookup(ip.dst) >= 0):
                hits[number] += 1
                return DST_LISTED
        return PASS

    return judge
