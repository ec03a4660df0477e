"""A place of a large painting at full size, painted without the rest of it.

What a network paints at one place depends on the whole picture through the moments of its norms alone, and these are
nearly those of some hundred small places, evenly spread. The first pass, which shows from afar, is painted as a whole;
what it adds to the second one is made of its own pixels near the place.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from impasto import pictures
from impasto.errors import OptionError
from impasto.painting import passes
from impasto.painting.job import Job, enough_memory
from impasto.painting.tiles.parts import PICTURE
from impasto.painting.tiles.sampled import Moments
from impasto.painting.work import Work

Floats = npt.NDArray[np.float32]
Place: TypeAlias = tuple[slice, slice]  # rows and columns
WHOLE = 1_500_000  # pixels of paintings that are painted as a whole, once
MOST = 1024  # pixels a side of a window
BLOCK, RIM = 256, 48  # pixels a side of a place that the moments are taken from, and of what is only seen there
NEAR = 16  # pixels of the first pass around a window that have a part in it


class Loupe:
    """Windows of the painting that a ``job`` would give, which is not painted. Keep it for all windows of one look.

    ``places`` is how many small places the moments are taken from.
    """

    def __init__(self, job: Job, places: int = 48) -> None:
        self._job, self._places = job, places

    @property
    def about(self) -> bool:
        """Whether windows are only about what the painting will be there."""
        return not self._exact and self._job.first is None

    @property
    def _exact(self) -> bool:
        return math.prod(self._job.size) <= WHOLE or not self._job.work.rows.rows

    def paint(self, left: int, top: int, width: int, height: int) -> pictures.Pixels:
        """The window with this corner, in pixels of the painting: (height, width, 3) of the painting's type.

        OptionError for a window that is empty, larger than 1,024 pixels a side or not inside.
        """
        tall, wide = self._job.size
        if not (0 <= left < left + width <= wide and 0 <= top < top + height <= tall and max(width, height) <= MOST):
            raise OptionError(
                f"a window has 1 to {MOST} pixels a side and lies inside the painting of {wide} x {tall} pixels, "
                f"not {width} x {height} at {left}, {top}"
            )
        place: Place = slice(top, top + height), slice(left, left + width)
        with enough_memory():
            return self._whole[place] if self._exact else self._window(place)

    @cached_property
    def _whole(self) -> pictures.Pixels:
        return self._job.paint()

    @cached_property
    def _work(self) -> Work:
        """The pass whose windows are painted: the second of two, once the first one is painted."""
        job = self._job
        if job.first is None:
            return job.work
        small = passes.shrunk(job.work.photo, job.first.size, job.work.threads)
        return job.work.behind(job.begun(small), small)

    # ---- one window

    def _window(self, place: Place) -> pictures.Pixels:
        work, network = self._work, self._network
        wider = self._wider(place[0], 0), self._wider(place[1], 1)
        inside = self._inside(wider[0], 0), self._inside(wider[1], 1)
        seen = _moved(inside, network.margin - wider[0].start, network.margin - wider[1].start)
        values = network.paint(wider, self._moments)[seen]
        painted = pictures.as_type(np.clip(values, 0, 1), np.dtype(np.float32 if work.floats else np.uint8))
        part = painted[_moved(place, -inside[0].start, -inside[1].start)]
        if work.first is not None:
            added = _added(work.first, painted, inside, self._job.size)
            part = np.clip(passes.plus(part, added(*place)), 0, 1).transpose(1, 2, 0)
        return work.part(part, place)

    def _inside(self, part: slice, axis: int) -> slice:
        """What of a part that is read lies inside the painting, in its pixels."""
        margin = self._network.margin
        return slice(max(0, part.start - margin), min(part.stop - margin, self._job.size[axis]))

    def _wider(self, part: slice, axis: int) -> slice:
        """The part with all around it that has an influence, on the lattice of the network, with its margin."""
        network, length = self._network, self._job.size[axis]
        first = 0 if self._job.first is None else math.ceil(NEAR * length / self._job.first.size[axis])
        around, multiple = network.halo + first, network.multiple
        start = max(0, (part.start + network.margin - around) // multiple * multiple)
        stop = min(network.size[axis], -(-(part.stop + network.margin + around) // multiple) * multiple)
        return slice(start, stop)

    # ---- the network

    @cached_property
    def _network(self) -> _Places:
        return _Places(self._job, self._work)

    @cached_property
    def _moments(self) -> Moments:
        return self._network.moments(self._places)


class _Places:
    """The second pass of a job, read and painted at places, in pixels from the corner of its margin."""

    def __init__(self, job: Job, work: Work) -> None:
        large = job.planner.large(work.source, work.rows)
        self.multiple, self.margin, self.halo = large.graph.multiple, large.graph.margin, large.graph.straight.halo
        self._sources, self._style, self.size = large.sources, large.style, large.sources[PICTURE].size
        self._sampled = job.planner.network.sampled(bool(work.rows.masks))

    def paint(self, place: Place, moments: Moments) -> Floats:
        """What the network paints there."""
        feeds = {name: each(*place) for name, each in self._sources.items()}
        return self._sampled.paint({**feeds, **self._style}, moments)

    def moments(self, count: int) -> Moments:
        """Those of about so many places, evenly spread, put together as one picture whose seams do not count."""
        sides = [min(BLOCK, length // self.multiple * self.multiple) for length in self.size]
        down = max(1, round(math.sqrt(count * self.size[0] / self.size[1])))
        across = max(1, round(count / down))
        starts = [_spread(length, side, n, self.multiple)
                  for length, side, n in zip(self.size, sides, (down, across), strict=True)]  # fmt: skip
        core = np.zeros(sides, np.float32)
        core[tuple(slice(min(RIM, side // 3), side - min(RIM, side // 3)) for side in sides)] = 1
        rows = [[(slice(top, top + sides[0]), slice(left, left + sides[1])) for left in starts[1]] for top in starts[0]]
        feeds = {
            name: np.concatenate([np.concatenate([each(*place) for place in row], 3) for row in rows], 2)
            for name, each in self._sources.items()
        }
        return self._sampled.moments({**feeds, **self._style}, np.tile(core, (len(starts[0]), len(starts[1]))))


def _spread(length: int, side: int, count: int, multiple: int) -> list[int]:
    """Where ``count`` places of a side begin, each in the middle of its share of the length, on the lattice."""
    middles = ((i + 0.5) * length / count - side / 2 for i in range(count))
    return [min(max(0, int(middle)), length - side) // multiple * multiple for middle in middles]


def _moved(place: Place, down: int, across: int) -> Place:
    rows, columns = place
    return slice(rows.start + down, rows.stop + down), slice(columns.start + across, columns.stop + across)


def _added(first: Floats, painted: pictures.Pixels, inside: Place, size: passes.Size) -> passes.Enlarged:
    """What the first pass adds to the second, of which a part, ``painted``, is known: right where its edges are far."""
    ratios = [small / length for small, length in zip(first.shape[1:], size, strict=True)]
    (top, bottom), (left, right) = (
        (math.ceil(part.start * ratio), math.floor(part.stop * ratio + 1e-6))
        for part, ratio in zip(inside, ratios, strict=True)
    )
    begin = left / ratios[1] - inside[1].start, top / ratios[0] - inside[0].start
    end = right / ratios[1] - inside[1].start, bottom / ratios[0] - inside[0].start
    apart = np.zeros_like(first)
    for channel in range(len(first)):
        plane = Image.fromarray(np.ascontiguousarray(pictures.unit(painted[..., channel])))
        box = (*begin, min(end[0], plane.width), min(end[1], plane.height))
        shrunk = np.asarray(plane.resize((right - left, bottom - top), Image.Resampling.LANCZOS, box))
        there = channel, slice(top, bottom), slice(left, right)
        apart[there] = first[there] - np.clip(shrunk, 0, 1)
    return passes.weighted(apart, size)
