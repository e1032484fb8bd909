"""The ``pcap:`` port: packets from a capture file, packets into one.

>>> PcapPort("pcap:in.pcap,out.pcap").paths
('in.pcap', 'out.pcap')
>>> PcapPort("pcap:in.pcap").paths, PcapPort("a,b.pcap").paths, PcapPort("-").paths
(('in.pcap', 'in.pcap'), ('a,b.pcap', 'a,b.pcap'), ('-', '-'))
"""

from __future__ import annotations

import os
import stat

from wirebrick.errors import PortError
from wirebrick.ports.base import Port, Sink, Source
from wirebrick.ports.pcap.output import Output
from wirebrick.ports.pcap.reader import PcapSource
from wirebrick.ports.pcap.writer import PcapSink

_PREFIX = "pcap:"
_FORMS = "write pcap:FILE, pcap:IN,OUT, or a path alone; - is standard input or output"


class PcapPort(Port):
    """A capture: ``pcap:FILE`` (read or written, as it is used), ``pcap:IN,OUT``, a bare path, or ``-``.

    ``pcap:IN,`` is only read and ``pcap:,OUT`` only written. A bare path is taken as it is, commas and all.
    ``nanoseconds`` tells how times are written: set it before the first sink is opened; reading from the same
    port sets it. Raises PortError where the spec names no file.
    """

    cuts = True
    burst = 256  # more work is done for each of a burst, and latency means nothing

    def __init__(self, spec: str) -> None:
        super().__init__(spec)
        self.paths = _split(spec)
        self.can_receive, self.can_transmit = (bool(path) for path in self.paths)
        self._pair = spec.startswith(_PREFIX) and "," in spec
        self.nanoseconds = False
        self._source: PcapSource | None = None
        self._output: Output | None = None

    @property
    def frame_size(self) -> int:
        """The largest packet of the capture, in bytes; until it is open, what a port usually has."""
        return super().frame_size if self._source is None else self._source.frame_size

    def source(self, worker: int, workers: int) -> Source:
        """Open the capture for reading. Raises PortError."""
        path = self.paths[0]
        if not path:
            raise PortError(f"{self.spec}: names no capture to read", cure=_FORMS)
        if self._output is not None:
            refuse_same_file(path, self.paths[1])
        self._source = PcapSource(path)
        self.nanoseconds = self.nanoseconds or self._source.nanoseconds
        return self._source

    def sink(self, worker: int, workers: int) -> Sink:
        """Open the capture for writing, one file for all workers. Raises PortError."""
        path = self.paths[1]
        if not path:
            raise PortError(f"{self.spec}: names no capture to write", cure=_FORMS)
        if self._output is None:
            if self._pair or self._source is not None:
                refuse_same_file(self.paths[0], path)
            self._output = Output(path, nanoseconds=self.nanoseconds)
        return PcapSink(self._output)

    def close(self) -> None:
        """Close the files."""
        if self._source is not None:
            self._source.close()
        if self._output is not None:
            self._output.close()


def refuse_same_file(source: str, sink: str) -> None:
    """Raise PortError where writing ``sink`` would destroy ``source``: they are one file, by whatever names.

    >>> refuse_same_file("-", "-")
    >>> refuse_same_file(__file__, __file__)
    Traceback (most recent call last):
    wirebrick.errors.PortError: ...: is read and would be overwritten
      help: write to another file
    """
    try:
        first, second = _status(source, 0), _status(sink, 1)
    except OSError:
        return  # one of them is not there: they are not the same, and opening it tells
    if stat.S_ISREG(first.st_mode) and os.path.samestat(first, second):
        raise PortError(f"{sink}: is read and would be overwritten", cure="write to another file")


def _status(path: str, standard: int) -> os.stat_result:
    return os.fstat(standard) if path == "-" else os.stat(path)


def _split(spec: str) -> tuple[str, str]:
    """The paths to read and to write; an empty one where there is none."""
    paths = spec.removeprefix(_PREFIX).split(",") if spec.startswith(_PREFIX) else [spec]
    if not any(paths):
        raise PortError(f"{spec!r}: names no file", cure=_FORMS)
    if len(paths) > 2:
        raise PortError(f"{spec!r}: names {len(paths)} files", cure=_FORMS)
    return paths[0], paths[-1]
