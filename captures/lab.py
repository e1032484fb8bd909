"""The network that the capture is made in: namespaces, addresses, and the removal of all of it.

    host "lan"  --- untagged ------------.                      (all on one trunk, which is captured)
    host "vlan" --- 802.1Q 100 ----------+--- trunk --- router --- server
    host "qinq" --- 802.1ad 200 + 30 ----'

All addresses are from the ranges for documentation: RFC 5737 (IPv4), RFC 3849 (IPv6), RFC 9542 (MAC).
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

PREFIX = "wbcap"
HERE = Path(__file__).parent

# name: host IPv4, router IPv4, prefix length, host IPv6, router IPv6 (/64), last octet of the MAC addresses
SEGMENT_ADDRESSES = {
    "lan": (("192.0.2.10", "192.0.2.11"), "192.0.2.1", 25, "2001:db8:1::10", "2001:db8:1::1", 0x10),
    "vlan": (("198.51.100.10",), "198.51.100.1", 25, "2001:db8:64::10", "2001:db8:64::1", 0x20),
    "qinq": (("198.51.100.140",), "198.51.100.129", 25, "2001:db8:c8::10", "2001:db8:c8::1", 0x30),
}
# ssh, the VXLAN tunnel's end, DNS, web, iperf3: 203.0.113.N and 2001:db8:ff::N
SERVER_HOSTS = (22, 42, 53, 80, 90)
FORWARDING = ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
NO_ICMP_LIMIT = ("net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0")


class LabError(Exception):
    """A command of the set-up failed; the message says which one, and what it wrote."""


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 15.0) -> None:
    """Return as soon as ``condition`` holds; raise `LabError` naming ``what`` after ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise LabError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.05)


