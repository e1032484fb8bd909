"""IPv6 prefix translation: see ``nf``."""

from wirebrick.nf.nptv6.nf import nptv6

__all__ = ["nptv6"]
