"""The command line: one command a file; ``main`` finds the command and turns errors into text."""