class Lab:
    """Namespaces named after this process; a context manager that removes them, and all that runs in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._spaces: list[str] = []
        self._processes: list[subprocess.Popen[str]] = []
        self._abandoned = False

    def __enter__(self) -> "Lab":
        remove_leftovers()
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            stop(process)
        for space in self._spaces:
            remove_space(space)

    def space(self, name: str) -> str:
        """Return the full name of the namespace ``name``."""
        return f"{PREFIX}-{os.getpid()}-{name}"

    def run(self, name: str, *command: str, timeout: float = 40.0, check: bool = True) -> str:
        """Run ``command`` in the namespace ``name`` and return its output; `LabError` when it fails."""
        if self._abandoned:
            raise LabError("given up, because something else failed")
        return execute(["ip", "netns", "exec", self.space(name), *command], timeout, check)

    def ip(self, name: str, *arguments: str) -> str:
        """Run ``ip`` for the namespace ``name``."""
        return execute(["ip", "-n", self.space(name), *arguments])

    def start(
        self, name: str, *command: str, stdin: int = subprocess.DEVNULL, stdout: int | None = None
    ) -> subprocess.Popen[str]:
        """Start a program in the namespace ``name``; it is stopped with the lab.

        What it writes goes to a log in the lab's folder; its output to ``stdout`` instead, if that is given.
        """
        with (self.folder / f"{Path(command[0]).name}-{len(self._processes)}.log").open("w") as log:
            process = subprocess.Popen(
                ["ip", "netns", "exec", self.space(name), *command],
                stdin=stdin,
                stdout=log if stdout is None else stdout,
                stderr=log,
                text=True,
            )
        self._processes.append(process)
        return process

    def build(self, seed: int) -> subprocess.Popen[str]:
        """Make namespaces and addresses, with the hosts' links still down; return the trunk's process."""
        for name in (*SEGMENT_ADDRESSES, "router", "server", "span"):
            execute(["ip", "netns", "add", self.space(name)])
            self._spaces.append(self.space(name))
            self.ip(name, "link", "set", "lo", "up")
        self.run("router", "sysctl", "-qw", *FORWARDING)
        for name in ("router", "server"):
            self.run(name, "sysctl", "-qw", *NO_ICMP_LIMIT)
        trunk = self.start("span", sys.executable, str(HERE / "trunk.py"), str(seed), stdout=subprocess.PIPE)
        if trunk.stdout is None or trunk.stdout.readline().strip() != "ready":
            raise LabError("the trunk did not start; is /dev/net/tun there?")
        self.run("span", "sysctl", "-qw", "net.ipv6.conf.span.disable_ipv6=1")
        self.ip("span", "link", "set", "span", "mtu", "1600", "up")
        self._join_server()
        for name in SEGMENT_ADDRESSES:
            self._join_segment(name)
        return trunk

    def _join_server(self) -> None:
        self.ip("router", "link", "add", "srv0", "type", "veth", "peer", "name", "srv1")
        self.ip("router", "link", "set", "srv1", "netns", self.space("server"), "name", "eth0")
        self.ip("router", "addr", "add", "203.0.113.1/24", "dev", "srv0")
        self.ip("router", "addr", "add", "2001:db8:ff::1/64", "dev", "srv0", "nodad")
        for host in SERVER_HOSTS:
            self.ip("server", "addr", "add", f"203.0.113.{host}/24", "dev", "eth0")
            self.ip("server", "addr", "add", f"2001:db8:ff::{host}/64", "dev", "eth0", "nodad")
        self.ip("router", "link", "set", "srv0", "up")
        self.ip("server", "link", "set", "eth0", "up")
        self.ip("server", "route", "add", "default", "via", "203.0.113.1")
        self.ip("server", "route", "add", "default", "via", "2001:db8:ff::1")

    def _join_segment(self, name: str) -> None:
        _, gateway, length, _, gateway6, mac = SEGMENT_ADDRESSES[name]
        self.ip("span", "link", "set", f"{name}-far", "address", f"00:00:5e:00:53:{mac + 1:02x}")
        self.ip("span", "link", "set", f"{name}-near", "address", f"00:00:5e:00:53:{mac:02x}")
        self.ip("span", "link", "set", f"{name}-far", "netns", self.space("router"), "name", name)
        self.ip("span", "link", "set", f"{name}-near", "netns", self.space(name), "name", "eth0")
        self.ip("router", "addr", "add", f"{gateway}/{length}", "dev", name)
        self.ip("router", "addr", "add", f"{gateway6}/64", "dev", name)

    def bring_up(self) -> None:
        """Set the captured links up; duplicate address detection (RFC 4862) makes the first packets."""
        for name, (hosts, gateway, length, host6, gateway6, _) in SEGMENT_ADDRESSES.items():
            self.ip("router", "link", "set", name, "up")
            for host in hosts:
                self.ip(name, "addr", "add", f"{host}/{length}", "dev", "eth0")
            self.ip(name, "addr", "add", f"{host6}/64", "dev", "eth0")
            self.ip(name, "link", "set", "eth0", "up")
            self.ip(name, "route", "add", "default", "via", gateway)
            self.ip(name, "route", "add", "default", "via", gateway6)
        for name in (*SEGMENT_ADDRESSES, "router"):
            wait_until(partial(self._addresses_ready, name), f"the IPv6 addresses of {name}")

    def _addresses_ready(self, name: str) -> bool:
        return not self.ip(name, "-6", "addr", "show", "tentative")

    def abandon(self) -> None:
        """Kill what the hosts run and refuse to run more, so that their threads end at once."""
        self._abandoned = True
        for name in SEGMENT_ADDRESSES:
            kill_inside(self.space(name))

    def listens(self, name: str, port: int) -> bool:
        """Return whether a program in the namespace ``name`` listens on TCP ``port``."""
        return bool(self.run(name, "ss", "-Hltn", f"sport = :{port}"))


def execute(command: Sequence[str], timeout: float = 40.0, check: bool = True) -> str:
    """Run ``command`` and return its output; `LabError` when it fails or takes over ``timeout`` seconds."""
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL, check=False
        )
    except subprocess.TimeoutExpired:
        if check:
            raise LabError(f"no end after {timeout:g} s: {' '.join(command)}") from None
        return ""
    if check and done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise LabError(f"exit status {done.returncode}: {' '.join(command)}: {said}")
    return done.stdout.decode(errors="replace")


def stop(process: subprocess.Popen[str]) -> str:
    """End ``process``, by force after five seconds; return what it wrote to its pipe, if it has one."""
    if process.poll() is None:
        process.terminate()
    try:
        output, _ = process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    except ValueError:  # its pipe was read and closed before
        output = ""
    return output or ""


def kill_inside(space: str) -> None:
    """Kill what runs in the namespace ``space``: only programs started for the capture can be there."""
    for process in execute(["ip", "netns", "pids", space], check=False).split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(process), signal.SIGKILL)


def remove_space(space: str) -> None:
    """Kill what still runs in the namespace ``space`` (children of daemons), then delete it."""
    kill_inside(space)
    execute(["ip", "netns", "delete", space], check=False)


def remove_leftovers() -> None:
    """Remove the namespaces and folders of earlier runs that were killed before they could clean up."""
    for line in execute(["ip", "netns", "list"]).splitlines():
        space = line.split()[0]
        if _is_left_over(space):
            remove_space(space)
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}-*"):
        if _is_left_over(folder.name):
            shutil.rmtree(folder, ignore_errors=True)


def _is_left_over(name: str) -> bool:
    prefix, _, rest = name.partition("-")
    process = rest.partition("-")[0]
    return prefix == PREFIX and process.isdigit() and not Path("/proc", process).exists()
