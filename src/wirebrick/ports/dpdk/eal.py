"""EAL, DPDK's environment: started once in a process, when the first `dpdk:` port opens; it stays for the next run.

It runs inside this process with what there is: with huge pages where some are free, else without; it takes no
device by itself (ports add theirs), shares nothing with other processes, and logs into a pipe of ours.
"""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path

from wirebrick.errors import PortError
from wirebrick.packet.memory import load32
from wirebrick.ports.dpdk.library import Library, library
from wirebrick.ports.dpdk.log import Log, reason

_HUGE_PAGES = Path("/sys/kernel/mm/hugepages")
_LEAST_HUGE = 256 << 20  # bytes of free huge pages from which on they are used
_MOST_MEGABYTES = 2048  # asked for without huge pages: memory is used when it is touched
_NO_DEVICE = "0000:ff:1f.7"  # the only PCI device that may be taken at the start: none has this address
_NO_THREAD = 0xFFFFFFFF  # LCORE_ID_ANY


class Eal:
    """The environment, running. Raises PortError where it can't start."""

    def __init__(self) -> None:
        self.lib: Library = library()
        self.lock = threading.RLock()  # devices are added and removed by one thread at a time
        self.log = Log()
        self._threads = threading.local()
        self.lib["openlog_stream"](self.log.stream)
        # The thread that starts EAL becomes one of its own and is pinned: it is one that then ends.
        status: list[int] = []
        starter = threading.Thread(target=lambda: status.append(self._start()), name="wirebrick EAL")
        starter.start()
        starter.join()
        text = self.log.take()
        if status[0] < 0:
            raise PortError(
                f"DPDK can't start: {reason(text) or 'it does not say why'}",
                cure="see https://doc.dpdk.org/guides-22.11/linux_gsg/",
            )

    def _start(self) -> int:
        arguments = _arguments()
        words = (ctypes.c_char_p * len(arguments))(*(word.encode() for word in arguments))
        return int(self.lib["eal_init"](len(arguments), words))

    def why(self) -> str:
        """Why what was tried last failed, as far as DPDK says so."""
        return reason(self.log.take()) or "DPDK does not say why"

    def join_thread(self) -> int | None:
        """Make the calling thread one that DPDK knows, with caches of its own; its number, or None: no more can."""
        if not getattr(self._threads, "joined", False):
            self._threads.joined = self.lib["thread_register"]() == 0
        number = load32(self.lib.variable("eal", "per_lcore__lcore_id"))
        return None if number == _NO_THREAD else number

    def leave_thread(self) -> None:
        """Undo ``join_thread``, in the same thread."""
        if getattr(self._threads, "joined", False):
            self.lib["thread_unregister"]()
            self._threads.joined = False


_started: list[Eal | PortError] = []
_starting = threading.Lock()


def eal() -> Eal:
    """The environment of this process. Raises PortError, always the same one: DPDK can't be started twice."""
    with _starting:
        if not _started:
            try:
                _started.append(Eal())
            except PortError as error:
                _started.append(error)
    found = _started[0]
    if isinstance(found, PortError):
        raise PortError(found.message, cure=found.cure)
    return found


def _arguments() -> list[str]:
    """EAL's command line."""
    words = ["wirebrick", "--no-telemetry", "--file-prefix=wirebrick", f"--allow={_NO_DEVICE}"]
    words.append(f"--lcores=0@{min(os.sched_getaffinity(0))}")
    if _free_huge_pages() >= _LEAST_HUGE:
        return [*words, "--in-memory"]
    return [*words, "--no-shconf", "--no-huge", "-m", str(min(_MOST_MEGABYTES, _memory() >> 21))]


def _free_huge_pages() -> int:
    """Bytes of huge pages that nobody uses."""
    total = 0
    for folder in _HUGE_PAGES.glob("hugepages-*kB"):
        size = int(folder.name.removeprefix("hugepages-").removesuffix("kB")) << 10
        try:
            total += size * int((folder / "free_hugepages").read_text())
        except (OSError, ValueError):
            continue
    return total


def _memory() -> int:
    """Bytes of the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
