"""Protocol headers, one a file, each declared once by annotations; and what your own are made with.

=============== ===================================================== =====================
header          what                                                  source
=============== ===================================================== =====================
Ethernet        Ethernet II                                           IEEE 802.3
VLAN            one tag; two of them are QinQ                         IEEE 802.1Q
MPLS            one label stack entry                                 RFC 3032
ARP             for IPv4 over Ethernet                                RFC 826
IPv4            with options                                          RFC 791
IPv6            with extension and fragment headers                   RFC 8200
TCP             with options (``find_option`` finds one)              RFC 9293
UDP                                                                   RFC 768
ICMP            the eight bytes that all messages have                RFC 792
ICMPv6          the eight bytes that all messages have                RFC 4443
NeighbourTarget of neighbour solicitations and advertisements         RFC 4861
GRE             with checksum, key and sequence number                RFC 2784, RFC 2890
VXLAN                                                                 RFC 7348
Geneve          with options                                          RFC 8926
=============== ===================================================== =====================

``Header`` is the base of all; ``Checksum`` says what a checksum covers, ``computed`` makes a method read like
a field, and ``golden`` checks a header against its bytes in a test.

>>> IPv4(src="192.0.2.1", dst="192.0.2.2", protocol=17).dst
IPv4Address('192.0.2.2')
"""

from wirebrick.headers.arp import ARP
from wirebrick.headers.checksum import Checksum
from wirebrick.headers.ethernet import Ethernet
from wirebrick.headers.field import computed
from wirebrick.headers.geneve import Geneve
from wirebrick.headers.golden import golden
from wirebrick.headers.gre import GRE
from wirebrick.headers.header import Header
from wirebrick.headers.icmp import ICMP
from wirebrick.headers.icmpv6 import ICMPv6
from wirebrick.headers.ipv4 import IPv4
from wirebrick.headers.ipv6 import IPv6
from wirebrick.headers.mpls import MPLS
from wirebrick.headers.neighbour import NeighbourTarget
from wirebrick.headers.options import find_option
from wirebrick.headers.tcp import TCP
from wirebrick.headers.udp import UDP
from wirebrick.headers.vlan import VLAN
from wirebrick.headers.vxlan import VXLAN

__all__ = [
    "ARP",
    "GRE",
    "ICMP",
    "MPLS",
    "TCP",
    "UDP",
    "VLAN",
    "VXLAN",
    "Checksum",
    "Ethernet",
    "Geneve",
    "Header",
    "ICMPv6",
    "IPv4",
    "IPv6",
    "NeighbourTarget",
    "computed",
    "find_option",
    "golden",
]
