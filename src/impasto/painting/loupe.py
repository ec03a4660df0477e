"""A window of a painting at full size, without painting the rest: a loupe.

A network sees the whole picture only through the moments of its norms, and the rest of it not beyond ``REACH``. So the
window is painted with that much around it, from where the network's lattice begins anew, together with patches of the
rest that give the norms about the moments of the whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from impasto import pictures
from impasto.errors import PictureError
from impasto.painting import passes, regions
from impasto.painting.job import Job, enough_memory
from impasto.painting.work import Work

Place: TypeAlias = tuple[slice, slice]

REACH = 96  # pixels around the window that are painted along
LATTICE = 8  # pixels: both networks do the same to a picture that is moved by so many
PATCH, PATCHES = 256, 8  # the side of what stands for the rest of the picture, and how many there are
GOLDEN = 0.618034  # its multiples less their whole parts are never close together
ENOUGH = 0.7  # of the whole picture: if more would be painted, all of it is


@dataclass(frozen=True)
class Loupe:
    """A painting seen through windows. The first window also makes the first of two passes."""

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
            return self._window(place)

    @cached_property
    def whole(self) -> bool:
        """Whether all is painted at once, exactly, since the painting is too small for a part to be quicker."""
        height, width = self.job.size
        part = (2 * REACH + 2 * PATCH) ** 2 + PATCHES * PATCH**2
        return part > ENOUGH * height * width or not self.job.work.rows.rows

    def _window(self, place: Place) -> pictures.Pixels:
        work, size, network = self._work, self.job.size, self.job.planner.network
        down, across = (
            slice(max(0, part.start - REACH) // LATTICE * LATTICE, min(length, part.stop + REACH))
            for part, length in zip(place, size, strict=True)
        )
        if down == slice(0, size[0]):  # then there is no side left for patches
            return self._painted[place]
        places = [(down, across), *_patches(size, across.stop - across.start)]
        above = down.stop == size[0]  # the network mirrors the end of the picture, so nothing may follow there
        seen: Any = _mosaic([work.source[each] for each in places], above)
        seen = pictures.unit(seen) if work.floats else seen
        if work.rows.masks:
            masks = [_mosaic([mask[each] for each in places], above) for mask in work.rows.masks]
            painted = network.paint_regions(seen, np.stack(work.rows.rows), regions.stack(masks))
        else:
            painted = network.paint(seen, work.rows.rows[0])
        tall = down.stop - down.start
        painted = painted[-tall:] if above else painted[:tall]
        if work.first is not None:
            planes = passes.crossed_at(work.first, painted, (down, across), size)
            painted = np.ascontiguousarray(planes.transpose(1, 2, 0))
        inner = tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(place, (down, across), strict=True))
        return work.part(painted[inner], place)

    @cached_property
    def _work(self) -> Work:
        """What is painted at full size."""
        work = self.job.work
        for _, then in self.job.begin():
            work = then
        return work

    @cached_property
    def _painted(self) -> pictures.Pixels:
        return self.job.paint()


def _within(rows: slice, columns: slice, size: passes.Size) -> Place:
    down, across = (slice(*part.indices(length)[:2]) for part, length in zip((rows, columns), size, strict=True))
    if down.start >= down.stop or across.start >= across.stop:
        raise PictureError(f"the window is empty, or not in the painting of {size[1]} x {size[0]} pixels")
    return down, across


def _patches(size: passes.Size, width: int) -> list[Place]:
    """Places all over a picture of this size, for rows of patches that are as wide as a window of this ``width``."""
    in_row = max(1, width // PATCH)
    count = math.ceil(PATCHES / in_row) * in_row
    tall, wide = min(PATCH, size[0]), min(width // in_row, size[1])
    fall = math.ceil(math.sqrt(count * size[0] / size[1]))
    found = []
    for i in range(count):
        down, across = (i % fall + 0.5) / fall, (i * GOLDEN) % 1  # even in one direction, never twice in the other
        top, left = int(down * (size[0] - tall)), int(across * (size[1] - wide))
        found.append((slice(top, top + tall), slice(left, left + wide)))
    return found


def _mosaic(parts: list[pictures.Pixels], above: bool) -> pictures.Pixels:
    """The window, and below or ``above`` it rows of patches, the last of which goes on to the end."""
    window, *patches = parts
    lines, width = [window], window.shape[1]
    in_row = max(1, width // patches[0].shape[1])
    for first in range(0, len(patches), in_row):
        line = np.concatenate(patches[first : first + in_row], axis=1)
        missing = ((0, 0), (0, width - line.shape[1]), (0, 0))[: line.ndim]
        lines.append(np.pad(line, missing, "symmetric"))
    return np.concatenate(lines[::-1] if above else lines)
