"""Real TCP through a network function that changes the length of what it carries.

The word-replacing network function of the examples stands between a client and a server that know nothing of
it: every byte has to arrive as it would if the sender had sent the other word, and TCP must not see a reason
to send anything again.
"""

from __future__ import annotations

import fcntl
import itertools
import socket
import struct
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tcp_client import Web, difference
from tcp_lab import TcpLab
from tcp_space import LabError
from tcp_trunk import Trunk
from tcp_web import chunks, repeated, text

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "step16_packetize.py"
OPERATOR = ROOT / "src" / "wirebrick" / "stream" / "packetize.py"

OLD = b"cat"
SPARE = 2  # segments that a busy machine may have sent again
LONGER, SHORTER, NOTHING = b"leopard", b"c", b""  # the first is the example's own
WORDS = pytest.mark.parametrize("new", [LONGER, SHORTER, NOTHING], ids=["longer", "shorter", "nothing"])
MSS = 1448  # of the laboratory: 1500 less IPv4, TCP and timestamps
PORT = 7

pytestmark = pytest.mark.skipif(
    not (EXAMPLE.exists() and OPERATOR.exists()), reason="there is no packetize, or no example of it"
)


def reword(lab: TcpLab, new: bytes) -> str:
    """The example's network function, for the command line, with another word than its own to put in."""
    source = EXAMPLE.read_text()
    assert 'b"leopard"' in source
    file = lab.folder / f"reword_{new.decode() or 'nothing'}.py"
    file.write_text(source.replace('b"leopard"', repr(new).replace("'", '"')))
    return f"{file}:reword"


@contextmanager
def rewording(
    lab: TcpLab, new: bytes = LONGER, *, loss: tuple[float, float] = (0, 0), twice: float = 0.001
) -> Iterator[Trunk]:
    """A trunk that puts ``new`` for every cat; at the end, connections are closed and counters as they should be.

    Without ``loss`` (before and after the network function) no more than the share ``twice`` may have been sent twice.
    """
    with Trunk(lab, reword(lab, new), loss_before=loss[0], loss_after=loss[1], seed=3) as trunk:
        yield trunk
        lab.wait_until_closed(3 if not any(loss) else 8)
        tcp = trunk.tcp()
        # A SYN that is sent again counts among TcpInErrs: with losses there may be one.
        errors = ("TcpInErrs",) if not any(loss) else ()
        for name in (*errors, "TcpInCsumErrors", "TcpExtTCPAbortOnTimeout", "IpInHdrErrors"):
            assert tcp[name] == 0, f"{name}: {tcp[name]}"
        if not any(loss):
            again, sent = tcp["TcpRetransSegs"], tcp["TcpOutSegs"]
            assert again <= max(SPARE, sent * twice), (
                f"{again} of {sent} segments were sent again: {sorted(tcp.items())}"
            )
            # A busy machine stands still for a second: then timers are why segments are sent again.
            assert tcp["TcpExtTCPTimeouts"] <= 1
    assert trunk.result["nfs"][-1]["faults"] == 0, trunk.result


def page(size: int, seed: int, new: bytes, end: str = "close", extra: str = "") -> str:
    """The target of a page that is announced with the length that it will have on arrival."""
    return f"/page?size={size}&seed={seed}&end={end}&old={OLD.hex()}&new={new.hex()}{extra}"


def replaced(data: bytes, new: bytes, end: str = "close") -> bytes:
    """What has to arrive of ``data``."""
    if end == "chunks":
        return b"".join(chunk.replace(OLD, new) for chunk in chunks(data))
    return data.replace(OLD, new)


@WORDS
def test_pages_of_all_sizes(lab: TcpLab, web: Web, new: bytes):
    with rewording(lab, new):
        for size in (100, MSS - 1, MSS, MSS + 1, 3000, 65536, 1_000_000, 5_000_000):
            got = web.fetch(page(size, size, new))
            assert not difference(got, replaced(text(size, size), new)), f"page of {size} bytes"


