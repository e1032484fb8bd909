"""``wirebrick lab run``: a lab for the time of one command."""

from __future__ import annotations

import os
import signal
import subprocess
from types import FrameType
from typing import Annotated

from cyclopts import Parameter as Option

from wirebrick.cli.options import Text
from wirebrick.cli.signals import SIGNALS
from wirebrick.errors import LabError, ParameterError
from wirebrick.lab import Lab


def run_command(
    topology: str, /, *command: Annotated[str, Option(allow_leading_hyphen=True)], name: Text = None
) -> int:
    """Make a lab, run a command, and remove the lab whatever comes of it; the exit status is the command's.

    The command runs where wirebrick does, not at a host; WIREBRICK_LAB is the lab's name. Needs root.

    Parameters
    ----------
    topology
        The name of one that comes with Wirebrick (wirebrick lab list), or the path of a file, NAME.toml.
    command
        The program and its arguments, behind --.
    name
        What the lab is called; else one that no other has.
    """
    if not command:
        cure = f"wirebrick lab run {topology} -- sh -c 'wirebrick lab show $WIREBRICK_LAB'"
        raise ParameterError("run: there is no command", cure=cure)
    signal.signal(signal.SIGTERM, _terminate)
    with Lab(topology, name) as lab:
        try:
            process, came = _started(command, {**os.environ, "WIREBRICK_LAB": lab.name})
        except OSError as error:
            raise LabError(f"{command[0]} can't be run: {error.strerror}") from None
        try:
            for number in came:
                signal.raise_signal(number)
            status = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    return status if status >= 0 else 128 - status


def _started(
    command: tuple[str, ...], environment: dict[str, str]
) -> tuple[subprocess.Popen[bytes], list[int]]:
    """The process of a command; and the signals that came while it began, when none could have ended it."""
    came: list[int] = []
    kept = {number: signal.signal(number, lambda one, _: came.append(one)) for number in SIGNALS}
    try:
        return subprocess.Popen(command, env=environment), came
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _terminate(number: int, frame: FrameType | None) -> None:
    """SIGTERM ends the command, and removes the lab."""
    raise SystemExit(128 + number)
