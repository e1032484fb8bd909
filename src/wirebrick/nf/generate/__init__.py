"""The traffic generator: stamps made packets, and measures what becomes of them."""

from wirebrick.nf.generate.nf import generate

__all__ = ["generate"]
