"""Keys of a table that give way are told of: with those that stay, they account for every packet."""

from __future__ import annotations

from collections import Counter

import pytest

import wirebrick
from wirebrick import FlowKey, Record, Strict, Table, every
from wirebrick.errors import GraphError
from wirebrick.fields import U64
from wirebrick.headers import Ethernet, IPv4


class Seen(Record):
    packets: U64
    bytes: U64


def counting(capacity, idle, gone, made):
    @wirebrick.network_function
    def counting(packets):
        table = Table(FlowKey, Seen, capacity=capacity, idle_timeout=idle, gone=gone)
        made.append(table)

        def count(packet):
            seen = table[packet.flow()]
            seen.packets += 1
            seen.bytes += packet.length

        every(0.01, lambda: table.expire(8))
        return packets.parse(Ethernet).parse(IPv4).map(count)

    return counting


def ports(rows):
    found = Counter()
    for row in rows:
        found[int(row["key"]["src"]["low"]), int(row["key"]["src_port"])] += int(row["value"]["packets"])
    return found


@pytest.mark.parametrize(("interpret", "workers"), [(True, 1), (False, 1), (False, 2)])
@pytest.mark.parametrize(("capacity", "idle"), [(7, 1000.0), (40, 0.001), (1000, 1000.0)])
def test_every_packet_is_in_what_went_or_what_stays(interpret, workers, capacity, idle):
    gone, made, count = [], [], 400 if interpret else 20000
    rx = f"memory:count={count},flows=100"
    nf = counting(capacity, idle, lambda rows: gone.extend(rows.copy()), made)
    wirebrick.run(nf, rx=rx, workers=workers, interpret=interpret)
    table = made[0]
    assert len(gone) == table.expired + table.evicted
    assert table.untold == 0
    went, stays = ports(gone), ports(table.rows())
    assert (went + stays).total() == count
    if capacity == 1000:
        assert not gone
    else:
        assert len(gone) > 100
        whole = []
        wirebrick.run(counting(1000, 1000.0, whole.append, made), rx=rx)
        assert went + stays == ports(made[1].rows())


def test_shared_tables_are_refused():
    @wirebrick.network_function
    def shared(packets):
        Table(FlowKey, Seen, capacity=5, consistency=Strict(), gone=print)
        return packets

    with pytest.raises(GraphError, match="can't be shared"):
        wirebrick.run(shared, rx=[])


def test_a_table_outside_of_a_network_function_tells_nobody():
    with pytest.raises(GraphError, match="must belong to a network function"):
        Table(FlowKey, Seen, capacity=5, gone=print)
