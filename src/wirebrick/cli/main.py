"""The command ``wirebrick``: which command it is, its exit status, and what becomes of errors.

What ``--help`` prints is written here, and a command is imported only when it is used: help comes at once.

>>> main(["--version"])
wirebrick 0.1.0
0
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from wirebrick import __version__
from wirebrick.errors import ParameterError, WirebrickError

FAILED, USAGE, INTERRUPTED = 1, 2, 130

COMMANDS = {
    "run": "Run network functions on packets.",
    "nfs": "List the network functions that come with Wirebrick.",
    "describe": "Show a network function's man page, parameters and drop reasons.",
    "check": "Check network functions for isolation, and show what each may touch.",
    "graph": "Draw a chain of network functions (Mermaid, DOT, SVG).",
    "trace": "Show a packet's way through a chain: each operator, each changed byte.",
    "bench": "Measure the speed of a chain on made packets, from memory.",
    "new": "Write a network function to start from, and its test.",
    "lab": "Make hosts as network namespaces, to try a chain between real programs.",
}

# Commands that have commands of their own.
ACTIONS = {
    "lab": {
        "up": "Make a lab, and tell what to try.",
        "down": "Remove a lab.",
        "list": "List the labs that are up, and the topologies there are.",
        "show": "Show a lab's topology, its interfaces, what runs in it.",
        "exec": "Run a program at a host.",
        "run": "Make a lab, run a command, remove the lab.",
    },
}

EXAMPLES = """\
Examples:
  wirebrick run ttl --in in.pcap --out out.pcap
  wirebrick run firewall:rules=acl.rules ttl monitor --in in.pcap --out out.pcap
  wirebrick new limiter && wirebrick bench limiter.py

Exit status: 0, 1 (failed or found something), 2 (usage), 130 (interrupted).
wirebrick COMMAND --help tells more about a command."""


def help_text() -> str:
    """What ``wirebrick --help`` prints."""
    about = "Network functions written as plain Python, run as native code."
    return f"Usage: wirebrick COMMAND ...\n\n{about}\n\nCommands:\n{_listed(COMMANDS)}\n\n{EXAMPLES}"


def _actions_help(name: str) -> str:
    """What ``--help`` prints of a command that has commands of its own."""
    end = f"wirebrick {name} COMMAND --help tells more about a command."
    listed = _listed(ACTIONS[name])
    return f"Usage: wirebrick {name} COMMAND ...\n\n{COMMANDS[name]}\n\nCommands:\n{listed}\n\n{end}"


def _listed(commands: dict[str, str]) -> str:
    width = max(map(len, commands))
    return "\n".join(f"  {name:{width}}  {summary}" for name, summary in commands.items())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; ``arguments`` are those of the process unless given. Returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be text
    try:
        status = _guarded(given)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who read the output has enough; Python would complain once more when it closes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return status


def tell(text: str) -> None:
    """Write a line to standard error, with the name of the program before it."""
    sys.stdout.flush()
    print(f"wirebrick: {text}", file=sys.stderr, flush=True)


def _guarded(given: list[str]) -> int:
    """The exit status; every error becomes a text that a person can use."""
    try:
        return _command(given)
    except KeyboardInterrupt:
        tell("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except WirebrickError as error:
        tell(str(error))
        return USAGE if isinstance(error, ParameterError) else FAILED
    except Exception as error:
        if os.environ.get("WIREBRICK_TRACEBACK"):
            raise
        tell(
            f"unexpected {type(error).__name__}: {error}. This is a defect: please report it, with what "
            "WIREBRICK_TRACEBACK=1 shows"
        )
        return FAILED


def _command(given: list[str]) -> int:
    if not given or given[0] in ("--help", "-h", "help"):
        print(help_text())
        return 0
    name, *tokens = given
    if name in ("--version", "-V"):
        print(f"wirebrick {__version__}")
        return 0
    _known(name, COMMANDS, "command")
    if name in ACTIONS:
        if not tokens or tokens[0] in ("--help", "-h", "help"):
            print(_actions_help(name))
            return 0
        _known(tokens[0], ACTIONS[name], f"{name} command")
        name, tokens = f"{name} {tokens[0]}", tokens[1:]
    from wirebrick.cli.options import call

    return call(name, tokens)


def _known(name: str, commands: dict[str, str], what: str) -> None:
    """Raise ParameterError for a command that there isn't."""
    if name not in commands:
        from wirebrick.ports.suggest import did_you_mean

        what = "option" if name.startswith("-") else what
        raise ParameterError(f"there is no {what} {name!r}", cure=did_you_mean(name, commands))
