"""Unique packets: not used after send or drop, kept nowhere, and every copy goes somewhere."""

from __future__ import annotations

import pytest
from snippets import FIRST, nf_text, refused, same

HELPERS = """\
def lose(p):
    p.drop("lost")
def maybe(p):
    if p.length > 60:
        p.drop("lost")
def read(p):
    return p.length
def check(n):
    if n > 60:
        raise ValueError
"""
ARRAYS = "A = Array(U32, 4)\nT = Table(FlowKey, FlowKey, capacity=4)\n"
# body, line of the error in it, column, words of the message
GONE = [
    ('packet.send("out")\npacket.header.dst = 1', 2, 1, "was sent or dropped in line 16"),
    ('packet.drop("x")\nx = packet.length', 2, 5, "was sent or dropped in line 16"),
    ('packet.send("out")\npacket.send("out")', 2, 1, "was sent or dropped"),
    ('packet.send("out")\npacket.drop("x")', 2, 1, "was sent or dropped"),
    (
        'if packet.length > 60:\n    packet.drop("x")\npacket.header.dst = 1',
        3,
        1,
        "may have been sent or dropped",
    ),
    ('for i in range(2):\n    packet.drop("x")', 2, 5, "may have been"),
    ('for i in range(2):\n    x = packet.length\n    packet.drop("x")', 2, 9, "may have been"),
    ('while packet.length > 60:\n    packet.drop("x")', 1, 7, "may have been"),
    (
        'while True:\n    if packet.length > 60:\n        packet.drop("x")\n        continue\n    break',
        2,
        8,
        "may have been",
    ),
    ('for i in range(2):\n    packet.drop("x")\n    break\npacket.header.dst = 1', 4, 1, "may have been"),
    ('h = packet.header\npacket.drop("x")\nh.dst = 1', 3, 1, "was sent or dropped"),
    ('h = packet.header\npacket.drop("x")\nx = h.dst', 3, 5, "was sent or dropped"),
    ('v = packet.payload\npacket.drop("x")\nv[0] = 1', 3, 1, "was sent or dropped"),
    ('v = packet.payload[1:]\npacket.drop("x")\nx = len(v)', 3, 9, "was sent or dropped"),
    ('q = packet\nq.drop("x")\npacket.header.dst = 1', 3, 1, "was sent or dropped"),
    ('q = packet\npacket.drop("x")\nx = q.length', 3, 5, "was sent or dropped"),
    ("lose(packet)\npacket.header.dst = 1", 2, 1, "was sent or dropped in line 6"),
    ("maybe(packet)\npacket.header.dst = 1", 2, 1, "may have been"),
    ('packet.drop("x")\nx = read(packet)', 2, 10, "was sent or dropped"),
    ("lose(packet)\nlose(packet)", 2, 6, "was sent or dropped"),
    ('packet.send("out")\nt = packet.copy()', 2, 5, "was sent or dropped"),
    ('t = packet.copy()\nt.send("out")\nt.header.dst = 1', 3, 1, "was sent or dropped"),
    ('t = packet.copy()\nt.send("out")\nt.send("out")', 3, 1, "was sent or dropped"),
    ('t = packet.copy()\nfor i in range(2):\n    t.send("out")', 3, 5, "may have been"),
    (
        'packet.drop("x") if packet.length > 60 else packet.send("out")\npacket.header.dst = 1',
        2,
        1,
        "was sent or dropped",
    ),
    ('if packet.length > 60 and packet.drop("x"):\n    pass\npacket.header.dst = 1', 3, 1, "may have been"),
]
KEPT = [
    ("t = (packet, 1)", "can't be kept in a tuple"),
    ("A[0] = packet", "needs an integer, not a packet"),
    ("T[packet] = 1", "can't be replaced"),
    ("x = T[packet]", "are FlowKey, not a packet"),
    ("packet.header.dst = packet", "not a packet"),
    ("packet.kept = packet", "can't be stored"),
    ("x = FlowKey(src=packet)", "not a packet"),
    ("kept = [packet]", "a list can't be made"),
    ("X.append(packet)", "X is a list"),
    ("read.kept = packet", "can't be stored"),
    ("return_it(packet)", "a packet can't be returned"),
    ("x = packet + 1", "+ of a packet"),
]
LOST = [
    ("t = packet.copy()", 1, "the function"),
    ("packet.copy()", 1, "the function"),
    ("if packet.length > 60:\n    t = packet.copy()", 2, "the function"),
    ('t = packet.copy()\nif packet.length > 60:\n    t.send("mirror")', 1, "the function"),
    ('t = packet.copy()\nif packet.length > 60:\n    return\nt.send("mirror")', 1, "the function"),
    ("for i in range(2):\n    t = packet.copy()", 2, "each turn of the loop"),
    (
        'for i in range(2):\n    t = packet.copy()\n    if i > 0:\n        continue\n    t.drop("x")',
        2,
        "each turn",
    ),
    (
        'for i in range(2):\n    t = packet.copy()\n    if i > 0:\n        break\n    t.drop("x")',
        2,
        "the function",
    ),
    (
        'while True:\n    t = packet.copy()\n    if packet.length > 60:\n        return\n    t.drop("x")',
        2,
        "the function",
    ),
    ('t = packet.copy()\nif packet.length > 60 and t.drop("x"):\n    pass', 1, "the function"),
    ('t = packet.copy()\nt.drop("x") if packet.length > 60 else check(1)', 1, "the function"),
]
FINE = [
    't = packet.copy()\nt.send("mirror")',
    't = packet.copy()\nt.header.dst = 9\nif packet.length > 60:\n    t.send("mirror")\n'
    'else:\n    t.drop("small")',
    'for i in range(3):\n    t = packet.copy()\n    t.header.dst = i\n    t.send("mirror")\n'
    "packet.header.src = 7",
    'if packet.length > 60:\n    t = packet.copy()\n    t.send("mirror")\npacket.header.src = 7',
    't = packet.copy()\nx = read(t)\nt.send("mirror")\npacket.header.dst = x',
    't = packet.copy()\nt.send("mirror")\nt = packet.copy()\nt.drop("x")',
    't = packet.copy()\ncheck(packet.length)\nt.send("mirror")',
    't = packet.copy()\nx = 1 // (packet.length - 60)\nt.send("mirror")\npacket.header.dst = x',
    'for i in range(2):\n    t = packet.copy()\n    if i > 0:\n        t.send("mirror")\n'
    '        break\n    t.drop("x")',
    'for i in range(packet.length - 59):\n    t = packet.copy()\n    check(i + 60)\n    t.send("mirror")',
    'q = packet\nq.header.dst = 5\nq.send("mirror")',
    "if packet.length > 60:\n    lose(packet)\nelse:\n    packet.header.dst = 1",
    'if packet.length > 60:\n    packet.drop("x")\n    return\npacket.header.dst = 1',
    'for i in range(9):\n    if i == 3:\n        packet.drop("x")\n        return\n    packet.header.dst = i',
    'return packet.drop("x")',
    "maybe(packet)",
    'packet.send("out") if packet.length > 60 else packet.drop("x")',
    't = packet.copy()\nt.drop("y") if packet.length > 60 else t.send("mirror")',
    't = packet.copy()\nu = packet.copy()\nt.send("mirror")\nu.header.src = 3\nu.send("mirror")',
    't = packet.copy()\nwhile True:\n    if packet.length > 0:\n        break\nt.send("mirror")',
]


