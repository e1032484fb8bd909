"""Object files into memory, by llvmlite alone: a start from the cache needs no compiler."""

from __future__ import annotations

from functools import cache
from typing import Any

_keep: list[Any] = []


def addresses(code: bytes, names: list[str]) -> dict[str, int]:
    """Link an object file into the process, once; the addresses of its entry points ``wb_NAME``."""
    return dict(_linked(code, tuple(names)))


@cache
def _linked(code: bytes, names: tuple[str, ...]) -> dict[str, int]:
    # Code is kept for ever, as a worker that was left behind may be in it: a process that runs the same chain again
    # and again must not grow by it.
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
