"""Streams and their operators, one a file; the graph they build."""
