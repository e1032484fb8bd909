"""The disk cache of compiled code.

An entry's name is a hash of everything the code depends on: the source it was made from, Wirebrick's compiler, the
versions of Python, llvmlite and LLVM, and the processor's features. The file repeats that hash and has a
digest of the code, so that a damaged entry is never run; one that another user could have written is not either.
Where the cache can't be written, compiling goes on without it.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

MAGIC = b"WIREBRK1"
stats = {"hits": 0, "misses": 0}


def cache_folder() -> Path:
    """``$WIREBRICK_CACHE``, or ``wirebrick`` in ``$XDG_CACHE_HOME`` (``~/.cache``)."""
    own = os.environ.get("WIREBRICK_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "wirebrick"


@cache
def environment() -> str:
    """What compiled code depends on besides its source."""
    import llvmlite
    import llvmlite.binding as llvm

    folder = Path(__file__).parent
    compiler = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        compiler.update(file.read_bytes())
    features = ",".join(sorted(k for k, v in llvm.get_host_cpu_features().items() if v))
    return "\n".join(
        [
            compiler.hexdigest(),
            sys.version,
            llvmlite.__version__,
            str(llvm.llvm_version_info),
            llvm.get_process_triple(),
            llvm.get_host_cpu_name(),
            features,
        ]
    )


def key_of(parts: list[str]) -> bytes:
    """The hash of an entry made from ``parts``."""
    digest = hashlib.sha256(environment().encode())
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.digest()


def cached_object(label: str, parts: list[str], build: Callable[[], bytes]) -> bytes:
    """The object file for ``parts``: from the cache, or built and stored."""
    key = key_of([label, *parts])
    path = cache_folder() / f"{key.hex()[:40]}.o"
    code = read_entry(path, key)
    if code is not None:
        stats["hits"] += 1
        return code
    stats["misses"] += 1
    code = build()
    write_entry(path, key, code)
    return code


def read_entry(path: Path, key: bytes) -> bytes | None:
    """The code of an entry, or None where it is missing, damaged, made for something else or not ours."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            data = file.read()
    except OSError:
        return None
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return None
    head = len(MAGIC)
    code = data[head + 64 :]
    if data[:head] != MAGIC or data[head : head + 32] != key:
        return None
    if hashlib.sha256(key + code).digest() != data[head + 32 : head + 64]:
        return None
    return code


def write_entry(path: Path, key: bytes, code: bytes) -> None:
    """Store an entry in one step, so that nobody ever sees half of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(MAGIC + key + hashlib.sha256(key + code).digest() + code)
        os.replace(name, path)
    except OSError:
        return
