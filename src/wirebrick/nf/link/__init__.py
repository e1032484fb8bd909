"""The link emulator: delay, jitter, losses, duplicates, errors and a rate, each direction its own."""

from wirebrick.nf.link.nf import link

__all__ = ["link"]
