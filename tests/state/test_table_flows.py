"""Tables of flows in network functions: looked up ahead of their packets, expired, compiled as interpreted."""

import ctypes
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wirebrick
from wirebrick import FlowKey, Record, Table, merge, network_function
from wirebrick.fields import U64
from wirebrick.headers import TCP, UDP, VLAN, Ethernet, IPv4, IPv6
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.packet.frame import DESCRIPTOR, W_BURST, W_COUNT, W_ENTRY
from wirebrick.packet.memory import load64, store32, store64
from wirebrick.runtime.context import Context
from wirebrick.state import flow_prefetch_native as ahead
from wirebrick.state import table_layout as layout
from wirebrick.state import table_native as native
from wirebrick.state.base import worker


class Seen(Record):
    packets: U64
    bytes: U64


def counter(capacity, kept, **options):
    @network_function
    def count(packets):
        flows = Table(FlowKey, Seen, capacity=capacity, **options)
        kept.append(flows)

        def look(packet):
            seen = flows[packet.flow()]
            seen.packets += 1
            seen.bytes += packet.length

        found = ip_packets(packets.parse(Ethernet))
        return merge(found.v4.map(look), found.v6.map(look), *found.rest)

    return count


@pytest.mark.parametrize("options", ["ipv6=0.3,proto=tcp/udp/icmp", "vlan=7", "size=64-100"])
@pytest.mark.parametrize("burst", [1, 64, 3000])
def test_flows_of_a_large_table_are_counted_rightly(options, burst):
    flows, kept = 3 * ahead.SMALL // 2, []
    rounds = 12 if "-" in options else 3  # a range of sizes has twelve packets a flow
    rx = f"memory:flows={flows},count={flows * rounds},{options}"
    wirebrick.run(counter(flows, kept), rx=rx, tx="null:", burst=burst, workers=1)
    rows = kept[0].rows()
    assert len(rows) == flows
    assert set(rows["value"]["packets"].tolist()) == {rounds}


def test_a_large_table_under_a_flood():
    flows, kept = 4 * ahead.SMALL, []
    capacity = ahead.SMALL + 1
    wirebrick.run(
        counter(capacity, kept), rx=f"memory:flows={flows},count={2 * flows}", tx="null:", workers=1
    )
    (table,) = kept
    assert table.entries == capacity
    assert table.evicted >= flows - capacity
    assert table.rows()["value"]["packets"].max() <= 2


def frame_of(*parts):
    raw = b"".join(map(bytes, parts))
    return raw + bytes(max(0, 60 - len(raw)))


def udp(**ports):
    return UDP(**{"src_port": 1234, "dst_port": 53, "length": 8, **ports})


V4 = {"src": "10.1.2.3", "dst": "192.0.2.9"}
V6 = {"src": "2001:db8::1", "dst": "2001:db8:0:1::2"}
FRAMES = {
    "udp": frame_of(Ethernet(ethertype=0x0800), IPv4(protocol=17, total_length=28, **V4), udp()),
    "tcp": frame_of(
        Ethernet(ethertype=0x0800), IPv4(protocol=6, total_length=40, **V4), TCP(src_port=9, dst_port=80)
    ),
    "icmp": frame_of(Ethernet(ethertype=0x0800), IPv4(protocol=1, total_length=28, **V4), bytes(8)),
    "later fragment": frame_of(
        Ethernet(ethertype=0x0800), IPv4(protocol=17, total_length=28, fragment_offset=5, **V4), udp()
    ),
    "tagged": frame_of(
        Ethernet(ethertype=0x8100),
        VLAN(vid=3, ethertype=0x0800),
        IPv4(protocol=17, total_length=28, **V4),
        udp(),
    ),
    "two tags": frame_of(
        Ethernet(ethertype=0x88A8),
        VLAN(vid=3, ethertype=0x8100),
        VLAN(vid=4, ethertype=0x86DD),
        IPv6(next_header=17, payload_length=8, **V6),
        udp(),
    ),
    "v6": frame_of(Ethernet(ethertype=0x86DD), IPv6(next_header=17, payload_length=8, **V6), udp()),
}


def flows_of(frames):
    """The flows of frames, as packet.flow() gives them."""
    kept = []
    wirebrick.run(counter(64, kept), rx=frames, interpret=True)
    return [key for key, _ in kept[0].items()]


@pytest.mark.parametrize("name", FRAMES)
def test_the_guess_is_the_flow(name):
    (key,) = flows_of([FRAMES[name]])
    table = Table(FlowKey, Seen, capacity=1 << 20)
    table.allocate(1)
    memory = ctypes.create_string_buffer(FRAMES[name])
    data = ctypes.addressof(memory)
    home = native.table_hash(table.blocks[0], key._at, FlowKey.size)
    assert ahead.flow_home(table.blocks[0], data, len(FRAMES[name])) == home


@pytest.fixture(scope="module")
def table():
    made = Table(FlowKey, Seen, capacity=1000)
    made.allocate(1)
    return made


