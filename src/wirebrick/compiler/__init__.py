"""The compiler: user functions and operators in, one native function out.

``source`` and ``front/`` read and check user functions, ``emit/`` joins them to one function of low-level Python,
``lower/`` and ``backend`` make machine code of it with LLVM (through llvmlite), ``cache`` keeps it, ``load`` links
it. Only this folder knows LLVM.

Why not Numba, which compiles Python too: its type inference and wrappers took 3 s for one small NF where this takes
a tenth, and only LLVM's part of it is needed for code whose every type is known already.
"""
