"""Records of bindings: numbers given and taken back, the indexes, mappings and hosts; run in CPython and compiled."""

from __future__ import annotations

from wirebrick.packet.memory import load32, load64, shift_right, store32, store64, wrap64
from wirebrick.state.bindings_layout import (
    A_MAPPING,
    B_ADDRESSES,
    B_BY_HOST,
    B_BY_INSIDE,
    B_BY_PEER,
    B_CAPACITY,
    B_FREE,
    B_HOSTS,
    B_LIST,
    B_LOST,
    B_MAPPINGS,
    B_NEWS,
    B_PAIRED,
    B_PEERS,
    B_READ,
    B_STATS,
    B_WRITTEN,
    H_ADDRESS,
    H_KEY,
    H_MAPPINGS,
    H_NEXT,
    H_SESSIONS,
    HOST,
    KIND_HOST,
    KIND_MAPPING,
    KIND_PEER,
    M_ADDRESS,
    M_EXTERNAL,
    M_HOST,
    M_KEY,
    M_NEXT,
    M_SESSIONS,
    MAPPING,
    N_EXTERNAL,
    N_INSIDE,
    N_TIME,
    N_WHAT,
    NEWS,
    P_KEY,
    P_NEXT,
    P_SESSIONS,
    PEER,
    RING,
    ST_ADDRESSES,
    ST_CREATED,
    ST_ENDED,
    ST_LIVE,
)
from wirebrick.state.bindings_ports_native import (
    ports_give_back,
    ports_left,
    ports_of,
    ports_random,
    ports_take,
)
from wirebrick.state.table_native import table_pair, table_place

FULL, NO_PORT, LIMIT, NO_SESSION = -2, -3, -4, -5  # why there is no binding


def records_take(block: int, kind: int, records: int, size: int, link: int) -> int:
    """A free number, or 0: there is none. ``link``: where a free record has the number of the next one."""
    number = load64(block + B_FREE + kind)
    if number != 0:
        store64(block + B_FREE + kind, load32(records + number * size + link))
        return number
    used = load64(block + B_FREE + kind + 8)
    if used >= load64(block + B_CAPACITY):
        return 0
    store64(block + B_FREE + kind + 8, used + 1)
    return used + 1


def records_give_back(block: int, kind: int, at: int, number: int, link: int) -> int:
    """A record is free again."""
    store32(at + link, load64(block + B_FREE + kind))
    store64(block + B_FREE + kind, number)
    return 0


def records_unlink(head: int, records: int, size: int, link: int, number: int) -> int:
    """Take a record out of the chain that starts at ``head``."""
    at = head
    found = load32(at)
    while found != number:
        at = records + found * size + link
        found = load32(at)
    store32(at, load32(records + number * size + link))
    return 0


def records_link(head: int, at: int, link: int, number: int) -> int:
    """Put a record at the beginning of a chain."""
    store32(at + link, load32(head))
    store32(head, number)
    return 0


def index_head(block: int, index: int, offset: int, word: int) -> int:
    """Where the chain of a key of one word starts; ``offset`` names the random numbers of its hash."""
    place = table_place(block, table_pair(block, offset, word, 0))
    return block + load64(block + index) + 4 * place


def mapping_key(protocol: int, address: int, port: int, static: int) -> int:
    """The key of a mapping."""
    return wrap64(address << 32 | port << 16 | protocol << 8 | static)


def mapping_at(block: int, number: int) -> int:
    """Address of a mapping."""
    return block + load64(block + B_MAPPINGS) + number * MAPPING


def host_at(block: int, number: int) -> int:
    """Address of a host."""
    return block + load64(block + B_HOSTS) + number * HOST


def mapping_find(block: int, key: int, external: int) -> int:
    """The number of the mapping of an inside endpoint, or 0; with ``external``, only one to that endpoint."""
    number = load32(index_head(block, B_BY_INSIDE, 32, key))
    while number != 0:
        at = mapping_at(block, number)
        if load64(at + M_KEY) == key and (external == 0 or load64(at + M_EXTERNAL) == external):
            return number
        number = load32(at + M_NEXT)
    return 0


