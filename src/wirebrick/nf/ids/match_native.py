"""Rules against a packet or a piece of a stream, native: which may match, which do, and what comes of it."""

from __future__ import annotations

from wirebrick.nf.ids.act_native import ids_act
from wirebrick.nf.ids.filters_native import ids_filter_passes
from wirebrick.nf.ids.flows_native import ids_bits_are, ids_bits_change, ids_flow_is
from wirebrick.nf.ids.header_native import ids_header, ids_tests
from wirebrick.nf.ids.layout import (
    B_GROUPS,
    B_PASSES,
    B_RULES,
    B_SETS,
    C_GIVEN_UP,
    D_FOUND,
    D_FUEL,
    D_LIST,
    D_SEEN,
    D_STAMP,
    D_WAITING,
    G_ALWAYS,
    G_DST,
    G_SRC,
    GROUP,
    KINDS,
    P_DATA,
    P_DST_PORT,
    P_KIND,
    P_SRC_PORT,
    P_STREAM,
    R_BIT_COUNT,
    R_BITS,
    R_DETECTION,
    R_FLOW,
    R_SCOPE,
    R_SLOT,
    R_STEP_COUNT,
    R_STEPS,
    R_TEST_COUNT,
    R_TESTS,
    RULE,
    SCOPE_NEW,
    SCOPE_WHOLE,
    SET,
    SET_RULES,
    SET_TABLES,
)
from wirebrick.nf.ids.payload_native import ids_payload
from wirebrick.packet.memory import load32, load64, store32, store64
from wirebrick.state.patterns_layout import F_MATCHES, MATCH
from wirebrick.state.patterns_scan_native import patterns_scan

MASK32 = 0xFFFFFFFF


def ids_search(book: int, desk: int, scope: int, data: int, size: int) -> int:
    """Note all rules of a scope that may match; how many there are."""
    stamp = load64(desk + D_STAMP) + 1
    if stamp > MASK32:
        stamp = 1
    store64(desk + D_STAMP, stamp)
    store64(desk + D_WAITING, 0)
    literals = book + B_SETS + SET * scope
    tables = load64(literals + SET_TABLES)
    if tables != 0 and size > 0:
        found = desk + load64(desk + D_FOUND)
        count = patterns_scan(book + tables, found, data, size)
        lists = book + load64(literals + SET_RULES)
        for i in range(count):
            ids_note_list(book, desk, load64(lists + 8 * load32(found + F_MATCHES + i * MATCH)))
    group = book + load64(book + B_GROUPS) + (scope * KINDS + load64(desk + P_KIND)) * GROUP
    if load64(group + G_ALWAYS) != 0:
        ids_note_list(book, desk, load64(group + G_ALWAYS))
    if load64(group + G_DST) != 0:
        ids_note_list(book, desk, load32(book + load64(group + G_DST) + 4 * load64(desk + P_DST_PORT)))
    if load64(group + G_SRC) != 0:
        ids_note_list(book, desk, load32(book + load64(group + G_SRC) + 4 * load64(desk + P_SRC_PORT)))
    waiting = load64(desk + D_WAITING)
    if waiting > 1:
        ids_sort(desk + load64(desk + D_LIST), waiting)
    return waiting


def ids_note_list(book: int, desk: int, at: int) -> int:
    """Note the rules of a list that were not noted yet."""
    if at == 0:
        return 0
    seen = desk + load64(desk + D_SEEN)
    waiting = desk + load64(desk + D_LIST)
    stamp = load64(desk + D_STAMP)
    count = load64(desk + D_WAITING)
    at += book
    for i in range(load32(at)):
        rule = load32(at + 4 + 4 * i)
        if load32(seen + 4 * rule) != stamp:
            store32(seen + 4 * rule, stamp)
            store32(waiting + 4 * count, rule)
            count += 1
    store64(desk + D_WAITING, count)
    return count


