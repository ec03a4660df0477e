"""How large to paint, from how long it takes: as large as goes 15 times a second, and never below 240 pixels."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from statistics import median

from impasto import pictures

Size = tuple[int, int]

RATE = 15.0  # paintings a second
LEAST = 240  # pixels of the shorter side: below, strokes are blots; then the rate falls instead
STEP = 1.25  # from one size to the next, about
SPARE = 0.8  # of the time a larger size may take at most: one that is just quick enough would not stay so
MEASURED = 8  # paintings that a decision is made from
UNCOUNTED = 2  # the first ones of a size, for which a network is compiled
BARRED = 20.0  # seconds that a size which was too slow is left alone


def ladder(width: int, height: int, side: int) -> tuple[Size, ...]:
    """The sizes (width, height) at which a picture may be painted, smallest first; the largest has that longer side."""
    largest = pictures.shrunk_size(width, height, side)
    share = min(1.0, LEAST / min(largest))
    steps = max(1, round(-math.log(share) / math.log(STEP))) if share < 1 else 0
    factors = [share ** (step / steps) for step in range(steps, 0, -1)]
    return *((round(largest[0] * each), round(largest[1] * each)) for each in factors), largest


def fitting(sizes: Sequence[Size], at: int, took: float, most: int) -> int:
    """Which of ``sizes`` to paint at, where ``sizes[at]`` took so many seconds; none above number ``most``.

    The time goes with the pixels. A larger size has to leave time to spare, the present one just to be quick enough.
    """
    pixels = took / math.prod(sizes[at])
    quick = [
        number
        for number, size in enumerate(sizes[: most + 1])
        if RATE * pixels * math.prod(size) <= (SPARE if number > at else 1)
    ]
    return max(quick, default=0)


class Fitting:
    """The size for one picture after the other; begins with the smallest, which is there at once."""

    def __init__(self, sizes: Sequence[Size]) -> None:
        self.sizes, self.at = tuple(sizes), 0
        self._took: deque[float] = deque(maxlen=MEASURED)
        self._new = UNCOUNTED
        self._barred = (len(self.sizes), -math.inf)  # from this number on, until then

    @property
    def size(self) -> Size:
        return self.sizes[self.at]

    def took(self, seconds: float, now: float) -> None:
        """A painting of the present size took so many ``seconds``; it is ``now``, in seconds."""
        if self._new:
            self._new -= 1
            return
        self._took.append(seconds)
        if len(self._took) < MEASURED:
            return
        first, until = self._barred
        most = len(self.sizes) - 1 if now >= until else max(self.at, first - 1)
        found = fitting(self.sizes, self.at, median(self._took), most)
        if found == self.at:
            return
        if found < self.at:
            self._barred = self.at, now + BARRED
        self.at, self._new = found, UNCOUNTED
        self._took.clear()
