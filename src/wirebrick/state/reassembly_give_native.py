"""What becomes of a window that no function takes now: it is kept for later, or given up. Native.

Where a window's function makes packets of bytes, it may fail, or there may be no room for what it emits: then the
bytes must neither be lost nor stay where they came, in a frame that others will use.
"""

from __future__ import annotations

from wirebrick.packet.memory import store64
from wirebrick.state.reassembly_buffer_native import stream_absorb
from wirebrick.state.reassembly_layout import F_DIRECT, F_PACKET_SIZE
from wirebrick.state.reassembly_native import reassembly_done, reassembly_ready, stream_settle


def reassembly_keep(block: int, flow: int) -> int:
    """In the place of reassembly_done: the window comes again, with what follows; its bytes are buffered."""
    store64(flow + F_DIRECT, 0)
    stream_absorb(block, flow)
    store64(flow + F_PACKET_SIZE, 0)
    return stream_settle(block, flow)


def reassembly_discard(block: int, flow: int) -> int:
    """Let go of all that a stream has ready; one that is to be finished is finished then."""
    while reassembly_ready(block, flow) != 0:
        reassembly_done(block, flow, -1)
    return 0
