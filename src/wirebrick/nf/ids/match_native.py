"""Rules against a packet or a piece of a stream, native: which may match, which do, and what comes of it."""

from __future__ import annotations

from wirebrick.nf.ids.decode_native import ids_field, ids_has_option
from wirebrick.nf.ids.filters_native import ids_filter_passes, ids_suppressed
from wirebrick.nf.ids.flows_native import ids_bits_are, ids_bits_change, ids_flow_is
from wirebrick.nf.ids.layout import (
    ACT_DROP,
    ACT_LOG,
    ACT_PASS,
    ACT_RESET,
    ACT_TELL,
    ALL,
    ANY,
    B_GROUPS,
    B_INLINE,
    B_PASSES,
    B_RULES,
    B_SETS,
    C_CROWDED,
    C_GIVEN_UP,
    D_ALERT,
    D_FOUND,
    D_FUEL,
    D_HITS,
    D_LIST,
    D_PORT,
    D_SEEN,
    D_STAMP,
    D_TIME,
    D_TOLD,
    D_WAITING,
    DROPS,
    EXACTLY,
    G_ALWAYS,
    G_DST,
    G_SRC,
    GROUP,
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
    MOST_TOLD,
    NEGATED,
    P_DATA,
    P_DST,
    P_DST_PORT,
    P_KIND,
    P_PROTOCOL,
    P_SRC,
    P_SRC_PORT,
    P_STREAM,
    P_VERSION,
    R_ACTS,
    R_BIT_COUNT,
    R_BITS,
    R_BOTH,
    R_DETECTION,
    R_DST,
    R_DST_PORTS,
    R_FLOW,
    R_LIMIT,
    R_PROTOCOL,
    R_SCOPE,
    R_SLOT,
    R_SRC,
    R_SRC_PORTS,
    R_STEP_COUNT,
    R_STEPS,
    R_SUPPRESS,
    R_SUPPRESS_COUNT,
    R_TEST_COUNT,
    R_TESTS,
    RESETS,
    RULE,
    SCOPE_NEW,
    SCOPE_WHOLE,
    SET,
    SET_RULES,
    SET_TABLES,
    STEP,
)
from wirebrick.nf.ids.payload_native import ids_payload
from wirebrick.nf.ids.sets_native import ids_address_in, ids_port_in
from wirebrick.packet.memory import load32, load64, store8, store16, store32, store64
from wirebrick.state.log_native import log_note
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


def ids_act(book: int, desk: int, log: int, rule: int) -> int:
    """A rule has matched: count it and tell; what becomes of the packet, as ``ids_judge`` says."""
    acts = load64(rule + R_ACTS)
    slot = load64(rule + R_SLOT)
    hits = desk + load64(desk + D_HITS) + 16 * slot
    store64(hits, load64(hits) + 1)
    drops = 0
    if acts & ACT_DROP != 0 and load64(book + B_INLINE) != 0:
        drops = DROPS | RESETS if acts & ACT_RESET != 0 else DROPS
    if acts & (ACT_TELL | ACT_LOG) == 0 or acts & ACT_PASS != 0:
        return drops
    count = load64(rule + R_SUPPRESS_COUNT)
    if count != 0 and ids_suppressed(book, desk, book + load64(rule + R_SUPPRESS), count) != 0:
        return drops
    limit = load64(rule + R_LIMIT)
    if limit != 0 and ids_filter_passes(desk, book + limit, 2 * slot + 1) == 0:
        return drops
    told = load64(desk + D_TOLD)
    if told >= MOST_TOLD:
        store64(desk + C_CROWDED, load64(desk + C_CROWDED) + 1)
        return drops
    store64(desk + D_TOLD, told + 1)
    store64(hits + 8, load64(hits + 8) + 1)
    ids_tell(desk, log, slot, 1 if drops != 0 else 0)
    return drops


def ids_tell(desk: int, log: int, slot: int, drops: int) -> int:
    """Write an alert (a record of class Alert) into the log."""
    alert = desk + D_ALERT
    store64(alert, load64(desk + D_TIME))
    for word in range(4):
        store64(alert + 8 + 8 * word, load64(desk + P_SRC + 8 * word))
    store32(alert + 40, slot)
    store16(alert + 44, max(load64(desk + P_SRC_PORT), 0))
    store16(alert + 46, max(load64(desk + P_DST_PORT), 0))
    store8(alert + 48, load64(desk + P_PROTOCOL))
    store8(alert + 49, load64(desk + P_VERSION))
    store8(alert + 50, drops)
    store8(alert + 51, load64(desk + P_STREAM))
    store16(alert + 52, load64(desk + D_PORT))
    return log_note(log, alert)
