"""A film on its way from its file to its painting, in parts: killed at any moment, it goes on and ends the same.

Beside the target lies a folder, ``.NAME.parts``, until the film is whole: its parts, what later frames depend on, and
``state.json``, which names what they were made of. The file with the target's name appears at the end, whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from impasto import assets, limits, pictures
from impasto.errors import attempt
from impasto.film import reading, writing
from impasto.film.coding import Coding
from impasto.film.colour import Bytes
from impasto.film.facts import Film, Frame, Part
from impasto.film.ffmpeg import av
from impasto.film.keys import Keys
from impasto.film.masks import Masks, Shown, all_of, resized
from impasto.film.pace import Pace, Progress, ahead
from impasto.film.parts import Making, Target
from impasto.film.steady import Steady
from impasto.film.work import Work, digest_of, digest_of_mask, locked
from impasto.painting.look import Look
from impasto.painting.painter import Painter
from impasto.painting.rows import of_strokes
from impasto.styles import blend
from impasto.styles.bank import PHOTO

FRAMES = 96  # of a part: what is lost at most when a film is killed
AHEAD = 3  # frames that are read, or written, while one is painted


@dataclass(frozen=True)
class Settings:
    """How a film is painted, beside its look.

    ``paint_size`` paints at that many pixels on the longer side, and enlarges the painting to the film's size: larger
    strokes, in less time. ``steady`` is how still it holds, 0..1. ``sound``: whether it goes along. ``part.size`` is
    what a look's ``size`` is for a photo.
    """

    part: Part = Part()  # noqa: RUF009
    coding: Coding = Coding()  # noqa: RUF009
    paint_size: int | None = None
    steady: float = 1.0
    sound: bool = True

    def __post_init__(self) -> None:
        limits.STEADY.check("steady", self.steady)
        if self.paint_size is not None:
            limits.SIDE.check("paint_size", self.paint_size)


def render(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    look: Look | Keys,
    *,
    painter: Painter,
    settings: Settings = Settings(),  # noqa: B008
    restart: bool = False,
) -> Generator[Progress, None, None]:
    """Paint a film into a file; yields a record for each frame.

    ``source`` and ``target`` are films, GIFs, WebPs, folders of pictures, or patterns such as frame-%04d.png; the sound
    of a film goes along. Masks of the look are pictures, or films themselves. Where a film is half painted already, the
    rest is; ``restart`` paints it from its beginning. Raises FilmError, and what a painter raises.
    """
    keys = look if isinstance(look, Keys) else Keys(look)
    settings = replace(settings, part=replace(settings.part, size=keys.look.size or settings.part.size))
    keys = replace(keys, look=replace(keys.look, size=None))
    for each in keys.looks():
        painter.check(replace(each, masks=None, protect=None))
    film, where = check(source, target, settings)
    with locked(where.path) as folder:
        work = Work.begun(folder, _recipe(source, film, where, keys, painter, settings), restart)
        if work.parts:
            film.notes.append(f"note: going on behind frame {work.frames}, which was painted before")
        yield from _Render(film, where, keys, painter, settings, work).steps()
        work.over()


def check(source: str | os.PathLike[str], target: str | os.PathLike[str], settings: Settings) -> tuple[Film, Target]:
    """The film and its target, opened: raises at once what ``render`` would raise for them."""
    film = reading.opened(source, settings.part)
    place = Path(target) if os.path.isdir(target) else Path(os.path.realpath(target))
    size = (film.facts.width, film.facts.height)
    part, coding = settings.part, settings.coding
    where = writing.target_of(place, Path(source), film.facts, part, coding, settings.sound, size)
    film.notes += [*where.notes, *writing.unused(where, coding)]
    return film, where


def _recipe(
    source: str | os.PathLike[str], film: Film, target: Target, keys: Keys, painter: Painter, settings: Settings
) -> dict[str, Any]:
    """All that the painted frames depend on, by names that people read."""
    look = keys.look
    names = sorted({name for each in keys.looks() for name in each.names})
    strokes = of_strokes(painter.bank, replace(look, style=names or look.style))
    rows = [strokes[name] for name in (*names, *([PHOTO] if PHOTO in strokes else []))]
    rows += [np.asarray(each) for each in [look.style] if blend.weights_of(each) is None]
    dials = {"brush": look.brush, "keep_color": look.keep_color, "stroke_size": look.stroke_size}
    own = {
        "source": digest_of(source),
        "target": target.path.name,
        "style": hashlib.sha256(b"".join(np.ascontiguousarray(row).tobytes() for row in rows)).hexdigest(),
        "styles over time": [_plain(keys.styles or [[0, look.style]]), _plain(keys.strengths or look.strength)],
        "masks": {name: digest_of_mask(mask) for name, mask in all_of(look).items()},
        "network": painter.network.fingerprint,
        "runtime": painter.network.runtime,
        "precision": painter.network.precision,
        "size": [film.facts.width, film.facts.height, settings.paint_size],
        "part of the film": [str(settings.part.start), str(settings.part.end), str(settings.part.fps)],
        "coding": asdict(settings.coding) if isinstance(target, writing.Stream) else None,
        "steadiness": settings.steady,
        **dials,
        "version": [assets.__version__, getattr(attempt(av, None), "__version__", "")],
    }
    return dict(json.loads(json.dumps(own)))


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=lambda row: hashlib.sha256(np.asarray(row).tobytes()).hexdigest()))


@dataclass
class _Render:
    film: Film
    target: Target
    keys: Keys
    painter: Painter
    settings: Settings
    work: Work

    def steps(self) -> Iterator[Progress]:
        """Paint what is missing, and put it together."""
        pace = Pace(self.film.facts.duration)
        if not self.work.whole:
            yield from self._paint(pace)
            self.work.end()
        comment = f"{writing.MARKER} in the style {_named(self.keys)}"
        notes = self.target.join(self.work.folder, self.work.parts, comment)
        made = self.work.parts[-1]
        seconds = float((made.times[-1] + made.lasts[-1]) * self.target.time_base)
        last = pace.step(self.work.frames, seconds, None, None, (*self._notes(), *notes))
        yield replace(last, share=1.0, left=0.0, done=True)

    def _paint(self, pace: Pace) -> Iterator[Progress]:
        self.painter.afresh()  # the last bits depend on the sizes that came before
        steady = Steady(self.painter, steady=self.settings.steady)
        if self.work.parts:
            steady.restore(self.work.state)
        with _Writer(self.work, self.target) as writer, closing(self._frames()) as frames:
            for frame, shown, masks in frames:
                look = replace(self.keys.at(float(frame.time)), **masks)
                painted = self._enlarged(steady.paint(shown, look, float(frame.time)))
                writer.write(replace(frame, pixels=painted), steady)
                seconds = float(frame.time + frame.lasts)
                yield pace.step(writer.frames, seconds, frame.pixels, painted, self._notes())
            writer.close(steady)

    def _notes(self) -> tuple[str, ...]:
        found = tuple(self.film.notes)
        self.film.notes.clear()
        return found

    def _frames(self) -> Generator[tuple[Frame, Bytes, Shown], None, None]:
        """Frames, each also as it will be painted, with its masks, read while others are painted."""

        def sized() -> Iterator[tuple[Frame, Bytes, Shown]]:
            masks = Masks(self.keys.look, self.settings.part)
            for frame in self.film.frames(self.work.frames):
                shown = self._shrunk(frame.pixels)
                yield frame, shown, masks.at(frame.time, shown.shape[:2])

        return ahead(sized(), AHEAD)

    def _shrunk(self, pixels: Bytes) -> Bytes:
        height, width = pixels.shape[:2]
        if self.settings.paint_size is None or self.settings.paint_size >= max(height, width):
            return pixels
        return resized(pixels, pictures.shrunk_size(width, height, self.settings.paint_size))

    def _enlarged(self, painted: Bytes) -> Bytes:
        size = (self.film.facts.width, self.film.facts.height)
        return painted if painted.shape[1::-1] == size else resized(painted, size)


def _named(keys: Keys) -> str:
    """The styles of a film, in words."""
    styles = [style for _, style in keys.styles] or [keys.look.style]
    return " then ".join(style if isinstance(style, str) else "of its own" for style in styles)


class _Writer:
    """Writes frames into parts, in a thread of its own, some frames behind."""

    def __init__(self, work: Work, target: Target) -> None:
        self._work, self._target = work, target
        self._pool = ThreadPoolExecutor(1)
        self._waiting: deque[Future[None]] = deque()
        self._making: Making | None = None
        self.frames, self._inside = work.frames, 0

    def __enter__(self) -> _Writer:
        return self

    def write(self, frame: Frame, steady: Steady) -> None:
        if self._making is None:
            self._making = self._target.part(self._work.folder, len(self._work.parts), self._work.frames)
        making = self._making
        self._later(lambda: making.write(frame))
        self.frames, self._inside = self.frames + 1, self._inside + 1
        if self._inside == FRAMES:
            self.close(steady)

    def close(self, steady: Steady) -> None:
        """Close the part; what the next frames depend on is kept with it."""
        if self._making is None:
            return
        making, state = self._making, {name: np.array(value) for name, value in steady.state().items()}
        self._later(lambda: self._work.add(making.close(), state))
        while self._waiting:
            self._waiting.popleft().result()
        self._making, self._inside = None, 0

    def _later(self, task: Any) -> None:
        self._waiting.append(self._pool.submit(task))
        while len(self._waiting) > AHEAD:
            self._waiting.popleft().result()

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        if self._making is not None:
            self._making.drop()
