"""What may stand behind ``xdp:``, and what may not; the mempool that the kernel shares."""

from __future__ import annotations

import mmap

import numpy as np
import pytest

from wirebrick.errors import ParameterError, PortError
from wirebrick.packet.frame import HEADROOM, TAILROOM
from wirebrick.ports.spec import open_port
from wirebrick.ports.xdp import umem
from wirebrick.ports.xdp.options import Options, parse
from wirebrick.ports.xdp.port import XdpPort
from wirebrick.ports.xdp.umem import LARGEST, MOST_QUEUES, Umem


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("xdp:eth0", Options("eth0")),
        ("xdp:eth0@0", Options("eth0", 0)),
        ("xdp:eth0.100@12", Options("eth0.100", 12)),
        ("xdp:eth0,mode=generic", Options("eth0", mode="generic")),
        ("xdp:eth0@1,mode=auto,copy=on", Options("eth0", 1, copy=True)),
        ("xdp:eth0,copy=off,ring=64", Options("eth0", ring=64)),
        ("xdp:eth0,kernel=arp or tcp port 22", Options("eth0", kernel="arp or tcp port 22")),
        ("xdp:eth0,kernel=ip[2:2] = 4,ring=128", Options("eth0", kernel="ip[2:2] = 4", ring=128)),
        ("xdp:eth0,checksum=keep", Options("eth0", checksum="keep")),
    ],
)
def test_options(spec, expected):
    assert parse(spec) == expected
    assert open_port(spec).options == expected


@pytest.mark.parametrize(
    ("spec", "message", "cure"),
    [
        ("xdp:", "names no interface", "xdp:IF@QUEUE"),
        ("xdp:@1", "names no interface", "xdp:IF@QUEUE"),
        ("xdp:,mode=native", "names no interface", "xdp:IF@QUEUE"),
        ("xdp:eth0@", "names no queue", "xdp:IF@QUEUE"),
        ("xdp:eth0@if7", "names no queue", "xdp:IF@QUEUE"),
        ("xdp:eth0@-1", "names no queue", "xdp:IF@QUEUE"),
        ("xdp:eth0@²", "names no queue", "xdp:IF@QUEUE"),
        ("xdp:eth0@1.5", "names no queue", "xdp:IF@QUEUE"),
        ("xdp:eth0,native", "there is no option 'native'", "mode"),
        ("xdp:eth0,mode=fast", "mode can't be 'fast'", "auto, native or generic"),
        ("xdp:eth0,mode=", "mode can't be ''", "auto, native or generic"),
        ("xdp:eth0,copy=no", "copy can't be 'no'", "on"),
        ("xdp:eth0,ring=100", "ring can't be '100'", "power of two"),
        ("xdp:eth0,ring=0", "ring can't be '0'", "from 64"),
        ("xdp:eth0,ring=65536", "ring can't be '65536'", "to 32768"),
        ("xdp:eth0,ring=64,ring=64", "ring is set twice", "keep one"),
        ("xdp:eth0,checksum=no", "checksum can't be 'no'", "complete"),
        ("xdp:eth0,kernal=arp", "there is no option 'kernal'", "did you mean 'kernel'"),
        ("xdp:eth0,x=1", "there is no option 'x'", "mode, copy, ring, kernel, checksum"),
    ],
)
def test_mistakes_are_told(spec, message, cure):
    with pytest.raises(PortError) as error:
        parse(spec)
    assert message in error.value.message
    assert spec in error.value.message
    assert cure in error.value.cure


@pytest.mark.parametrize("name", ["an-interface-with-a-name", "a b", "a/b", ".."])
def test_what_is_no_interface(name):
    with pytest.raises(PortError, match="can't be an interface"):
        XdpPort(f"xdp:{name}").source(0, 1)


def test_an_interface_that_is_not_there():
    with pytest.raises(PortError, match="there is no interface 'nosuch0'"):
        XdpPort("xdp:nosuch0").source(0, 1)


def test_a_wrong_filter_is_told_before_anything_is_opened():
    with pytest.raises(ParameterError, match="the filter 'arp and and' is not right"):
        XdpPort("xdp:lo,kernel=arp and and").source(0, 1)


@pytest.mark.parametrize(("size", "stride"), [(60, 2048), (1728, 2048), (1729, 4096), (LARGEST, 4096)])
def test_frames_of_the_umem(size, stride):
    pool = Umem(16, size)
    assert (pool.stride, pool.frame, 1 << pool.shift) == (stride, stride, stride)
    assert pool.address % mmap.PAGESIZE == 0
    assert len(pool.bytes) == 16 * stride
    assert pool.frame - HEADROOM - TAILROOM >= size


def test_packets_that_no_frame_holds():
    with pytest.raises(PortError, match="3,777 may come") as error:
        Umem(16, LARGEST + 1)
    assert "lower the MTU" in error.value.cure
    assert XdpPort("xdp:lo").mempool(16, 65535).frame == 4096  # captures claim much


def test_too_many_frames():
    with pytest.raises(PortError, match="can't be had"):
        Umem(1 << 50, 1514)


def test_owners():
    pool = Umem(8, 1514)
    first, second = pool.new_owner(), pool.new_owner()
    assert (first, second) == (1, 2)
    pool.owners[[1, 3]] = first
    pool.owners[[7, 2, 5]] = second
    assert pool.owned(first).tolist() == [1, 3]
    assert pool.owned(second).tolist() == [2, 5, 7]
    assert pool.owned(umem.WORKERS).tolist() == [0, 4, 6]
    assert pool.owned(second).dtype == np.uint32
    for _ in range(MOST_QUEUES - 2):
        pool.new_owner()
    with pytest.raises(PortError, match="at most"):
        pool.new_owner()
