"""What the user wrote behind `dpdk:`: DPDK's devargs, a device's name and its driver's options.

>>> net = Devargs("net_null0,size=128")
>>> net.name, net.driver, net.options
('net_null0', 'net_null', {'size': '128'})
>>> Devargs("0000:03:00.0").driver is None
True
"""

from __future__ import annotations

import re

from wirebrick.errors import PortError
from wirebrick.ports.dpdk.layout import ABI
from wirebrick.ports.suggest import did_you_mean

# Virtual devices and Debian's packages of their drivers. Any other that DPDK has may be named too.
DRIVERS = {
    "net_null": "net-null",
    "net_ring": "net-ring",
    "net_pcap": "net-pcap",
    "net_af_packet": "net-af-packet",
    "net_af_xdp": "net-af-xdp",
    "net_tap": "net-tap",
    "net_tun": "net-tap",
    "net_memif": "net-memif",
    "net_vhost": "net-vhost",
    "net_virtio_user": "net-virtio",
    "net_bonding": "net-bond",
}
_FORMS = "write dpdk:net_null0,size=64, dpdk:net_af_packet0,iface=IF, or a PCI address: dpdk:0000:03:00.0"
_PCI = re.compile(r"(pci:)?([0-9a-fA-F]{1,8}:)?[0-9a-fA-F]{1,2}:[0-9a-fA-F]{1,2}\.[0-7]")
_VIRTUAL = re.compile(r"(?:vdev:)?([a-z]+_[a-z_]*[a-z])\d*")


class Devargs:
    """Devargs, taken apart as far as Wirebrick must know. Raises PortError where there is no name."""

    def __init__(self, text: str) -> None:
        self.text = text
        head, _, rest = text.partition(",")
        if not head or any(not character.isprintable() or character.isspace() for character in text):
            raise PortError(f"'dpdk:{text}' names no device", cure=_FORMS)
        self.is_pci = bool(_PCI.fullmatch(head))
        virtual = None if self.is_pci else _VIRTUAL.fullmatch(head)
        self.driver = virtual[1] if virtual else None
        self.name = head.removeprefix("vdev:").removeprefix("pci:")
        if self.is_pci and self.name.count(":") == 1:
            self.name = f"0000:{self.name}"  # PCI addresses may leave the domain out
        self.options = dict(_pair(part) for part in rest.split(",") if part)

    def number(self, option: str, default: int) -> int:
        """The value of an option that is a whole number; ``default`` where it isn't there, or isn't one.

        >>> Devargs("net_null0,size=0x80").number("size", 64), Devargs("net_null0").number("size", 64)
        (128, 64)
        """
        try:
            return int(self.options.get(option, ""), 0)
        except ValueError:
            return default

    @property
    def queues(self) -> int | None:
        """How many queues it has, whatever is asked for; None where the worker's number decides.

        >>> Devargs("net_af_packet0,iface=eth1,qpairs=2").queues, Devargs("net_tap0").queues
        (2, None)
        """
        if self.driver == "net_af_packet":
            return self.number("qpairs", 1)
        if self.driver == "net_pcap":  # one for each file
            return max(1, *(self.text.count(f",{option}=") for option in ("rx_pcap", "tx_pcap")))
        return None

    @property
    def cure(self) -> str:
        """What to do where DPDK doesn't find the device."""
        if self.is_pci:
            return "dpdk-devbind.py --status lists the devices; bind it to vfio-pci (dpdk-devbind.py --bind)"
        if self.driver in DRIVERS:
            package = f"librte-{DRIVERS[self.driver]}{ABI}"
            return f"its driver is in the package {package}: apt-get install {package}"
        return f"{did_you_mean(self.driver or self.name, DRIVERS)}; {_FORMS}"


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value