@given(
    frame=st.one_of(
        st.binary(max_size=80),
        st.tuples(
            st.sampled_from(list(FRAMES.values())),
            st.integers(0, 80),
            st.integers(0, 59),
            st.integers(0, 255),
        ).map(lambda drawn: _spoilt(*drawn)),
    ),
    behind=st.binary(min_size=64, max_size=64),
)
@settings(max_examples=300, deadline=None)
def test_what_lies_behind_a_frame_is_not_read(table, frame, behind):
    homes = []
    for rest in (bytes(64), behind):
        memory = ctypes.create_string_buffer(frame + rest)
        data = ctypes.addressof(memory)
        homes.append(ahead.flow_home(table.blocks[0], data, len(frame)))
    assert homes[0] == homes[1]
    assert 0 <= homes[0] <= load64(table.blocks[0] + layout.T_HOMES)


def _spoilt(frame, length, at, value):
    raw = bytearray(frame)
    raw[at] = value
    return bytes(raw[:length])


def test_notes_that_are_wrong_do_no_harm():
    """Whatever slot a note names, the key's own value is given, or none."""
    table = Table(FlowKey, Seen, capacity=50)
    table.allocate(1)
    block = table.blocks[0]
    keys = [FlowKey(version=4, src=n) for n in range(60)]
    for key in keys[:50]:
        table[key].packets = key.src + 1
    notes = block + load64(block + layout.T_NOTES)
    for number in range(load64(block + layout.T_HOMES) + 51):
        store64(notes, native.table_slot(block, number, table.stride) - block)
        for key in keys:
            at = native.table_find(block, key._at, FlowKey.size, table.stride)
            got = ahead.use_flow(notes, 0, block, key._at, 5, FlowKey.size, table.stride)
            assert got == at if at else got < 0
    store64(notes, 0)
    assert ahead.use_flow(notes, 0, block, keys[0]._at, 5, FlowKey.size, table.stride) > 0


def test_nothing_is_fetched_for_small_tables_and_other_bursts():
    table = Table(FlowKey, Seen, capacity=10)
    table.allocate(1)
    block = table.blocks[0]
    memory = Context(burst=4, frame_size=60, ports=1, counters=1)
    assert ahead.prefetch_flows(memory.address, block, table.stride, ahead.SMALL) == 0
    store64(block + layout.T_COUNT, ahead.SMALL)
    for position in range(4):
        at = memory[W_BURST] + DESCRIPTOR * position
        store64(at, ctypes.addressof(ctypes.create_string_buffer(1)))
        store32(at + 8, 0)
    memory[W_COUNT] = 4
    assert ahead.prefetch_flows(memory.address, block, table.stride, ahead.SMALL) == block + load64(
        block + layout.T_NOTES
    )
    memory[W_ENTRY] = 3
    assert ahead.prefetch_flows(memory.address, block, table.stride, ahead.SMALL) == 0


@pytest.mark.parametrize("seed", range(3))
def test_expiry_is_the_same_compiled_and_interpreted(seed):
    chance = random.Random(seed)
    frames, now = [], 10**18
    for _ in range(600):
        now += chance.choice([0, 1_000_000, 40_000_000])
        address = f"10.0.0.{chance.randrange(30)}"
        ip = IPv4(src=address, dst="10.9.9.9", protocol=1, total_length=28)
        frames.append((now, frame_of(Ethernet(ethertype=0x0800), ip, bytes(8))))

    def outcome(interpret):
        kept = {}

        @network_function
        def sweeping(packets):
            flows = Table(FlowKey, Seen, capacity=40, idle_timeout=0.2)
            gone = wirebrick.Array(U64, 3)

            def look(packet):
                seen = flows[packet.flow()]
                seen.packets += 1
                gone[0] += flows.expire()
                gone[1] += flows.expire(seen.packets % 4)
                gone[2] = len(flows)

            kept.update(flows=flows, gone=gone)
            return packets.parse(Ethernet).parse(IPv4).map(look)

        wirebrick.run(sweeping, rx=frames, interpret=interpret)
        return kept["flows"].to_dict(), kept["flows"].expired, kept["gone"].totals()

    compiled = outcome(False)
    assert compiled == outcome(True)
    assert compiled[1] == sum(compiled[2][:2]) > 100
    assert compiled[2][2] == len(compiled[0])


def test_expire_in_python():
    table = Table(FlowKey, Seen, capacity=100, idle_timeout=1.0)
    table.allocate(1)
    for n in range(100):
        table[FlowKey(src=n)].packets = n
    worker.now = 2 * 10**9
    table[FlowKey(src=7)].packets += 1
    assert table.expire(0) == table.expire(-1) == 0
    total = calls = 0
    while len(table) > 1:
        total += table.expire(16)
        calls += 1
    worker.now = 0
    assert total == table.expired == 99
    assert calls <= 24  # of 356 slots at most
    assert [key.src for key, _ in table.items()] == [7]
    with pytest.raises(TypeError):
        table.expire("all")
