"""Snapshots of a run: in the end the totals, on the way no stop; and how busy workers are."""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path

import pytest

import wirebrick
from wirebrick.cli.rates import Recent, rates
from wirebrick.runtime.live import Snapshot, WorkerState
from wirebrick.runtime.progress import Progress
from wirebrick.runtime.result import NFTotals, PortTotals

CAPTURE = Path(__file__).parents[2] / "captures" / "mixed.pcap"


@pytest.mark.parametrize("interpret", [True, False])
@pytest.mark.parametrize("workers", [1, 2])
def test_the_last_snapshot_has_the_totals(interpret: bool, workers: int) -> None:
    seen: list[Progress] = []
    result = wirebrick.run(
        [f"firewall:rules={CAPTURE.with_name('demo.acl')}", "ttl"],
        CAPTURE,
        "null:",
        interpret=interpret,
        workers=workers,
        progress=seen.append,
    )
    last = seen[-1].snapshot
    assert last is not None
    assert list(last.nfs) == result.nfs
    assert list(last.ports) == result.ports
    assert last.drops == result.drops
    assert sum(worker.packets for worker in last.workers) >= result.packets_in
    assert not any(worker.running for worker in last.workers)
    assert last.load(last) == [0.0] * workers


def test_packets_without_a_way_out_are_drops() -> None:
    seen: list[Progress] = []
    wirebrick.run(
        "macswap",
        ports={"a": "memory:count=5", "b": "memory:count=5", "c": "memory:count=5"},
        progress=seen.append,
    )
    last = seen[-1].snapshot
    assert last is not None
    assert last.drops == {"chain.no_egress": 15}


def loads(poll: str, source: str, seconds: float = 0.8) -> list[float]:
    """How busy the worker was between snapshots."""
    seen: list[Progress] = []
    stop = threading.Event()
    threading.Timer(seconds, stop.set).start()
    wirebrick.run("macswap", source, "null:", progress=seen.append, poll=poll, stop=stop, count=10**12)
    found = [one.snapshot for one in seen if one.snapshot is not None]
    return [later.load(earlier)[0] for earlier, later in itertools.pairwise(found[:-1])]


@pytest.mark.parametrize("poll", ["adaptive", "busy"])
def test_a_worker_that_always_has_packets_is_busy(poll: str) -> None:
    found = loads(poll, "memory:")
    assert len(found) > 2
    assert min(found) > 0.95


@pytest.mark.parametrize("poll", ["adaptive", "busy"])
def test_a_worker_that_only_waits_is_not(poll: str) -> None:
    """All packets are of one flow, and one worker takes long over them: the other has nothing to do."""
    seen: list[Progress] = []
    wirebrick.run(
        "delay:cycles=4000000", [bytes(60)] * 600, "null:", workers=2, poll=poll, progress=seen.append
    )
    found = [one.snapshot for one in seen if one.snapshot is not None]
    both = [one for one in found if all(worker.running for worker in one.workers)]
    busy = both[-1].load(both[1])
    assert sorted(share > 0.5 for share in busy) == [False, True]
    assert min(busy) < 0.1


def snapshot(at: float, packets: int, *, idle: int = 0, waited: float = 0.0, drops: int = 0) -> Snapshot:
    return Snapshot(
        elapsed_s=at,
        cycles=int(at * 1000),
        ports=(PortTotals("in", "memory:", packets, 100 * packets, 0, 0, {}),),
        nfs=(NFTotals("ttl", packets, packets - drops, drops, 0),),
        drops={"ttl.ttl_expired": drops} if drops else {},
        workers=(WorkerState(0, packets, idle, waited, "", True),),
    )


def test_rates() -> None:
    found = rates(snapshot(1.0, 100), snapshot(3.0, 300, idle=500, waited=0.5, drops=10))
    assert (found.ports[0].in_pps, found.ports[0].in_bps, found.ports[0].out_pps) == (100.0, 80_000.0, 0.0)
    assert (found.nfs[0].in_pps, found.nfs[0].out_pps, found.nfs[0].dropped_pps) == (100.0, 95.0, 5.0)
    assert found.drops == {"ttl.ttl_expired": 5.0}
    assert found.workers[0].load == pytest.approx(0.5)  # a quarter of the time idle, a quarter in a pipe


def test_counts_that_run_backwards_give_no_negative_rates() -> None:
    found = rates(snapshot(1.0, 100), snapshot(2.0, 90))
    assert found.ports[0].in_pps == 0.0
    assert rates(snapshot(1.0, 100), snapshot(1.0, 100)).ports[0].in_pps == 0.0


def test_rates_are_those_of_the_last_second() -> None:
    recent = Recent()
    assert recent.add(snapshot(0.0, 0)).ports[0].in_pps == 0.0
    for tenth in range(1, 40):
        now = tenth / 10
        found = recent.add(snapshot(now, tenth * 10 if tenth <= 20 else 200))
    assert found.ports[0].in_pps == 0.0
    assert len(recent._seen) <= 12


def test_a_snapshot_is_quick() -> None:
    """Some times a second it is taken in the thread that watches the workers."""
    seen: list[Progress] = []
    spent: list[float] = []
    from wirebrick.runtime.live import Snapshots

    inner = Snapshots.take

    def take(self, elapsed: float) -> Snapshot:
        start = time.thread_time()
        found = inner(self, elapsed)
        spent.append(time.thread_time() - start)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Snapshots, "take", take)
        wirebrick.run(["ttl"] * 5, "memory:", "null:", duration=0.5, progress=seen.append)
    assert sorted(spent)[len(spent) // 2] < 0.02
