"""An interface that takes in frames for other stations too: what stands in the wire must (packet(7)).

>>> promiscuous(0)
Traceback (most recent call last):
OSError: [Errno 19] No such device
"""

from __future__ import annotations

import socket
import struct

_SOL_PACKET, _ADD_MEMBERSHIP, _PROMISCUOUS = 263, 1, 1


def promiscuous(index: int) -> socket.socket:
    """A socket that keeps interface number ``index`` promiscuous while it is open, and receives nothing itself.

    The interface is as before when it is closed, however the process ends. Raises OSError.
    """
    keeper = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:
        keeper.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, struct.pack("=iHH8x", index, _PROMISCUOUS, 0))
    except BaseException:
        keeper.close()
        raise
    return keeper
