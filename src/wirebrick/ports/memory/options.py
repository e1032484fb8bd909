"""Reading the options of `memory:`: what stands behind the colon becomes a Traffic."""

from __future__ import annotations

from typing import Any

from wirebrick.errors import PortError
from wirebrick.ports.memory.traffic import Traffic
from wirebrick.ports.suggest import did_you_mean

# Option -> the field of Traffic it sets, and what its value must be.
OPTIONS = {
    "size": ("size", "bytes of a frame without FCS, a range as 64-1518, or imix"),
    "imix": ("size", "stands alone, without a value"),
    "flows": ("flows", "a whole number"),
    "count": ("count", "a whole number of packets, 0 for no end"),
    "proto": ("protocols", "protocols with weights, as tcp:60/udp:30/icmp:10"),
    "ipv6": ("ipv6", "the share of IPv6 flows, 0 to 1"),
    "vlan": ("vlan", "a VLAN number, 1 to 4094"),
    "seed": ("seed", "a whole number"),
    "payload": ("payload", "zero, random or text"),
    "gap": ("gap_ns", "whole nanoseconds"),
    "ttl": ("ttl", "1 to 255"),
    "servers": ("servers", "how many destinations there are"),
    "rate": ("rate", "a rate, as 10kpps or 100Mbit, or two with a ramp: 1kpps-100kpps"),
    "ramp": ("ramp", "a duration, as 10s"),
}


def parse_options(spec: str) -> Traffic:
    """The traffic that a spec describes. Raises PortError for an unknown option or a wrong value.

    >>> parse_options("memory:size=128,flows=4,proto=tcp:60/udp:40,ipv6=0.5").protocols
    'tcp:60/udp:40'
    >>> parse_options("memory:flwos=4")
    Traceback (most recent call last):
    wirebrick.errors.PortError: 'memory:flwos=4': there is no option 'flwos'
      help: did you mean 'flows'? There are: size, imix, flows, count, ...
    """
    fields: dict[str, Any] = {}
    given: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in spec.removeprefix("memory:").split(","))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if key not in OPTIONS:
            raise PortError(f"{spec!r}: there is no option {key!r}", cure=did_you_mean(key, OPTIONS))
        field, allowed = OPTIONS[key]
        if field in given:
            raise PortError(f"{spec!r}: {key} is set twice ({given[field]}, {part})", cure="keep one of them")
        given[field] = part
        if bool(equals) == (key == "imix"):
            raise PortError(f"{spec!r}: {part!r} is not right", cure=f"{key}: {allowed}")
        try:
            fields[field] = "imix" if key == "imix" else _value(field, value)
        except ValueError:
            raise PortError(f"{spec!r}: {key} can't be {value!r}", cure=f"{key}: {allowed}") from None
    return Traffic(**fields)


def _value(field: str, text: str) -> int | float | str | tuple[int, int]:
    """The value of a field of Traffic. Raises ValueError."""
    if field in ("protocols", "payload", "rate", "ramp"):
        return text
    if field == "ipv6":
        return float(text)
    if field == "size":
        if text == "imix":
            return text
        low, dash, high = text.partition("-")
        return (int(low), int(high)) if dash else int(low)
    return int(text)
