"""Many photos painted into files: each is loaded, prepared, painted and saved, several at once."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from impasto import pictures
from impasto.errors import PictureError
from impasto.painting.look import Look
from impasto.painting.painter import Painter
from impasto.painting.pipeline import side_by_side
from impasto.painting.runtimes import STREAMED, cores

PIXELS_AT_ONCE = 50_000_000  # of photos that are read, painted and written at the same time
BYTES_A_PIXEL = 100  # that a photo takes meanwhile, about
MOST_STREAMS = 4  # small photos that are painted at the same time

File: TypeAlias = str | os.PathLike[str]


@dataclass(frozen=True)
class Painted:
    """A photo and its painting: its size and how long painting it took, or the error that stopped it.

    ``notes`` are sentences for people.
    """

    photo: File
    target: File
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    error: Exception | None = None


@dataclass(frozen=True)
class Saving:
    """How paintings are written; see ``pictures.save``."""

    quality: int = 95
    comment: str | None = None
    keep_metadata: bool = False
    dpi: float | None = None

    def save(self, painted: pictures.Pixels, target: pictures.Target, photo: pictures.Photo) -> tuple[str, ...]:
        """Write a painting as that of the photo; returns what is to be said of the file, a sentence each."""
        like = dataclasses.replace(photo, pixels=painted[:1, :1])  # its own are needed no more
        options: dict[str, Any] = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        return pictures.save(painted, target, like=like, **options)


@dataclass(frozen=True)
class Batch:
    """Photos for one painter and one look. ``saved`` are the paintings that are written so far."""

    painter: Painter
    look: Look
    saving: Saving = field(default_factory=Saving)
    max_pixels: int | None = pictures.DEFAULT_MAX_PIXELS
    saved: list[Path] = field(default_factory=list)

    def paint(self, jobs: Sequence[tuple[File, File]]) -> Iterator[Painted]:
        """Paint photos, files, into other files; yields a record for each, in their order.

        One photo is read while one is painted and one is written; a painter of several streams paints several
        at once. One that fails stops no other. Closing the generator waits for what is under way whole, gives
        up what is under way in tiles, and writes no more.
        """
        memory = self.painter.max_memory
        room = PIXELS_AT_ONCE if memory is None else min(PIXELS_AT_ONCE, memory / BYTES_A_PIXEL)
        streams, stopped = self.painter.streams, threading.Event()
        turn = threading.Semaphore(streams)
        workers = streams + (1 if streams > 1 else 2)
        done = side_by_side(
            jobs, lambda job: self._one(*job, turn, stopped), workers, cost=lambda job: pixels_of(job[0]), room=room
        )
        try:
            for each in done:
                yield each.result if each.error is None else Painted(*each.item, error=each.error)
        finally:
            stopped.set()
            done.close()  # type: ignore[attr-defined]

    def _one(self, source: File, target: File, turn: threading.Semaphore, stopped: threading.Event) -> Painted:
        photo = load(source, self.look, max_pixels=self.max_pixels)
        with turn:
            begin = time.perf_counter()
            job = self.painter.prepare(photo, self.look, max_pixels=self.max_pixels, kind=np.uint8)
            height, width = job.size
            pictures.check_target(target, width=width, height=height)
            painted: Any = None
            for step in job.steps():
                if stopped.is_set():
                    raise InterruptedError
                painted = step.painted
            seconds = time.perf_counter() - begin
        saved = self.saving.save(painted, target, photo)
        self.saved.append(Path(target))
        return Painted(source, target, width, height, seconds, (*photo.notes, *job.notes, *saved))


def load(source: pictures.Source, look: Look, *, max_pixels: int | None) -> pictures.Photo:
    """The photo, not larger than the look's size; where there are masks it is as large as they are."""
    return pictures.load(source, max_pixels=max_pixels, max_side=None if look.masks else look.size)


def streams(photos: Sequence[File], look: Look) -> int:
    """For how many streams to open a painter of these photos: several if there are many, all of them small."""
    if look.masks or look.enlarge or len(photos) <= 2 * MOST_STREAMS:
        return 1
    small = look.size**2 <= STREAMED if look.size else all(pixels_of(source) <= STREAMED for source in photos)
    return min(MOST_STREAMS, cores()) if small else 1


def pixels_of(source: File) -> float:
    """How many pixels a photo has; 1 where that is not known before it is read."""
    try:
        width, height = pictures.size_of(source)
    except PictureError:  # which reading it will report in full
        return 1.0
    return float(max(1, width * height))
