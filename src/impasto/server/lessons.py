"""Lessons on their way, one after the other, and the process behind each. Knows no HTTP."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from impasto.errors import ImpastoError, LearnError
from impasto.server import teaching
from impasto.server.process import Process
from impasto.server.store import Blob, FullError, UnknownError
from impasto.server.teaching import Order, Step
from impasto.styles.bank import Floats

WAITING = 4  # lessons, beside the one that is on
KEPT = 16  # that have ended


@dataclass(eq=False)
class Lesson:
    """A painting on its way to a style. ``state`` is waiting, learning, done or failed."""

    id: str
    network: str
    order: Order
    body: Blob  # held so long, so that its file stays
    state: str = "waiting"
    at: Step = Step()
    row: Floats | None = None  # the best so far
    previews: int = 0  # how often that changed
    began: float = 0.0
    error: ImpastoError | None = None
    process: Process | None = None

    @property
    def seconds_left(self) -> float:
        """By the time that it may take, or by how far it is."""
        if self.state == "waiting":
            return 60 * self.order.minutes
        if self.state != "learning":
            return 0.0
        passed, share = time.monotonic() - self.began, self.at.share
        left = 60 * self.order.minutes - passed
        return max(0.0, min(left, passed * (1 - share) / share) if share > 0.02 else left)


class Lessons:
    """All lessons of a server. ``learned`` gets each that has ended well."""

    def __init__(self, learned: Callable[[Lesson], Awaitable[None]]) -> None:
        self._learned = learned
        self._lessons: OrderedDict[str, Lesson] = OrderedDict()
        self._waiting: deque[Lesson] = deque()
        self._on: Lesson | None = None
        self._ending: asyncio.Task[None] | None = None
        self._closed = False

    def begin(self, lesson: Lesson) -> Lesson:
        """Learn it when its turn comes; FullError if too many wait."""
        if len(self._waiting) >= WAITING:
            raise FullError("other paintings are being learned; try again later", 120.0)
        self._lessons[lesson.id] = lesson
        self._waiting.append(lesson)
        self._next()
        return lesson

    def get(self, id: str) -> Lesson:
        """The lesson; UnknownError."""
        if id not in self._lessons:
            raise UnknownError("there is no such lesson")
        return self._lessons[id]

    def stop(self, lesson: Lesson) -> None:
        """End it with the best so far; one that waits, or has learned nothing yet, is thrown away."""
        if lesson.process is None or lesson.row is None:
            self.forget(lesson)
        elif lesson.state == "learning":
            lesson.process.send(teaching.STOP)

    def forget(self, lesson: Lesson) -> None:
        """End it, and keep nothing of it."""
        self._lessons.pop(lesson.id, None)
        if lesson in self._waiting:
            self._waiting.remove(lesson)
        if lesson.process is not None:
            lesson.process.end()

    async def close(self) -> None:
        """End all."""
        self._closed = True
        if self._on is not None and self._on.process is not None:
            await asyncio.to_thread(self._on.process.close)

    def _next(self) -> None:
        if self._on is None and self._waiting and not self._closed:
            lesson = self._on = self._waiting.popleft()
            lesson.state, lesson.began = "learning", time.monotonic()
            lesson.process = Process(teaching.main, lesson.order, self._received)

    def _received(self, process: Process, step: Step | None) -> None:
        lesson = self._on
        if self._closed or lesson is None or lesson.process is not process:
            return
        if step is None:
            if lesson.state == "learning" and not process.dead and not lesson.at.over:
                lesson.state = "failed"
                lesson.error = LearnError("the process that learned ended in the middle; begin again")
            threading.Thread(target=process.close, daemon=True).start()
            lesson.process, self._on = None, None
            self._tidy()
            self._next()
            return
        if step.row is not None:
            lesson.row, lesson.previews = step.row, lesson.previews + 1
        lesson.at = replace(step, row=None) if not step.over else replace(lesson.at, over=True)
        if not step.over:
            return
        if step.error is not None:
            lesson.state, lesson.error = "failed", step.error
        else:
            self._ending = asyncio.get_running_loop().create_task(self._end(lesson))

    async def _end(self, lesson: Lesson) -> None:
        await self._learned(lesson)
        lesson.state = "done"

    def _tidy(self) -> None:
        ended = [id for id, lesson in self._lessons.items() if lesson.state in ("done", "failed")]
        for id in ended[:-KEPT]:
            del self._lessons[id]
