"""Parameters: what an NF can be configured with, read from its signature, and their values checked.

>>> import wirebrick
>>> from wirebrick.fields import U12
>>> @wirebrick.network_function
... def tag(packets, *, vid: U12, strict: bool = False):
...     return packets
>>> [(parameter.name, parameter.allowed, parameter.required) for parameter in parameters_of(tag)]
[('vid', 'a whole number from 0 to 4095', True), ('strict', 'yes or no', False)]
>>> configure(tag, {"vid": "0x10"}, text=True).parameters
{'vid': 16}
>>> configure(tag, {"vid": 5000})
Traceback (most recent call last):
wirebrick.errors.ParameterError: tag: vid=5000 is not a whole number from 0 to 4095
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from wirebrick.errors import ParameterError
from wirebrick.nf.values import Unfit, allowed, read, supported
from wirebrick.ports.suggest import did_you_mean
from wirebrick.stream.network_function import Configured, NetworkFunction

NO_DEFAULT = inspect.Parameter.empty


@dataclass(frozen=True)
class Parameter:
    """A parameter of an NF: its name, the type of its values, and its default (NO_DEFAULT: must be given)."""

    nf: NetworkFunction
    name: str
    kind: Any
    default: Any

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is NO_DEFAULT

    @property
    def allowed(self) -> str:
        """What may be given, for people."""
        return allowed(self.kind)

    def read(self, value: Any, *, text: bool) -> Any:
        """The value as an object of its type; ``text``: it was written on a command line.

        Raises ParameterError, which names NF, parameter, value and what is allowed.
        """
        try:
            return read(self.kind, value, text=text)
        except Unfit as error:
            shown = str(value) if text else repr(value)
            cure = ""
            if text and get_origin(self.kind) is Literal:
                cure = did_you_mean(shown, map(str, get_args(self.kind)))
            elif text and "," in shown:
                cure = f'a value with a comma is put in quotes: {self.name}="{shown}"'
            raise ParameterError(f"{self.nf.name}: {self.name}={shown} is {error}", cure=cure) from None


def parameters_of(nf: NetworkFunction) -> list[Parameter]:
    """The parameters of an NF in the order it declares them.

    Raises ParameterError for one whose type can't be given on a command line or in a file.
    """
    return [_parameter(nf, declared) for declared in nf.parameters.values()]


def configure(nf: NetworkFunction, values: Mapping[str, Any], *, text: bool = False) -> Configured:
    """``nf`` with ``values`` for its parameters: those of a TOML file, or, with ``text``, of a command line.

    Raises ParameterError for an unknown parameter, a value of the wrong type, and one that is missing.
    """
    found = read_values(nf, values, text=text)
    check_complete(nf, found)
    return Configured(nf, found)


def read_values(nf: NetworkFunction, values: Mapping[str, Any], *, text: bool) -> dict[str, Any]:
    """The values as objects of their types; some may be missing. Raises ParameterError.

    >>> from wirebrick.nf.delay import delay
    >>> read_values(delay, {"cycles": "1_000"}, text=True), read_values(delay, {"cycles": 7}, text=False)
    ({'cycles': 1000}, {'cycles': 7})
    """
    known = {parameter.name: parameter for parameter in parameters_of(nf)}
    for name in values:
        if name not in known:
            raise ParameterError(
                f"the NF {nf.name} has no parameter {name!r}",
                cure=did_you_mean(name, known) if known else "it has none",
            )
    return {name: known[name].read(value, text=text) for name, value in values.items()}


def check_complete(nf: NetworkFunction, values: Mapping[str, Any]) -> None:
    """Raise ParameterError where a parameter without a default has no value.

    >>> import wirebrick
    >>> @wirebrick.network_function
    ... def limiter(packets, *, rate: int):
    ...     return packets
    >>> check_complete(limiter, {})
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: the NF limiter needs its parameter rate
      help: give it a whole number, such as 1000 or 0x3e8: limiter:rate=...
    """
    for parameter in parameters_of(nf):
        if parameter.required and parameter.name not in values:
            raise ParameterError(
                f"the NF {nf.name} needs its parameter {parameter.name}",
                cure=f"give it {parameter.allowed}: {nf.name}:{parameter.name}=...",
            )


def _parameter(nf: NetworkFunction, declared: inspect.Parameter) -> Parameter:
    kind = declared.annotation
    if isinstance(kind, str):
        kind = _resolved(nf, declared)
    if kind is NO_DEFAULT:
        # Without an annotation, the default shows what is meant.
        given = declared.default
        kind = str if given is NO_DEFAULT or given is None else type(given)
        if given is None:
            kind = str | None
    if not supported(kind):
        spelled = declared.annotation if isinstance(declared.annotation, str) else str(kind)
        raise ParameterError(
            f"{nf.name}: the type of its parameter {declared.name} can't be given: {spelled}",
            place=nf.place,
            cure="use int, float, bool, str, Path, U1 .. U64, an address or network type, Literal[...], or "
            "one of these | None",
        )
    return Parameter(nf, declared.name, kind, declared.default)


def _resolved(nf: NetworkFunction, declared: inspect.Parameter) -> Any:
    """The type that an annotation written as text names. Raises ParameterError."""
    names = inspect.getclosurevars(nf.function).nonlocals
    try:
        return eval(declared.annotation, {**nf.function.__globals__, **names})
    except Exception as error:
        raise ParameterError(
            f"{nf.name}: the annotation of its parameter {declared.name} can't be read: {error}",
            place=nf.place,
            cure="name a type that the file imports (not only for type checkers)",
        ) from None
