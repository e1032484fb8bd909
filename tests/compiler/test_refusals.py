"""What is not in the subset is refused: at the right line and column, with the reason and the cure."""

from __future__ import annotations

import pytest
from snippets import FIRST, PACKETS, load, nf_text, refused

import wirebrick
from wirebrick.errors import CheckError

# body (the first line is line 1), line, column, words of the message, words of the cure
STATEMENTS = [
    ("try:\n    x = 1\nexcept ValueError:\n    x = 2", 1, 1, "try is not", "fault costs only this packet"),
    ("try:\n    x = 1\nexcept* ValueError:\n    x = 2", 1, 1, "try is not", "fault"),
    ("with packet:\n    pass", 1, 1, "with is not", "Table"),
    ("import math", 1, 1, "import is not", "top of the file"),
    ("from math import pi", 1, 1, "import is not", "top of the file"),
    ("global total\ntotal = 1", 1, 1, "global is not", "Counter"),
    ("def inner():\n    return 1", 1, 1, "a function can't be made", "outside"),
    ("async def inner():\n    return 1", 1, 1, "async is not", "runs to completion"),
    ("class A:\n    pass", 1, 1, "a class can't be made", "outside"),
    ("match packet.length:\n    case 1:\n        pass", 1, 1, "match is not", "elif"),
    ("x = 1\ndel x", 2, 5, "only an entry of a table", ""),
    ("del packet.header", 1, 5, "only an entry of a table", ""),
    ("for i in range(3):\n    pass\nelse:\n    packet.header.dst = 1", 4, 5, "else of a loop", "variable"),
    (
        "while packet.length > 99999:\n    pass\nelse:\n    packet.header.dst = 1",
        4,
        5,
        "else of a loop",
        "variable",
    ),
    ("for a, b in ((1, 2),):\n    pass", 1, 5, "one variable", ""),
    ("for i in 5:\n    pass", 1, 10, "not over an integer", "range(n)"),
    ("for i in packet:\n    pass", 1, 10, "not over a packet", "range(n)"),
    ("for i in (1, 2.5):\n    pass", 1, 10, "constant tuple of integers", "range(n)"),
    ("for i in range():\n    pass", 1, 10, "one to three", ""),
    ("for i in range(1, 2, 0):\n    pass", 1, 10, "can't be zero", ""),
    ("for i in range(1.5):\n    pass", 1, 16, "not a float", "int(...)"),
    ("for i in enumerate(packet.payload):\n    pass", 1, 10, "enumerate() can't be called", ""),
    ("x: int\npacket.header.dst = x", 2, 21, "may have no value", "on every way"),
    ("a, b = 1, 2, 3", 1, 1, "3 values for 2 names", ""),
    ("a, b = 5", 1, 1, "can't be unpacked", ""),
    ("a, *b = 1, 2, 3", 1, 4, "* is not supported here", "name the values"),
    ("[a, b] = 1, 2", 1, 1, "can't be assigned to", ""),
    ("x = y = 1.5\nx = 1", 2, 1, "x was a float, now it would be an integer", "another name"),
    ("x = 1\nx = True", 2, 1, "x was an integer, now it would be a truth value", "another name"),
    ("x += 1", 1, 1, "x may have no value", "on every way"),
    ("if packet.length > 9:\n    x = 1\npacket.header.dst = x", 3, 21, "x may have no value", "on every way"),
    ("for i in range(2):\n    x = i\npacket.header.dst = x", 3, 21, "x may have no value", "on every way"),
    (
        "while packet.length > 9:\n    x = 1\n    break\npacket.header.dst = x",
        4,
        21,
        "x may have no value",
        "",
    ),
    ("x = None", 1, 1, "None can't be put into a variable", "-1"),
    ('x = "text"', 1, 1, "text and bytes can't be put", "where it is needed"),
    ("x = packet.flow", 1, 5, "packet.flow is not called", "packet.flow()"),
    ("packet.drop", 1, 1, "packet.drop is not called", "parentheses"),
]
EXPRESSIONS = [
    ("[1, 2]", "a list can't be made", "Array"),
    ("{1: 2}", "a dict can't be made", "Table"),
    ("{1, 2}", "a set can't be made", "in (1, 2, 3)"),
    ("[i for i in range(3)]", "a comprehension", "for loop"),
    ("{i for i in range(3)}", "a comprehension", "for loop"),
    ("{i: i for i in range(3)}", "a comprehension", "for loop"),
    ("(i for i in range(3))", "a generator", "for loop"),
    ('f"{packet.length}"', "text can't be made", "--interpret"),
    ("lambda: 1", "a function can't be made", "outside"),
    ("(y := 3)", ":= is not", "line of its own"),
    ("(yield 1)", "yield is not", "runs to completion"),
    ("(yield from (1, 2))", "yield is not", "runs to completion"),
    ("(*packet.payload, 1)", "* is not supported", "name the values"),
    ("1j", "1j is not supported", ""),
    ("...", "Ellipsis is not supported", ""),
    ("2 ** packet.length", "Pow is not supported", "+ - *"),
    ("packet.length @ 2", "MatMult is not supported", "+ - *"),
    ("1 << 200", "this constant", ""),
    ("5 // 0", "this constant can't be computed", ""),
    ("packet.length // 0", "division by zero", ""),
    ("packet.length << -1", "negative", ""),
    ("9" * 60, "does not fit 128 bits", ""),
    ("-packet", "not defined for a packet", ""),
    ("packet + 1", "+ of a packet and an integer", ""),
    ("nowhere", "nowhere is not defined", ""),
    ("packet is packet", "None only", "=="),
    ("not_there(1)", "not_there is not defined", ""),
    ("packet.length and 5", "and/or of an integer as a value", "x if condition else y"),
    ("packet.length()", "a packet has no length()", "did you mean length?"),
    ("packet.lenght", "a packet has no lenght", "did you mean length?"),
    ("packet.fly()", "a packet has no fly()", "there are flow, send"),
    ("packet.flows()", "a packet has no flows()", "did you mean flow?"),
    ("packet.header.dest", "Ethernet has no dest", "dst"),
    ("packet.header.ttl", "Ethernet has no ttl", "there are dst"),
    ("packet.header.dst.upper()", "an integer has no attribute upper", ""),
    ("packet.header.shout()", "Ethernet has no method shout", ""),
    ("packet.header()", "a packet has no header()", ""),
    ("packet[IPv4]", "IPv4 is not parsed here", "parsed: Ethernet"),
    ("packet[0]", "indexed with a header class", "packet.payload[i]"),
    ("packet[Ethernet, 1]", "Ethernet is not parsed here", "parsed: Ethernet"),
    ("packet[Ethernet, packet.length]", "must be a constant", ""),
    ("packet.payload[0:4:2]", "step 1", ""),
    ("packet.payload.u24(0)", "bytes of a packet have no u24()", "u8"),
    ("packet.payload.u16()", "u16() takes an offset", ""),
    ("packet.payload.find(1)", "constant bytes", ""),
    ("packet.payload < b'abc'", "== and !=", ""),
    ("packet.metadata", "packets have no metadata here", "packets.metadata(Schema"),
    ("packet.flow()", "flow() needs IPv4 or IPv6 parsed", "parse(IPv4)"),
    ("(1, 2)[5]", "the tuple has 2 items", ""),
    ("(1, 2)[packet.length]", "indexed with a constant", "Array"),
    ("(1, packet)", "a packet can't be kept in a tuple", "one place only"),
    ('packet.header.dst == "02:00:00:00:00:01"', "never equal to a text", "MacAddress("),
    ('packet.ingress == "nowhere"', "no port named 'nowhere'", "--port nowhere="),
    ("5 in 7", "in needs a tuple", ""),
    ("len(packet)", "a packet has no len()", "packet.length"),
    ("len(5)", "an integer has no length", ""),
    ("len()", "len() takes one argument", ""),
    ("int(1, 2)", "int() takes one argument", ""),
    ("abs()", "abs() takes one argument", ""),
    ("float(1, 2)", "float() takes one argument", ""),
    ("bool()", "bool() takes one argument", ""),
    ("IPv4Address(1, 2)", "IPv4Address() takes one argument", ""),
    ('IPv4Address("10.0.0")', "10.0.0", ""),
    ("int(x=5)", "no keyword arguments", ""),
    ("min(1)", "two values or more", ""),
    ("min(1, 2, key=len)", "no keyword arguments", ""),
    ("max((1, 2))", "two values or more", ""),
    ("min(packet.header, 1)", "a header (Ethernet)", ""),
    ("range(3)", "for loop only", ""),
    ("str(5)", "str() can't be called", ""),
    ("sum((1, 2))", "sum() can't be called", "plain Python function"),
    ("isinstance(packet, int)", "isinstance() can't be called", ""),
    ("math.sqrt(2)", "sqrt() can't be called", "plain Python function"),
    ("math.nothing", "has no nothing", ""),
    ("len(*packet.payload)", "* is not supported in a call", "name the arguments"),
    ("packet.length(3)", "a packet has no length()", "did you mean length?"),
    ("x(3)", "x may have no value", ""),
    ("Ethernet()", "Ethernet() can't be called", ""),
    ("FlowKey(5)", "takes its fields by name", ""),
    ("FlowKey(sorce=5)", "FlowKey has no sorce", "did you mean"),
    ("packet if packet.length else 5", "one branch is a packet", "same kind"),
]
STORES = [
    ("packet.header.dst = 1.5", 1, "Ethernet.dst holds an integer, not a float", "int(...)"),
    ('packet.header.dst = "02:00:00:00:00:01"', 1, "Ethernet.dst holds an integer", 'MacAddress("02:'),
    ("packet.header.dst = None", 1, "not None", ""),
    ("packet.header.dst = packet", 1, "not a packet", ""),
    ("packet.header.dts = 1", 1, "Ethernet has no dts", "did you mean dst?"),
    ("packet.length = 5", 1, "packet.length can't be stored", "egress can"),
    ("packet.other = 5", 1, "packet.other can't be stored", "egress can"),
    ('packet.payload = b"x"', 1, "packet.payload can't be stored", ""),
    ("packet.egress = 1", 1, "egress is a port, not an integer", 'packet.egress = "out"'),
    ('packet.egress = "nowhere"', 1, "no port named", "--port"),
    ("packet.payload[0:2] = 5", 1, "a slice can't be stored", "put_u16"),
    ('packet.payload[0] = b"x"', 1, "a byte holds an integer", ""),
    ("packet.payload.put_u16(0)", 1, "an offset and a value", ""),
    ("packet.payload[0:2].resize(1)", 1, "packet.payload itself", "part"),
    ("packet.header.raw[0] = 1", 1, "read-only", ""),
    ("work.calls = 1", 1, "attributes of function work can't be stored", ""),
    ("x = (1, 2)\nx[0] = 5", 1, "items of a tuple can't be stored", ""),
]


