"""The run's side of captures: clients that die, are slow or talk nonsense; and the way back to code without taps."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import wirebrick
from wirebrick.errors import PortError
from wirebrick.packet.frame import W_PROCESS, W_TAPS
from wirebrick.runtime import tap_server
from wirebrick.runtime.rendezvous import running
from wirebrick.runtime.tap_protocol import JSON, PACKETS, receive, receive_json, send, send_json
from wirebrick.runtime.taps import Taps


class Running:
    """A run in this process, with what is inside of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **options) -> None:
        self.stop = threading.Event()
        self.taps: Taps | None = None
        self.result: wirebrick.Result | None = None
        inner = tap_server.TapServer.__init__

        def init(server, taps, names) -> None:
            self.taps = taps
            self.plain = [worker.context[W_PROCESS] for worker in taps._workers]
            inner(server, taps, names)

        monkeypatch.setattr(tap_server.TapServer, "__init__", init)
        options = {"rx": "memory:size=100", "tx": "null:", **options}
        self.thread = threading.Thread(target=self._run, kwargs=options)
        self.thread.start()
        wait_for(lambda: bool(self.connections()))

    def _run(self, **options) -> None:
        self.result = wirebrick.run(["ttl", "macswap"], captures=True, stop=self.stop, **options)

    def connections(self) -> list[socket.socket]:
        return [connection for _, connection in running()]

    def connect(self) -> socket.socket:
        (connection,) = self.connections()
        connection.settimeout(20)
        return connection

    @property
    def words(self) -> list[tuple[int, int]]:
        assert self.taps is not None
        return [(worker.context[W_PROCESS], worker.context[W_TAPS]) for worker in self.taps._workers]

    def untapped(self) -> bool:
        return self.words == [(process, 0) for process in self.plain] and not self.taps._taps

    def end(self) -> wirebrick.Result:
        self.stop.set()
        self.thread.join(20)
        assert not self.thread.is_alive()
        assert self.result is not None
        assert self.result.packets_in == self.result.packets_out + self.result.packets_dropped
        assert self.result.warnings == []
        return self.result


def wait_for(done, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WIREBRICK_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    made = Running(monkeypatch)
    yield made
    made.end()


def begin(connection: socket.socket, **wish) -> None:
    send_json(connection, {"do": "capture", **wish})
    answer = receive_json(connection)
    assert "point" in answer, answer


def last_word(connection: socket.socket) -> tuple[bytes, dict]:
    """Records and counts, to the end."""
    data = b""
    while True:
        kind, part = receive(connection)
        if kind == JSON:
            return data, json.loads(part)
        data += part


def count_of(data: bytes) -> int:
    at = count = 0
    while at < len(data):
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
        count += 1
    assert at == len(data)
    return count


def test_nothing_is_left_when_a_client_dies(run: Running) -> None:
    first, second = run.connect(), run.connect()
    begin(first, point="ttl:in")
    begin(second, point="ttl:out")
    assert receive(first)[0] == receive(second)[0] == PACKETS
    assert not run.untapped()
    first.close()  # in the middle of what it is sent
    wait_for(lambda: len(run.taps._taps) == 1)
    assert not run.untapped()
    second.shutdown(socket.SHUT_WR)
    data, counts = last_word(second)
    assert counts["ended"] is False
    assert count_of(data) <= counts["taken"]
    wait_for(run.untapped)
    second.close()


def test_counts_are_exact(run: Running) -> None:
    with run.connect() as client:
        begin(client, point="in:rx", count=1000, snaplen=20)
        data = b""
        while count_of(data) < 1000:
            kind, part = receive(client)
            assert kind == PACKETS
            data += part
        assert len(data) == 1000 * 36
        client.shutdown(socket.SHUT_WR)
        rest, counts = last_word(client)
    assert (rest, counts["taken"]) == (b"", 1000)
    wait_for(run.untapped)


def test_a_client_that_reads_nothing(run: Running) -> None:
    client = run.connect()
    begin(client, point="in:rx")
    time.sleep(0.3)
    before = time.monotonic()
    result = run.end()
    assert time.monotonic() - before < 8
    assert result.packets_in > 100_000
    client.close()


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "dance"},
        {"do": "capture", "point": 7},
        {"do": "capture", "snaplen": -1},
        {"do": "capture", "count": "many"},
        {"do": "capture", "filter": ["tcp"]},
        {"do": "capture", "point": "nowhere:in"},
        {"do": "capture", "filter": "tcp prot 80"},
        {"do": "capture", "filter": "a\0b"},
    ],
)
def test_wishes_that_can_not_be(run: Running, request_: dict) -> None:
    with run.connect() as client:
        send_json(client, request_)
        assert receive_json(client)["error"]
        assert receive(client) is None
    assert run.untapped()


@pytest.mark.parametrize(
    "junk", [b"", b"GET / HTTP/1.1\r\n\r\n", b"J\xff\xff\xff\xff", b"J\x02\0\0\0{]", b"P\x01\0\0\0x"]
)
def test_nonsense(run: Running, junk: bytes) -> None:
    with run.connect() as client:
        client.sendall(junk)
        client.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):  # what it has not read is thrown away
            assert client.recv(100) == b""
    with run.connect() as client:
        send_json(client, {"do": "points"})
        assert receive_json(client)["nfs"] == ["ttl", "macswap"]


def test_several_workers_and_many_changes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Running(monkeypatch, workers=2)
    for number in range(10):
        with run.connect() as client:
            begin(client, point=["ttl:in", "macswap:out", "in:rx"][number % 3], filter="udp", count=5)
            assert receive(client)[0] == PACKETS
    wait_for(run.untapped)
    run.end()


def test_interpreted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Running(monkeypatch, interpret=True)
    with run.connect() as client:
        begin(client, point="macswap:in", count=3)
        assert count_of(receive(client)[1]) > 0
    wait_for(lambda: not run.taps._taps)
    run.end()


def test_two_runs_in_one_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Running(monkeypatch)
    second = threading.Event()
    thread = threading.Thread(
        target=wirebrick.run,
        args=("macswap", "memory:", "null:"),
        kwargs={"captures": True, "stop": second},
    )
    thread.start()
    wait_for(lambda: len(first.connections()) == 2)
    assert len({path.name for path in folder.iterdir()}) == 2
    second.set()
    thread.join(20)
    first.end()
    assert list(folder.iterdir()) == []


def test_the_other_side_may_end_in_the_middle_of_a_message() -> None:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"P\x10\0\0\0abc")
        one.shutdown(socket.SHUT_WR)
        assert receive(other) is None
        send(other, PACKETS, b"")
        with pytest.raises(PortError, match="something else"):
            receive_json(one)
