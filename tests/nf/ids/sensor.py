"""Runs ids on frames, and tells which rules matched which of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

import wirebrick
from wirebrick.nf.ids import ids

STEP = 1000  # ns from frame to frame
CLIENT, SERVER = "10.0.0.1", "192.0.2.2"


def udp(payload: bytes, sport: int = 1000, dport: int = 2000, **fields: Any) -> bytes:
    return bytes(
        Ether() / IP(src=CLIENT, dst=SERVER, **fields) / UDP(sport=sport, dport=dport) / Raw(payload)
    )


def tcp(payload: bytes = b"", flags: str = "PA", sport: int = 1000, dport: int = 80, **fields: Any) -> bytes:
    return bytes(
        Ether()
        / IP(src=CLIENT, dst=SERVER)
        / TCP(sport=sport, dport=dport, flags=flags, **fields)
        / Raw(payload)
    )


class Sensor:
    """``rules`` in a file of ``folder``, with the parameters of ids."""

    def __init__(self, folder: Path, rules: str, **parameters: Any) -> None:
        self.rules, self.out = folder / "local.rules", folder / "eve.json"
        self.rules.write_text(rules)
        self.out.unlink(missing_ok=True)
        self.nf = ids(rules=self.rules, out=self.out, **parameters)

    def run(self, frames: Sequence[bytes | tuple[int, bytes]], **options: Any) -> wirebrick.Result:
        """Frames come a microsecond after each other, or at their time (ns)."""
        timed = [one if isinstance(one, tuple) else (STEP * at, one) for at, one in enumerate(frames)]
        return wirebrick.run(self.nf, rx=timed, **options)

    def events(self) -> list[dict[str, Any]]:
        """What was written."""
        return [json.loads(line) for line in self.out.read_text().splitlines()]

    def alerts(self) -> list[tuple[int, int]]:
        """Signature and number of the frame, in order."""
        return sorted(
            (
                event["alert"]["signature_id"],
                int(event["timestamp"][20:26]) + 1_000_000 * int(event["timestamp"][17:19]),
            )
            for event in self.events()
        )


def alerts(
    folder: Path, rules: str, frames: Sequence[bytes], *, interpret: bool = False, **parameters: Any
) -> list[tuple[int, int]]:
    """Which rules told of which frames."""
    sensor = Sensor(folder, rules, **parameters)
    result = sensor.run(frames, interpret=interpret)
    assert result.packets_in == len(frames) == result.packets_out + result.packets_dropped
    return sensor.alerts()
