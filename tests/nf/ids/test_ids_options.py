"""What each option means, by the Snort Users Manual: a table of rules, packets, and whether they match."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_LSRR, IPOption_NOP, IPOption_RR
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw
from sensor import CLIENT, SERVER, alerts, tcp, udp

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])

# Options, payload of a UDP datagram, whether the rule matches.
PAYLOADS = [
    # content: somewhere, exactly, in either case, not at all
    ('content:"evil";', b"an evil thing", True),
    ('content:"evil";', b"an Evil thing", False),
    ('content:"evil"; nocase;', b"an EviL thing", True),
    ('content:"e[il"; nocase;', b"E{IL", False),
    ('content:"evil";', b"evi", False),
    ('content:"evil";', b"", False),
    ('content:"|65 76|i|6C|";', b"evil", True),
    ('content:"|00 FF|";', b"x\x00\xff", True),
    (r'content:"a\"b\;c\:d\\e";', b'a"b;c:d\\e', True),
    ('content:!"good";', b"evil", True),
    ('content:!"good";', b"a good one", False),
    ('content:!"good"; nocase;', b"a GOOD one", False),
    ('content:"evil"; content:!"good";', b"evil", True),
    ('content:"evil"; content:!"good";', b"evil and good", False),
    ('content:"aab";', b"aaab", True),
    # offset, depth
    ('content:"evil"; offset:3;', b"..evil", False),
    ('content:"evil"; offset:3;', b"...evil", True),
    ('content:"evil"; depth:4;', b"evil", True),
    ('content:"evil"; depth:4;', b".evil", False),
    ('content:"evil"; depth:5;', b".evil", True),
    ('content:"phf"; offset:4; depth:20;', b"." * 4 + b"phf", True),
    ('content:"phf"; offset:4; depth:20;', b"." * 3 + b"phf", False),
    ('content:"phf"; offset:4; depth:20;', b"." * 21 + b"phf", True),
    ('content:"phf"; offset:4; depth:20;', b"." * 22 + b"phf", False),
    ('content:"evil"; offset:20;', b"evil", False),
    ('content:!"evil"; offset:20;', b"evil", True),
    ('content:!"evil"; depth:4;', b".evil", True),
    ('content:"evil"; startswith;', b"evil!", True),
    ('content:"evil"; startswith;', b"!evil", False),
    ('content:"evil"; endswith;', b"!evil", True),
    ('content:"evil"; endswith;', b"evil!", False),
    ('content:"evil"; endswith;', b"evil!evil", True),
    # distance, within
    ('content:"ABC"; content:"DEF"; distance:1;', b"ABC.DEF", True),
    ('content:"ABC"; content:"DEF"; distance:1;', b"ABCDEF", False),
    ('content:"ABC"; content:"DEF"; distance:1;', b"ABCDEF DEF", True),
    ('content:"ABC"; content:"DEF"; distance:0;', b"DEFABC", False),
    ('content:"ABC"; content:"DEF";', b"DEFABC", True),
    ('content:"ABC"; content:"EFG"; within:10;', b"ABC.......EFG", True),
    ('content:"ABC"; content:"EFG"; within:10;', b"ABC........EFG", False),
    ('content:"ABC"; content:"EFG"; distance:2; within:3;', b"ABC..EFG", True),
    ('content:"ABC"; content:"EFG"; distance:2; within:3;', b"ABC.EFG", False),
    ('content:"ABC"; content:"EFG"; distance:2; within:3;', b"ABC...EFG", False),
    ('content:"ABC"; content:"BC"; distance:-2; within:2;', b"ABC", True),
    ('content:"ABC"; content:"A"; distance:-2;', b"ABC", False),
    ('content:"ABC"; content:!"DEF"; within:6;', b"ABC...DEF", False),
    ('content:"ABC"; content:!"DEF"; within:5;', b"ABC...DEF", True),
    ('content:!"A"; within:50;', b"bbbbb", True),
    ('content:"DEF"; distance:2;', b"..DEF", True),
    ('content:"DEF"; distance:3;', b"..DEF", False),
    # a later place of the first content is the right one
    ('content:"a"; content:"b"; distance:0; within:1;', b"a.a.ab", True),
    ('content:"a"; content:"b"; distance:0; within:1; content:"c"; distance:0; within:1;', b"ab.ab.abc", True),
    ('content:"a"; content:"b"; distance:1; within:1; content:"c"; distance:1; within:1;', b"a.b.a.b.c", True),
    ('content:"a"; content:"b"; distance:1; within:1; content:"c"; distance:1; within:1;', b"a.b..a.b..c", False),
    ('content:"aa"; content:"b"; distance:0; within:1;', b"aaab", True),
    ('content:"x"; content:!"y"; within:1;', b"xyx.", True),
    ('content:"x"; content:!"y"; within:1;', b"xyxy", False),
    ('content:"x"; content:"z"; offset:0; depth:1;', b"zx", True),
    # rawbytes and fast_pattern change nothing
    ('content:"evil"; rawbytes; fast_pattern;', b"evil", True),
    ('content:"evil thing"; content:"an"; fast_pattern:only;', b"an evil thing", True),
    ('content:"evil thing"; content:"an"; fast_pattern:only;', b"evil thing", False),
    ('content:"evil thing"; fast_pattern:5,5;', b"evil thing", True),
    ('content:"evil thing"; fast_pattern:5,5;', b"good thing", False),
    ('content:"EVIL", nocase, offset 2, depth 4;', b"..evil", True),
    # isdataat: a byte at that place
    ("isdataat:4;", b"12345", True),
    ("isdataat:4;", b"1234", False),
    ("isdataat:!4;", b"1234", True),
    ("isdataat:!4;", b"12345", False),
    ('content:"PASS"; isdataat:5,relative;', b"PASS123456", True),
    ('content:"PASS"; isdataat:5,relative;', b"PASS12345", False),
    ('content:"PASS"; isdataat:!0,relative;', b"PASS", True),
    ('content:"PASS"; isdataat:!0,relative;', b"PASS1", False),
    ('content:"PASS"; isdataat:3,relative; content:!"|0a|"; within:3;', b"PASS123456", True),
    ('content:"PASS"; isdataat:3,relative; content:!"|0a|"; within:3;', b"PASS1\n3456", False),
    # byte_test: binary, big and little
    ("byte_test:2,=,258,0;", b"\x01\x02", True),
    ("byte_test:2,=,513,0,little;", b"\x01\x02", True),
    ("byte_test:2,=,258,0,big;", b"\x01\x02", True),
    ("byte_test:2,=,258,1;", b"\x00\x01\x02", True),
    ("byte_test:2,=,258,1;", b"\x00\x01", False),
    ("byte_test:4,>,1000,0;", b"\x00\x00\x03\xe9", True),
    ("byte_test:4,>,1000,0;", b"\x00\x00\x03\xe8", False),
    ("byte_test:4,>=,1000,0;", b"\x00\x00\x03\xe8", True),
    ("byte_test:1,<,5,0;", b"\x04", True),
    ("byte_test:1,<,5,0;", b"\x05", False),
    ("byte_test:1,<=,5,0;", b"\x05", True),
    ("byte_test:1,!=,5,0;", b"\x05", False),
    ("byte_test:1,!,5,0;", b"\x04", True),
    ("byte_test:1,!<,5,0;", b"\x05", True),
    ("byte_test:1,&,0x80,0;", b"\xff", True),
    ("byte_test:1,&,0x80,0;", b"\x7f", False),
    ("byte_test:1,!&,0x80,0;", b"\x7f", True),
    ("byte_test:1,^,5,0;", b"\x05", False),
    ("byte_test:1,^,5,0;", b"\x04", True),
    ("byte_test:4,=,0xffffffff,0;", b"\xff\xff\xff\xff", True),
    ("byte_test:3,=,0x010203,0;", b"\x01\x02\x03", True),
    ('content:"len"; byte_test:1,>,9,1,relative;', b"len.\x0a", True),
    ('content:"len"; byte_test:1,>,9,1,relative;', b"len.\x09", False),
    ('content:"len"; byte_test:1,>,9,1,relative;', b"len.\x09 len.\x0b", True),
    ('content:"len"; byte_test:1,=,108,-3,relative;', b"len", True),
    ("byte_test:2,=,568,0,bitmask 0x3FF0;", b"\x23\x80", True),
    ("byte_test:2,=,569,0,bitmask 0x3FF0;", b"\x23\x80", False),
    # byte_test: digits
    ("byte_test:4,=,1234,0,string,dec;", b"1234", True),
    ("byte_test:4,=,1234,0,string,dec;", b"12345", True),
    ("byte_test:4,=,123,0,string,dec;", b"123", True),
    ("byte_test:10,=,1234567890,0,string,dec;", b"1234567890", True),
    ("byte_test:8,=,0xdeadbeef,0,string,hex;", b"DEADbeef", True),
    ("byte_test:4,=,8,0,string,oct;", b"10 ", True),
    ("byte_test:4,=,12,0,string,dec;", b"x12", False),
    ("byte_test:4,=,12,0,string,dec;", b"  12", True),
    ("byte_test:6,=,0x1f,0,string,hex;", b"0x1f z", True),
    ("byte_test:10,=,0xffffffff,0,string,dec;", b"9999999999", True),
    # byte_jump
    ('byte_jump:1,0; content:"X"; within:1;', b"\x03...X", True),
    ('byte_jump:1,0; content:"X"; within:1;', b"\x02...X", False),
    ('byte_jump:1,0; isdataat:!0,relative;', b"\x03...", True),
    ("byte_jump:1,0;", b"\x04...", False),
    ('byte_jump:2,0,little; content:"X"; within:1;', b"\x01\x00.X", True),
    ('byte_jump:1,0,multiplier 2; content:"X"; within:1;', b"\x02....X", True),
    ('byte_jump:1,0,align; content:"X"; within:1;', b"\x03....X", True),
    ('byte_jump:1,0,align; content:"X"; within:1;', b"\x04....X", True),
    ('byte_jump:1,2,from_beginning; content:"X"; within:1;', b"..\x01X", False),
    ('byte_jump:1,2,from_beginning; content:"X"; within:1;', b".X\x01.", True),
    ('byte_jump:1,0,from_end,post_offset -2; content:"X"; within:1;', b"\x00..X.", True),
    ('byte_jump:1,0,post_offset 2; content:"X"; within:1;', b"\x01...X", True),
    ('byte_jump:1,0,post_offset -1; content:"X"; within:1;', b"\x01X", True),
    ('byte_jump:2,0,string,dec; content:"X"; within:1;', b"03...X", True),
    ('content:"L"; byte_jump:1,0,relative; content:"X"; within:1;', b"..L\x02..X", True),
    ('content:"L"; byte_jump:1,0,relative; content:"X"; within:1;', b"L\x63L\x02..X", True),
    # byte_extract
    ('byte_extract:1,0,n; content:"X"; offset:n; depth:1;', b"\x03..X", True),
    ('byte_extract:1,0,n; content:"X"; offset:n; depth:1;', b"\x02..X", False),
    ('byte_extract:1,0,n; content:"X"; depth:n;', b"\x04..X", True),
    ('byte_extract:1,0,n; content:"X"; depth:n;', b"\x03..X", False),
    ("byte_extract:1,0,n; byte_test:1,>,n,1;", b"\x05\x06", True),
    ("byte_extract:1,0,n; byte_test:1,>,n,1;", b"\x05\x05", False),
    ("byte_extract:1,0,n,multiplier 4; isdataat:n;", b"\x01....", True),
    ("byte_extract:1,0,n,align 4; isdataat:n;", b"\x01...", False),
    ('content:"n"; byte_extract:1,0,n,relative; content:"X"; distance:n; within:1;', b"n\x09.n\x01X", True),
    ("byte_extract:1,0,a; byte_extract:1,1,b; byte_test:1,=,b,a;", b"\x02\x07\x07", True),
    # pcre
    ('pcre:"/ev(i|a)l/";', b"an eval", True),
    ('pcre:"/ev(i|a)l/";', b"an evol", False),
    ('pcre:"/EVIL/i";', b"evil", True),
    ('pcre:"/^evil/";', b"an evil", False),
    ('pcre:"/^evil/m";', b"an\nevil", True),
    ('pcre:"/a.b/";', b"a\nb", False),
    ('pcre:"/a.b/s";', b"a\nb", True),
    ('pcre:"/a b/x";', b"ab", True),
    ('pcre:"/b/A";', b"ab", False),
    ('pcre:!"/evil/";', b"good", True),
    ('pcre:!"/evil/";', b"evil", False),
    ('pcre:"/a$/";', b"a\n", True),
    ('pcre:"/a$/E";', b"a\n", False),
    (r'pcre:"/id=[0-9]{3,}\x3b/";', b"id=0123;", True),
    (r'pcre:"/\"x\"\/y/";', b'"x"/y', True),
    ('content:"user="; pcre:"/^[a-z]+!/R";', b"x user=root!", True),
    ('content:"user="; pcre:"/^[a-z]+!/R";', b"root! user=7", False),
    ('content:"user="; pcre:"/^[a-z]+!/R";', b"user=7 user=a!", True),
    ('pcre:"/a+/"; content:"b"; distance:0; within:1;', b"a.aab", True),
    ('pcre:"/a+/"; content:"b"; distance:0; within:1;', b"a.aa.b", False),
    ('content:"a"; pcre:"/b/B";', b"ba", True),
    # dsize
    ("dsize:4;", b"1234", True),
    ("dsize:4;", b"123", False),
    ("dsize:>4;", b"12345", True),
    ("dsize:>4;", b"1234", False),
    ("dsize:<4;", b"123", True),
    ("dsize:<4;", b"1234", False),
    ("dsize:3<>5;", b"123", True),
    ("dsize:3<>5;", b"12345", True),
    ("dsize:3<>5;", b"123456", False),
    ("dsize:0;", b"", True),
]  # fmt: skip


def ip(**fields: object) -> bytes:
    return bytes(Ether() / IP(src=CLIENT, dst=SERVER, **fields) / UDP() / Raw(b"x"))


def icmp(**fields: object) -> bytes:
    return bytes(Ether() / IP(src=CLIENT, dst=SERVER) / ICMP(**fields) / Raw(b"x"))


# Rule (without its options' end), frame, whether it matches.
PACKETS = [
    ("ip any any -> any any (ttl:<3;", ip(ttl=2), True),
    ("ip any any -> any any (ttl:<3;", ip(ttl=3), False),
    ("ip any any -> any any (ttl:>=3;", ip(ttl=3), True),
    ("ip any any -> any any (ttl:5-;", ip(ttl=5), True),
    ("ip any any -> any any (ttl:-5;", ip(ttl=6), False),
    ("ip any any -> any any (ttl:3-5;", ip(ttl=4), True),
    ("ip any any -> any any (tos:4;", ip(tos=4), True),
    ("ip any any -> any any (tos:!4;", ip(tos=4), False),
    ("ip any any -> any any (tos:!4;", ip(tos=5), True),
    ("ip any any -> any any (id:31337;", ip(id=31337), True),
    ("ip any any -> any any (id:31337;", ip(id=1), False),
    ("ip any any -> any any (ip_proto:17;", ip(), True),
    ("ip any any -> any any (ip_proto:udp;", ip(), True),
    ("ip any any -> any any (ip_proto:!tcp;", ip(), True),
    ("ip any any -> any any (ip_proto:>17;", ip(), False),
    ("ip any any -> any any (ip_proto:gre;", bytes(Ether() / IP(proto=47) / Raw(b"abcd")), True),
    ("ip any any -> any any (sameip;", bytes(Ether() / IP(src=CLIENT, dst=CLIENT) / UDP()), True),
    ("ip any any -> any any (sameip;", ip(), False),
    ("ip any any -> any any (ipopts:lsrr;", ip(options=IPOption_LSRR(routers=["1.2.3.4"])), True),
    ("ip any any -> any any (ipopts:rr;", ip(options=IPOption_LSRR(routers=["1.2.3.4"])), False),
    ("ip any any -> any any (ipopts:rr;", ip(options=[IPOption_NOP(), IPOption_RR(routers=["1.2.3.4"])]), True),
    ("ip any any -> any any (ipopts:any;", ip(options=[IPOption_NOP()]), True),
    ("ip any any -> any any (ipopts:any;", ip(), False),
    ("ip any any -> any any (fragbits:D;", ip(flags="DF"), True),
    ("ip any any -> any any (fragbits:D;", ip(flags="DF+MF"), False),
    ("ip any any -> any any (fragbits:D+;", ip(flags="DF+MF"), True),
    ("ip any any -> any any (fragbits:+M;", ip(flags="DF"), False),
    ("ip any any -> any any (fragbits:*MD;", ip(flags="DF"), True),
    ("ip any any -> any any (fragbits:!M;", ip(flags="DF"), True),
    ("ip any any -> any any (fragbits:!M;", ip(flags="MF"), False),
    ("ip any any -> any any (fragoffset:0;", ip(), True),
    ("ip any any -> any any (fragoffset:>0;", ip(frag=3), True),
    ("ip any any -> any any (fragoffset:!0;", ip(), False),
    ("tcp any any -> any any (flags:S;", tcp(flags="S"), True),
    ("tcp any any -> any any (flags:S;", tcp(flags="SA"), False),
    ("tcp any any -> any any (flags:S+;", tcp(flags="SA"), True),
    ("tcp any any -> any any (flags:+SF;", tcp(flags="SA"), False),
    ("tcp any any -> any any (flags:*SF;", tcp(flags="SA"), True),
    ("tcp any any -> any any (flags:!SF;", tcp(flags="A"), True),
    ("tcp any any -> any any (flags:!SF;", tcp(flags="SA"), False),
    ("tcp any any -> any any (flags:0;", tcp(flags=""), True),
    ("tcp any any -> any any (flags:0;", tcp(flags="A"), False),
    ("tcp any any -> any any (flags:S,CE;", tcp(flags="SEC"), True),
    ("tcp any any -> any any (flags:S,12;", tcp(flags="SEC"), True),
    ("tcp any any -> any any (flags:S;", tcp(flags="SEC"), False),
    ("tcp any any -> any any (flags:SCE;", tcp(flags="SEC"), True),
    ("tcp any any -> any any (seq:7;", tcp(seq=7), True),
    ("tcp any any -> any any (seq:7;", tcp(seq=8), False),
    ("tcp any any -> any any (ack:7;", tcp(ack=7), True),
    ("tcp any any -> any any (ack:0xffffffff;", tcp(ack=0xFFFFFFFF), True),
    ("tcp any any -> any any (window:55808;", tcp(window=55808), True),
    ("tcp any any -> any any (window:!55808;", tcp(window=55808), False),
    ("tcp any any -> any any (dsize:0;", tcp(), True),
    ('tcp any any -> any any (content:"abc"; flags:PA;', tcp(b"abc"), True),
    ('tcp any any -> any any (content:"abc"; flags:A;', tcp(b"abc"), False),
    ("icmp any any -> any any (itype:8;", icmp(type=8), True),
    ("icmp any any -> any any (itype:8;", icmp(type=0), False),
    ("icmp any any -> any any (itype:>5;", icmp(type=8), True),
    ("icmp any any -> any any (itype:<8;", icmp(type=8), False),
    ("icmp any any -> any any (itype:3<>9;", icmp(type=8), True),
    ("icmp any any -> any any (itype:8<>30;", icmp(type=8), False),
    ("icmp any any -> any any (icode:3;", icmp(type=3, code=3), True),
    ("icmp any any -> any any (icode:>3;", icmp(type=3, code=3), False),
    ("icmp any any -> any any (icmp_id:5;", icmp(type=8, id=5), True),
    ("icmp any any -> any any (icmp_id:5;", icmp(type=3, unused=5), False),
    ("icmp any any -> any any (icmp_seq:6;", icmp(type=0, seq=6), True),
    ("icmp any any -> any any (icmp_seq:6;", icmp(type=0, seq=7), False),
    ('icmp any any -> any any (content:"x"; depth:1;', icmp(type=8), True),
    ("icmp any any -> any any (itype:128;", bytes(Ether() / IPv6() / ICMPv6EchoRequest()), True),
    ("icmp any any -> any any (icmp_id:9;", bytes(Ether() / IPv6() / ICMPv6EchoRequest(id=9)), True),
    ("ip any any -> any any (ttl:9;", bytes(Ether() / IPv6(hlim=9) / UDP()), True),
    ("ip any any -> any any (tos:9;", bytes(Ether() / IPv6(tc=9) / UDP()), True),
    # The header: addresses, ports, directions
    (f"udp {CLIENT} any -> any any (", udp(b""), True),
    (f"udp !{CLIENT} any -> any any (", udp(b""), False),
    (f"udp {SERVER} any -> any any (", udp(b""), False),
    (f"udp {SERVER} any <> {CLIENT} any (", udp(b""), True),
    (f"udp {SERVER} 1000 <> {CLIENT} 2000 (", udp(b""), False),
    (f"udp {SERVER} 2000 <> {CLIENT} 1000 (", udp(b""), True),
    ("udp 10.0.0.0/8 any -> [192.0.2.0/24,!192.0.2.9] any (", udp(b""), True),
    ("udp any any -> [192.0.2.0/24,!192.0.2.2] any (", udp(b""), False),
    ("udp any any -> ![192.0.2.0/24,10.0.0.0/8] any (", udp(b""), False),
    ("udp any any -> $HOME_NET any (", udp(b""), True),
    ("udp any any -> 2001:db8::/32 any (", bytes(Ether() / IPv6(dst="2001:db8::7") / UDP()), True),
    ("udp any any -> 2001:db9::/32 any (", bytes(Ether() / IPv6(dst="2001:db8::7") / UDP()), False),
    ("udp any any -> fe80::/10 any (", bytes(Ether() / IPv6(dst="febf::1:2:3:4") / UDP()), True),
    ("udp any any -> !2001:db8::/32 any (", bytes(Ether() / IPv6(dst="febf::1") / UDP()), True),
    ("udp any any -> any 2000 (", udp(b""), True),
    ("udp any any -> any 2001 (", udp(b""), False),
    ("udp any any -> any !2000 (", udp(b""), False),
    ("udp any 1000: -> any :2000 (", udp(b""), True),
    ("udp any any -> any [1,1990:2010,!2000] (", udp(b""), False),
    ("udp any any -> any [1,1990:2010,!2001] (", udp(b""), True),
    ("udp any 1000 -> any any (", udp(b"", sport=1000), True),
    ("udp any 1001 -> any any (", udp(b"", sport=1000), False),
    ("ip any any -> any 2000 (", udp(b""), True),
    ("ip any any -> any 2000 (", icmp(type=8), False),
    ("tcp any any -> any any (", udp(b""), False),
    ("ip any any -> any any (", bytes(Ether() / Dot1Q(vlan=5) / Dot1Q(vlan=6) / IP() / UDP()), True),
    ("udp any any -> any any (", ip(frag=1), False),
    ("ip any any -> any any (", ip(frag=1), True),
    ('ip any any -> any any (content:"frag"; depth:4;', bytes(Ether() / IP(frag=1, proto=17) / Raw(b"frag")), True),
    ("tcp any any -> any any (", bytes(Ether() / IP(proto=6) / Raw(bytes(19))), False),
    ("tcp any any -> any any (", bytes(Ether() / IP() / TCP(dataofs=4)), False),
]  # fmt: skip


@BOTH
def test_payload_options(tmp_path: Path, interpret: bool) -> None:
    rules = "\n".join(
        f"alert udp any any -> any {number} ({options} sid:{number};)"
        for number, (options, *_) in enumerate(PAYLOADS, 1)
    )
    frames = [udp(payload, dport=number) for number, (_, payload, _) in enumerate(PAYLOADS, 1)]
    found = set(alerts(tmp_path, rules, frames, interpret=interpret))
    assert all(signature == frame + 1 for signature, frame in found)
    wrong = [
        (options, payload, matches)
        for at, (options, payload, matches) in enumerate(PAYLOADS)
        if ((at + 1, at) in found) != matches
    ]
    assert not wrong


@BOTH
def test_packet_options_and_headers(tmp_path: Path, interpret: bool) -> None:
    rules = "ipvar HOME_NET 192.0.2.0/24\n" + "\n".join(
        f"alert {rule} sid:{number};)" for number, (rule, *_) in enumerate(PACKETS, 1)
    )
    found = set(alerts(tmp_path, rules, [frame for _, frame, _ in PACKETS], interpret=interpret))
    wrong = [
        (rule, matches) for at, (rule, _, matches) in enumerate(PACKETS) if ((at + 1, at) in found) != matches
    ]
    assert not wrong
