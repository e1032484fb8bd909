"""What the hosts do: real programs, one function a kind of traffic, one list of them for each host."""

import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial

from lab import Lab, LabError, stop, wait_until

TYPED = """uname -s
date -u +%Y-%m-%d
seq 1 40
for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done
ls /usr/share | head -60
echo $((6 * 7)) and some more words to make a longer line of typing
cat /etc/services | head -80
printf 'the end of a long session\\n'
exit
"""
BEST_EFFORT = False  # for commands whose failure is what we want (refused, timed out, nobody there)


def web(
    lab: Lab, host: str, address: str, *pages: str, scheme: str = "http", extra: tuple[str, ...] = ()
) -> None:
    """Fetch ``pages`` over one connection (HTTP/1.1, kept alive) from ``address``."""
    port = {"http": 80, "https": 443}[scheme]
    numeric = f"[{address}]" if ":" in address else address
    name = "www.example.com"
    urls = [part for page in pages for part in (f"{scheme}://{name}/{page}", "-o", "/dev/null")]
    lab.run(host, "curl", "-sSk", "--resolve", f"{name}:{port}:{numeric}", *extra, *urls)


def dns(lab: Lab, host: str, server: str, *queries: str) -> None:
    """Ask ``server`` each of ``queries`` (name and type, and options of dig)."""
    for query in queries:
        lab.run(host, "dig", f"@{server}", "+tries=4", "+timeout=1", *query.split())


def iperf(lab: Lab, host: str, address: str, port: int, *options: str) -> None:
    """Run one iperf3 test with a server of its own; again if the datagram that opens a UDP test was lost.

    The server is bound to ``address``: it would answer UDP from the first address of its host otherwise.
    """
    for _ in range(4):
        server = lab.start("server", "iperf3", "-s", "-1", "-B", address, "-p", str(port))
        try:
            wait_until(partial(lab.listens, "server", port), "iperf3")
            lab.run(host, "iperf3", "-c", address, "-p", str(port), *options, timeout=12)
            return
        except LabError as error:
            failure = error
        finally:
            stop(server)
    raise failure


def ping(lab: Lab, host: str, target: str, count: int, *options: str, check: bool = True) -> None:
    """Send ``count`` echo requests, twenty a second."""
    paced = ("-n", "-q", "-c", str(count), "-i", "0.05", "-W", "1")
    lab.run(host, "ping", *paced, *options, target, check=check)


def traceroutes(lab: Lab, host: str, target: str) -> None:
    """Trace the way with UDP (ends in port unreachable) and with ICMP echo."""
    lab.run(host, "traceroute", "-n", "-w", "1", target)
    lab.run(host, "traceroute", "-n", "-w", "1", "-I", target)


def refused(lab: Lab, host: str, target: str, *ports: int) -> None:
    """Knock at TCP ports where nobody listens, such as telnet's."""
    for port in ports:
        lab.run(host, "nc", "-z", "-w", "2", target, str(port), check=BEST_EFFORT)


def ssh_session(lab: Lab) -> None:
    """Type into a shell on the server, key by key, as a person would: many small segments for a long time."""
    session = lab.start(
        "lan", "ssh", "-tt", "-F", "none", "-i", f"{lab.folder}/user_key", "-o", "StrictHostKeyChecking=no",
        "-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
        "root@203.0.113.22", stdin=subprocess.PIPE,
    )  # fmt: skip
    if session.stdin is None:
        raise LabError("ssh has no standard input")
    time.sleep(2)
    for number, key in enumerate(TYPED):
        session.stdin.write(key)
        session.stdin.flush()
        time.sleep(0.6 if key == "\n" else 0.02 + 0.01 * (number % 5))
    session.stdin.close()
    try:
        status = session.wait(timeout=20)
    except subprocess.TimeoutExpired:
        raise LabError("the ssh session did not end") from None
    if status:
        raise LabError(f"the ssh session ended with status {status}")


def lan(lab: Lab) -> None:
    """The untagged host: a bit of everything."""
    names = ("www.example.com A", "www.example.com AAAA", "web.example.com A", "example.com MX")
    dns(lab, "lan", "203.0.113.53", *names)
    web(lab, "lan", "203.0.113.80", "index.html", "about.html", "news.html", "manual.html")
    web(lab, "lan", "2001:db8:ff::80", "index.html", "about.html", "news.html", "missing.html")
    web(lab, "lan", "203.0.113.80", "moved", extra=("-L", "--interface", "192.0.2.11"))
    web(lab, "lan", "2001:db8:ff::80", "about.html", "news.html", scheme="https")
    web(lab, "lan", "203.0.113.80", "upload", extra=("-d", "field=" + "value" * 900))
    ping(lab, "lan", "203.0.113.80", 60)
    ping(lab, "lan", "2001:db8:ff::80", 40)
    ping(lab, "lan", "203.0.113.53", 5, "-R")  # IPv4 option: record route
    ping(lab, "lan", "203.0.113.53", 4, "-T", "tsandaddr")  # IPv4 option: timestamps
    ping(lab, "lan", "203.0.113.80", 6, "-Q", "0xb8", "-s", "1400")  # DSCP EF
    ping(lab, "lan", "203.0.113.80", 12, "-s", "3000")  # three IPv4 fragments each way
    ping(lab, "lan", "2001:db8:ff::80", 5, "-s", "3000")  # IPv6 fragment headers
    ping(lab, "lan", "203.0.113.80", 4, "-t", "1", check=BEST_EFFORT)  # time exceeded, from the router
    ping(lab, "lan", "2001:db8:ff::80", 4, "-t", "1", check=BEST_EFFORT)
    ping(lab, "lan", "192.0.2.99", 3, check=BEST_EFFORT)  # nobody answers this ARP request
    traceroutes(lab, "lan", "203.0.113.80")
    traceroutes(lab, "lan", "2001:db8:ff::80")
    refused(lab, "lan", "203.0.113.80", 23, 25, 445)
    dns(lab, "lan", "203.0.113.53", *(f"host{number}.example.com A" for number in range(20)))


