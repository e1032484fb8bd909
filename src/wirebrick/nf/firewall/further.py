"""What rules can look at besides addresses, protocol and ports: names, ranges, and how they are written.

A restriction is (name, lowest, highest value). Names that begin with ``icmp_``, and flags, are fields of the
upper-layer header: they can't be read in fragments behind the first, nor where the packet is cut short before them.

>>> spell((("dscp", 46, 46), ("fragment", 1, 3), ("ttl", 0, 5)))
['dscp 46', 'frag', 'ttl 0-5']
"""

from __future__ import annotations

from collections.abc import Iterator

from wirebrick.nf.firewall.keys import FIRST, FLAGS, LATER, TINY, WHOLE

Further = tuple[tuple[str, int, int], ...]
_PORTS: dict[str, int] = {}

HIGHEST: dict[str, int] = {
    "dscp": 63,
    "dst_mac": (1 << 48) - 1,
    "ecn": 3,
    "fragment": TINY,
    "icmp_code": 255,
    "icmp_type": 255,
    "ingress": (1 << 16) - 1,
    "length": (1 << 16) - 1,
    "src_mac": (1 << 48) - 1,
    "ttl": 255,
    "vlan": 4096,
    **dict.fromkeys(FLAGS, 1),
}
"""Each name, and the greatest value of the field."""

UPPER = frozenset({"icmp_code", "icmp_type", *FLAGS})
"""Those of the upper-layer header."""

WORDS = {
    "dscp": "dscp",
    "ecn": "ecn",
    "icmp_code": "code",
    "icmp_type": "type",
    "length": "length",
    "ttl": "ttl",
}
FRAGMENTS = {
    (WHOLE, WHOLE): "(not frag)",
    (FIRST, TINY): "frag",
    (FIRST, FIRST): "frag first",
    (LATER, TINY): "frag later",
}


def both(one: Further, other: Further) -> Further | str:
    """What satisfies both, or the name of a field that can't.

    >>> both((("ttl", 0, 5),), (("dscp", 1, 1), ("ttl", 3, 9)))
    (('dscp', 1, 1), ('ttl', 3, 5))
    >>> both((("ttl", 0, 5),), (("ttl", 6, 9),))
    'ttl'
    """
    if not one or not other:
        return one or other
    ranges = {name: (low, high) for name, low, high in one}
    for name, low, high in other:
        least, most = ranges.get(name, (0, HIGHEST[name]))
        ranges[name] = max(low, least), min(high, most)
        if ranges[name][0] > ranges[name][1]:
            return name
    return tuple((name, *ranges[name]) for name in sorted(ranges))


def outside(name: str, low: int, high: int) -> Iterator[tuple[str, int, int]]:
    """The other values of a field, as ranges; of MAC addresses as prefixes.

    >>> list(outside("ttl", 0, 9)), [name for name, _, _ in outside("src_mac", 1, 1)] == ["src_mac"] * 48
    ([('ttl', 10, 255)], True)
    """
    if name in ("src_mac", "dst_mac"):
        for bit in range((low ^ high).bit_length(), 48):
            first = (low >> bit ^ 1) << bit
            yield name, first, first | ((1 << bit) - 1)
        return
    if low > 0:
        yield name, 0, low - 1
    if high < HIGHEST[name]:
        yield name, high + 1, HIGHEST[name]


def spell(further: Further) -> list[str]:
    """The restrictions in the rule language."""
    words: list[str] = []
    flags: list[str] = []
    for name, low, high in further:
        values = str(low) if low == high else f"{low}-{high}"
        if name in FLAGS:
            flags.append(name if low else f"!{name}")
        elif name == "fragment":
            words.append(FRAGMENTS[low, high])
        elif name == "vlan":
            words.append(_vlan(low, high))
        elif name in ("src_mac", "dst_mac"):
            words.append(f"ether {name[:3]} {_mac(low, high)}")
        elif name == "ingress":
            words.append(_ingress(low, high))
        else:
            words.append(f"{WORDS[name]} {values}")
    if flags:
        words.append("flags " + ",".join(flags))
    return words


def port_number(name: str) -> int:
    """The number that stands for a port of the run in ``ingress``: from 1 on, in the order they are first named."""
    return _PORTS.setdefault(name, len(_PORTS) + 1)


def port_names(further: Further) -> list[str]:
    """The ports that restrictions name."""
    numbers = [number for name, *ends in further if name == "ingress" for number in _ends(*ends)]
    names = list(_PORTS)
    return [names[number - 1] for number in numbers]


def _ends(low: int, high: int) -> list[int]:
    """The ports between which a range ends: it holds one, or all but some."""
    if low == high:
        return [low] if low else []
    return [number for number in (low - 1, high + 1) if 0 < number <= HIGHEST["ingress"]]


def _ingress(low: int, high: int) -> str:
    names = list(_PORTS)
    if low == high and low:
        return f"ingress {names[low - 1]}"
    return " ".join(
        f"(not ingress {names[number - 1]})"
        for number in range(1, len(names) + 1)
        if not low <= number <= high
    )


def _vlan(low: int, high: int) -> str:
    if high == 0:
        return "(not vlan)"
    if (low, high) == (1, HIGHEST["vlan"]):
        return "vlan"
    return f"vlan {low - 1}" if low == high else f"vlan {low - 1}-{high - 1}"


def _mac(low: int, high: int) -> str:
    text = ":".join(f"{low >> shift & 255:02x}" for shift in range(40, -8, -8))
    length = 48 - (low ^ high).bit_length()
    return text if length == 48 else f"{text}/{length}"