@WORDS
def test_pages_of_one_word(lab: TcpLab, web: Web, new: bytes):
    # Three bytes again and again: nearly every segment ends inside the word. The end of the page waits for more
    # until the connection closes. With NOTHING, hardly a byte of what the server sends arrives.
    with rewording(lab, new):
        for word, last in itertools.product((b"cat", b"c", b"cca"), (b".", b"", b"c", b"ca", b"cat")):
            got = web.fetch(page(150_000, 0, new, extra=f"&repeat={word.hex()}&last={last.hex()}"))
            expected = replaced(repeated(word, 150_000, last), new)
            assert not difference(got, expected), f"{word!r} again and again, at last {last!r}"


@WORDS
def test_words_cut_by_segments(lab: TcpLab, web: Web, new: bytes):
    with rewording(lab, new):
        for size, step in ((300, 1), (400, 2), (3000, 7), (100_000, 1000)):
            got = web.fetch(page(size, step, new, extra=f"&step={step}&last=6361"))
            expected = replaced(text(size, step, b"ca"), new)
            assert not difference(got, expected), f"page of {size} bytes in pieces of {step}"


@WORDS
def test_many_pages_over_one_connection(lab: TcpLab, web: Web, new: bytes):
    kinds = [(7_000 * number, number, ("length", "chunks")[number % 2]) for number in range(1, 13)]
    with rewording(lab, new):
        pages = web.fetch_in_a_row([page(size, seed, new, end) for size, seed, end in kinds])
        for (size, seed, end), got in zip(kinds, pages, strict=True):
            assert not difference(got, replaced(text(size, seed), new, end)), f"page {seed} of 12, {end}"


@WORDS
def test_uploads(lab: TcpLab, web: Web, new: bytes):
    with rewording(lab, new):
        for size in (100, 3000, 100_000, 2_000_000):
            body = text(size, size)
            expected = replaced(body, new)
            assert not difference(web.upload(body, length=len(expected)), expected), (
                f"{size} bytes, length told"
            )
            body = text(size, size, b"ca")
            assert not difference(web.upload(body), replaced(body, new)), f"{size} bytes until the end"


def test_twenty_connections_at_once(lab: TcpLab, web: Web):
    with rewording(lab) as trunk:
        pages = web.fetch_at_once([page(10_000 * number, number, LONGER) for number in range(1, 21)])
        for number, got in enumerate(pages, 1):
            assert not difference(got, replaced(text(10_000 * number, number), LONGER)), (
                f"connection {number}"
            )
        assert trunk.tcp()["TcpActiveOpens"] == 20


@pytest.mark.parametrize("new", [LONGER, NOTHING], ids=["longer", "nothing"])
@pytest.mark.parametrize("loss", [(0.01, 0.0), (0.0, 0.01)], ids=["before", "after"])
def test_losses(lab: TcpLab, web: Web, new: bytes, loss: tuple[float, float]):
    with rewording(lab, new, loss=loss) as trunk:
        got = web.fetch(page(500_000, 1, new))
        assert not difference(got, replaced(text(500_000, 1), new)), "a page"
        body = text(500_000, 2, b"ca")
        assert not difference(web.upload(body), replaced(body, new)), "an upload"
        targets = [page(40_000, seed, new, "length") for seed in range(5)]
        for seed, got in enumerate(web.fetch_in_a_row(targets)):
            assert not difference(got, replaced(text(40_000, seed), new)), f"page {seed} of one connection"
        for seed, got in enumerate(web.fetch_at_once([page(40_000, seed, new) for seed in range(10)])):
            assert not difference(got, replaced(text(40_000, seed), new)), f"connection {seed} of ten"
    assert trunk.lost > 0