def bulk(lab: Lab) -> None:
    """iperf3 from the untagged host: TCP in both directions and over IPv6, then UDP in both directions."""
    iperf(lab, "lan", "203.0.113.90", 5201, "-n", "80K", "-l", "4K")
    iperf(lab, "lan", "203.0.113.90", 5201, "-n", "50K", "-l", "4K", "-R")
    iperf(lab, "lan", "2001:db8:ff::90", 5201, "-n", "40K", "-l", "4K", "-P", "2")
    iperf(lab, "lan", "203.0.113.90", 5201, "-u", "-b", "400K", "-n", "40K", "-l", "64")
    iperf(lab, "lan", "2001:db8:ff::90", 5201, "-u", "-b", "400K", "-n", "12K", "-l", "64", "-R")


def vlan(lab: Lab) -> None:
    """The host in VLAN 100; also one end of a VXLAN tunnel, whose UDP checksums are zero."""
    web(lab, "vlan", "203.0.113.80", "index.html", "news.html")
    web(lab, "vlan", "2001:db8:ff::80", "about.html")
    dns(lab, "vlan", "2001:db8:ff::53", "www.example.com AAAA", "long.example.com TXT +bufsize=512",
        "+tcp ssh.example.com A", "nothing.example.com A", "_ssh._tcp.example.com SRV")  # fmt: skip
    ping(lab, "vlan", "203.0.113.80", 40)
    ping(lab, "vlan", "2001:db8:ff::80", 40)
    ping(lab, "vlan", "203.0.113.80", 3, "-s", "3000")
    ping(lab, "vlan", "203.0.113.250", 2, check=BEST_EFFORT)  # host unreachable, from the router
    iperf(lab, "vlan", "203.0.113.90", 5202, "-u", "-b", "300K", "-n", "20K", "-l", "64")
    iperf(lab, "vlan", "203.0.113.90", 5202, "-n", "30K", "-l", "2K")
    tunnel(lab, "vlan", "198.51.100.10", "203.0.113.42", "192.0.2.130/25")
    tunnel(lab, "server", "203.0.113.42", "198.51.100.10", "192.0.2.131/25")
    ping(lab, "vlan", "192.0.2.131", 15)
    refused(lab, "vlan", "203.0.113.22", 23)


def tunnel(lab: Lab, host: str, local: str, remote: str, address: str) -> None:
    """Make one end of a VXLAN tunnel (RFC 7348) without IPv6, which would chatter inside it."""
    ends = ("local", local, "remote", remote, "dstport", "4789", "noudpcsum")
    lab.ip(host, "link", "add", "vx0", "type", "vxlan", "id", "42", *ends)
    lab.run(host, "sysctl", "-qw", "net.ipv6.conf.vx0.disable_ipv6=1")
    lab.ip(host, "addr", "add", address, "dev", "vx0")
    lab.ip(host, "link", "set", "vx0", "up")


def qinq(lab: Lab) -> None:
    """The host behind two tags."""
    ping(lab, "qinq", "203.0.113.80", 30)
    ping(lab, "qinq", "2001:db8:ff::80", 15)
    web(lab, "qinq", "203.0.113.80", "about.html", "index.html")
    web(lab, "qinq", "2001:db8:ff::80", "index.html")
    dns(lab, "qinq", "203.0.113.53", "www.example.com A", "+tcp example.com TXT")
    traceroutes(lab, "qinq", "203.0.113.80")
    refused(lab, "qinq", "203.0.113.80", 23)


HOSTS: tuple[Callable[[Lab], None], ...] = (ssh_session, lan, bulk, vlan, qinq)


def run_all(lab: Lab) -> None:
    """Let all hosts work at the same time; at the first failure stop all of them and raise it."""
    with ThreadPoolExecutor(len(HOSTS)) as pool:
        work = [pool.submit(host, lab) for host in HOSTS]
        try:
            for done in as_completed(work):
                done.result()
        except BaseException:  # an interruption too: leaving the pool waits for its threads
            lab.abandon()
            raise
