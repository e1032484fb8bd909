"""What is set for each direction of a link, read from parameters: one value for both, or ``FORTH:BACK``."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from wirebrick.errors import ParameterError
from wirebrick.nf.link.jitter import Distribution
from wirebrick.quantities import Quantity, backlog, chance, duration, rate
from wirebrick.state.random import odds


@dataclass(frozen=True)
class OneWay:
    """One direction: times in nanoseconds, chances as ``Random.happens`` takes them."""

    delay: int
    jitter: int
    distribution: Distribution
    ordered: bool
    loss: int
    bad: int
    good: int
    loss_bad: int
    duplicate: int
    corrupt: int
    reorder: int
    rate: int  # bits a second; 0: no limit
    overhead: int  # bytes
    queue: int
    limit: int

    @property
    def loses(self) -> bool:
        """Whether packets are lost on the way."""
        return self.loss > 0 or (self.bad > 0 and self.loss_bad > 0)


def two(value: Quantity) -> tuple[Quantity, Quantity]:
    """What is given for packets from the port ``in``, and for the others.

    >>> two("10ms:50ms"), two(0.5)
    (('10ms', '50ms'), (0.5, 0.5))
    """
    if not isinstance(value, str) or ":" not in value:
        return value, value
    forth, _, back = value.partition(":")
    return forth, back


def one_way(
    number: int,
    *,
    distribution: Distribution,
    ordered: bool,
    overhead: int,
    limit: int,
    **values: Quantity,
) -> OneWay:
    """Direction ``number`` (0 or 1). Raises ParameterError."""

    def part(name: str) -> Quantity:
        return two(values[name])[number]

    def likely(name: str) -> int:
        return odds(Fraction(chance("link", name, part(name))))

    limited = str(part("rate")) not in ("none", "0")
    speed = rate("link", "rate", part("rate")) if limited else None
    if speed is not None and speed.unit != "bit":
        raise ParameterError(f"link: rate={part('rate')!r} counts packets", cure="give bits a second: 10Mbit")
    found = OneWay(
        delay=duration("link", "delay", part("delay")),
        jitter=duration("link", "jitter", part("jitter")),
        distribution=distribution,
        ordered=ordered,
        loss=likely("loss"),
        bad=likely("bad"),
        good=likely("good"),
        loss_bad=likely("loss_bad"),
        duplicate=likely("duplicate"),
        corrupt=likely("corrupt"),
        reorder=likely("reorder"),
        rate=speed.amount if speed is not None else 0,
        overhead=overhead,
        queue=backlog("link", "queue", part("queue"), speed) if speed is not None else 0,
        limit=limit,
    )
    if found.reorder and not found.delay:
        raise ParameterError(
            "link: reorder needs a delay: what goes first skips it", cure="add delay=10ms, say"
        )
    return found
