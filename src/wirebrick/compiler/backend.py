"""Lowered functions in, an object file out: optimised for this machine's processor, no addresses in it."""

from __future__ import annotations

import gc
import platform
from typing import Any

import llvmlite.binding as llvm

from wirebrick.compiler.lower.module import Module, Space
from wirebrick.compiler.pointers import with_pointers


def compile_functions(space: Space, functions: dict[str, int]) -> bytes:
    """An object file with an entry point ``wb_NAME`` for each function (name: number of integer arguments)."""
    machine = target_machine()
    # Inlined first: only then are addresses seen as sums that start from the packet's.
    inlined = optimised(assembly(space, functions), machine, 2)
    final = llvm.parse_assembly(optimised(with_pointers(inlined), machine, 3))
    return bytes(machine.emit_object(final))


def assembly(space: Space, functions: dict[str, int]) -> str:
    """LLVM assembly of functions, as lowered."""
    collects = gc.isenabled()
    gc.disable()  # hundreds of thousands of objects, all needed to the end: to look for garbage costs as much again
    try:
        module = Module()
        for name, count in functions.items():
            module.export(space, name, count)
        return str(module.ir)
    finally:
        if collects:
            gc.enable()


def optimised(text: str, machine: Any, level: int) -> str:
    """LLVM assembly after the standard passes of a level."""
    module = llvm.parse_assembly(text)
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    # Once, at the end: loops that are unrolled before everything is inlined only make more to inline.
    options.loop_vectorization = options.loop_unrolling = level > 2
    # Words side by side don't become vectors: what is known of a packet is made of single words, and stays so.
    options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return str(module)


def target_machine() -> Any:
    """A target machine for the processor this runs on."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    features = llvm.get_host_cpu_features().flatten()
    if platform.machine() in ("x86_64", "AMD64"):
        features += ",+prefer-no-gather"  # a load for each lane is as fast where they are fast, else faster
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=3, reloc="pic", codemodel="jitdefault", jit=True
    )
