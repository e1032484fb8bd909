"""A packet socket with its ring: opened, mapped, exchanged for one of a new device, closed."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
import struct
from contextlib import suppress

from wirebrick.ports.afpacket import layout
from wirebrick.ports.afpacket.options import Options
from wirebrick.ports.interface import Interface, system_error

_EVERYTHING = 3  # ETH_P_ALL
_SO_ATTACH_FILTER = 26
# Classic BPF: code, jump if true, if false, value (linux/filter.h).
_NOTHING = ((0x06, 0, 0, 0),)  # ret 0
_NOT_OUTGOING = (
    (0x20, 0, 0, 0xFFFFF004),  # ld the packet's type
    (0x15, 1, 0, 4),  # jeq PACKET_OUTGOING
    (0x06, 0, 0, 0x7FFFFFFF),  # ret: all of it
    (0x06, 0, 0, 0),
)
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_TAGS = 8  # bytes of two VLAN tags
_V2_BEFORE = 96  # bytes of a receive slot before the frame: header, struct sockaddr_ll, struct virtio_net_hdr
_BLOCK = 1 << 18  # bytes: more than the largest joined frame
_RETIRE_MS = 1  # a block that isn't full waits so long: the shortest there is
_SLOTS = (
    512  # for packets to send: each call has the kernel take them all, and a small ring stays in the cache
)
_LINE = 64
_ETHERNET = 14


class PacketSocket:
    """A socket and its ring of ``size`` bytes at ``address``: ``step`` from one block or slot to the next."""

    def __init__(self, spec: str, interface: Interface) -> None:
        self._spec = spec
        self.index = interface.index
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        except OSError as error:
            raise system_error(spec, "no packet socket can be had", error, "run it with sudo") from None
        self.fd = self._socket.fileno()
        self._memory: mmap.mmap | None = None
        self.address = self.size = self.step = 0

    def option(self, number: int, value: int | bytes) -> None:
        """Set an option of packet sockets."""
        self._socket.setsockopt(layout.SOL_PACKET, number, value)

    def query(self, number: int, size: int) -> bytes:
        """An option of packet sockets, as it is now."""
        return self._socket.getsockopt(layout.SOL_PACKET, number, size)

    def map(self, version: int, ring: int, request: tuple[int, ...], step: int) -> None:
        """Make the ring (``request``: block size, blocks, frame size, frames, ...) and see it."""
        size = request[0] * request[1]
        try:
            self.option(layout.PACKET_VERSION, version)
            if ring == layout.PACKET_RX_RING:
                self.option(layout.PACKET_VNET_HDR, 1)
            self.option(ring, struct.pack(f"={len(request)}I", *request))
            self._memory = mmap.mmap(self.fd, size, mmap.MAP_SHARED)
        except OSError as error:
            cure = "give it less memory: buffer=1"
            raise system_error(self._spec, f"no ring of {size >> 20} MB can be had", error, cure) from None
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self.size, self.step = size, step

    def shut(self) -> None:
        """Receive nothing until ``open``."""
        self._filter(_NOTHING)

    def open(self) -> None:
        """Receive from now on, but nothing that is sent: fanout groups of older kernels would bring that."""
        self._filter(_NOT_OUTGOING)

    def bind(self, name: str, protocol: int = 0) -> None:
        """Take an interface's frames of a protocol; 0: only send."""
        self._socket.bind((name, protocol))

    def force_buffers(self, size: int) -> None:
        """Let so many bytes wait in the kernel, whatever the usual bounds."""
        for buffer in (_SO_SNDBUFFORCE, _SO_RCVBUFFORCE):
            with suppress(PermissionError):  # without CAP_NET_ADMIN the usual bounds stay
                self._socket.setsockopt(socket.SOL_SOCKET, buffer, size)

    def forget_error(self) -> None:
        """Take the error that a socket keeps when its interface goes down: it would wake sleepers for ever."""
        self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def take_over(self, newer: PacketSocket) -> None:
        """Become ``newer``, under the same descriptor: who sleeps on it need not know."""
        os.dup2(newer.fd, self.fd, inheritable=False)
        self._unmap()
        self._memory, newer._memory = newer._memory, None
        self.address, self.size, self.step, self.index = newer.address, newer.size, newer.step, newer.index
        newer._socket.close()

    def close(self) -> None:
        """Give all back."""
        self._unmap()
        self._socket.close()

    def _filter(self, program: tuple[tuple[int, int, int, int], ...]) -> None:
        code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
        what = struct.pack("HP", len(program), ctypes.addressof(code))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, what)

    def _unmap(self) -> None:
        if self._memory is not None:
            self._memory.close()
            self._memory = None


