"""Network namespaces and the devices in them: made and removed by iproute2, entered by threads."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

PREFIX = "wbtcp"

CLONE_NEWNET = 0x40000000  # <linux/sched.h>
SIOCETHTOOL = 0x8946  # <linux/sockios.h>
# <linux/ethtool.h>: receive and transmit checksums, scatter-gather, TCP and generic segmentation, receive merging
OFFLOADS = (0x15, 0x17, 0x19, 0x1F, 0x24, 0x2C)
ETH_P_ALL = 3  # <linux/if_ether.h>
SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING = 263, 6, 23  # <linux/if_packet.h>
SO_RCVBUFFORCE = 33  # <asm-generic/socket.h>
RECEIVE_BUFFER = 64 << 20

_Result = TypeVar("_Result")


class LabError(Exception):
    """Something in the laboratory failed; the message says what."""


class LabUnavailable(LabError):
    """This machine can't have the laboratory; the message says why. Tests are skipped with it."""


def call_inside(space: str, function: Callable[[], _Result]) -> _Result:
    """Call ``function`` in the namespace ``space``, by a thread of its own, and return what it returns.

    Sockets that it opens stay in the namespace; /proc/thread-self/net and /proc/sys/net are the namespace's.
    """
    results: list[_Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            _enter(space)
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _enter(space: str) -> None:
    """Move the calling thread, and no other, into a namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(f"/var/run/netns/{space}", os.O_RDONLY)
    try:
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            raise LabError(f"setns to {space}: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(descriptor)


def switch_offloads_off(interface: str) -> None:
    """As ``ethtool -K`` does; what a device does not have is left."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for command in OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack("=II", command, 0))
            request = struct.pack("16sP16x", interface.encode(), ctypes.addressof(value))
            with suppress(OSError):
                fcntl.ioctl(control, SIOCETHTOOL, request)


def open_device(interface: str) -> socket.socket:
    """A socket that receives every frame that comes in from one side, and sends frames to it."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)  # no protocol: nothing is received before bind
    made.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    made.bind((interface, ETH_P_ALL))
    made.setblocking(False)
    return made


def missed(device: socket.socket) -> int:
    """How many frames `open_device`'s socket had no room for since the last call."""
    return int(struct.unpack("II", device.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1])


def execute(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20)
    if done.returncode:
        raise LabError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def remove_space(space: str) -> None:
    """Kill what runs in the namespace, if it exists, and delete it."""
    with suppress(LabError):
        for process in execute("ip", "netns", "pids", space).split():
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
        execute("ip", "netns", "delete", space)


def remove_leftovers() -> None:
    """Remove namespaces of processes that are no more."""
    for line in execute("ip", "netns", "list").splitlines():
        prefix, _, rest = line.split()[0].partition("-")
        process = rest.partition("-")[0]
        if prefix == PREFIX and process.isdigit() and not Path("/proc", process).exists():
            remove_space(line.split()[0])
