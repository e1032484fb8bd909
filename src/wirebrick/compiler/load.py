"""Object files into memory, by llvmlite alone: a start from the cache needs no compiler."""

from __future__ import annotations

import itertools
from typing import Any

_keep: list[Any] = []
_names = itertools.count()


def addresses(code: bytes, names: list[str]) -> dict[str, int]:
    """Link an object file into the process; the addresses of its entry points ``wb_NAME``."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(codemodel="jitdefault", jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _keep.append(engine)
    found = {name: engine.get_function_address(f"wb_{name}") for name in names}
    missing = [name for name, address in found.items() if not address]
    if missing:
        raise KeyError(f"no entry point for {', '.join(missing)}")
    return found
