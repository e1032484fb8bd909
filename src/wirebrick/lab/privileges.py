"""What a process needs to make labs (capabilities(7))."""

from __future__ import annotations

from pathlib import Path

from wirebrick.errors import LabError

_NEEDED = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21}


def missing_capabilities() -> list[str]:
    """The capabilities that labs need and this thread doesn't have: none for root."""
    status = Path("/proc/thread-self/status").read_text()
    effective = int(next(line for line in status.splitlines() if line.startswith("CapEff:")).split()[1], 16)
    return [name for name, bit in _NEEDED.items() if not effective >> bit & 1]


def need_privileges() -> None:
    """Raise LabError, naming the capabilities that are missing."""
    missing = missing_capabilities()
    if missing:
        raise LabError(
            f"{' and '.join(missing)} missing: only root may make, use and remove network namespaces",
            cure="run it with sudo; in a container, start that with --privileged",
        )
