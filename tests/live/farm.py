"""A load balancer between a client and three HTTP servers: the lab ``farm``, a ``wirebrick run maglev`` in its box."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from wirebrick.lab import Lab

SERVERS = ("one", "two", "three")
VIP, VIP6 = "192.0.2.100", "2001:db8::100"
MAC = "02:57:42:00:00:02"  # of box.left, in every lab of this topology

SERVER = """
import http.server, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self):
        parts, pause = (int(self.path[6:]), 0.1) if self.path.startswith("/slow/") else (1, 0.0)
        self.send_response(200)
        self.end_headers()
        for part in range(parts):
            self.wfile.write(f"{sys.argv[1]} {part}\\n".encode().ljust(1000))
            self.wfile.flush()
            time.sleep(pause)
        self.wfile.write(b"end\\n")

    def log_message(self, *words):
        pass

class Server(http.server.ThreadingHTTPServer):
    import socket
    address_family = socket.AF_INET6  # of both versions
    request_queue_size = 128

    def handle_error(self, *words):
        pass  # connections that the tests break

Server(("::", 80), Handler).serve_forever()
"""

FETCH = """
import http.client, sys, threading

def fetch(number):
    body = b""
    try:
        connection = http.client.HTTPConnection(sys.argv[1], 80, timeout=8)
        connection.request("GET", sys.argv[2])
        answer = connection.getresponse()
        body = b""
        while part := answer.read1():
            body += part
        whole = body.endswith(b"end\\n")
    except (OSError, http.client.HTTPException):
        whole = False
    name = body.split()[0].decode() if body else "?"
    sys.stdout.write(f"{name} {whole}\\n")

threads = [threading.Thread(target=fetch, args=(number,)) for number in range(int(sys.argv[3]))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def config(delivery: str, *backends: str, own: str = "", more: str = "", check: str = "") -> str:
    """A configuration: the service on TCP port 80 of both versions, with these servers."""
    text = (
        f'[balancer]\nmac = "{MAC}"\naddress = "192.0.2.10"\naddress6 = "2001:db8::10"\ntable = 251\n{own}\n'
    )
    for vip, net in ((VIP, "192.0.2."), (VIP6, "2001:db8::")):
        text += f'[[vip]]\naddress = "{vip}"\nports = 80\ndelivery = "{delivery}"\n'
        text += f"[vip.check]\n{check}\n" if check else ""
        for name in backends:
            text += f'[[vip.backend]]\nname = "{name}"\naddress = "{net}{11 + SERVERS.index(name)}"\n{more}\n'
    return text


class Farm:
    """The lab with its servers, and the balancer in its box, for a ``with`` block.

    In the box a Linux bridge joins the servers; the balancer stands between it and the client.
    """

    def __init__(self, folder: Path, text: str, *options: str, neighbours: bool = True) -> None:
        self.lab = Lab("farm")
        self.path = folder / "lb.toml"
        self._options = options
        self._neighbours = neighbours
        self.balancer: subprocess.Popen[str] | None = None
        self.servers: dict[str, subprocess.Popen[str]] = {}
        self.write(text)

    def write(self, text: str) -> None:
        """Put a configuration in place, in one step."""
        fresh = self.path.with_suffix(".new")
        fresh.write_text(text)
        os.replace(fresh, self.path)

    def __enter__(self) -> Farm:
        self.lab.__enter__()
        try:
            self._join()
            for name in SERVERS:
                self.serve(name)
            self.begin()
        except BaseException:
            self.lab.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lab.__exit__(kind, error, trace)

    def _join(self) -> None:
        """The bridge, with an address of the box for health checks."""
        run = self.lab.run
        run("box", "ip", "link", "add", "br0", "type", "bridge")
        run("box", "ip", "link", "add", "right", "type", "veth", "peer", "name", "inner")
        for name in (*SERVERS, "inner"):
            run("box", "ip", "link", "set", name, "master", "br0", "up")
        for name in ("br0", "right"):
            run("box", "ip", "link", "set", name, "up")
        for name in ("right", "inner"):
            run("box", "ethtool", "-K", name, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
        run("box", "ip", "address", "add", "192.0.2.9/24", "dev", "br0")
        run("box", "sysctl", "-qw", "net.ipv6.conf.br0.accept_dad=0", "net.ipv6.conf.br0.disable_ipv6=0")
        run("box", "ip", "address", "add", "2001:db8::9/64", "dev", "br0", "nodad")
        if not self._neighbours:  # the client has to ask for the service
            run("client", "ip", "neigh", "flush", "all", "nud", "permanent")

    def serve(self, name: str) -> None:
        """Start a server."""
        self.servers[name] = self.lab.start(name, sys.executable, "-c", SERVER, name)
        end = time.monotonic() + 10
        while not self.lab.run(name, "ss", "-Hltn", "sport = :80").stdout:
            assert time.monotonic() < end, f"{name} does not listen"
            time.sleep(0.02)

    def begin(self) -> None:
        """Start the balancer and wait until the service answers."""
        command = [sys.executable, "-m", "wirebrick", "run", f"maglev:config={self.path},capacity=1000"]
        command += ["--in", "xdp:left", "--out", "xdp:right", "--json", *self._options]
        self.balancer = self.lab.start(
            "box", *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        end = time.monotonic() + 120
        while not all(self.fetch(vip) != ["? False"] for vip in (VIP, VIP6)):
            if time.monotonic() > end or self.balancer.poll() is not None:
                self.balancer.kill()
                raise AssertionError(f"nothing answers: {self.balancer.communicate()}")
            time.sleep(0.1)

    def start(self, vip: str, path: str, count: int) -> subprocess.Popen[str]:
        """Begin downloads at the client, all at once."""
        return self.lab.start(
            "client", sys.executable, "-c", FETCH, vip, path, str(count), stdout=subprocess.PIPE, text=True
        )

    def fetch(self, vip: str, path: str = "/", count: int = 1) -> list[str]:
        """Who answered each of some downloads, and whether it was whole."""
        return self.start(vip, path, count).communicate(timeout=60)[0].split("\n")[:-1]

    def connections(self) -> int:
        """How many the client has."""
        found = self.lab.run("client", "ss", "-Htn", "state", "established", "dport = :80").stdout
        return len(found.splitlines())

    def until(self, right: Any, seconds: float = 15.0) -> None:
        """Wait for something to be so."""
        end = time.monotonic() + seconds
        while not right():
            assert time.monotonic() < end, "it does not become so"
            time.sleep(0.1)

    def stop(self) -> dict[str, Any]:
        """End the balancer; what ``--json`` printed: packets have exactly one fate."""
        assert self.balancer is not None
        self.balancer.send_signal(signal.SIGINT)
        out, errors = self.balancer.communicate(timeout=20)
        assert self.balancer.returncode == 130, errors
        totals: dict[str, Any] = json.loads(out)
        fates = totals["packets_out"] + totals["packets_dropped"] + totals["packets_held"]
        assert totals["packets_in"] + totals["packets_copied"] + totals["packets_made"] == fates
        return totals
