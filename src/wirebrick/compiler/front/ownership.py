"""Unique packets: a packet that was sent or dropped can't be touched any more, and a copy must go somewhere."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from wirebrick.errors import CheckError

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter


class Ownership:
    """The rules; what is known at each point is in ``Emitter.flow.gone``."""

    def used(self, f: Emitter, node: ast.AST, number: int) -> None:
        """The packet is used here. Raises CheckError if it may be gone."""
        gone = f.flow.gone.get(number)
        if gone is None or not f.flow.reached:
            return
        state, place = gone
        may = "may have been" if state == "maybe" else "was"
        f.refuse(
            node,
            f"the packet {may} sent or dropped in line {place.line}",
            "a packet has one owner: use it before, or return right after send() or drop()",
        )

    def ended(self, f: Emitter, node: ast.AST, number: int) -> None:
        """The packet is sent or dropped here."""
        self.used(f, node, number)
        f.flow.gone[number] = ("gone", f.source.place(node))

    def finish(self, f: Emitter) -> None:
        """At a return or the end: every copy must be gone. Raises CheckError."""
        for number, info in f.packets.items():
            if not info.alive or not f.flow.reached or info.alive not in f.flow.defined:
                continue
            state = f.flow.gone.get(number)
            if state is None or state[0] != "gone":
                raise CheckError(
                    "this copy is not sent or dropped on every path",
                    place=info.made_at,
                    cure='end it with send("port") or drop("reason") wherever the function can end',
                )
