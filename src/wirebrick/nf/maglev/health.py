"""Health checks: backends are asked over TCP or HTTP, beside the workers, and taken out and back."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass

from wirebrick.nf.maglev.config import Check
from wirebrick.nf.maglev.fleet import Fleet, Member

TICK = 0.1  # seconds between two turns
MOST_HEAD = 4096  # bytes of a status line
MOST_BODY = 1 << 16


@dataclass
class _Watch:
    """A member that is looked after: when next, and how many checks in a row disagree with its state."""

    due: float
    against: int = 0
    task: asyncio.Task[str] | None = None


class Health:
    """Checks that are due are begun at each turn, all at once; they go on in later turns."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watched: dict[Member, _Watch] = {}

    def turn(self, tell: Callable[[str], None]) -> None:
        """Go on with checks for almost as long as until the next turn. ``tell``: gets what changes."""
        members = {m: m.vip.check for m in self._fleet.listed() if m.vip.check is not None}
        for member in [known for known in self._watched if known not in members]:
            self._forget(member)
        if not members:
            return
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(self._go_on(members, tell))

    def close(self) -> None:
        """Give up what goes on."""
        for member in list(self._watched):
            self._forget(member)
        if self._loop is not None:
            self._loop.run_until_complete(_all_ended())
            self._loop.close()
            self._loop = None

    def _forget(self, member: Member) -> None:
        task = self._watched.pop(member).task
        if task is not None:
            task.cancel()

    async def _go_on(self, members: dict[Member, Check], tell: Callable[[str], None]) -> None:
        loop = asyncio.get_running_loop()
        for number, (member, check) in enumerate(members.items()):
            if member not in self._watched:  # those of a VIP are spread over its interval
                self._watched[member] = _Watch(loop.time() + check.interval * number / len(members))
            watch = self._watched[member]
            if watch.task is None and loop.time() >= watch.due:
                watch.due = max(watch.due + check.interval, loop.time())
                watch.task = loop.create_task(probe(check, member))
        await asyncio.sleep(TICK * 0.8)
        for member, check in members.items():
            watch = self._watched[member]
            if watch.task is not None and watch.task.done():
                self._judge(member, check, watch, watch.task.result(), tell)
                watch.task = None

    def _judge(
        self, member: Member, check: Check, watch: _Watch, trouble: str, tell: Callable[[str], None]
    ) -> None:
        """A check has ended, with ``trouble`` or nothing."""
        well = not trouble
        if well == member.up:
            watch.against = 0
            return
        watch.against += 1
        if watch.against >= (check.rise if well else check.fall):
            watch.against = 0
            if self._fleet.change(member, well, trouble):
                state = "up again" if well else f"down: {trouble}"
                tell(f"{member.vip.name}: the backend {member.spec.name} is {state}")


async def _all_ended() -> None:
    """Wait for what was cancelled."""
    mine = asyncio.current_task()
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not mine), return_exceptions=True)


async def probe(check: Check, member: Member) -> str:
    """What is wrong with a backend, or an empty text."""
    port = check.port or member.spec.port or member.vip.ports[0]
    try:
        async with asyncio.timeout(check.timeout):
            return await _ask(check, str(member.spec.address), port)
    except TimeoutError:
        return f"no answer within {check.timeout:g} s"
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)


async def _ask(check: Check, address: str, port: int) -> str:
    reader, writer = await asyncio.open_connection(address, port, limit=MOST_HEAD)
    try:
        if check.kind == "tcp":
            return ""
        writer.write(
            f"GET {check.path} HTTP/1.1\r\nHost: {check.host}\r\nUser-Agent: wirebrick\r\n"
            "Accept: */*\r\nConnection: close\r\n\r\n".encode()
        )
        try:
            line = await reader.readline()
        except ValueError:
            return "its answer is no HTTP"
        trouble = _status(line, check)
        if not trouble:
            await _swallow(reader)  # so that it isn't told of a connection that broke
        return trouble
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _swallow(reader: asyncio.StreamReader) -> None:
    """Read what follows, up to a limit."""
    left = MOST_BODY
    while left > 0 and (part := await reader.read(left)):
        left -= len(part)


def _status(line: bytes, check: Check) -> str:
    """What is wrong with the first line of an answer (RFC 9112, 4)."""
    words = line.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return "its answer is no HTTP" if line else "it closed the connection"
    status = int(words[1])
    return "" if status in check.statuses else f"HTTP status {status}"