def check(tmp_path, text, line, column, message, cure):
    error = refused(tmp_path, text)
    assert message in error.message
    assert cure in error.cure
    assert error.place is not None
    assert error.place.line == line
    if column:
        assert error.place.column == column
    assert str(tmp_path) in error.place.file


@pytest.mark.parametrize(("body", "line", "column", "message", "cure"), STATEMENTS)
def test_statements(tmp_path, body, line, column, message, cure):
    check(tmp_path, nf_text(body), FIRST + line, 4 + column, message, cure)


@pytest.mark.parametrize(("expression", "message", "cure"), EXPRESSIONS)
def test_expressions(tmp_path, expression, message, cure):
    check(tmp_path, nf_text(f"x = {expression}"), FIRST + 1, 0, message, cure)


@pytest.mark.parametrize(("body", "line", "message", "cure"), STORES)
def test_stores(tmp_path, body, line, message, cure):
    check(tmp_path, nf_text(body), FIRST + body.count("\n") + 1, 0, message, cure)


RIGHTS = [
    ("map", "packet.header.dst = 1", "map() reads packets: it can't write Ethernet.dst", "transform()"),
    ("map", "packet.payload[0] = 1", "it can't write the payload", "transform()"),
    ("map", "packet.payload.resize(1)", "it can't write the payload", "transform()"),
    ("map", 'packet.egress = "out"', "it can't write egress", "transform()"),
    ("map", 'packet.drop("x")', "the function of map() can't drop", "transform()"),
    ("map", "x = packet.copy()", "the function of map() can't copy", "transform()"),
    ("filter", "packet.header.dst = 1\nreturn True", "filter() reads packets", "transform()"),
    ("filter", 'packet.send("out")\nreturn True', "can't send", "transform()"),
    ("filter", "return packet", "a packet has no truth value", "compare"),
    ("filter", "return", "must return True or False on every path", ""),
    ("filter", "return None", "must return True or False on every path", ""),
    ("transform", "packet.payload[0:2].insert(0, 1)", "for packet.payload itself", "part"),
    ("transform", 'packet.drop("two words")', "can't be a reason", "ttl_expired"),
    ("transform", "packet.drop(packet.length)", "a constant text", ""),
    ("transform", "packet.send()", "send() takes a port", ""),
    ("transform", 'packet.send("nowhere")', "no port named", "mirror"),
    ("transform", "packet.copy(1)", "takes no arguments", ""),
    ("transform", "packet.flow(1)", "takes no arguments", ""),
]


