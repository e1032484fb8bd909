"""The native part of a state object that a test declares: a word that numbers are added to, up to a limit."""

from wirebrick.packet.memory import load64, store64


def tally_add(block: int, limit: int, n: int, m: int) -> int:
    """Add ``n * m``; 1 where the limit is reached."""
    total = min(limit, load64(block) + n * m)
    store64(block, total)
    return 1 if total == limit else 0


def tally_last(block: int, now: int, step: int) -> int:
    """Nanoseconds since the last call with another time, times ``step``."""
    last = load64(block + 8)
    store64(block + 8, now)
    return (now - last) * step


def tally_has(block: int, n: int) -> int:
    """Whether the total is ``n`` at least."""
    return 1 if load64(block) >= n else 0
