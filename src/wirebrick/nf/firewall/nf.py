"""firewall: the network function."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from wirebrick.errors import ParameterError
from wirebrick.headers import Ethernet
from wirebrick.nf.firewall.access import AccessList
from wirebrick.nf.firewall.judge import TAGS, make_judge
from wirebrick.nf.firewall.keys import KeyV4, KeyV6
from wirebrick.nf.firewall.names import ACTIONS
from wirebrick.nf.firewall.review import remarks
from wirebrick.nf.firewall.rows import DEFAULT_DENIED, PASS
from wirebrick.nf.firewall.rules import load_rules
from wirebrick.nf.firewall.tally import tally
from wirebrick.nf.firewall.tracking import Tracking
from wirebrick.nf.ip_packets import ip_by_tags
from wirebrick.nf.watched import watch
from wirebrick.packet.packet import Packet
from wirebrick.stream.graph import at_end, remark
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

OTHER = ("allow", "arp", "deny")
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD


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
    tcp_opening: float = 240.0,
    tcp_established: float = 7440.0,
    tcp_closing: float = 240.0,
    udp_one_way: float = 120.0,
    udp_two_ways: float = 300.0,
    icmp_query: float = 60.0,
    other_ip: float = 600.0,
    capacity: int | None = None,
    scan: bool = False,
) -> Stream:
    """Let IP packets through or drop them by an access list.

    Parameters
        ``rules``: the file with the access list, one rule a line; must be given. The language is described in
        docs/firewall.md: ``allow tcp from 10.0.0.0/8 to any port 80,443``, ``deny icmp type echo-request``.

        ``default``: what happens to IP packets that no rule matches, ``drop`` (or ``deny``) or ``allow`` (or
        ``accept``, ``permit``); ``drop`` where it is not given.

        ``other``: what happens to frames that are not IP, such as ARP, spanning tree or MPLS: ``allow``,
        ``arp`` (only ARP passes) or ``deny``; ``allow`` where it is not given.

        ``stateful``: ``yes``: connections are tracked, and the rules judge only what begins one; ``no`` where
        it is not given. The parameters below only matter then.

        ``connections``: for how many connections each worker has room, 1 to 268,435,456; 262,144 where it is
        not given. A quarter of them may be half-open. A connection takes 104 to 190 bytes, half as much again over
        IPv6.

        ``loose``: ``yes``: a TCP connection whose beginning was not seen is taken up when a segment of it
        comes that the rules allow; its sequence numbers aren't looked at. ``no`` where it is not given.

        ``tcp_opening``: seconds without a packet after which a connection is forgotten whose handshake isn't
        over, up to 4,500,000, as are those below; 240 where it is not given (RFC 5382, REQ-5).

        ``tcp_established``: of TCP connections that are open; 7440 where it is not given, 2 hours and 4 minutes
        (the least that RFC 5382, REQ-5, allows).

        ``tcp_closing``: of which an end has sent its FIN; 240 where it is not given. After a RST: 10 seconds.

        ``udp_one_way``: of which nothing came back; 120 where it is not given (RFC 4787, REQ-5).

        ``udp_two_ways``: over UDP, once something came back; 300 where it is not given (RFC 4787, REQ-5).

        ``icmp_query``: of echo and other queries; 60 where it is not given (RFC 5508, REQ-2).

        ``other_ip``: over other protocols, SCTP, GRE and ESP among them; 600 where it is not given.

        ``capacity``: rows of rules there is room for when the file is changed while the firewall runs; twice what
        the first rules make, and at least 1,024, where it is not given.

        ``scan``: look through the rules one by one instead of in a classifier; ``no`` where it is not given.

    What it does
        Looks at IPv4 and IPv6 packets, untagged or behind one or two VLAN tags. The first rule that matches a
        packet decides. Packets leave unchanged. Each packet is judged alone, by
        its outermost IP header (tunnels are not opened). Where ports, ICMP types or flags of TCP can't be read
        (in fragments behind the first, in packets cut short), no rule that names them matches; where rules name
        flags, fragments that could bring them behind a short first one are denied (RFC 3128).

        Rules that are never reached, and ones that contradict each other, are told of. The file is read again
        when it has changed: without errors, its rules take the place of the old ones and no packet is lost; with
        errors, the old ones stay.

        Nothing passes as "not IP" that a host could take for IP: frames whose ethertype says IP or VLAN and
        whose bytes are no well-formed header, and frames with more than two tags, are dropped. IP within
        MPLS, PPPoE or LLC/SNAP is not IP here: ``other`` decides.

        With ``stateful=yes`` packets of known connections pass, in both directions, whatever the rules say;
        and so do ICMP and ICMPv6 errors about a packet that a connection can have sent, to who sent it. What
        begins a connection is judged by the rules, and so is what can't belong to one: ICMP messages that are
        neither queries, replies nor errors, such as neighbour discovery, which IPv6 can't do without. So
        ``allow from 10.0.0.0/8 to any`` lets the inside begin what it likes, and nothing else in.

        - TCP connections begin with a SYN. Each segment must fit the windows of both ends, with their scales,
          and acknowledge what was sent. A RST must have a number in the window; it ends the connection if
          that is the very next one (RFC 5961). A SYN for an open connection passes and changes nothing, so
          that its receiver can challenge it; an answering end's doesn't. Checksums are not verified.
        - UDP, SCTP: the same addresses and ports. ICMP queries: the same addresses and identifier; each reply
          needs its query. Other protocols: the same addresses. VLAN tags make no difference.
        - Fragments: the first one must have the whole TCP, UDP or SCTP header, and is judged like a packet.
          The others pass within 30 seconds behind a first one that passed, if they don't reach into it. What
          comes before its first fragment is dropped.
        - A full table: half-open connections have a room of their own, in which the oldest gives way to new
          ones; an established one is never given up for them, so a flood of SYNs costs handshakes that take
          longer than it takes to fill that room, and nothing else. A new connection that finds no room is
          dropped.
        - Rules that change don't touch connections there are: what they allowed goes on until it ends, though
          new rules would deny it.
        - Several workers: packets go to a worker by the two hosts that talk, both directions, fragments and
          errors alike, so each connection is in one worker, whatever the card chose. Two hosts never have
          more than one worker between them.

    Drop reasons
        ``denied``: by a rule. ``default_denied``: no rule matched. ``malformed``: not the IP or VLAN header
        that the ethertype says. ``too_many_tags``: three VLAN tags or more. ``not_ip``: by ``other``.

        With ``stateful=yes``: ``invalid``: malformed, or what can neither begin a connection nor be part of
        one, such as a segment of a connection that isn't known. ``out_of_window``: a TCP segment with numbers
        that don't fit its connection. ``unrelated``: an ICMP error about no packet of a connection.
        ``fragment``: one whose first fragment didn't pass, or that reaches into it. ``connections_full``.

    State
        A counter for each rule and one for the default, in each worker; reported at the end of a run. A rule
        keeps its count while its text stays in the file. The rules are in two classifiers, for IPv4 and IPv6:
        with 10,000 rules a packet takes a few times as long as with ten.

        With ``stateful=yes`` a table of connections in each worker, and one of 4,096 packets in fragments.
        The report has how many connections there were, expired, gave way half-open, and found no room.

    Example
        ``wirebrick run firewall:rules=acl.rules,default=drop --in in.pcap --out out.pcap``
        ``wirebrick run firewall:rules=acl.rules,stateful=yes --in xdp:inside --out xdp:outside``

        >>> import tempfile, wirebrick
        >>> with tempfile.NamedTemporaryFile("w", suffix=".rules") as file:
        ...     _ = file.write("deny icmp")
        ...     file.flush()
        ...     guard = firewall(rules=file.name, default="allow")
        ...     wirebrick.run(guard, rx=[bytes(60)], interpret=True).packets_out
        1

    References
        RFC 791, RFC 8200 (headers); RFC 1858, RFC 7112 (fragments), RFC 3128; Click's IPFilter element. G. van Rooij,
        *Real stateful TCP packet filtering in IP Filter*; RFC 5382, RFC 4787, RFC 5508 (timeouts); RFC 5961,
        RFC 5927 (attacks on TCP); Linux's conntrack, which passes and ignores some of what is dropped here.
    """
    if rules is None:
        raise ParameterError(
            "the firewall needs rules",
            cure="name the file with the access list: firewall:rules=acl.rules, or firewall(rules=...)",
        )
    _check("default", default, tuple(ACTIONS))
    _check("other", other, OTHER)
    access = AccessList(load_rules(rules), Path(rules), capacity=capacity, scan=scan)
    allows = ACTIONS[default] == "allow"
    unmatched = PASS if allows else DEFAULT_DENIED
    judge_v4 = make_judge(KeyV4, access.v4, access.hits, unmatched, access.ports)
    judge_v6 = make_judge(KeyV6, access.v6, access.hits, unmatched, access.ports)
    for text in remarks(access):
        remark(text)
    watch(access.file, access.load)
    at_end(lambda: tally(access.rules, "allow" if allows else "drop", access.counts()))

    tracking = None
    if stateful:
        timeouts = {
            "tcp_opening": tcp_opening,
            "tcp_established": tcp_established,
            "tcp_closing": tcp_closing,
            "udp_one_way": udp_one_way,
            "udp_two_ways": udp_two_ways,
            "icmp_query": icmp_query,
            "other_ip": other_ip,
        }
        tracking = Tracking(capacity=connections, loose=loose, timeouts=timeouts)
    runts = Stream()
    v4, v6, rest = ip_by_tags(packets.parse(Ethernet, otherwise=runts))
    passed = []
    for streams, judge, version in ((v4, judge_v4, 4), (v6, judge_v6, 6)):
        judged = tracking.judged(streams, judge, version) if tracking else merge(*streams).group_by(3, judge)
        allowed, denied, default_denied = judged
        denied.drop("denied")
        default_denied.drop("default_denied")
        passed.append(allowed)
    untagged, tagged, twice_tagged = rest
    others = [untagged, tagged, twice_tagged.filter(_is_not_tagged, reason="too_many_tags")]
    honest = [stream.filter(_is_not_ip, reason="malformed") for stream in others]
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


def _is_not_tagged(packet: Packet) -> bool:
    return packet.header.ethertype not in TAGS


def _is_not_ip(packet: Packet) -> bool:
    kind = packet.header.ethertype
    return kind != IPV4 and kind != IPV6 and kind not in TAGS


def _is_arp(packet: Packet) -> bool:
    return packet.header.ethertype == ARP  # type: ignore[no-any-return]
