"""Alerts as lines of JSON, in the form of Suricata's EVE (Extensible Event Format)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from ipaddress import IPv4Address as V4
from ipaddress import IPv6Address as V6
from pathlib import Path
from typing import Any

from wirebrick.errors import ParameterError, PortError
from wirebrick.fields import U8, U16, U32, U64, IPv6Address
from wirebrick.nf.ids.rule import Rule
from wirebrick.state.record import Record

PROTOCOLS = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "IPv6-ICMP", 132: "SCTP"}
WITH_PORTS = (6, 17, 132)


class Alert(Record):
    """What native code writes when a rule matches (``ids_tell``); ``rule``: the rule's slot."""

    time: U64
    src: IPv6Address
    dst: IPv6Address
    rule: U32
    src_port: U16
    dst_port: U16
    protocol: U8
    version: U8
    dropped: U8
    stream: U8
    ingress: U16


class AlertFile:
    """Writes alerts to the end of a file, whole lines at a time.

    ``rules`` gives the rules by slot, ``ports`` the names of ports by number.
    """

    def __init__(
        self, path: Path | None, rules: Callable[[], Sequence[Rule]], ports: Callable[[], Sequence[str]]
    ) -> None:
        self.path = path
        self.rules, self.ports = rules, ports
        self.written = 0
        if path is None:
            return
        try:
            with path.open("a", encoding="utf-8"):
                pass
        except OSError as error:
            raise ParameterError(
                f"ids: out={path} can't be written: {error.strerror or error}", cure="give another path"
            ) from None

    def write(self, rows: Any) -> None:
        """Write rows of the log. Raises PortError where the disk is full, say."""
        self.written += len(rows)
        if self.path is None:
            return
        rules, ports = self.rules(), self.ports()
        text = "".join(
            json.dumps(event(row, rules[int(row["rule"])], ports), separators=(",", ":")) + "\n"
            for row in rows
        )
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise PortError(
                f"ids: {len(rows)} alerts can't be written to {self.path}: {error.strerror or error}",
                cure="free space on the disk",
            ) from None


def event(row: Any, rule: Rule, ports: Sequence[str]) -> dict[str, Any]:
    """An alert as EVE has it."""
    version, protocol = int(row["version"]), int(row["protocol"])
    src, dst = _address(row["src"], version), _address(row["dst"], version)
    found: dict[str, Any] = {
        "timestamp": _time(int(row["time"])),
        "flow_id": flow_id(src, int(row["src_port"]), dst, int(row["dst_port"]), protocol),
        **({"in_iface": ports[int(row["ingress"])]} if int(row["ingress"]) < len(ports) else {}),
        "event_type": "log" if rule.action == "log" else "alert",
        "src_ip": src,
        "dest_ip": dst,
        "proto": PROTOCOLS.get(protocol, f"{protocol:03d}"),
    }
    if protocol in WITH_PORTS:
        found |= {"src_port": int(row["src_port"]), "dest_port": int(row["dst_port"])}
    alert: dict[str, Any] = {
        "action": "blocked" if row["dropped"] else "allowed",
        "gid": rule.gid,
        "signature_id": rule.sid,
        "rev": rule.rev,
        "signature": rule.message,
        "category": rule.category,
        "severity": rule.priority,
    }
    if rule.metadata:
        alert["metadata"] = list(rule.metadata)
    return found | {"pkt_src": "stream" if row["stream"] else "wire/pcap", "alert": alert}


def flow_id(src: str, src_port: int, dst: str, dst_port: int, protocol: int) -> int:
    """A number for a flow, the same for both directions, in every run.

    >>> flow_id("192.0.2.1", 4711, "192.0.2.2", 80, 6) == flow_id("192.0.2.2", 80, "192.0.2.1", 4711, 6)
    True
    """
    ends = sorted([(src, src_port), (dst, dst_port)])
    return int.from_bytes(blake2b(repr((protocol, ends)).encode(), digest_size=8).digest(), "big") >> 12


def _time(ns: int) -> str:
    when = datetime.fromtimestamp(ns // 10**9, UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{ns // 1000 % 10**6:06d}+0000"


def _address(pair: Any, version: int) -> str:
    high, low = int(pair["high"]), int(pair["low"])
    return str(V4(low)) if version == 4 else str(V6(high << 64 | low))
