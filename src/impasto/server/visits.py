"""Pages that are open: who was started by a double click ends when the last is closed. Knows no HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable


class Visits:
    """``with`` it while a page is open. It is ``over`` ``patience`` seconds after the last was, and when it is told."""

    def __init__(self, patience: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.patience, self._clock = patience, clock
        self.pages, self.ever, self.told = 0, False, False
        self._last = clock()

    def __enter__(self) -> None:
        self.pages, self.ever = self.pages + 1, True

    def __exit__(self, *error: object) -> None:
        self.pages, self._last = self.pages - 1, self._clock()

    @property
    def over(self) -> bool:
        """Whether nobody will come any more; never without ``patience``."""
        if self.told or self.pages or self.patience is None:
            return self.told
        return self._clock() - self._last > self.patience
