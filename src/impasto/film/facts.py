"""What a film is: frames with their times, and what is known of it before it is read. Knows no files.

A time is a Fraction of seconds, from the film's own zero on; never a rate times a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from impasto import limits, pictures
from impasto.errors import FilmError
from impasto.film.colour import Bytes

FPS = Fraction(25)  # of pictures in a folder, where nothing is said


@dataclass(frozen=True)
class Frame:
    """One frame: pixels (h, w, 3), uint8, sRGB, upright; when it begins, and how long it ``lasts``, in seconds."""

    pixels: Bytes
    time: Fraction
    lasts: Fraction


@dataclass(frozen=True)
class Part:
    """Which part of a film is wanted, and how large.

    ``size`` shrinks the longer side to that many pixels. ``start`` and ``end`` are in seconds of the film. ``fps`` is
    the rate of pictures in a folder.
    """

    size: int | None = None
    start: Fraction = Fraction(0)
    end: Fraction | None = None
    fps: Fraction = FPS

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise FilmError(f"the end, {float(self.end):g} s, must be behind the start, {float(self.start):g} s")
        limits.RATE.check("fps, the pictures a second,", float(self.fps))

    def at(self, time: Fraction) -> bool | None:
        """Whether a moment is in this part; None once it is over."""
        return None if self.end is not None and time >= self.end else time >= self.start


@dataclass(frozen=True)
class Facts:
    """What is known of a film before it is read: sizes are those of its frames, times are seconds.

    ``origin`` is the moment in the file that is the 0 of frames. ``duration`` and ``rate`` are what the file says, and
    may be wrong or missing.
    """

    width: int
    height: int
    time_base: Fraction
    rate: Fraction | None
    duration: Fraction | None
    origin: Fraction = Fraction(0)
    hdr: str = ""

    @property
    def frames(self) -> int | None:
        """About how many there are; None where that is not known."""
        return None if self.duration is None else max(1, round(self.duration * (self.rate or FPS)))


class Film(Protocol):
    """An open film. ``notes`` fill while it is read: sentences for people."""

    facts: Facts
    notes: list[str]

    def frames(self, passed: int = 0) -> Iterator[Frame]:
        """Its frames in their order, without the first ``passed`` ones."""
        ...


def shrunk(width: int, height: int, size: int | None) -> tuple[int, int]:
    return (width, height) if size is None else pictures.shrunk_size(width, height, size)


def left_of(duration: Fraction | None, part: Part) -> Fraction | None:
    """How long the part of a film is."""
    if duration is None:
        return None if part.end is None else part.end - part.start
    return max(Fraction(0), (duration if part.end is None else min(duration, part.end)) - part.start)
