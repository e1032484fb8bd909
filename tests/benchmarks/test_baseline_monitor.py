"""The C monitor counts and follows what the NF does: flows, states of connections, round trips."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from benchmarks.experiments.monitor import c_monitor
from benchmarks.harness.baseline import Baseline
from traffic_of_all_kinds import frames

import wirebrick
from wirebrick.nf.monitor import monitor
from wirebrick.nf.monitor.connections import STATES
from wirebrick.nf.monitor.handshake import BUCKETS, percentiles

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="the baselines need gcc")
CAPTURE = Path(__file__).parents[2] / "captures" / "mixed.pcap"


def of_c(packets: list[bytes]) -> tuple[Counter, Counter, np.ndarray]:
    """Packets and bytes of all flows as a multiset, states of connections, histograms."""
    nf = c_monitor(5000)
    baseline = Baseline([nf])
    for first in range(0, len(packets), baseline.burst):
        burst = packets[first : first + baseline.burst]
        assert baseline.process(burst) == burst
    memory, connections, _, trips = nf.keeps
    flows = (
        memory[nf.state[0] - memory.ctypes.data :][: 64 * (nf.state[1] + 1)].view(np.uint64).reshape(-1, 8)
    )
    taken = connections[nf.state[5] - connections.ctypes.data :][: 128 * (nf.state[6] + 1)].reshape(-1, 128)
    counted = Counter((int(row[5]), int(row[6])) for row in flows if row[4])
    return counted, Counter(int(row[72]) for row in taken if row[32:40].any()), trips


def test_the_same_flows_states_and_round_trips(tmp_path: Path) -> None:
    """Of the bundled capture, and of made traffic; times of packets are those of one burst in C: zero apart."""
    from scapy.utils import RawPcapReader

    out = tmp_path / "flows.csv"
    for packets in ([raw for raw, _ in RawPcapReader(str(CAPTURE))], frames(4000, 3) * 2):
        result = wirebrick.run(monitor(out=out), rx=[(10**18, raw) for raw in packets])
        counted, states, trips = of_c(packets)
        rows = csv.DictReader(out.read_text().splitlines())
        assert counted == Counter((int(row["packets"]), int(row["bytes"])) for row in rows)
        reports = {report.title.partition(" ")[2]: report.rows for _, report in result.reports}
        assert {STATES[state]: count for state, count in states.items()} == dict(
            reports["TCP connections by state"]
        )
        assert trips[0] == trips.reshape(3, BUCKETS)[2].sum()
        handshakes = next(report.title for _, report in result.reports if "round trips" in report.title)
        assert f"of {trips[0]} handshakes" in handshakes
        assert percentiles(trips[:BUCKETS].tolist()) in ([], [0.0] * 4)
