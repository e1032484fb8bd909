"""The life of a stream's slot: taken, begun, remembered, freed; and room for new ones.

Slots come from those that were freed, then from those remembered for long enough, then from those
never used, then from the one remembered longest. There is one more than streams may be held, so that the
packet that finds the last one can have it before another stream gives way.
"""

from __future__ import annotations

from wirebrick.packet.memory import fill, load64, store64
from wirebrick.packet.words import same_words
from wirebrick.state.reassembly_buffer_native import ring_release, stream_count
from wirebrick.state.reassembly_index_native import (
    KEY_SIZE,
    list_append,
    list_first,
    list_remove,
    stream_enter,
    stream_leave,
    stream_slot,
)
from wirebrick.state.reassembly_layout import (
    AFTER_FREE,
    AFTER_REMEMBER,
    AFTER_RESTART,
    C_CLOSED,
    C_EVICTED,
    C_STREAMS,
    CLOSING,
    F_AFTER,
    F_BASE,
    F_BUFFERED,
    F_CHAIN,
    F_CLOSED,
    F_DIRECT,
    F_EMBRYO,
    F_FIN,
    F_FLUSH,
    F_KEY,
    F_LAST,
    F_META,
    F_MIDSTREAM,
    F_NEW_START,
    F_NUMBER,
    F_PACKET_DATA,
    F_PACKET_OFFSET,
    F_PACKET_SIZE,
    F_PACKET_WHOLE,
    F_START,
    F_STATE,
    F_STRAYS,
    F_TOP,
    F_USE,
    F_USED,
    F_WAIT,
    FREE,
    OPEN,
    PAST,
    R_EMBRYO_COUNT,
    R_EMBRYOS,
    R_FLOWS,
    R_FREE,
    R_FRESH,
    R_MEMORY,
    R_META,
    R_OPEN,
    R_PAST,
)


def stream_elapsed(since: int, now: int) -> int:
    """Nanoseconds between two times; captures that were joined may go back in time."""
    return now - since if now >= since else since - now


def stream_begin(block: int, flow: int, start: int, midstream: int) -> int:
    """A slot that is in no list gets a new stream whose offset 0 has sequence number ``start``."""
    fill(flow + F_BASE, 0, F_LAST - F_BASE)
    store64(flow + F_BUFFERED, 0)  # of the slot's last stream, which may have closed with bytes held
    store64(flow + F_START, start)
    store64(flow + F_FIN, -1)
    store64(flow + F_FLUSH, 0)
    store64(flow + F_DIRECT, 0)
    store64(flow + F_AFTER, AFTER_REMEMBER)
    store64(flow + F_STRAYS, 0)
    store64(flow + F_MIDSTREAM, midstream)
    store64(flow + F_EMBRYO, 1)
    store64(flow + F_STATE, OPEN)
    fill(flow + F_META, 0, load64(block + R_META))
    list_append(block, R_EMBRYOS, flow + F_USE)
    store64(block + R_EMBRYO_COUNT, load64(block + R_EMBRYO_COUNT) + 1)
    stream_count(block, C_STREAMS, 1)
    return 0


def stream_retire(block: int, flow: int) -> int:
    """Take a slot out of the lists of live streams."""
    list_remove(block, flow + F_USE)
    list_remove(block, flow + F_WAIT)
    if load64(flow + F_EMBRYO) != 0:
        store64(flow + F_EMBRYO, 0)
        store64(block + R_EMBRYO_COUNT, load64(block + R_EMBRYO_COUNT) - 1)
    return 0


def stream_use(block: int, flow: int, now: int) -> int:
    """A packet belongs to the stream: it is the most recently used one."""
    store64(flow + F_USED, now)
    list_remove(block, flow + F_USE)
    list_append(block, R_EMBRYOS if load64(flow + F_EMBRYO) != 0 else R_OPEN, flow + F_USE)
    return 0


def stream_hatch(block: int, flow: int) -> int:
    """The first bytes came."""
    if load64(flow + F_EMBRYO) != 0:
        store64(flow + F_EMBRYO, 0)
        store64(block + R_EMBRYO_COUNT, load64(block + R_EMBRYO_COUNT) - 1)
        list_remove(block, flow + F_USE)
        list_append(block, R_OPEN, flow + F_USE)
    return 0


