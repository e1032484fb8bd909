"""Flows, native: who is the client, whether a connection is established, and the bits that rules keep."""

from __future__ import annotations

from wirebrick.nf.ids.decode_native import ids_field
from wirebrick.nf.ids.layout import (
    ANSWERED,
    B_MIDSTREAM,
    CLIENT_SECOND,
    D_BITS,
    D_FLOW,
    D_FLOW_STRIDE,
    D_FLOWS,
    D_SIDE,
    D_TIME,
    ENDED,
    ESTABLISHED,
    FIELD_FLAGS,
    FLOW_ESTABLISHED,
    FLOW_NOT_ESTABLISHED,
    FLOW_TO_CLIENT,
    FLOW_TO_SERVER,
    KEY,
    KNOWN,
    OF_TCP,
    ON_ISNOTSET,
    ON_ISSET,
    ON_SET,
    ON_UNSET,
    P_DST,
    P_DST_PORT,
    P_KEY,
    P_KIND,
    P_PROTOCOL,
    P_SRC,
    P_SRC_PORT,
    P_VERSION,
    SYN,
    SYN_ACK,
    TURN,
    V_BITS,
    V_STATE,
)
from wirebrick.packet.memory import load64, store64
from wirebrick.state.table_native import table_find, table_touch

FIN_BIT, SYN_BIT, RST_BIT, ACK_BIT = 1, 2, 4, 16


def ids_flow_key(desk: int) -> int:
    """Write the packet's flow to P_KEY, alike for both directions; D_SIDE: from which of the two it comes."""
    high = load64(desk + P_SRC) ^ TURN
    other = load64(desk + P_DST) ^ TURN
    low = load64(desk + P_SRC + 8) ^ TURN
    other_low = load64(desk + P_DST + 8) ^ TURN
    src_port = max(load64(desk + P_SRC_PORT), 0)
    dst_port = max(load64(desk + P_DST_PORT), 0)
    side = 0
    if high != other:
        side = 1 if high > other else 0
    elif low != other_low:
        side = 1 if low > other_low else 0
    elif src_port > dst_port:
        side = 1
    first = P_DST if side == 1 else P_SRC
    second = P_SRC if side == 1 else P_DST
    store64(desk + P_KEY, load64(desk + first))
    store64(desk + P_KEY + 8, load64(desk + first + 8))
    store64(desk + P_KEY + 16, load64(desk + second))
    store64(desk + P_KEY + 24, load64(desk + second + 8))
    ports = (dst_port << 16 | src_port) if side == 1 else (src_port << 16 | dst_port)
    store64(desk + P_KEY + 32, load64(desk + P_VERSION) << 40 | load64(desk + P_PROTOCOL) << 32 | ports)
    store64(desk + D_SIDE, side)
    return side


def ids_flow_find(desk: int) -> int:
    """Find the flow of P_KEY, without making one."""
    flow = table_find(desk + load64(desk + D_FLOWS), desk + P_KEY, KEY, load64(desk + D_FLOW_STRIDE))
    store64(desk + D_FLOW, flow)
    return flow


def ids_flow_make(desk: int) -> int:
    """Find the flow of P_KEY, or make it."""
    flow = table_touch(
        desk + load64(desk + D_FLOWS), desk + P_KEY, load64(desk + D_TIME), KEY, load64(desk + D_FLOW_STRIDE)
    )
    store64(desk + D_FLOW, flow)
    return flow


def ids_flow_packet(book: int, desk: int) -> int:
    """Make or find the packet's flow and let it see the packet; the address of its record."""
    flow = ids_flow_make(desk)
    state = load64(flow + V_STATE)
    if load64(desk + P_KIND) == OF_TCP:
        after = ids_tcp_state(book, desk, flow, state, ids_field(desk, FIELD_FLAGS))
    else:
        after = ids_pair_state(desk, state)
    if after != state:
        store64(flow + V_STATE, after)
    return flow


def ids_pair_state(desk: int, state: int) -> int:
    """The state of a flow without connections: who sent first is the client; an answer establishes it."""
    side = load64(desk + D_SIDE)
    if state & KNOWN == 0:
        return state | KNOWN | (CLIENT_SECOND if side == 1 else 0)
    if side != (state & CLIENT_SECOND):
        return state | ANSWERED | ESTABLISHED
    return state


