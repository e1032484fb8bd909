"""TokenBucket's native part. A bucket is two words: what is missing to be full, and when that was so.

Zero words are a full bucket, so a new one needs no initialising. What is missing is counted in units that are
a whole number to a token and a whole number to a nanosecond: nothing is ever rounded.
"""

from __future__ import annotations

from wirebrick.packet.memory import load64, store64, wrap64
from wirebrick.state.table_native import table_touch

# The header: 64-bit words, by byte offset.
B_UNITS = 0  # units of a token
B_FILL = 8  # units that come back in a nanosecond
B_DEPTH = 16  # units of a full bucket, below 2**62
B_BURST = 24  # tokens of a full bucket
B_REFILL = 32  # nanoseconds that fill an empty bucket
B_CONFORMED = 40  # how often there were tokens
B_EXCEEDED = 48  # how often not
B_BUCKET = 64  # the bucket, where there is one
B_TABLE = 128  # the table of buckets, where there are many

MISSING = 0
SINCE = 8
BUCKET = 16  # bytes

STEP = 1_000_000_000  # ns: a clock that goes back by less has packets out of order, else it was set


def bucket_init(block: int, units: int, fill: int, burst: int) -> int:
    """Make the header in a block of zeros."""
    depth = units * burst
    store64(block + B_UNITS, units)
    store64(block + B_FILL, fill)
    store64(block + B_DEPTH, depth)
    store64(block + B_BURST, burst)
    store64(block + B_REFILL, (depth + fill - 1) // fill)
    return 0


def bucket_missing(block: int, bucket: int, now: int) -> int:
    """What is missing at time ``now`` (ns): stored with that time. A clock that goes back brings no tokens."""
    missing = load64(bucket + MISSING)
    elapsed = wrap64(now - load64(bucket + SINCE))
    if elapsed > 0:
        full = elapsed >= load64(block + B_REFILL)
        missing = 0 if full else max(0, missing - elapsed * load64(block + B_FILL))
    if elapsed > 0 or elapsed < -STEP:
        store64(bucket + SINCE, now)
        store64(bucket + MISSING, missing)
    return missing


def bucket_draw(block: int, bucket: int, now: int, n: int) -> int:
    """Take ``n`` tokens (not negative) out of a bucket: 1; or 0, and nothing is taken, where it has less."""
    missing = bucket_missing(block, bucket, now)
    if n <= load64(block + B_BURST):
        missing += n * load64(block + B_UNITS)
        if missing <= load64(block + B_DEPTH):
            store64(bucket + MISSING, missing)
            store64(block + B_CONFORMED, load64(block + B_CONFORMED) + 1)
            return 1
    store64(block + B_EXCEEDED, load64(block + B_EXCEEDED) + 1)
    return 0


def bucket_take(block: int, now: int, n: int) -> int:
    """Take ``n`` tokens out of the only bucket: 1, or 0."""
    return bucket_draw(block, block + B_BUCKET, now, n)


def bucket_take_key(block: int, now: int, size: int, stride: int, key: int, n: int) -> int:
    """Take ``n`` tokens out of the bucket of a key: 1, or 0. Sizes of a key and of a slot of the table in bytes."""
    return bucket_draw(block, table_touch(block + B_TABLE, key, now, size, stride), now, n)
