"""Step 19: tcpdump's filters. An expression in the place of a function, checked when the graph is built.

It becomes native code like a function, and looks at the frame as it is at that point. What is dropped has
its reason, and can be watched while the chain runs: `wirebrick capture new_connections.not_syn`.

    wirebrick run examples/step19_expression.py --in captures/mixed.pcap --out /tmp/out.pcap
    wirebrick run 'examples/step19_expression.py:new_connections:also=udp port 53' --in captures/mixed.pcap
"""

from wirebrick import Stream, network_function

SYN = "tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn"


@network_function
def new_connections(packets: Stream, *, also: str = "icmp") -> Stream:
    """Keep the packets that begin TCP connections, and others that are asked for."""
    return packets.filter("ip or ip6", reason="not_ip").filter(f"({SYN}) or ({also})", reason="not_syn")
