"""Control: starts the workers, watches them from the calling thread, and ends them when that is asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from wirebrick.packet.frame import W_PACKETS_IN
from wirebrick.runtime.progress import Progress
from wirebrick.runtime.worker import Worker

_LOOK = 0.1  # seconds between two looks
# How long to wait, once told to stop, for a worker that hangs in a call: reading brings nothing any more,
# what is being written is worth more.
_PATIENCE = {"refill": 0.5, "flush": 10.0}


class Control:
    """Runs workers to their end, for at most ``duration`` seconds, or until ``stop`` is set.

    ``interrupted`` says whether ``stop`` or KeyboardInterrupt ended it; ``abandoned`` holds the workers that
    hang in a call of the system: their threads go on, their memory must not be taken from them.
    """

    def __init__(
        self,
        workers: list[Worker],
        transmitting: list[int],
        *,
        duration: float | None = None,
        stop: threading.Event | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self.workers = workers
        self.interrupted = False
        self.abandoned: list[Worker] = []
        self.failure: BaseException | None = None
        self._transmitting = transmitting
        self._duration = duration
        self._stop = stop
        self._tell = progress
        self._begin = self._looked = 0.0
        self._stopped_at: float | None = None

    @property
    def elapsed(self) -> float:
        """Seconds from the first worker's beginning to the last one's end."""
        now = time.perf_counter()
        ends = [worker.end if worker.finished else now for worker in self.workers]
        return max(ends) - min(worker.begin or now for worker in self.workers)

    @property
    def warnings(self) -> list[str]:
        """What the user should know about workers that were left behind."""
        return [
            f"worker {worker.index} hangs in a {worker.waits or 'burst'} and was left behind"
            for worker in self.abandoned
        ]

    @property
    def error(self) -> BaseException | None:
        """The first error of a worker, or of the callback."""
        return next((worker.error for worker in self.workers if worker.error is not None), self.failure)

    def run_here(self) -> None:
        """Run the only worker in this thread: debuggers and interrupts reach the user's functions."""
        self._begin = time.perf_counter()
        self.workers[0].run(self.look)
        self.interrupted |= self.workers[0].interrupted
        self._close()

    def run_threads(self) -> None:
        """Run each worker in a thread of its own."""
        self._begin = time.perf_counter()
        threads = [
            threading.Thread(target=worker.run, name=f"wirebrick {worker.index}", daemon=True)
            for worker in self.workers
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            try:
                next(thread for thread in threads if thread.is_alive()).join(self._next_look())
                self.look()
                if self._hanging():
                    break
            except StopIteration:
                break
            except KeyboardInterrupt:
                impatient = self.interrupted
                self._interrupt()
                if impatient:
                    break
            except BaseException as error:  # of the callback: the workers must end all the same
                self.failure = self.failure or error
                self._tell = None
                self._stop_workers()
        self.abandoned = [worker for worker in self.workers if not worker.finished]
        self.interrupted |= any(worker.interrupted for worker in self.workers)
        for worker in self.abandoned:
            worker.cut = not worker.waits
        self._close()

    def look(self) -> None:
        """Look at the clock, the event and the workers, and tell how far they are."""
        now = time.perf_counter()
        if any(worker.error is not None for worker in self.workers):
            self._stop_workers()
        if self._stop is not None and self._stop.is_set() and not self._all_finished():
            self._interrupt()
        if self._duration is not None and now - self._begin >= self._duration:
            self._stop_workers()
        if self._tell is not None and now - self._looked >= _LOOK:
            self._looked = now
            self._tell(self._progress())

    def _interrupt(self) -> None:
        self.interrupted = True
        self._stop_workers()

    def _stop_workers(self) -> None:
        if self._stopped_at is None:
            self._stopped_at = time.perf_counter()
        for worker in self.workers:
            worker.stop()

    def _next_look(self) -> float:
        if self._duration is None or self._stopped_at is not None:
            return _LOOK
        return max(0.0, min(_LOOK, self._begin + self._duration - time.perf_counter()))

    def _all_finished(self) -> bool:
        return all(worker.finished for worker in self.workers)

    def _hanging(self) -> bool:
        """Whether all workers that have not ended hang, longer than there is patience for."""
        if self._stopped_at is None:
            return False
        waited = time.perf_counter() - self._stopped_at
        running = [worker for worker in self.workers if not worker.finished]
        return bool(running) and all(waited > _PATIENCE.get(worker.waits, waited) for worker in running)

    def _close(self) -> None:
        """The last word on progress."""
        if self._tell is not None and self.error is None:
            try:
                self._tell(self._progress())
            except Exception as error:
                self.failure = error

    def _progress(self) -> Progress:
        contexts = [worker.context for worker in self.workers]
        parts = [source.progress() for worker in self.workers for source in worker.sources]
        known = [part for part in parts if part is not None]
        return Progress(
            packets_in=sum(context[W_PACKETS_IN] for context in contexts),
            packets_out=sum(context.taken(port) for context in contexts for port in self._transmitting),
            elapsed_s=time.perf_counter() - self._begin,
            done=sum(part[0] for part in known),
            total=sum(part[1] for part in known) if known and len(known) == len(parts) else None,
        )
