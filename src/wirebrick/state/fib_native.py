"""The native part of a Fib: a longest prefix match whose numbers say what becomes of a packet.

A number holds a kind, and for what is forwarded a link and a gateway; or the number of a group of several of these, of
which the packet's hash takes one: by hash threshold over slots, of which each has as many as its weight (RFC 2992).
"""

from __future__ import annotations

from wirebrick.packet.memory import load32, load64, shift_right, wrap64
from wirebrick.state.lpm_native import lpm_lookup

F_GATEWAYS = 0  # offsets in the block: 16 bytes each, words high and low
F_GROUPS = 8  # u32 first slot, u32 how many
F_SLOTS = 16  # u32 numbers
F_LPM = 24
F_RANDOM = 32
F_HEAD = 128

VIA, CONNECTED, LOCAL, BROADCAST, BLACKHOLE, UNREACHABLE, PROHIBIT, GROUP = range(8)
KIND = 28  # bits below the kind
LINK = 20  # bits below the link
MOST_LINKS = 1 << (KIND - LINK)
MOST_GATEWAYS = 1 << LINK
MOST_GROUPS = 1 << 20
NO_ROUTE = -1

MIX = -0x61C8864680B583EB


def fib_lookup(block: int, high: int, low: int, entropy: int) -> int:
    """The number for an address (IPv4: ``high`` is 0) of a flow with some ``entropy``; NO_ROUTE."""
    code = lpm_lookup(block + load64(block + F_LPM), high, low)
    if code >> KIND != GROUP:
        return code
    group = block + load64(block + F_GROUPS) + 8 * (code & MOST_GROUPS - 1)
    mixed = wrap64((entropy ^ load64(block + F_RANDOM)) * MIX)
    mixed = wrap64((mixed ^ shift_right(mixed, 32)) * MIX)
    slot = load32(group) + shift_right(shift_right(mixed, 32) * load32(group + 4), 32)
    return load32(block + load64(block + F_SLOTS) + 4 * slot)


def fib_gateway(block: int, code: int, part: int) -> int:
    """The upper (0) or lower word (1) of the address of a number's gateway."""
    return load64(block + load64(block + F_GATEWAYS) + 16 * (code & MOST_GATEWAYS - 1) + 8 * (part & 1))
