import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from functions import forward, mirror, number_of, packet
from test_run import balanced, write_pcap

from wirebrick import Stream, network_function, run
from wirebrick.errors import GraphError, ParameterError, PortError, WirebrickError
from wirebrick.runtime.endpoints import endpoints
from wirebrick.runtime.result import result_of


def test_one_port_both_ways_sends_packets_back(tmp_path: Path) -> None:
    write_pcap(tmp_path / "a.pcap", [packet(n) for n in range(10)])
    result = run(forward, rx=f"pcap:{tmp_path}/a.pcap,{tmp_path}/b.pcap", interpret=True)
    assert result.packets_out == 10
    assert (tmp_path / "b.pcap").read_bytes()[24:] == (tmp_path / "a.pcap").read_bytes()[24:]


def test_a_capture_named_once_is_only_read(tmp_path: Path) -> None:
    path = write_pcap(tmp_path / "a.pcap", [packet(1)])
    before = path.read_bytes()
    assert run(forward, rx=str(path), interpret=True).packets_out == 1
    assert path.read_bytes() == before


def test_two_pairs_cross(tmp_path: Path) -> None:
    write_pcap(tmp_path / "a.pcap", [packet(1)] * 3)
    write_pcap(tmp_path / "b.pcap", [packet(2)] * 4)
    ports = {name: f"pcap:{tmp_path}/{name}.pcap,{tmp_path}/{name}2.pcap" for name in "ab"}
    result = run(forward, ports=ports, interpret=True)
    assert result.packets_out == 7
    assert (tmp_path / "a2.pcap").read_bytes()[24:].count(packet(2)) == 4
    assert (tmp_path / "b2.pcap").read_bytes()[24:].count(packet(1)) == 3


@pytest.mark.parametrize("interpret", [True, False])
def test_an_nf_chooses_among_ports(tmp_path: Path, interpret: bool) -> None:
    @network_function
    def choose(packets: Stream) -> Stream:
        def pick(packet: Any) -> None:
            if packet.length > 100:
                packet.egress = "dmz"

        return packets.transform(pick)

    packets = [packet(n, 60 if n % 3 else 200) for n in range(300)]
    taken: list[bytes] = []
    dmz = tmp_path / "d.pcap"
    result = run(choose, rx=packets, tx=taken, ports={"dmz": f"pcap:,{dmz}"}, interpret=interpret)
    assert [number_of(data) for data in taken] == [n for n in range(300) if n % 3]
    assert dmz.stat().st_size == 24 + 100 * 216
    assert (result.packets_out, result.bytes_out) == (300, 200 * 60 + 100 * 200)


def test_packets_know_where_they_came_in(tmp_path: Path) -> None:
    @network_function
    def dmz_only(packets: Stream) -> Stream:
        return packets.filter(lambda packet: packet.ingress == "dmz", reason="elsewhere")

    write_pcap(tmp_path / "d.pcap", [packet(7)] * 5)
    result = run(dmz_only, rx=[packet(1)] * 3, tx=[], ports={"dmz": f"pcap:{tmp_path}/d.pcap,"})
    assert (result.packets_in, result.packets_out) == (8, 5)
    assert result.drops == {"dmz_only.elsewhere": 3}


def test_without_a_default_packets_are_dropped() -> None:
    ports = {"a": "memory:count=5", "b": "null:", "c": "null:"}
    result = run(forward, ports=ports, interpret=True)
    assert result.drops == {"chain.no_egress": 5}
    assert balanced(result)


def test_copies_to_a_third_port() -> None:
    result = run(mirror, rx=[packet(1), packet(2)], ports={"tap": "null:"}, interpret=True)
    assert (result.packets_out, result.packets_copied, len(result.packets)) == (4, 2, 2)


def test_a_port_that_is_not_there() -> None:
    with pytest.raises(WirebrickError, match=r"(?s)'?tap'?.*in, out"):
        run(mirror, rx=[packet(1)], interpret=True)


def test_sending_to_a_port_that_only_receives() -> None:
    @network_function
    def back(packets: Stream) -> None:
        packets.send("in")

    with pytest.raises(GraphError, match="only receives") as caught:
        run(back, rx=[packet(1)], interpret=True)
    assert caught.value.place is not None


def test_a_user_function_that_sends_there_loses_the_packet() -> None:
    @network_function
    def back(packets: Stream) -> Stream:
        def turn(packet: Any) -> None:
            packet.egress = packet.ingress

        def home(packet: Any) -> None:
            packet.egress = "in"

        return packets.transform(home)

    result = run(back, rx=[packet(1)], interpret=True)
    assert result.drops == {"in.receives_only": 1}
    assert balanced(result)