def mapping_of_port(block: int, protocol: int, address: int, port: int) -> int:
    """The number of the mapping that has a port of an external address, by its number; or 0."""
    return load32(ports_of(block, address, protocol) + A_MAPPING + 4 * port)


def address_number(block: int, address: int) -> int:
    """The number of an external address, or -1."""
    low = 0
    high = load64(block + B_ADDRESSES) - 1
    at = block + load64(block + B_LIST)
    while low <= high:
        middle = (low + high) >> 1
        found = load32(at + 4 * middle)
        if found == address:
            return middle
        if found < address:
            low = middle + 1
        else:
            high = middle - 1
    return -1


def news_add(block: int, now: int, mapping: int, ended: int) -> int:
    """Note that a mapping begins or has ended, where somebody wants to know."""
    ring = load64(block + B_NEWS)
    if ring == 0:
        return 0
    written = load64(block + B_WRITTEN)
    if written - load64(block + B_READ) >= RING:
        store64(block + B_LOST, load64(block + B_LOST) + 1)
        return 0
    at = block + ring + (written & (RING - 1)) * NEWS
    key = load64(mapping + M_KEY)
    store64(at + N_TIME, now)
    store64(at + N_INSIDE, shift_right(key, 16))
    store64(at + N_EXTERNAL, load64(mapping + M_EXTERNAL))
    store64(at + N_WHAT, (key >> 8 & 255) | ended << 8)
    store64(block + B_WRITTEN, written + 1)
    return 0


def host_use(block: int, address: int) -> int:
    """The number of an inside host, made where it is new; 0: there is no room."""
    head = index_head(block, B_BY_HOST, 40, address)
    number = load32(head)
    while number != 0:
        at = host_at(block, number)
        if load64(at + H_KEY) == address:
            return number
        number = load32(at + H_NEXT)
    number = records_take(block, KIND_HOST, block + load64(block + B_HOSTS), HOST, H_NEXT)
    if number == 0:
        return 0
    at = host_at(block, number)
    store64(at + H_KEY, address)
    store32(at + H_MAPPINGS, 0)
    store32(at + H_SESSIONS, 0)
    records_link(head, at, H_NEXT, number)
    return number


def host_leave(block: int, number: int) -> int:
    """Forget a host that has no sessions."""
    at = host_at(block, number)
    if load32(at + H_SESSIONS) != 0:
        return 0
    head = index_head(block, B_BY_HOST, 40, load64(at + H_KEY))
    records_unlink(head, block + load64(block + B_HOSTS), HOST, H_NEXT, number)
    return records_give_back(block, KIND_HOST, at, number, H_NEXT)


def address_left(block: int, address: int, protocol: int) -> int:
    """How many ports an external address has left."""
    ports = ports_of(block, address, protocol)
    return ports_left(block, ports, 0) + ports_left(block, ports, 1)


def address_choose(block: int, protocol: int) -> int:
    """An external address, by its number, for a host without one: of two at random, that with more ports left."""
    count = load64(block + B_ADDRESSES)
    one = ports_random(block, count)
    other = ports_random(block, count)
    return one if address_left(block, one, protocol) >= address_left(block, other, protocol) else other


def mapping_port(block: int, host: int, protocol: int, wanted: int) -> int:
    """Take a port of an external address: number of the address (high half) and port, or NO_PORT.

    A host keeps its address as long as it has mappings ("paired", RFC 4787, REQ-2); only where that isn't asked for,
    another one is used when the first has no port.
    """
    address = load32(host + H_ADDRESS)
    if load32(host + H_MAPPINGS) == 0:
        address = address_choose(block, protocol)
        store32(host + H_ADDRESS, address)
    port = ports_take(block, ports_of(block, address, protocol), wanted)
    if port >= 0:
        return address << 32 | port
    count = load64(block + B_ADDRESSES)
    if load64(block + B_PAIRED) == 0 or load32(host + H_MAPPINGS) == 0:
        for _ in range(count - 1):
            address = address + 1 if address + 1 < count else 0
            port = ports_take(block, ports_of(block, address, protocol), wanted)
            if port >= 0:
                store64(block + B_STATS + ST_ADDRESSES, load64(block + B_STATS + ST_ADDRESSES) + 1)
                store32(host + H_ADDRESS, address)
                return address << 32 | port
    return NO_PORT


