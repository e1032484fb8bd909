"""The compiler: user functions and operators in, one native function out. Only this folder knows Numba's insides."""
