"""Random rules on random packets and streams, beside the evaluation in plain Python."""

from __future__ import annotations

import random
from importlib import import_module
from pathlib import Path

import pytest
from reference import matches, payload_matches
from rule_maker import LETTERS, tiny
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from sensor import CLIENT, SERVER, Sensor, udp

from wirebrick.nf.ids import book
from wirebrick.nf.ids.groups import looks_at_streams
from wirebrick.nf.ids.rules import parse_rules
from wirebrick.nf.ids.steps import lookback

ROUNDS = [pytest.param(seed, seed == 0, id=f"{seed}") for seed in range(3)]


@pytest.mark.parametrize(("seed", "interpret"), ROUNDS)
def test_payloads(tmp_path: Path, seed: int, interpret: bool) -> None:
    rng = random.Random(seed)
    lines = [tiny(rng, sid) for sid in range(1, 61)]
    frames = [udp(bytes(rng.choices(LETTERS, k=rng.randint(0, 24)))) for _ in range(100)]
    rules = parse_rules("\n".join(lines)).rules
    expected = [(rule.sid, at) for at, frame in enumerate(frames) for rule in rules if matches(rule, frame)]
    sensor = Sensor(tmp_path, "\n".join(lines))
    sensor.run(frames, interpret=interpret)
    found = set(sensor.alerts())
    wrong = [(lines[sid - 1], frames[at][42:], (sid, at) in found) for sid, at in found ^ set(expected)]
    assert not wrong
    assert len(found) > 300


@pytest.mark.parametrize(("seed", "interpret"), ROUNDS)
def test_streams(tmp_path: Path, seed: int, interpret: bool) -> None:
    rng = random.Random(seed)
    overlap = rng.choice([4, 8, 2048])
    lines = [
        tiny(rng, sid, "tcp", rng.choice(["", "", "flow:only_stream; ", "flow:no_stream; "]))
        for sid in range(1, 61)
    ]
    rules = parse_rules("\n".join(lines)).rules
    keep = min(overlap, max(lookback(rule) for rule in rules if looks_at_streams(rule)))
    frames, expected = [], set()
    for flow in range(30):
        data, seq, before = bytes(rng.choices(LETTERS, k=40)), rng.randrange(1 << 32), b""
        at = 0
        while at < len(data):
            part = data[at : at + rng.randint(1, 12)]
            tcp = TCP(sport=5000 + flow, dport=80, flags="A", seq=(seq + at) & 0xFFFFFFFF)
            frames.append(bytes(Ether() / IP(src=CLIENT, dst=SERVER) / tcp / Raw(part)))
            for rule in rules:
                if streamed(rule, part, before, at):
                    expected.add((rule.sid, len(frames) - 1))
            before = (before + part)[-keep:] if keep else b""
            at += len(part)
    sensor = Sensor(tmp_path, "\n".join(lines), overlap=overlap)
    sensor.run(frames, interpret=interpret)
    found = set(sensor.alerts())
    assert not [(lines[sid - 1], at, (sid, at) in found) for sid, at in found ^ expected]
    assert len(found) > 300


def streamed(rule, part: bytes, before: bytes, offset: int) -> bool:
    """Whether a rule matches a segment: alone, or with what is kept of the stream before it."""
    if not looks_at_streams(rule):
        return payload_matches(rule, part)
    whole, begin = before + part, len(before) - offset
    touches = any(
        not getattr(option, "negated", False) or type(option).__name__ == "ByteTest"
        for option in rule.payload
    )
    if rule.flow.streams == "only":
        return payload_matches(rule, whole, begin, len(before) if touches else -1)
    if payload_matches(rule, part):
        return True
    return touches and offset > 0 and payload_matches(rule, whole, begin, len(before))


def test_native_code_as_it_is_in_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(77)
    lines = [tiny(rng, sid, rng.choice(["udp", "tcp"])) for sid in range(1, 41)]
    lines.append('alert udp any any -> any any (pcre:"/[ab]+1/i"; content:"b"; distance:0; sid:99;)')
    frames = [udp(bytes(rng.choices(LETTERS, k=rng.randint(0, 12)))) for _ in range(20)]
    for number in range(10):
        tcp = TCP(sport=1, dport=80, flags="A", seq=4 * number)
        frames.append(
            bytes(Ether() / IP(src=CLIENT, dst=SERVER) / tcp / Raw(bytes(rng.choices(LETTERS, k=4))))
        )
    sensor = Sensor(tmp_path, "\n".join(lines))
    sensor.run(frames)
    compiled = sensor.alerts()
    monkeypatch.setattr(book, "compiled", lambda module, name, _: getattr(import_module(module), name))
    sensor.out.unlink()
    sensor.run(frames, interpret=True)
    assert sensor.alerts() == compiled
    assert len(compiled) > 30
