"""Look-ups of connections begun early, for a whole burst: see ``flow_prefetch_native``.

Runs as it is in CPython, and compiled.
"""

from __future__ import annotations

from wirebrick.packet.frame import D_DATA, D_LENGTH, DESCRIPTOR, W_BURST, W_COUNT, W_ENTRY
from wirebrick.packet.memory import (
    apart,
    load8,
    load16be,
    load32,
    load32be,
    load64,
    load64be,
    prefetch,
    store64,
)
from wirebrick.seldom import seldom
from wirebrick.state.connections_key_native import key_ends, key_home, key_v4, key_v6
from wirebrick.state.connections_layout import C_TABLE, STRIDE
from wirebrick.state.flow_prefetch_native import NOTES_MASK, NOTES_SHIFT, behind_tags, last_word
from wirebrick.state.table_layout import LINK, S_NEXT, T_COUNT, T_NOTES
from wirebrick.state.table_native import table_slot

SMALL = 1 << 6  # connections: of fewer, looking ahead only costs time
LARGE = 1 << 14  # of fewer, all slots stay in a core's own caches


@apart
def prefetch_connections(context: int, block: int) -> int:
    """Fetch the connections of the packets that came in with this burst; the address of the notes, or 0."""
    table = block + C_TABLE
    if load64(table + T_COUNT) < SMALL or load64(context + W_ENTRY) != 0:
        return 0
    count = load64(context + W_COUNT)
    descriptor = load64(context + W_BURST)
    notes = table + load64(table + T_NOTES)
    for _ in range(count):
        data = load64(descriptor + D_DATA)
        home = connection_home(block, data, data + load32(descriptor + D_LENGTH))
        prefetch(home)
        store64(notes + (descriptor >> NOTES_SHIFT & NOTES_MASK), home - block)
        descriptor += DESCRIPTOR
    if load64(table + T_COUNT) >= LARGE:
        # By now most homes are there: the next slot of each chain is fetched, in case the connection is in that one.
        for _ in range(count):
            descriptor -= DESCRIPTOR
            home = block + load64(notes + (descriptor >> NOTES_SHIFT & NOTES_MASK))
            prefetch(table_slot(table, load32(home + S_NEXT) & LINK, STRIDE))
    return notes


def connection_home(block: int, data: int, end: int) -> int:
    """The home of a frame's connection, guessed; some other one where it has no plain IP header."""
    if data + 38 <= end and load32be(data + 12) >> 8 == 0x080045 and load16be(data + 20) & 0x1FFF == 0:
        # Short for what most packets are: IPv4 with ports, without options.
        src = load32be(data + 26) << 16 | load16be(data + 34)
        dst = load32be(data + 30) << 16 | load16be(data + 36)
        first, second, _ = key_ends(src, dst, load8(data + 23) << 32 | 4 << 40)
        return key_home(block, first, second)
    return other_home(block, data, end)


@seldom
def other_home(block: int, data: int, end: int) -> int:
    """The same of other frames."""
    first = second = 0
    ip = kind = 0
    if data + 34 <= end:
        ip, kind = behind_tags(data)
    if kind == 0x0800 and ip + 20 <= end:
        last = last_word(load8(ip + 9), ip + (load8(ip) & 15) * 4, end) | 4 << 40
        first, second, _ = key_v4(load32be(ip + 12), load32be(ip + 16), last)
    elif kind == 0x86DD and ip + 40 <= end:
        last = last_word(load8(ip + 6), ip + 40, end) | 6 << 40
        src, dst = ip + 8, ip + 24
        first, second, _ = key_v6(
            block, load64be(src), load64be(src + 8), load64be(dst), load64be(dst + 8), last
        )
    return key_home(block, first, second)
