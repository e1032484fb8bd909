"""Step 4: a header of your own.

A header is a class with annotated fields, big-endian, down to the bit. ``announced_by`` says what
the header before it must hold. From that follow the compiled accessors, the interpreted ones,
construction, ``repr`` and equality:

    >>> bytes(DNS(id=0x1234, rd=1, questions=1)).hex(" ", 2)
    '1234 0100 0001 0000 0000 0000'

    wirebrick run examples/step04_own_header.py --in captures/mixed.pcap --out /tmp/dns.pcap
    wirebrick check examples/step04_own_header.py
"""

from wirebrick import Counter, Report, Stream, at_end, network_function
from wirebrick.fields import U1, U3, U4, U16
from wirebrick.headers import UDP, Ethernet, Header, IPv4


class DNS(Header):
    """The DNS header (RFC 1035, 4.1.1), over UDP."""

    id: U16
    qr: U1  # 0 query, 1 response
    opcode: U4
    aa: U1
    tc: U1  # truncated: ask again over TCP
    rd: U1
    ra: U1
    z: U3
    rcode: U4  # 3: no such name
    questions: U16
    answers: U16
    authorities: U16
    additionals: U16

    announced_by = (UDP.dst_port == 53, UDP.src_port == 53)


@network_function
def dns(packets: Stream) -> Stream:
    """Count DNS queries and responses; drop the responses that say that a name does not exist."""
    queries, responses = Counter("queries"), Counter("responses")

    def count(packet):
        if packet.header.qr:
            responses.add()
        else:
            queries.add()

    at_end(lambda: Report("DNS", ["queries", "responses"], [[queries.value, responses.value]]))
    return (
        packets.parse(Ethernet)
        .parse(IPv4)
        .parse(UDP)
        .parse(DNS)
        .map(count)
        .filter(lambda packet: packet.header.rcode != 3, reason="no_such_name")
    )
