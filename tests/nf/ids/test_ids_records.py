"""What native code and Python agree on."""

from __future__ import annotations

from itertools import pairwise

from wirebrick.nf.ids import layout
from wirebrick.nf.ids.alerts import Alert
from wirebrick.packet.flow import FlowKey


def test_an_alert_lies_as_native_code_writes_it() -> None:
    offsets = {name: field.offset for name, field in Alert.fields.items()}
    assert offsets == {
        "time": 0, "src": 8, "dst": 24, "rule": 40, "src_port": 44, "dst_port": 46, "protocol": 48, "version": 49,
        "dropped": 50, "stream": 51, "ingress": 52,
    }  # fmt: skip
    assert Alert.size == layout.ALERT


def test_a_flow_key_lies_as_native_code_reads_it() -> None:
    offsets = {name: field.offset for name, field in FlowKey.fields.items()}
    assert offsets == {"src": 0, "dst": 16, "src_port": 32, "dst_port": 34, "protocol": 36, "version": 37}


def test_words_of_the_desk_do_not_overlap() -> None:
    sizes = {"P_SRC": 16, "P_DST": 16, "P_KEY": layout.KEY, "P_LAST_KEY": layout.KEY, "D_VARIABLES": 64}
    sizes |= {"D_TRACK": layout.TRACK, "D_ALERT": layout.ALERT, "D_STACK": layout.MOST_STEPS * layout.CHOICE}
    names = [name for name in vars(layout) if name.startswith(("D_", "P_", "C_"))]
    taken = sorted(
        (getattr(layout, name), sizes.get(name, 8)) for name in names if name not in ("D_COUNTERS", "D_END")
    )
    for (at, size), (behind, _) in pairwise(taken):
        assert at + size <= behind
    assert taken[-1][0] + taken[-1][1] <= layout.D_END
