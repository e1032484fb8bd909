"""Link types (https://www.tcpdump.org/linktypes.html): which become Ethernet, how, and the names of others.

>>> kind(113) == LINK_COOKED, kind(105) == LINK_UNKNOWN
(True, True)
>>> describe(127), describe(4242)
('127 (802.11 with radiotap)', '4242')
"""

from __future__ import annotations

from wirebrick.ports.pcap.layout import (
    LINK_COOKED,
    LINK_COOKED2,
    LINK_ETHERNET,
    LINK_FAMILY,
    LINK_IP,
    LINK_IPV4,
    LINK_IPV6,
    LINK_UNKNOWN,
)

_KINDS = {
    1: LINK_ETHERNET,
    0: LINK_FAMILY,  # BSD loopback, the capturing machine's byte order
    108: LINK_FAMILY,  # OpenBSD loopback, network order
    12: LINK_IP,  # raw IP as some systems number it inside and write it out
    14: LINK_IP,
    101: LINK_IP,
    113: LINK_COOKED,
    228: LINK_IPV4,
    229: LINK_IPV6,
    276: LINK_COOKED2,
}

_NAMES = {
    3: "AX.25",
    6: "Token Ring",
    7: "ARCNET",
    8: "SLIP",
    9: "PPP",
    10: "FDDI",
    50: "PPP in HDLC framing",
    51: "PPP over Ethernet",
    100: "RFC 1483 ATM",
    104: "Cisco HDLC",
    105: "802.11",
    107: "Frame Relay",
    117: "OpenBSD pflog",
    119: "802.11 with Prism header",
    122: "IP over Fibre Channel",
    127: "802.11 with radiotap",
    143: "DOCSIS",
    147: "private use",
    163: "802.11 with AVS header",
    187: "Bluetooth HCI",
    189: "USB, Linux",
    192: "per-packet information",
    195: "802.15.4",
    201: "Bluetooth HCI with direction",
    220: "USB, Linux, padded",
    227: "SocketCAN",
    230: "802.15.4 without checksum",
    239: "Linux netfilter log",
    240: "netANALYZER",
    242: "IP over InfiniBand",
    247: "InfiniBand",
    249: "USB, Windows",
    251: "Bluetooth Low Energy",
    252: "Wireshark upper PDU",
    253: "Linux netlink",
    272: "Nordic BLE",
    274: "Ethernet multi-packet header",
}


def kind(number: int) -> int:
    """How packets of link type ``number`` become Ethernet: a LINK_ value, LINK_UNKNOWN where they can't."""
    return _KINDS.get(number, LINK_UNKNOWN)


def describe(number: int) -> str:
    """The number, with the name of a known link type."""
    return f"{number} ({_NAMES[number]})" if number in _NAMES else str(number)
