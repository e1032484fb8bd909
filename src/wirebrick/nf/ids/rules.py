'''Rule files: Snort 2.9's syntax, as far as docs/ids.md says.

>>> found = parse_rules("""
... ipvar HOME_NET 192.0.2.0/24
... portvar WEB [80,8080]
... # one rule on two lines
... alert tcp any any -> $HOME_NET $WEB (msg:"no such page"; flow:established,to_server; \\\\
...     content:"GET |2f|secret"; nocase; sid:1000001; rev:2;)
... """)
>>> rule = found.rules[0]
>>> rule.number, rule.message, rule.dst_ports, rule.payload[0].data
('1:1000001', 'no such page', ((80, 80), (8080, 8080)), b'GET /secret')
>>> parse_rules("alert tcp any any -> any 80000 (sid:1;)")
Traceback (most recent call last):
wirebrick.errors.ParameterError: <rules>:1:26: '80000' is no port: expected a number from 0 to 65535
  help: write any, a port from 0 to 65535, a range LOW:HIGH, a list [80,8000:8080] or $NAME
'''

from __future__ import annotations

import linecache
import os
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from wirebrick.errors import ParameterError
from wirebrick.nf.ids.addresses import Lists
from wirebrick.nf.ids.classes import CLASSES
from wirebrick.nf.ids.lines import Line, Word, lines
from wirebrick.nf.ids.reading import ACTIONS, Reader, header_words
from wirebrick.nf.ids.rule import Filter, Rule, Suppress
from wirebrick.nf.ids.sessions import Settings, read_filter, read_suppress
from wirebrick.nf.ids.unsupported import DIRECTIVES
from wirebrick.nf.ids.words import Option, Unsupported, integer, unsupported
from wirebrick.ports.suggest import did_you_mean

LARGEST_FILE = 64 << 20
DEEPEST = 16
LINES_NAMED = 8
VARIABLES = ("var", "ipvar", "portvar")
FILTERS = ("event_filter", "threshold", "suppress")
NO_EFFECT = ("reference",)  # of config: what it says is not used


@dataclass
class RuleFile:
    """What was read. ``skipped``: rules and lines left out, by what they need; ``files``: all that were read."""

    rules: list[Rule] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    files: list[Path] = field(default_factory=list)


def parse_rules(
    text: str, *, file: str = "<rules>", home: str = "", external: str = "", skip: bool = False
) -> RuleFile:
    """Read the text of a rule file; ``file`` is its name in errors.

    ``home``, ``external``: HOME_NET and EXTERNAL_NET, whatever the file says of them. ``skip``: leave rules out
    that need what Wirebrick lacks, and count them. Raises ParameterError for the first line that is wrong, and
    says how many more there are and where.

    >>> parse_rules("# nothing but a comment").rules
    []
    """
    return _Reading(home, external, skip).whole(text, file)


def load_rules(
    path: str | os.PathLike[str], *, home: str = "", external: str = "", skip: bool = False
) -> RuleFile:
    """Read a rule file, and what it includes. Raises ParameterError as ``parse_rules``, and for unreadable files.

    >>> load_rules("/nowhere/local.rules")
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: the rule file /nowhere/local.rules can't be read: No such file or directory
      help: give the path of a file with Snort rules
    """
    return _Reading(home, external, skip).file(Path(path))


