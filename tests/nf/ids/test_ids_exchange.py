"""Rules exchanged while packets flow: as a whole, from the next burst on; what is invalid is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sensor import Sensor, udp

import wirebrick
from wirebrick.errors import ParameterError
from wirebrick.nf.ids.alerts import Alert
from wirebrick.nf.ids.assemble import Assembler, Image
from wirebrick.nf.ids.book import Rulebook, Setting
from wirebrick.nf.ids.rules import parse_rules
from wirebrick.state.log import Log

ONCE = "threshold:type limit, track by_src, count 1, seconds 100000"
OLD = f'alert udp any any -> any any (msg:"old"; content:"a"; {ONCE}; sid:1;)'
NEW = f"""
{OLD}
alert udp any any -> any any (msg:"new"; content:"a"; pcre:"/[a-z]/"; {ONCE}; sid:2; rev:2;)
"""


def a_book(text: str) -> Rulebook:
    """A book that a run has had."""
    found = []

    @wirebrick.network_function
    def reader(packets):
        log = Log(Alert, lambda rows: None)
        found.append(Rulebook(parse_rules(text).rules, log, Setting(), flows=64, idle=60.0))
        return packets

    wirebrick.run(reader, rx=[udp(b"a")])
    return found[0]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_changes_is_read_again(
    tmp_path: Path, workers: int, capfd: pytest.CaptureFixture[str]
) -> None:
    sensor = Sensor(tmp_path, OLD, flows=1024)

    @wirebrick.network_function
    def writer(packets):
        texts = iter([OLD, "alert udp any any -> any any (sid:x;)", None, None, NEW])

        def write():
            text = next(texts, None)
            if text is not None:
                sensor.rules.write_text(text)

        wirebrick.every(0.25, write, on="background")
        return packets

    chain = [writer, sensor.nf]
    result = wirebrick.run(
        chain, rx="memory:size=100,flows=50,payload=text", tx="null:", duration=2.5, workers=workers
    )
    assert result.packets_in == result.packets_out
    told = [event["alert"]["signature"] for event in map(json.loads, sensor.out.read_text().splitlines())]
    assert set(told) == {"old", "new"}
    assert len(told) <= 2 * 50 * workers


def test_a_rule_has_a_slot_of_its_own_for_ever() -> None:
    book = a_book(OLD)
    for text in (NEW, OLD, NEW.replace("rev:2", "rev:3"), NEW):
        book.exchange(parse_rules(text).rules)
    assert [(rule.sid, rule.rev) for rule in book.rules] == [(1, 0), (2, 2), (2, 3)]


def test_rules_without_room_are_refused_and_the_old_ones_stay() -> None:
    book = a_book(OLD)
    many = "\n".join(f"alert udp any any -> any {n} (sid:{n};)" for n in range(1, 5000))
    with pytest.raises(ParameterError, match="4,999 rules, and there is room for 4,096"):
        book.exchange(parse_rules(many).rules)
    bits = "\n".join(f"alert udp any any -> any any (flowbits:set,b{n}; sid:{n};)" for n in range(1, 200))
    with pytest.raises(ParameterError, match="199 names of flow bits, and there is room for 64"):
        book.exchange(parse_rules(bits).rules)
    words = "\n".join(f'alert udp any any -> any any (content:"word{n}"; sid:{n};)' for n in range(1, 1100))
    with pytest.raises(ParameterError, match="1,099 literals, and there is room for 1,024"):
        book.exchange(parse_rules(words).rules)
    assert book.count == len(book.rules) == 1
    book.exchange(parse_rules(NEW).rules)
    assert book.count == 2


def test_flow_bits_mean_the_same_under_other_rules() -> None:
    setting = {"inline": False, "midstream": True, "overlap": 0, "streams": False}
    text = "alert udp any any -> any any (flowbits:{}; sid:{};)"
    first = Assembler(Image(), **setting).image(parse_rules(text.format("set,a", 1)).rules)
    both = "\n".join([text.format("set,b", 2), text.format("isset,a", 3)])
    second = Assembler(first, **setting).image(parse_rules(both).rules)
    assert second.bits == {"a": 0, "b": 1}
