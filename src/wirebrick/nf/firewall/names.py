"""The words of the rule language: actions, protocols (IANA's numbers) and services (IANA's port numbers).

The tables are built in, so a rule file means the same on every machine, whatever its /etc/services says.

>>> PROTOCOLS["gre"], SERVICES["https"], ACTIONS["drop"]
(47, 443, 'deny')
"""

from __future__ import annotations

from typing import Literal

Action = Literal["allow", "deny"]

ICMP = 1
TCP = 6
UDP = 17
DCCP = 33
ICMP6 = 58
SCTP = 132
UDPLITE = 136

ACTIONS: dict[str, Action] = {
    "allow": "allow",
    "accept": "allow",
    "permit": "allow",
    "deny": "deny",
    "drop": "deny",
}
"""Each spelling of an action."""

PROTOCOLS: dict[str, int] = {
    "icmp": ICMP,
    "igmp": 2,
    "ipip": 4,
    "tcp": TCP,
    "udp": UDP,
    "dccp": DCCP,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmp6": ICMP6,
    "icmpv6": ICMP6,
    "ospf": 89,
    "pim": 103,
    "vrrp": 112,
    "l2tp": 115,
    "sctp": SCTP,
    "udplite": UDPLITE,
}
"""Protocol names, usable alone (``gre``) and after ``proto``."""

ONE_VERSION: dict[str, int] = {"icmp": 4, "icmp6": 6, "icmpv6": 6}
"""Protocol names which, alone, also say the version of IP, as they do in tcpdump."""

VERSIONS: dict[str, int] = {"ip": 4, "ip4": 4, "ipv4": 4, "ip6": 6, "ipv6": 6}
"""Words for the version of IP."""

SERVICES: dict[str, int] = {
    "ftp-data": 20,
    "ftp": 21,
    "ssh": 22,
    "telnet": 23,
    "smtp": 25,
    "domain": 53,
    "dns": 53,
    "bootps": 67,
    "bootpc": 68,
    "tftp": 69,
    "http": 80,
    "kerberos": 88,
    "pop3": 110,
    "sunrpc": 111,
    "ntp": 123,
    "netbios-ns": 137,
    "netbios-dgm": 138,
    "netbios-ssn": 139,
    "imap": 143,
    "snmp": 161,
    "snmptrap": 162,
    "bgp": 179,
    "ldap": 389,
    "https": 443,
    "microsoft-ds": 445,
    "isakmp": 500,
    "syslog": 514,
    "rip": 520,
    "submission": 587,
    "ldaps": 636,
    "domain-s": 853,
    "imaps": 993,
    "pop3s": 995,
    "openvpn": 1194,
    "radius": 1812,
    "radius-acct": 1813,
    "nfs": 2049,
    "mysql": 3306,
    "ms-wbt-server": 3389,
    "ipsec-nat-t": 4500,
    "vxlan": 4789,
    "sip": 5060,
    "sips": 5061,
    "mdns": 5353,
    "postgresql": 5432,
    "geneve": 6081,
    "http-alt": 8080,
}
"""Service names, usable after ``port``."""

AND = frozenset({"and", "&&"})
OR = frozenset({"or", "||"})
NOT = frozenset({"not", "!"})
ANY = frozenset({"any", "all"})
DIRECTIONS = frozenset({"src", "dst"})
PORT_WORDS = frozenset({"port", "portrange"})

CONDITIONS: tuple[str, ...] = (
    *VERSIONS, *PROTOCOLS, "proto", "src", "dst", "host", "net", "port", "portrange",
    "from", "to", "any", "all", "and", "or", "not", "type", "code", "flags", "frag", "dscp", "ecn", "ttl",
    "hop-limit", "length", "vlan", "ether", "ingress",
)  # fmt: skip
"""Every word that may stand in a condition: what a misspelt one is compared with."""
