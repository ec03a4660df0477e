"""Frames in, painted frames out, one after the other."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy.typing as npt

from impasto import limits, pictures

if TYPE_CHECKING:
    from impasto.painting.look import Look
    from impasto.painting.painter import Painter

State: TypeAlias = dict[str, npt.NDArray[Any]]


class Steady:
    """Paints the frames of one film in their order; ``steady`` 0 paints each by itself, 1 holds them as still as it can.

    OptionError for a ``steady`` that is not within 0 and 1.
    """

    def __init__(self, painter: Painter, *, steady: float = 1.0) -> None:
        self._painter, self._steady = painter, limits.STEADY.check("steady", steady)

    def paint(self, frame: pictures.Pixels, look: Look, time: float) -> pictures.Pixels:
        """The painting of the next frame, (h, w, 3), upright, in sRGB; of its type, and of the size that the look asks.

        ``time`` is in seconds and grows from frame to frame. The look may be another for each frame. Raises as
        ``Painter.paint_array``.
        """
        return self._painter.paint_array(frame, look)

    def forget(self) -> None:
        """Paint the next frame as if it were the first one: behind a cut. (Most cuts are found without.)"""

    def state(self) -> State:
        """All that the next paintings depend on, as arrays by name."""
        return {}

    def restore(self, state: State) -> None:
        """Go on as the one whose ``state`` this is, to the same bytes."""


def paint_frames(
    film: Steady, frames: Iterable[pictures.Pixels], look: Look, times: Iterable[float]
) -> Iterator[pictures.Pixels]:
    """The painting of each frame in turn; ends with the shorter one of ``frames`` and ``times``."""
    for frame, time in zip(frames, times, strict=False):
        yield film.paint(frame, look, time)


def clock(fps: float) -> Iterator[float]:
    """Times in seconds, ``fps`` of them a second."""
    return (count / fps for count in itertools.count())
