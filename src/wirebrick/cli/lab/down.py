"""``wirebrick lab down``: remove a lab."""

from __future__ import annotations

from wirebrick.cli.main import tell
from wirebrick.errors import ParameterError
from wirebrick.lab.manage import down
from wirebrick.lab.record import records


def down_command(name: str | None = None, /, *, kill: bool = False) -> int:
    """Remove what a lab consists of, and nothing else. Needs root.

    Parameters
    ----------
    name
        The lab; may be left out where there is only one.
    kill
        End the programs that run in it; else a lab with programs stays as it is.
    """
    name = name or _only()
    for one in down(name, kill=kill):
        tell(f"{one} is left alone: it is not the namespace that the lab made")
    print(f"{name} is removed")
    return 0


def _only() -> str:
    """The lab there is; those of running tests don't count."""
    names = [record.name for record in records() if record.owner is None or record.left_over]
    if len(names) != 1:
        cure = f"name one of {', '.join(names)}" if names else "wirebrick lab up pair makes one"
        raise ParameterError("there are several labs" if names else "there is no lab", cure=cure)
    return names[0]
