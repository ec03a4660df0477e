"""Frames in, painted frames out, one after the other, held still.

A network is tied to a lattice of some pixels, and amplifies noise. So each frame is laid on a canvas on which the scene
stays at its place of that lattice, is cleaned there of noise by those before it, and is painted; and a painting may be
old where the photo is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from impasto import limits, pictures
from impasto.film.steady.canvas import Bytes, Canvas, later
from impasto.film.steady.change import AFTER, BLOCK, at_rest, blended, changed, near, noise_of, spread_out
from impasto.film.steady.motion import moving
from impasto.film.steady.past import Past, follow

if TYPE_CHECKING:
    from impasto.painting.job import Job
    from impasto.painting.look import Look
    from impasto.painting.painter import Painter

State: TypeAlias = dict[str, npt.NDArray[Any]]
Floats: TypeAlias = npt.NDArray[np.float32]

HELD = 0.18  # seconds in which what is old falls to 1/e
PERIODS = 8  # of the network's lattice, at most, after which a first pass is at the same place of its own, too
RESIZED = 0.08  # by so much of its size a first pass may be larger or smaller for that
WALK = 0.02  # of a row's length: when rows change by that much nothing is old
MASKED = 0.02  # by so much a mask may change where a painting is old


class Steady:
    """Paints the frames of one film in their order; ``steady`` 0 each by itself, 1 as still as they can be held.

    OptionError for a ``steady`` that is not within 0 and 1.
    """

    def __init__(self, painter: Painter, *, steady: float = 1.0) -> None:
        self._painter, self._steady = painter, limits.STEADY.check("steady", steady)
        self._past: Past | None = None
        self._compiled = False

    def paint(self, frame: pictures.Pixels, look: Look, time: float) -> pictures.Pixels:
        """The painting of the next frame, (h, w, 3), upright, in sRGB; of its type, and of the size that the look asks.

        ``time`` is in seconds and grows from frame to frame. The look may be another for each frame. Raises as
        ``Painter.paint_array``.
        """
        plain = type(frame) is np.ndarray and pictures.is_whole(frame)  # any other array is checked, and copied
        job = self._painter.prepare(pictures.Photo(frame, name="The array") if plain else frame, look)
        if self._steady == 0 or not job.work.rows.rows:
            self.forget()
            return job.paint()
        back = self._paint(job, time)
        made = job.work.part(back, (slice(None), slice(None)))
        if job.work.rows.protected is not None:
            made = np.array(made)  # what is kept for the next frame stays as it is
            job.work.keep_features(made)
        return made

    def forget(self) -> None:
        """Paint the next frame as if it were the first one: behind a cut. (Most cuts are found without.)"""
        self._past = None

    def state(self) -> State:
        """All that the next paintings depend on, as arrays by name; empty before the first frame."""
        past = self._past
        return {} if past is None else {each.name: np.array(getattr(past, each.name)) for each in fields(past)}

    def restore(self, state: State) -> None:
        """Go on as the one whose ``state`` this is, to the same bytes."""
        self._past = Past(**{name: np.array(value) for name, value in state.items()}) if state else None

    def _paint(self, job: Job, time: float) -> Bytes:
        """The painting of a frame, before the photo and its colours are brought in."""
        job, canvas = _laid_out(job)
        job = replace(job, work=replace(job.work, rows=job.work.rows.bare()))
        frame, threads, rows = pictures.to_bytes(job.work.photo), job.work.threads, np.stack(job.work.rows.rows)
        noise = later(partial(noise_of, frame), threads)
        now = follow(self._past, frame, canvas, time, threads)
        seen = canvas.put(frame, now.place, threads)
        planes = [canvas.put(pictures.to_bytes(mask), now.place, threads) for mask in job.work.rows.masks]
        masks = np.array(planes, np.float32) / np.float32(255)
        if not self._compiled:  # from now on for these sizes: a film that goes on must not differ in its last bits
            _painted(job, seen, masks)
            self._compiled = True
        if now.past is None:
            painted = _painted(job, seen, masks)
            clean, held = (each.astype(np.int16) << 6 for each in (seen, painted))
            wait = np.zeros([side // BLOCK for side in canvas.shape], np.float32)
        else:
            passed, known = max(0.0, time - float(now.past.time)), now.past.known(canvas.size)
            keep = self._steady * math.exp(-passed / HELD)
            change = changed(now.past.seen, seen, known, noise(), threads)
            parts = moving(now.past.seen, seen, change, known, threads)
            wait = np.maximum(now.past.wait - np.float32(passed), np.float32(AFTER) * parts.weaker(change.strength))
            clean, seen = blended(now.past.clean, seen, spread_out(change.holds, keep), threads)
            painted = _painted(job, seen, masks)
            holds = parts.held(change.holds, at_rest(wait)) * _same_look(now.past, rows, masks)
            held, painted = blended(parts.carry(now.past.painted), painted, spread_out(holds, keep), threads)
        self._past = Past(clean, seen, held, masks, rows, now.place, now.speed, np.array(time), now.misfits, wait)
        return canvas.cut(painted, now.place, threads)


def _laid_out(job: Job) -> tuple[Job, Canvas]:
    """The canvas for a job, and the job for paintings of it: a first pass has a size that fits both lattices."""
    own = math.lcm(job.planner.network.multiple, BLOCK)
    if job.first is None:
        return job, Canvas(job.size, own)
    share, theirs = max(job.first.size) / max(job.size), job.first.planner.network.multiple
    periods = {count * own: max(1, round(share * count * own / theirs)) * theirs for count in range(1, PERIODS + 1)}
    errors = {period: abs(first / period / share - 1) for period, first in periods.items()}
    period = next(
        (each for each, error in errors.items() if error < RESIZED), min(errors, key=lambda each: errors[each])
    )
    canvas = Canvas(job.size, period)
    height, width = (side // period * periods[period] for side in canvas.shape)
    if (height, width) == canvas.shape:  # so little larger or smaller that one pass is all there is
        return replace(job, first=None), canvas
    return replace(job, first=replace(job.first, size=(height, width))), canvas


def _painted(job: Job, canvas: Bytes, masks: Floats) -> Bytes:
    """The painting of a canvas, as the network paints it; grain would jump where a canvas begins anew."""
    rows = replace(job.work.rows, masks=list(masks))
    work = replace(job.work, photo=canvas, rows=rows, kind=np.dtype(np.uint8), keep_color=False, grain=False)
    return replace(job, work=work).paint()


def _same_look(past: Past, rows: Floats, masks: Floats) -> Floats | float:
    """How far the look is the last frame's: a number, or one for each block, 0..1."""
    if past.rows.shape != rows.shape or past.masks.shape != masks.shape:
        return 0.0
    walked = float(np.linalg.norm(rows - past.rows) / np.linalg.norm(past.rows))
    same = max(0.0, 1 - walked / WALK)
    if not len(masks):
        return same
    apart = np.abs(masks - past.masks).max(0)
    down, across = (length // BLOCK for length in apart.shape)
    worst = apart.reshape(down, BLOCK, across, BLOCK).max((1, 3))
    return same * (near(worst) <= MASKED)


def paint_frames(
    film: Steady, frames: Iterable[pictures.Pixels], look: Look, times: Iterable[float]
) -> Iterator[pictures.Pixels]:
    """The painting of each frame in turn; ends with the shorter one of ``frames`` and ``times``."""
    for frame, time in zip(frames, times, strict=False):
        yield film.paint(frame, look, time)


def clock(fps: float) -> Iterator[float]:
    """Times in seconds, ``fps`` of them a second."""
    return (count / fps for count in itertools.count())
