"""FlowKey: the 5-tuple that names a flow."""

from __future__ import annotations

from typing import Any

from wirebrick.addresses import IPv4Address, IPv6Address
from wirebrick.fields import U8, U16
from wirebrick.state.record import Record, RecordField


class _IPField(RecordField):
    """An address field that prints as the IP version of its flow says."""

    def read(self, at: int) -> Any:
        """An IPv4Address or IPv6Address; both are integers."""
        value = int(super().read(at))
        version = FlowKey.fields["version"].read(at)
        return IPv4Address(value) if version == 4 and value < 1 << 32 else IPv6Address(value)


class FlowKey(Record):
    """Addresses, ports and protocol of a packet's IP header, as ``packet.flow()`` gives them.

    Ports are those of TCP, UDP and SCTP, and zero otherwise: in fragments behind the first, and where a packet ends
    before its ports. ``protocol`` of IPv6 is that behind its extension headers. ``version`` is 4 or 6.

    >>> key = FlowKey(version=4, src=IPv4Address("192.0.2.1"), dst=IPv4Address("192.0.2.2"), dst_port=53, protocol=17)
    >>> key
    FlowKey(src=192.0.2.1, dst=192.0.2.2, src_port=0, dst_port=53, protocol=17, version=4)
    >>> key.reversed().src, FlowKey(version=4, src=1 << 32).src  # what is no IPv4 address isn't taken for one
    (IPv4Address('192.0.2.2'), IPv6Address('::1:0:0'))
    """

    src: IPv6Address
    dst: IPv6Address
    src_port: U16
    dst_port: U16
    protocol: U8
    version: U8

    def reversed(self) -> FlowKey:
        """The same flow seen from the other side (for Python; not in compiled user functions)."""
        return FlowKey(
            src=self.dst,
            dst=self.src,
            src_port=self.dst_port,
            dst_port=self.src_port,
            protocol=self.protocol,
            version=self.version,
        )


for _name in ("src", "dst"):
    _old = FlowKey.fields[_name]
    FlowKey.fields[_name] = _IPField(FlowKey, _name, _old.offset, _old.bits, IPv6Address)
    setattr(FlowKey, _name, FlowKey.fields[_name])
