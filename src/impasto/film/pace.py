"""How far a film is, and how quickly it goes on; things made ahead, in a thread."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

from impasto.film.colour import Bytes

Item = TypeVar("Item")
RECENT = 30.0  # seconds that the pace is taken from


@dataclass(frozen=True, eq=False)
class Progress:
    """How far a film is. ``share`` 0..1 and seconds ``left`` are None where its length is not known.

    ``seconds`` are those of the film that are painted, ``fps`` frames a second of the last half minute. ``frame`` and
    ``painted`` are the last ones, (h, w, 3), uint8. ``notes`` are new sentences for people. At the end ``done``.
    """

    frames: int
    seconds: float
    share: float | None
    fps: float
    left: float | None
    frame: Bytes | None = None
    painted: Bytes | None = None
    notes: tuple[str, ...] = ()
    done: bool = False


class Pace:
    """How quickly a film goes on, from the last half minute: the first frame waits for a compiler."""

    def __init__(self, duration: Fraction | None) -> None:
        self._duration = float(duration) if duration else None
        self._seen: deque[tuple[float, int, float]] = deque()

    def step(
        self, frames: int, seconds: float, frame: Bytes | None, painted: Bytes | None, notes: tuple[str, ...]
    ) -> Progress:
        now = time.monotonic()
        self._seen.append((now, frames, seconds))
        while now - self._seen[0][0] > RECENT and len(self._seen) > 2:
            self._seen.popleft()
        begin, first, before = self._seen[0]
        spent = max(now - begin, 1e-9)
        fps = (frames - first) / spent
        share = left = None
        if self._duration:
            share = min(1.0, seconds / self._duration)
            if seconds > before:
                left = max(0.0, self._duration - seconds) * spent / (seconds - before)
        return Progress(frames, seconds, share, fps, left, frame, painted, notes)


def ahead(items: Iterator[Item], count: int) -> Generator[Item, None, None]:
    """The same items, made in a thread of their own, up to ``count`` before they are asked for."""
    end = object()
    with ThreadPoolExecutor(1) as pool:
        waiting: deque[Future[Any]] = deque()
        try:
            while True:
                while len(waiting) < count:
                    waiting.append(pool.submit(next, items, end))
                item = waiting.popleft().result()
                if item is end:
                    return
                yield item
        finally:
            pool.shutdown(cancel_futures=True)
            if hasattr(items, "close"):
                items.close()
