"""A window of a painting at full size, without painting the rest: a loupe.

What a network paints at one place depends on the whole picture through the moments of its norms alone, and these are
nearly those of some small places, evenly spread over it. They are taken once; then a window is painted as a tile is. Of
two passes the first is painted as a whole, and what it adds to the second follows from what lies near the window.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from impasto import pictures
from impasto.errors import PictureError
from impasto.painting import passes
from impasto.painting.job import Job, enough_memory
from impasto.painting.tiles.large import Large
from impasto.painting.tiles.parts import PICTURE
from impasto.painting.tiles.sampled import Moments, Sampled
from impasto.painting.work import Work

Floats = npt.NDArray[np.float32]
Place: TypeAlias = tuple[slice, slice]

PLACES, PLACE, RIM = 160, 128, 32  # where the moments are taken from: how many, their side, and what is only seen there
NEAR = 16  # pixels of the first pass around a window that have a part in it
ENOUGH = 0.7  # of the whole picture: if more would be painted, all of it is


@dataclass(frozen=True)
class Loupe:
    """A painting seen through windows. The first window also makes the first of two passes, and takes the moments."""

    job: Job

    def window(self, rows: slice, columns: slice) -> pictures.Pixels:
        """These rows and columns of the painting, (h, w, 3), nearly as ``Job.paint`` has them, of the same type.

        ``python -m benchmarks.loupe`` reports how near. PictureError for a window that is empty or not in the
        painting, and where memory is refused.
        """
        place = _within(rows, columns, self.job.size)
        with enough_memory():
            if self.whole:
                return self._painted[place]
            return self._blended(place) if self.job.work.rows.several else self._window(place)

    @cached_property
    def whole(self) -> bool:
        """Whether all is painted at once, exactly: the painting is too small for a part to be quicker, or must be."""
        few = PLACES * PLACE**2 > ENOUGH * math.prod(self.job.size)
        rows = self.job.work.rows
        return (
            few
            or self.job.larger
            or not rows.rows
            or rows.protected is not None
            or self.job.planner.network.runtime != "openvino"
        )

    @property
    def about(self) -> bool:
        """Whether windows are only about what the painting is: in one pass, where no other one holds them."""
        return not self.whole and self.job.first is None

    def _blended(self, place: Place) -> pictures.Pixels:
        """What the masks make of the windows of several paintings."""
        rows, (number, *others) = self.job.work.rows, self._alone
        out, seen = self._alone[number].window(*place), [number]
        for other in others:
            seen.append(other)
            out = rows.blended(out, self._alone[other].window(*place), seen, place)
        return self.job.work.part(out, place)

    def _window(self, place: Place) -> pictures.Pixels:
        work, margin = self._work, self._large.graph.margin
        down, across = self._wider(place[0], 0), self._wider(place[1], 1)
        inside = self._inside(down, 0), self._inside(across, 1)
        values = self._sampled.paint(_feeds(self._large, [[(down, across)]]), self._moments)
        values = values[_moved(inside, margin - down.start, margin - across.start)]
        painted = pictures.as_type(np.clip(values, 0, 1), np.dtype(np.float32 if work.floats else np.uint8))
        if work.first is not None:
            painted = passes.crossed_at(work.first, painted, inside, self.job.size).transpose(1, 2, 0)
        return work.part(painted[_moved(place, -inside[0].start, -inside[1].start)], place)

    def _wider(self, part: slice, axis: int) -> slice:
        """A side of a window with all around it that counts, in pixels of what is read, on the network's lattice."""
        graph, length, first = self._large.graph, self.job.size[axis], self.job.first
        around = graph.straight.halo + (0 if first is None else math.ceil(NEAR * length / first.size[axis]))
        start, stop = part.start + graph.margin - around, part.stop + graph.margin + around
        up = -(-stop // graph.multiple) * graph.multiple
        return slice(max(0, start // graph.multiple * graph.multiple), min(self._large.source.size[axis], up))

    def _inside(self, part: slice, axis: int) -> slice:
        """What of it lies inside the painting, in its pixels."""
        margin = self._large.graph.margin
        return slice(max(0, part.start - margin), min(part.stop - margin, self.job.size[axis]))

    # ---- made once

    @cached_property
    def _alone(self) -> dict[int, Loupe]:
        """A loupe for each of several paintings that masks blend, by its number."""
        return {number: Loupe(self.job.alone(number)) for number in self.job.work.rows.seen(self.job.size[0])}

    @cached_property
    def _painted(self) -> pictures.Pixels:
        return self.job.paint()

    @cached_property
    def _work(self) -> Work:
        """What is painted at full size."""
        work = self.job.work
        for _, then in self.job.begin():
            work = then
        return work

    @cached_property
    def _large(self) -> Large:
        return self.job.planner.large(self._work.source, self._work.rows.rows[0])

    @cached_property
    def _sampled(self) -> Sampled:
        return self.job.planner.network.sampled()

    @cached_property
    def _moments(self) -> Moments:
        """Those of places all over the picture, put together as one picture whose seams do not count."""
        (tall, wide), multiple = self._large.source.size, self._large.graph.multiple
        down = max(1, round(math.sqrt(PLACES * tall / wide)))
        rows, columns = _spread(tall, down, multiple), _spread(wide, max(1, round(PLACES / down)), multiple)
        feeds = _feeds(self._large, [[(row, column) for column in columns] for row in rows])
        return self._sampled.moments(feeds, np.outer(_counts(rows, tall), _counts(columns, wide)))


def _within(rows: slice, columns: slice, size: passes.Size) -> Place:
    down, across = (slice(*part.indices(length)[:2]) for part, length in zip((rows, columns), size, strict=True))
    if down.start >= down.stop or across.start >= across.stop:
        raise PictureError(f"the window is empty, or not in the painting of {size[1]} x {size[0]} pixels")
    return down, across


def _spread(length: int, count: int, multiple: int) -> list[slice]:
    """Parts of a side, from its one end to its other, on the lattice of the network."""
    side = min(PLACE, length) // multiple * multiple
    count = max(2, count) if side < length else 1
    starts = [int(start) // multiple * multiple for start in np.linspace(0, length - side, count)]
    return [slice(start, start + side) for start in starts]


def _counts(parts: list[slice], length: int) -> Floats:
    """For how many pixels of a side each pixel of these parts of it counts: none near a seam, one at the side's ends.

    There a network sees the end itself, and paints as it does nowhere else.
    """
    side = parts[0].stop - parts[0].start
    rim = min(RIM, side // 3)
    counts = np.zeros((len(parts), side), np.float32)
    counts[:, rim : side - rim] = (length - 2 * rim) / (len(parts) * (side - 2 * rim))
    counts[0, :rim] = counts[-1, side - rim :] = 1
    return counts.reshape(-1)


def _feeds(large: Large, places: list[list[Place]]) -> dict[str, pictures.Pixels]:
    """What a network is given for places that stand beside and below each other."""
    read = np.concatenate([np.concatenate([large.source(*place) for place in row], axis=3) for row in places], axis=2)
    return {PICTURE: read, **large.style}


def _moved(place: Place, down: int, across: int) -> Place:
    rows, columns = place
    return slice(rows.start + down, rows.stop + down), slice(columns.start + across, columns.stop + across)
