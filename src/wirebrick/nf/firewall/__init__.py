"""The firewall: an access list in front of a stream of packets."""

from wirebrick.nf.firewall.nf import firewall

__all__ = ["firewall"]
