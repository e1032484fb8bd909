"""What users may well write, and what could go wrong with it: the same interpreted and compiled."""

from __future__ import annotations

import pytest
from snippets import PACKETS, nf_text, same

BEFORE = """\
class Level(enum.IntEnum):
    LOW = 3
    HIGH = 90
class Config:
    LIMIT = 61
    NETWORK = IPv4Network("10.0.0.0/8")
class R(Record):
    x: U32
    y: F64
A = Array(U32, 8)
RECORDS = Array(R, 4)
T = Table(FlowKey, R, capacity=16)
C = Counter("c")
EMPTY = ()
NESTED = ((1, 2), (3, (4, 5)))
FLAG, RATE, NOTHING = True, 2.5, None
def mark(packet, value):
    packet.header.src = value
    return value > 0
def bump(i):
    A[i] += 1
    return A[i]
def none(packet):
    packet.header.src += 1
def ident(r):
    return r
def head(p):
    return p.header
def pair(n):
    return n + 1, (n, True)
def optional(x=None, *, scale=2):
    if x is None:
        x = 5
    return x * scale
def total(n, result=0):
    for v in range(n):
        if v == 7:
            return result
        result += v
    return result
def first(t):
    return t[0].ethertype + t[1]
def many(a, b, c, d, e, f, g, h):
    return a + b + c + d + e + f + g + h
def spin(n):
    while n > 61:
        n += 0
    return n
def fail(n):
    raise ValueError(f"no {n}")
def apply(f, x):
    return f(x)
"""
ENDLESS = "x = packet.length\nwhile True:\n    x = 1 - x"
BODIES = [
    "",
    '"""Docstring only."""',
    "pass",
    "return\npacket.header.dst = 1",
    "return 5",
    "packet.header.dst = 1\nreturn packet.header.dst",
    # names that the generated code has, too
    "d = p = w = left = fate = scratch = h1 = b1 = t0 = 5\n"
    "packet.header.dst = d + p + w + left + fate + h1 + b1 + t0 + scratch",
    "count = load8 = process = at = end = wire = fuel = blocks = lists = i = n0 = k = 3\n"
    "packet.header.dst = count + end * 9 + fuel + i",
    "result = 3\nstatus = 4\n_1 = 5\n_2 = 6\n__x = 7\nv_x = 8\nx = 9\n"
    "packet.header.dst = result + status + _1 + _2 + __x + v_x + x",
    "x = packet.header.dst\nx_a = x_b = x_0 = 7\nt = (1, 2)\nt_0 = t_1 = 50\n"
    "packet.header.dst = t[0] + t[1] + x_a",
    'y = IPv6Address("::1")\ny_a = y_b = 7\nif y == IPv6Address("::1"):\n    packet.header.dst = 77',
    "größe = packet.length\nμ = größe + 1\npacket.header.dst = μ",
    "len = 4\nmin = 5\nrange_ = 6\npacket.header.dst = len + min + range_",
    "copy = unlikely = swap = fold = 4\npacket.header.dst = copy + unlikely",
    # constants from outside
    "packet.header.dst = Level.HIGH + Level.LOW",
    "if packet.length > Config.LIMIT:\n    packet.header.dst = 1",
    "if IPv4Address('10.1.1.1') in Config.NETWORK:\n    packet.header.dst = 1",
    "if FLAG and NOTHING is None:\n    packet.header.dst = int(RATE * 4)",
    "packet.header.dst = NESTED[1][1][0] * 10 + NESTED[0][1] + len(NESTED)",
    "packet.header.dst = int(math.pi * 1000)",
    "packet.header.dst = 0xFFFFFFFFFFFF & (1 << 127)",
    "for v in EMPTY:\n    packet.header.dst = v",
    "for v in (1 << 63, 5):\n    if v > 9:\n        packet.header.dst += 1",
    "for v in (-1, 5):\n    packet.header.dst += v",
    "packet.header.dst = b'xyz'[1] + len(b'xyz')",
    # evaluation order and side effects
    "x = bump(0) * 10 + bump(0)\npacket.header.dst = x",
    "x = packet.length > 61 and bump(1) > 0\ny = packet.length > 61 or bump(2) > 0\n"
    "packet.header.dst = A[1] * 10 + A[2]",
    "if packet.length > 61 and bump(1) > 0:\n    packet.header.dst = A[1]\n"
    "if packet.length > 61 or bump(2) > 0:\n    packet.header.src = A[2]",
    "x = bump(1) if packet.length > 61 else bump(2)\npacket.header.dst = A[1] * 10 + A[2] + x",
    "x = 1 if packet.length < 61 else 2 if packet.length < 150 else 3\npacket.header.dst = x",
    "if 60 < packet.length < bump(3) + 100:\n    packet.header.dst = A[3]",
    "if not 60 < packet.length <= 104 != 5:\n    packet.header.dst = A[3]",
    "A[bump(4) & 3] = bump(4)\npacket.header.dst = A[0] + A[1] * 10 + A[2] * 100 + A[3] * 1000",
    "A[bump(4) & 3] += bump(4)\npacket.header.dst = A[0] + A[1] * 10 + A[2] * 100 + A[3] * 1000",
    "A[packet.length] = 1 // (packet.length - packet.length)",
    "x = y = bump(5)\npacket.header.dst = x * 10 + y",
    "a, (b, c) = 1, (2, packet.length)\na, b = b, a\npacket.header.dst = a * 100 + b * 10 + c",
    "packet.header.dst, packet.header.src = packet.header.src, packet.header.dst",
    "x, packet.header.dst, A[0] = 1, 2, 3\npacket.header.src = x + A[0]",
    # control flow
    "while True:\n    if packet.length > 61:\n        return\n    packet.header.dst = 1\n    break",
    ENDLESS,
    "while 0:\n    packet.header.dst = 1",
    "n = 3\nwhile n:\n    n -= 1\n    packet.header.dst += n",
    "if 0:\n    x = undefined_name\nelse:\n    packet.header.dst = 1",
    "if 1 < 2:\n    packet.header.dst = 1\nelse:\n    x = [1]",
    "for i in range(3):\n    for j in range(i, 5):\n        if j == 2:\n"
    "            continue\n        if j == 4:\n            break\n"
    "        packet.header.dst += i * j",
    "for i in range(5):\n    i = 7\npacket.header.dst = 1",
    "for i in range(3, 0, -1):\n    packet.header.dst = packet.header.dst * 10 + i",
    "for i in range(10):\n    if i == 4:\n        return\n    packet.header.dst = i",
    "for b in packet.payload[0:4]:\n    packet.header.dst += b",
    "a = b = c = dd = e = ee = g = h = i = j = 1\nfor n in range(3):\n    a = b\n    b = c\n"
    "    c = dd\n    dd = e\n    e = ee\n"
    "    ee = g\n    g = h\n    h = i\n    i = j\n    j = -packet.length\npacket.header.dst = a - j",
    "assert packet.length > 61\npacket.header.dst = 1",
    "if packet.length > 61:\n    raise ValueError(f'{packet.length}')",
    # helpers
    "packet.header.dst = optional() * 100 + optional(3) * 10 + optional(1, scale=4)",
    "packet.header.dst = total(packet.length) + total(3, result=100)",
    "none(packet)\nnone(packet)",
    "h = head(packet)\nh.src = 9\nhead(packet).dst = 8",
    "a, (b, c) = pair(packet.length)\nif c:\n    packet.header.dst = a * 1000 + b",
    "packet.header.dst = first((packet.header, 4))",
    "packet.header.dst = many(1, 2, 3, 4, 5, 6, 7, packet.length)",
    "packet.header.dst = spin(packet.length)",
    "if packet.length > 61:\n    fail(packet.length)\npacket.header.dst = 4",
    "packet.header.dst = apply(optional, packet.length) + apply(abs, -4)",
    "packet.header.dst = apply(optional, packet.length)",
    "x = mark(packet, 5) and mark(packet, 0)\npacket.header.dst = 1 if x else 2",
    # headers, records, payload
    "h = packet.header\nh.dst = 3\npacket[Ethernet].src = h.dst + 1",
    "h = packet.header\nh = packet[Ethernet]\nh.dst = 3",
    "q = packet\nq.header.dst = 3\npacket = q\npacket.header.src = 4",
    "packet = 5\nx = packet + 1",
    "a = R(x=1)\nb = ident(a)\nb.x = 5\nc = a\nc.y = 1.5\npacket.header.dst = a.x + int(a.y * 2)",
    "a = R(x=packet.length)\nfor i in range(3):\n    b = R(x=i)\n    a.x += b.x\npacket.header.dst = a.x",
    "r = RECORDS[packet.length & 3]\nr.x += 1\nr.y += 0.5\n"
    "packet.header.dst = RECORDS[packet.length & 3].x + int(r.y)",
    "payload = packet.payload\npayload[0] = 7\npart = payload[2:-2]\npart[0] = payload[0] + len(part)",
    "payload = packet.payload\npacket.payload.resize(4)\npacket.header.dst = len(payload)",
    "payload = packet.payload\npacket.payload.resize(4)\npacket.header.dst = payload[10]",
    "part = packet.payload[2:]\npacket.payload.delete(0, 5)\npacket.header.dst = part[0] + len(part)",
    "for b in packet.payload:\n    packet.payload.resize(4)\n    packet.header.dst += b",
    "h = packet.header\npacket.payload.insert(0, 4)\nh.dst = 6\npacket.payload[0] = 1",
    "if packet.payload.startswith(b'E') or packet.payload[0:2] == b'\\x00\\x01':\n"
    "    packet.header.dst = packet.payload.find(b'\\n')",
    "packet.header.dst = packet.header.raw[0] + packet[Ethernet, 0].raw.u16(2)",
    "x = 1.5\nx += packet.length\nx = x / 3\npacket.header.dst = int(x)",
    "x = packet.header.dst > 3\nx = not x\npacket.header.dst = x",
    "packet.header.dst += 1 if packet.ingress == 'in' else 2",
    "where = packet.ingress\npacket.egress = where",
]


