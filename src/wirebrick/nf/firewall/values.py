"""The values of the rule language: addresses, networks, ports and protocol numbers, each from one word.

>>> from wirebrick.nf.firewall.words import Line
>>> line = Line("10.0.0.0/8 https 10.1.2.3/8", "acl.rules", 1)
>>> read_address(line, line.take(), "net")
(1, (167772160, 4278190080))
>>> read_ports(line, line.take())
(443, 443)
>>> read_address(line, line.take(), "net")
Traceback (most recent call last):
wirebrick.errors.ParameterError: acl.rules:1:18: '10.1.2.3/8' has bits set behind its prefix
  help: the network is 10.0.0.0/8; a single address is written 10.1.2.3
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network

from wirebrick.errors import ParameterError
from wirebrick.nf.firewall.boxes import V4, V6, Ports, Prefix
from wirebrick.nf.firewall.match import HIGHEST_PORT
from wirebrick.nf.firewall.names import PROTOCOLS, SERVICES
from wirebrick.nf.firewall.words import LONGEST_SHOWN, Line, Word, nearest

NUMBER = re.compile(r"0|[1-9][0-9]{0,9}")
RANGE = re.compile(r"([0-9]+)-([0-9]+)")
PORT_SHAPE = re.compile(r"[0-9]+([-:][0-9]*)?")
PORT_CURE = "a port is a number from 0 to 65535, a range LOW-HIGH or a service name such as https"


def looks_like_address(text: str) -> bool:
    """Whether a word can only be meant as an address or a network.

    >>> [looks_like_address(text) for text in ("10.0.0.1", "::1", "10/8", "example.com", "80", "tcp")]
    [True, True, True, True, False, False]
    """
    return any(mark in text for mark in ".:/")


def looks_like_port(text: str) -> bool:
    """Whether a word can be meant as a port.

    >>> [looks_like_port(text) for text in ("80", "80-90", "https", "10.0.0.1", "tcp")]
    [True, True, True, False, False]
    """
    return text in SERVICES or PORT_SHAPE.fullmatch(text) is not None


def looks_like_number(text: str) -> bool:
    """Whether a word is written in digits.

    >>> looks_like_number("47"), looks_like_number("gre")
    (True, False)
    """
    return text.isascii() and text.isdigit()


def read_address(line: Line, word: Word, kind: str) -> tuple[int, Prefix]:
    """Read an address or network; ``kind`` is "host", "net" or "" for either.

    Gives the version (as in :class:`~wirebrick.nf.firewall.boxes.Box`) and (address, mask). Raises
    ParameterError for what isn't one, and for a network with bits set behind its prefix.

    >>> line = Line("::1", "acl.rules", 1)
    >>> read_address(line, line.take(), "") == (V6, (1, 2**128 - 1))
    True
    """
    written, slash, length_text = word.text.partition("/")
    address = _plain_address(line, word, written)
    bits: int = address.max_prefixlen
    length = bits
    if slash:
        if kind == "host":
            cure = f"write 'net {word.text}' or 'host {address}'"
            raise line.error(word, f"{word} is a network, not a host", cure)
        length = _prefix_length(line, word, address, length_text)
    elif kind == "net":
        raise line.error(
            word,
            f"the network {word} has no prefix length",
            f"write '{address}/LENGTH' with 0 to {bits} for LENGTH, or 'host {address}'",
        )
    mask = ((1 << length) - 1) << (bits - length)
    if int(address) & ~mask:
        network = ip_network(f"{address}/{length}", strict=False)
        cure = f"the network is {network}; a single address is written {address}"
        raise line.error(word, f"{word} has bits set behind its prefix", cure)
    return (V4 if address.version == 4 else V6), (int(address), mask)


def _plain_address(line: Line, word: Word, written: str) -> IPv4Address | IPv6Address:
    try:
        if "%" in written:
            cure = f"write the address alone: {written.partition('%')[0]}"
            raise line.error(word, f"{word} has a zone", cure)
        return ip_address(written)
    except ValueError:
        pass
    if not word.text:
        cure = "write an address such as 10.0.0.1, a network or 'any'"
        raise line.error(word, "an address is missing here", cure)
    cure = "an address is written 192.0.2.1 or 2001:db8::1, a network 192.0.2.0/24 or 2001:db8::/32"
    parts = written.split(".")
    if re.search(r"[g-z]", written) and ":" not in written:
        cure = "names are not looked up: " + cure
    elif len(parts) < 4 and all(NUMBER.fullmatch(part) for part in parts):
        whole = ".".join([*parts, "0", "0", "0"][:4])
        cure = f"write all four numbers: {whole}{word.text[len(written) :] or f'/{8 * len(parts)}'}"
    elif re.search(r"\b0[0-9]", written):
        cure = "write its numbers without leading zeros"
    raise line.error(word, f"{word} is not an address", cure)


def _prefix_length(line: Line, word: Word, address: IPv4Address | IPv6Address, text: str) -> int:
    bits = address.max_prefixlen
    if NUMBER.fullmatch(text) and int(text) <= bits:
        return int(text)
    cure = f"the length of an IPv{address.version} prefix is a number from 0 to {bits}"
    if address.version == 4 and "." in text:
        try:
            # Networks whose mask counts from the other end (0.0.0.255) are understood and corrected too.
            cure = f"write '{address}/{IPv4Network(f'0.0.0.0/{text}').prefixlen}'"
        except ValueError:
            cure += "; masks with holes are not supported"
    raise line.error(word, f"{word} has a bad prefix length", cure)


def read_ports(line: Line, word: Word) -> Ports:
    """Read a port, a range of ports or a service name, as (low, high).

    >>> line = Line("5000-5010 99999", "acl.rules", 1)
    >>> read_ports(line, line.take())
    (5000, 5010)
    >>> read_ports(line, line.take())
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: acl.rules:1:11: port 99999 is out of range
      help: a port is a number from 0 to 65535, a range LOW-HIGH or a service name such as https
    """
    if word.text in SERVICES:
        return SERVICES[word.text], SERVICES[word.text]
    found = RANGE.fullmatch(word.text)
    low_text, high_text = found.groups() if found else (word.text, word.text)
    for text in (low_text, high_text):
        if not NUMBER.fullmatch(text):
            raise _bad_port(line, word)
        if int(text) > HIGHEST_PORT:
            raise line.error(word, f"port {text} is out of range", PORT_CURE)
    low, high = int(low_text), int(high_text)
    if low > high:
        raise line.error(word, f"the port range {word} is reversed", f"write {high}-{low}")
    return low, high


def _bad_port(line: Line, word: Word) -> ParameterError:
    if not word.text:
        return line.error(word, "a port is missing here", PORT_CURE)
    digits = re.findall(r"[0-9]+", word.text[:LONGEST_SHOWN])
    cure = nearest(word.text, SERVICES) or PORT_CURE
    if re.fullmatch(r"[0-9]{1,5}[-:]", word.text):
        cure = f"write {digits[0]}-65535 for every port from {digits[0]}"
    elif re.fullmatch(r"[0-9]{1,5}:[0-9]{1,5}", word.text):
        cure = f"write the range as {digits[0]}-{digits[1]}"
    return line.error(word, f"{word} is not a port", cure)


def read_protocol(line: Line, word: Word) -> int:
    """Read the number or name of an upper-layer protocol.

    >>> line = Line("47 gre 256", "acl.rules", 1)
    >>> read_protocol(line, line.take()), read_protocol(line, line.take())
    (47, 47)
    >>> read_protocol(line, line.take())
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: acl.rules:1:8: '256' is not a protocol
      help: a protocol is a number from 0 to 255 or a name such as gre
    """
    if word.text in PROTOCOLS:
        return PROTOCOLS[word.text]
    if NUMBER.fullmatch(word.text) and int(word.text) <= 255:
        return int(word.text)
    cure = "a protocol is a number from 0 to 255 or a name such as gre"
    problem = f"{word} is not a protocol" if word.text else "a protocol is missing here"
    raise line.error(word, problem, nearest(word.text, PROTOCOLS) or cure)
