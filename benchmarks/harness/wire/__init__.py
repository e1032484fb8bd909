"""Measuring over veth pairs: their set-up, a generator in the kernel, and the programs that are compared."""
