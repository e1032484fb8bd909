"""firewall: the network function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from wirebrick.errors import ParameterError
from wirebrick.fields import U32, U64
from wirebrick.headers import Ethernet
from wirebrick.nf.firewall.names import ACTIONS
from wirebrick.nf.firewall.rows import DEFAULT_DENIED, NO_RULE, PASS, RowV4, RowV6, packed, roomy
from wirebrick.nf.firewall.rules import load_rules
from wirebrick.nf.firewall.tally import tally
from wirebrick.nf.firewall.tracking import Tracking
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.packet.packet import Packet
from wirebrick.state.array import Array
from wirebrick.stream.graph import at_end
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

OTHER = ("allow", "arp", "deny")
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
MOST_ROWS = 1_000_000  # a packet may cost about so many turns of a loop
TAGS = (0x8100, 0x88A8, 0x9100)


@network_function
def firewall(
    packets: Stream,
    *,
    rules: Path | None = None,
    default: Literal["drop", "deny", "allow", "accept", "permit"] = "drop",
    other: Literal["allow", "arp", "deny"] = "allow",
    stateful: bool = False,
    loose: bool = False,
    connections: int = 1 << 18,
    opening: float = 240.0,
    established: float = 7440.0,
    closing: float = 240.0,
    udp_one_way: float = 120.0,
    udp: float = 300.0,
    query: float = 60.0,
    unknown: float = 600.0,
) -> Stream:
    """Let IP packets through or drop them by an access list.

    Parameters
        ``rules``: the file with the access list, one rule a line; must be given. The language is described in
        ``wirebrick.nf.firewall.rules``: ``allow tcp from 10.0.0.0/8 to any port 80 or 443``, ``deny icmp``.

        ``default``: what happens to IP packets that no rule matches, ``drop`` (or ``deny``) or ``allow`` (or
        ``accept``, ``permit``); ``drop`` where it is not given.

        ``other``: what happens to frames that are not IP, such as ARP, spanning tree or MPLS: ``allow``,
        ``arp`` (only ARP passes) or ``deny``; ``allow`` where it is not given.

    What it does
        Looks at IPv4 and IPv6 packets, untagged or behind one or two VLAN tags. The first rule that matches a
        packet decides. Packets leave unchanged. Each packet is judged alone (there are no connections), by
        its outermost IP header (tunnels are not opened). Ports are looked at in TCP and UDP only, and where
        they can't be read (fragments behind the first, packets cut short) no rule that names a port matches.

        Nothing passes as "not IP" that a host could take for IP: frames whose ethertype says IP or VLAN and
        whose bytes are no well-formed header, and frames with more than two tags, are dropped. IP within
        MPLS, PPPoE or LLC/SNAP is not IP here: ``other`` decides.

    Drop reasons
        ``denied``: by a rule. ``default_denied``: no rule matched. ``malformed``: not the IP or VLAN header
        that the ethertype says. ``too_many_tags``: three VLAN tags or more. ``not_ip``: by ``other``.

    State
        A counter for each rule and one for the default, in each worker; reported at the end of a run. The
        time a packet takes grows with the number of rules before the one that matches.

    Example
        ``wirebrick run firewall:rules=acl.rules,default=drop --in in.pcap --out out.pcap``

        >>> import tempfile, wirebrick
        >>> with tempfile.NamedTemporaryFile("w", suffix=".rules") as file:
        ...     _ = file.write("deny icmp")
        ...     file.flush()
        ...     guard = firewall(rules=file.name, default="allow")
        ...     wirebrick.run(guard, rx=[bytes(60)], interpret=True).packets_out
        1

    References
        RFC 791, RFC 8200 (headers); RFC 1858, RFC 7112 (fragments); Click's IPFilter element.
    """
    if rules is None:
        raise ParameterError(
            "the firewall needs rules",
            cure="name the file with the access list: firewall:rules=acl.rules, or firewall(rules=...)",
        )
    _check("default", default, tuple(ACTIONS))
    _check("other", other, OTHER)
    access = load_rules(rules)
    allows = ACTIONS[default] == "allow"
    v4_rows, v6_rows = packed(access)
    rows = max(len(v4_rows), len(v6_rows))
    if rows > MOST_ROWS:
        raise ParameterError(
            f"the rules of {rules} make {rows:,} rows, and {MOST_ROWS:,} are the most",
            cure="write fewer rules, with larger networks and ranges of ports",
        )
    hits = Array(U64, roomy(len(access) + 1))
    unmatched = PASS if allows else DEFAULT_DENIED
    judge_v4 = _judge(RowV4, v4_rows, hits, unmatched)
    judge_v6 = _judge(RowV6, v6_rows, hits, unmatched)
    at_end(lambda: tally(access, "allow" if allows else "drop", hits.totals()))

    tracking = None
    if stateful:
        timeouts = {
            "opening": opening,
            "established": established,
            "closing": closing,
            "udp_one_way": udp_one_way,
            "udp": udp,
            "query": query,
            "other": unknown,
        }
        tracking = Tracking(capacity=connections, loose=loose, timeouts=timeouts)
    runts = Stream()
    found = ip_packets(packets.parse(Ethernet, otherwise=runts))
    passed = []
    for stream, judge, version in ((found.v4, judge_v4, 4), (found.v6, judge_v6, 6)):
        judged = tracking.judged(stream, judge, version) if tracking else stream.group_by(3, judge)
        allowed, denied, default_denied = judged
        denied.drop("denied")
        default_denied.drop("default_denied")
        passed.append(allowed)
    untagged, tagged, twice_tagged = found.rest
    rest = [untagged, tagged, twice_tagged.filter(_is_not_tagged, reason="too_many_tags")]
    honest = [stream.filter(_is_not_ip, reason="malformed") for stream in rest]
    if other == "arp":
        honest = [stream.filter(_is_arp, reason="not_ip") for stream in honest]
    if other == "deny":
        merge(*honest).drop("not_ip")
    else:
        passed += honest
    if other == "allow":
        passed.append(runts)
    else:
        runts.drop("not_ip")
    return merge(*passed)


def _check(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        cure = f"it is one of {', '.join(choices)}"
        raise ParameterError(f"the firewall's {name} can't be {value!r}", cure=cure)


def _judge(
    kind: type[RowV4 | RowV6], access: Sequence[RowV4 | RowV6], hits: Array, unmatched: int
) -> Callable[[Packet], int]:
    """The function that finds the verdict on a packet, and counts it; for IPv4 or IPv6, as the rows are."""
    # The number of rows is in memory, not a constant: another rule file needs no other machine code.
    padding = [kind()] * (roomy(len(access)) - len(access))
    rows = Array(kind, values=[*access, *padding])
    counts = Array(U32, values=[len(access)])

    def judge(packet: Packet) -> int:
        ip = packet.header
        src = ip.src
        dst = ip.dst
        protocol = ip.protocol
        src_port = 0  # ports are one higher than they are: see rows.py
        dst_port = 0
        if (protocol == 6 or protocol == 17) and ip.fragment_offset == 0 and len(packet.payload) >= 4:
            src_port = packet.payload.u16(0) + 1
            dst_port = packet.payload.u16(2) + 1
        for index in range(counts[0]):
            row = rows[index]
            if (
                dst & row.dst_mask == row.dst
                and src & row.src_mask == row.src
                and protocol & row.protocol_mask == row.protocol
                and row.dst_low <= dst_port <= row.dst_high
                and row.src_low <= src_port <= row.src_high
            ):
                hits[row.rule] += 1
                return row.verdict  # type: ignore[no-any-return]
        hits[NO_RULE] += 1
        return unmatched

    return judge


def _is_not_tagged(packet: Packet) -> bool:
    return packet.header.ethertype not in TAGS


def _is_not_ip(packet: Packet) -> bool:
    kind = packet.header.ethertype
    return kind != IPV4 and kind != IPV6 and kind not in TAGS


def _is_arp(packet: Packet) -> bool:
    return packet.header.ethertype == ARP  # type: ignore[no-any-return]
