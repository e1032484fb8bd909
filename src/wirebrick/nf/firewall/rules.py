'''The rules of the firewall: an access list like Click's IPFilter, in words a user of tcpdump can guess.

One rule a line: an action and a condition. The first rule that matches a packet decides; a packet which none
matches gets the firewall's default. ``#`` starts a comment; empty lines and the case of letters don't matter.

>>> rules = parse_rules("""
... # inside to the web server
... allow tcp from 10.0.0.0/8 to 192.168.1.1 port 80
... deny udp src net 10.1.0.0/16 dst port 5000-5010
... allow src net 10.0.0.0/8 and dst port 53 and udp
... deny ip6 from 2001:db8::/32 to any
... allow icmp
... deny proto 47
... allow all
... """)
>>> [(rule.number, rule.line, rule.action) for rule in rules[:2]], len(rules)
([(1, 3, 'allow'), (2, 4, 'deny')], 7)

The action: ``allow`` (also ``accept``, ``permit``) or ``deny`` (also ``drop``). Alone, or followed by ``all``
or ``any``, it holds for every IP packet. Conditions:

=================================== ==========================================================================
``ip``, ``ip6``                     the version of IP
``tcp``, ``udp``, ``icmp``, ...     the protocol; also icmp6, igmp, sctp, gre, esp, ah, ospf, pim, vrrp.
                                    ``icmp`` is IPv4's and ``icmp6`` IPv6's; ``proto icmp`` takes any version
``proto 47``                        the protocol by number (or name)
``src net 10.0.0.0/8``              the network of the source; ``dst`` for the destination
``src host 10.0.0.1``               a single address; ``host`` and ``net`` can be left out
``host 10.0.0.1``                   without ``src`` or ``dst``: either side; ``src and dst net N``: both sides
``dst port 53``, ``port https``     a TCP or UDP port, by number or name; of SCTP where the rule names it
``src port 5000-5010``              a range, both ends included; also ``portrange 5000-5010``
``from X port P to Y port Q``       source and destination, with or without ports; X and Y may be ``any``
``port 80 or 443``, ``port 80,443`` several values; also ``src net A or B``, ``from A or B to C``
``icmp type echo-request``          the type of a message, and its ``code``, by number, range or name
``tcp flags syn,!ack``              flags of TCP, and ones that must be 0; ``flags SET/MASK``
``dscp ef``, ``ecn ce``             by number, range or name
``ttl 1-5``, ``length 40-100``      numbers and ranges; ``hop-limit`` is the same as ``ttl``
``frag``, ``frag first|later``      fragments
``vlan``, ``vlan 10``               tagged frames, and the number in the outermost tag
``ether src 02:00:00:00:00:01``     MAC addresses, ``/24`` behind one for its first 24 bits
``ingress NAME``                    the port that a packet came in by
=================================== ==========================================================================

Conditions side by side, or joined by ``and`` (``&&``), must all hold; ``or`` (``||``), ``not`` (``!``) and
parentheses work. ``tcp port 80 or udp port 53`` groups what stands side by side, as tcpdump does.

>>> def rows(text):
...     for row in parse_rules(text)[0].matches:
...         print(row)
>>> rows("allow tcp dst port 80 or 443")
tcp from any to any port 80
tcp from any to any port 443
>>> rows("deny port 53")
tcp from any port 53 to any
udp from any port 53 to any
tcp from any to any port 53
udp from any to any port 53
>>> rows("deny not (ip6 or src net 128.0.0.0/2)")
ip from 0.0.0.0/1 to any
ip from 192.0.0.0/2 to any

What is refused rather than guessed: ``and`` beside ``or`` without parentheses (tcpdump reads them from left
to right, others don't); ``not`` before several conditions without parentheses; ``not`` before a port (later
fragments have no port, so neither "port 80" nor "the other ports" may hold for them); two addresses side by
side (which is the source?); ``src X port N`` (whose port?); a network without a prefix length or with bits
set behind it; names of hosts; and conditions that no packet can satisfy. A rule that looks at a port never
matches a packet whose ports can't be read; ``port 0-65535`` looks at none.

A rule becomes rows (:class:`Match`): one for each combination of sides, values and protocols, at most 4096.
``not`` makes many: 255 for a protocol, as many as the prefix is long for an address. An exception is cheaper
as a rule of its own, with the other action, put first.

>>> parse_rules("allow from 10.1.2.3/8\\nallow tcpp\\ndeny all", file="acl.rules")
Traceback (most recent call last):
wirebrick.errors.ParameterError: acl.rules:1:12: '10.1.2.3/8' has bits set behind its prefix (and 1 ...
  help: the network is 10.0.0.0/8; a single address is written 10.1.2.3

Protocol numbers are IANA's; prefixes are those of RFC 4632 (IPv4) and RFC 4291 (IPv6).
'''