@pytest.mark.parametrize(
    ("rx", "tx", "ports", "text"),
    [
        (None, None, {}, "no port to receive"),
        (None, None, {"a": "null:"}, "none of the ports receives"),
        (None, [], {}, "no port to receive"),
        (b"packet", None, {}, "can't be received from a bytes"),
        (5, None, {}, "can't be received from a int"),
        ("memory:", "memory:", {}, "can't take packets"),
        ("memory:", (1,), {}, "can't be transmitted to a tuple"),
        ("pcap:,out.pcap", None, {}, "can't be received"),
        ("memory:", "pcap:in.pcap,", {}, "can't take packets"),
        ("memory:", None, {"dmz": "trace.pcap"}, "read or written"),
        ("quark:", None, {}, "no kind of port"),
    ],
)
def test_ports_that_make_no_run(rx: Any, tx: Any, ports: dict[str, str], text: str) -> None:
    with pytest.raises(PortError, match=text):
        endpoints(rx, tx, ports)


def test_names_that_clash() -> None:
    with pytest.raises(ParameterError, match="given twice"):
        endpoints("memory:", None, {"in": "memory:"})
    with pytest.raises(ParameterError, match="can't be the name"):
        endpoints("memory:", None, {"": "memory:"})
    found = endpoints(None, None, {"out": "null:", "in": "memory:", "dmz": "null:"})
    assert found.names == ["in", "out", "dmz"]
    assert found.default_egress == [1, 1, 1]


def test_the_input_is_never_overwritten(tmp_path: Path) -> None:
    path = write_pcap(tmp_path / "a.pcap", [packet(1)])
    before = path.read_bytes()
    (tmp_path / "b.pcap").symlink_to(path)
    for tx in (str(path), tmp_path / "b.pcap"):
        with pytest.raises(PortError, match="is read and would be overwritten"):
            run(forward, rx=path, tx=tx, interpret=True)
    assert path.read_bytes() == before


def test_one_file_for_two_ports(tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    with pytest.raises(PortError, match="two ports"):
        run(forward, rx=[packet(1)], tx=out, ports={"tap": f"pcap:,{out}"}, interpret=True)


def test_a_missing_file_leaves_the_output_alone(tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    out.write_bytes(b"precious")
    with pytest.raises(PortError, match="no such file"):
        run(forward, rx=tmp_path / "none.pcap", tx=out, interpret=True)
    assert out.read_bytes() == b"precious"


def test_a_cut_capture_warns(tmp_path: Path) -> None:
    path = write_pcap(tmp_path / "a.pcap", [packet(1)] * 3)
    path.write_bytes(path.read_bytes()[:-10])
    result = run(forward, rx=path, interpret=True)
    assert result.packets_in == 2
    assert "the file is cut" in result.warnings[0]


def test_a_bad_element_ends_the_run_with_totals() -> None:
    def packets() -> Any:
        yield from [packet(1)] * 3
        yield "text"

    taken: list[bytes] = []
    with pytest.raises(PortError, match="is a str, not bytes") as caught:
        run(forward, rx=packets(), tx=taken, interpret=True)
    totals = result_of(caught.value)
    assert totals is not None
    assert totals.packets_in == totals.packets_out == len(taken)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize("interpret", [True, False])
def test_a_full_disk_is_told_with_totals(interpret: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, where not even the header can be written; and on the way, with totals."""
    with pytest.raises(PortError, match="no space left"):
        run(forward, rx=[packet(1)], tx=Path("/dev/full"), interpret=interpret)

    from wirebrick.ports.pcap.output import Output

    real = Output._write

    def fill_up(self: Output, data: memoryview, packets: int | None) -> None:
        if packets is not None:
            self._stream = io.FileIO("/dev/full", "wb")
            self._seekable = False
        real(self, data, packets)

    monkeypatch.setattr(Output, "_write", fill_up)
    with pytest.raises(PortError, match="no space left") as caught:
        run(forward, rx="memory:size=1000,count=5000", tx=Path("/dev/null"), interpret=interpret)
    totals = result_of(caught.value)
    assert totals is not None
    assert balanced(totals)
    assert totals.packets_out == 0
    assert totals.packets_in == totals.drops["out.not_written"] + totals.drops.get("out.not_sent", 0)
    assert totals.packets_in >= 1000


def test_standard_output_closed_early(tmp_path: Path) -> None:
    """What reads our pipe ends before it has everything."""
    script = (
        "from wirebrick import run\n"
        "from wirebrick.errors import PortError\n"
        "from wirebrick.runtime.result import result_of\n"
        "import sys\n"
        "try:\n"
        "    run('macswap', rx='memory:size=1000,count=3000', tx='-', interpret=True)\n"
        "except PortError as error:\n"
        "    t = result_of(error)\n"
        "    there = t.packets_out + t.packets_dropped == t.packets_in\n"
        "    print(there, 'ended before' in str(error), file=sys.stderr)\n"
    )
    command = f'{sys.executable} -c "$SCRIPT" | head -c 100000 > /dev/null'
    environment = {**os.environ, "SCRIPT": script}
    done = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True)
    assert done.stderr == "True True\n"