@pytest.mark.parametrize(("operator", "body", "message", "cure"), RIGHTS)
def test_rights_of_the_operator(tmp_path, operator, body, message, cure):
    check(tmp_path, nf_text(body, operator=operator), FIRST + 1, 0, message, cure)


@pytest.mark.parametrize(
    "body", ["x = 1", "if packet.length > 3:\n    return True", '"""Docstring only."""', "pass"]
)
def test_a_filter_that_may_end_without_a_result(tmp_path, body):
    check(tmp_path, nf_text(body, operator="filter"), FIRST, 1, "must return True or False on every path", "")


OUTER = [
    ("[1, 2]", "X is a list", "make it a tuple"),
    ("{1: 2}", "X is a dict", "Table"),
    ("{1, 2}", "X is a set", "make it a tuple"),
    ("bytearray(3)", "X is a bytearray", "tuple"),
    ("object()", "X is a object", "numbers, addresses"),
    ("functools.partial(int)", "X is a partial", "plain functions"),
    ('ipaddress.IPv4Address("10.0.0.1")', "X is a IPv4Address", 'wirebrick.IPv4Address("10.0.0.1")'),
    ('ipaddress.ip_network("10.0.0.0/8")', "X is a IPv4Network", 'wirebrick.IPv4Network("10.0.0.0/8")'),
    ('enum.Enum("Color", "RED").RED', "X is a Color", "numbers"),
    ("1 << 130", "does not fit 128 bits", ""),
    ("-(1 << 70)", "does not fit 128 bits", ""),
    ("print", "can't be put into a variable", ""),
    ("1j", "X is a complex", "numbers"),
]


