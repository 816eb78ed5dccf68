"""Viewer numbers, reserved in blocks beside the requests, so that a first visit writes nothing."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

BLOCK = 256
_LOW = BLOCK // 4
_PATIENCE = 10.0


class ViewerNumbers:
    """A store of numbers that no other process gives out; `reserve(count)` takes the next ones from the database."""

    def __init__(self, reserve: Callable[[int], range]) -> None:
        self._reserve = reserve
        self._numbers: SimpleQueue[int] = SimpleQueue()
        self._filling = threading.Lock()

    def take(self) -> int:
        """Return a number; waits only where the very first block is still being reserved."""
        if self._numbers.qsize() <= _LOW and self._filling.acquire(blocking=False):
            threading.Thread(target=self._fill, name="viewer-numbers", daemon=True).start()
        return self._numbers.get(timeout=_PATIENCE)

    def _fill(self) -> None:
        try:
            for number in self._reserve(BLOCK):
                self._numbers.put(number)
        finally:
            self._filling.release()
