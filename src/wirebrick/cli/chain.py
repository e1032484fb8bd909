"""The chain that a command line names: NFs in a row, or a chain file; and its ports.

>>> [(nf.nf.name, nf.parameters) for nf in read_chain(["ttl", "delay:cycles=5"]).chain]
[('ttl', {}), ('delay', {'cycles': 5})]
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from wirebrick.cli.chain_file import ChainFile, read_chain_file
from wirebrick.errors import ParameterError, PortError
from wirebrick.nf.load import load_nf
from wirebrick.stream.graph import Graph
from wirebrick.stream.send import Send

_NF = re.compile(r"[\w./-]*:(?:\w+:)?\w+=")  # up to the first parameter


def read_chain(nfs: Sequence[str]) -> ChainFile:
    """The chain that ``nfs`` name. Raises ParameterError."""
    if not nfs:
        raise ParameterError("no network function is named", cure="name one (wirebrick nfs lists them)")
    files = [text for text in nfs if is_chain_file(text)]
    if files and len(nfs) > 1:
        raise ParameterError(f"{files[0]}: a chain file stands alone", cure="add the other NFs to it")
    return read_chain_file(files[0]) if files else ChainFile([load_nf(text) for text in nfs])


def is_chain_file(text: str) -> bool:
    """Whether a text names a chain file, and not an NF, whose parameters may end like one.

    >>> is_chain_file("edge.toml"), is_chain_file("maglev:config=lb.toml"), is_chain_file("ttl")
    (True, False, False)
    """
    return text.endswith(".toml") and not _NF.match(text)


def named_ports(texts: Sequence[str], default: str = "") -> dict[str, str]:
    """Ports by name, from ``NAME=PORT``; with ``default``, NAME alone will do. Raises ParameterError.

    >>> named_ports(["mirror=out.pcap"])
    {'mirror': 'out.pcap'}
    """
    ports: dict[str, str] = {}
    for text in texts:
        name, equals, port = text.partition("=")
        if not name.isidentifier() or not (port or (default and not equals)):
            raise ParameterError(
                f"--port {text} is not right", cure="write NAME=PORT, such as mirror=mirror.pcap"
            )
        if name in ports:
            raise ParameterError(f"--port {name} is given twice", cure="leave one of the two out")
        ports[name] = port or default
    return ports


def check_ports(ports: dict[str, str]) -> None:
    """Raise ParameterError for a port that nobody can open: its kind or its options are wrong."""
    from wirebrick.ports.spec import open_port

    for name, spec in ports.items():
        try:
            open_port(spec)
        except PortError as error:
            raise ParameterError(f"port {name}: {error.message}", cure=error.cure) from None


def ports_of(graph: Graph) -> list[str]:
    """The ports a chain is checked with: in, out, and those that its operators send to."""
    return list(dict.fromkeys(["in", "out", *(node.port for node in graph.nodes if isinstance(node, Send))]))
