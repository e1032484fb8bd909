"""switch: a learning bridge with VLANs; see ``switch.nf``, and ``switch.config`` for its file."""

from __future__ import annotations
