"""Reading captures: a source that streams a classic pcap or pcapng file through a buffer of fixed size.

>>> import io, struct
>>> header = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)
>>> source = PcapSource(io.BytesIO(header), receive=0)
>>> source.nanoseconds, source.frame_size
(True, 65549)
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

from wirebrick.errors import PortError
from wirebrick.ports.base import Source
from wirebrick.ports.pcap import formats, layout, linktypes, sections
from wirebrick.ports.pcap.input import Input
from wirebrick.ports.pcap.loader import receive_address
from wirebrick.ports.pcap.memory import SourceMemory

_LEAST_FRAME = 65535  # files that declare a small snap length sometimes hold larger packets
_INTERFACES = 65536  # of a section; a file with more is a hostile one
_READ_ERRORS = (OSError, EOFError, zlib.error)


class PcapSource(Source):
    """Packets of a capture: a path, ``-`` (standard input) or an open binary file, gzip-compressed or not.

    ``frame_size`` is the largest packet in bytes, ``nanoseconds`` whether times are finer than a microsecond
    (in pcapng: by the interfaces described first). What is wrong with the file later ends the source and is
    told by ``problem``. Raises PortError where the file can't be opened or is not a capture.
    """

    def __init__(self, file: str | Path | BinaryIO, *, receive: int | None = None) -> None:
        self._memory = SourceMemory()
        self._offset = 0  # in the file, of the buffer's start
        self._other_links: set[int] = set()
        self.state = self._memory.state
        self.frame_size = layout.MAX_CAPTURED + layout.ETHERNET
        self.nanoseconds = False
        self._input = Input(file)
        self.name = self._input.name
        self.path = self._input.path
        try:
            self._open()
            self.receive = receive_address() if receive is None else receive
        except BaseException:
            self._input.close()
            raise

    @property
    def bytes_copied(self) -> int:
        """Bytes copied into frames, so far."""
        return self._memory[layout.S_COPIED]

    def refill(self) -> bool:
        """Read on; False at the end of the file or where it is damaged: then ``problem`` says so."""
        memory = self._memory
        if memory[layout.S_FINISHED]:
            return False
        status = memory[layout.S_STATUS]
        try:
            if status > layout.DESCRIPTION:
                return self._finish(f"{self._damage(status)}: the file is damaged")
            if (status == layout.DESCRIPTION and self._take_description()) or self._more():
                return True
        except sections.Damage as damage:
            return self._finish(f"{self._here()} is {damage}: the file is damaged")
        except _READ_ERRORS as error:
            return self._finish(f"can't be read on: {_reason(error)}")
        if memory[layout.S_SKIP] or memory[layout.S_POSITION] < memory[layout.S_FILL]:
            return self._finish(f"the file is cut: it ends inside {self._here()}")
        return self._finish(None)

    def progress(self) -> tuple[int, int] | None:
        """Bytes read and bytes of the file, or None for pipes."""
        return self._input.progress()

    def close(self) -> None:
        """Close the file."""
        self._finish(None)
        self._input.close()

    def _open(self) -> None:
        """Read the header. Raises PortError."""
        memory = self._memory
        try:
            while memory[layout.S_FILL] < formats.CLASSIC_SIZE and self._more():
                pass
            start = bytes(memory.rest()[: sections.SECTION_SIZE])
            if not start:
                raise PortError(f"{self.name}: empty, not a capture", cure="check what was to write it")
            if formats.is_classic(start):
                self._open_classic(start)
            elif start[:4] == sections.SECTION:
                self._open_blocks()
            else:
                raise formats.foreign(self.name, start[:4])
        except sections.Damage as damage:
            raise PortError(f"{self.name}: begins with {damage}", cure="get an undamaged copy") from None
        except _READ_ERRORS as error:
            raise PortError(f"{self.name}: can't be read: {_reason(error)}", cure="check the file") from None

    def _open_classic(self, start: bytes) -> None:
        header = formats.classic_header(self.name, start)
        memory = self._memory
        memory[layout.S_POSITION] = formats.CLASSIC_SIZE
        memory[layout.S_SWAP] = int(header.order == ">")
        memory[layout.S_HEAD] = header.record
        memory.add_interface(sections.Interface(header.link, multiply=header.tick))
        largest = header.snaplen if 0 < header.snaplen < layout.MAX_CAPTURED else layout.MAX_CAPTURED
        self.frame_size = max(largest, _LEAST_FRAME) + layout.ETHERNET
        self.nanoseconds = header.tick == 1

    def _open_blocks(self) -> None:
        self._memory[layout.S_BLOCKS] = 1
        while not self._take_description():
            if not self._more():
                raise formats.cut_header(self.name, len(self._memory.rest()), sections.SECTION_SIZE)
        while self._next_is_interface() and self._take_description():
            pass

    def _next_is_interface(self) -> bool:
        order = ">" if self._memory[layout.S_SWAP] else "<"
        return bytes(self._memory.rest()[:4]) == struct.pack(order + "I", layout.INTERFACE_BLOCK)

    def _take_description(self) -> bool:
        """Apply the section header or interface description that comes next; False: it is not complete."""
        memory = self._memory
        rest = memory.rest()
        if len(rest) < 12:
            return False
        section = rest[:4] == sections.SECTION
        order = sections.byte_order(bytes(rest[:12])) if section else ">" if memory[layout.S_SWAP] else "<"
        size = struct.unpack_from(order + "I", rest, 4)[0]
        if not 12 <= size <= layout.MAX_BLOCK:
            raise sections.Damage(f"a block of {size} bytes")
        if len(rest) < size:
            return False
        block = bytes(rest[:size])
        if section:
            sections.check_section(block, order)
            memory[layout.S_SWAP] = int(order == ">")
            memory.clear_interfaces()
        else:
            self._add_interface(sections.interface(block, order))
        memory[layout.S_POSITION] += size
        memory[layout.S_RECORDS] += 1
        return True

    def _add_interface(self, interface: sections.Interface) -> None:
        if self._memory[layout.S_INTERFACE_COUNT] >= _INTERFACES:
            raise sections.Damage(f"the description of interface {_INTERFACES}")
        if linktypes.kind(interface.link) == layout.LINK_UNKNOWN:
            self._other_links.add(interface.link)
        self.nanoseconds = self.nanoseconds or interface.fine
        self._memory.add_interface(interface)

    def _more(self) -> bool:
        """Read what comes next behind the unread rest; False at the end of the file."""
        memory = self._memory
        self._offset += memory.compact()
        got = self._input.readinto(memory.view[memory[layout.S_FILL] :])
        memory[layout.S_FILL] += got
        return got > 0

    def _here(self) -> str:
        """The record at hand, by its number and place."""
        memory = self._memory
        kind = "block" if memory[layout.S_BLOCKS] else "record"
        skipped = memory[layout.S_SKIP] > 0  # counted already, and passed in part
        number = memory[layout.S_RECORDS] + (0 if skipped else 1)
        place = self._offset + memory[layout.S_POSITION]
        return f"{kind} {number}" if skipped else f"{kind} {number} at byte {place}"

    def _damage(self, status: int) -> str:
        claim = self._memory[layout.S_CLAIM]
        text = {
            layout.BAD_CAPTURED: f"claims {claim} bytes",
            layout.BAD_BLOCK: f"claims to be {claim} bytes long",
            layout.BAD_TRAILER: f"claims at its end to be {claim} bytes long",
            layout.BAD_INTERFACE: f"is of interface {claim}, which is not described",
        }
        return f"{self._here()} {text[status]}"

    def _finish(self, problem: str | None) -> bool:
        """End the source, once, and say what was wrong or left out; False."""
        memory = self._memory
        if memory[layout.S_FINISHED]:
            return False
        memory[layout.S_FINISHED] = 1
        notes = []
        if problem:
            notes.append(f"{problem}; {memory[layout.S_PACKETS]} packets were read")
        if memory[layout.S_UNMAPPED]:
            links = ", ".join(linktypes.describe(link) for link in sorted(self._other_links))
            skipped = f"{memory[layout.S_UNMAPPED]} packets of link type {links} were skipped"
            notes.append(f"{skipped}: {formats.SUPPORTED}")
        if memory[layout.S_CUT]:
            notes.append(f"{memory[layout.S_CUT]} packets were larger than a frame and were cut to it")
        if notes:
            self.problem = f"{self.name}: " + "; ".join(notes)
        return False


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "the compressed data is cut or damaged"
