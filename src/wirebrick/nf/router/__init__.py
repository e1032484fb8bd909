"""router: IP packets find their way by longest prefix match; see ``router.nf``, and ``router.config`` for its file."""

from __future__ import annotations