@pytest.mark.parametrize(("value", "message", "cure"), OUTER)
def test_outer_values(tmp_path, value, message, cure):
    check(tmp_path, nf_text("y = X", f"X = {value}\n"), FIRST + 2, 0, message, cure)


HELPERS = [
    ("def h(*n):\n    return 1\n", "h(1)", "any number of arguments", 0),
    ("def h(**n):\n    return 1\n", "h(n=1)", "any number of arguments", 0),
    ("def h(n):\n    return 1\n", "h()", "missing a required argument: 'n'", 0),
    ("def h(n):\n    return 1\n", "h(1, 2)", "too many positional arguments", 0),
    ("def h(n):\n    return 1\n", "h(m=2)", "missing a required argument: 'n'", 0),
    ("def h(n, *, k):\n    return 1\n", "h(1)", "missing a required argument: 'k'", 0),
    ("def h(n):\n    return 1\n", "h(**packet)", "** is not supported", 0),
    ("def h(n):\n    return 1\n", "h(*packet)", "* is not supported", 0),
    ("def h(n):\n    return h(n)\n", "h(1)", "h calls itself", 1),
    ("def h(n):\n    return k(n)\ndef k(n):\n    return h(n)\n", "h(1)", "h calls itself", 1),
    ("def h(n):\n    if n > 3:\n        return 1\n", "h(packet.length)", "on some paths only", 1),
    (
        "def h(n):\n    if n > 3:\n        return 1\n    return 1.5\n",
        "h(packet.length)",
        "returned an integer before",
        4,
    ),
    ("def h(n):\n    return 'x'\n", "h(1)", "can't be returned", 2),
    ("def h(n):\n    return n.payload\n", "h(packet)", "bytes of a packet can't be returned", 2),
    ("def h(n):\n    return n\n", "h(packet)", "a packet can't be returned", 2),
    ("def h(n):\n    return n.copy()\n", "h(packet)", "copy() belongs into", 2),
    ("def h(n):\n    n.payload.resize(3)\n", "h(packet)", "resize() belongs into", 2),
    ("def h(n):\n    yield n\n", "h(1)", "yield is not supported", 2),
    ("async def h(n):\n    return n\n", "h(1)", "h is async", 1),
    ("h = lambda n: h(n)\n", "h(1)", "lambda calls itself", 1),
    ("def h(n, k=[]):\n    return n\n", "h(1)", "k is a list", 0),
]


