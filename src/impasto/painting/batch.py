"""Many photos painted into files: each is loaded, prepared, painted and saved, several at once."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from impasto import pictures
from impasto.errors import PictureError
from impasto.painting.job import Job, Progress
from impasto.painting.look import Look
from impasto.painting.painter import Painter
from impasto.painting.pipeline import side_by_side
from impasto.painting.sessions import STREAMED, cores

PIXELS_AT_ONCE = 50_000_000  # of photos that are read, painted and written at the same time
BYTES_A_PIXEL = 100  # that a photo takes meanwhile, about
MOST_STREAMS = 4  # small photos that are painted at the same time

File: TypeAlias = str | os.PathLike[str]


@dataclass(frozen=True)
class Painted:
    """A photo and its painting: its size and how long painting it took, or the error that stopped it.

    ``notes`` are sentences for people.
    """

    photo: pictures.Source
    target: pictures.Target
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
    format: str | None = None  # None: the target's suffix names it


@dataclass(frozen=True)
class Batch:
    """Photos for one painter and one look. ``saved`` are the targets that are written so far."""

    painter: Painter
    look: Look
    saving: Saving = field(default_factory=Saving)
    max_pixels: int | None = pictures.DEFAULT_MAX_PIXELS
    saved: list[pictures.Target] = field(default_factory=list)

    def paint(self, jobs: Sequence[tuple[File, File]]) -> Generator[Painted, None, None]:
        """Paint photos, files, into other files; yields a record for each, in their order.

        One photo is read while one is painted and one is written; a painter of several streams paints several at once.
        One that fails stops no other. When the generator is closed, what is being painted whole is still finished,
        what is being painted in tiles is not, and nothing more begins.
        """
        memory, streams = self.painter.max_memory, self.painter.streams
        room = PIXELS_AT_ONCE if memory is None else min(PIXELS_AT_ONCE, memory / BYTES_A_PIXEL)
        turn, stopped = threading.Semaphore(streams), threading.Event()

        def one(job: tuple[File, File]) -> Painted:
            notes: list[str] = []
            for each in self.one(*job, turn=turn):
                if isinstance(each, str):
                    notes.append(each)
                elif isinstance(each, Painted):
                    return dataclasses.replace(each, notes=tuple(notes))
                elif stopped.is_set():
                    break
            raise InterruptedError

        workers = streams + (1 if streams > 1 else 2)
        done = side_by_side(jobs, one, workers, cost=lambda job: pixels_of(job[0]), room=room, stopped=stopped)
        with closing(done):
            for each in done:
                yield each.result if each.error is None else Painted(*each.item, error=each.error)

    def load(self, source: pictures.Source) -> pictures.Photo:
        """A photo as it is needed for the look: no larger than it is painted."""
        size = None if self.look.masked else self.look.size  # masks are brought to the photo's own size
        return pictures.load(source, max_pixels=self.max_pixels, max_side=size)

    def prepare(self, photo: pictures.Photo) -> Job:
        """A photo made ready to be painted, in 8 bits."""
        return self.painter.prepare(photo, self.look, max_pixels=self.max_pixels, kind=np.uint8)

    def one(
        self, source: pictures.Source, target: pictures.Target, *, turn: AbstractContextManager[Any] | None = None
    ) -> Iterator[str | Progress | Painted]:
        """Load, prepare, paint and save one photo; yields notes for people, how far it is, and last the record.

        Inside ``turn`` it is painted.
        """
        photo = self.load(source)
        yield from (f"note: {note}" for note in photo.notes)
        with turn or nullcontext():
            begin, painted = time.perf_counter(), None
            job = self.prepare(photo)
            height, width = job.size
            pictures.check_target(target, format=self.saving.format, width=width, height=height)
            yield from job.notes
            for step in job.steps():
                yield step
                painted = step.painted
            seconds = time.perf_counter() - begin
        assert painted is not None
        del job, step
        photo = dataclasses.replace(photo, pixels=painted[:1, :1])  # its own are needed no more
        options: dict[str, Any] = {each.name: getattr(self.saving, each.name) for each in dataclasses.fields(Saving)}
        notes = pictures.save(painted, target, like=photo, **options)
        self.saved.append(target)
        yield from notes
        yield Painted(source, target, width, height, seconds)


def streams(photos: Sequence[File], look: Look) -> int:
    """For how many streams to open a painter of these photos: several if there are many, all of them small."""
    if look.masked or look.enlarge or look.stroke_size is not None or len(photos) <= 2 * MOST_STREAMS:
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
