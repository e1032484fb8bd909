import struct
from pathlib import Path

import pytest
from functions import counted, forward, number_of, outer, packet, short, touchy, twins

from wirebrick import Report, network_function, run
from wirebrick.errors import CheckError, GraphError, ParameterError, WirebrickError
from wirebrick.ports.pcap.reader import PcapSource
from wirebrick.runtime.result import Result, result_of

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])


def balanced(result: Result) -> bool:
    there = result.packets_in + result.packets_copied
    return there == result.packets_out + result.packets_dropped + result.packets_held


def write_pcap(path: Path, packets: list[bytes], magic: int = 0xA1B2C3D4) -> Path:
    data = struct.pack("<IHHiIII", magic, 2, 4, 0, 0, 65535, 1)
    for number, one in enumerate(packets):
        data += struct.pack("<IIII", 1000 + number, number, len(one), len(one)) + one
    path.write_bytes(data)
    return path


@BOTH
def test_packets_from_python_come_back_in_order(interpret: bool) -> None:
    packets = [packet(n) for n in range(1000)]
    result = run(forward, rx=packets, interpret=interpret)
    assert result.packets == packets
    assert (result.packets_in, result.bytes_in, result.bytes_out) == (1000, 60000, 60000)
    assert balanced(result)
    assert result.bytes_copied >= 60000  # out of the frames


@BOTH
def test_drops_are_counted_by_reason(interpret: bool) -> None:
    result = run([forward, short], rx=[packet(1), packet(2, 200), packet(3, 300)], interpret=interpret)
    assert result.drops == {"short.too_long": 2}
    assert (result.packets_out, result.packets_dropped, result.bytes_out) == (1, 2, 60)
    first, second = result.nfs
    assert (first.name, first.packets_in, first.packets_out, first.packets_dropped) == ("forward", 3, 3, 0)
    assert (second.name, second.packets_in, second.packets_out, second.packets_dropped) == ("short", 3, 1, 2)


@BOTH
def test_a_fault_costs_one_packet(interpret: bool) -> None:
    result = run(touchy, rx=[packet(1), packet(0x01000000), packet(3)], interpret=interpret)
    assert result.drops == {"touchy.fault_index": 1}
    assert [number_of(data) for data in result.packets] == [1, 3]
    assert (result.nfs[0].faults, result.nfs[0].packets_dropped) == (1, 1)


@BOTH
@pytest.mark.parametrize("burst", [1, 7, None])
def test_copies_are_accounted_for(interpret: bool, burst: int | None) -> None:
    packets = [packet(n) for n in range(300)]
    result = run(twins, rx=packets, interpret=interpret, burst=burst)
    assert (result.packets_copied, result.packets_out) == (300, 600)
    assert sorted(number_of(data) for data in result.packets if data[0] == 0) == list(range(300))
    assert result.nfs[0].packets_out == 600
    assert balanced(result)


@BOTH
def test_nfs_within_nfs(interpret: bool) -> None:
    result = run(outer, rx=[packet(1), packet(2, 200)], interpret=interpret)
    rows = {nf.name: (nf.packets_in, nf.packets_out, nf.packets_dropped) for nf in result.nfs}
    assert rows == {"outer": (2, 1, 1), "short": (2, 1, 1), "counted": (1, 1, 0)}
    assert [(name, report.rows) for name, report in result.reports] == [("counted", [[1]])]


def test_the_result_as_json() -> None:
    result = run(counted(title="All"), rx=[packet(1)], interpret=True)
    found = result.to_dict()
    assert list(found)[:5] == [
        "packets_in",
        "packets_out",
        "packets_dropped",
        "packets_held",
        "packets_copied",
    ]
    assert found["nfs"] == [
        {"name": "counted", "packets_in": 1, "packets_out": 1, "packets_dropped": 0, "faults": 0}
    ]
    assert found["reports"] == [{"nf": "counted", "title": "All", "columns": ["packets"], "rows": [[1]]}]


@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D], ids=["microseconds", "nanoseconds"])
def test_capture_to_capture_keeps_times(tmp_path: Path, magic: int) -> None:
    given = write_pcap(tmp_path / "in.pcap", [packet(n, 60 + n) for n in range(600)], magic)
    result = run(forward, rx=str(given), tx=tmp_path / "out.pcap")
    header, written = given.read_bytes()[:16], (tmp_path / "out.pcap").read_bytes()
    assert written[:16] == header
    assert written[24:] == given.read_bytes()[24:]
    assert result.packets_out == 600
    assert balanced(result)


def test_times_given_in_python_are_written(tmp_path: Path) -> None:
    run(forward, rx=[(1_000_000_007, packet(1))], tx=str(tmp_path / "o.pcap"), interpret=True)
    assert PcapSource(tmp_path / "o.pcap", receive=0).nanoseconds
    assert struct.unpack_from("<II", (tmp_path / "o.pcap").read_bytes(), 24) == (1, 7)


