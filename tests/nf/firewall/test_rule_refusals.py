"""The rule language: every error, with its column, its reason and its cure."""

from __future__ import annotations

import pytest

from wirebrick.errors import ParameterError
from wirebrick.nf.firewall.rules import parse_rules


def refusal(text: str) -> ParameterError:
    with pytest.raises(ParameterError) as caught:
        parse_rules(text, file="acl.rules")
    return caught.value


# Each line: the rule, the column of the error, and a part of the message and of the cure.
REFUSALS = [
    ("tcp port 80", 1, "starts with its action, not with 'tcp'", "allow tcp ..."),
    ("alow tcp", 1, "not with 'alow'", "did you mean 'allow'?"),
    ("10 frobnicate", 1, "not with '10'", "allow, accept, permit, deny, drop"),
    ("allow tpc", 7, "unknown word 'tpc'", "did you mean 'tcp'?"),
    ("  allow  scr host 10.0.0.1", 10, "unknown word 'scr'", "did you mean 'src'?"),
    ("allow xyzzy", 7, "unknown word 'xyzzy'", "write a protocol"),
    ("allow tcp deny udp", 11, "'deny' starts another rule", "one rule on each line"),
    ("allow tcp 80", 11, "a bare '80' says nothing", "write 'port 80' or 'proto 80'"),
    ("allow http", 7, "is the name of a port", "write 'port http'"),
    ("allow tcp any", 11, "'any' stands alone or as an address", "from any to any"),
    ("allow all tcp", 7, "'all' stands alone", "leave it out"),
    ("allow any any", 7, "'any' stands alone", "leave it out"),
    ("allow tcp and", 14, "a condition is missing before the end of the line", "leave out the word before"),
    ("allow and tcp", 7, "a condition is missing before 'and'", "add it"),
    ("allow not", 10, "a condition is missing", "add it"),
    ("allow ()", 8, "a condition is missing before ')'", "add it"),
    ("allow (tcp", 7, "this '(' is never closed", "add the ')'"),
    ("allow tcp)", 10, "this ')' closes nothing", "leave it out"),
    ("allow " + "(" * 40 + "tcp" + ")" * 40, 39, "more than 32 parentheses", "several rules"),
    ("allow tcp & udp", 11, "unknown word '&'", "write a protocol"),
    # addresses
    ("allow src", 10, "an address is missing here", "such as 10.0.0.1"),
    ("allow from to 10.0.0.1", 12, "'to' is not an address", "192.0.2.1"),
    ("allow from port 80", 12, "'port' is not an address", "192.0.2.1"),
    ("allow host 10.0.0.256", 12, "'10.0.0.256' is not an address", "192.0.2.1"),
    ("allow host 10.0.0.01", 12, "is not an address", "leading zeros"),
    ("allow host example.com", 12, "is not an address", "names are not looked up"),
    ("allow host any", 12, "'any' is not an address", "192.0.2.1"),
    ("allow net 192.168.1", 11, "is not an address", "write all four numbers: 192.168.1.0/24"),
    ("allow net 10/8", 11, "is not an address", "write all four numbers: 10.0.0.0/8"),
    ("allow src fe80::1%eth0", 11, "has a zone", "fe80::1"),
    ("allow src 2001:db8::1::2", 11, "is not an address", "2001:db8::1"),
    ("allow net 10.0.0.0", 11, "has no prefix length", "10.0.0.0/LENGTH' with 0 to 32"),
    ("allow host 10.0.0.0/8", 12, "is a network, not a host", "net 10.0.0.0/8"),
    ("allow from 10.1.2.3/8", 12, "has bits set behind its prefix", "the network is 10.0.0.0/8;"),
    ("allow from 2001:db8::1/32", 12, "has bits set behind its prefix", "the network is 2001:db8::/32;"),
    ("allow from 10.0.0.0/33", 12, "has a bad prefix length", "a number from 0 to 32"),
    ("allow from ::/129", 12, "has a bad prefix length", "IPv6 prefix is a number from 0 to 128"),
    ("allow from 10.0.0.0/", 12, "has a bad prefix length", "a number from 0 to 32"),
    ("allow from 10.0.0.0/-1", 12, "has a bad prefix length", "a number from 0 to 32"),
    ("allow from 10.0.0.0/\u0668", 12, "has a bad prefix length", "a number from 0 to 32"),
    ("allow from 10.0.0.0/255.0.0.0", 12, "has a bad prefix length", "write '10.0.0.0/8'"),
    ("allow from 10.0.0.0/0.255.255.255", 12, "has a bad prefix length", "write '10.0.0.0/8'"),
    ("allow from 10.0.0.0/255.0.255.0", 12, "has a bad prefix length", "holes"),
    ("allow tcp 10.0.0.0/8 10.1.0.0/16", 22, "source or the destination '10.1.0.0/16'", "from A to B"),
    ("allow tcp host 10.0.0.1 host 10.0.0.2", 25, "source or the destination", "from A to B"),
    # ports
    ("allow port", 11, "a port is missing here", "0 to 65535"),
    ("allow dst port 65536", 16, "port 65536 is out of range", "0 to 65535"),
    ("allow dst port " + "9" * 5000, 16, "is not a port", "0 to 65535"),
    ("allow dst port 1-70000", 16, "port 70000 is out of range", "0 to 65535"),
    ("allow dst port 90-80", 16, "the port range '90-80' is reversed", "write 80-90"),
    ("allow dst port -1", 16, "'-1' is not a port", "0 to 65535"),
    ("allow dst port 080", 16, "'080' is not a port", "0 to 65535"),
    ("allow dst port \u0668", 16, "is not a port", "0 to 65535"),
    ("allow dst port 1024-", 16, "is not a port", "write 1024-65535"),
    ("allow dst port 80:90", 16, "is not a port", "write the range as 80-90"),
    ("allow dst port 80,", 19, "a value is missing beside the comma", "without spaces"),
    ("allow dst port htpps", 16, "'htpps' is not a port", "did you mean 'https'?"),
    ("allow src 10.0.0.1 port 80", 20, "the source's or the destination's port?", "'src port N'"),
    ("allow port 80 port 90", 15, "the source's or the destination's port?", "'src port N'"),
    ("allow icmp port 80", 17, "only TCP and UDP have ports", "leave the port out"),
    ("allow port 80 gre", 15, "only TCP and UDP have ports", "leave the port out"),
    ("allow not dst port 80", 20, "'not' can't be said of a port", "'dst port 0-79 or 81-65535'"),
    ("allow not tcp and not port 80", 28, "'not' can't be said of a port", "0-79 or 81-65535"),
    ("allow not dst port 0-65535", 20, "'not' can't be said of a port", "other action for these ports first"),
    # protocols
    ("allow proto", 12, "a protocol is missing here", "0 to 255"),
    ("allow proto 256", 13, "'256' is not a protocol", "0 to 255"),
    ("allow proto tpc", 13, "'tpc' is not a protocol", "did you mean 'tcp'?"),
    # what no packet can satisfy
    ("allow from 10.0.0.0/8 to 2001:db8::1", 26, "IPv4 and IPv6 are mixed", "a rule for each version"),
    ("allow ip6 from 10.0.0.1 to any", 16, "IPv4 and IPv6 are mixed", "a rule for each version"),
    ("allow icmp from ::1 to any", 17, "IPv4 and IPv6 are mixed", "icmp6"),
    ("allow ip and ip6", 14, "IPv4 and IPv6 are mixed", "a rule for each version"),
    ("allow tcp udp", 11, "a packet has only one protocol", "join them with 'or'"),
    ("allow src 10.0.0.1 and 10.0.0.2", 24, "only one source address", "join them with 'or'"),
    ("allow from any to 1.1.1.1 and dst 1.1.1.2", 35, "only one destination address", "'or'"),
    ("allow src port 80 and 81", 23, "only one source port", "join them with 'or'"),
    ("allow dst port 80 and 81", 23, "only one destination port", "join them with 'or'"),
    ("allow not src any", 7, "the rule can never match", "leave the rule out"),
    ("allow not host 10.0.0.1 and src 10.0.0.1", 33, "only one source address", "'or'"),
    # more than one reading
    ("allow tcp and port 80 or 443", 23, "mixed without parentheses", "(A and B) or C"),
    ("allow tcp or udp and ip", 18, "mixed without parentheses", "A and (B or C)"),
    ("allow port 80 or 443 and src or dst ::1", 22, "mixed without parentheses", "(A and B) or C"),
    ("allow not tcp ip", 15, "does the 'not' hold for 'ip' too?", "not (A and B)"),
    ("allow not host 1.1.1.1 or 1.1.1.2", 27, "does the 'not' hold for '1.1.1.2' too?", "not (A or B)"),
    ("allow src or src ::1", 14, "'src' is said twice", "src or dst"),
    # too much
    ("allow not host ::1", 16, "more than 4096 simple ones", "other action"),
    ("allow tcp[13]", 7, "unknown word 'tcp[13]'", "did you mean 'tcp'?"),
    ("allow \x00\x1b[31m", 7, "unknown word '\\x00\\x1b[31m'", "write a protocol"),
    ("allow " + "x" * 500, 7, "x...'", "write a protocol"),
]