def stream_oldest_past(block: int) -> int:
    """Address of the slot remembered longest, or 0."""
    links = list_first(block, R_PAST)
    return links - F_USE if links != 0 else 0


def stream_take(block: int, key: int, hashed: int, now: int) -> int:
    """A slot for a flow that has none, found by its key from now on; 0: there is none."""
    number = load64(block + R_FREE)
    past = stream_oldest_past(block)
    fresh = load64(block + R_FRESH)
    if number != 0:
        flow = stream_slot(block, number)
        store64(block + R_FREE, load64(flow + F_CHAIN))
    elif past != 0 and (
        fresh > load64(block + R_FLOWS)
        or stream_elapsed(load64(past + F_USED), now) >= load64(block + R_MEMORY)
    ):
        flow = past
        list_remove(block, flow + F_USE)
        stream_leave(block, flow)
    elif fresh <= load64(block + R_FLOWS):
        store64(block + R_FRESH, fresh + 1)
        flow = stream_slot(block, fresh + 1)
        store64(flow + F_NUMBER, fresh + 1)
    else:
        return 0
    stream_enter(block, flow, key, hashed)
    return flow


def stream_drop_packet(flow: int) -> int:
    """Forget the packet at hand: its memory is no longer the stream's to read."""
    store64(flow + F_PACKET_DATA, 0)
    store64(flow + F_PACKET_SIZE, 0)
    store64(flow + F_PACKET_OFFSET, 0)
    store64(flow + F_PACKET_WHOLE, 0)
    return 0


def stream_finish(block: int, flow: int) -> int:
    """After the last call: begin the next incarnation, free the slot, or remember what came too late."""
    stream_count(block, C_CLOSED, 1)
    after = load64(flow + F_AFTER)
    stream_retire(block, flow)
    ring_release(block, flow)
    store64(flow + F_CLOSED, 0)
    if after == AFTER_RESTART:
        stream_begin(block, flow, load64(flow + F_NEW_START), 0)
        size = load64(flow + F_PACKET_SIZE)
        store64(flow + F_TOP, max(size, load64(flow + F_PACKET_WHOLE)))
        if load64(flow + F_TOP) != 0:
            stream_hatch(block, flow)
        return 0
    stream_drop_packet(flow)
    if after == AFTER_FREE:
        store64(flow + F_STATE, FREE)
        stream_leave(block, flow)
        store64(flow + F_CHAIN, load64(block + R_FREE))
        store64(block + R_FREE, load64(flow + F_NUMBER))
    else:
        store64(flow + F_STATE, PAST)
        list_append(block, R_PAST, flow + F_USE)
    return 0


def stream_give_up(flow: int) -> int:
    """The stream ends here, whatever is missing; its slot is free afterwards."""
    stream_drop_packet(flow)
    store64(flow + F_AFTER, AFTER_FREE)
    store64(flow + F_STATE, CLOSING)
    return flow


def stream_victim(block: int, home: int, key: int) -> int:
    """The least recently used stream of a list that is not the key's own, or 0."""
    links = list_first(block, home)
    if links != 0 and same_words(links - F_USE + F_KEY, key, KEY_SIZE) != 0:
        after = load64(links + 8)
        links = 0 if after == home else block + after
    return links - F_USE if links != 0 else 0


def reassembly_make_room(block: int, key: int) -> int:
    """The stream to finish before a packet of flow ``key`` is given to reassembly_packet; 0: there is room.

    The least recently used stream gives way. Those that only sent a SYN go first while they hold more than a
    quarter of the slots: a flood of them does not drive out streams that have data.
    """
    flows = load64(block + R_FLOWS)
    if load64(block + R_FREE) != 0 or load64(block + R_FRESH) <= flows or stream_oldest_past(block) != 0:
        return 0
    embryo = stream_victim(block, R_EMBRYOS, key)
    used = stream_victim(block, R_OPEN, key)
    flooded = 4 * load64(block + R_EMBRYO_COUNT) > flows
    victim = used
    if used == 0 or (embryo != 0 and (flooded or load64(embryo + F_USED) < load64(used + F_USED))):
        victim = embryo
    if victim == 0:
        return 0
    stream_count(block, C_EVICTED, 1)
    return stream_give_up(victim)
