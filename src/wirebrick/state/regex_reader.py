"""Reading the text of a regular expression: characters, escapes and sets, which all stand for one byte."""

from __future__ import annotations

from wirebrick.state.regex_bytes import ALL, CLASSES, POSIX, bits, folded, span
from wirebrick.state.regex_tree import Flags, RegexError

CONTROLS = {"a": 7, "e": 27, "f": 12, "n": 10, "r": 13, "t": 9}
REFUSED = {"G": "\\G", "K": "\\K", "X": "\\X", "C": "\\C", "p": "\\p", "P": "\\P", "g": "\\g", "k": "\\k"}
_HEX = "0123456789abcdefABCDEF"


class Reader:
    """A place in a text of which each character is one byte of the pattern."""

    def __init__(self, text: str, flags: Flags) -> None:
        self.text = text
        self.at = 0
        self.flags = flags

    def peek(self, text: str) -> bool:
        """Whether that comes next."""
        return self.text.startswith(text, self.at)

    def take(self, text: str) -> bool:
        """Step over it, if it comes next."""
        if not self.peek(text):
            return False
        self.at += len(text)
        return True

    def next(self, what: str) -> str:
        """The next character. Raises RegexError at the end."""
        if self.at >= len(self.text):
            raise RegexError(self.at, f"{what} has no end")
        self.at += 1
        return self.text[self.at - 1]

    def until(self, end: str, what: str) -> str:
        """What comes before ``end``, which is stepped over."""
        stop = self.text.find(end, self.at)
        if stop < 0:
            raise RegexError(self.at, f"{what} has no end: {end} is missing")
        found = self.text[self.at : stop]
        self.at = stop + len(end)
        return found

    def escaped(self, start: int) -> int:
        """The set that a backslash begins, also in [ ]."""
        letter = self.next("an escape")
        if letter.lower() in CLASSES:
            mask = CLASSES[letter.lower()]
            return mask if letter.islower() else ALL & ~mask
        if letter in CONTROLS:
            return 1 << CONTROLS[letter]
        if letter == "x":
            return 1 << self.hexadecimal(start)
        if letter == "c":
            return 1 << (ord(self.next("a control").upper()) & 0x7F ^ 64)
        if letter in "01234567":
            self.at -= 1
            return 1 << self.octal(start)
        if letter in REFUSED or letter.isalnum():
            raise RegexError(start, f"\\{letter} is not supported")
        return 1 << ord(letter)

    def hexadecimal(self, start: int) -> int:
        """The number behind \\x."""
        if self.take("{"):
            digits = self.until("}", "\\x{")
        else:
            digits = ""
            while len(digits) < 2 and self.at < len(self.text) and self.text[self.at] in _HEX:
                digits += self.next("\\x")
        if any(digit not in _HEX for digit in digits) or int(digits or "0", 16) > 255:
            raise RegexError(start, f"\\x{{{digits}}} is no byte")
        return int(digits or "0", 16)

    def octal(self, start: int) -> int:
        """Up to three octal digits."""
        digits = ""
        while len(digits) < 3 and self.at < len(self.text) and self.text[self.at] in "01234567":
            digits += self.next("an escape")
        if int(digits, 8) > 255:
            raise RegexError(start, f"\\{digits} is no byte")
        return int(digits, 8)

    def set(self, start: int) -> int:
        """The bytes of a [ ]."""
        negated = self.take("^")
        mask, first = 0, True
        while first or not self.peek("]"):
            if self.at >= len(self.text):
                raise RegexError(start, "a [ without its ]")
            first = False
            if self.take("[:"):
                mask |= self.posix()
                continue
            if self.take("\\E"):
                continue
            low = self.item(start)
            if self.peek("-") and not self.peek("-]") and _single(low):
                place = self.at
                self.at += 1
                high = self.item(start)
                if not _single(high):
                    mask |= low | high | bits(b"-")
                    continue
                if high < low:
                    raise RegexError(place, "a range that ends before it begins")
                low = span(low.bit_length() - 1, high.bit_length() - 1)
            mask |= low
        self.at += 1
        if self.flags.i:
            mask = folded(mask)
        return ALL & ~mask if negated else mask

    def posix(self) -> int:
        """A named class, such as [:alpha:]."""
        start = self.at - 2
        name = self.until(":]", "a class")
        mask = POSIX.get(name.removeprefix("^"))
        if mask is None:
            raise RegexError(start, f"[:{name}:] is no class; known are {', '.join(POSIX)}")
        return ALL & ~mask if name.startswith("^") else mask

    def item(self, start: int) -> int:
        """One item of a [ ]: a byte, or the set of an escape."""
        if self.at >= len(self.text):
            raise RegexError(start, "a [ without its ]")
        place = self.at
        character = self.next("a set")
        if character != "\\":
            return 1 << ord(character)
        if self.take("b"):
            return 1 << 8
        return self.escaped(place)


def _single(mask: int) -> bool:
    """Whether a set is one byte."""
    return mask.bit_count() == 1
