"""The run's side of captures: a thread that takes connections, and one for each client.

Clients have no hold on the workers: one that is slow misses packets, one that dies is noticed and forgotten.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from wirebrick.errors import PortError, WirebrickError
from wirebrick.ports.pcap.layout import MAX_CAPTURED
from wirebrick.runtime.rendezvous import Meeting
from wirebrick.runtime.tap_protocol import PACKETS, receive_json, send, send_json
from wirebrick.runtime.tap_ring import Tap
from wirebrick.runtime.taps import Taps

_PAUSE = 0.01  # seconds between two looks into rings that were empty
_PATIENCE = 10.0  # seconds a client may take to say what it wants
_LAST = 2.0  # seconds for clients to take what they have coming, when the run ends
_PEER = struct.Struct("3i")


@contextmanager
def listening(taps: Taps, names: list[str]) -> Iterator[None]:
    """While this lasts, ``wirebrick capture`` finds the run of the NFs ``names``; where it can't, it doesn't."""
    server = None
    with suppress(OSError):
        server = TapServer(taps, names)
    try:
        yield
    finally:
        if server is not None:
            server.close()


class TapServer:
    """Serves clients until ``close``. Raises OSError where there can be no socket."""

    def __init__(self, taps: Taps, names: list[str]) -> None:
        self._taps = taps
        self._names = names
        self._meeting = Meeting()
        self._ending = threading.Event()
        self._clients: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name="wirebrick captures", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """The run has ended: clients get what is in their rings, and the counts."""
        self._ending.set()
        self._meeting.close()
        self._thread.join()
        with self._lock:
            clients = dict(self._clients)
        end = time.monotonic() + _LAST
        for thread in clients:
            thread.join(max(0.0, end - time.monotonic()))
        for thread, connection in clients.items():
            if thread.is_alive():
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                thread.join(_LAST)

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                connection, _ = self._meeting.socket.accept()
            except OSError:
                if self._ending.wait(_PAUSE):  # or there are no descriptors left for now
                    return
                continue
            thread = threading.Thread(
                target=self._serve, args=(connection,), name="wirebrick capture", daemon=True
            )
            with self._lock:
                self._clients[thread] = connection
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, suppress(OSError, PortError):
                if _may(connection):
                    connection.settimeout(_PATIENCE)
                    request = receive_json(connection)
                    connection.settimeout(None)
                    if request is not None:
                        self._answer(connection, request)
        finally:
            with self._lock:
                self._clients.pop(threading.current_thread(), None)

    def _answer(self, connection: socket.socket, request: dict[str, Any]) -> None:
        if request.get("do") == "points":
            send_json(connection, {"nfs": self._names, "points": list(self._taps.points)})
            return
        try:
            point, expression, snaplen, count = _wish(request, next(iter(self._taps.points)))
            tap = self._taps.attach(point, expression, snaplen=snaplen, count=count)
        except WirebrickError as error:
            send_json(connection, {"error": error.message, "cure": error.cure})
            return
        try:
            send_json(connection, {"point": point})
            while not self._ending.is_set() and not _said_enough(connection):
                if not self._hand_on(connection, tap):
                    self._ending.wait(_PAUSE)
        finally:
            self._taps.detach(tap)
        self._hand_on(connection, tap)
        send_json(connection, {"taken": tap.taken, "missed": tap.missed, "ended": self._ending.is_set()})

    def _hand_on(self, connection: socket.socket, tap: Tap) -> bool:
        """Send what the rings have; whether that was anything."""
        anything = False
        for worker in range(len(tap.rings)):
            records = tap.read(worker)
            if records:
                send(connection, PACKETS, records)
                anything = True
        return anything


def _wish(request: dict[str, Any], first: str) -> tuple[str, str | None, int, int | None]:
    """Point, filter, snaplen and count of a request. Raises PortError for what can't be."""
    point, expression = request.get("point") or first, request.get("filter")
    snaplen, count = request.get("snaplen") or MAX_CAPTURED, request.get("count")
    numbers = [snaplen] if count is None else [snaplen, count]
    texts = [point] if expression is None else [point, expression]
    if (
        request.get("do") != "capture"
        or not all(isinstance(text, str) for text in texts)
        or not all(isinstance(number, int) and 0 < number < 1 << 62 for number in numbers)
    ):
        raise PortError("this is not what a capture can be", cure="use the same version of Wirebrick")
    return point, expression, min(snaplen, MAX_CAPTURED), count


def _said_enough(connection: socket.socket) -> bool:
    """Whether the client has closed its side: nothing else comes from it."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


def _may(connection: socket.socket) -> bool:
    """Whether the client is this user, or root."""
    peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return _PEER.unpack(peer)[1] in (0, os.geteuid())
