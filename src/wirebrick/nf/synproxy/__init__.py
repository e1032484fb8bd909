"""The SYN proxy: it shakes hands with clients before a server hears of them."""

from wirebrick.nf.synproxy.nf import synproxy

__all__ = ["synproxy"]
