"""From low-level Python (integers, loops, calls) to LLVM: what generated code and native modules are written in."""
