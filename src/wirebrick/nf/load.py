"""Network functions by what users write: a name, a file, and values for parameters.

================================ =======================================================================
written                          meaning
================================ =======================================================================
``ttl``                          an NF that comes with Wirebrick
``firewall:rules=acl.rules``     with parameters: NAME=VALUE, separated by commas
``monitor:out="a,b.csv"``        a value with a comma, in double or single quotes
``my_nf.py``                     the one NF that a Python file defines
``my_nf.py:limiter``             an NF by name, of a file that defines several
``my_nf.py:limiter:rate=5``      with parameters
================================ =======================================================================

>>> load_nf("delay:cycles=0x10")
Configured(nf=<network function delay>, parameters={'cycles': 16}, workers=None)
>>> load_nf("ttll")  # doctest: +ELLIPSIS
Traceback (most recent call last):
wirebrick.errors.ParameterError: there is no NF 'ttll'
  help: did you mean 'ttl'? There are: ... (or the path of a Python file)
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Mapping
from typing import Any

from wirebrick.errors import ParameterError
from wirebrick.nf.parameters import check_complete, read_values
from wirebrick.nf.user_file import load_file
from wirebrick.ports.suggest import did_you_mean
from wirebrick.stream.network_function import Configured, NetworkFunction

LIBRARY = {
    "arp": "wirebrick.nf.arp:arp",
    "blocklist": "wirebrick.nf.blocklist.nf:blocklist",
    "delay": "wirebrick.nf.delay:delay",
    "dns": "wirebrick.nf.dns.nf:dns",
    "external": "wirebrick.nf.external:external",
    "firewall": "wirebrick.nf.firewall.nf:firewall",
    "fragment": "wirebrick.nf.fragment:fragment",
    "generate": "wirebrick.nf.generate.nf:generate",
    "gre": "wirebrick.nf.gre:gre",
    "ids": "wirebrick.nf.ids.nf:ids",
    "link": "wirebrick.nf.link.nf:link",
    "macswap": "wirebrick.nf.macswap:macswap",
    "maglev": "wirebrick.nf.maglev.nf:maglev",
    "mirror": "wirebrick.nf.mirror:mirror",
    "monitor": "wirebrick.nf.monitor.nf:monitor",
    "nat": "wirebrick.nf.nat.nf:nat",
    "nat64": "wirebrick.nf.nat64.nf:nat64",
    "nptv6": "wirebrick.nf.nptv6.nf:nptv6",
    "policer": "wirebrick.nf.policer.nf:policer",
    "reassemble": "wirebrick.nf.reassemble:reassemble",
    "router": "wirebrick.nf.router.nf:router",
    "sample": "wirebrick.nf.sample:sample",
    "shaper": "wirebrick.nf.shaper:shaper",
    "switch": "wirebrick.nf.switch.nf:switch",
    "synproxy": "wirebrick.nf.synproxy.nf:synproxy",
    "ttl": "wirebrick.nf.ttl:ttl",
    "vxlan": "wirebrick.nf.vxlan:vxlan",
}
FILE = re.compile(r"(.*?\.py)(?::(.*))?", re.DOTALL)
ASSIGNMENT = re.compile(r"\s*([^=,\s]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^,]*?))\s*(?:,|$)", re.DOTALL)


def library() -> dict[str, NetworkFunction]:
    """The NFs that come with Wirebrick, by name.

    >>> library()["ttl"]
    <network function ttl>
    """
    return {name: _shipped(name) for name in LIBRARY}


def load_nf(text: str, values: Mapping[str, Any] | None = None) -> Configured:
    """The NF that ``text`` names, with its parameters; ``values``: more of these, as a TOML file gives them.

    Raises ParameterError for an NF, a file or a parameter that there isn't, for values of the wrong type, for
    parameters that are missing, and where the user's file fails.
    """
    nf, rest = _find(text)
    given = split_parameters(rest, text)
    base: dict[str, Any] = {}
    if isinstance(nf, Configured):
        nf, base = nf.nf, nf.parameters
    twice = [name for name in given if name in (values or {})]
    if twice:
        raise ParameterError(f"{nf.name}: {twice[0]} is given twice", cure="leave one of the two out")
    found = {**base, **read_values(nf, given, text=True), **read_values(nf, values or {}, text=False)}
    check_complete(nf, found)
    return Configured(nf, found)


def split_parameters(text: str, whole: str = "") -> dict[str, str]:
    """The parameters in ``NAME=VALUE,NAME=VALUE``. Raises ParameterError; ``whole`` is what the user wrote.

    >>> split_parameters("rules='a,b.acl',default=drop")
    {'rules': 'a,b.acl', 'default': 'drop'}
    >>> split_parameters("")
    {}
    """
    values: dict[str, str] = {}
    position = 0
    while position < len(text):
        found = ASSIGNMENT.match(text, position)
        if found is None:
            raise ParameterError(
                f"{whole or text!r}: can't read the parameters from {text[position:]!r} on",
                cure='write NAME=VALUE,NAME=VALUE; put a value with a comma in quotes: rules="a,b.acl"',
            )
        name = found[1]
        if name in values:
            raise ParameterError(f"{whole or text!r}: {name} is given twice", cure="leave one of the two out")
        values[name] = next((value for value in found.groups()[1:] if value is not None), "")
        position = found.end()
    return values


def _find(text: str) -> tuple[NetworkFunction | Configured, str]:
    """The NF, and the text of its parameters."""
    file = FILE.fullmatch(text)
    if file is not None:
        return _in_file(file[1], file[2] or "")
    name, _, rest = text.partition(":")
    name = name.strip()
    if name not in LIBRARY:
        raise ParameterError(
            f"there is no NF {name!r}",
            cure=f"did you mean the file {name}.py?"
            if os.path.isfile(f"{name}.py")
            else f"{did_you_mean(name, LIBRARY)} (or the path of a Python file)",
        )
    return _shipped(name), rest


def _shipped(name: str) -> NetworkFunction:
    module, _, function = LIBRARY[name].partition(":")
    nf: NetworkFunction = getattr(importlib.import_module(module), function)
    return nf


def _in_file(path: str, rest: str) -> tuple[NetworkFunction | Configured, str]:
    """An NF of a user's file: the one that ``rest`` begins with, or the only one."""
    module = load_file(path)
    candidates = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, NetworkFunction | Configured) and not name.startswith("_")
    }
    first, _, after = rest.partition(":")
    if "=" in first or not first:
        own = {name: nf for name, nf in candidates.items() if _made_in(nf, module.__name__)}
        if len(own) != 1:
            raise ParameterError(
                f"{path} defines {len(own) or 'no'} NFs",
                cure=f"say which one: {', '.join(f'{path}:{name}' for name in own)}"
                if own
                else "put @wirebrick.network_function before a function that takes a stream",
            )
        return next(iter(own.values())), rest
    if first not in candidates:
        there = did_you_mean(first, candidates) if candidates else "it defines none"
        raise ParameterError(f"{path} has no NF {first!r}", cure=there)
    return candidates[first], after


def _made_in(nf: NetworkFunction | Configured, module: str) -> bool:
    return isinstance(nf, NetworkFunction) and nf.__module__ == module
