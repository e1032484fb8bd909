"""What may stand beside what: refusals of rules that people, and tools, read in more than one way.

>>> from wirebrick.nf.firewall.words import Line
>>> check_joining(Line("allow tcp and port 80 or 443", "acl.rules", 1))
Traceback (most recent call last):
wirebrick.errors.ParameterError: acl.rules:1:23: 'and' and 'or' are mixed without parentheses
  help: say what belongs together: '(A and B) or C', or 'A and (B or C)'
"""

from __future__ import annotations

from wirebrick.nf.firewall.names import AND, DIRECTIONS, NOT, OR, PORT_WORDS
from wirebrick.nf.firewall.values import looks_like_address
from wirebrick.nf.firewall.words import Line, Word


def joins(line: Line, index: int) -> bool:
    """Whether a word is an ``and`` or ``or`` between conditions or values, not that of ``src or dst``.

    >>> line = Line("src or dst port 80 or 443", "acl.rules", 1)
    >>> joins(line, 1), joins(line, 5)
    (False, True)
    """
    if line.words[index].text not in AND | OR:
        return False
    around = {word.text for word in line.words[max(index - 1, 0) : index + 2 : 2]}
    return not around <= DIRECTIONS


def check_joining(line: Line) -> None:
    """Refuse ``and`` beside ``or`` in the same parentheses: tcpdump, Click and people disagree about them."""
    levels = [""]
    for index, word in enumerate(line.words):
        if word.text == "(":
            levels.append("")
        elif word.text == ")" and len(levels) > 1:
            levels.pop()
        elif joins(line, index):
            joiner = "and" if word.text in AND else "or"
            if levels[-1] not in ("", joiner):
                cure = "say what belongs together: '(A and B) or C', or 'A and (B or C)'"
                raise line.error(word, "'and' and 'or' are mixed without parentheses", cure)
            levels[-1] = joiner


def check_not(line: Line, start: int) -> None:
    """Refuse ``not`` before several values: for tcpdump, ``not host A and B`` says "not A, but B".

    ``start`` is where the condition after ``not`` begins; the line stands behind it.

    >>> line = Line("not host 10.0.0.1 or 10.0.0.2", "acl.rules", 1)
    >>> line.position = 5
    >>> check_not(line, 1)
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: acl.rules:1:22: does the 'not' hold for '10.0.0.2' too?
      help: write 'not (A or B)' if it does, '(not A) or B' if not
    """
    for index in range(start, line.position):
        if joins(line, index):
            _refuse_not(line, line.words[index + 1], line.words[index].text)


def check_sides(line: Line, previous: Word, word: Word) -> None:
    """Refuse neighbours, the first words of two conditions, whose sides are unclear.

    >>> line = Line("allow 10.0.0.0/8 10.1.0.0/16", "acl.rules", 1)
    >>> check_sides(line, line.words[1], line.words[2])
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: acl.rules:1:18: is the source or the destination '10.1.0.0/16'?
      help: write 'from A to B', or 'A and B' for both directions
    """
    if previous.text in NOT:
        _refuse_not(line, word, "and")
    if _is_address(previous.text) and _is_address(word.text):
        cure = "write 'from A to B', or 'A and B' for both directions"
        raise line.error(word, f"is the source or the destination {word}?", cure)
    if previous.text in DIRECTIONS | PORT_WORDS and word.text in PORT_WORDS:
        cure = "write 'src port N' or 'dst port N', or 'and port N' for either"
        raise line.error(word, "is this the source's or the destination's port?", cure)


def _is_address(text: str) -> bool:
    return text in ("host", "net") or looks_like_address(text)


def _refuse_not(line: Line, word: Word, joiner: str) -> None:
    cure = f"write 'not (A {joiner} B)' if it does, '(not A) {joiner} B' if not"
    raise line.error(word, f"does the 'not' hold for {word} too?", cure)
