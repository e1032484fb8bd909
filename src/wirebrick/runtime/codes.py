"""What the driver returns, and where it goes on: numbers that native code and Python share."""

from __future__ import annotations

# What drive returns.
STOPPED = 1  # W_STOP was set
DONE = 2  # every source has ended
LIMITED = 3  # W_LIMIT packets were received
IDLE = 4  # nothing had a packet, or had to wait for room in a ring
BUDGET = 5  # W_BUDGET bursts were run
PROCESS = 6  # there is no native process function: process the burst, then call again
PAUSED = 7  # W_PAUSE was set
NEED_REFILL = 1 << 16  # + entry of the source: refill it
NEED_FLUSH = 1 << 17  # + number of the port: flush its sink

# Where drive goes on (W_PHASE).
RECEIVING = 0
TRANSMITTING = 1

GO_ON = 0  # between its parts: nothing keeps it
