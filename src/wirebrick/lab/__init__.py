"""Labs: hosts as network namespaces, joined by veth pairs, to try chains between real programs.

What ``wirebrick lab`` does for a user, `Lab` does for a test.
"""

from wirebrick.lab.lab import Lab

__all__ = ["Lab"]
