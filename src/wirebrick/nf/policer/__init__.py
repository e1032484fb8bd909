"""The policer: packets of a class are coloured by rates, and dropped or remarked by their colours."""

from wirebrick.nf.policer.nf import policer

__all__ = ["policer"]
