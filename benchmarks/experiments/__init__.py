"""The experiments, one a file, each with ``rows(options)``: what it measures, as it comes."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from benchmarks.harness.options import Options
from benchmarks.harness.row import Row

EXPERIMENTS = {
    "rx": "receiving alone: what both sides do before any network function (for information)",
    "ttl": "ttl beside C",
    "macswap": "macswap beside C",
    "chain": "1, 2, 4 and 8 ttl in a row beside a C chain that calls each through a pointer",
    "capture": "wirebrick run ttl, from a capture in the page cache to one on tmpfs: speed and memory",
    "startup": "how long small uses of the command take",
    "firewall": "10, 100 and 1000 rules beside a linear scan in C (for information)",
    "conntrack": "firewall with connections, 1k to 1M of them, beside C",
    "maglev": "100 backends by three deliveries, 1k to 1M connections, beside C with the same tables",
    "maglev_disruption": "the Maglev paper's figures 11 and 12: how even tables are, and what failures change",
    "monitor": "monitor with its defaults, 1k, 100k and 1M flows of UDP and TCP, beside C",
    "nat": "1k, 100k and 1M sessions that leave, beside C with the same structures",
    "blocklist": "a million prefixes, 1k to 1M flows, beside the same search in C",
    "table": "a table updated for each packet, 1k to 8M flows, beside open addressing with prefetch in C",
    "patterns": "944 literals in payloads of 64-byte and IMIX frames, beside Hyperscan called from C",
    "ids": "ids with 944 rules of one content, 64-byte packets and IMIX, beside Hyperscan called from C",
    "window": "1,000 interleaved TCP streams with 2 % reordering and 1 % duplicates, put in order",
    "consistency": "Strict against Partitioned, with one worker and two (for information)",
    "shuffle": "a ring between two workers, alone and in a run",
    "hold": "packets that wait, beside the same chain without; link, shaper, policer (for information)",
    "workers": "two workers against one, on independent flows",
    "veth_xdp": "macswap on xdp: beside dpdk-testpmd on net_af_xdp, over a veth pair (as root)",
    "veth_afpacket": "macswap on afpacket: beside dpdk-testpmd on net_af_packet, over a veth pair (as root)",
    "latency": "from one veth pair to another through macswap, testpmd, a bridge (as root)",
    "idle": "the processor time of a chain between two interfaces on which nothing comes (as root)",
    "dpdk": "macswap on a device of DPDK's that makes packets from nothing, beside dpdk-testpmd",
    "interpreter": "the same network functions in plain CPython (for information)",
}


def measure(name: str, options: Options) -> Iterator[Row]:
    """The rows of an experiment. Raises BenchmarkError."""
    module = importlib.import_module(f"{__name__}.{name}")
    rows: Iterator[Row] = module.rows(options)
    return rows
