"""The collector of flow records: where messages are sent, by UDP."""

from __future__ import annotations

import re
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from wirebrick.errors import ParameterError
from wirebrick.nf.monitor.netflow import PROTOCOLS, Messages

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wirebrick.runtime.report import Report

ADDRESS = re.compile(r"(?:\[([^\]]+)\]|([^:\[\]]+)):(\d{1,5})")
AT_ONCE = 16  # messages, then a moment's rest: a burst would overflow the collector's socket
REST = 0.001  # seconds


class Collector:
    """Sends flow records to ``address``, HOST:PORT or [IPV6]:PORT. Raises ParameterError.

    >>> Collector("localhost", "ipfix")
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: monitor: collector='localhost' names no port
      help: write HOST:PORT, as in 192.0.2.9:4739 (IPFIX) or [2001:db8::9]:2055 (NetFlow)
    """

    def __init__(self, address: str, protocol: str) -> None:
        if protocol not in PROTOCOLS:
            raise ParameterError(
                f"monitor: protocol={protocol!r} is unknown", cure=f"give {' or '.join(PROTOCOLS)}"
            )
        found = ADDRESS.fullmatch(address)
        if found is None or not 0 < int(found[3]) < 1 << 16:
            raise ParameterError(
                f"monitor: collector={address!r} names no port",
                cure="write HOST:PORT, as in 192.0.2.9:4739 (IPFIX) or [2001:db8::9]:2055 (NetFlow)",
            )
        self.address = address
        self.unsent = 0  # messages
        self._messages = Messages(protocol)
        self._sending = threading.Lock()
        try:
            kind, _, _, _, to = socket.getaddrinfo(
                found[1] or found[2], int(found[3]), type=socket.SOCK_DGRAM
            )[0]
            self._to: Any = to
            self._socket = socket.socket(kind, socket.SOCK_DGRAM)
        except OSError as error:
            raise ParameterError(
                f"monitor: collector={address!r} can't be reached: {error.strerror or error}",
                cure="give an address, or a name that this host can resolve",
            ) from None

    def send(self, rows: NDArray[Any]) -> None:
        """Send records (``Exported``). What can't be sent is counted: there are no acknowledgements."""
        with self._sending:
            for message in self._messages.of(rows):
                try:
                    self._socket.sendto(message, self._to)
                except OSError:
                    self.unsent += 1
                if self._messages.messages % AT_ONCE == 0:
                    time.sleep(REST)

    def report(self, lost: int) -> Report:
        """What was sent; ``lost``: records that found no room on the way to the collector."""
        from wirebrick import Report

        sent = self._messages
        title = f"flow records sent to {self.address}"
        rows = [(sent.records, sent.messages, self.unsent, lost)]
        return Report(title, ("records", "messages", "unsent messages", "records lost"), rows)
