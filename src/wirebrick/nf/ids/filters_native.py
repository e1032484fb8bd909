"""Filters, native: how often what a rule matches is told, by source or destination."""

from __future__ import annotations

from wirebrick.nf.ids.layout import (
    D_TIME,
    D_TRACK,
    D_TRACK_STRIDE,
    D_TRACKS,
    DETECTION,
    LIMIT,
    P_DST,
    P_SRC,
    P_VERSION,
    SUPPRESS,
    T_COUNT,
    T_SINCE,
    THRESHOLD,
    TRACK,
    X_BY_SRC,
    X_COUNT,
    X_KIND,
    X_TIME,
)
from wirebrick.nf.ids.sets_native import ids_address_in
from wirebrick.packet.memory import load64, store64
from wirebrick.state.table_native import table_touch


def ids_filter_passes(desk: int, filter: int, key: int) -> int:
    """Count a match under a key (a rule's filter) and an address: 1 where it is to be told."""
    address = desk + (P_SRC if load64(filter + X_BY_SRC) != 0 else P_DST)
    now = load64(desk + D_TIME)
    store64(desk + D_TRACK, key)
    store64(desk + D_TRACK + 8, load64(address))
    store64(desk + D_TRACK + 16, load64(address + 8))
    track = table_touch(
        desk + load64(desk + D_TRACKS), desk + D_TRACK, now, TRACK, load64(desk + D_TRACK_STRIDE)
    )
    since = load64(track + T_SINCE)
    count = load64(track + T_COUNT)
    if count == 0 or now - since >= load64(filter + X_TIME) or now < since:
        store64(track + T_SINCE, now)
        count = 0
    count += 1
    kind = load64(filter + X_KIND)
    most = load64(filter + X_COUNT)
    passes = 0
    if kind == DETECTION:
        passes = 1 if count > most else 0
    elif kind == LIMIT:
        passes = 1 if count <= most else 0
    elif kind == THRESHOLD:
        passes = 1 if count % most == 0 else 0
    else:
        passes = 1 if count == most else 0
    store64(track + T_COUNT, count)
    return passes


def ids_suppressed(book: int, desk: int, at: int, count: int) -> int:
    """1 where one of ``count`` suppressions holds for the packet."""
    version = load64(desk + P_VERSION)
    for _ in range(count):
        which = load64(at)
        if which == 0:
            return 1
        address = desk + (P_SRC if which == 1 else P_DST)
        if ids_address_in(book + load64(at + 8), version, load64(address), load64(address + 8)) != 0:
            return 1
        at += SUPPRESS
    return 0
