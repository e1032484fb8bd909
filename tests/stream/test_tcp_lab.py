"""The laboratory itself: TCP through functions that leave its bytes alone, and what the lab says of bad ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tcp_client import Web, difference
from tcp_lab import TcpLab
from tcp_space import PREFIX, LabError
from tcp_trunk import Trunk
from tcp_web import chunks, text

HERE = Path(__file__).parent

WALL = """
from wirebrick import network_function
from wirebrick.headers import Ethernet, IPv4

@network_function
def wall(packets):
    return packets.parse(Ethernet).parse(IPv4).filter(lambda packet: packet.header.protocol != 6, reason="tcp")
"""


def spaces() -> set[str]:
    """The network namespaces of laboratories."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in listed.splitlines() if line.startswith(PREFIX)}


@pytest.mark.parametrize("nfs", [("ttl",), ("monitor", "ttl")], ids="+".join)
def test_tcp_does_not_notice_the_trunk(lab: TcpLab, web: Web, nfs: tuple[str, ...]):
    big, small = text(5_000_000, 1), text(500_000, 2)
    rows = [f"/page?size={9_000 * n}&seed={n}&end={'length' if n % 2 else 'chunks'}" for n in range(1, 9)]
    with Trunk(lab, *nfs) as trunk:
        for family in (4, 6):
            assert not difference(web.fetch("/page?size=5000000&seed=1", family=family), big)
            assert not difference(web.upload(small, family=family), small)
            assert not difference(web.upload(small, length=len(small), family=family), small)
            for number, page in enumerate(web.fetch_in_a_row(rows, family=family), 1):
                assert not difference(page, text(9_000 * number, number))
        many = web.fetch_at_once([f"/page?size={number}000&seed={number}" for number in range(1, 41)])
        for number, page in enumerate(many, 1):
            assert not difference(page, text(number * 1000, number))
        lab.wait_until_closed()
        tcp = trunk.tcp()
    assert tcp["TcpActiveOpens"] == 48
    assert {
        tcp[name] for name in ("TcpRetransSegs", "TcpExtTCPTimeouts", "TcpInErrs", "TcpInCsumErrors")
    } == {0}
    result = trunk.result
    assert result["packets_in"] == trunk.packets_in + trunk.probes
    assert result["packets_out"] - trunk.packets_out in range(1, trunk.probes + 1)
    assert result["nfs"][-1]["faults"] == 0


def test_pieces_are_segments(lab: TcpLab, web: Web):
    with Trunk(lab, "ttl") as trunk:
        before = trunk.packets_out
        assert not difference(web.fetch("/page?size=300&seed=3&step=1"), text(300, 3))
        assert trunk.packets_out - before > 300


def test_losses_are_made_good(lab: TcpLab, web: Web):
    page = text(1_000_000, 4)
    with Trunk(lab, "ttl", loss_before=0.01, loss_after=0.01, seed=5) as trunk:
        assert not difference(web.fetch("/page?size=1000000&seed=4"), page)
        assert not difference(web.upload(page), page)
        assert trunk.tcp()["TcpRetransSegs"] > 0
    assert trunk.lost > 0


def test_a_connection_outlives_a_trunk(lab: TcpLab):
    with lab.listen(7) as listening:
        with Trunk(lab, "ttl"):
            near = lab.connect(7)
            far, _ = listening.accept()
        with near, far, Trunk(lab, "ttl"):
            far.settimeout(3)
            near.sendall(b"still there")
            assert far.recv(100) == b"still there"
            near.close()
            assert far.recv(100) == b""
            far.close()
            lab.wait_until_closed()


def test_a_chain_that_does_not_start(lab: TcpLab):
    with pytest.raises(LabError, match="before its first packet") as caught, Trunk(lab, "no_such_nf"):
        pass
    assert "no_such_nf" in "".join(caught.value.__notes__)


def test_a_chain_that_lets_nothing_through(lab: TcpLab, web: Web):
    (lab.folder / "wall.py").write_text(WALL)
    with pytest.raises(LabError, match="timed out") as caught, Trunk(lab, "wall.py:wall"):
        web.fetch("/page?size=100&seed=1", seconds=0.5)
    assert "'wall.tcp': " in "".join(caught.value.__notes__)


def test_nothing_stays_after_an_error(lab: TcpLab, tmp_path: Path):
    def fail() -> None:
        with TcpLab(tmp_path) as other, Web(other), Trunk(other, "ttl"):
            assert other.space("box") in spaces()
            raise ZeroDivisionError(other.space(""))

    with pytest.raises(ZeroDivisionError) as caught:
        fail()
    assert not [space for space in spaces() if space.startswith(str(caught.value))]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_stays_of_a_process_that_is_ended(lab: TcpLab, tmp_path: Path, number: signal.Signals):
    program = (
        "import sys, time; from pathlib import Path; from tcp_lab import TcpLab; from tcp_client import Web\n"
        "with TcpLab(Path(sys.argv[1])) as lab, Web(lab): print(lab.space('box'), flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        space = process.stdout.readline().strip()
        assert space in spaces()
        process.send_signal(number)
    if number == signal.SIGKILL:  # it could remove nothing: the next laboratory does
        with TcpLab(tmp_path):
            pass
    assert space not in spaces()


def test_texts():
    page = text(20_000, 1)
    assert page != text(20_000, 2)
    assert page.endswith(b".")
    assert b"".join(chunks(page)) == page
    assert page.count(b"cat") > 1_000
