"""The command line: one command a file; ``main`` finds the command, reads its options and turns errors into text."""
