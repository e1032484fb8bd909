"""What must hold of a table's block whatever was done to it."""

from wirebrick.packet.memory import load32, load64
from wirebrick.state import table_layout as layout
from wirebrick.state import table_native as native


def slot_at(table, block, number):
    return native.table_slot(block, number, table.stride)


def taken(table, block):
    """The numbers of the slots that have a key."""
    used = load64(block + layout.T_HOMES) + load64(block + layout.T_FRESH)
    return [n for n in range(1, used + 1) if load32(slot_at(table, block, n)) & layout.TAKEN]


def ring(table, block, home):
    """The numbers of the overflow slots that hang on a home."""
    homes = load64(block + layout.T_HOMES)
    found = []
    number = load32(slot_at(table, block, home)) & layout.LINK
    while number > homes:
        assert number not in found
        found.append(number)
        number = load32(slot_at(table, block, number)) & layout.LINK
    assert number == (home if found else 0)
    return found


def check(table, block):
    """Every overflow slot that was used is on one ring or free; every key hangs on its own home, once."""
    homes, fresh = load64(block + layout.T_HOMES), load64(block + layout.T_FRESH)
    assert load32(slot_at(table, block, 0)) == 0
    assert fresh <= table.capacity
    where = {home: ring(table, block, home) for home in range(1, homes + 1)}
    hanging = [number for numbers in where.values() for number in numbers]
    free = []
    number = load64(block + layout.T_FREE)
    while number:
        free.append(number)
        number = load32(slot_at(table, block, number)) & layout.LINK
    assert sorted(hanging + free) == list(range(homes + 1, homes + fresh + 1))
    keys = taken(table, block)
    assert len(keys) == load64(block + layout.T_COUNT) <= table.capacity
    assert set(keys) >= set(hanging)
    assert not set(keys) & set(free)
    values = set()
    for number in keys:
        at = slot_at(table, block, number) + layout.S_KEY
        home = native.table_hash(block, at, table.key.size)
        assert number == home or number in where[home]
        values.add(bytes(table.key.at(at)))
    assert len(values) == len(keys)
    return max(map(len, where.values()))
