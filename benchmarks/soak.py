"""Minutes of load with links that flap: nothing may leak, every packet is accounted for, and it works to the end.

    python -m benchmarks.soak --minutes 10 --port xdp

In a lab of network namespaces (as root): TCP and UDP load both ways through a chain; every few seconds a link goes
down and comes up, and now and then an interface is deleted and made anew. Printed each half minute, and judged at
the end: descriptors and memory of the process, packets received beside the kernel's counters, a ping at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from wirebrick.lab import Lab

SERVER = "192.0.2.2"
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def main() -> int:
    """Run it; 1 where something is wrong."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.splitlines()[0])
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--port", default="xdp", help="the kind of port: xdp, afpacket")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--remake", action="store_true", help="also delete interfaces and make them anew")
    given = options.parse_args()
    with Lab("pair") as lab:
        return soak(lab, given.port, given.minutes * 60, random.Random(given.seed), given.remake)


def soak(lab: Lab, kind: str, seconds: float, chance: random.Random, remake: bool) -> int:
    """Load and flap for ``seconds``; what was wrong, printed; 0 or 1."""
    ports = ["--in", f"{kind}:left", "--out", f"{kind}:right"]
    command = [
        sys.executable,
        "-m",
        "wirebrick",
        "run",
        "ttl",
        "monitor:top=1,capacity=4096",
        *ports,
        "--json",
    ]
    chain = lab.start("box", *command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    loads = load(lab)
    time.sleep(3)
    usage: list[tuple[int, int]] = []
    begin = told = time.monotonic()
    while time.monotonic() < begin + seconds and chain.poll() is None:
        disturb(lab, chance, remake)
        if time.monotonic() - told >= min(30, seconds / 10):
            told = time.monotonic()
            usage.append((len(os.listdir(f"/proc/{chain.pid}/fd")), resident(chain.pid)))
            print(
                f"{told - begin:6.0f} s: {usage[-1][0]} descriptors, {usage[-1][1] >> 10:,} KiB", flush=True
            )
    time.sleep(1.5)
    pinged = lab.run("client", "ping", "-q", "-c", "20", "-i", "0.05", SERVER, check=False)
    for process in loads:
        os.killpg(process.pid, signal.SIGKILL)
    time.sleep(1)
    kernel = {name: received(lab, name) for name in ("left", "right")}
    chain.send_signal(signal.SIGINT)
    out, _ = chain.communicate(timeout=30)
    totals = json.loads(out) if out else {}
    return judge(totals, chain.returncode, pinged.stdout, usage, kernel, remake)


def judge(
    totals: dict, status: int, pinged: str, usage: list[tuple[int, int]], kernel: dict[str, int], remake: bool
) -> int:
    """Print totals and what is wrong with them."""
    wrong = []
    if status != 130:
        wrong.append(f"exit status {status}")
    if " 0% packet loss" not in pinged:
        wrong.append(f"the ping at the end: {pinged}")
    if len(usage) > 2 and (usage[-1][0] > usage[0][0] or usage[-1][1] > usage[1][1] + (8 << 20)):
        wrong.append(f"it grows: {usage[0]} .. {usage[-1]}")
    for port in totals.get("ports", []):
        name = port["port"].partition(":")[2]
        counted = kernel[name]
        lost = sum(port["statistics"].get(key, 0) for key in ("rx_dropped", "rx_ring_full", "kernel_drops"))
        print(f"{name}: kernel {counted:,}, received {port['packets_in']:,}, missed {lost:,}")
        if not remake and not counted * 0.999 - 50 <= port["packets_in"] + lost <= counted * 1.001 + 50:
            wrong.append(
                f"{name}: the kernel counted {counted}, the port {port['packets_in']} and {lost} missed"
            )
    print({key: totals.get(key) for key in ("packets_in", "packets_out", "drops")})
    print(f"{len(totals.get('notices', []))} notices, such as {totals.get('notices', [])[:6]}")
    print("\n".join(["wrong:", *wrong]) if wrong else "nothing is wrong")
    return 1 if wrong else 0


def load(lab: Lab) -> list[subprocess.Popen[str]]:
    """TCP and UDP both ways, each started again when a flap ends it."""
    server = "for p in 5201 5202 5203; do (while :; do iperf3 -s -1 -p $p; done) & done; wait"
    ways = ("5201 -b 200M", "5202 -R -b 200M", "5203 -u -b 20M")
    client = "".join(f"(while :; do iperf3 -c {SERVER} -t 7 -p {way}; sleep 0.2; done) & " for way in ways)
    return [
        lab.start(host, "bash", "-c", script, start_new_session=True, **QUIET)
        for host, script in (("server", server), ("client", f"{client} wait"))
    ]


def disturb(lab: Lab, chance: random.Random, remake: bool) -> None:
    """Wait a little, then one link goes down and up, or is made anew."""
    time.sleep(chance.uniform(1, 4))
    host, name, peer = chance.choice([("client", "eth0", "left"), ("server", "eth0", "right")])
    if remake and chance.random() < 0.2:
        make_anew(lab, host, peer)
        return
    where, what = chance.choice([(host, name), ("box", peer)])
    lab.run(where, "ip", "link", "set", what, "down")
    time.sleep(chance.uniform(0.05, 1))
    lab.run(where, "ip", "link", "set", what, "up")


def make_anew(lab: Lab, host: str, peer: str) -> None:
    """Delete a link between a host and the box, and make it again with the same addresses."""
    number = "1" if host == "client" else "2"
    lab.run("box", "ip", "link", "del", peer)
    time.sleep(0.7)
    lab.run(
        host, "ip", "link", "add", "eth0", "type", "veth", "peer", "name", peer, "netns", lab.namespace("box")
    )
    lab.run(host, "ip", "addr", "add", f"192.0.2.{number}/24", "dev", "eth0")
    lab.run(host, "ip", "link", "set", "eth0", "up")
    lab.run("box", "ip", "link", "set", peer, "up")
    for other in ("client", "server"):
        lab.run(other, "ip", "neigh", "flush", "all", check=False)


def resident(process: int) -> int:
    """Bytes of memory a process has."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def received(lab: Lab, interface: str) -> int:
    """Packets that an interface of the box has received, as the kernel counts."""
    found = json.loads(lab.run("box", "ip", "-j", "-s", "link", "show", interface).stdout)
    return int(found[0]["stats64"]["rx"]["packets"])


if __name__ == "__main__":
    sys.exit(main())
