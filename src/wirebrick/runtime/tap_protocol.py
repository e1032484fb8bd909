"""What a run and ``wirebrick capture`` say to each other: messages of one byte for the kind, four for the length.

The client asks with one JSON object: ``{"do": "points"}``, or ``{"do": "capture", "point": ..., "filter": ...,
"snaplen": ..., "count": ...}``. The run answers with JSON: what it is and its points; or that the capture has begun,
then packets as records of a capture file (nanoseconds, little-endian), and at the end JSON with the counts. The client
ends a capture by closing its side for writing. ``{"error": ..., "cure": ...}`` says why not.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

from wirebrick.errors import PortError

JSON, PACKETS = b"J", b"P"
_HEAD = struct.Struct("<cI")
MOST = 1 << 26  # bytes of a message


def send(to: socket.socket, kind: bytes, data: bytes | memoryview) -> None:
    """Send a message. Raises OSError."""
    to.sendall(_HEAD.pack(kind, len(data)))
    to.sendall(data)


def send_json(to: socket.socket, value: dict[str, Any]) -> None:
    """Send an object. Raises OSError."""
    send(to, JSON, json.dumps(value).encode())


def receive(source: socket.socket) -> tuple[bytes, bytes] | None:
    """The next message, or None where the other side has ended. Raises OSError, PortError for what is none."""
    head = _exactly(source, _HEAD.size)
    if head is None:
        return None
    kind, size = _HEAD.unpack(head)
    if kind not in (JSON, PACKETS) or size > MOST:
        raise PortError("the other side speaks something else", cure="use the same version of Wirebrick")
    data = _exactly(source, size)
    return None if data is None else (kind, data)


def receive_json(source: socket.socket) -> dict[str, Any] | None:
    """The next message as an object, or None. Raises OSError, PortError."""
    message = receive(source)
    if message is None:
        return None
    try:
        value = json.loads(message[1])
    except (ValueError, RecursionError):
        value = None
    if message[0] != JSON or not isinstance(value, dict):
        raise PortError("the other side speaks something else", cure="use the same version of Wirebrick")
    return value


def _exactly(source: socket.socket, size: int) -> bytes | None:
    data = bytearray(size)
    view = memoryview(data)
    got = 0
    while got < size:
        part = source.recv_into(view[got:])
        if part == 0:
            return None
        got += part
    return bytes(data)