@pytest.mark.parametrize(("before", "call", "message", "line"), HELPERS)
def test_helpers(tmp_path, before, call, message, line):
    """``line``: 0 for that of the call, else that of the helper."""
    line = FIRST - 1 + line if line else FIRST + before.count("\n") + 1
    check(tmp_path, nf_text(f"x = {call}", before), line, 0, message, "")


def test_print_is_for_the_interpreter(tmp_path, capsys):
    nf = load(tmp_path, nf_text('print(f"{packet.length} bytes")')).nf
    wirebrick.run(nf, rx=PACKETS[:1], interpret=True)
    assert capsys.readouterr().out == "60 bytes\n"
    with pytest.raises(CheckError, match="run with --interpret") as caught:
        wirebrick.run(nf, rx=PACKETS)
    assert caught.value.place.line == FIRST + 1


@pytest.mark.parametrize(
    "text",
    [
        "x = " + " + ".join(["packet.length"] * 700),
        "".join(f"{'    ' * n}if packet.length > {n}:\n" for n in range(90)) + "    " * 90 + "pass",
        "if packet.length == 0:\n    pass\n"
        + "".join(f"elif packet.length == {n}:\n    pass\n" for n in range(1, 200)),
        "x = " + "not " * 190 + "packet.length",
        "x = packet.length\nif " + " and ".join(f"x > {n}" for n in range(300)) + ":\n    pass",
    ],
    ids=["sum", "nested if", "elif", "not", "and"],
)
def test_deep_nesting_is_an_error_or_works(tmp_path, text):
    nf = load(tmp_path, nf_text(text)).nf
    try:
        wirebrick.run(nf, rx=PACKETS)
    except CheckError as error:
        found = error
    else:
        return
    assert "too deeply" in found.message
    assert "function of its own" in found.cure
