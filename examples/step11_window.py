"""Step 11: window. HTTP requests by host, read from streams of bytes instead of packets.

``window`` puts the segments of each TCP stream in order; its function gets the bytes, wherever the
segments were cut, late or twice. ``None`` for size: all that has come. It returns how many bytes it
is done with: what is left comes again, in front of what follows.

    wirebrick run examples/step11_window.py --in captures/mixed.pcap --out /tmp/out.pcap
"""

from wirebrick import Record, Report, Stream, Table, at_end, network_function
from wirebrick.fields import U64
from wirebrick.headers import TCP, Ethernet, IPv4

LONGEST_HEADER = 16384


class Host(Record):
    """The first 16 characters of a host's name: two words of eight bytes."""

    high: U64
    low: U64

    @property
    def text(self):
        """The name, for people."""
        return (self.high << 64 | self.low).to_bytes(16, "big").rstrip(b"\0").decode("latin-1")


class Requests(Record):
    """What is kept for a host."""

    count: U64


@network_function
def http_hosts(packets: Stream, *, port: int = 80) -> Stream:
    """Count HTTP requests by the host they ask for."""
    hosts = Table(Host, Requests, capacity=1024)

    def word(name, at):
        value = 0
        for i in range(at, at + 8):
            value = (value & 0xFFFFFFFFFFFFFF) * 256
            if i < len(name):
                value += name[i]
        return value

    def requests(window):
        if window.flow.dst_port != port:
            return len(window.data)
        data, done = window.data, 0
        end = data.find(b"\r\n\r\n")
        while end >= 0:
            at = data.find(b"\r\nHost: ", done)
            if 0 <= at < end:
                name = data[at + 8 : data.find(b"\r\n", at + 8)]
                hosts[Host(high=word(name, 0), low=word(name, 8))].count += 1
            done = end + 4
            end = data.find(b"\r\n\r\n", done)
        return len(data) if len(data) - done > LONGEST_HEADER else done

    def report():
        rows = sorted(((host.text, seen.count) for host, seen in hosts.items()), key=lambda row: -row[1])
        return Report("requests by host", ["host", "requests"], rows[:10])

    at_end(report)
    return packets.parse(Ethernet).parse(IPv4).parse(TCP).window(None, None, 10.0, requests)
