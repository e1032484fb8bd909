"""One rule, read from its line: the header, then each option."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from wirebrick.nf.firewall.words import nearest
from wirebrick.nf.ids.addresses import ANY_PORT, Lists
from wirebrick.nf.ids.contents import MODIFIERS, modify, read_content, read_pcre
from wirebrick.nf.ids.layout import MOST_STEPS
from wirebrick.nf.ids.lines import Line, Word
from wirebrick.nf.ids.numbers import read_byte_extract, read_byte_jump, read_byte_test, read_isdataat
from wirebrick.nf.ids.ranges import Ranges
from wirebrick.nf.ids.rule import Action, ByteExtract, Content, Flow, IsDataAt, Protocol, Rule
from wirebrick.nf.ids.sessions import Settings, read_filter, read_flow, read_flowbits
from wirebrick.nf.ids.tests import FIELDS, ICMP_ONLY, TCP_ONLY, read_test
from wirebrick.nf.ids.unsupported import OTHER_PROTOCOLS, UNSUPPORTED
from wirebrick.nf.ids.words import Option, integer, plain, split_options, unquoted, unsupported

ACTIONS = ("alert", "log", "pass", "drop", "reject", "sdrop")
PROTOCOLS = ("ip", "tcp", "udp", "icmp")
LARGEST = (1 << 32) - 1
SHAPE = "ACTION PROTOCOL ADDRESS PORT -> ADDRESS PORT (OPTIONS)"
TESTS = (*FIELDS, "flags", "fragbits", "ipopts", "sameip")
BYTES: dict[str, Any] = {
    "byte_test": read_byte_test,
    "byte_jump": read_byte_jump,
    "byte_extract": read_byte_extract,
    "isdataat": read_isdataat,
}
ABOUT = ("msg", "sid", "gid", "rev", "classtype", "priority", "reference", "metadata")
SUPPORTED = (
    *ABOUT, *TESTS, *BYTES, *MODIFIERS, "content", "pcre", "flow", "flowbits", "noalert", "pkt_data",
    "threshold", "detection_filter",
)  # fmt: skip


def header_words(line: Line) -> list[Word]:
    """The words before the parenthesis, lists in one piece, and then what begins with it (if it is there).

    Raises ParameterError for a list without an end.
    """
    found: list[Word] = []
    whole = Word(line.text, line, 0)
    begin, depth, outermost = -1, 0, 0
    for position, letter in enumerate(line.text):
        if letter == "(" and depth == 0 and not (begin >= 0 and line.text[begin:position].endswith("$")):
            if begin >= 0:
                found.append(whole.part(begin, position))
            return [*found, whole.part(position)]
        if letter == "[" and depth == 0:
            outermost = position
        depth += (letter == "[") - (letter == "]")
        if letter.isspace() and depth <= 0:
            if begin >= 0:
                found.append(whole.part(begin, position))
            begin = -1
        elif begin < 0:
            begin = position
    if depth > 0:
        raise line.error(outermost, "the list that begins here has no end: expected ']'", "write [A,B,C]")
    return [*found, whole.part(begin)] if begin >= 0 else found


class Reader:
    """Reads one rule; ``classes``: description and priority of each classtype."""

    def __init__(self, line: Line, lists: Lists, classes: dict[str, tuple[str, int]]) -> None:
        self.line = line
        self.lists = lists
        self.classes = classes
        self.values: dict[str, Any] = {
            "tests": [],
            "payload": [],
            "flowbits": [],
            "references": [],
            "metadata": [],
        }
        self.given: dict[str, Word] = {}
        self.names: frozenset[str] = frozenset()
        self.flow = Flow()

    def rule(self) -> Rule:
        """The rule. Raises ParameterError, and Unsupported where Wirebrick lacks something."""
        words = header_words(self.line)
        header = self._header(words)
        for option in split_options(words[-1]):
            self._option(option)
        if "sid" not in self.given:
            raise words[-1].error("the rule has no sid", "add sid:1000001; each rule has a number of its own")
        values: dict[str, Any] = header | {"flow": self.flow, "place": self.line.place(0)}
        for name, value in self.values.items():
            values[name] = tuple(value) if isinstance(value, list) else value
        rule = Rule(**values, text=" ".join(self.line.text.split()))
        self._fits(rule)
        return rule

    def _header(self, words: list[Word]) -> dict[str, Any]:
        action = words[0]
        if (len(words) > 1 and words[1].text.startswith("(")) or len(words) == 1:
            raise action.error(f"expected a rule, found {action}", f"write {SHAPE}")
        protocol = words[1]
        streams = {"tcp-pkt": "none", "tcp-stream": "only"}.get(protocol.text)
        if streams:
            self.flow = replace(self.flow, streams=streams)  # type: ignore[arg-type]
        if protocol.text in OTHER_PROTOCOLS:
            raise unsupported(protocol, f"the protocol {protocol.text}", " (there is no inspector for it)")
        if not streams and protocol.text not in PROTOCOLS:
            cure = f"it is one of {', '.join(PROTOCOLS)}"
            raise protocol.error(f"expected a protocol, found {protocol}", cure)
        rest = words[2:]
        for number, what in enumerate(
            ("source address", "source port", "direction", "address", "port", "options")
        ):
            if len(rest) <= number or (rest[number].text.startswith("(") and what != "options"):
                end = rest[number] if number < len(rest) else Word("", self.line, len(self.line.text))
                raise end.error(f"expected the {what}, found {end}", f"write {SHAPE}")
        if not rest[5].text.startswith("("):
            raise rest[5].error(f"expected '(' and the options, found {rest[5]}", f"write {SHAPE}")
        src, src_ports, arrow, dst, dst_ports = rest[:5]
        if arrow.text not in ("->", "<>"):
            raise arrow.error(f"expected -> or <>, found {arrow}", "-> is from left to right, <> both ways")
        kind = "tcp" if streams else protocol.text
        return {
            "action": cast(Action, action.text),
            "protocol": cast(Protocol, kind),
            "src": self.lists.addresses(src),
            "src_ports": self._ports(src_ports, kind),
            "dst": self.lists.addresses(dst),
            "dst_ports": self._ports(dst_ports, kind),
            "both_ways": arrow.text == "<>",
        }

    def _ports(self, word: Word, protocol: str) -> Ranges:
        found = self.lists.ports(word)
        if protocol == "icmp" and found != ANY_PORT:
            raise word.error(f"ICMP has no ports, found {word}", "write any")
        return found

    def _option(self, option: Option) -> None:
        name = option.name
        kind = name.text
        if kind in UNSUPPORTED or kind.split(".")[0] in UNSUPPORTED:
            raise unsupported(name, f"the option {kind}", UNSUPPORTED.get(kind, ""))
        if kind not in SUPPORTED:
            raise name.error(
                f"there is no option {name}", nearest(kind, SUPPORTED) or "docs/ids.md lists them"
            )
        if kind in (*ABOUT[:6], "threshold", "detection_filter", *TESTS) and kind in self.given:
            raise name.error(f"{kind} is given twice", "leave one away")
        self.given[kind] = name
        if kind in ABOUT:
            self._about(option)
        elif kind in TESTS:
            self.values["tests"].append(read_test(option))
        elif kind == "content":
            content, modifiers = read_content(option)
            self.values["payload"].append(content)
            for modifier in modifiers:
                self._modifier(modifier)
        elif kind in MODIFIERS:
            self._modifier(option)
        elif kind == "pcre":
            self.values["payload"].append(read_pcre(option))
        elif kind in BYTES:
            self.values["payload"].append(found := BYTES[kind](option, self.names))
            if isinstance(found, ByteExtract):
                self.names |= {found.name}
        elif kind == "flow":
            self.flow = read_flow(option, self.flow)
        elif kind == "flowbits":
            bits, silent = read_flowbits(option)
            self.values["flowbits"] += bits
            self.values["silent"] = silent or self.values.get("silent", False)
        elif kind == "noalert":
            self.values["silent"] = True
        elif kind in ("threshold", "detection_filter"):
            self.values["limit" if kind == "threshold" else "detection"] = read_filter(Settings(option))

    def _modifier(self, option: Option) -> None:
        name = option.name
        payload = self.values["payload"]
        if name.text not in MODIFIERS:
            raise name.error(f"a content has no modifier {name}", f"they are {', '.join(MODIFIERS)}")
        content = payload[-1] if payload else None
        if not isinstance(content, Content):
            raise name.error(f"{name.text} must stand behind a content", 'write content:"..."; and then it')
        if name.text == "endswith":
            payload.append(IsDataAt(0, negated=True, relative=True))
            return
        payload[-1] = modify(content, option, self.names)

    def _about(self, option: Option) -> None:
        kind, value = option.name.text, option.value
        if not option.given:
            raise option.name.error(f"expected {kind}:VALUE", f"write {kind}:...;")
        if kind in ("reference", "metadata"):
            self.values[f"{kind}s" if kind == "reference" else kind].append(plain(value.text))
        elif kind == "msg":
            if unquoted(value) is value:
                raise value.error(
                    f"expected a text in double quotes, found {value}", 'write msg:"what it is";'
                )
            self.values["message"] = plain(unquoted(value).text)
        elif kind == "classtype":
            if value.text not in self.classes:
                cure = nearest(value.text, self.classes) or "write it before the rules that name it"
                cure += f" (config classification: {value.text},Description,2)"
                raise value.error(f"there is no classtype {value}", cure)
            category, priority = self.classes[value.text]
            self.values |= {"classtype": value.text, "category": category}
            if "priority" not in self.given:
                self.values["priority"] = priority
        elif kind == "priority":
            self.values["priority"] = integer(value, "a priority", 1, 255)
        else:
            self.values[kind] = integer(value, kind, 0 if kind == "rev" else 1, LARGEST)

    def _fits(self, rule: Rule) -> None:
        """Raise ParameterError where options don't go with the protocol or with each other."""
        for kinds, protocol in ((TCP_ONLY, "tcp"), (ICMP_ONLY, "icmp")):
            for kind in kinds:
                if kind in self.given and rule.protocol not in (protocol, "ip"):
                    cure = f"write alert {protocol} ..., or leave it away"
                    raise self.given[kind].error(
                        f"{kind} looks at {protocol.upper()}, the rule at {rule.protocol}", cure
                    )
        if "flow" in self.given and rule.protocol == "icmp" and rule.flow != Flow():
            raise self.given["flow"].error(
                "flow is for TCP and UDP", "leave it away, or write flow:stateless"
            )
        if rule.flow.streams != "both" and rule.protocol != "tcp":
            raise self.given["flow"].error("streams are for TCP", "leave only_stream or no_stream away")
        if rule.flow.streams == "only" and not rule.payload:
            raise self.line.error(0, "only_stream needs something to find in the stream", "add a content")
        if len(rule.payload) > MOST_STEPS:
            message = (
                f"the rule has {len(rule.payload)} options for the payload, and {MOST_STEPS} are the most"
            )
            raise self.line.error(0, message, "make two rules of it, with a flow bit between them")
        for number, option in enumerate(rule.payload):
            if isinstance(option, Content) and option.fast and option.negated:
                raise self.given["fast_pattern"].error(
                    "a negated content can't be the fast pattern", "name another content"
                )
            if number and isinstance(option, Content) and option.fast:
                before = [one for one in rule.payload[:number] if isinstance(one, Content) and one.fast]
                if before:
                    raise self.given["fast_pattern"].error("a rule has one fast pattern", "leave one away")
