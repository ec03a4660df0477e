"""A painting on its way: what is known of it, and how it may end without one."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from impasto.errors import ImpastoError
from impasto.server import pace
from impasto.server.store import Blob
from impasto.server.worker import Report, Task


class WorkerDiedError(ImpastoError):
    """The process that painted ended in the middle."""


class TooSlowError(ImpastoError):
    """A painting took longer than it may."""


class CancelledError(ImpastoError):
    """Whoever wanted the painting does not want it any more."""


@dataclass(eq=False)
class Job:
    """A task on its way. ``state`` is waiting, painting, done, failed or cancelled."""

    task: Task
    pixels: float  # of the painting, about
    estimate: float
    body: Blob  # held so long, so that its file stays
    state: str = "waiting"
    share: float = 0.0  # that it has said to be done
    said: float = 0.0  # when
    began: float = 0.0
    ended: float = 0.0
    alone: bool = False
    painting: Blob | None = None
    size: tuple[int, int] = (0, 0)
    notes: tuple[str, ...] = ()
    about: bool = False
    seconds: float = 0.0
    error: ImpastoError | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    facts: dict[str, Any] = field(default_factory=dict)  # of whoever asked for it

    @property
    def id(self) -> str:
        return self.task.id

    def begin(self) -> None:
        self.state, self.began, self.share = "painting", time.monotonic(), 0.0

    def progress(self, now: float) -> tuple[float, float]:
        """How far it is, 0..1, and the seconds that are left, both estimated where the painting does not say."""
        if self.state != "painting":
            return (1.0, 0.0) if self.state == "done" else (0.0, self.estimate)
        return pace.progress(self.estimate, now - self.began, self.share, self.said - self.began)

    def finish(self, report: Report, painting: Blob | None) -> None:
        """It is done, or has failed, as the worker says."""
        self.painting, self.size, self.notes = painting, report.size, report.notes
        self.about, self.seconds = report.about, report.seconds
        self.end("done" if report.error is None else "failed", report.error)

    def end(self, state: str, error: ImpastoError | None = None) -> None:
        self.state, self.error, self.ended = state, error, time.monotonic()
        self.over.set()
