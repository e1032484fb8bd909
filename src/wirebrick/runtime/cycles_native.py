"""The processor's counter, for who looks at workers from outside.

>>> counter() <= counter()
True
"""

from __future__ import annotations

from wirebrick.packet.memory import cycles


def counter() -> int:
    """What ``cycles`` gives now."""
    return cycles()
