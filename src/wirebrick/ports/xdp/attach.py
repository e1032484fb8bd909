"""Attaching the XDP program, and what is wrong where it can't be.

The program is held by a link: it goes with the process, however that ends.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import suppress

from wirebrick.errors import PortError
from wirebrick.ports.interface import Interface
from wirebrick.ports.xdp import bpf
from wirebrick.ports.xdp.options import Options
from wirebrick.ports.xdp.program import redirect
from wirebrick.runtime.filter_native import Code

_WAYS = {"native": bpf.NATIVE, "generic": bpf.GENERIC}


class Attachment:
    """The program of an interface and its map of sockets. ``mode`` is what it became: native or generic."""

    def __init__(self, spec: str, options: Options, interface: Interface, queues: int) -> None:
        self._spec = spec
        self._options = options
        self._interface = interface
        self.mode = ""
        self.refused = ""  # why it isn't native, where that was tried
        self._link = -1
        try:
            self._sockets = bpf.create_map(bpf.MAP_XSKMAP, 4, 4, queues)
            self._program = bpf.load_xdp(redirect(self._sockets, self._kept()))
        except OSError as error:
            raise self._load_error(error) from None

    def connect(self, queue: int, socket: int) -> None:
        """Packets of a queue go to the socket with this descriptor."""
        bpf.update_map(self._sockets, queue, socket.to_bytes(4, "little"))

    def attach(self) -> None:
        """Attach the program: packets come from now on. Raises PortError."""
        wanted = self._options.mode
        ways = ["native", "generic"] if wanted == "auto" else [wanted]
        for way in ways:
            try:
                self._link = bpf.link_xdp(self._program, self._interface.index, _WAYS[way])
            except OSError as error:
                if error.errno in (errno.EBUSY, errno.EEXIST) or way == ways[-1]:
                    raise self._attach_error(error, way) from None
                self.refused = self._why(error)
            else:
                self.mode = way
                return

    def close(self) -> None:
        """Take the program off the interface."""
        for descriptor in (self._link, self._program, self._sockets):
            if descriptor >= 0:
                with suppress(OSError):
                    os.close(descriptor)
        self._link = self._program = self._sockets = -1

    def _kept(self) -> Sequence[Code]:
        if not self._options.kernel:
            return []
        from wirebrick.runtime.filter import bpf as compiled

        return compiled(self._options.kernel)

    def _load_error(self, error: OSError) -> PortError:
        if error.errno in (errno.EPERM, errno.EACCES) and "\n" not in str(error):
            return PortError(
                f"{self._spec}: loading its XDP program needs the capabilities CAP_BPF and CAP_NET_ADMIN",
                cure="run it with sudo, or use afpacket:, which needs CAP_NET_RAW only",
            )
        return PortError(
            f"{self._spec}: this kernel refuses the XDP program: {error.strerror}",
            cure="xdp: needs Linux 5.9 or later with CONFIG_BPF_SYSCALL; afpacket: works everywhere",
        )

    def _attach_error(self, error: OSError, way: str) -> PortError:
        name = self._interface.name
        if error.errno in (errno.EBUSY, errno.EEXIST):
            return PortError(
                f"{self._spec}: another XDP program is on {name} already",
                cure=f"end the program that put it there, or: ip link set dev {name} xdp off",
            )
        cures = {
            "native": f"xdp:{name},mode=generic works with every driver",
            "generic": f"use afpacket:{name}",
        }
        return PortError(f"{self._spec}: no {way} XDP: {self._why(error)}", cure=cures[way])

    def _why(self, error: OSError) -> str:
        interface = self._interface
        if error.errno == errno.EOPNOTSUPP:
            return f"the driver {interface.driver or 'of ' + interface.name} doesn't have it"
        if error.errno == errno.ENOSPC and interface.driver == "veth":
            return "the other end of the veth pair has more transmit queues than this one has receive queues"
        if error.errno in (errno.ERANGE, errno.EINVAL, errno.EOVERFLOW) and interface.mtu > 1500:
            return f"the MTU of {interface.mtu:,} is too large for it, perhaps also that of the other end"
        if error.errno in (errno.EPERM, errno.EACCES):
            return "it needs the capability CAP_NET_ADMIN"
        return os.strerror(error.errno or 0).lower()
