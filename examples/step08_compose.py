"""Step 8: network functions are made of network functions, and ``otherwise=`` catches what parse does not.

An NF is called with a stream, like an operator. ``otherwise=stream`` sends what is not IPv4 on by a
way of its own, with the headers that were parsed so far. Counters belong to the NF they are in:
here ``age.ttl_expired``, ``short.too_long`` and ``edge.not_ip``.

    wirebrick run examples/step08_compose.py --in captures/mixed.pcap --out /tmp/edge.pcap
    wirebrick graph examples/step08_compose.py
"""

from step01_filter import short
from step02_parse import age

from wirebrick import Stream, merge, network_function
from wirebrick.headers import ARP, Ethernet, IPv4, IPv6


@network_function
def edge(packets: Stream) -> Stream:
    """Short frames of untagged IPv4, IPv6 and ARP only; IPv4 ages by one hop."""
    not_v4, not_v6 = Stream(), Stream()
    v4 = age(short(packets)).parse(Ethernet).parse(IPv4, otherwise=not_v4)
    v6 = not_v4.parse(IPv6, otherwise=not_v6)
    not_ip = Stream()
    arp = not_v6.parse(ARP, otherwise=not_ip)
    not_ip.drop("not_ip")
    return merge(v4, v6, arp)
