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
from wirebrick.nf.firewall.rows import DEFAULT_DENIED, PASS
from wirebrick.nf.firewall.rules import load_rules
from wirebrick.nf.firewall.tally import tally
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.packet.packet import Packet
from wirebrick.stream.graph import at_end
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
    capacity: int | None = None,
    scan: bool = False,
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
    access = AccessList(load_rules(rules), rules, capacity=capacity, scan=scan)
    allows = ACTIONS[default] == "allow"
    unmatched = PASS if allows else DEFAULT_DENIED
    judge_v4 = make_judge(KeyV4, access.v4, access.hits, unmatched, access.ports)
    judge_v6 = make_judge(KeyV6, access.v6, access.hits, unmatched, access.ports)
    at_end(lambda: tally(access.rules, "allow" if allows else "drop", access.counts()))

    runts = Stream()
    found = ip_packets(packets.parse(Ethernet, otherwise=runts))
    passed = []
    for stream, judge in ((found.v4, judge_v4), (found.v6, judge_v6)):
        allowed, denied, default_denied = stream.group_by(3, judge)
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


def _is_not_tagged(packet: Packet) -> bool:
    return packet.header.ethertype not in TAGS


def _is_not_ip(packet: Packet) -> bool:
    kind = packet.header.ethertype
    return kind != IPV4 and kind != IPV6 and kind not in TAGS


def _is_arp(packet: Packet) -> bool:
    return packet.header.ethertype == ARP  # type: ignore[no-any-return]
