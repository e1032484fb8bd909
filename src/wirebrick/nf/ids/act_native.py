"""What comes of a rule that has matched, native: it is counted and told."""

from __future__ import annotations

from wirebrick.nf.ids.filters_native import ids_filter_passes, ids_suppressed
from wirebrick.nf.ids.layout import (
    ACT_DROP,
    ACT_LOG,
    ACT_PASS,
    ACT_RESET,
    ACT_TELL,
    B_INLINE,
    C_CROWDED,
    D_ALERT,
    D_HITS,
    D_PORT,
    D_TIME,
    D_TOLD,
    DROPS,
    MOST_TOLD,
    P_DST_PORT,
    P_PROTOCOL,
    P_SRC,
    P_SRC_PORT,
    P_STREAM,
    P_VERSION,
    R_ACTS,
    R_LIMIT,
    R_SLOT,
    R_SUPPRESS,
    R_SUPPRESS_COUNT,
    RESETS,
)
from wirebrick.packet.memory import load64, store8, store16, store32, store64
from wirebrick.state.log_native import log_note


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
