"""Checksum: what an Internet checksum covers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Checksum:
    """An Internet checksum (RFC 1071) in a header: what it covers, so that it can follow every write.

    ``payload``: the bytes behind the header too. ``pseudo``: the IP pseudo-header too, whose length is the
    header's own ``length`` field if ``own_length``, else what IP carries. ``optional``: a zero means "not
    used" (RFC 768). A header's ``checksum_rule`` is one:

    >>> from wirebrick.headers import UDP
    >>> UDP.checksum_rule
    Checksum(field='checksum', payload=True, pseudo=True, own_length=True, optional=True)
    """

    field: str = "checksum"
    payload: bool = False
    pseudo: bool = False
    own_length: bool = False
    optional: bool = False
