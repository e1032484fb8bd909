"""synproxy: the network function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.addresses import IPv4Network, IPv6Network
from wirebrick.errors import ParameterError
from wirebrick.headers import TCP, Ethernet
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.nf.synproxy.proxy import (
    ANSWERED,
    ASKED,
    BAD_COOKIE,
    GIVEN_UP,
    GROUPS,
    NO_CONNECTION,
    OPENED,
    PASSED,
    REFUSED,
    TO_CLIENT,
    TO_SERVER,
    Proxy,
)
from wirebrick.stream.graph import at_end
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report

MOST = 1 << 28  # connections
LEAST_MSS, MOST_MSS = 64, 65495


@network_function
def synproxy(
    packets: Stream,
    *,
    servers: IPv4Network | IPv6Network | None = None,
    ports: str = "80 443",
    servers_at: str = "out",
    mss: int = 1460,
    scale: int = 7,
    timestamps: bool = True,
    capacity: int = 1 << 18,
    idle: float = 7440.0,
) -> Stream:
    """Shake hands with clients by SYN cookies, before servers hear of them.

    Parameters
        ``servers``: the network whose TCP servers are protected, IPv4 or IPv6; must be given. A single one is
        192.0.2.80/32.

        ``ports``: their ports, separated by spaces; ``80 443`` where it is not given.

        ``servers_at``: the name of the port of the chain at which the servers are; ``out`` where it is not
        given.

        ``mss``: the largest segment that the servers take, 64 to 65495; 1460 where it is not given.

        ``scale``: the window scale that is announced for the servers, 0 to 14; 7 where it is not given.

        ``timestamps``: ``no``: no client gets timestamps, and so none window scaling or SACK, which a cookie
        alone has no room for; ``yes`` where it is not given. The servers must use all three then, as they do
        by default.

        ``capacity``: for how many connections each worker has room, 1 to 268,435,456; 262,144 where it is not
        given.

        ``idle``: after so many seconds without a packet a connection may give way; 7440 where it is not
        given (RFC 5382, REQ-5).

    What it does
        Answers a SYN to a protected server itself, with a sequence number that is a cookie: a keyed hash of
        addresses, ports, the client's number and the time, and what the client said of its MSS. Window scale
        and "SACK permitted" are kept in the lowest bits of the timestamp. Nothing is remembered. The window is
        0: the client may not send data yet. The ACK that brings the cookie back becomes the SYN to the
        server, as the client would have sent it; the server's SYN-ACK is acknowledged, and the client is told
        the server's window. From then on sequence numbers (those in SACK options too), timestamps and windows
        of the two handshakes are translated, both ways, and checksums follow. A flood of SYNs costs answers;
        one of ACKs a hash each; and no server sees either.

        A SYN for a connection that is open passes, so that the server can challenge it (RFC 5961, 4.2); after
        a FIN or a RST it begins another one. Data in a SYN is not taken (RFC 7413 falls back). Connections
        that were open before it starts are cut. What isn't TCP of a protected server passes unchanged, ARP and
        ICMP too; ICMP errors keep the sequence numbers that they quote. VLAN tags are looked behind.
        Several workers: both directions of a connection must come to one, which is so unless a card with
        several queues chooses.

    Drop reasons
        ``bad_cookie``: a client's segment of no connection, without a good cookie. ``no_connection``: a
        server's. ``given_up``: the client ended a connection that the server hadn't answered yet.

    State
        A table of ``capacity`` connections in each worker, of those clients that brought back their cookie. A
        new one takes the place of an idle one, or of the one of 32 that was quiet for longest. The report has
        how many SYNs were answered, and how many connections came of it.

    Example
        ``wirebrick run synproxy:servers=192.0.2.80/32,ports="80 443" --in xdp:clients --out xdp:servers``

        >>> import wirebrick
        >>> from wirebrick.headers import IPv4
        >>> ip = IPv4(src="198.51.100.1", dst="192.0.2.80", protocol=6, total_length=40)
        >>> syn = bytes(Ethernet(ethertype=0x0800)) + bytes(ip) + bytes(TCP(src_port=9, dst_port=80, seq=7, syn=1))
        >>> @network_function
        ... def seen(packets):
        ...     def out(packet):
        ...         packet.egress = "out"  # what goes back to the client can be looked at
        ...     return synproxy(packets, servers="192.0.2.0/24").transform(out)
        >>> answer = wirebrick.run(seen, rx=[syn], interpret=True).packets[0]
        >>> tcp = TCP.from_bytes(answer[34:])
        >>> tcp.syn, tcp.ack_flag, tcp.ack, tcp.window
        (1, 1, 8, 0)

    References
        RFC 4987 (SYN floods), D. J. Bernstein's SYN cookies; RFC 9293, RFC 7323, RFC 2018; Linux's SYNPROXY
        target, which works the same way.
    """
    if servers is None:
        raise ParameterError(
            "the synproxy needs servers", cure="name their network: synproxy:servers=192.0.2.80/32"
        )
    network = servers if isinstance(servers, IPv4Network | IPv6Network) else _network(servers)
    _check("mss", mss, LEAST_MSS, MOST_MSS)
    _check("scale", scale, 0, 14)
    _check("capacity", capacity, 1, MOST)
    if isinstance(idle, bool) or not isinstance(idle, int | float) or not 0 < idle <= 1e9:
        cure = "give seconds, more than 0 and at most a billion"
        raise ParameterError(f"the synproxy's idle can't be {idle!r}", cure=cure)
    proxy = Proxy(network, _ports(ports), capacity, float(idle))

    def report() -> Report:
        from wirebrick import Report

        columns = ("SYNs answered", "opened", "gave way idle", "gave way")
        row = (proxy.answered.value, proxy.opened.value, proxy.flows.expired, proxy.flows.evicted)
        return Report("connections", columns, [row])

    at_end(report)
    found = ip_packets(packets.parse(Ethernet))
    v4 = isinstance(network, IPv4Network)
    other = Stream()
    segments = (found.v4 if v4 else found.v6).parse(TCP, otherwise=other)
    groups = segments.group_by(GROUPS, proxy.sort(mss, timestamps))
    groups[BAD_COOKIE].drop("bad_cookie")
    groups[NO_CONNECTION].drop("no_connection")
    groups[GIVEN_UP].drop("given_up")
    return merge(
        groups[PASSED],
        groups[ANSWERED].transform(proxy.answer(mss, scale, timestamps)),
        groups[ASKED].transform(proxy.ask()),
        groups[OPENED].transform(proxy.open(scale, servers_at)),
        groups[REFUSED].transform(proxy.refuse()),
        groups[TO_SERVER].transform(proxy.to_server()),
        groups[TO_CLIENT].transform(proxy.to_client(scale)),
        other,
        found.v6 if v4 else found.v4,
        *found.rest,
    )


def _network(text: object) -> IPv4Network | IPv6Network:
    for kind in (IPv4Network, IPv6Network):
        try:
            return kind(str(text))
        except ValueError:
            continue
    raise ParameterError(
        f"the synproxy's servers can't be {text!r}",
        cure="give a network, such as 192.0.2.0/24 or 2001:db8::/64",
    )


def _ports(text: str) -> tuple[int, ...]:
    words = text.split()
    if not words or not all(word.isdecimal() and 1 <= int(word) <= 65535 for word in words):
        raise ParameterError(
            f"the synproxy's ports can't be {text!r}", cure='give numbers from 1 to 65535: ports="80 443"'
        )
    return tuple(dict.fromkeys(int(word) for word in words))


def _check(name: str, value: int, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        cure = f"give a whole number from {least} to {most}"
        raise ParameterError(f"the synproxy's {name} can't be {value!r}", cure=cure)
