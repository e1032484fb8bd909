"""What is done with each packet and each piece of a stream, native."""

from __future__ import annotations

from wirebrick.nf.ids.decode_native import ids_decode
from wirebrick.nf.ids.flows_native import ids_flow_find, ids_flow_key, ids_flow_make, ids_flow_packet
from wirebrick.nf.ids.layout import (
    B_COUNT,
    B_INLINE,
    B_KEEP,
    B_NEEDS,
    C_BLOCKED,
    C_BLOCKS,
    C_CHUNKS,
    C_DROPPED,
    C_PACKETS,
    C_RESETS,
    D_FLOW,
    D_FUEL,
    D_INGRESS,
    D_PORT,
    D_TIME,
    D_TOLD,
    D_VERDICT,
    DROPS,
    FUEL,
    GOES,
    IS_BLOCKED,
    IS_DROPPED,
    IS_RESET,
    KEY,
    NEED_OTHER,
    NEED_TCP,
    NEED_UDP,
    OF_TCP,
    OF_UDP,
    P_DATA,
    P_DST,
    P_DST_PORT,
    P_FRAGMENT,
    P_IP,
    P_KEY,
    P_KIND,
    P_LAST_KEY,
    P_PROTOCOL,
    P_SIZE,
    P_SRC,
    P_SRC_PORT,
    P_STREAM,
    P_UPPER,
    P_VERSION,
    PACKETS,
    RESETS,
    STREAMS,
    TURNS,
    V_STATE,
)
from wirebrick.nf.ids.match_native import ids_judge, ids_search
from wirebrick.packet.frame import NO_PORT
from wirebrick.packet.memory import copy, load8, load16, load64, store64


def ids_packet(
    book: int,
    desk: int,
    log: int,
    time: int,
    ip: int,
    ip_size: int,
    data: int,
    size: int,
    protocol: int,
    fragment: int,
    ingress: int,
) -> int:
    """Look at a packet: its IP header (and what follows), and the bytes behind the header and its extensions."""
    store64(desk + D_INGRESS, ingress)
    store64(desk + D_PORT, ingress)
    store64(desk + D_TIME, time)
    store64(desk + D_VERDICT, 0)
    store64(desk + D_TOLD, 0)
    store64(desk + D_FLOW, 0)
    store64(desk + D_FUEL, FUEL)
    store64(desk + C_PACKETS, load64(desk + C_PACKETS) + 1)
    kind = ids_decode(desk, ip, ip_size, data, size, protocol, fragment)
    need = NEED_OTHER
    if kind == OF_TCP:
        need = NEED_TCP
    elif kind == OF_UDP:
        need = NEED_UDP
    inline = load64(book + B_INLINE)
    if load64(book + B_NEEDS) & need != 0 or kind == OF_TCP or inline != 0:
        ids_flow_key(desk)
        if inline != 0 and load64(desk + C_BLOCKS) != 0:
            flow = ids_flow_find(desk)
            if flow != 0 and load64(flow + V_STATE) & IS_BLOCKED != 0:
                ids_flow_make(desk)  # it stays as long as it is used
                store64(desk + C_BLOCKED, load64(desk + C_BLOCKED) + 1)
                verdict = DROPS | RESETS if load64(flow + V_STATE) & IS_RESET != 0 else DROPS
                store64(desk + D_VERDICT, verdict)
                return verdict
        if load64(book + B_NEEDS) & need != 0:
            ids_flow_packet(book, desk)
    if ids_search(book, desk, PACKETS, load64(desk + P_DATA), load64(desk + P_SIZE)) == 0:
        return 0
    verdict = ids_judge(book, desk, log, load64(desk + P_SIZE), 0, 0)
    store64(desk + D_VERDICT, verdict)
    return verdict


def ids_stream(
    book: int, desk: int, log: int, time: int, key: int, data: int, size: int, offset: int, seen: int
) -> int:
    """Look at a piece of a stream, of which all before the offset ``seen`` of the stream was looked at before.

    How many bytes at its end are to come again with what follows: all, where none of them is new.
    """
    begin = max(seen - offset, 0)
    if begin >= size:
        return size
    if load64(book + B_COUNT) == 0:
        return 0
    store64(desk + D_TIME, time)
    store64(desk + D_TOLD, 0)
    store64(desk + D_FUEL, FUEL)
    store64(desk + C_CHUNKS, load64(desk + C_CHUNKS) + 1)
    copy(desk + P_LAST_KEY, desk + P_KEY, KEY)
    ids_stream_key(desk, key, data, size)
    store64(desk + D_PORT, load64(desk + D_INGRESS) if ids_is_last(desk) != 0 else NO_PORT)
    if load64(book + B_INLINE) != 0 or load64(book + B_NEEDS) & NEED_TCP != 0:
        flow = ids_flow_find(desk)
        if flow != 0 and load64(flow + V_STATE) & IS_BLOCKED != 0:
            return 0
    else:
        store64(desk + D_FLOW, 0)
    noted = ids_search(book, desk, STREAMS, data, size)
    if noted != 0:
        verdict = ids_judge(book, desk, log, size, -offset, begin)
        if verdict != 0:
            ids_block(desk, verdict)
    return min(load64(book + B_KEEP), size)


def ids_stream_key(desk: int, key: int, data: int, size: int) -> int:
    """Take down whose stream it is, from its FlowKey."""
    store64(desk + P_STREAM, 1)
    store64(desk + P_IP, 0)
    store64(desk + P_UPPER, 0)
    store64(desk + P_FRAGMENT, 0)
    store64(desk + P_KIND, OF_TCP)
    copy(desk + P_SRC, key, 16)
    copy(desk + P_DST, key + 16, 16)
    store64(desk + P_SRC_PORT, load16(key + 32))
    store64(desk + P_DST_PORT, load16(key + 34))
    store64(desk + P_PROTOCOL, load8(key + 36))
    store64(desk + P_VERSION, load8(key + 37))
    store64(desk + P_DATA, data)
    store64(desk + P_SIZE, size)
    return ids_flow_key(desk)


def ids_block(desk: int, verdict: int) -> int:
    """Block the flow of the stream at hand, and the packet on its way if it belongs to it."""
    flow = ids_flow_make(desk)
    more = IS_BLOCKED | IS_RESET if verdict & RESETS != 0 else IS_BLOCKED
    store64(flow + V_STATE, load64(flow + V_STATE) | more)
    store64(desk + C_BLOCKS, load64(desk + C_BLOCKS) + 1)
    if ids_is_last(desk) != 0:
        store64(desk + D_VERDICT, verdict)
    return 0


def ids_is_last(desk: int) -> int:
    """1 where the piece of a stream at hand belongs to the flow of the packet on its way."""
    for word in range(0, KEY, 8):
        if load64(desk + P_LAST_KEY + word) != load64(desk + P_KEY + word):
            return 0
    return 1


def ids_fate(book: int, desk: int, resets: int) -> int:
    """What becomes of the packet on its way: GOES, IS_DROPPED, or, where it may (``resets``), TURNS."""
    verdict = load64(desk + D_VERDICT)
    if verdict == 0:
        return GOES
    if verdict & RESETS != 0 and resets != 0:
        store64(desk + C_RESETS, load64(desk + C_RESETS) + 1)
        return TURNS
    store64(desk + C_DROPPED, load64(desk + C_DROPPED) + 1)
    return IS_DROPPED
