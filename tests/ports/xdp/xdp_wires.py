"""Real wires for the tests: namespaces of hosts, veth pairs into the box, frames sent and received, runs in threads."""

from __future__ import annotations

import ctypes
import itertools
import os
import socket
import struct
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from wirebrick import Stream, network_function, run
from wirebrick.errors import WirebrickError
from wirebrick.runtime.result import Result

PREFIX = f"wbxdp{os.getpid()}"
MACS = {"left": "02:00:00:00:00:0a", "right": "02:00:00:00:00:0b"}
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
ETH_P_ALL = 3


@network_function
def untouched(packets: Stream) -> Stream:
    """Packets as they are."""
    return packets


def sh(*words: object, check: bool = True) -> str:
    """Run a command; its output."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr}")
    return done.stdout + done.stderr


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """This thread is in a network namespace."""
    with open("/proc/thread-self/ns/net") as before, open(f"/var/run/netns/{namespace}") as there:
        if _libc.setns(there.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            _libc.setns(before.fileno(), _CLONE_NEWNET)


class Wire:
    """A veth pair: ``name`` in the box, ``peer`` in a namespace of its own, ``host``; both up, without IPv6."""

    _numbers = itertools.count()

    def __init__(
        self,
        box: str,
        *,
        queues: int = 1,
        mtu: int = 1500,
        peer_queues: int | None = None,
        ipv6: bool = False,
    ) -> None:
        number = next(self._numbers)
        self.box, self.host = box, f"{PREFIX}h{number}"
        self.name, self.peer = f"b{number}", f"p{number}"
        self.queues, self.mtu, self.peer_queues = queues, mtu, queues if peer_queues is None else peer_queues
        sh("ip", "netns", "add", self.host)
        if not ipv6:
            _quiet(self.host)
        self.make()

    def make(self) -> None:
        """Make the pair, also once more after ``delete``."""
        own = ["numrxqueues", self.queues, "numtxqueues", self.queues]
        other = ["numrxqueues", self.peer_queues, "numtxqueues", self.peer_queues]
        sh("ip", "-n", self.box, "link", "add", "name", self.name, "mtu", self.mtu, *own, "type", "veth",
           "peer", "name", self.peer, "mtu", self.mtu, *other, "netns", self.host)  # fmt: skip
        for end, name in ((self.box, self.name), (self.host, self.peer)):
            sh("ip", "-n", end, "link", "set", name, "up")

    def delete(self) -> None:
        sh("ip", "-n", self.box, "link", "del", self.name)

    def address(self, box: str | None, host: str | None) -> None:
        """Give the ends addresses."""
        for end, name, address in ((self.box, self.name, box), (self.host, self.peer, host)):
            if address:
                nodad = ["nodad"] if ":" in address else []
                sh("ip", "-n", end, "addr", "add", address, "dev", name, *nodad)

    def on_box(self, *words: object) -> str:
        return sh("ip", "netns", "exec", self.box, *words)

    def on_host(self, *words: object, check: bool = True) -> str:
        return sh("ip", "netns", "exec", self.host, *words, check=check)

    def counter(self, name: str) -> int:
        """A counter of the peer: what the kernel saw at the host."""
        return int(self.on_host("cat", f"/sys/class/net/{self.peer}/statistics/{name}"))

    def socket(self) -> RawSocket:
        """A raw socket of the host."""
        with inside(self.host):
            return RawSocket(self.peer)

    def program(self) -> bool:
        """Whether an XDP program is on the box's end."""
        return "prog/xdp" in sh("ip", "-n", self.box, "link", "show", self.name)

    def close(self) -> None:
        sh("ip", "netns", "del", self.host, check=False)
        sh("ip", "-n", self.box, "link", "del", self.name, check=False)


