"""What is known at each point of a user function, and how it joins where ways meet."""

from __future__ import annotations

from dataclasses import dataclass, field

from wirebrick.errors import Place


@dataclass
class Flow:
    """What is known at a point of the function: is it reached, which names are set, which packets are gone."""

    reached: bool = True
    defined: set[str] = field(default_factory=set)
    gone: dict[int, tuple[str, Place]] = field(default_factory=dict)  # "gone" or "maybe"
    made: set[int] = field(default_factory=set)  # copies of the packet, made on some way to here

    def clone(self) -> Flow:
        """A copy to go on with in a branch."""
        return Flow(self.reached, set(self.defined), dict(self.gone), set(self.made))

    def merge(self, other: Flow) -> None:
        """Join with another way to the same point."""
        if not other.reached:
            return
        if not self.reached:
            self.reached, self.defined, self.gone = True, set(other.defined), dict(other.gone)
            self.made = set(other.made)
            return
        self.defined &= other.defined
        for number in {*self.gone, *other.gone}:
            mine, theirs = self.gone.get(number), other.gone.get(number)
            state = mine or theirs
            assert state
            without = other if theirs is None else self
            # Gone both ways, or a copy that the other way never made: nothing is left of it.
            surely = (
                mine[0] == theirs[0] == "gone" if mine and theirs else number and number not in without.made
            )
            self.gone[number] = state if surely else ("maybe", state[1])
        self.made |= other.made


@dataclass
class LoopFlow:
    """Where break and continue lead."""

    breaks: list[Flow] = field(default_factory=list)
    continues: list[Flow] = field(default_factory=list)
