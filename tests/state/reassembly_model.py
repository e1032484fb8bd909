"""What reassembly does, said simply: bytes of a stream in a dictionary by offset; offsets without wrap-around."""

from __future__ import annotations

from reassembly_driver import FIN, RST, SYN

from wirebrick.state.reassembly_layout import MOST_RUNS


class Stream:
    def __init__(self, start, midstream):
        self.start = start
        self.midstream = midstream
        self.have = {}  # offset: byte, from base on
        self.base = self.reached = self.seen = self.top = self.gap = self.strays = 0
        self.fin = self.stray = None
        self.closing = False
        self.time = self.used = 0
        self.order = None

    def extend(self):
        while self.reached in self.have:
            self.reached += 1

    def advance(self, base):
        self.base = base
        self.reached = max(self.reached, base)
        self.extend()
        self.have = {at: byte for at, byte in self.have.items() if at >= base}

    def runs(self, extra=()):
        there = {at for at in [*self.have, *extra] if at > self.reached}
        return sum(1 for at in there if at - 1 not in there)

    def next_run(self):
        return min((at for at in self.have if at > self.reached), default=None)


class Model:
    """One that has room for all streams."""

    def __init__(self, size, slide, timeout, buffer, holes, consume):
        self.size, self.slide, self.timeout = size, slide, timeout
        self.buffer, self.holes, self.consume = buffer, holes, consume
        self.streams = {}
        self.past = {}
        self.waiting = []
        self.calls = []
        self.counts = {}
        self.now = 0

    def add(self, name, number=1):
        self.counts[name] = self.counts.get(name, 0) + number

    def tcp(self, number, seq, data=b"", flags=0, missing=0):
        stream = self.streams.get(number)
        length = len(data) + missing
        if flags & RST:
            if stream is None:
                return
            at = self.place(stream, seq)
            if min(stream.reached, stream.top) <= at <= stream.reached + self.buffer:
                stream.closing = True
                self.run(number, stream)
            else:
                self.add("bad_reset")
            return
        if flags & SYN and flags & FIN:
            self.add("bad_flags")
            return
        syn = flags >> 1 & 1
        first = (seq + syn) % 2**32
        if number in self.past:
            start, used = self.past[number]
            if abs(self.now - used) < self.timeout and (not syn or start == first):
                if syn + length:
                    self.add("after_close")
                return
        if stream is None:
            if syn + length == 0:
                return
            self.take_slot(number)
            stream = self.streams[number] = Stream(first, not syn)
            self.add("streams")
            stream.time = stream.used = self.now
            if not syn:
                self.add("midstream")
        elif syn and stream.start != first:
            late = (stream.start - first + 2**31) % 2**32 - 2**31
            if not (stream.midstream and 0 <= late <= self.buffer):
                self.restart(number, stream, first, data, missing)
                return
        self.segment(number, stream, first, data, flags & FIN, missing)

    def take_slot(self, number):
        """A new stream takes its own old slot, or the one that was remembered longest, if that is long enough."""
        if number not in self.past and self.past:
            oldest, (_, used) = next(iter(self.past.items()))
            if abs(self.now - used) >= self.timeout:
                del self.past[oldest]
        self.past.pop(number, None)

    def place(self, stream, seq):
        expected = stream.start + stream.reached
        return stream.reached + (seq - expected + 2**31) % 2**32 - 2**31

    def restart(self, number, stream, first, data, missing):
        self.add("restarted")
        stream.closing = True
        self.run(number, stream, remember=False)
        stream = self.streams[number] = Stream(first, False)
        self.add("streams")
        stream.time = stream.used = self.now
        stream.top = len(data) + (missing if self.holes else 0)
        self.run(number, stream, list(enumerate(data)), stream.top if missing else 0)

    def segment(self, number, stream, first, data, fin, missing):
        offset = self.place(stream, first)
        whole = offset + len(data) + missing
        if offset > stream.reached + self.buffer or whole < stream.reached - 2**30:
            if whole == offset:
                return
            self.add("out_of_window")
            stream.strays = stream.strays + 1 if stream.stray == first else 1
            stream.stray = (first + whole - offset) % 2**32
            if stream.strays < 4:
                return
            stream.strays = 0
            if not self.holes:
                return
            if offset < stream.reached:
                self.restart(number, stream, first, data, missing)
                return
        stream.strays = 0
        stream.used = self.now
        if stream.fin is not None and whole > stream.fin:
            self.add("after_close")
            whole = stream.fin
            data = data[: max(0, stream.fin - offset)]
        elif stream.fin is None and fin:
            if whole >= stream.top:
                stream.fin = whole
                stream.time = self.now
            else:
                self.add("bad_flags")
                fin = 0
        if whole > offset or fin:
            stream.top = max(stream.top, whole)
        if whole <= offset or whole <= stream.reached:
            if whole > offset:
                self.add("old" if whole <= stream.base else "duplicate")
            if fin:
                self.run(number, stream)
            return
        stream.time = self.now
        pieces = [(offset + at, byte) for at, byte in enumerate(data)]
        if offset < stream.reached:
            self.add("overlapping")
            pieces = [(at, byte) for at, byte in pieces if at >= stream.reached]
        cut = whole if whole > offset + len(data) and self.holes else 0
        self.run(number, stream, pieces, cut, counted=offset < stream.reached, end=offset + len(data))

    def udp(self, number, data, missing=0):
        if not data and not missing:
            return
        stream = self.streams.get(number)
        if stream is None:
            stream = self.streams[number] = Stream(0, False)
            self.add("streams")
        stream.time = self.now
        at = stream.reached
        whole = at + len(data) + missing
        stream.top = max(stream.top, whole)
        self.run(
            number,
            stream,
            [(at + n, byte) for n, byte in enumerate(data)],
            whole if missing and self.holes else 0,
        )

    def absorb(self, stream, pieces, state):
        """Those that don't fit, and why: "", "full" or "many"."""
        pieces = [(at, byte) for at, byte in pieces if at >= stream.reached]
        if not pieces:
            return [], ""
        limit = stream.base + self.buffer
        ahead = pieces[0][0] > stream.reached
        fitting = [(at, byte) for at, byte in pieces if at < limit]
        rest = pieces[len(fitting) :]
        if rest and ahead:
            if self.holes:
                return pieces, "full"
            self.add("buffer_full")
            rest = []
        if fitting:
            new = [(at, byte) for at, byte in fitting if at not in stream.have]
            if ahead and stream.runs([at for at, _ in fitting]) > MOST_RUNS and stream.runs() == MOST_RUNS:
                self.add("too_many_holes")
                return (pieces, "many") if self.holes else ([], "")
            if not new:
                self.add("duplicate")
            elif len(new) < len(fitting) and not state["counted"]:
                state["counted"] = True
                self.add("overlapping")
            stream.have.update(new)
            if ahead:
                self.add("out_of_order")
            stream.extend()
        return rest, "full" if rest else ""

    def call(self, number, stream, size, closed=0, partial=False):
        base = stream.base
        data = bytes(stream.have[base + n] for n in range(size))
        shown_at = min(base, stream.top) if closed and not size else base
        self.calls.append((number, shown_at, data, closed, stream.gap))
        answer = self.consume(data)
        if closed:
            self.add("closed")
            return
        if self.size:
            amount = (size if partial else self.slide) if answer <= 0 else min(answer, size)
        else:
            amount = size if answer < 0 else min(answer, size)
        if amount:
            stream.gap = 0
        stream.advance(base + amount)
        if self.size:
            stream.seen = max(base + size, base + amount)
        else:
            stream.seen = base + amount if amount else stream.reached

    def run(self, number, stream, pieces=(), cut=0, counted=False, end=None, flush=False, remember=True):
        state = {"counted": counted}
        pieces = list(pieces)
        cut_from = (
            pieces[-1][0] + 1 if pieces else (stream.reached if end is None else max(end, stream.reached))
        )
        while True:
            why = ""
            if not stream.closing:
                pieces, why = self.absorb(stream, pieces, state)
                if stream.fin is not None and stream.reached >= stream.fin:
                    stream.closing = True
            if stream.closing and not self.holes:
                lost = [at for at in stream.have if at > stream.reached]
                self.add("discarded_bytes", len(lost))
                for at in lost:
                    del stream.have[at]
            held = stream.reached - stream.base
            new = stream.reached > stream.seen
            if self.size and held >= self.size:
                self.call(number, stream, self.size)
                continue
            if not self.size and new:
                self.call(number, stream, held)
                continue
            target = self.beyond(stream, pieces, why, cut, cut_from, flush)
            if new and (target or (flush and not stream.closing)):
                self.call(number, stream, held, partial=True)
                continue
            if target:
                if why == "full":
                    self.add("buffer_full")
                self.add("gaps")
                self.add("gap_bytes", target - stream.reached)
                stream.gap += target - stream.reached
                stream.advance(target)
                stream.seen = target
            elif why:
                self.add("buffer_full")
                self.add("given_up_bytes", held)
                stream.advance(stream.reached)
            elif stream.closing:
                self.call(number, stream, held, closed=1)
                del self.streams[number]
                self.forget(stream)
                if remember:
                    self.past[number] = (stream.start, stream.used)
                return
            else:
                self.settle(number, stream, flush)
                return

    def beyond(self, stream, pieces, why, cut, cut_from, flush):
        if not self.holes:
            return None
        run = stream.next_run()
        if stream.closing:
            return run
        target = None
        if why:
            target = pieces[0][0]
        elif cut > stream.reached and cut_from <= stream.reached:
            target = cut
        elif flush:
            target = run if run is not None else stream.fin
        found = [at for at in (target, run) if at is not None and at > stream.reached]
        return min(found) if target is not None and target > stream.reached else None

    def forget(self, stream):
        self.waiting = [(n, s) for n, s in self.waiting if s is not stream]

    def settle(self, number, stream, flush):
        self.forget(stream)
        waits = stream.reached > (stream.seen if self.size else stream.base)
        if self.holes:
            waits |= stream.next_run() is not None or (stream.fin or 0) > stream.reached
        if waits and not flush:
            self.waiting.append((number, stream))

    def due(self, now):
        self.now = now
        while self.waiting and abs(now - self.waiting[0][1].time) >= self.timeout:
            number, stream = self.waiting.pop(0)
            self.add("timeouts")
            if not self.size:
                stream.seen = stream.base
            self.run(number, stream, flush=True)

    def last(self):
        for number, stream in list(self.streams.items()):
            stream.closing = True
            self.run(number, stream)
