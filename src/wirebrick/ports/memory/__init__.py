"""The `memory:` port: made traffic, written into frames as a network card would. Options: port.py."""
