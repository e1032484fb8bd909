"""A run in a network namespace, in a thread of its own."""

from __future__ import annotations

import threading
import time
from typing import Any

from namespace import inside

from wirebrick import run
from wirebrick.runtime.progress import Progress
from wirebrick.runtime.result import Result

_PATIENCE = 10.0  # seconds: the machine may be busy


class Running:
    """``with Running(namespace, chain, rx=..., tx=...) as run``: it goes on inside; ``run.result`` behind it."""

    def __init__(self, namespace: str, chain: Any, **options: Any) -> None:
        self.result: Result = Result()
        self.notices: list[str] = []
        self._calls = self._packets = 0
        self.error: BaseException | None = None
        self._namespace, self._chain, self._options = namespace, chain, options
        self._stop, self._begun = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Running:
        self._thread.start()
        assert self._begun.wait(60)
        if self.error is not None:
            raise self.error
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> Result:
        """End it; its result. Raises what it raised."""
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error
        return self.result

    def wait(self, packets: int) -> None:
        """Until so many packets have come in, or for as long as there is patience."""
        end = time.monotonic() + _PATIENCE
        while self._packets < packets and time.monotonic() < end:
            time.sleep(0.02)

    def _progress(self, progress: Progress) -> None:
        """The second call comes when all workers had time to begin."""
        self._packets = progress.packets_in
        self._calls += 1
        if self._calls == 2:
            self._begun.set()

    def _run(self) -> None:
        try:
            with inside(self._namespace):
                self.result = run(
                    self._chain,
                    stop=self._stop,
                    progress=self._progress,
                    notice=self.notices.append,
                    **self._options,
                )
        except BaseException as error:
            self.error = error
        finally:
            self._begun.set()