def test_made_packets_to_nowhere() -> None:
    result = run(short, rx="memory:size=200,count=100000")
    assert result.drops == {"short.too_long": 100_000}
    assert result.bytes_in == 20_000_000
    mixed = run(short(longest=2000), rx="memory:imix,count=1200", tx="null:")
    assert mixed.packets_out == 1200
    assert mixed.bytes_out == mixed.bytes_in > 0


def test_an_iterator_of_packets_into_a_list() -> None:
    taken: list[bytes] = []
    result = run(forward, rx=(packet(n) for n in range(500)), tx=taken, interpret=True)
    assert [number_of(data) for data in taken] == list(range(500))
    assert result.packets == []


@BOTH
@pytest.mark.parametrize("count", [1, 100, 256, 300])
def test_count_ends_it(interpret: bool, count: int) -> None:
    result = run(forward, rx=[packet(n) for n in range(1000)], count=count, interpret=interpret)
    assert result.packets_in == count
    assert [number_of(data) for data in result.packets] == list(range(count))


def test_state_begins_anew_with_each_run() -> None:
    nf = counted()
    for _ in range(2):
        assert run(nf, rx=[packet(1)], interpret=True).reports[0][1].rows == [[1]]


def test_show_gives_the_compiled_text() -> None:
    texts: list[str] = []
    result = run(forward, rx=[packet(1)], show=texts.append)
    assert "def process" in texts[0]
    assert result.compile_s > 0
    assert run(forward, rx=[], interpret=True, show=texts.append).compile_s == 0
    assert len(texts) == 1


def test_an_observer_sees_every_step() -> None:
    from wirebrick.runtime.trace import Trace

    trace = Trace()
    run(short, rx=[packet(1), packet(2, 200)], interpret=True, observer=trace)
    assert [step.fate.kind for step in trace.of(1)][-1] == "drop"
    with pytest.raises(ParameterError, match="observed"):
        run(short, rx=[packet(1)], observer=trace)


@pytest.mark.parametrize("arguments", [{"workers": 0}, {"count": 0}, {"duration": 0}, {"burst": 0}])
def test_numbers_that_make_no_run(arguments: dict[str, int]) -> None:
    with pytest.raises(ParameterError):
        run(forward, rx=[packet(1)], **arguments)  # type: ignore[arg-type]


def test_what_is_no_nf_is_refused() -> None:
    with pytest.raises(GraphError, match="not a network function"):
        run(len, rx=[packet(1)])  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="there is no NF"):
        run("no_such_nf", rx=[packet(1)])


@BOTH
def test_a_function_that_breaks_the_rules_leaves_the_output_alone(tmp_path: Path, interpret: bool) -> None:
    @network_function
    def bad(packets):  # type: ignore[no-untyped-def]
        def read(packet):  # type: ignore[no-untyped-def]
            input("x")

        return packets.map(read)

    kept = tmp_path / "out.pcap"
    kept.write_bytes(b"precious")
    with pytest.raises(CheckError):
        run(bad, rx=[packet(1)], tx=kept, interpret=interpret)
    assert kept.read_bytes() == b"precious"


def test_a_report_that_fails_comes_with_the_totals() -> None:
    from wirebrick import Stream, at_end

    called = []

    @network_function
    def sad(packets: Stream) -> Stream:
        def fail() -> None:
            raise WirebrickError("no room for the report")

        at_end(fail)
        at_end(lambda: called.append(1))
        return packets

    with pytest.raises(WirebrickError, match="no room") as caught:
        run(sad, rx=[packet(1)], interpret=True)
    totals = result_of(caught.value)
    assert totals is not None
    assert totals.packets_in == 1
    assert called == [1]


def test_a_report_must_be_one() -> None:
    from wirebrick import Stream, at_end

    @network_function
    def odd(packets: Stream) -> Stream:
        at_end(lambda: "text")
        return packets

    with pytest.raises(GraphError, match=r"returned 'text'"):
        run(odd, rx=[packet(1)], interpret=True)
    assert Report("t", ["a"]).to_dict()["rows"] == []


@BOTH
def test_a_filter_lets_only_matching_packets_in(interpret: bool) -> None:
    ethernet = bytes(12) + b"\x08\x06" + bytes(46)
    packets = [ethernet if n % 3 == 0 else packet(n) for n in range(600)]
    try:
        result = run(forward, rx=packets, filter="arp", interpret=interpret, burst=16)
    except ParameterError as error:
        pytest.skip(str(error))  # there is no libpcap here
    assert result.packets == [ethernet] * 200
    assert (result.packets_in, result.packets_dropped) == (200, 0)
    with pytest.raises(ParameterError, match="filter"):
        run(forward, rx=packets, filter="arp and and", interpret=interpret)
