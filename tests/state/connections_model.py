"""What a firewall should know of TCP connections, written plainly: objects, numbers without bounds, words for states.

The judgement of one segment after the other on one pair of ends, to compare ``Connections`` with.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SENSIBLE = {"S", "SU", "SA", "R", "RA", "A", "AU", "FA", "AFU"}
LEAST = 66000


@dataclass
class Segment:
    """A segment, its numbers as on the wire; ``scale``: that its SYN offers, or None."""

    flags: str  # letters of FSRAU
    seq: int
    ack: int
    window: int
    data: int = 0
    scale: int | None = None

    @property
    def length(self) -> int:
        """What it takes of the sequence space."""
        return self.data + ("S" in self.flags) + ("F" in self.flags)


@dataclass
class End:
    """One end, its numbers counted on beyond 2**32. ``heard``: what it was acknowledged; ``may``: to send up to."""

    first: int = 0
    sent: int = 0
    heard: int = -1
    may: int = 0
    window: int = 0
    scale: int | None = None
    acknowledged: bool = False
    finished: bool = False

    def whole(self, number: int) -> int:
        """A number on the wire as the nearest one to what was sent."""
        return self.sent + ((number - self.sent + (1 << 31)) % (1 << 32)) - (1 << 31)


@dataclass
class Model:
    """One pair of ends: ``segment`` gives what becomes of each: pass, new, invalid or window."""

    state: str = ""
    ends: list[End] = field(default_factory=lambda: [End(), End()])
    began: int = 0  # which of the two sides
    crossed: bool = False  # both began

    def segment(self, side: int, one: Segment) -> str:
        """Judge a segment from a side (0 or 1). A new connection is entered at once: the rules allow all."""
        if not any(set(one.flags) == set(known) for known in SENSIBLE):
            return "invalid"
        flags = one.flags.replace("U", "")
        if self.state:
            verdict = self._known(side, one, flags)
            if verdict != "over":
                return verdict
            self.state = ""
        if flags != "S":
            return "invalid"
        self._begin(side, one)
        return "new"

    def _begin(self, side: int, one: Segment) -> None:
        self.state, self.began, self.crossed = "syn", side, False
        self.ends = [End(), End()]
        self.ends[side] = self._first(one)
        self.ends[side].may = self.ends[side].sent

    def _first(self, one: Segment) -> End:
        scale = None if one.scale is None else min(14, one.scale)
        sent = one.seq + one.length
        return End(one.seq, sent, one.seq, 0, max(1, one.window), scale)

    def _known(self, side: int, one: Segment, flags: str) -> str:
        me, other = self.ends[side], self.ends[1 - side]
        answers = side != self.began
        if self.state == "syn":
            return self._answer(one, flags) if answers else self._asks_again(side, one, flags)
        if flags == "S":
            if self.state in ("time-wait", "reset"):
                return "over"
            return "invalid" if answers else "pass"
        if not self.ends[1 - self.began].window:
            return "invalid"  # reset before there was an answer
        if flags == "SA" and not answers and (self.state != "syn-ack" or not self.crossed):
            return "invalid"
        return self._in_connection(me, other, one, flags)

    def _asks_again(self, side: int, one: Segment, flags: str) -> str:
        if flags == "S":
            self._begin(side, one)
            return "pass"
        older = self.ends[1 - side].heard
        if flags != "R" or one.seq not in (self.ends[side].sent % 2**32, older):
            return "invalid"
        self.state = "reset"
        return "pass"

    def _answer(self, one: Segment, flags: str) -> str:
        began = self.ends[self.began]
        ack = began.whole(one.ack)
        fits = "A" in flags and began.first < ack <= began.sent
        if "R" in flags:
            if fits:
                self.state = "reset"
            return "pass" if fits else "invalid"
        if "S" not in flags:
            if flags != "A" or one.data:
                return "invalid"
            self.ends[1 - self.began].heard = one.ack  # of an older connection
            return "pass"
        if "A" in flags and not fits:
            return "invalid"
        answering = self.ends[1 - self.began] = self._first(one)
        if "A" in flags:
            began.heard, began.acknowledged = ack, True
        began.may = began.sent + answering.window
        answering.may = answering.sent + began.window
        if began.scale is None or answering.scale is None:
            began.scale = answering.scale = 0
        for end in (began, answering):  # whole steps
            assert end.scale is not None
            end.window = -(-end.window >> end.scale) << end.scale
        self.state, self.crossed = "syn-ack", "A" not in flags
        return "pass"

    def _in_connection(self, me: End, other: End, one: Segment, flags: str) -> str:
        assert me.scale is not None
        seq = me.whole(one.seq)
        end = seq + one.length
        ack = other.whole(one.ack) if "A" in flags else other.sent
        if seq > me.may or end < me.sent - other.window:
            return "window"
        if not other.sent - max(LEAST, me.window) <= ack <= other.sent:
            return "window"
        if "R" in flags:
            if seq < me.heard:
                return "window"
            if self.state in ("established", "closing") and seq not in (me.heard, me.sent):
                return "pass"
            self.state = "reset"
            return "pass"
        if not other.acknowledged and ack <= other.first:
            return "invalid"
        if "S" in flags and self.state != "syn-ack":
            return "pass"
        other.acknowledged = True
        window = one.window
        if "S" not in flags:
            window <<= me.scale
            me.window = max(me.window, window)
        me.sent = max(me.sent, end)
        other.heard = max(other.heard, ack)
        other.may = max(other.may, ack + max(1, window))
        me.finished |= "F" in flags
        if self.state == "syn-ack" and all(one.acknowledged for one in self.ends):
            self.state = "established"
        if self.state == "established" and any(one.finished for one in self.ends):
            self.state = "closing"
        if self.state == "closing" and all(one.finished and one.heard == one.sent for one in self.ends):
            self.state = "time-wait"
        return "pass"
