"""A DPDK device: added to EAL, configured with a queue for each worker, started, asked for its counts, removed."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING

from wirebrick.errors import PortError
from wirebrick.packet.memory import load8, load16, load64, store8, store32, store64
from wirebrick.ports.dpdk import layout
from wirebrick.ports.dpdk.devargs import Devargs
from wirebrick.ports.dpdk.eal import eal
from wirebrick.runtime.blocks import Blocks

if TYPE_CHECKING:
    from wirebrick.ports.dpdk.mempool import DpdkMempool

DESCRIPTORS = 1024  # of a queue, where the device allows so many
# Bytes of Ethernet, with two VLAN tags in what comes, one in what is sent: MTU counts what is behind.
_RECEIVED_HEADERS = 14 + 2 * 4
_SENT_HEADERS = 14 + 4
_ANY_SOCKET = 0xFFFFFFFF
_MTU = 1500
# Each 16 bits alike: both directions of a connection give the same hash (Woo and Park, "Scalable TCP Session
# Monitoring with Symmetric Receive-side Scaling", 2012).
_KEY = bytes.fromhex("6d5a")

_ANYONE = ("net_null", "net_ring", "net_pcap")  # drivers that need no rights
_NOT_FOUND = ("parse device", "find device", "find a bus")


class Device:
    """The device that ``devargs`` names, taken. Raises PortError where DPDK doesn't give it."""

    def __init__(self, spec: str, devargs: Devargs) -> None:
        self.spec = spec
        self.devargs = devargs
        self._eal = eal()
        self._lib = self._eal.lib
        self._running = False
        self.counts: dict[str, int] = {}
        with self._eal.lock:
            self._port = self._add()
        self._blocks = Blocks()
        self._info = self._blocks.take(layout.INFO)
        self._stats = self._blocks.take(layout.STATS)
        self._lib["eth_dev_info_get"](self._port, self._info)
        self.operations = self._lib.variable("ethdev", "rte_eth_fp_ops") + layout.FP_OPS * self._port
        queues = (layout.I_RECEIVE_QUEUES, layout.I_TRANSMIT_QUEUES)
        self.most_queues = min(load16(self._info + at) for at in queues)
        self._hashes = load64(self._info + layout.I_RSS) & layout.RSS_FLOWS

    def _add(self) -> int:
        """Have EAL probe it; its number."""
        name = self.devargs.name.encode()
        if self._number(name) is not None:
            raise PortError(
                f"{self.spec}: the device {self.devargs.name} is open already",
                cure="name it once: packets go back out of the same port; or number another one, as in net_null1",
            )
        self._eal.log.take()
        status = self._lib["dev_probe"](self.devargs.text.encode())
        number = self._number(name)
        if status < 0 or number is None:
            why = self._eal.why()
            raise PortError(f"{self.spec}: DPDK doesn't open it: {why}", cure=_cure(self.devargs, why))
        self._eal.log.take()
        return number

    def _number(self, name: bytes) -> int | None:
        found = ctypes.c_uint16()
        if self._lib["eth_dev_get_port_by_name"](name, ctypes.byref(found)) < 0:
            return None
        return found.value

    @property
    def hashes_flows(self) -> bool:
        """Whether it can share flows out over queues by RSS."""
        return self._hashes != 0

    @property
    def mtu(self) -> int:
        """The largest packet behind the Ethernet header, in bytes."""
        mtu = ctypes.c_uint16(_MTU)
        self._lib["eth_dev_get_mtu"](self._port, ctypes.byref(mtu))
        return mtu.value

    @property
    def frame_size(self) -> int:
        """Bytes of the largest packet it may bring."""
        return self.mtu + _RECEIVED_HEADERS

    @property
    def longest(self) -> int:
        """Bytes of the largest packet it can send."""
        return self.mtu + _SENT_HEADERS

    def start(self, pool: DpdkMempool, queues: int) -> None:
        """Set up ``queues`` to receive, into mbufs of ``pool``, and as many to send; start. Raises PortError."""
        lib, port = self._lib, self._port
        with self._eal.lock:
            self._eal.log.take()
            done = lib["eth_dev_configure"](port, queues, queues, self._configuration(queues))
            self._must(done, f"be set up with {queues} queues")
            incoming, outgoing = ctypes.c_uint16(DESCRIPTORS), ctypes.c_uint16(DESCRIPTORS)
            lib["eth_dev_adjust_nb_rx_tx_desc"](port, ctypes.byref(incoming), ctypes.byref(outgoing))
            for queue in range(queues):
                done = lib["eth_rx_queue_setup"](port, queue, incoming.value, _ANY_SOCKET, None, pool.pool)
                self._must(done, "receive")
                done = lib["eth_tx_queue_setup"](port, queue, outgoing.value, _ANY_SOCKET, None)
                self._must(done, "transmit")
            self._must(lib["eth_dev_start"](port), "start")
            self._running = True
            lib["eth_promiscuous_enable"](port)  # virtual ones can't, and need not
            self._eal.log.take()

    def _configuration(self, queues: int) -> int:
        """Address of a struct rte_eth_conf."""
        conf = self._blocks.take(layout.CONF)
        size = load8(self._info + layout.I_KEY_SIZE)
        if queues > 1 and self._hashes:
            store32(conf + layout.E_MODE, layout.RSS_MODE)
            store64(conf + layout.E_RSS, self._hashes)
            if size:
                key = self._blocks.take(size)
                ctypes.memmove(key, _KEY * (size // 2), size)
                store64(conf + layout.E_KEY, key)
                store8(conf + layout.E_KEY_SIZE, size)
        if load64(self._info + layout.I_TRANSMIT_OFFLOADS) & layout.FAST_FREE:
            store64(conf + layout.E_TRANSMIT_OFFLOADS, layout.FAST_FREE)
        return conf

    def _must(self, status: int, what: str) -> None:
        if status < 0:
            why = self._eal.why()
            raise PortError(f"{self.spec}: it can't {what}: {why}", cure=_cure(self.devargs, why))

    @property
    def up(self) -> bool:
        """Whether its link is up."""
        link = ctypes.c_uint64()
        if self._lib["eth_link_get_nowait"](self._port, ctypes.byref(link)) < 0:
            return True
        return bool(link.value & layout.LINK_UP)

    def count(self) -> dict[str, int]:
        """What it counted, by DPDK's names; after ``close`` what it had counted then."""
        if self._running and self._lib["eth_stats_get"](self._port, self._stats) == 0:
            self.counts = {name: load64(self._stats + at) for name, at in layout.STATISTICS.items()}
        return dict(self.counts)

    def close(self) -> None:
        """Stop it and give it back, and the mbufs that it holds to their mempool."""
        with self._eal.lock:
            self.count()
            if self._running:
                self._lib["eth_dev_stop"](self._port)
            self._running = False
            self._lib["eth_dev_close"](self._port)
            self._lib["dev_remove"](load64(self._info + layout.I_DEVICE))
            self._eal.log.take()


def _cure(devargs: Devargs, why: str) -> str:
    """What to do where a device can't be opened."""
    if "ermission" in why or "not permitted" in why or (os.geteuid() != 0 and devargs.driver not in _ANYONE):
        return f"run it as root: the device needs it ({', '.join(_ANYONE)} don't)"
    if any(text in why for text in _NOT_FOUND):
        return devargs.cure
    return f"see its options at https://doc.dpdk.org/guides-22.11/nics/ ({devargs.driver or 'PCI device'})"