@WORDS
def test_a_talk_in_both_directions(lab: TcpLab, new: bytes):
    # Both directions change, each acknowledges the other; then one half is closed and the other goes on.
    story = text(300_000, 1)
    with rewording(lab, new), connected(lab) as (near, far):
        for number in range(200):
            exchange(near, far, b"is the cat of %d there?\n" % number, new)
            exchange(far, near, b"the cat of %d and another cat are\n" % number, new)
        near.shutdown(socket.SHUT_WR)
        assert far.recv(1) == b""
        sender = threading.Thread(target=send_and_close, args=(far, story))
        sender.start()
        got = receive_all(near)
        sender.join()
        assert not difference(got, replaced(story, new))


@WORDS
def test_a_receiver_that_does_not_read_for_a_while(lab: TcpLab, new: bytes):
    # The window closes (RFC 9293, 3.8.6): the sender has to wait, and nothing may be lost meanwhile.
    story = text(4_000_000, 2)
    with rewording(lab, new), connected(lab) as (near, far):
        sender = threading.Thread(target=send_and_close, args=(far, story))
        sender.start()
        time.sleep(0.7)
        got = receive_all(near)
        sender.join()
        assert not difference(got, replaced(story, new))


def test_a_reset_reaches_the_other_side(lab: TcpLab):
    with rewording(lab), connected(lab) as (near, far):
        exchange(near, far, b"a cat\n", LONGER)
        exchange(far, near, b"another cat\n", LONGER)
        near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        near.close()
        with pytest.raises(ConnectionResetError):
            far.recv(1)


def test_a_connection_that_was_there_before(lab: TcpLab):
    # Its window scale was never seen, so what grows may go beyond the receiver's window, and is sent again.
    story = text(200_000, 3)
    with Trunk(lab, "ttl"):
        listening = lab.listen(PORT)
        with listening:
            near = lab.connect(PORT, seconds=5)
            far, _ = listening.accept()
        far.settimeout(5)
        exchange(near, far, b"no cat is changed here\n", OLD)
        exchange(far, near, b"nor this cat\n", OLD)
        wait_until_acknowledged(near, far)
    with near, far, rewording(lab, twice=0.15):
        exchange(near, far, b"a cat\n", LONGER)
        sender = threading.Thread(target=send_and_close, args=(far, story))
        sender.start()
        got = receive_all(near)
        sender.join()
        near.close()
        assert not difference(got, replaced(story, LONGER))


def test_ipv6_is_left_alone(lab: TcpLab, web: Web):
    with rewording(lab):
        got = web.fetch("/page?size=100000&seed=1", family=6)
        assert not difference(got, text(100_000, 1))


@contextmanager
def connected(lab: TcpLab) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection: the client's, the server's; closed at the end."""
    with lab.listen(PORT) as listening, lab.connect(PORT, seconds=5) as near:
        far, _ = listening.accept()
        with far:
            far.settimeout(5)
            for each in (near, far):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield near, far


def exchange(sender: socket.socket, receiver: socket.socket, line: bytes, new: bytes) -> None:
    """Send a line and check what arrives of it."""
    sender.sendall(line)
    got = b""
    while not got.endswith(b"\n"):
        more = receiver.recv(4096)
        if not more:
            raise LabError(f"the connection ended within a line, after {got!r}")
        got += more
    assert got == line.replace(OLD, new)


def wait_until_acknowledged(*connections: socket.socket) -> None:
    """Return when nothing of what was sent waits for its acknowledgement, which may be delayed (RFC 9293, 3.8.6.3)."""
    end = time.monotonic() + 3
    while any(struct.unpack("i", fcntl.ioctl(each, termios.TIOCOUTQ, bytes(4)))[0] for each in connections):
        if time.monotonic() > end:
            raise LabError("what was sent was not acknowledged within 3 s")
        time.sleep(0.01)


def send_and_close(connection: socket.socket, data: bytes) -> None:
    connection.sendall(data)
    connection.close()


def receive_all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)
