"""Step 18: heavy hitters. The largest of very many flows, found with little memory.

A Table needs an entry for each flow. ``HeavyHitters`` has ``counters`` entries, however many flows
there are: a flow that has more than its share of all bytes is among them, and ``error`` says by how
much its count may be too high. ``CountMin`` estimates any flow in a table of numbers.

    wirebrick run examples/step18_heavy_hitters.py --in captures/mixed.pcap --out /tmp/out.pcap
"""

from wirebrick import CountMin, FlowKey, HeavyHitters, Report, Stream, at_end, network_function
from wirebrick.headers import Ethernet, IPv4


@network_function
def elephants(packets: Stream, *, counters: int = 32, top: int = 5) -> Stream:
    """Find the flows with most bytes."""
    largest = HeavyHitters(FlowKey, capacity=counters)
    sketch = CountMin(FlowKey, width=1024, depth=4)

    def count(packet):
        flow = packet.flow()
        largest.add(flow, packet.length)
        sketch.add(flow, packet.length)

    def report():
        rows = [
            [str(key.src), str(key.dst), key.protocol, amount, error, sketch.estimate(key)]
            for key, amount, error in list(largest.items())[:top]
        ]
        return Report("largest flows", ["src", "dst", "protocol", "bytes", "error", "sketch"], rows)

    at_end(report)
    return packets.parse(Ethernet).parse(IPv4).map(count)
