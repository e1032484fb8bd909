"""``flow``, ``flowbits``, and the filters: ``threshold``, ``detection_filter``, ``event_filter``, ``suppress``."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal, cast

from wirebrick.nf.ids.addresses import Lists
from wirebrick.nf.ids.lines import Word
from wirebrick.nf.ids.rule import Filter, Flow, FlowBit, Suppress
from wirebrick.nf.ids.words import Option, arguments, integer, unsupported

BIT_NAME = re.compile(r"[\w.\-/]+")
LONGEST = 1 << 31
FLOWS: dict[str, dict[str, object]] = {
    "established": {"established": True},
    "not_established": {"established": False},
    "stateless": {},
    "to_server": {"to_server": True},
    "from_client": {"to_server": True},
    "to_client": {"to_server": False},
    "from_server": {"to_server": False},
    "only_stream": {"streams": "only"},
    "no_stream": {"streams": "none"},
}
OTHER_FLOWS = ("no_frag", "only_frag")


def read_flow(option: Option, flow: Flow) -> Flow:
    """``flow:established,to_server`` and so on. Raises ParameterError."""
    cure = f"it takes {', '.join(FLOWS)}, separated by commas"
    if not option.given:
        raise option.name.error("expected flow:WORD", cure)
    for word in arguments(option.value):
        if word.text in OTHER_FLOWS:
            raise unsupported(word, f"flow:{word.text}", " (fragments are not put together)")
        if word.text not in FLOWS:
            raise word.error(f"flow knows no {word}", cure)
        for name, value in FLOWS[word.text].items():
            if getattr(flow, name) not in (None, "both", value):
                raise word.error(f"flow:{word.text} contradicts what stands before it", "leave one away")
            flow = replace(flow, **{name: value})  # type: ignore[arg-type]
    return flow


def read_flowbits(option: Option) -> tuple[list[FlowBit], bool]:
    """The operations of one ``flowbits``, and whether it is ``noalert``. Raises ParameterError."""
    words = arguments(option.value)
    what = words[0].text if words else ""
    if what == "noalert" and len(words) == 1:
        return [], True
    if what in ("reset", "setx"):
        raise unsupported(words[0], f"flowbits:{what}", " (groups of bits)")
    if what not in ("set", "unset", "toggle", "isset", "isnotset"):
        raise option.value.error(
            f"expected what flowbits are to do, found {option.value}",
            "write set,NAME or unset, toggle, isset, isnotset, or noalert",
        )
    if len(words) > 2:
        raise unsupported(words[2], "flowbits with a group")
    if len(words) < 2:
        raise words[0].error(f"expected flowbits:{what},NAME", "name the bit")
    if "|" in words[1].text:
        raise unsupported(words[1], "flowbits with '|'")
    operation = cast(Literal["set", "unset", "toggle", "isset", "isnotset"], what)
    names = words[1].split("&")
    for name in names:
        if not BIT_NAME.fullmatch(name.text):
            raise name.error(f"{name} is no name of a bit", "use letters, digits, _ . - /")
    return [FlowBit(operation, name.text) for name in names], False


class Settings:
    """``type limit, track by_src, count 1, seconds 60``: names with values, each once. Raises ParameterError."""

    def __init__(self, option: Option) -> None:
        self.option = option
        self.found: dict[str, Word] = {}
        for word in arguments(option.value):
            name, _, _ = word.text.partition(" ")
            if name in self.found:
                raise word.error(f"{name} is given twice", "leave one away")
            self.found[name] = word.part(len(name))

    def take(self, name: str, allowed: tuple[str, ...] = ()) -> Word:
        """The value of a name, which must be there; one of ``allowed`` where that is given."""
        word = self.found.pop(name, None)
        kind = self.option.name.text
        if word is None:
            shown = " or ".join(allowed) or "NUMBER"
            raise self.option.name.error(
                f"{kind} needs '{name} {shown}'", f"add: {name} {(allowed or ('1',))[0]}"
            )
        if allowed and word.text not in allowed:
            raise word.error(f"{kind} takes no {name} {word}", f"it is one of {', '.join(allowed)}")
        return word

    def number(self, name: str) -> int:
        """The number of a name, 1 or more."""
        return integer(self.take(name), name, 1, LONGEST)

    def signature(self) -> tuple[int, int]:
        """``gen_id`` and ``sig_id``."""
        return integer(self.take("gen_id"), "gen_id", 0, LONGEST), integer(
            self.take("sig_id"), "sig_id", 0, LONGEST
        )

    def done(self) -> None:
        """Raise ParameterError for what nobody took."""
        for name, word in self.found.items():
            raise word.error(
                f"{self.option.name.text} knows no {name!r}", "see docs/ids.md for what it takes"
            )


def read_filter(settings: Settings) -> Filter:
    """The filter of a rule or of an event_filter. Raises ParameterError."""
    kind = "detection"
    if settings.option.name.text != "detection_filter":
        kind = settings.take("type", ("limit", "threshold", "both")).text
    by_src = settings.take("track", ("by_src", "by_dst")).text == "by_src"
    found = Filter(
        cast(Literal["detection", "limit", "threshold", "both"], kind),
        by_src,
        settings.number("count"),
        settings.number("seconds"),
    )
    settings.done()
    return found


def read_suppress(settings: Settings, lists: Lists) -> Suppress:
    """``suppress gen_id 1, sig_id 2[, track by_src, ip 10.0.0.0/8]``. Raises ParameterError."""
    found = Suppress()
    if "track" in settings.found:
        by_src = settings.take("track", ("by_src", "by_dst")).text == "by_src"
        found = Suppress(by_src, lists.addresses(settings.take("ip")))
    settings.done()
    return found
