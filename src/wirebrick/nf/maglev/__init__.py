"""The load balancer: services at virtual addresses, spread over backends."""

from wirebrick.nf.maglev.nf import maglev

__all__ = ["maglev"]
