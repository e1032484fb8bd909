"""ids: the network function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from wirebrick.errors import ParameterError
from wirebrick.fields import U64
from wirebrick.headers import TCP, Ethernet, IPv4, IPv6
from wirebrick.nf.ids.alerts import Alert, AlertFile
from wirebrick.nf.ids.book import Rulebook, Setting
from wirebrick.nf.ids.inline import inline
from wirebrick.nf.ids.rules import RuleFile, load_rules
from wirebrick.nf.ids.tally import tally, totals
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.nf.watched import watch
from wirebrick.packet.packet import Packet
from wirebrick.state import hyperscan
from wirebrick.state.log import Log
from wirebrick.state.record import Record
from wirebrick.stream.graph import at_end
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

IDLE = 300.0  # seconds after which a flow may be forgotten
GAP = 30.0  # seconds that a stream waits for bytes that are missing
MOST = 1 << 24
MOST_OVERLAP = 32768  # half of what is kept of a stream


class Looked(Record):
    """How many bytes of a stream were looked at."""

    seen: U64


@network_function
def ids(
    packets: Stream,
    *,
    rules: Path | None = None,
    mode: Literal["alert", "inline"] = "alert",
    out: Path | None = None,
    home: str = "",
    external: str = "",
    unsupported: Literal["refuse", "skip"] = "refuse",
    flows: int = 65536,
    streams: int = 4096,
    overlap: int = 2048,
    midstream: bool = True,
    engine: Literal["auto", "builtin", "hyperscan"] = "auto",
) -> Stream:
    """Find attacks by Snort rules, and drop them where asked.

    Parameters
        ``rules``: the file with the rules, in Snort 2.9's language; must be given. docs/ids.md says which
        options there are. It may include others. When the file changes, it is read again while packets flow;
        one with mistakes is refused, and the old rules stay.

        ``mode``: ``alert`` (every packet goes on; the default) or ``inline`` (rules with drop, reject and sdrop
        drop).

        ``out``: a file that alerts are added to, a line of JSON each, in the form of Suricata's EVE; none where
        it is not given.

        ``home``, ``external``: what HOME_NET and EXTERNAL_NET are, whatever the file says:
        ``home="[10.0.0.0/8,192.168.0.0/16]"``, ``external=!$HOME_NET``. Where neither says it, any address.

        ``unsupported``: what happens to rules that need what Wirebrick lacks: ``refuse`` (the file is refused;
        the default) or ``skip`` (they are left out, and counted by what they need).

        ``flows``: of how many flows each worker knows who is client and whether a connection is established, and
        how many counts of filters it has; 65,536 where it is not given.

        ``streams``: how many directions of TCP connections each worker puts together at once, 4,096 where it is
        not given; 0: none, rules look at each segment alone.

        ``overlap``: how many bytes of a stream are looked at again with what follows, at most, so that a rule
        with several contents finds them across segments; 2,048 where it is not given.

        ``midstream``: whether a connection whose beginning was not seen counts as established; yes where it is
        not given.

        ``engine``: what looks for the contents of all rules at once: ``builtin``, ``hyperscan`` (which must be
        installed), or ``auto``: Hyperscan where it is installed, which is faster with payloads of 64 bytes and
        more; ``auto`` where it is not given.

    What it does
        Looks at IPv4 and IPv6 packets, untagged or behind one or two VLAN tags, by their outermost IP header.
        Rules for TCP that look at the payload alone look at the stream: at the new bytes of each segment in
        order, and at what they make together with bytes before them. All other rules look at each packet. A
        fragment is looked at by rules for ``ip`` alone, unless it is the first.

        Rules that pass come first: where one matches, no other is asked. All others that match tell, 64 of
        a packet at most. In ``inline`` mode a rule that drops and looked at a packet costs this packet; one that
        looked at a stream costs all that follows in both directions.

        Evaluation is bounded: 200,000 steps for a packet. Packets that would take more are counted
        ("given up").

    Drop reasons
        ``dropped``: by a rule, in ``inline`` mode.

    State
        Rules: one book for all workers. In each worker flows (64 bytes and more), filters, and TCP streams
        (64 KiB each at most; pages that are never used cost nothing). Each worker counts for itself: a
        ``threshold`` by_src is per worker.

    Example
        ``wirebrick run ids:rules=local.rules,out=eve.json --in in.pcap``

        >>> import tempfile, wirebrick
        >>> with tempfile.NamedTemporaryFile("w", suffix=".rules") as file:
        ...     _ = file.write('alert ip any any -> any any (msg:"any"; sid:1;)')
        ...     file.flush()
        ...     guard = ids(rules=file.name)
        ...     wirebrick.run(guard, rx="memory:count=5").reports[0][1].rows
        [('1:1', 0, 'alert', 'any', 5, 5)]

    References
        Snort Users Manual 2.9.16, chapter 3; Suricata User Guide, "EVE JSON Output"; Wu and Manber, "A fast
        algorithm for multi-pattern searching", 1994.
    """
    if rules is None:
        raise ParameterError(
            "ids needs rules", cure="name the file with Snort rules: ids:rules=local.rules, or ids(rules=...)"
        )
    _choice("mode", mode, ("alert", "inline"))
    _choice("unsupported", unsupported, ("refuse", "skip"))
    _choice("engine", engine, ("auto", "builtin", "hyperscan"))
    _number("flows", flows, 1)
    _number("streams", streams, 0)
    _number("overlap", overlap, 0, MOST_OVERLAP)
    path = Path(rules)

    def load() -> RuleFile:
        return load_rules(path, home=home, external=external, skip=unsupported == "skip")

    found = load()
    alerts = AlertFile(None if out is None else Path(out), lambda: book.rules, lambda: book.port_names)
    log = Log(Alert, alerts.write)
    fast = engine == "hyperscan" or (engine == "auto" and hyperscan.library() is not None)
    setting = Setting(mode == "inline", bool(midstream), overlap, streams > 0, fast)
    book = Rulebook(found.rules, log, setting, flows=flows, idle=IDLE)

    def again(_: Path) -> str:
        nonlocal found
        new = load()
        book.exchange(new.rules)
        found = new
        return f"{path} has changed: {len(new.rules):,} rules"

    for file in found.files:
        watch(file, again)
    at_end(lambda: tally(book.rules, *book.desk.hits(len(book.rules))))
    at_end(lambda: totals(book.desk.counters(), log.lost, found.skipped))

    look = _look(book)
    parts = ip_packets(packets.parse(Ethernet))
    passed: list[Stream] = []
    for stream, header in ((parts.v4, IPv4), (parts.v6, IPv6)):
        other = Stream()
        tcp = stream.map(look).parse(TCP, otherwise=other)
        if streams:
            tcp = tcp.window(None, None, GAP, _piece(book), metadata=Looked, flows=streams)
        passed += inline(book, tcp, other, header) if mode == "inline" else [tcp, other]
    return merge(*passed, *parts.rest)


def _choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ParameterError(
            f"the {name} of ids can't be {value!r}", cure=f"it is one of {', '.join(choices)}"
        )


def _number(name: str, value: Any, least: int, most: int = MOST) -> None:
    if type(value) is not int or not least <= value <= most:
        raise ParameterError(
            f"the {name} of ids can't be {value!r}", cure=f"give a number from {least} to {most:,}"
        )


def _look(book: Rulebook) -> Callable[[Packet], None]:
    """The function that looks at a packet."""

    def look(packet: Packet) -> None:
        ip = packet.header
        book.packet(ip.raw, packet.payload, ip.protocol, ip.fragment_offset, packet.ingress)

    return look


def _piece(book: Rulebook) -> Callable[[Any], int]:
    """The function that looks at a piece of a stream."""

    def piece(window: Any) -> int:
        keep = book.stream(window.flow, window.data, window.offset, window.metadata.seen)
        window.metadata.seen = window.offset + len(window.data)
        return len(window.data) - keep

    return piece