from __future__ import annotations

import linecache
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wirebrick.errors import ParameterError, Place
from wirebrick.nf.firewall.conditions import rows_of
from wirebrick.nf.firewall.match import Match, PacketFields
from wirebrick.nf.firewall.names import Action
from wirebrick.nf.firewall.syntax import parse_rule
from wirebrick.nf.firewall.words import Line

__all__ = ["Match", "PacketFields", "Rule", "load_rules", "parse_rules", "reference_match"]

LARGEST_FILE = 16 << 20
LINES_NAMED = 8
LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Rule:
    """One rule: ``number`` counts rules from 1, ``line`` lines; it matches where one of ``matches`` covers.

    >>> rule = parse_rules("drop TCP port 25  # no mail")[0]
    >>> rule.number, rule.text, rule.action, len(rule.matches)
    (1, 'drop TCP port 25', 'deny', 2)
    """

    number: int
    text: str
    line: int
    action: Action
    matches: tuple[Match, ...]


def parse_rules(text: str, *, file: str = "<rules>") -> list[Rule]:
    """Parse the text of a rule file; ``file`` is its name in errors.

    Raises ParameterError for the first line that is wrong, and says how many more there are and where.

    >>> parse_rules("# nothing but a comment")
    []
    """
    rules: list[Rule] = []
    errors: list[tuple[int, ParameterError]] = []
    for number, source in enumerate(LINE_END.split(text), start=1):
        line = Line(source, file, number)
        if not line.words:
            continue
        try:
            action, matches = _parse_line(line)
        except ParameterError as error:
            errors.append((number, error))
        else:
            rules.append(Rule(len(rules) + 1, line.text.strip(), number, action, matches))
    if errors:
        raise _all_in_one(errors)
    return rules


def load_rules(path: str | os.PathLike[str]) -> list[Rule]:
    """Parse a rule file: UTF-8 text of at most 16 MiB.

    Raises ParameterError where the file can't be read, isn't text, or has errors.

    >>> load_rules("/nowhere/acl.rules")
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: the rule file /nowhere/acl.rules can't be read: No such file or directory
      help: give the path of a file with one rule a line, such as 'allow tcp port 80'
    """
    name = os.fspath(path)
    cure = "give the path of a file with one rule a line, such as 'allow tcp port 80'"
    try:
        with Path(name).open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise ParameterError(f"the rule file {name} can't be read: {reason}", cure=cure) from None
    if len(content) > LARGEST_FILE:
        raise ParameterError(f"the rule file {name} is larger than {LARGEST_FILE >> 20} MiB", cure=cure)
    # An error shows the line it is about; what an earlier load left in the cache may be old.
    linecache.checkcache(name)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = LINE_END.split(error.object[: error.start].decode("utf-8-sig"))
        place = Place(name, len(before), len(before[-1]) + 1)
        message = f"the rule file is not UTF-8 text: it has the byte {error.object[error.start]:#04x} here"
        cure = "save it as UTF-8, or check that it is a rule file"
        raise ParameterError(message, place=place, cure=cure) from None
    return parse_rules(text, file=name)


def reference_match(rules: Sequence[Rule], packet: PacketFields) -> Rule | None:
    """Give the first rule that matches a packet, or None: slow and obvious, to test faster ones against.

    >>> rules = parse_rules("deny dst port 25 \\n allow tcp")
    >>> mail = PacketFields(version=4, protocol=6, src=1, dst=2, src_port=4711, dst_port=25)
    >>> fragment = PacketFields(version=4, protocol=6, src=1, dst=2, has_ports=False)
    >>> reference_match(rules, mail).action, reference_match(rules, fragment).action
    ('deny', 'allow')
    """
    for rule in rules:
        if any(match.covers(packet) for match in rule.matches):
            return rule
    return None


def _parse_line(line: Line) -> tuple[Action, tuple[Match, ...]]:
    action, condition = parse_rule(line)
    return action, rows_of(line, condition)


def _all_in_one(errors: list[tuple[int, ParameterError]]) -> ParameterError:
    first = errors[0][1]
    others = [str(number) for number, _ in errors[1:]]
    message = first.message
    if others:
        lines = ", ".join(others[:LINES_NAMED]) + (", ..." if len(others) > LINES_NAMED else "")
        plural = "s" if len(others) > 1 else ""
        message += f" (and {len(others)} more error{plural}: line{plural} {lines})"
    return ParameterError(message, place=first.place, cure=first.cure)
