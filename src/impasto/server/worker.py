"""What runs in the worker process: tasks come in over a pipe, paintings go out. Knows neither HTTP nor who asks.

Pictures of up to a megapixel are painted side by side, as many as there are cores. Whoever sends tasks sends larger
ones alone. The process ends when the pipe does.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from impasto import pictures
from impasto.errors import ImpastoError, PictureError, foreign, lacks_memory
from impasto.painting import memory
from impasto.painting.batch import Batch, Painted, Saving
from impasto.painting.job import Progress
from impasto.painting.loupe import Loupe
from impasto.painting.sessions import STREAMED, cores
from impasto.server.kits import Painters
from impasto.server.looks import Wanted, named
from impasto.server.settings import Kit
from impasto.server.store import IN_MEMORY, no_space

MOST_STREAMS = 8
IDLE = 60.0  # seconds after which a loupe, with its photo, is put away


@dataclass(frozen=True)
class Setup:
    """What a worker begins with: ``warm`` is opened at once, files go to ``folder``, it paints ``streams`` at once."""

    kits: Mapping[str, Kit]
    warm: str
    folder: Path
    streams: int
    nice: int = 10  # the server comes first, and whatever else people do


@dataclass(frozen=True)
class Task:
    """A photo to be painted. A painting of more than a megabyte goes to the file ``target``."""

    id: str
    photo: bytes | Path
    width: int
    height: int
    wanted: Wanted
    saving: Saving
    target: Path
    max_pixels: int
    exact: bool = False  # to the last bit what the command line paints; then alone
    beside: bool = False  # others are being painted

    @property
    def heavy(self) -> bool:
        """Whether the process is to be ended when nobody wants it any more."""
        return not self.small

    @property
    def small(self) -> bool:
        """Whether it may be painted beside others."""
        if self.exact or self.wanted.dials.get("stroke_size") is not None:  # which may be painted much larger
            return False
        size = self.wanted.dials.get("size")
        side = max(self.width, self.height)
        scale = 1.0 if size is None or (size > side and not self.wanted.dials.get("enlarge")) else size / side
        return self.width * self.height <= STREAMED and self.width * self.height * scale**2 <= STREAMED


class Brief(Task):
    """What takes all cores, but is over soon."""

    @property
    def small(self) -> bool:
        """Never: it takes all cores."""
        return False

    @property
    def heavy(self) -> bool:
        """It is over soon, and the next one needs what is open."""
        return False


@dataclass(frozen=True)
class Window(Brief):
    """A window of a painting that is not painted: its place, in its pixels. ``key`` names photo and look."""

    key: str = ""
    place: tuple[int, int, int, int] = (0, 0, 1, 1)  # left, top, width, height


@dataclass(frozen=True)
class Painting(Brief):
    """A painting that becomes a style: ``photo`` are its pixels, (height, width, 3), 8 bits. Gives its row as bytes."""


@dataclass(frozen=True)
class Report:
    """How far a task is; or that it is done, with the painting; or that it failed. Bytes of memory the worker holds."""

    id: str = ""
    share: float = 0.0
    painting: bytes | Path | None = None
    size: tuple[int, int] = (0, 0)
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    about: bool = False
    error: ImpastoError | None = None
    memory: int = 0


class FaultError(ImpastoError):
    """A fault of ours, in one sentence without the details, which are no business of whoever sent the photo."""


def streams() -> int:
    """How many small pictures are painted side by side here."""
    return min(MOST_STREAMS, cores())


def main(channel: Connection, setup: Setup) -> None:
    """Paint what comes over the channel until that ends."""
    for kind in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C reaches the whole group; the server says when to end
        signal.signal(kind, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(setup.nice)
    tempfile.tempdir = str(setup.folder)
    _Worker(channel, setup).run()
    if hasattr(signal, "SIGKILL"):  # threads may be at work in a runtime, whose end prints lines of its own then
        signal.raise_signal(signal.SIGKILL)


class _Worker:
    """The painters, and the threads that use them."""

    def __init__(self, channel: Connection, setup: Setup) -> None:
        self.channel, self.setup = channel, setup
        self.painters = Painters(setup.kits, streams=setup.streams)
        self.tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self.turn = threading.Semaphore(setup.streams)
        self.sending = threading.Lock()
        self.loupe: tuple[str, Loupe] | None = None  # the last one, by its key

    def run(self) -> None:
        for _ in range(setup_threads(self.setup.streams)):
            threading.Thread(target=self._work, daemon=True).start()
        with contextlib.suppress(ImpastoError):  # which the first task will report
            self.painters.get(self.setup.warm)
        self._send(Report(memory=memory.used()))
        with contextlib.suppress(EOFError, OSError):
            while True:
                if not self.channel.poll(IDLE):
                    self.loupe = None
                    continue
                self.tasks.put(self.channel.recv())

    def _work(self) -> None:
        while True:
            task = self.tasks.get()
            try:
                with foreign(_told):
                    report = self._done(task)
            except ImpastoError as error:
                report = Report(task.id, error=error)
            with contextlib.suppress(OSError):  # nobody listens any more
                self._send(report)

    def _send(self, report: Report) -> None:
        with self.sending:
            self.channel.send(report)

    def _done(self, task: Task) -> Report:
        if isinstance(task, Painting):
            return self._row(task)
        return self._window(task) if isinstance(task, Window) else self._paint(task)

    def _row(self, task: Painting) -> Report:
        begin = time.perf_counter()
        assert isinstance(task.photo, bytes)
        pixels = np.frombuffer(task.photo, np.uint8).reshape(task.height, task.width, 3)
        row = self.painters.get(task.wanted.network).row(pixels)
        seconds = time.perf_counter() - begin
        return Report(task.id, 1.0, row.tobytes(), seconds=seconds, memory=memory.used())

    def _window(self, task: Window) -> Report:
        begin = time.perf_counter()
        if self.loupe is None or self.loupe[0] != task.key:
            self.loupe = None  # before the next one, for what it holds
            batch, source = self._batch(task)
            self.loupe = task.key, Loupe(batch.prepare(batch.load(source)))
        loupe, (left, top, width, height) = self.loupe[1], task.place
        painted = loupe.window(slice(top, top + height), slice(left, left + width))
        target = named(b"", "the window")
        pictures.save(painted, target, quality=task.saving.quality, format=task.saving.format)
        seconds = time.perf_counter() - begin
        return Report(task.id, 1.0, target.getvalue(), task.place[2:], seconds, about=loupe.about, memory=memory.used())

    def _batch(self, task: Task) -> tuple[Batch, pictures.Source]:
        """Who paints a task, in which look, and its photo."""
        data = task.photo if isinstance(task.photo, bytes) else task.photo.read_bytes()
        painter = self.painters.get(task.wanted.network, beside=task.beside, own=task.wanted.own)
        look = task.wanted.look(task.width, task.height)
        return Batch(painter, look, task.saving, task.max_pixels), named(data, "the photo")

    def _paint(self, task: Task) -> Report:
        self.loupe = None
        (batch, source), target = self._batch(task), named(b"", "the painting")
        if task.exact:
            batch.painter.afresh()
        notes: list[str] = []
        for each in batch.one(source, target, turn=self.turn):
            if isinstance(each, str):
                notes.append(each)
            elif isinstance(each, Progress):
                if each.share < 1:
                    self._send(Report(task.id, each.share))
            else:
                painted: Painted = each
        painting: bytes | Path = target.getvalue()
        if len(painting) > IN_MEMORY:  # type: ignore[arg-type]
            painting = _written(target, task.target)
        size = painted.width, painted.height
        return Report(task.id, 1.0, painting, size, painted.seconds, tuple(notes), memory=memory.used())


def setup_threads(streams: int) -> int:
    """Threads for so many streams: one more, which reads or writes while the others paint."""
    return streams + 1


def _written(file: Any, path: Path) -> Path:
    with no_space():
        path.touch(0o600, exist_ok=False)
        with path.open("wb") as target:
            target.write(file.getbuffer())
    return path


def _told(error: Exception) -> ImpastoError:
    if lacks_memory(error):
        return PictureError("there is not enough memory for this picture; give a smaller size")
    return FaultError(f"this is a fault of impasto, please report it ({type(error).__name__})")