@pytest.mark.parametrize(("body", "line", "column", "message"), GONE)
def test_use_after_the_end(tmp_path, body, line, column, message):
    error = refused(tmp_path, nf_text(body, HELPERS))
    assert message in error.message
    assert "one owner" in error.cure
    assert (error.place.line, error.place.column) == (FIRST + HELPERS.count("\n") + line, 4 + column)


@pytest.mark.parametrize(("body", "message"), KEPT)
def test_keeping_a_packet(tmp_path, body, message):
    before = f"X = []\ndef return_it(p):\n    return p\n{ARRAYS}{HELPERS}"
    assert message in refused(tmp_path, nf_text(body, before)).message


@pytest.mark.parametrize(("body", "line", "end"), LOST)
def test_a_copy_that_goes_nowhere(tmp_path, body, line, end):
    error = refused(tmp_path, nf_text(body, HELPERS))
    assert "not sent or dropped on every path" in error.message
    assert end in error.cure
    assert error.place.line == FIRST + HELPERS.count("\n") + line


@pytest.mark.parametrize("body", FINE)
def test_what_is_fine_is_the_same_both_ways(tmp_path, body):
    same(tmp_path, nf_text(body, HELPERS))


def test_a_helper_does_not_end_a_copy_of_its_caller(tmp_path):
    error = refused(tmp_path, nf_text("t = packet.copy()\nlose(t)", HELPERS))
    assert "by the function that made it" in error.message
    assert error.place.line == FIRST + 1


@pytest.mark.parametrize("operator", ["filter", "map", "group_by"])
def test_only_transform_ends_packets(tmp_path, operator):
    text = nf_text('packet.send("out")\nreturn 1', operator="map")
    if operator == "group_by":
        text = text.replace("packets.parse(Ethernet).map(work)", "packets.group_by(1, work)[0]")
    error = refused(tmp_path, text.replace(".map(", f".{operator}("))
    assert f"{operator}() can't send" in error.message
    assert "transform()" in error.cure
