"""nat: addresses and ports of an inside network translated to external ones (NAPT44)."""

from wirebrick.nf.nat.nf import nat

__all__ = ["nat"]
