"""Numba functions in, an object file out: no wrappers, no addresses, plain C entry points."""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from numba import types

from wirebrick.compiler.pointers import with_pointers

ENTRY = """
define i64 @"{name}"({parameters}) {{
  %result = alloca i64
  %error = alloca ptr
  %status = call i32 @"{symbol}"(ptr %result, ptr %error{arguments})
  %value = load i64, ptr %result
  ret i64 %value
}}
"""


def compile_functions(functions: dict[str, tuple[Any, int]]) -> bytes:
    """An object file with an entry point ``wb_NAME`` for each (dispatcher, number of int64 arguments)."""
    merged: Any = None
    for name, (dispatcher, count) in functions.items():
        signature = (types.int64,) * count
        dispatcher.compile(signature)
        result = dispatcher.overloads[signature]
        symbol = result.fndesc.llvm_func_name
        text = result.library.get_llvm_str()
        parameters = ", ".join(f"i64 %a{i}" for i in range(count))
        arguments = "".join(f", i64 %a{i}" for i in range(count))
        text += ENTRY.format(name=f"wb_{name}", symbol=symbol, parameters=parameters, arguments=arguments)
        module = llvm.parse_assembly(with_pointers(text))
        if merged is None:
            merged = module
        else:
            merged.link_in(module)
    return optimise(merged, [f"wb_{name}" for name in functions])


def optimise(module: Any, entries: list[str]) -> bytes:
    """Optimise for this machine's processor and emit the object; only ``entries`` stay visible."""
    for function in module.functions:
        if not function.is_declaration and function.name not in entries:
            function.linkage = "internal"
    machine = target_machine()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    options.slp_vectorization = True
    builder = llvm.create_pass_builder(machine, options)
    passes = builder.getModulePassManager()
    passes.run(module, builder)
    return machine.emit_object(module)


def target_machine() -> Any:
    """A target machine for the processor this runs on."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=3, reloc="pic", codemodel="jitdefault", jit=True
    )
