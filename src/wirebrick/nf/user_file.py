"""Network functions from a user's own Python file."""

from __future__ import annotations

import importlib.util
import os
import sys
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from wirebrick.errors import ParameterError
from wirebrick.nf.failure import as_error
from wirebrick.ports.suggest import did_you_mean

_loaded: dict[str, tuple[tuple[int, int], ModuleType]] = {}
_folders: list[str] = []


def load_file(name: str) -> ModuleType:
    """Run a Python file as a module of its own; a file that has not changed is run once in a process.

    Its folder comes first in ``sys.path``, so that it can import what lies beside it, as a script can. Raises
    ParameterError where it can't be read, and where it fails: with the line of the file (or of one that it
    imports) at which it did.
    """
    path = Path(name)
    try:
        source = path.read_bytes()
        status = path.stat()
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise ParameterError(f"{name} can't be read: {reason}", cure=_others(path)) from None
    key = os.path.realpath(path)
    version = (status.st_mtime_ns, status.st_size)
    known = _loaded.get(key)
    if known is not None and known[0] == version:
        return known[1]
    module = _run(name, key, source)
    _loaded[key] = version, module
    return module


def _others(path: Path) -> str:
    """What may have been meant by a file that is not there."""
    try:
        beside = sorted(other.name for other in path.parent.glob("*.py"))
    except (OSError, ValueError):
        beside = []
    return did_you_mean(path.name, beside) if beside else "give the path of a Python file"


def _run(name: str, key: str, source: bytes) -> ModuleType:
    folder = os.path.dirname(key)
    _enter(folder)
    unique = f"wirebrick_user_{sha256(key.encode()).hexdigest()[:12]}_{Path(key).stem}"
    spec = importlib.util.spec_from_loader(unique, loader=None, origin=name)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = key
    before = sys.modules.get(unique)
    sys.modules[unique] = module
    try:
        code = compile(source, name, "exec", dont_inherit=True)
        exec(code, module.__dict__)
    except BaseException as error:
        # A file that failed leaves nothing behind: the next attempt starts anew.
        if before is None:
            del sys.modules[unique]
        else:
            sys.modules[unique] = before
        if isinstance(error, KeyboardInterrupt):
            raise
        raise as_error(error, name, folder) from None
    return module


def _enter(folder: str) -> None:
    """Put a folder first where modules are looked for; modules of other folders called the same give way."""
    for module_name, module in list(sys.modules.items()):
        origin = getattr(module, "__file__", None) or ""
        top = module_name.partition(".")[0]
        if module_name.startswith("wirebrick_user_"):
            continue
        elsewhere = any(origin.startswith(other + os.sep) for other in _folders if other != folder)
        here = os.path.join(folder, top)
        if elsewhere and (os.path.exists(here + ".py") or os.path.isdir(here)):
            del sys.modules[module_name]
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    if folder not in _folders:
        _folders.append(folder)
