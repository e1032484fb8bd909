"""Tests of NFs as text: a script, its input, its expected output.

A ``.test`` file has cases; each begins with ``=== title`` and has sections:

``[nf]``            the NF, as on the command line
``[file NAME]``     a file that is there when it runs
``[input]``         packets, one a line: a scapy expression, or bytes in hex
``[output]``        the packets that leave, written the same way, or ``input 3``: the third that came in
``[drops]``         drop reasons with their numbers (none: nothing is dropped)
``[report]``        the rows of the report, cells separated by ``|``
``[wrote NAME]``    a file that is there afterwards, with these contents
``[interpreted]``   where compiling takes seconds: it is run interpreted only, as another test has its like compiled

``#`` starts a comment, except in files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scapy.layers import dns, inet, inet6, l2
from scapy.packet import Packet, Raw

import wirebrick
from wirebrick.nf.load import load_nf

SECTION = re.compile(r"\[(\w+)(?: (\S+))?\]")
HEX = re.compile(r"(?:[0-9a-fA-F]{2}\s*)+")


@dataclass
class Case:
    """One case: section to lines; files by name."""

    title: str
    sections: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)
    wrote: dict[str, list[str]] = field(default_factory=dict)

    def run(self, folder: Path, interpret: bool) -> None:
        """Run it with ``folder`` as the working directory, and compare."""
        for name, lines in self.files.items():
            (folder / name).write_text("\n".join(lines) + "\n")
        sent = [packet(line) for line in self.sections["input"]]
        result = wirebrick.run(load_nf(self.sections["nf"][0]), rx=sent, interpret=interpret)
        expected = [
            sent[int(line.split()[1]) - 1] if line.startswith("input ") else packet(line)
            for line in self.sections["output"]
        ]
        assert [frame.hex() for frame in result.packets] == [frame.hex() for frame in expected]
        drops = dict(line.split() for line in self.sections.get("drops", []))
        assert result.drops == {reason: int(count) for reason, count in drops.items()}
        assert result.packets_in == len(sent)
        more = result.packets_made + result.packets_copied
        assert len(sent) + more == result.packets_out + result.packets_dropped
        if "report" in self.sections:
            (_, report), *_ = result.reports
            expected_rows = [[cell.strip() for cell in line.split("|")] for line in self.sections["report"]]
            assert [list(map(str, row)) for row in report.rows] == expected_rows
        for name, lines in self.wrote.items():
            assert (folder / name).read_text().splitlines() == lines


def read_cases(path: Path) -> list[Case]:
    """The cases of a ``.test`` file."""
    cases: list[Case] = []
    lines: list[str] = []
    in_file = False
    for line in path.read_text().splitlines():
        section = SECTION.fullmatch(line)
        if line.startswith("==="):
            cases.append(Case(line.strip("= ")))
        elif section:
            lines = []
            kind, name = section.groups()
            in_file = kind in ("file", "wrote")
            holder: dict[str, list[str]] = cases[-1].sections
            if in_file:
                holder = cases[-1].files if kind == "file" else cases[-1].wrote
            holder[name or kind] = lines
        elif in_file and line:
            lines.append(line)
        elif text := line.partition("#")[0].strip():
            lines.append(text)
    return cases


def packet(line: str) -> bytes:
    """The bytes of a packet: hex, or what a scapy expression builds."""
    if HEX.fullmatch(line):
        return bytes.fromhex(line)
    built = eval(line, dict(NAMES))
    return built if isinstance(built, bytes) else bytes(built)


def _with(layer: type[Packet], **defaults: Any) -> Any:
    """The scapy layer, with defaults that need no look at this machine's interfaces."""
    return lambda **fields: layer(**{**defaults, **fields})


def _cut(built: Packet, size: int) -> bytes:
    return bytes(built)[:size]


def _dns_tcp(name: str) -> bytes:
    """A query as it stands in a TCP stream: its length before it."""
    message = bytes(dns.DNS(qd=dns.DNSQR(qname=name)))
    return len(message).to_bytes(2, "big") + message


NAMES = {
    "Ether": _with(l2.Ether, dst="02:00:00:00:00:0d", src="02:00:00:00:00:05"),
    "IP": _with(inet.IP, src="192.0.2.1", dst="198.51.100.2"),
    "IPv6": _with(inet6.IPv6, src="2001:db8::1", dst="2001:db8:0:1::2"),
    "ARP": _with(l2.ARP, hwsrc="02:00:00:00:00:05", psrc="192.0.2.1", pdst="192.0.2.2"),
    "Dot1Q": l2.Dot1Q,
    "Dot1AD": l2.Dot1AD,
    "TCP": inet.TCP,
    "UDP": inet.UDP,
    "ICMP": inet.ICMP,
    "ICMPv6": inet6.ICMPv6EchoRequest,
    "ND_NS": inet6.ICMPv6ND_NS,
    "ND_NA": inet6.ICMPv6ND_NA,
    "ND_RA": inet6.ICMPv6ND_RA,
    "ND_RS": inet6.ICMPv6ND_RS,
    "Unreachable6": inet6.ICMPv6DestUnreach,
    "Fragment": inet6.IPv6ExtHdrFragment,
    "HopByHop": inet6.IPv6ExtHdrHopByHop,
    "Options": inet.IPOption_Router_Alert,
    "GRE": l2.GRE,
    "DNS": dns.DNS,
    "DNSQR": dns.DNSQR,
    "DNSRR": dns.DNSRR,
    "DNSRROPT": dns.DNSRROPT,
    "dns_tcp": _dns_tcp,
    "Raw": Raw,
    "cut": _cut,
}
