"""delay: a network function that costs a given number of cycles."""

from __future__ import annotations

from wirebrick.errors import ParameterError
from wirebrick.packet.memory import cycles as clock
from wirebrick.packet.packet import Packet
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

MOST = 10_000_000


@network_function
def delay(packets: Stream, *, cycles: int = 1000) -> Stream:
    """Keep the processor busy for a number of cycles with each packet.

    Parameters
        ``cycles``: for how long, 0 to 10,000,000; 1000 where it is not given. Compiled, cycles are ticks of
        the time stamp counter (its rate is constant: the nominal clock of the processor). Interpreted, they
        are nanoseconds.

    What it does
        Every packet, whatever is in it, waits in a busy loop and leaves unchanged. The loop ends with the
        first look at the counter after the time is over: a few tens of cycles later. It stands for a network
        function that computes a lot, in experiments.

    Drop reasons
        None. (A packet for which the loop turns more often than the runtime allows is a fault,
        ``fault_fuel``.)

    State
        None.

    Example
        ``wirebrick run delay:cycles=5000 --in in.pcap --out out.pcap``

        >>> import wirebrick
        >>> wirebrick.run(delay(cycles=10), rx=[bytes(60)], interpret=True).packets_out
        1

    References
        The experiment with NFs of growing cost in the NetBricks paper (OSDI 2016, 5.3).
    """
    if isinstance(cycles, bool) or not isinstance(cycles, int) or not 0 <= cycles <= MOST:
        raise ParameterError(
            f"delay: cycles={cycles!r} can't be waited for",
            cure=f"give a whole number from 0 to {MOST}",
        )

    def burn(packet: Packet) -> None:
        begin = clock()
        while clock() - begin < cycles:
            pass

    return packets.map(burn)
