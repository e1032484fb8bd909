"""The error of benchmarks."""

from __future__ import annotations

from wirebrick.errors import WirebrickError


class BenchmarkError(WirebrickError):
    """Something that measuring needs is not there, or what is measured failed."""
