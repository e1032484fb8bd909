"""dns: the network function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from wirebrick.errors import ParameterError
from wirebrick.fields import U64
from wirebrick.headers import TCP, UDP, Ethernet, IPv4, IPv6
from wirebrick.nf.dns.names import load_names
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.nf.numbering import Numbering
from wirebrick.nf.watched import watch
from wirebrick.packet.packet import Packet
from wirebrick.state.array import Array
from wirebrick.state.domains import Domains
from wirebrick.stream.graph import at_end
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report

ANSWERS = ("drop", "nxdomain")
MALFORMED = ("drop", "allow")
PORT = 53
UDP_PROTOCOL = 17
LEAST = 12  # bytes of a message
MOST_MESSAGES = 8  # of a TCP segment
RESPONSE = 0x80
PASS, LISTED_QUERY, LISTED_RESPONSE, NO_DNS, REPLY = range(5)
VERDICTS = 5


@network_function
def dns(
    packets: Stream,
    *,
    names: Path | None = None,
    answer: Literal["drop", "nxdomain"] = "drop",
    malformed: Literal["drop", "allow"] = "drop",
    top: int = 10,
) -> Stream:
    """Drop or answer DNS queries for listed names, and drop responses that have them.

    Parameters
        ``names``: the file with the list, one name a line; must be given. ``ads.example`` is that name alone,
        ``*.ads.example`` every name below it; ``#`` begins a comment. It is read again whenever it changes.

        ``answer``: what becomes of queries for listed names: ``drop``, or ``nxdomain``, those over UDP are sent
        back as the response that there is no such name; ``drop`` where it is not given.

        ``malformed``: what becomes of UDP packets that can't be read as DNS: ``drop`` or ``allow``; ``drop`` where
        it is not given.

        ``top``: how many names the report has, those met most often; 10 where it is not given.

    What it does
        Looks at UDP and TCP packets from or to port 53, over IPv4 and IPv6, untagged or behind one or two VLAN
        tags. Of queries the questions count; of responses also the owners and aliases (CNAME, DNAME) of the first
        64 answers, so that an alias does not hide a listed name. The case of letters makes no difference.

        In TCP, each segment that begins with a message is looked at, up to 8 messages of it; what goes on from
        an earlier segment passes, and so do messages of which no listed name is in the segment. Later fragments
        pass: the first has the question. Of a first fragment, or a packet that was cut when it was captured,
        what is there counts. DNS over TLS, HTTPS or QUIC is not seen.

        An answer of ``nxdomain`` is the query itself with its addresses and ports exchanged, and nothing behind its
        question; it leaves by the port that the query came from. All else leaves unchanged.

    Drop reasons
        ``query_listed``, ``answer_listed``: a query for, a response with a listed name. ``malformed``: no DNS.

    State
        The names as a tree of labels, which all workers read, and a counter for each name. A name takes about 60
        bytes, twice, and there is room for twice as many labels as the file has at first, at least 65,536. When
        the file is changed, all packets of a burst see the old list or the new one; a file with errors is refused
        and the old list stays.

    Example
        ``wirebrick run dns:names=blocked.txt,answer=nxdomain --in in.pcap --out out.pcap``

        >>> import tempfile, wirebrick
        >>> with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        ...     _ = file.write("*.ads.example")
        ...     file.flush()
        ...     wirebrick.run(dns(names=file.name), rx=[bytes(60)], interpret=True).packets_out
        1

    References
        RFC 1035 (messages), RFC 4343 (case), RFC 4592 (wildcards), RFC 7766 (TCP), RFC 2308 (NXDOMAIN).
    """
    if names is None:
        raise ParameterError(
            "dns needs names", cure="name the file with the list: dns:names=blocked.txt, or dns(names=...)"
        )
    for parameter, value, choices in (("answer", answer, ANSWERS), ("malformed", malformed, MALFORMED)):
        if value not in choices:
            raise ParameterError(
                f"the {parameter} of dns can't be {value!r}", cure=f"it is one of {', '.join(choices)}"
            )
    if type(top) is not int or top < 0:
        raise ParameterError(f"the top of dns can't be {top!r}", cure="give a whole number, such as 10")
    path = Path(names)
    listed = load_names(path)
    labels = sum(name.count(".") + 1 for name in listed)
    numbers: Numbering[str] = Numbering(max(4096, 2 * len(listed)))
    domains = Domains(zip(listed, numbers.assign(listed), strict=True), capacity=max(65536, 2 * labels))
    hits = Array(U64, numbers.capacity)

    def load(changed: Path) -> str:
        new = load_names(changed)
        domains.update(zip(new, numbers.assign(new), strict=True))
        return f"{changed}: {len(new)} names"

    def report() -> Report:
        from wirebrick import Report

        return Report("listed names met", ("name", "messages"), numbers.top(hits.totals(), top))

    watch(path, load)
    at_end(report)
    replies = answer == "nxdomain"
    found = ip_packets(packets.parse(Ethernet))
    passed = list(found.rest)
    for stream, reply in ((found.v4, _reply_v4), (found.v6, _reply_v6)):
        not_udp, neither = Stream(), Stream()
        by_udp = _udp(domains, hits, replies, malformed == "drop")
        judges = (
            (stream.parse(UDP, otherwise=not_udp), by_udp),
            (not_udp.parse(TCP, otherwise=neither), _tcp(domains, hits)),
            (neither, _fragment(domains, hits)),
        )
        for messages, judge in judges:
            fine, query, response, no_dns, answered = messages.group_by(VERDICTS, judge)
            query.drop("query_listed")
            response.drop("answer_listed")
            no_dns.drop("malformed")
            passed.append(fine)
            if judge is by_udp and replies:
                passed.append(answered.transform(_answer(domains)).transform(reply))
            else:
                answered.drop("query_listed")
    return merge(*passed)


def _udp(domains: Domains, hits: Array, replies: bool, drops_malformed: bool) -> Callable[[Packet], int]:
    """The function that judges a UDP packet."""

    def judge(packet: Packet) -> int:
        udp = packet.header
        if udp.src_port != PORT and udp.dst_port != PORT:
            return PASS
        number = domains.find(packet.payload)
        whole = len(packet.payload) + 8 == udp.length
        if number < 0:
            return NO_DNS if number < -1 and drops_malformed and whole else PASS
        hits[number] += 1
        if packet.payload[2] & RESPONSE != 0:
            return LISTED_RESPONSE
        return REPLY if replies and whole and packet.payload.u16(4) == 1 else LISTED_QUERY

    return judge


def _fragment(domains: Domains, hits: Array) -> Callable[[Packet], int]:
    """The function that judges an IP packet behind which no whole UDP or TCP header and datagram was found."""

    def judge(packet: Packet) -> int:
        ip = packet.header
        payload = packet.payload
        if ip.protocol != UDP_PROTOCOL or ip.fragment_offset != 0 or len(payload) < 8 + LEAST:
            return PASS
        if payload.u16(0) != PORT and payload.u16(2) != PORT:
            return PASS
        message = payload[8:]
        number = domains.find(message)
        if number < 0:
            return PASS
        hits[number] += 1
        return LISTED_RESPONSE if message[2] & RESPONSE != 0 else LISTED_QUERY

    return judge


def _tcp(domains: Domains, hits: Array) -> Callable[[Packet], int]:
    """The function that judges a TCP segment: messages with their length before them."""

    def judge(packet: Packet) -> int:
        tcp = packet.header
        if tcp.src_port != PORT and tcp.dst_port != PORT:
            return PASS
        begin = 2
        for _ in range(MOST_MESSAGES):
            if begin + LEAST > len(packet.payload):
                return PASS
            size = packet.payload.u16(begin - 2)
            message = packet.payload[begin : begin + size]
            number = domains.find(message)
            if number >= 0:
                hits[number] += 1
                return LISTED_RESPONSE if message[2] & RESPONSE != 0 else LISTED_QUERY
            if number < -1:
                return PASS
            begin += size + 2
        return PASS

    return judge


def _answer(domains: Domains) -> Callable[[Packet], None]:
    """The function that makes of a query the response that there is no such name."""

    def answer(packet: Packet) -> None:
        message = packet.payload
        message.resize(domains.question_end())
        message[2] = message[2] & 0x79 | RESPONSE  # the operation and RD stay
        message[3] = 0x83  # RA, and the name does not exist
        message.put_u16(6, 0)
        message.put_u32(8, 0)
        ports = packet.header
        ports.src_port, ports.dst_port = ports.dst_port, ports.src_port
        ethernet = packet[Ethernet]
        ethernet.src, ethernet.dst = ethernet.dst, ethernet.src
        packet.egress = packet.ingress

    return answer


def _reply_v4(packet: Packet) -> None:
    ip = packet[IPv4]
    ip.src, ip.dst = ip.dst, ip.src
    ip.ttl = 64


def _reply_v6(packet: Packet) -> None:
    ip = packet[IPv6]
    ip.src, ip.dst = ip.dst, ip.src
    ip.hop_limit = 64