def ids_tcp_state(book: int, desk: int, flow: int, state: int, flags: int) -> int:
    """The state of a connection behind a segment."""
    side = load64(desk + D_SIDE)
    if flags & (SYN_BIT | ACK_BIT | RST_BIT) == SYN_BIT:
        if state & KNOWN == 0 or state & ENDED != 0 or (state & ESTABLISHED == 0 and state & SYN == 0):
            # A connection begins, maybe where there was another.
            for word in range(load64(desk + D_BITS)):
                store64(flow + V_BITS + 8 * word, 0)
            return KNOWN | SYN | (CLIENT_SECOND if side == 1 else 0)
        return state
    if state & KNOWN == 0:
        return ids_tcp_joined(book, desk, flags, side)
    client = state & CLIENT_SECOND
    if flags & (RST_BIT | FIN_BIT) != 0:
        state |= ENDED
    if flags & (SYN_BIT | ACK_BIT) == SYN_BIT | ACK_BIT:
        return state | SYN_ACK if side != client else state
    if flags & ACK_BIT != 0 and state & SYN_ACK != 0 and side == client:
        state |= ESTABLISHED
    return state


def ids_tcp_joined(book: int, desk: int, flags: int, side: int) -> int:
    """The state of a connection whose begin was not seen: the higher port is the client's."""
    if flags & RST_BIT != 0:
        return 0
    src_port = load64(desk + P_SRC_PORT)
    dst_port = load64(desk + P_DST_PORT)
    from_client = src_port >= dst_port
    if flags & (SYN_BIT | ACK_BIT) == SYN_BIT | ACK_BIT:
        from_client = False
    second = side if from_client else 1 - side
    state = KNOWN | (CLIENT_SECOND if second == 1 else 0)
    if flags & SYN_BIT != 0:
        return state | SYN | SYN_ACK
    return state | ESTABLISHED if load64(book + B_MIDSTREAM) != 0 else state


def ids_flow_is(desk: int, wanted: int) -> int:
    """1 where the packet's flow is as a rule wants it (FLOW_...)."""
    flow = load64(desk + D_FLOW)
    state = load64(flow + V_STATE) if flow != 0 else 0
    if wanted & FLOW_ESTABLISHED != 0 and state & ESTABLISHED == 0:
        return 0
    if wanted & FLOW_NOT_ESTABLISHED != 0 and state & ESTABLISHED != 0:
        return 0
    if wanted & (FLOW_TO_SERVER | FLOW_TO_CLIENT) == 0:
        return 1
    if state & KNOWN == 0:
        return 0
    to_server = load64(desk + D_SIDE) == (state & CLIENT_SECOND)
    return 1 if to_server == (wanted & FLOW_TO_SERVER != 0) else 0


def ids_bits_are(desk: int, at: int, count: int) -> int:
    """1 where the flow's bits are as a rule asks."""
    flow = load64(desk + D_FLOW)
    for _ in range(count):
        what = load64(at)
        if what in (ON_ISSET, ON_ISNOTSET):
            bit = load64(at + 8)
            word = load64(flow + V_BITS + (bit >> 6 << 3)) if flow != 0 else 0
            if (word >> (bit & 63) & 1 != 0) != (what == ON_ISSET):
                return 0
        at += 16
    return 1


def ids_bits_change(desk: int, at: int, count: int) -> int:
    """Change the flow's bits as a rule says."""
    flow = load64(desk + D_FLOW)
    if flow == 0:
        return 0
    for _ in range(count):
        what = load64(at)
        bit = load64(at + 8)
        cell = flow + V_BITS + (bit >> 6 << 3)
        word = load64(cell)
        if what == ON_SET:
            store64(cell, word | 1 << (bit & 63))
        elif what == ON_UNSET:
            store64(cell, word & ~(1 << (bit & 63)))
        elif what != ON_ISSET and what != ON_ISNOTSET:
            store64(cell, word ^ 1 << (bit & 63))
        at += 16
    return 0