@pytest.mark.parametrize(("text", "column", "message", "cure"), REFUSALS)
def test_refusal(text: str, column: int, message: str, cure: str) -> None:
    error = refusal("# head\n" + text)
    assert error.place is not None
    assert (error.place.file, error.place.line, error.place.column) == ("acl.rules", 2, column)
    assert message in error.message
    assert cure in error.cure
    assert len(error.message) < 200


def test_all_errors_are_counted() -> None:
    error = refusal("allow tcpp\nallow tcp\nallow port 99999\n\ndeny frm any\n")
    assert error.place is not None
    assert error.place.line == 1
    assert error.message == "unknown word 'tcpp' (and 2 more errors: lines 3, 5)"
    assert refusal("allow tcpp\nport").message.endswith(" (and 1 more error: line 2)")
    assert refusal("x\n" * 20).message.endswith(" (and 19 more errors: lines 2, 3, 4, 5, 6, 7, 8, 9, ...)")


def test_long_lists_are_fast_and_bounded() -> None:
    ports = " or ".join(str(2 * port) for port in range(4000))
    assert len(parse_rules(f"allow tcp dst port {ports}")[0].matches) == 4000
    many = " or ".join(str(2 * port) for port in range(5000))
    assert "more than 4096" in refusal(f"allow tcp dst port {many}").message
