"""Rules as the book that native code reads: one image of bytes, with literals and expressions beside it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from wirebrick.nf.ids import layout
from wirebrick.nf.ids.addresses import ANY_PORT, AddressSet
from wirebrick.nf.ids.groups import Scope, looks_at_streams, scopes
from wirebrick.nf.ids.ranges import Ranges
from wirebrick.nf.ids.rule import Content, Filter, IsDataAt, Pcre, Rule
from wirebrick.nf.ids.steps import Steps, lookback
from wirebrick.state.patterns_tables import Literal
from wirebrick.state.regex_program import Program, compiled_program
from wirebrick.state.regex_table import RegexTable, table_of
from wirebrick.state.regex_tree import flags_of
from wirebrick.state.regexes import packed

if TYPE_CHECKING:
    from collections.abc import Mapping

PROTOCOLS = {"ip": 0, "icmp": 1, "tcp": 6, "udp": 17}
ACTS = {
    "pass": layout.ACT_PASS,
    "alert": layout.ACT_TELL,
    "log": layout.ACT_LOG,
    "drop": layout.ACT_TELL | layout.ACT_DROP,
    "reject": layout.ACT_TELL | layout.ACT_DROP | layout.ACT_RESET,
    "sdrop": layout.ACT_DROP,
}
KINDS = {"detection": 0, "limit": 1, "threshold": 2, "both": 3}
OPERATIONS = {"set": 0, "unset": 1, "toggle": 2, "isset": 3, "isnotset": 4}
MASK64 = (1 << 64) - 1
# States of an expression that is searched for by table: more take long to make, and rules ask for an expression
# only when its contents were found.
TABLE_STATES = 64


@dataclass(frozen=True)
class Image:
    """The book of some rules: ``data``, and the literals of each scope.

    ``slots``: where each rule is counted, ``bits``: the number of each name of a flow bit; also of those that were
    in images before, so that what was counted and kept goes on to mean the same.
    """

    data: bytes = b""
    literals: tuple[list[Literal], list[Literal]] = ([], [])
    slots: Mapping[Rule, int] = field(default_factory=dict)
    bits: Mapping[str, int] = field(default_factory=dict)


def ordered(rules: Sequence[Rule]) -> list[Rule]:
    """Rules in the order of their evaluation: those that pass first, then what sets flow bits and asks for none."""

    def rank(rule: Rule) -> tuple[bool, bool]:
        asks = any(bit.operation in ("isset", "isnotset") for bit in rule.flowbits)
        return rule.action != "pass", asks or not rule.flowbits

    return sorted(rules, key=rank)


class Assembler:
    """Makes the image. ``before``: the one before it; ``overlap``: bytes kept of a stream, at most."""

    def __init__(self, before: Image, *, inline: bool, midstream: bool, overlap: int, streams: bool) -> None:
        self.data = bytearray(layout.B_END)
        self.slots = dict(before.slots)
        self.inline, self.midstream, self.overlap, self.streams = inline, midstream, overlap, streams
        self.known: dict[object, int] = {}
        self.bits = dict(before.bits)
        self.expressions: list[Pcre] = []

    def image(self, rules: Sequence[Rule]) -> Image:
        """The book of rules, which are in order."""
        for rule in rules:
            self.slots.setdefault(rule, len(self.slots))
        records = self._reserve(len(rules) * layout.RULE)
        for number, rule in enumerate(rules):
            self._rule(records + number * layout.RULE, rule)
        found = scopes(rules, streams=self.streams)
        groups = self._reserve(2 * layout.KINDS * layout.GROUP)
        literals = []
        for number, scope in enumerate(found):
            self._groups(groups + number * layout.KINDS * layout.GROUP, scope)
            lists = self._words([self._list(numbers) for numbers in scope.literals.values()])
            self._store(layout.B_SETS + number * layout.SET + layout.SET_RULES, lists)
            literals.append([Literal(text, nocase) for text, nocase in scope.literals])
        streamed = [rule for rule in rules if self.streams and looks_at_streams(rule)]
        for offset, value in (
            (layout.B_RULES, records),
            (layout.B_COUNT, len(rules)),
            (layout.B_PASSES, sum(rule.action == "pass" for rule in rules)),
            (layout.B_NEEDS, _needs(rules)),
            (layout.B_INLINE, int(self.inline)),
            (layout.B_MIDSTREAM, int(self.midstream)),
            (layout.B_KEEP, min(self.overlap, max((lookback(rule) for rule in streamed), default=0))),
            (layout.B_GROUPS, groups),
            (layout.B_REGEXES, self._regexes()),
        ):
            self._store(offset, value)
        return Image(bytes(self.data), (literals[0], literals[1]), self.slots, self.bits)

    def _regexes(self) -> int:
        data = packed([_expression(one.pattern, one.flags) for one in self.expressions]).tobytes()
        at = self._reserve(len(data))
        self.data[at : at + len(data)] = data
        return at

    def _store(self, offset: int, value: int) -> None:
        struct.pack_into("<Q", self.data, offset, value & MASK64)

    def _reserve(self, size: int) -> int:
        self.data += bytes(-len(self.data) % 64)
        at = len(self.data)
        self.data += bytes(size)
        return at

    def _once(self, what: object, data: bytes) -> int:
        """The offset of bytes that are there once however often they are asked for."""
        key = (type(what), what)
        if key not in self.known:
            at = self._reserve(len(data))
            self.data[at : at + len(data)] = data
            self.known[key] = at
        return self.known[key]

    def _words(self, words: Sequence[int]) -> int:
        return (
            self._once(tuple(words), struct.pack(f"<{len(words)}Q", *(word & MASK64 for word in words)))
            if words
            else 0
        )

    def _list(self, numbers: Sequence[int]) -> int:
        if not numbers:
            return 0
        return self._once(("list", *numbers), struct.pack(f"<{len(numbers) + 1}I", len(numbers), *numbers))

    def _rule(self, at: int, rule: Rule) -> None:
        steps = Steps(self._text, self.expressions)
        tests = steps.tests(rule)
        payload = steps.payload(rule)
        acts = ACTS[rule.action]
        if rule.silent:
            acts &= ~(layout.ACT_TELL | layout.ACT_LOG)
        bits = [
            word
            for bit in rule.flowbits
            for word in (OPERATIONS[bit.operation], self.bits.setdefault(bit.name, len(self.bits)))
        ]
        suppressed = [
            word
            for one in rule.suppressed
            for word in (
                (0, 0)
                if one.addresses is None
                else (1 if one.by_src else 2, self._addresses(one.addresses, whole=True))
            )
        ]
        for offset, value in (
            (layout.R_ACTS, acts),
            (layout.R_PROTOCOL, PROTOCOLS[rule.protocol]),
            (layout.R_SRC, self._addresses(rule.src)),
            (layout.R_SRC_PORTS, self._ports(rule.src_ports)),
            (layout.R_DST, self._addresses(rule.dst)),
            (layout.R_DST_PORTS, self._ports(rule.dst_ports)),
            (layout.R_BOTH, int(rule.both_ways)),
            (layout.R_SLOT, self.slots[rule]),
            (layout.R_TESTS, self._words(tests)),
            (layout.R_TEST_COUNT, len(tests) * 8 // layout.STEP),
            (layout.R_STEPS, self._words(payload)),
            (layout.R_STEP_COUNT, len(payload) * 8 // layout.STEP),
            (layout.R_FLOW, _flow(rule)),
            (layout.R_BITS, self._words(bits)),
            (layout.R_BIT_COUNT, len(bits) // 2),
            (layout.R_DETECTION, self._filter(rule.detection)),
            (layout.R_LIMIT, self._filter(rule.limit)),
            (layout.R_SUPPRESS, self._words(suppressed)),
            (layout.R_SUPPRESS_COUNT, len(suppressed) // 2),
            (layout.R_SCOPE, _scope(rule)),
        ):
            self._store(at + offset, value)

    def _text(self, data: bytes) -> int:
        return self._once(data, data)

    def _filter(self, rule: Filter | None) -> int:
        if rule is None:
            return 0
        return self._words([KINDS[rule.kind], int(rule.by_src), rule.count, rule.seconds * 10**9])

    def _addresses(self, addresses: AddressSet, *, whole: bool = False) -> int:
        if addresses.everything and not whole:
            return 0
        turn = 1 << 63
        words = [len(addresses.v4), len(addresses.v6)]
        for low, high in addresses.v4:
            words += [low, high]
        for low, high in addresses.v6:
            words += [(low >> 64) ^ turn, (low & MASK64) ^ turn, (high >> 64) ^ turn, (high & MASK64) ^ turn]
        return self._words(words)

    def _ports(self, ports: Ranges) -> int:
        return (
            0 if ports == ANY_PORT else self._words([len(ports), *(port for pair in ports for port in pair)])
        )

    def _groups(self, at: int, scope: Scope) -> None:
        for kind in range(layout.KINDS):
            group = at + kind * layout.GROUP
            self._store(group + layout.G_ALWAYS, self._list(scope.always.get(kind, [])))
            for offset, ports in (
                (layout.G_DST, scope.by_dst.get(kind)),
                (layout.G_SRC, scope.by_src.get(kind)),
            ):
                if ports:
                    lists = self._lists(ports)
                    table = self._reserve(4 * len(lists))
                    self.data[table : table + 4 * len(lists)] = struct.pack(f"<{len(lists)}I", *lists)
                    self._store(group + offset, table)

    def _lists(self, ports: dict[int, list[int]]) -> list[int]:
        """The offset of the list of each port."""
        found = [0] * 65536
        last: list[int] = []
        offset = 0
        for port, numbers in ports.items():
            if numbers != last:  # seldom: ports in a row have the same rules
                last, offset = numbers, self._list(numbers)
            found[port] = offset
        return found


@lru_cache(maxsize=1 << 14)
def _expression(pattern: str, flags: str) -> tuple[Program, RegexTable | None]:
    """A compiled expression; kept for when the rules are exchanged."""
    program = compiled_program(pattern.encode(), flags_of(flags))
    return program, table_of(program, TABLE_STATES)


def _needs(rules: Sequence[Rule]) -> int:
    needs = 0
    for rule in rules:
        if _flow(rule) or rule.flowbits:
            needs |= {"tcp": layout.NEED_TCP, "udp": layout.NEED_UDP, "icmp": layout.NEED_OTHER}.get(
                rule.protocol, layout.NEED_TCP | layout.NEED_UDP | layout.NEED_OTHER
            )
    return needs


def _flow(rule: Rule) -> int:
    flow, bits = rule.flow, 0
    if flow.established is not None:
        bits |= layout.FLOW_ESTABLISHED if flow.established else layout.FLOW_NOT_ESTABLISHED
    if flow.to_server is not None:
        bits |= layout.FLOW_TO_SERVER if flow.to_server else layout.FLOW_TO_CLIENT
    return bits


def _scope(rule: Rule) -> int:
    bits = layout.SCOPE_WHOLE if rule.flow.streams == "only" else 0
    for one in rule.payload:
        if not (isinstance(one, Content | Pcre | IsDataAt) and one.negated):
            return bits | layout.SCOPE_NEW
    return bits
