"""``wirebrick lab``: hosts to try a chain with, one action a file."""
