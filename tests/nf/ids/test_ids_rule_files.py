"""Rule files: what is read, and every mistake with its place, what was expected and the cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from wirebrick.errors import ParameterError
from wirebrick.nf.ids import ids
from wirebrick.nf.ids.rule import Content, Filter, Flow, FlowBit
from wirebrick.nf.ids.rules import load_rules, parse_rules

ALERT = "alert tcp any any -> any any"

# A line, the column of the mistake, the beginning of the message.
MISTAKES = [
    ("alrt tcp any any -> any any (sid:1;)", 1, "expected a rule, a variable or include, found 'alrt'"),
    ("alert", 1, "expected a rule, found 'alert'"),
    ("alert tpc any any -> any any (sid:1;)", 7, "expected a protocol, found 'tpc'"),
    ("alert http any any -> any any (sid:1;)", 7, "the protocol http is not supported"),
    ("alert tcp any any -> any (sid:1;)", 26, "expected the port, found '(sid:1;)'"),
    ("alert tcp any any -> any any sid:1;", 30, "expected '(' and the options, found 'sid:1;'"),
    ("alert tcp any any -> any any", 29, "expected the options, found nothing"),
    ("alert tcp any any <- any any (sid:1;)", 19, "expected -> or <>, found '<-'"),
    ("alert tcp 10.0.0.300 any -> any any (sid:1;)", 11, "'10.0.0.300' is no address"),
    ("alert tcp 10.0.0.0/33 any -> any any (sid:1;)", 11, "'10.0.0.0/33' is no address"),
    ("alert tcp [10.0.0.1,] any -> any any (sid:1;)", 21, "expected an address, and there is nothing"),
    ("alert tcp [10.0.0.1 any -> any any (sid:1;)", 11, "the list that begins here has no end"),
    ("alert tcp !any any -> any any (sid:1;)", 11, "'!any' excludes every address"),
    ("alert tcp [10.0.0.1,!10.0.0.0/8] any -> any any (sid:1;)", 11, "no address is in"),
    ("alert tcp $HOME any -> any any (sid:1;)", 11, "the variable $HOME is not defined"),
    ("alert tcp any 65536 -> any any (sid:1;)", 15, "'65536' is no port"),
    ("alert tcp any http -> any any (sid:1;)", 15, "'http' is no port"),
    ("alert tcp any 9:8 -> any any (sid:1;)", 15, "the range '9:8' is reversed"),
    ("alert tcp any : -> any any (sid:1;)", 15, "':' is no port"),
    ("alert icmp any 80 -> any any (sid:1;)", 16, "ICMP has no ports"),
    (f"{ALERT} (sid:1)", 31, "expected ';' behind the option 'sid:1'"),
    (f"{ALERT} (sid:1;", 36, "expected ')' at the end of the rule"),
    (f'{ALERT} (msg:"x; sid:1;)', 35, "the quotes that begin here don't end"),
    (f"{ALERT} (msg:x; sid:1;)", 35, "expected a text in double quotes"),
    (f'{ALERT} (msg:"x";)', 30, "the rule has no sid"),
    (f"{ALERT} (sid:0;)", 35, "'0' is out of range for sid"),
    (f"{ALERT} (sid:x;)", 35, "expected sid, a number, found 'x'"),
    (f"{ALERT} (sid:1; sid:2;)", 38, "sid is given twice"),
    (f"{ALERT} (sid;)", 31, "expected sid:VALUE"),
    (f"{ALERT} (contnt:\"x\"; sid:1;)", 31, "there is no option 'contnt'"),
    (f"{ALERT} (uricontent:\"x\"; sid:1;)", 31, "the option uricontent is not supported"),
    (f'{ALERT} (http.uri; content:"x"; sid:1;)', 31, "the option http.uri is not supported"),
    (f"{ALERT} (classtype:nothing; sid:1;)", 41, "there is no classtype 'nothing'"),
    (f"{ALERT} (content:x; sid:1;)", 39, "expected quoted bytes, found 'x'"),
    (f'{ALERT} (content:""; sid:1;)', 40, "a content has at least one byte"),
    (f'{ALERT} (content:"|0"; sid:1;)', 40, "expected '|' behind the hexadecimal bytes"),
    (f'{ALERT} (content:"a|0g|"; sid:1;)', 41, "expected hexadecimal bytes"),
    (f'{ALERT} (content:"a|012|"; sid:1;)', 41, "expected hexadecimal bytes"),
    (f"{ALERT} (nocase; sid:1;)", 31, "nocase must stand behind a content"),
    (f'{ALERT} (content:"a"; nocase:1; sid:1;)', 51, "nocase takes no value"),
    (f'{ALERT} (content:"abc"; depth:2; sid:1;)', 52, "depth is 2, but the content has 3 bytes"),
    (f'{ALERT} (content:"abc"; within:2; sid:1;)', 53, "within is 2, but the content has 3 bytes"),
    (f'{ALERT} (content:"abc"; offset:x; sid:1;)', 53, "'x' is no variable of this rule"),
    (f'{ALERT} (content:"abc"; offset:70000; sid:1;)', 53, "'70000' is out of range for offset"),
    (f'{ALERT} (content:"abc"; offset:1; within:5; sid:1;)', 56, "within can't stand beside offset or depth"),
    (f'{ALERT} (content:"abc"; distance:1; depth:5; sid:1;)', 58, "depth can't stand beside distance or within"),
    (f'{ALERT} (content:!"abc"; fast_pattern; sid:1;)', 47, "a negated content can't be the fast pattern"),
    (f'{ALERT} (content:"abc"; fast_pattern:1; sid:1;)', 59, "expected fast_pattern:only"),
    (f'{ALERT} (content:"abc"; fast_pattern:1,5; sid:1;)', 61, "'5' is out of range for a length"),
    (f'{ALERT} (content:"abc", nocse; sid:1;)', 46, "a content has no modifier 'nocse'"),
    (f'{ALERT} (pcre:"abc"; sid:1;)', 36, "expected an expression"),
    (f'{ALERT} (pcre:"/abc/Q"; sid:1;)', 42, "pcre's flag Q is not supported"),
    (f'{ALERT} (pcre:"/abc/U"; sid:1;)', 42, "pcre's flag U is not supported"),
    (f'{ALERT} (pcre:"/abc/z"; sid:1;)', 42, "pcre knows no flag 'z'"),
    (f'{ALERT} (pcre:"/a(b/"; sid:1;)', 39, "the expression is wrong"),
    (rf'{ALERT} (pcre:"/(a)\1/"; sid:1;)', 41, "pcre's back reference is not supported"),
    (f"{ALERT} (byte_test:1,>,5; sid:1;)", 31, "expected byte_test:COUNT,OPERATOR,VALUE,OFFSET"),
    (f"{ALERT} (byte_test:5,>,5,0; sid:1;)", 41, "'5' is out of range for a number of bytes"),
    (f"{ALERT} (byte_test:1,?,5,0; sid:1;)", 43, "expected an operator, found '?'"),
    (f"{ALERT} (byte_test:1,>,n,0; sid:1;)", 45, "'n' is no variable"),
    (f"{ALERT} (byte_test:1,>,5,0,hex; sid:1;)", 41, "hex, dec and oct stand behind string"),
    (f"{ALERT} (byte_test:1,>,5,0,dce; sid:1;)", 49, "byte_test's dce is not supported"),
    (f"{ALERT} (byte_test:1,>,5,0,far; sid:1;)", 49, "byte_test knows no 'far'"),
    (f"{ALERT} (byte_jump:1; sid:1;)", 31, "expected byte_jump:COUNT,OFFSET"),
    (f"{ALERT} (byte_jump:1,0,relative,relative; sid:1;)", 54, "relative is given twice"),
    (f"{ALERT} (byte_jump:1,0,multiplier 0; sid:1;)", 56, "'0' is out of range for multiplier"),
    (f"{ALERT} (byte_extract:1,0,1; sid:1;)", 48, "expected a name for the number"),
    (f"{ALERT} (isdataat:; sid:1;)", 31, "expected isdataat:OFFSET"),
    (f"{ALERT} (flow:established,to_sever; sid:1;)", 48, "flow knows no 'to_sever'"),
    (f"{ALERT} (flow:to_client,to_server; sid:1;)", 46, "flow:to_server contradicts"),
    (f"{ALERT} (flow:only_stream; sid:1;)", 1, "only_stream needs something to find"),
    ("alert udp any any -> any any (flow:only_stream; sid:1;)", 31, "streams are for TCP"),
    ("alert icmp any any -> any any (flow:to_server; sid:1;)", 32, "flow is for TCP and UDP"),
    (f"{ALERT} (flags:X; sid:1;)", 37, "there is no bit 'X'"),
    ("alert udp any any -> any any (flags:S; sid:1;)", 31, "flags looks at TCP, the rule at udp"),
    (f"{ALERT} (itype:8; sid:1;)", 31, "itype looks at ICMP, the rule at tcp"),
    (f"{ALERT} (dsize:x; sid:1;)", 37, "expected dsize, a number, found 'x'"),
    (f"{ALERT} (dsize:9<>5; sid:1;)", 37, "the range '9<>5' is reversed"),
    (f"{ALERT} (ttl:256; sid:1;)", 35, "'256' is out of range for ttl"),
    (f"{ALERT} (ipopts:xyz; sid:1;)", 38, "expected an IP option, found 'xyz'"),
    (f"{ALERT} (fragbits:Q; sid:1;)", 40, "there is no bit 'Q'"),
    (f"{ALERT} (sameip:1; sid:1;)", 38, "sameip takes no value"),
    (f"{ALERT} (flowbits:st,a; sid:1;)", 40, "expected what flowbits are to do"),
    (f"{ALERT} (flowbits:set; sid:1;)", 40, "expected flowbits:set,NAME"),
    (f"{ALERT} (threshold:type limit, track by_src, count 1; sid:1;)", 31, "threshold needs 'seconds NUMBER'"),
    (f"{ALERT} (threshold:type lmit, track by_src, count 1, seconds 1; sid:1;)", 46, "threshold takes no type 'lmit'"),
    (f"{ALERT} (detection_filter:track by_port, count 1, seconds 1; sid:1;)", 54, "detection_filter takes no track"),
    ("event_filter gen_id 1, sig_id 5, type limit, track by_src, count 0, seconds 1", 66, "'0' is out of range"),
    ("suppress gen_id 1, sig_id 5, track by_src, ip 10.0.0.0/40", 47, "'10.0.0.0/40' is no address"),
    ("ipvar HOME", 1, "expected ipvar NAME VALUE"),
    ("ipvar 5 10.0.0.0/8", 7, "'5' is no name of a variable"),
    ("ipvar A 10.0.0.0/8 10.1.0.0/16", 20, "expected the end of the line"),
    ("portvar A [80,x]", 15, "'x' is no port"),
    ("include", 8, "expected the path of a file"),
    ("include nowhere.rules", 9, "the rule file nowhere.rules can't be read"),
    ("preprocessor frag3", 1, "a line that begins with preprocessor is not supported"),
    ("config classification: a,b", 22, "expected config classification"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "column", "message"), MISTAKES, ids=[line for line, _, _ in MISTAKES])
def test_a_mistake_is_named_with_its_place(line: str, column: int, message: str) -> None:
    with pytest.raises(ParameterError) as caught:
        parse_rules(f"# comment\n{line}", file="local.rules")
    assert caught.value.message.startswith(message)
    assert str(caught.value.place) == f"local.rules:2:{column}"
    assert caught.value.cure


def test_a_rule_has_only_so_many_payload_options() -> None:
    most = " ".join('content:"a";' for _ in range(64))
    parse_rules(f"{ALERT} ({most} sid:1;)")
    with pytest.raises(ParameterError, match="65 options for the payload, and 64 are the most"):
        parse_rules(f'{ALERT} ({most} content:"b"; sid:1;)')


def test_all_mistakes_are_counted() -> None:
    with pytest.raises(ParameterError, match=r"and 2 more errors: x.rules:2, x.rules:4") as caught:
        parse_rules(f"alert\nalert\n{ALERT} (sid:5;)\nalrt", file="x.rules")
    assert str(caught.value.place) == "x.rules:1:1"


def test_a_signature_twice_names_both_places() -> None:
    with pytest.raises(
        ParameterError, match=r"the signature 1:7 is there twice: it is also at x\.rules:1:1"
    ) as caught:
        parse_rules(f"{ALERT} (sid:7;)\n{ALERT} (sid:8;)\n{ALERT} (sid:7; rev:2;)", file="x.rules")
    assert str(caught.value.place) == "x.rules:3:1"
    parse_rules(f"{ALERT} (sid:7;)\n{ALERT} (sid:7; gid:3;)")


def test_what_is_not_supported_is_left_out_where_asked() -> None:
    text = f"""{ALERT} (file_data; content:"x"; sid:1;)
    {ALERT} (content:"x"; http_uri; sid:2;)
    {ALERT} (content:"y"; http_uri; sid:3;)
    {ALERT} (content:"x"; sid:4;)
    alert tls any any -> any any (sid:5;)
    preprocessor frag3"""
    found = parse_rules(text, skip=True)
    assert [rule.sid for rule in found.rules] == [4]
    assert found.skipped == {
        "the option file_data": 1,
        "the option http_uri": 2,
        "the protocol tls": 1,
        "a line that begins with preprocessor": 1,
    }
    with pytest.raises(ParameterError, match="there is no option 'conten'"):
        parse_rules(f'{ALERT} (conten:"x"; sid:1;)', skip=True)


def test_what_is_read() -> None:
    text = r"""
    config classification: odd-thing,Something odd,7
    config reference: url http://
    var HOME_NET [192.0.2.0/24,2001:db8::/32]
    ipvar EXTERNAL_NET !$HOME_NET
    portvar WEB [80,8000:8080,!8008]
    portvar ALL $WEB
    alert tcp $EXTERNAL_NET any -> $HOME_NET $ALL (msg:"a \"quoted\" text\; and more"; \
        flow:established,to_server; content:"GET |2f|"; nocase; offset:0; depth:10; \
        reference:cve,2001-0001; reference:url,example.com/x; metadata:policy a, service http; \
        flowbits:set,seen; threshold:type limit, track by_src, count 1, seconds 60; \
        classtype:odd-thing; sid:7; rev:3;)
    alert udp $(NONE:-10.0.0.1) any -> ${HOME_NET} any (sid:8; priority:9; classtype:unknown;)
    event_filter gen_id 1, sig_id 8, type both, track by_dst, count 5, seconds 6
    """
    rule, other = parse_rules(text).rules
    assert rule.message == 'a "quoted" text; and more'
    assert rule.payload == (Content(b"GET /", nocase=True, depth=10),)
    assert rule.flow == Flow(established=True, to_server=True)
    assert rule.flowbits == (FlowBit("set", "seen"),)
    assert (rule.category, rule.priority, rule.rev) == ("Something odd", 7, 3)
    assert rule.references == ("cve,2001-0001", "url,example.com/x")
    assert rule.dst_ports == ((80, 80), (8000, 8007), (8009, 8080))
    assert rule.limit == Filter("limit", True, 1, 60)
    assert [low for low, _ in rule.src.v4] == [0, 0xC0000300]
    assert other.limit == Filter("both", False, 5, 6)
    assert (other.priority, other.src.v4, other.src.v6) == (9, ((0x0A000001, 0x0A000001),), ())


def test_parameters_say_what_is_home() -> None:
    text = "ipvar HOME_NET 10.0.0.0/8\nalert ip $HOME_NET any -> $EXTERNAL_NET any (sid:1;)"
    (rule,) = parse_rules(text, home="192.0.2.0/24", external="!$HOME_NET").rules
    assert rule.src.v4 == ((0xC0000200, 0xC00002FF),)
    assert len(rule.dst.v4) == 2
    (rule,) = parse_rules(text).rules
    assert rule.src.v4[0][0] == 0x0A000000
    assert rule.dst.everything
    with pytest.raises(ParameterError, match=r"<HOME_NET>:1:1: 'house' is no address"):
        parse_rules(text, home="house")


def test_files_include_others(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "snort.conf").write_text(
        "var RULE_PATH rules\ninclude $RULE_PATH/a.rules\ninclude rules/b.rules\n"
    )
    (tmp_path / "rules" / "a.rules").write_bytes(f'{ALERT} (msg:"caf\xe9"; sid:1;)\r\n'.encode("latin-1"))
    (tmp_path / "rules" / "b.rules").write_text(f"{ALERT} (sid:2;)")
    found = load_rules(tmp_path / "snort.conf")
    assert [rule.message for rule in found.rules] == ["café", ""]
    assert [file.name for file in found.files] == ["snort.conf", "a.rules", "b.rules"]
    (tmp_path / "rules" / "b.rules").write_text("include b.rules")
    with pytest.raises(ParameterError, match="includes itself"):
        load_rules(tmp_path / "snort.conf")
    (tmp_path / "rules" / "b.rules").write_text("\n\nalert tcp")
    with pytest.raises(ParameterError) as caught:
        load_rules(tmp_path / "snort.conf")
    assert str(caught.value.place) == f"{tmp_path}/rules/b.rules:3:10"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "ids needs rules"),
        ({"mode": "block"}, "the mode of ids can't be 'block'"),
        ({"unsupported": "no"}, "the unsupported of ids"),
        ({"flows": 0}, "the flows of ids"),
        ({"streams": -1}, "the streams of ids"),
        ({"overlap": 40000}, "the overlap of ids"),
        ({"out": "/nowhere/eve.json"}, "out=/nowhere/eve.json can't be written"),
    ],
)
def test_parameters_are_checked(tmp_path: Path, parameters: dict, message: str) -> None:
    import wirebrick

    rules = tmp_path / "local.rules"
    rules.write_text("")
    with pytest.raises(ParameterError, match=message):
        wirebrick.run(ids(**({"rules": rules} | parameters if parameters else {})), rx=[bytes(60)])
