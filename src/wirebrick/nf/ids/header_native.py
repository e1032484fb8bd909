"""A rule's header and its tests of the packet's fields, native."""

from __future__ import annotations

from wirebrick.nf.ids.decode_native import ids_field, ids_has_option
from wirebrick.nf.ids.layout import (
    ALL,
    ANY,
    EXACTLY,
    I_A,
    I_B,
    I_C,
    I_D,
    I_FLAGS,
    I_KIND,
    IS_BITS,
    IS_OPTION,
    IS_RANGE,
    KINDS,
    NEGATED,
    P_DST,
    P_DST_PORT,
    P_KIND,
    P_PROTOCOL,
    P_SRC,
    P_SRC_PORT,
    P_VERSION,
    R_BOTH,
    R_DST,
    R_DST_PORTS,
    R_PROTOCOL,
    R_SRC,
    R_SRC_PORTS,
    STEP,
)
from wirebrick.nf.ids.sets_native import ids_address_in, ids_port_in
from wirebrick.packet.memory import load64


def ids_header(book: int, desk: int, rule: int) -> int:
    """1 where protocol, addresses and ports are the rule's."""
    protocol = load64(rule + R_PROTOCOL)
    if protocol != 0:
        given = load64(desk + P_PROTOCOL)
        if given == 58 and protocol == 1:
            given = 1
        if given != protocol or load64(desk + P_KIND) == KINDS - 1:
            return 0
    if ids_way(book, desk, rule, R_SRC, R_SRC_PORTS, R_DST, R_DST_PORTS) != 0:
        return 1
    if load64(rule + R_BOTH) == 0:
        return 0
    return ids_way(book, desk, rule, R_DST, R_DST_PORTS, R_SRC, R_SRC_PORTS)


def ids_way(book: int, desk: int, rule: int, src: int, src_ports: int, dst: int, dst_ports: int) -> int:
    """1 where addresses and ports are those of the rule, one way."""
    ports = load64(rule + dst_ports)
    if ports != 0 and ids_port_in(book + ports, load64(desk + P_DST_PORT)) == 0:
        return 0
    ports = load64(rule + src_ports)
    if ports != 0 and ids_port_in(book + ports, load64(desk + P_SRC_PORT)) == 0:
        return 0
    if ids_end_in(book, desk, load64(rule + src), P_SRC) == 0:
        return 0
    return ids_end_in(book, desk, load64(rule + dst), P_DST)


def ids_end_in(book: int, desk: int, addresses: int, end: int) -> int:
    """1 where the packet's address P_SRC or P_DST is in a set; 0 is the set of all."""
    if addresses == 0:
        return 1
    version = load64(desk + P_VERSION)
    return ids_address_in(book + addresses, version, load64(desk + end), load64(desk + end + 8))


def ids_tests(desk: int, step: int, count: int) -> int:
    """1 where the packet's fields are as a rule asks; a field that isn't there is not, negated or not."""
    for _ in range(count):
        kind = load64(step + I_KIND)
        ok = False
        if kind == IS_RANGE:
            value = ids_field(desk, load64(step + I_A))
            inside = value >= load64(step + I_B) and value <= load64(step + I_C)
            ok = value >= 0 and inside != (load64(step + I_FLAGS) & NEGATED != 0)
        elif kind == IS_BITS:
            value = ids_field(desk, load64(step + I_A))
            ok = (
                value >= 0
                and ids_bits(load64(step + I_B), value & ~load64(step + I_D), load64(step + I_C)) != 0
            )
        elif kind == IS_OPTION:
            ok = ids_has_option(desk, load64(step + I_A)) != 0
        else:
            same = load64(desk + P_SRC) == load64(desk + P_DST)
            ok = same and load64(desk + P_SRC + 8) == load64(desk + P_DST + 8)
        if not ok:
            return 0
        step += STEP
    return 1


def ids_bits(how: int, value: int, bits: int) -> int:
    """1 where bits are set as asked."""
    ok = value & bits == 0
    if how == EXACTLY:
        ok = value == bits
    elif how == ALL:
        ok = value & bits == bits
    elif how == ANY:
        ok = value & bits != 0
    return 1 if ok else 0
