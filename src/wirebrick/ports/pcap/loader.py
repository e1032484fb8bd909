"""Where the compiled functions of captures lie."""

from __future__ import annotations


def receive_address() -> int:
    """The address of the compiled ``native.receive``."""
    return _addresses()["receive"]


def transmit_address() -> int:
    """The address of the compiled ``native.transmit``."""
    return _addresses()["transmit"]


def _addresses() -> dict[str, int]:
    # Imported here: describing ports and reading their state needs no compiler.
    from wirebrick.compiler.native import load_native

    addresses: dict[str, int] = load_native("wirebrick.ports.pcap.native", {"receive": 3, "transmit": 4})
    return addresses