@pytest.mark.parametrize("body", BODIES)
def test_the_same_both_ways(tmp_path, body):
    # Interpreted, a loop without an end takes seconds until its fuel is used up.
    same(tmp_path, nf_text(body or "pass", BEFORE), 1 if body == ENDLESS else len(PACKETS))


NAMES = [("table", "touch"), ("table", "find"), ("floor", "div"), ("store", "float"), ("same", "bytes"),
         ("process", "w"), ("flow", "ports"), ("größe", "μ"), ("_x", "__y")]  # fmt: skip


@pytest.mark.parametrize(("nf", "function"), NAMES)
def test_names_of_functions_never_clash(tmp_path, nf, function):
    text = (
        "T = Table(FlowKey, FlowKey, capacity=8)\n"
        f"def {function}(n):\n    return n + 3\n"
        f"@network_function\ndef {nf}_(packets):\n    def at(packet):\n"
        f"        T[packet.flow()].src_port = {function}(packet.length)\n"
        f"        packet.header.identification = T[packet.flow()].src_port + (packet.length - 100) // 7\n"
        f"    return packets.parse(Ethernet).parse(IPv4).transform(at)\nnf = {nf}_\nnf.name = {nf!r}\n"
    )
    assert same(tmp_path, text)[1] == {}


METHODS = """\
class Level(Header):
    a: U8
    b: U8
    def total(self, more):
        return self.a + self.b + more
    def raise_a(self):
        self.a += 1
        return self.a
    def spin(self):
        n = self.a
        while n > 0:
            n += 0
        return n
    @property
    def twice(self):
        return self.a * 2
"""


@pytest.mark.parametrize(
    "body",
    [
        "packet.header.b = packet.header.total(4)",
        "packet.header.b = packet.header.raise_a() + packet.header.a",
        "packet.header.b = packet.header.spin()",
    ],
)
def test_methods_of_headers(tmp_path, body):
    same(tmp_path, nf_text(body, METHODS, parse=".parse(Level)"))


def test_modules_as_holders_of_functions_and_constants(tmp_path):
    before = (
        "import types\nM = types.ModuleType('M')\n"
        "def spin(n):\n    while n > 61:\n        n += 0\n    return n\n"
        "def big(n):\n    return n << 60\nM.spin, M.big, M.LIMIT = spin, big, 61\n"
    )
    same(tmp_path, nf_text("packet.header.dst = M.spin(packet.length) + M.LIMIT", before))
    same(tmp_path, nf_text("x = M.big(packet.length)\npacket.header.dst = x & 255", before))