def ids_sort(at: int, count: int) -> int:
    """Put numbers (u32) in order; by a heap, so that many cost no more than they must."""
    begin = count >> 1
    while begin > 0:
        begin -= 1
        ids_sift(at, begin, count)
    end = count
    while end > 1:
        end -= 1
        last = load32(at + 4 * end)
        store32(at + 4 * end, load32(at))
        store32(at, last)
        ids_sift(at, 0, end)
    return 0


def ids_sift(at: int, place: int, count: int) -> int:
    """Let a number sink to its place in the heap."""
    number = load32(at + 4 * place)
    below = 2 * place + 1
    while below < count:
        other = load32(at + 4 * below)
        if below + 1 < count and load32(at + 4 * below + 4) > other:
            below += 1
            other = load32(at + 4 * below)
        if other <= number:
            break
        store32(at + 4 * place, other)
        place = below
        below = 2 * place + 1
    store32(at + 4 * place, number)
    return 0


def ids_judge(book: int, desk: int, log: int, size: int, begin: int, new: int) -> int:
    """Evaluate the noted rules in order: what becomes of the packet, bits DROPS and RESETS.

    ``size``: bytes of payload, of which those before ``new`` were looked at before (0: none was). ``begin``: as
    ``ids_payload`` has it. A rule that passes ends it.
    """
    rules = book + load64(book + B_RULES)
    passes = load64(book + B_PASSES)
    waiting = desk + load64(desk + D_LIST)
    verdict = 0
    for i in range(load64(desk + D_WAITING)):
        number = load32(waiting + 4 * i)
        rule = rules + number * RULE
        if ids_rule(book, desk, rule, size, begin, new) != 0:
            verdict |= ids_act(book, desk, log, rule)
            if number < passes:
                return 0
    if load64(desk + D_FUEL) < 0:
        store64(desk + C_GIVEN_UP, load64(desk + C_GIVEN_UP) + 1)
    return verdict


def ids_rule(book: int, desk: int, rule: int, size: int, begin: int, new: int) -> int:
    """1 where a rule matches."""
    if ids_header(book, desk, rule) == 0:
        return 0
    flow = load64(rule + R_FLOW)
    if flow != 0 and ids_flow_is(desk, flow) == 0:
        return 0
    count = load64(rule + R_TEST_COUNT)
    if count != 0 and ids_tests(desk, book + load64(rule + R_TESTS), count) == 0:
        return 0
    bits = load64(rule + R_BIT_COUNT)
    if bits != 0 and ids_bits_are(desk, book + load64(rule + R_BITS), bits) == 0:
        return 0
    if load64(rule + R_STEP_COUNT) != 0 and ids_rule_payload(book, desk, rule, size, begin, new) == 0:
        return 0
    if bits != 0:
        ids_bits_change(desk, book + load64(rule + R_BITS), bits)
    detection = load64(rule + R_DETECTION)
    if detection != 0:
        return ids_filter_passes(desk, book + detection, 2 * load64(rule + R_SLOT))
    return 1


def ids_rule_payload(book: int, desk: int, rule: int, size: int, begin: int, new: int) -> int:
    """1 where the payload satisfies a rule: in a stream, the new bytes alone, or what was kept together with them."""
    data = load64(desk + P_DATA)
    steps = book + load64(rule + R_STEPS)
    count = load64(rule + R_STEP_COUNT)
    if load64(desk + P_STREAM) == 0:
        return ids_payload(book, desk, steps, count, data, size, 0, -1)
    scope = load64(rule + R_SCOPE)
    if scope & SCOPE_WHOLE == 0:
        if ids_payload(book, desk, steps, count, data + new, size - new, 0, -1) != 0:
            return 1
        if scope & SCOPE_NEW == 0 or (new == 0 and begin == 0):
            return 0
    return ids_payload(book, desk, steps, count, data, size, begin, new if scope & SCOPE_NEW != 0 else -1)
