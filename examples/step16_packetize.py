"""Step 16: packetize. A word in every TCP stream becomes a longer one, and neither end notices.

wirebrick run examples/step16_packetize.py --in captures/mixed.pcap --out /tmp/out.pcap
"""

from wirebrick import Stream, network_function
from wirebrick.headers import TCP, Ethernet, IPv4


@network_function
def reword(packets: Stream) -> Stream:
    """Replace cat by leopard, also where the end of a segment cuts the word."""

    def swap(window):
        data = window.data
        at = 0
        found = data.find(b"cat")
        while found >= 0:
            window.emit(data[at:found], b"leopard")
            at = found + 3
            found = data.find(b"cat", at)
        # The last bytes may begin a word: then they wait for those that follow.
        done = len(data)
        if not window.closed:
            if data[at:].endswith(b"ca"):
                done -= 2
            elif data[at:].endswith(b"c"):
                done -= 1
        window.emit(data[at:done])
        return done

    parsed = packets.parse(Ethernet).parse(IPv4).parse(TCP)
    return parsed.window(None, None, 10.0, swap, forward=False).packetize((Ethernet, IPv4, TCP))
