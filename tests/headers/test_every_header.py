"""What holds for all headers that ship."""

from __future__ import annotations

import ast
import inspect as source
import textwrap

import pytest
from header_oracle import any_bytes, inspect
from hypothesis import given, settings
from hypothesis import strategies as st

import wirebrick.headers
from wirebrick.errors import HeaderError
from wirebrick.headers import Ethernet, Header, golden
from wirebrick.headers.field import Computed
from wirebrick.headers.header import announcements, may_follow

ALL = [
    thing
    for thing in (getattr(wirebrick.headers, name) for name in wirebrick.headers.__all__)
    if isinstance(thing, type) and issubclass(thing, Header) and thing is not Header
]
SIZES = {
    "ARP": 28,
    "Ethernet": 14,
    "GRE": 4,
    "Geneve": 8,
    "ICMP": 8,
    "ICMPv6": 8,
    "IPv4": 20,
    "IPv6": 40,
    "MPLS": 4,
    "NeighbourTarget": 16,
    "TCP": 20,
    "UDP": 8,
    "VLAN": 4,
    "VXLAN": 8,
}


def test_sizes():
    assert {header.__name__: header.size for header in ALL} == SIZES


@pytest.mark.parametrize("header", ALL)
def test_defaults_make_a_valid_header(header):
    made = header()
    assert made.valid()
    assert made.header_length() == header.size
    golden(made, bytes(made))


@pytest.mark.parametrize("header", ALL)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_bytes_are_safe(header, data):
    inspect(data.draw(any_bytes(header)), header)


@pytest.mark.parametrize("header", ALL)
def test_uniform_bytes_are_safe(header):
    for byte in (0x00, 0xFF, 0x2C, 0x33, 0x3C, 0x60):
        for size in (header.size, header.size + 1, header.size + 7, 1500):
            inspect(bytes([byte]) * size, header)


@pytest.mark.parametrize("header", ALL)
def test_too_few_bytes_are_refused(header):
    with pytest.raises(HeaderError, match=f"{header.size} bytes, not {header.size - 1}"):
        header.from_bytes(bytes(header.size - 1))


@pytest.mark.parametrize("header", ALL)
def test_only_ethernet_starts_a_packet(header):
    assert may_follow(header, None) == (header is Ethernet)


@pytest.mark.parametrize("header", ALL)
def test_each_condition_names_things_that_exist(header):
    for condition in header.announced_by:
        for term in condition.terms:
            assert term.header is condition.header
            mark = getattr(term.header, term.name)
            limit = (1 << 32) if isinstance(mark, Computed) else mark.mask
            assert term.value <= limit


FOLLOWERS = {
    "Ethernet": {"VLAN", "MPLS", "ARP", "IPv4", "IPv6"},
    "VLAN": {"VLAN", "MPLS", "ARP", "IPv4", "IPv6"},
    "MPLS": {"MPLS", "IPv4", "IPv6"},
    "ARP": set(),
    "IPv4": {"IPv4", "IPv6", "TCP", "UDP", "ICMP", "GRE"},
    "IPv6": {"IPv4", "IPv6", "TCP", "UDP", "ICMPv6", "GRE"},
    "TCP": set(),
    "UDP": {"VXLAN", "Geneve"},
    "ICMP": set(),
    "ICMPv6": {"NeighbourTarget"},
    "NeighbourTarget": set(),
    "GRE": {"Ethernet", "MPLS", "IPv4", "IPv6"},
    "VXLAN": {"Ethernet"},
    "Geneve": {"Ethernet", "IPv4", "IPv6"},
}


@pytest.mark.parametrize("parent", ALL)
def test_what_can_follow(parent):
    assert {header.__name__ for header in ALL if may_follow(header, parent)} == FOLLOWERS[parent.__name__]
    for header in ALL:
        assert bool(announcements(header, parent)) == (header.__name__ in FOLLOWERS[parent.__name__])


ALLOWED = (
    ast.arguments
    | ast.arg
    | ast.Load
    | ast.Store
    | ast.operator
    | ast.boolop
    | ast.cmpop
    | ast.unaryop
    | ast.Name
    | ast.Constant
    | ast.Attribute
    | ast.BinOp
    | ast.BoolOp
    | ast.Compare
    | ast.UnaryOp
    | ast.Assign
    | ast.AugAssign
    | ast.If
    | ast.For
    | ast.While
    | ast.Break
    | ast.Return
    | ast.Expr
)
CALLS = {"range", "len", "u8", "u16", "u32"}


@pytest.mark.parametrize("header", ALL)
def test_methods_stay_in_the_subset_that_compiles(header):
    methods = [vars(header).get(name) for name in ("header_length", "claimed_payload", "valid")]
    methods += [value.function for value in vars(header).values() if isinstance(value, Computed)]
    for method in filter(None, methods):
        tree = ast.parse(textwrap.dedent(source.getsource(method)))
        for statement in tree.body[0].body:
            for node in ast.walk(statement):
                if isinstance(node, ast.Call):
                    assert (getattr(node.func, "id", None) or node.func.attr) in CALLS
                else:
                    assert isinstance(node, ALLOWED), ast.dump(node)
