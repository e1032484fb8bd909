"""The monitor: packets and bytes of every flow, as a report and as a file."""

from wirebrick.nf.monitor.nf import monitor

__all__ = ["monitor"]