def mapping_make(block: int, now: int, key: int, host: int, external: int, address: int) -> int:
    """A new mapping to an external endpoint; its number, or 0: there is no room."""
    number = records_take(block, KIND_MAPPING, block + load64(block + B_MAPPINGS), MAPPING, M_NEXT)
    if number == 0:
        return 0
    at = mapping_at(block, number)
    store64(at + M_KEY, key)
    store64(at + M_EXTERNAL, external)
    store32(at + M_SESSIONS, 0)
    store32(at + M_HOST, host)
    store32(at + M_ADDRESS, address)
    records_link(index_head(block, B_BY_INSIDE, 32, key), at, M_NEXT, number)
    protocol = key >> 8 & 255
    if key & 1 == 0:
        store32(ports_of(block, address, protocol) + A_MAPPING + 4 * (external & 0xFFFF), number)
        owner = host_at(block, host)
        store32(owner + H_MAPPINGS, load32(owner + H_MAPPINGS) + 1)
    stats = block + B_STATS + 8 * protocol
    store64(stats + ST_CREATED, load64(stats + ST_CREATED) + 1)
    store64(stats + ST_LIVE, load64(stats + ST_LIVE) + 1)
    news_add(block, now, at, 0)
    return number


def mapping_leave(block: int, now: int, number: int) -> int:
    """End a mapping that has no sessions; its port is free."""
    at = mapping_at(block, number)
    if load32(at + M_SESSIONS) != 0:
        return 0
    key = load64(at + M_KEY)
    protocol = key >> 8 & 255
    news_add(block, now, at, 1)
    if key & 1 == 0:
        port = load64(at + M_EXTERNAL) & 0xFFFF
        ports_give_back(block, ports_of(block, load32(at + M_ADDRESS), protocol), port)
        owner = host_at(block, load32(at + M_HOST))
        store32(owner + H_MAPPINGS, load32(owner + H_MAPPINGS) - 1)
    stats = block + B_STATS + 8 * protocol
    store64(stats + ST_ENDED, load64(stats + ST_ENDED) + 1)
    store64(stats + ST_LIVE, load64(stats + ST_LIVE) - 1)
    records_unlink(
        index_head(block, B_BY_INSIDE, 32, key), block + load64(block + B_MAPPINGS), MAPPING, M_NEXT, number
    )
    return records_give_back(block, KIND_MAPPING, at, number, M_NEXT)


def peer_find(block: int, key: int) -> int:
    """The number of a peer, or 0."""
    number = load32(index_head(block, B_BY_PEER, 48, key))
    peers = block + load64(block + B_PEERS)
    while number != 0 and load64(peers + number * PEER + P_KEY) != key:
        number = load32(peers + number * PEER + P_NEXT)
    return number


def peer_count(block: int, mapping: int, outside: int, more: int) -> int:
    """A mapping has one session more (1) or less (-1) with an outside address."""
    key = wrap64(mapping << 32 | outside)
    peers = block + load64(block + B_PEERS)
    number = peer_find(block, key)
    head = index_head(block, B_BY_PEER, 48, key)
    if number == 0:
        # There are as many as sessions, so there is room.
        number = records_take(block, KIND_PEER, peers, PEER, P_NEXT)
        store64(peers + number * PEER + P_KEY, key)
        store32(peers + number * PEER + P_SESSIONS, 0)
        records_link(head, peers + number * PEER, P_NEXT, number)
    at = peers + number * PEER
    sessions = load32(at + P_SESSIONS) + more
    store32(at + P_SESSIONS, sessions)
    if sessions == 0:
        records_unlink(head, peers, PEER, P_NEXT, number)
        records_give_back(block, KIND_PEER, at, number, P_NEXT)
    return 0
