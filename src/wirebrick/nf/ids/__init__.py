"""ids: intrusion detection and prevention by Snort rules."""

from wirebrick.nf.ids.nf import ids

__all__ = ["ids"]
