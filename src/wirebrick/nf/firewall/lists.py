"""Lists in rules: conditions and values joined by ``and``, ``or`` and commas.

>>> from wirebrick.nf.firewall.boxes import Box
>>> from wirebrick.nf.firewall.words import Line
>>> line = Line("6,17 or 47 and udp", "acl.rules", 1)
>>> found = values(line, lambda word: Leaf(word, Box(protocols=1 << int(word.text))), str.isdigit)
>>> found.joiner, len(found.members), line.peek().text
('or', 2, 'and')
"""

from __future__ import annotations

from collections.abc import Callable

from wirebrick.nf.firewall.conditions import Group, Leaf, Node, all_of
from wirebrick.nf.firewall.names import AND, OR
from wirebrick.nf.firewall.words import Line, Word

__all__ = ["Leaf", "joined", "values"]


def joined(line: Line, read: Callable[[], Node], continues: Callable[[str], bool]) -> Node:
    """Read members joined by ``and`` or ``or``, while what follows the joining word continues the list."""
    members = [read()]
    union = line.peek().text in OR
    while line.peek().text in AND | OR and continues(line.peek(1).text):
        line.take()
        members.append(read())
    return Group("or", tuple(members)) if union and len(members) > 1 else all_of(members)


def values(line: Line, read: Callable[[Word], Node], continues: Callable[[str], bool]) -> Node:
    """Read values joined by ``and`` or ``or``, each one or several with commas between: any of these.

    Raises ParameterError where there is nothing beside a comma.
    """

    def one() -> Node:
        word = line.take()
        if "," not in word.text:
            return read(word)
        parts = word.parts()
        empty = next((part for part in parts if not part.text), None)
        if empty is not None:
            raise line.error(empty, "a value is missing beside the comma", "write A,B,C, without spaces")
        return Group("or", tuple(read(part) for part in parts))

    return joined(line, one, lambda text: continues(text.partition(",")[0]))
