from importlib import import_module

import pytest

from wirebrick.errors import PortError
from wirebrick.ports.base import Port
from wirebrick.ports.memory.port import MemoryPort
from wirebrick.ports.null import NullPort
from wirebrick.ports.spec import KINDS, kind_of, open_port


def test_by_prefix():
    port = open_port("memory:size=128,count=3")
    assert isinstance(port, MemoryPort)
    assert (port.spec, port.traffic.size) == ("memory:size=128,count=3", 128)
    assert isinstance(open_port("null:"), NullPort)


@pytest.mark.parametrize(
    "spec",
    ["pcap:x", "pcap:", "pcap:a,b", "a.pcap", "a.PCAPNG", "dir/b.cap", "b.cap.gz", "/tmp/a:b.pcap", "-"],
)
def test_captures(spec):
    assert kind_of(spec) == "pcap"


def test_captures_whose_names_look_like_a_kind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PortError, match="no kind of port called 'run'"):
        kind_of("run:7.pcap")
    (tmp_path / "run:7.pcap").touch()
    assert kind_of("run:7.pcap") == "pcap"


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("pacp:in.pcap", "did you mean 'pcap'"),
        ("Memory:", "did you mean 'memory'"),
        ("nul:", "did you mean 'null'"),
        ("afpacket:eth0", "there are: dpdk, memory, null, pcap, xdp"),
        ("eth0", "tcpdump -i eth0 -w eth0.pcap"),
        ("memory", "write memory: with the colon"),
        ("", "is not a port"),
        (":x", "is not a port"),
        ("some/file.txt", "a bare path is a capture where it ends in"),
    ],
)
def test_errors_name_the_cure(spec, text):
    with pytest.raises(PortError) as caught:
        open_port(spec)
    assert text in str(caught.value)


def test_a_file_of_another_name(tmp_path):
    path = tmp_path / "trace"
    path.touch()
    with pytest.raises(PortError) as caught:
        open_port(str(path))
    assert caught.value.cure == f"to read this file as a capture, write pcap:{path}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_there(kind):
    module, _, name = KINDS[kind].partition(":")
    assert issubclass(getattr(import_module(module), name), Port)
