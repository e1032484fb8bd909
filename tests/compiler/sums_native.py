"""The native part of a state object that a test declares: sums of bytes, in a block of its own and in another."""

from wirebrick.packet.memory import load8, load64, store64


def sums_add(block: int, other: int, data: int, size: int, times: int) -> int:
    """Add ``times`` the bytes to both blocks; how many bytes there are."""
    total = 0
    for at in range(size):
        total += load8(data + at)
    store64(block, load64(block) + total * times)
    store64(other, load64(other) + total)
    return size
