"""dig asks a real server through the NF dns: listed names are answered in its place, all others by the server."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire import PORTS, SERVER, SERVER6, Wire, need


@pytest.fixture(scope="module", params=["xdp", "afpacket"])
def wire(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    need("dig", "dnsmasq", "ss")
    file = tmp_path_factory.mktemp("dns") / "names.txt"
    file.write_text("evil.test\n*.ads.test\n")
    with Wire([f"dns:names={file},answer=nxdomain"], PORTS[request.param]) as made:
        made.names = file
        made.lab.start(
            "server", "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--user=root", "--pid-file=",
            "--address=/test/203.0.113.7", "--address=/test/2001:db8::7", "--conf-file=/dev/null",
        )  # fmt: skip
        made.wait_for_port("server", 53)
        yield made
        totals = made.stop()
        assert set(totals["drops"]) == {"dns.query_listed"}
        (report,) = totals["reports"]
        assert {row[0] for row in report["rows"]} == {"evil.test", "*.ads.test", "good.test"}


def dig(wire: Wire, *arguments: str) -> tuple[str, str]:
    """The status of the response (or that there is none), and the addresses in it."""
    said = wire.run("client", "dig", "+time=1", "+tries=1", *arguments, check=False)
    status = re.search(r"status: (\w+)", said)
    return status[1] if status else "none", " ".join(re.findall(r"\tA+\t(\S+)", said))


@pytest.mark.parametrize("server", [SERVER, SERVER6])
def test_names_that_are_not_listed(wire: Wire, server: str) -> None:
    for options in ([], ["+tcp"]):
        assert dig(wire, *options, f"@{server}", "good.evil.test") == ("NOERROR", "203.0.113.7")
        assert dig(wire, *options, f"@{server}", "ads.test", "AAAA") == ("NOERROR", "2001:db8::7")


@pytest.mark.parametrize("server", [SERVER, SERVER6])
def test_listed_names(wire: Wire, server: str) -> None:
    assert dig(wire, f"@{server}", "Evil.test") == ("NXDOMAIN", "")
    assert dig(wire, f"@{server}", "+noedns", "a.b.ads.test", "AAAA") == ("NXDOMAIN", "")
    assert dig(wire, f"@{server}", "+tcp", "evil.test") == ("none", "")


def test_the_list_is_exchanged(wire: Wire) -> None:
    names: Path = wire.names  # type: ignore[attr-defined]
    for text in ("a..b\n", "good.test\n"):
        assert dig(wire, f"@{SERVER}", "good.test") == ("NOERROR", "203.0.113.7")
        names.write_text(text)
        time.sleep(1.2)
    assert dig(wire, f"@{SERVER}", "good.test") == ("NXDOMAIN", "")
    assert dig(wire, f"@{SERVER}", "evil.test") == ("NOERROR", "203.0.113.7")
