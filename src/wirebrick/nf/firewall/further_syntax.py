"""Conditions on other fields than addresses, protocol and ports, from words to trees.

    further = "type" types | "code" codes | "flags" flags | "frag" [ "first" | "later" ]
            | "dscp" codepoints | "ecn" marks | ( "ttl" | "hop-limit" ) numbers | "length" numbers | "vlan" [ numbers ] | "ingress" ports
            | "ether" [ side ] addresses
    flags   = flag { "," flag } | flag { "," flag } "/" flag { "," flag };  flag = [ "!" ] NAME

Of ``flags SET/MASK``, those of MASK that are not in SET must be 0.

>>> from wirebrick.nf.firewall.words import Line
>>> line = Line("flags syn/syn,ack", "acl.rules", 1)
>>> READERS["flags"](line).box.further
(('ack', 0, 0), ('syn', 1, 1))
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from wirebrick.nf.firewall.boxes import V4, V6, Box
from wirebrick.nf.firewall.conditions import Group, Leaf, Node
from wirebrick.nf.firewall.further import HIGHEST, port_number
from wirebrick.nf.firewall.further_names import DSCP, ECN, ICMP6_CODES, ICMP6_TYPES, ICMP_CODES, ICMP_TYPES
from wirebrick.nf.firewall.keys import FIRST, FLAGS, LATER, TINY
from wirebrick.nf.firewall.lists import values
from wirebrick.nf.firewall.names import AND, ICMP, ICMP6, OR, TCP
from wirebrick.nf.firewall.words import Line, Word, nearest

RANGE = re.compile(r"(0|[1-9][0-9]{0,5})(?:-(0|[1-9][0-9]{0,5}))?")
MAC = re.compile(r"([0-9a-f]{2}(?::[0-9a-f]{2}){5})(?:/([0-9]{1,2}))?")
PLACES = {
    "src": ("src_mac",),
    "dst": ("dst_mac",),
    "host": ("src_mac", "dst_mac"),
    "": ("src_mac", "dst_mac"),
}


def _range(line: Line, word: Word, what: str, highest: int, names: Mapping[str, int]) -> tuple[int, int]:
    """A number, a range of numbers or a name. Raises ParameterError."""
    if word.text in names:
        return names[word.text], names[word.text]
    found = RANGE.fullmatch(word.text)
    cure = f"write a number from 0 to {highest}, a range LOW-HIGH" + (
        f" or a name: {', '.join(names)}" if names else ""
    )
    if found is None:
        problem = f"{word} is no {what}" if word.text else f"a {what} is missing here"
        raise line.error(word, problem, (nearest(word.text, names) if word.text else "") or cure)
    low, high = int(found[1]), int(found[2] or found[1])
    if low > high:
        raise line.error(word, f"the range {word} is reversed", f"write {high}-{low}")
    if high > highest:
        raise line.error(word, f"{high} is too great for a {what}", cure)
    return low, high


def _continues(names: Mapping[str, int]) -> Callable[[str], bool]:
    return lambda text: text in names or RANGE.fullmatch(text) is not None


def _number(name: str, what: str, names: Mapping[str, int]) -> Callable[[Line], Node]:
    """A reader of numbers of a field."""

    def read(line: Line) -> Node:
        line.take()

        def one(word: Word) -> Node:
            low, high = _range(line, word, what, HIGHEST[name], names)
            return Leaf(word, Box(further=((name, low, high),)))

        return values(line, one, _continues(names))

    return read


def _icmp(name: str, what: str, v4: Mapping[str, int], v6: Mapping[str, int]) -> Callable[[Line], Node]:
    """A reader of types or codes: what they mean, ICMP and ICMPv6 decide each for itself."""
    every = {**v4, **v6}

    def read(line: Line) -> Node:
        line.take()

        def one(word: Word) -> Node:
            leaves = []
            for names, versions, protocol in ((v4, V4, ICMP), (v6, V6, ICMP6)):
                if word.text in names or word.text not in every:
                    low, high = _range(
                        line, word, what, HIGHEST[name], names if word.text in names else every
                    )
                    leaves.append(Leaf(word, Box(versions, 1 << protocol, further=((name, low, high),))))
            return Group("or", tuple(leaves)) if len(leaves) > 1 else leaves[0]

        return values(line, one, _continues(every))

    return read


def _flags(line: Line) -> Node:
    start = line.take()
    first = line.peek()
    text = ""
    if first.text == "!":
        text, first = line.take().text, line.peek()
    word = line.take()
    text += word.text
    if not text:
        raise line.error(
            word, "flags are missing here", f"write 'flags syn,!ack'; there are {', '.join(FLAGS)}"
        )
    wanted, slash, mask = text.partition("/")
    found: dict[str, int] = {}
    for part in wanted.split(","):
        name = part.removeprefix("!")
        _check_flag(line, word, name)
        value = int(not part.startswith("!"))
        if found.setdefault(name, value) != value:
            raise line.error(word, f"{name} can't be both 0 and 1", "name it once")
    for name in mask.split(",") if slash else ():
        _check_flag(line, word, name)
        found.setdefault(name, 0)
    return Leaf(
        start,
        Box(protocols=1 << TCP, further=tuple((name, found[name], found[name]) for name in sorted(found))),
    )


def _check_flag(line: Line, word: Word, name: str) -> None:
    if name not in FLAGS:
        cure = nearest(name, FLAGS) or f"there are {', '.join(FLAGS)}; '!' before one says that it is 0"
        raise line.error(word, f"'{name}' is no flag of TCP", cure)


def _fragment(line: Line) -> Node:
    word = line.take()
    ends = {"first": (FIRST, FIRST), "later": (LATER, TINY)}.get(line.peek().text)
    if ends is not None:
        line.take()
    return Leaf(word, Box(further=(("fragment", *(ends or (FIRST, TINY))),)))


def _vlan(line: Line) -> Node:
    start = line.take()
    if not _continues({})(line.peek().text.partition(",")[0]):
        return Leaf(start, Box(further=(("vlan", 1, HIGHEST["vlan"]),)))

    def one(word: Word) -> Node:
        low, high = _range(line, word, "VLAN", HIGHEST["vlan"] - 1, {})
        return Leaf(word, Box(further=(("vlan", low + 1, high + 1),)))

    return values(line, one, _continues({}))


def _ether(line: Line) -> Node:
    line.take()
    side = line.take().text if line.peek().text in PLACES and line.peek().text else ""

    def one(word: Word) -> Node:
        found = MAC.fullmatch(word.text)
        length = int(found[2] or 48) if found else 49
        if found is None or length > 48:
            cure = "write it as 02:00:00:00:00:01, and the first so many bits of it as 02:00:5e:00:00:00/24"
            problem = f"{word} is no MAC address" if word.text else "a MAC address is missing here"
            raise line.error(word, problem, cure)
        low = int(found[1].replace(":", ""), 16)
        rest = (1 << (48 - length)) - 1
        if low & rest:
            raise line.error(word, f"{word} has bits set behind its first {length}", "set them to 0")
        leaves = [Leaf(word, Box(further=((name, low, low | rest),))) for name in PLACES[side]]
        return Group("or", tuple(leaves)) if len(leaves) > 1 else leaves[0]

    return values(line, one, lambda text: MAC.fullmatch(text) is not None)


def _ingress(line: Line) -> Node:
    line.take()

    def one(word: Word) -> Node:
        if not word.text or word.text in AND | OR | {"(", ")"}:
            cure = "write the name of a port of the run: ingress in"
            raise line.error(word, "the name of a port is missing here", cure)
        number = port_number(line.spelled(word))
        return Leaf(word, Box(further=(("ingress", number, number),)))

    return values(line, one, lambda text: False)


READERS: dict[str, Callable[[Line], Node]] = {
    "type": _icmp("icmp_type", "type", ICMP_TYPES, ICMP6_TYPES),
    "code": _icmp("icmp_code", "code", ICMP_CODES, ICMP6_CODES),
    "flags": _flags,
    "frag": _fragment,
    "dscp": _number("dscp", "DSCP", DSCP),
    "ecn": _number("ecn", "ECN mark", ECN),
    "ttl": _number("ttl", "TTL", {}),
    "hop-limit": _number("ttl", "hop limit", {}),
    "length": _number("length", "length", {}),
    "vlan": _vlan,
    "ether": _ether,
    "ingress": _ingress,
}
"""By the first word of a condition, what reads it."""