class RawSocket:
    """Frames of an interface as they are."""

    def __init__(self, name: str) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
        self._socket.setsockopt(263, 8, struct.pack("i", 1))  # PACKET_AUXDATA: tags that the kernel took out
        self._socket.bind((name, 0))
        self._socket.settimeout(2)

    def send(self, *frames: bytes) -> None:
        for frame in frames:
            self._socket.send(frame)

    def receive(self, count: int = 0, seconds: float = 3.0) -> list[bytes]:
        """``count`` frames that came in, or those that come until it is quiet for ``seconds``."""
        frames: list[bytes] = []
        self._socket.settimeout(seconds)
        with suppress(TimeoutError, OSError):
            while not count or len(frames) < count:
                frame, extra, _, address = self._socket.recvmsg(65536, 100)
                if address[2] == socket.PACKET_OUTGOING:
                    continue
                for _, kind, data in extra:
                    status, _, _, _, _, tci, protocol = struct.unpack_from("=IIIHHHH", data)
                    if kind == 8 and status & 0x10:
                        frame = frame[:12] + struct.pack(">HH", protocol or 0x8100, tci) + frame[12:]
                frames.append(frame)
        return frames

    def close(self) -> None:
        self._socket.close()


class Running:
    """A run in a thread, in the box; ``stop`` ends it and gives its result, or raises its error."""

    def __init__(self, chain: object, box: str, **options: object) -> None:
        self.told: list[str] = []
        self.stopped = threading.Event()
        self.result: Result | None = None
        self.error: BaseException | None = None
        self._begun = threading.Event()
        self._chain, self._box = chain, box
        self._options = options
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        while not self._begun.wait(0.01) and self._thread.is_alive():
            pass

    def _run(self) -> None:
        try:
            with inside(self._box):
                self.result = run(
                    self._chain,  # type: ignore[arg-type]
                    stop=self.stopped,
                    notice=self.told.append,
                    progress=lambda _: self._begun.set(),
                    **self._options,  # type: ignore[arg-type]
                )
        except BaseException as error:
            self.error = error

    def wait(self, seconds: float = 20) -> Result:
        """Its result when it ends by itself."""
        self._thread.join(seconds)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result

    def stop(self) -> Result:
        self.stopped.set()
        return self.wait()

    def tells(self, text: str, seconds: float = 5) -> None:
        """Wait until it tells something with ``text`` in it."""
        assert eventually(lambda: any(text in one for one in self.told), seconds), (
            text,
            self.told,
            self.error,
        )


def eventually(condition, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())


def refusal(chain: object, box: str, **options: object) -> WirebrickError:
    """The error that a run begins with."""
    running = Running(chain, box, **options)
    if running.error is None:
        running.stop()
    assert isinstance(running.error, WirebrickError), running.error
    return running.error


def frame(number: int, size: int = 60, source: str = "left", target: str = "right") -> bytes:
    """A UDP frame, without a checksum, that says its number."""
    payload = number.to_bytes(4, "big") + bytes((number + at) & 0xFF for at in range(size - 46))
    udp = struct.pack(">HHHH", 1000 + number % 50000, 9, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    total = sum(struct.unpack(">10H", ip))
    total = (total & 0xFFFF) + (total >> 16)
    ip = ip[:10] + struct.pack(">H", total ^ 0xFFFF) + ip[12:]
    macs = b"".join(bytes.fromhex(MACS[end].replace(":", "")) for end in (target, source))
    return macs + b"\x08\0" + ip + udp


def tagged(packet: bytes, *tags: int) -> bytes:
    for tag in tags:
        packet = packet[:12] + struct.pack(">HH", 0x8100, tag) + packet[12:]
    return packet


def swapped(packet: bytes) -> bytes:
    return packet[6:12] + packet[:6] + packet[12:]


def same(got: list[bytes], expected: list[bytes]) -> bool:
    return Counter(got) == Counter(expected)


def _quiet(namespace: str) -> None:
    with inside(namespace):
        for which in ("all", "default"):
            with open(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6", "w") as file:
                file.write("1")
