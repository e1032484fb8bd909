"""What the fused function must not get wrong between operators: faults of push, headers declared late."""

from __future__ import annotations

import pytest

import wirebrick
from wirebrick.fields import U16
from wirebrick.headers import UDP, VLAN, Ethernet, Header, IPv4


@wirebrick.network_function
def onion(packets):
    """More headers than there is headroom for."""
    for _ in range(70):
        packets = packets.push(VLAN)
    return packets


@pytest.mark.parametrize("interpret", [True, False])
def test_a_push_without_headroom_is_a_fault_of_its_nf(interpret):
    result = wirebrick.run(onion, rx=[bytes(60)], interpret=interpret)
    assert result.drops == {"onion.fault_room": 1}
    assert [(nf.packets_in, nf.packets_out, nf.faults) for nf in result.nfs] == [(1, 0, 1)]


@wirebrick.network_function
def mark(packets):
    def store(packet):
        packet.header.src_port = 4242

    return packets.parse(Ethernet).parse(IPv4).parse(UDP).transform(store)


def frame() -> bytes:
    udp = bytes(UDP(src_port=1, dst_port=2, length=12)) + b"\x00\x07ab"
    ip = bytes(IPv4(protocol=17, total_length=20 + len(udp)))
    return bytes(Ethernet(ethertype=0x0800)) + ip + udp


@pytest.mark.parametrize("interpret", [False, True])
def test_a_header_declared_after_a_first_run_is_found(interpret):
    wirebrick.run(mark, rx=[frame()], interpret=interpret)

    class Late(Header):
        value: U16
        announced_by = UDP.src_port == 4242

    @wirebrick.network_function
    def look(packets):
        def double(packet):
            packet.header.value *= 2

        return packets.parse(Ethernet).parse(IPv4).parse(UDP).parse(Late).transform(double)

    result = wirebrick.run([look, mark, look], rx=[frame()], interpret=interpret)
    assert result.packets[0][42:44] == b"\x00\x0e"
