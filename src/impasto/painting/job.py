"""A photo that is ready to be painted: its plan, its painting, and how far that is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from impasto import pictures
from impasto.errors import PictureError
from impasto.painting import memory, passes, regions
from impasto.painting.look import Look
from impasto.painting.planner import Plan, Planner
from impasto.painting.rows import Floats, Rows
from impasto.painting.work import Work


@dataclass(frozen=True)
class Progress:
    """How far a painting is, 0..1; at the end it is there: (h, w, 3), of the type that was asked for."""

    share: float
    painted: pictures.Pixels | None = None

    def _repr_png_(self) -> bytes | None:
        """What a notebook shows of it."""
        return None if self.painted is None else pictures.png(self.painted)


@dataclass(frozen=True)
class First:
    """The first of two passes: its ``size`` (height, width), who paints it, and the ``rows`` of its paintings.

    One that is larger than the picture is the only one; it is shrunk.
    """

    size: passes.Size
    planner: Planner
    rows: list[Floats]


@dataclass(frozen=True)
class Job:
    """A photo with all that will be made of it; ``Painter.prepare`` makes it."""

    look: Look
    work: Work
    planner: Planner
    first: First | None = None

    @cached_property
    def plan(self) -> Plan:
        """How it would be painted now; NetworkError if it needs tiles and the runtime knows none."""
        begun, planner = (self.first.size, self.first.planner) if self.first else (None, None)
        masks = len(self.work.rows.shares) - 1
        return self.planner.plan(self.size, masks, floats=self.work.floats, begun=begun, first=planner)

    @property
    def notes(self) -> list[str]:
        """What people should know before it is painted, a sentence each."""
        found, (height, width), brush = [], self.size, self.look.brush
        total = regions.overlap(self.work.rows.masks)
        if total > regions.TOO_MUCH:
            found.append(f"the masks overlap, adding up to {total:.2f}; they share those places instead")
        if not isinstance(brush, str) and passes.first_size(height, width, brush) is None:
            size = f"{width} x {height} pixels are not {passes.APART} times as large"
            found.append(f"note: the brush {brush} changes nothing: {size}")
        return found

    def paint(self) -> pictures.Pixels:
        """The painting, (h, w, 3); PictureError where memory is refused."""
        *_, last = self.steps()
        assert last.painted is not None
        return last.painted

    def steps(self) -> Iterator[Progress]:
        """Paint, and report how far it is; the last record has the painting."""
        with enough_memory():
            yield from self._steps()

    @property
    def size(self) -> passes.Size:
        """Height and width of the painting."""
        height, width = self.work.photo.shape[:2]
        return height, width

    @property
    def larger(self) -> bool:
        """Whether it is painted at a larger size, once, and that shrunk."""
        return self.first is not None and passes.larger(self.first.size, self.size)

    def alone(self, number: int) -> Job:
        """One painting of several that masks blend, by itself, as the network paints it."""
        first = self.first and replace(self.first, rows=[self.first.rows[number]])
        return replace(self, work=self.work.alone(number), first=first)

    def _steps(self) -> Iterator[Progress]:
        work = self.work
        if not work.rows.rows:
            yield Progress(1.0, np.array(pictures.as_type(work.photo, work.kind)))
            return
        for step in self._blended() if work.rows.several else self._painted():
            if step.painted is not None:
                work.keep_features(step.painted)
            yield step

    def _painted(self) -> Iterator[Progress]:
        """One painting, in one pass or two."""
        if self.larger:
            yield from self._shrunk()
            return
        work, share = self.work, 0.0
        for step, then in self.begin():
            work = then
            small = math.prod(self.first.size) if self.first else 0
            share = step.share * small / (small + math.prod(self.size))
            yield Progress(share)
        for step in _paint(work, self.planner):
            yield Progress(1 - (1 - share) * (1 - step.share), step.painted)

    def _blended(self) -> Iterator[Progress]:
        """A painting in each style, one after the other, blended by the masks: no style's moments see another's."""
        rows = self.work.rows
        numbers, out = rows.seen(self.size[0]), np.empty(0)
        for done, number in enumerate(numbers):
            for step in self.alone(number)._painted():
                yield Progress((done + min(step.share, 0.999)) / len(numbers))
                if step.painted is None:
                    continue
                if done == 0:
                    out = step.painted
                    continue
                self.work.blend(out, step.painted, numbers[: done + 1])
        yield Progress(1.0, self.work.finished(out))

    def _shrunk(self) -> Iterator[Progress]:
        """One painting, painted larger."""
        assert self.first is not None
        work = self.work
        rows = Rows(self.first.rows, [1.0], [])  # what is done to it afterwards is done at its own size
        large = Work(passes.enlarged(work.photo, self.first.size), rows, work.kind, grain=work.grain)
        for step in _paint(large, self.first.planner):
            if step.painted is None:
                yield Progress(min(step.share, 0.999))
                continue
            small = passes.shrunk(step.painted, self.size, work.threads)
            yield Progress(1.0, work.finished(np.ascontiguousarray(small.transpose(1, 2, 0))))

    def begin(self) -> Iterator[tuple[Progress, Work]]:
        """Make the first of two passes, where there are two; at its end there is the work of the second."""
        if self.first is None:
            return
        small = passes.shrunk(self.work.photo, self.first.size, self.work.threads)
        picture = np.ascontiguousarray(small.transpose(1, 2, 0))
        rows = Rows(self.first.rows, [1.0], [])  # painted without what is done to it afterwards
        first = Work(picture, rows, picture.dtype, grain=self.work.grain)
        for step in _paint(first, self.first.planner):
            done = step.painted is not None
            yield step, self.work.behind(step.painted, small) if done else self.work
        self.first.planner.network.let_go()


@contextmanager
def enough_memory() -> Iterator[None]:
    """Memory that is refused inside is a PictureError in one sentence."""
    try:
        with memory.refusals():
            yield
    except MemoryError as error:
        raise PictureError("there is not enough memory for this picture; give a smaller size") from error


def _paint(work: Work, planner: Planner) -> Iterator[Progress]:
    """One pass of the network over a picture, whole or in tiles, as memory allows."""
    with memory.claims.deciding:
        claim = planner.whole_bytes(work.photo.shape[:2], floats=work.floats, second=work.first is not None)
        memory.claims.take(claim)
    if claim:
        try:
            with memory.refusals():
                painted = _paint_whole(work, planner)
        except MemoryError:  # somebody else took the memory meanwhile: then in tiles
            pass
        else:
            yield Progress(1.0, painted)
            return
        finally:
            memory.claims.give_back(claim)
    yield from _paint_tiles(work, planner)


def _paint_whole(work: Work, planner: Planner) -> pictures.Pixels:
    picture: Any = work.whole()
    return work.finished(planner.network.paint(picture, work.rows.rows[0]))


def _paint_tiles(work: Work, planner: Planner) -> Iterator[Progress]:
    kind = np.dtype(np.float32) if work.first is not None and work.floats else work.kind  # before it is finished
    painted: Any = np.empty(work.photo.shape, kind)
    with memory.claims.deciding:
        large = planner.large(work.source, work.rows.rows[0])
        claim = large.budget + large.layout().held
        memory.claims.take(claim)
    try:
        for step in large.paint():
            if step.painted is not None:
                height, width = step.painted.shape[:2]
                place = slice(step.top, step.top + height), slice(step.left, step.left + width)
                target = painted[place]
                part = step.painted[: target.shape[0], : target.shape[1]]  # without what was mirrored
                if part.size:
                    target[:] = work.part(part, place) if work.first is None else pictures.as_type(part, kind)
            yield Progress(min(step.share, 0.999))
    finally:
        memory.claims.give_back(claim)
    yield Progress(1.0, painted if work.first is None else work.finished(painted))