class _Reading:
    def __init__(self, home: str, external: str, skip: bool) -> None:
        self.skip = skip
        self.found = RuleFile()
        self.errors: list[ParameterError] = []
        self.variables: dict[str, Word] = {}
        self.fixed = {"HOME_NET": home, "EXTERNAL_NET": external}
        for name, value in self.fixed.items():
            line = Line(value or "any", f"<{name}>", ((0, 1, 1),))
            self.variables[name] = Word(line.text, line, 0)
            if value:
                Lists(self.variables).addresses(self.variables[name])
        self.lists = Lists(self.variables)
        self.classes = dict(CLASSES)
        self.stack: list[Path] = []
        self.filters: dict[tuple[int, int], tuple[Filter, Line]] = {}
        self.suppressed: dict[tuple[int, int], list[Suppress]] = {}

    def file(self, path: Path) -> RuleFile:
        """A file and all that it includes."""
        self._file(path)
        return self._finish()

    def whole(self, text: str, file: str) -> RuleFile:
        """A text and all that it includes."""
        self.stack.append(Path(file))
        self._text(text, file)
        return self._finish()

    def _file(self, path: Path) -> None:
        cure = "give the path of a file with Snort rules"
        try:
            with path.open("rb") as stream:
                content = stream.read(LARGEST_FILE + 1)
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            raise ParameterError(f"the rule file {path} can't be read: {reason}", cure=cure) from None
        if len(content) > LARGEST_FILE:
            raise ParameterError(f"the rule file {path} is larger than {LARGEST_FILE >> 20} MiB", cure=cure)
        # An error shows the line it is about; what an earlier load left in the cache may be old.
        linecache.checkcache(str(path))
        self.found.files.append(path)
        self.stack.append(path)
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
        self._text(text, str(path))
        self.stack.pop()

    def _text(self, text: str, file: str) -> None:
        for line in lines(text, file):
            try:
                self._line(line)
            except Unsupported as error:
                if not self.skip:
                    self.errors.append(error)
                self.found.skipped[error.what] += 1
            except ParameterError as error:
                self.errors.append(error)

    def _line(self, line: Line) -> None:
        first, *rest = header_words(line)
        kind = first.text.rstrip(":")
        whole = Word(line.text, line, 0).part(len(first.text))
        if kind in ACTIONS:
            self.found.rules.append(Reader(line, self.lists, self.classes).rule())
        elif kind in VARIABLES:
            self._variable(kind, first, rest)
        elif kind == "include":
            self._include(whole)
        elif kind == "config" and whole.text.startswith("classification"):
            self._classification(whole.part(len("classification")))
        elif kind == "config" and whole.text.startswith(NO_EFFECT):
            pass
        elif kind in FILTERS:
            self._filter(kind, Settings(Option(first, whole)))
        elif kind in DIRECTIVES:
            raise unsupported(first, f"a line that begins with {kind}")
        else:
            known = (*ACTIONS, *VARIABLES, *FILTERS, "include", "config")
            raise first.error(
                f"expected a rule, a variable or include, found {first}", did_you_mean(kind, known)
            )

    def _variable(self, kind: str, first: Word, rest: list[Word]) -> None:
        if len(rest) < 2:
            raise first.error(f"expected {kind} NAME VALUE", f"write {kind} NAME [...]")
        name, value = rest[0], rest[1]
        if not name.text.isidentifier():
            raise name.error(f"{name} is no name of a variable", "use letters, digits and _")
        if len(rest) > 2:
            raise rest[2].error(f"expected the end of the line, found {rest[2]}", "a list is written [A,B]")
        if self.fixed.get(name.text):
            return
        if kind == "ipvar":
            self.lists.addresses(value)
        elif kind == "portvar":
            self.lists.ports(value)
        if value.text.startswith("$") and kind == "var":
            value = self.lists.value(value)
        self.variables[name.text] = value

    def _include(self, word: Word) -> None:
        if not word.text:
            raise word.error("expected the path of a file", "write include other.rules")
        text = word.text
        if text.startswith("$"):
            name, slash, after = text.partition("/")
            text = self.lists.value(word.part(0, len(name))).text + slash + after
        path = self.stack[-1].parent / text
        if path in self.stack or len(self.stack) > DEEPEST:
            raise word.error(f"{path} includes itself", "take the line away")
        try:
            self._file(path)
        except ParameterError as error:
            raise word.error(error.message, "give a path, from the folder of this file on") from None

    def _classification(self, word: Word) -> None:
        parts = word.part(1).split(",") if word.text.startswith(":") else []
        if len(parts) < 3:
            raise word.error("expected config classification: NAME,DESCRIPTION,PRIORITY", "write all three")
        description = ",".join(part.text for part in parts[1:-1])
        self.classes[parts[0].text] = (description, integer(parts[-1], "a priority", 1, 255))

    def _filter(self, kind: str, settings: Settings) -> None:
        number = settings.signature()
        if 0 in number:
            raise unsupported(settings.option.name, f"{kind} for all rules", " (gen_id or sig_id 0)")
        if kind == "suppress":
            self.suppressed.setdefault(number, []).append(read_suppress(settings, self.lists))
            return
        if number in self.filters:
            place = self.filters[number][1].place(0)
            raise settings.option.name.error(
                f"there is an event_filter for this rule at {place}", "leave one away"
            )
        self.filters[number] = read_filter(settings), settings.option.name.line

    def _finish(self) -> RuleFile:
        seen: dict[tuple[int, int], Rule] = {}
        rules = []
        for rule in self.found.rules:
            number = (rule.gid, rule.sid)
            if number in seen:
                self.errors.append(
                    ParameterError(
                        f"the signature {rule.number} is there twice: it is also at {seen[number].place}",
                        place=rule.place,
                        cure="give one of them another sid",
                    )
                )
            seen[number] = rule
            limit = self.filters[number][0] if number in self.filters else rule.limit
            rules.append(replace(rule, limit=limit, suppressed=tuple(self.suppressed.get(number, ()))))
        if self.errors:
            raise _all_in_one(self.errors)
        self.found.rules = rules
        return self.found


def _all_in_one(errors: list[ParameterError]) -> ParameterError:
    first = errors[0]
    message = first.message
    if len(errors) > 1:
        others = [f"{error.place.file}:{error.place.line}" for error in errors[1:] if error.place]
        named = ", ".join(others[:LINES_NAMED]) + (", ..." if len(others) > LINES_NAMED else "")
        message += f" (and {len(errors) - 1} more error{'s' if len(errors) > 2 else ''}: {named})"
    return ParameterError(message, place=first.place, cure=first.cure)
