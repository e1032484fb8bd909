"""The device of `tap:`: its queues opened, and the interface set up, by ioctl(2): netdevice(7), linux/if_tun.h."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from ipaddress import IPv4Interface, IPv6Interface

from wirebrick.errors import PortError
from wirebrick.ports.interface import Interface, system_error
from wirebrick.ports.tap.options import Options

_DEVICE = "/dev/net/tun"
_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_MULTI_QUEUE, _IFF_NO_PI = 0x0002, 0x0100, 0x1000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_SIOCSIFMTU, _SIOCSIFHWADDR, _ARPHRD_ETHER = 0x8922, 0x8924, 1
_SIOCSIFADDR, _SIOCSIFNETMASK, _SIOCSIFTXQLEN = 0x8916, 0x891C, 0x8943


def open_queue(spec: str, name: str, several: bool) -> int:
    """A descriptor of a (further) queue of the interface, which is made where there is none. Raises PortError."""
    try:
        fd = os.open(_DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        cure = "modprobe tun, and run it with sudo; in a container, give it the device"
        raise system_error(spec, f"{_DEVICE} can't be opened", error, cure) from None
    flags = _IFF_TAP | _IFF_NO_PI | (_IFF_MULTI_QUEUE if several else 0)
    try:
        fcntl.ioctl(fd, _TUNSETIFF, struct.pack("=16sH22x", name.encode(), flags))
    except OSError as error:
        os.close(fd)
        raise _refusal(spec, name, several, error) from None
    return fd


def set_up(spec: str, options: Options) -> None:
    """Give a new interface what the options say. Raises PortError."""
    interface = Interface(options.name)
    name = options.name.encode()
    what = "it can't be set up"
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as four:
            what = f"its queue can't hold {options.queue} packets"
            fcntl.ioctl(four, _SIOCSIFTXQLEN, struct.pack("=16si20x", name, options.queue))
            if options.mtu is not None:
                what = f"its MTU can't be {options.mtu}"
                fcntl.ioctl(four, _SIOCSIFMTU, struct.pack("=16si20x", name, options.mtu))
            if options.mac is not None:
                what = f"its address can't be {options.mac.hex(':')}"
                fcntl.ioctl(four, _SIOCSIFHWADDR, struct.pack("=16sH6s16x", name, _ARPHRD_ETHER, options.mac))
            if options.up:
                what = "it can't be brought up"
                _bring_up(four, name)
        for address in options.address:
            what = f"it can't have the address {address}"
            _give(name, interface.index, address)
    except OSError as error:
        raise system_error(spec, what, error) from None
    finally:
        interface.close()


def _bring_up(four: socket.socket, name: bytes) -> None:
    found = fcntl.ioctl(four, _SIOCGIFFLAGS, struct.pack("=16s24x", name))
    flags = struct.unpack_from("=H", found, 16)[0] | _IFF_UP
    fcntl.ioctl(four, _SIOCSIFFLAGS, struct.pack("=16sH22x", name, flags))


def _give(name: bytes, index: int, address: IPv4Interface | IPv6Interface) -> None:
    """Give the interface an address, and so the way to its network."""
    if isinstance(address, IPv6Interface):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as six:
            wanted = struct.pack("=16sIi", address.ip.packed, address.network.prefixlen, index)
            fcntl.ioctl(six, _SIOCSIFADDR, wanted)
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as four:
        for request, value in ((_SIOCSIFADDR, address.ip), (_SIOCSIFNETMASK, address.netmask)):
            wanted = struct.pack("=16sHH4s16x", name, socket.AF_INET, 0, value.packed)
            fcntl.ioctl(four, request, wanted)


def _refusal(spec: str, name: str, several: bool, error: OSError) -> PortError:
    """Why an interface of this name can't be had."""
    if error.errno == errno.EBUSY:
        return PortError(
            f"{spec}: {name} is in use by another program", cure="end that, or take another name"
        )
    if error.errno in (errno.EPERM, errno.EACCES):
        return PortError(
            f"{spec}: CAP_NET_ADMIN missing: interfaces are made by root",
            cure="run it with sudo; captures (pcap:) and made traffic (memory:) work without",
        )
    if error.errno == errno.EINVAL:
        kind = "tap multi_queue" if several else "tap"
        return PortError(
            f"{spec}: {name} is there, but no free TAP interface for {'several workers' if several else 'one worker'}",
            cure=f"take another name, or make it anew: ip tuntap add {name} mode {kind}",
        )
    return system_error(spec, f"{name} can't be made", error)
