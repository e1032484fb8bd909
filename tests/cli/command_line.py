"""The command line as a process of its own."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CAPTURE = ROOT / "captures" / "mixed.pcap"


@dataclass
class Ended:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on standard output."""
        assert self.out.endswith("\n")
        return json.loads(self.out)


class CommandLine:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]),
            "PYTHONDONTWRITEBYTECODE": "",
        }

    def start(self, *arguments: object, **options: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "wirebrick", *map(str, arguments)]
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, **options)

    def __call__(self, *arguments: object, stdin: bytes | None = None) -> Ended:
        process = self.start(
            *arguments,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = process.communicate(stdin, timeout=120)
        assert b"Traceback" not in err, err.decode()
        return Ended(process.returncode, out.decode(errors="surrogateescape"), err.decode())

    def shell(self, line: str) -> Ended:
        """A line for bash; ``$WB`` is the command."""
        environment = {**self.environment, "WB": f"{sys.executable} -m wirebrick"}
        ended = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "Traceback" not in ended.stderr, ended.stderr
        return Ended(ended.returncode, ended.stdout, ended.stderr)


def frame(ttl: int = 64, size: int = 60) -> bytes:
    """An Ethernet frame with an IPv4 packet (UDP, no checksum)."""
    header = bytearray(
        struct.pack("!BBHHHBBH4s4s", 0x45, 0, size - 14, 1, 0, ttl, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    )
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    header[10:12] = struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF)
    udp = struct.pack("!HHHH", 1000, 53, size - 34, 0)
    return (b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + header + udp).ljust(size, b"\0")


def pcap(*frames: bytes) -> bytes:
    """A capture."""
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
    for number, one in enumerate(frames):
        data += struct.pack("<IIII", 1_700_000_000, number, len(one), len(one)) + one
    return data
