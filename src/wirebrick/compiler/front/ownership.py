"""Unique packets: a packet that was sent or dropped can't be touched any more, and a copy must go somewhere."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from wirebrick.errors import CheckError

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter
    from wirebrick.compiler.front.flow import Flow


class Ownership:
    """The rules; what is known at each point is in ``Emitter.flow.gone``."""

    def used(self, f: Emitter, node: ast.AST, number: int) -> None:
        """The packet is used here. Raises CheckError if it may be gone."""
        gone = f.flow.gone.get(number)
        if gone is None or not f.flow.reached:
            return
        state, place = gone
        may = "may have been" if state == "maybe" else "was"
        file = "" if place.file == f.source.file else f" of {place.file}"
        f.refuse(
            node,
            f"the packet {may} sent or dropped in line {place.line}{file}",
            "a packet has one owner: use it before, or return right after send() or drop()",
        )

    def ended(self, f: Emitter, node: ast.AST, number: int) -> None:
        """The packet is sent or dropped here."""
        self.used(f, node, number)
        f.flow.gone[number] = ("gone", f.source.place(node))

    def finish(self, f: Emitter, flow: Flow, before: Flow | None = None) -> None:
        """At a return, or the end of a loop's turn that began with ``before``: every copy must be gone.

        Raises CheckError. Copies that a caller lent to a helper are the caller's business.
        """
        if not flow.reached:
            return
        for number in sorted(flow.made - (before.made if before else set())):
            state = flow.gone.get(number)
            if number not in f.borrowed and (state is None or state[0] != "gone"):
                where = "each turn of the loop" if before else "the function"
                raise CheckError(
                    f"this {'packet' if f.packets[number].made else 'copy'} is not sent or dropped on every path",
                    place=f.packets[number].made_at,
                    cure=f'end it with send("port") or drop("reason") on all ways to the end of {where}',
                )
