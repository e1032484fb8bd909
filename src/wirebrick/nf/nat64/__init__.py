"""Translation between IPv4 and IPv6: see ``nf``."""

from wirebrick.nf.nat64.nf import nat64

__all__ = ["nat64"]
