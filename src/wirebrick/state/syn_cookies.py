"""SynCookies: initial sequence numbers that prove, when they come back, to whom they were given."""

from __future__ import annotations

import secrets
from typing import Any

from wirebrick.packet.flow import FlowKey
from wirebrick.packet.memory import store64
from wirebrick.state import syn_cookies_native as native
from wirebrick.state.arguments import key_at, natural
from wirebrick.state.base import State, worker
from wirebrick.state.consistency import PARTITIONED, Consistency
from wirebrick.state.operation import Operation


class SynCookies(State):
    """SYN cookies (RFC 4987, 3.6): the answer to a SYN needs no memory.

    In user functions: ``cookies.make(packet.flow(), isn, mss)`` is the sequence number to answer a SYN with; ``isn``
    is the SYN's, ``mss`` (0 to 7) comes back with it. ``cookies.check(packet.flow(), isn, cookie)``: that number, or
    -1 where the cookie wasn't given to this flow in the last 69 to 137 seconds of packets' time. Whoever guesses one
    is right once in 8 million times: 24 bits are a keyed hash (SipHash-2-4), and two times are good.

    The secret is drawn when a run begins, the same for all workers.

    >>> cookies = SynCookies()
    >>> cookies.allocate(workers=1)  # a run does this
    >>> key = FlowKey(version=4, src=1, dst=2, src_port=3, dst_port=80, protocol=6)
    >>> cookie = cookies.make(key, 1000, 5)  # user functions do this
    >>> cookies.check(key, 1000, cookie), cookies.check(key, 1001, cookie)
    (5, -1)
    """

    operations = {
        "make": Operation(
            native.cookie_make, ("key", "natural", "natural"), result="natural", writes=False, clock=True
        ),
        "check": Operation(
            native.cookie_check, ("key", "natural", "natural"), result="number", writes=False, clock=True
        ),
    }
    key = FlowKey

    def __init__(self, consistency: Consistency = PARTITIONED) -> None:
        self._secret = (0, 0)
        super().__init__("SynCookies", consistency)

    def block_size(self) -> int:
        """Bytes of a worker's secret."""
        return native.COOKIE_SIZE

    def allocate(self, workers: int) -> None:
        """Draw the secret of a run."""
        self._secret = (secrets.randbits(64), secrets.randbits(64))
        super().allocate(workers)

    def _initialise(self, block: int) -> None:
        for number, word in enumerate(self._secret):
            store64(block + 8 * number, word)

    def make(self, key: Any, isn: int, mss: int) -> int:
        """The cookie to answer a SYN with (in user functions)."""
        at = key_at(self.name, FlowKey, key)
        return native.cookie_make(self.current(), worker.now, at, natural(isn), natural(mss))

    def check(self, key: Any, isn: int, cookie: int) -> int:
        """What a cookie says of the MSS, or -1 (in user functions)."""
        at = key_at(self.name, FlowKey, key)
        return native.cookie_check(self.current(), worker.now, at, natural(isn), natural(cookie))
