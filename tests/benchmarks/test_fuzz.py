"""``benchmarks.fuzz`` runs, and finds what a chain does to bytes that are none of its packet's."""

from __future__ import annotations

import ctypes

from benchmarks import fuzz


def test_nothing_is_found(monkeypatch, capsys):
    monkeypatch.setattr(fuzz, "CHAINS", {"transports": fuzz.CHAINS["transports"]})
    assert fuzz.fuzz(512, seed=5) == 0
    assert "512 frames" in capsys.readouterr().out


def test_bytes_behind_a_packet_are_missed(monkeypatch, capsys):
    class Spoiling(fuzz.Fuzz):
        def _describe(self, lengths):
            super()._describe(lengths)
            ctypes.c_uint8.from_address(int(self.starts[3] + lengths[3] + self.behind)).value ^= 1

    monkeypatch.setattr(fuzz, "CHAINS", {"transports": fuzz.CHAINS["transports"]})
    monkeypatch.setattr(fuzz, "Fuzz", Spoiling)
    assert fuzz.fuzz(64, seed=5) == 1
    assert "frame 3: bytes outside of it have changed" in capsys.readouterr().out
