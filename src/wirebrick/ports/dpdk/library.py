"""DPDK's shared libraries, found when they are first needed, and the functions of them that are used."""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_int, c_uint, c_uint16, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

from wirebrick.errors import PortError
from wirebrick.ports.dpdk.layout import ABI, VERSION

_FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64", "/lib")
_WITHOUT = "afpacket:, xdp: and tap: need nothing installed"
_CURE = f"apt-get install dpdk librte-net-null{ABI} (Debian 12); without it, {_WITHOUT}"

_P, _U16 = c_void_p, c_uint16
# Of each library: function, what it returns, what it takes.
_FUNCTIONS: dict[str, dict[str, tuple[Any, ...]]] = {
    "eal": {
        "rte_version": (c_char_p,),
        "rte_openlog_stream": (c_int, _P),
        "rte_eal_init": (c_int, c_int, _P),
        "rte_thread_register": (c_int,),
        "rte_thread_unregister": (None,),
        "rte_dev_probe": (c_int, c_char_p),
        "rte_dev_remove": (c_int, _P),
        "rte_memzone_reserve_aligned": (_P, c_char_p, ctypes.c_size_t, c_int, c_uint, c_uint),
        "rte_memzone_free": (c_int, _P),
    },
    "mempool": {
        "rte_mempool_create_empty": (_P, c_char_p, c_uint, c_uint, c_uint, c_uint, c_int, c_uint),
        "rte_mempool_set_ops_byname": (c_int, _P, c_char_p, _P),
        "rte_mempool_populate_iova": (c_int, _P, _P, ctypes.c_uint64, ctypes.c_size_t, _P, _P),
        "rte_mempool_obj_iter": (c_uint, _P, _P, _P),
        "rte_mempool_avail_count": (c_uint, _P),
        "rte_mempool_free": (None, _P),
    },
    "mbuf": {
        "rte_pktmbuf_pool_init": (None, _P, _P),
        "rte_pktmbuf_init": (None, _P, _P, _P, c_uint),
        "rte_pktmbuf_free_bulk": (None, _P, c_uint),
    },
    "ethdev": {
        "rte_eth_dev_get_port_by_name": (c_int, c_char_p, _P),
        "rte_eth_dev_info_get": (c_int, _U16, _P),
        "rte_eth_dev_get_mtu": (c_int, _U16, _P),
        "rte_eth_dev_configure": (c_int, _U16, _U16, _U16, _P),
        "rte_eth_dev_adjust_nb_rx_tx_desc": (c_int, _U16, _P, _P),
        "rte_eth_rx_queue_setup": (c_int, _U16, _U16, _U16, c_uint, _P, _P),
        "rte_eth_tx_queue_setup": (c_int, _U16, _U16, _U16, c_uint, _P),
        "rte_eth_dev_start": (c_int, _U16),
        "rte_eth_dev_stop": (c_int, _U16),
        "rte_eth_dev_close": (c_int, _U16),
        "rte_eth_promiscuous_enable": (c_int, _U16),
        "rte_eth_link_get_nowait": (c_int, _U16, _P),
        "rte_eth_stats_get": (c_int, _U16, _P),
    },
}


class Library:
    """The functions, by name without ``rte_``, and the addresses of what compiled code uses. Raises PortError."""

    def __init__(self) -> None:
        self._libraries: dict[str, ctypes.CDLL] = {}
        self._functions: dict[str, Any] = {}
        for part, functions in _FUNCTIONS.items():
            try:
                library = ctypes.CDLL(f"librte_{part}.so.{ABI}", mode=ctypes.RTLD_GLOBAL)
            except OSError:
                raise _absent() from None
            self._libraries[part] = library
            for name, (result, *arguments) in functions.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments
                self._functions[name] = function
        found = self["version"]().decode()
        if not found.startswith(f"DPDK {VERSION}"):
            raise PortError(f"this is {found}; Wirebrick knows DPDK {VERSION}", cure=_CURE)

    def __getitem__(self, name: str) -> Any:
        return self._functions[f"rte_{name}"]

    def function(self, name: str) -> int:
        """Address of a function."""
        return ctypes.cast(self[name], ctypes.c_void_p).value or 0

    def variable(self, part: str, name: str) -> int:
        """Address of a variable of library ``part``; of one that each thread has, that of this thread."""
        return ctypes.addressof(ctypes.c_uint8.in_dll(self._libraries[part], name))


@cache
def library() -> Library:
    """The libraries, loaded once. Raises PortError where they are not there, or not of the known version."""
    return Library()


def _absent() -> PortError:
    """The error where the libraries are not there, or others are."""
    for folder in _FOLDERS:
        for path in sorted(Path(folder).glob("**/librte_eal.so.*")):
            number = path.name.removeprefix("librte_eal.so.").partition(".")[0]
            if number != str(ABI):
                return PortError(
                    f"DPDK with ABI {number} is installed ({path}); Wirebrick knows ABI {ABI}: DPDK {VERSION}",
                    cure=f"install DPDK {VERSION} beside it; without it, {_WITHOUT}",
                )
    return PortError("DPDK is not installed", cure=_CURE)
