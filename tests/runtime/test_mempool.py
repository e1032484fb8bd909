import pytest

from wirebrick.errors import PortError
from wirebrick.packet.frame import HEADROOM, TAILROOM
from wirebrick.runtime.mempool import Mempool, stride_of


@pytest.mark.parametrize("size", [0, 60, 1536, 1537, 9000, 65549, 262158])
def test_frames_have_room_and_an_odd_number_of_lines(size: int) -> None:
    stride = stride_of(size)
    assert HEADROOM + size + TAILROOM <= stride <= HEADROOM + max(size, 1536) + TAILROOM + 127
    assert stride // 64 % 2 == 1


def test_memory_is_taken_when_touched() -> None:
    pool = Mempool(512, 262158)

    def resident() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    before = resident()
    pool.bytes[:: pool.stride] = 1
    assert resident() - before < 16 << 20


def test_too_much_is_refused() -> None:
    with pytest.raises(PortError, match="can't be had"):
        Mempool(1 << 40, 1 << 40)
