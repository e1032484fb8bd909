"""Network functions to look at, not to run: their parameters may be missing.

>>> find_nf("firewall"), [one.nf.name for one in nfs_of("ttl")]
(<network function firewall>, ['ttl'])
"""

from __future__ import annotations

from wirebrick.errors import ParameterError
from wirebrick.nf.load import FILE, LIBRARY, library, load_nf
from wirebrick.nf.user_file import load_file
from wirebrick.stream.network_function import Configured, NetworkFunction


def nfs_in(path: str) -> dict[str, NetworkFunction]:
    """The NFs that a Python file defines, by name. Raises ParameterError where it can't be read or fails."""
    module = load_file(path)
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, NetworkFunction) and value.__module__ == module.__name__
    }


def find_nf(text: str) -> NetworkFunction:
    """The NF that ``text`` names. Raises ParameterError where there is none."""
    file = FILE.fullmatch(text)
    if file is None:
        name = text.partition(":")[0].strip()
        return library()[name] if name in LIBRARY else load_nf(text).nf
    own = nfs_in(file[1])
    first = (file[2] or "").partition(":")[0]
    if first in own:
        return own[first]
    if len(own) == 1 and (not first or "=" in first):
        return next(iter(own.values()))
    return load_nf(text).nf  # by a name that it imports or configures; or the error


def nfs_of(text: str) -> list[Configured]:
    """All NFs of a file, or the one that ``text`` names. Raises ParameterError."""
    file = FILE.fullmatch(text)
    if file is None or file[2]:
        return [load_nf(text)]
    own = nfs_in(file[1])
    if not own:
        raise ParameterError(
            f"{text} defines no NF",
            cure="put @wirebrick.network_function before a function that takes a stream",
        )
    return [load_nf(f"{file[1]}:{name}") for name in own]
