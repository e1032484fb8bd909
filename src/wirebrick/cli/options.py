"""Options of commands: read by cyclopts, from the signature of the command's function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated

from cyclopts import App, CycloptsError
from cyclopts import Parameter as Option

from wirebrick.errors import ParameterError

# An option's value may begin with a hyphen: "-" is standard input or output.
Text = Annotated[str | None, Option(allow_leading_hyphen=True)]
Texts = tuple[str, ...]

USAGE = {
    "run": "NF [NF ...] --in PORT [--out PORT] [options]\n       wirebrick run CHAIN.toml [options]",
    "nfs": "[--json]",
    "describe": "NF [--json]",
    "check": "NF|FILE.py|CHAIN.toml ... [options]",
    "graph": "NF [NF ...] [--format mermaid|dot|svg] [--out FILE]",
    "trace": "NF [NF ...] --in CAPTURE [--packet N] [--count N] [options]",
    "bench": "NF [NF ...] [options]",
    "new": "NAME",
    "lab up": "TOPOLOGY|FILE.toml [--name NAME]",
    "lab down": "[NAME] [--kill]",
    "lab list": "[--json]",
    "lab show": "NAME",
    "lab exec": "NAME HOST -- COMMAND ...",
    "lab run": "TOPOLOGY|FILE.toml [--name NAME] -- COMMAND ...",
}


def call(name: str, tokens: Sequence[str]) -> int:
    """Run the command ``name`` with what stands behind it. Raises ParameterError for what it doesn't know.

    A command of a command, such as ``lab up``, is a module of that one's package.
    """
    module = import_module(f"wirebrick.cli.{name.replace(' ', '.')}")
    command: Callable[..., int] = getattr(module, f"{name.rpartition(' ')[2]}_command")
    app = App(
        name=f"wirebrick {name}",
        help_format="plaintext",
        usage=f"Usage: wirebrick {name} {USAGE[name]}",
        version_flags=[],
        default_parameter=Option(negative=(), show_default=False),
    )
    app.default(command)
    if "--" not in tokens and {"--help", "-h"} & set(tokens):
        app.help_print([])
        return 0
    try:
        function, bound, _ = app.parse_args(list(tokens), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        text = str(error).removeprefix(f'Command "{name}" ')
        raise ParameterError(
            f"{name}: {text[:1].lower() + text[1:]}", cure=f"wirebrick {name} --help shows the options"
        ) from None
    for option, value in bound.arguments.items():
        if isinstance(value, str) and value.startswith("--"):
            flag = "in" if option == "in_" else option
            raise ParameterError(f"{name}: --{flag} needs a value, not the option {value}")
    return function(*bound.args, **bound.kwargs)  # type: ignore[no-any-return]


def at_least(option: str, value: float | None, least: float, above: bool = False) -> None:
    """Raise ParameterError unless ``value`` is at least ``least`` (or more than it, with ``above``).

    >>> at_least("--workers", 0, 1)
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: --workers 0 is not at least 1
    """
    if value is None or value > least or (value == least and not above):
        return
    raise ParameterError(f"{option} {value:g} is not {'more than' if above else 'at least'} {least:g}")