def receiving(spec: str, interface: Interface, options: Options) -> PacketSocket:
    """A socket that receives all frames of an interface but those sent there, once it is opened. Raises PortError."""
    made = PacketSocket(spec, interface)
    try:
        memory = options.buffer << 20
        made.option(layout.PACKET_IGNORE_OUTGOING, 1)
        made.force_buffers(memory)
        if options.ring == "v3":
            blocks = max(2, memory // _BLOCK)
            request = (_BLOCK, blocks, 2048, blocks * _BLOCK // 2048, _RETIRE_MS, 0, 0)
            made.map(layout.TPACKET_V3, layout.PACKET_RX_RING, request, _BLOCK)
        else:
            made.option(layout.PACKET_COPY_THRESH, 1)
            slot = slot_size(_V2_BEFORE + interface.mtu + _ETHERNET + _TAGS)
            made.map(layout.TPACKET_V2, layout.PACKET_RX_RING, slots(memory, slot), slot)
        made.shut()
        if options.promisc:
            member = struct.pack("=iHH8x", interface.index, layout.PACKET_MR_PROMISC, 0)
            made.option(layout.PACKET_ADD_MEMBERSHIP, member)
        made.bind(interface.name, _EVERYTHING)
    except OSError as error:
        made.close()
        raise system_error(spec, "it can't be received from", error) from None
    except BaseException:
        made.close()
        raise
    return made


def sending(spec: str, interface: Interface, options: Options) -> PacketSocket:
    """A socket that sends by an interface. Raises PortError."""
    made = PacketSocket(spec, interface)
    try:
        slot = slot_size(layout.V2_HEADER + interface.mtu + _ETHERNET + _TAGS)
        memory = _SLOTS * slot
        made.force_buffers(memory)
        made.option(layout.PACKET_LOSS, 1)  # a frame that the kernel refuses must not stop those behind it
        made.option(layout.PACKET_QDISC_BYPASS, 0 if options.qdisc else 1)
        made.map(layout.TPACKET_V2, layout.PACKET_TX_RING, slots(memory, slot), slot)
        made.bind(interface.name)
    except OSError as error:
        made.close()
        raise system_error(spec, "it can't be sent to", error) from None
    except BaseException:
        made.close()
        raise
    return made


def slot_size(size: int) -> int:
    """An odd number of cache lines: so slots don't share a few sets of the cache (see ``runtime.mempool``)."""
    return (-(-size // _LINE) | 1) * _LINE


def slots(memory: int, slot: int) -> tuple[int, int, int, int]:
    """A ring of one block; its rest behind the last slot is left over."""
    size = 1 << (memory - 1).bit_length()
    return size, 1, slot, size // slot


def join(sockets: list[PacketSocket]) -> None:
    """Share out the flows of an interface over several sockets: PACKET_FANOUT, by a hash of the flow."""
    kind = layout.FANOUT_HASH | layout.FANOUT_IGNORE_OUTGOING
    first = sockets[0]
    try:
        first.option(layout.PACKET_FANOUT, (kind | layout.FANOUT_UNIQUE) << 16)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        kind = layout.FANOUT_HASH
        first.option(layout.PACKET_FANOUT, (kind | layout.FANOUT_UNIQUE) << 16)
    group = struct.unpack("=I", first.query(layout.PACKET_FANOUT, 4))[0] & 0xFFFF
    for other in sockets[1:]:
        other.option(layout.PACKET_FANOUT, kind << 16 | group)
