"""Paintings that wait and are made: a bounded queue before the workers. Knows no HTTP.

All of it lives in one event loop; threads only carry messages.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Iterable

from impasto.errors import ImpastoError
from impasto.server.crew import Crew
from impasto.server.job import CancelledError, Job
from impasto.server.store import Blob, FullError, GoneError, UnknownError
from impasto.server.worker import Setup, Task

REMEMBERED = 10_000


class Jobs:
    """The queue. ``limit`` jobs may wait, with ``limit_bytes`` of photos; a job may paint for ``job_time`` seconds.

    With ``idle`` seconds the workers begin with the first job, and end when they had nothing to do for so long.
    """

    def __init__(
        self,
        setup: Setup,
        *,
        workers: int = 1,
        limit: int = 32,
        limit_bytes: int = 512 * 2**20,
        job_time: float | None = None,
        life: float = 600.0,
        idle: float | None = None,
    ) -> None:
        self.limit, self.limit_bytes, self.job_time, self.life = limit, limit_bytes, job_time, life
        self.waiting: deque[Job] = deque()
        self.asked = 0
        self.crew = Crew(setup, workers, again=self.waiting.appendleft, free=self._dispatch, idle=idle)
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._gone: OrderedDict[str, None] = OrderedDict()

    @property
    def ready(self) -> bool:
        """Whether a worker is ready and there is room in the queue."""
        return self.crew.ready > 0 and len(self.waiting) < self.limit

    def check_room(self, size: int = 0) -> None:
        """FullError if there is no room for one more job, with a photo of ``size`` bytes."""
        held = sum(job.body.size for job in self.waiting)
        if len(self.waiting) >= self.limit or held + size > self.limit_bytes:
            raise FullError("the queue is full; try again in a while", self.patience)

    @property
    def patience(self) -> float:
        """Seconds until the queue will be empty, about."""
        return self._left(self.waiting)

    def left(self, job: Job) -> float:
        """Seconds until a job will be done, about: what is before it counts, too."""
        position, (_, left) = self.position(job), job.progress(time.monotonic())
        return left + (self._left(list(self.waiting)[: position - 1]) if position else 0.0)

    def _left(self, waiting: Iterable[Job]) -> float:
        now = time.monotonic()
        left = sum(job.estimate for job in waiting) + sum(job.progress(now)[1] for job in self.crew.running)
        return left / max(1, self.crew.count)

    def submit(self, task: Task, body: Blob, pixels: float) -> Job:
        """Put a task, a painting of about so many pixels, at the end of the queue; FullError if that is full."""
        self.check_room(body.size)
        self.sweep()
        estimate = self.crew.pace.seconds(task.wanted.network, pixels)
        job = self._jobs[task.id] = Job(task, pixels, estimate, body)
        self.asked += 1
        self.waiting.append(job)
        self._dispatch()
        return job

    def get(self, id: str) -> Job:
        """The job; GoneError or UnknownError."""
        self.sweep()
        if id in self._jobs:
            return self._jobs[id]
        if id in self._gone:
            raise GoneError("the painting is no longer kept; paint it again")
        raise UnknownError("there is no such job")

    def position(self, job: Job) -> int:
        """How many are before it in the queue; 0 if it does not wait."""
        return self.waiting.index(job) + 1 if job in self.waiting else 0

    def cancel(self, job: Job, error: ImpastoError | None = None) -> None:
        """Stop a job, which ends with this error."""
        if job.over.is_set():
            return
        job.end("cancelled", error or CancelledError("the painting was cancelled"))
        if job in self.waiting:
            self.waiting.remove(job)
        self.crew.stop(job)
        self._dispatch()

    def forget(self, job: Job) -> None:
        """Cancel a job, and keep nothing of it."""
        self.cancel(job)
        self._forget(job.id)

    def sweep(self) -> None:
        """Forget paintings that were kept long enough, and stop what takes too long."""
        now = time.monotonic()
        for job in list(self._jobs.values()):
            if job.over.is_set() and now - job.ended > self.life:
                self._forget(job.id)
        self.crew.sweep(self.job_time)

    async def close(self) -> None:
        """End all workers and jobs."""
        for job in (*self.waiting, *self.crew.running):
            job.end("cancelled", CancelledError("the server ends"))
        self.waiting.clear()
        await self.crew.close()
        self._jobs.clear()

    def _forget(self, id: str) -> None:
        if self._jobs.pop(id, None) is not None:
            self._gone[id] = None
        while len(self._gone) > REMEMBERED:
            self._gone.popitem(last=False)

    def _dispatch(self) -> None:
        """Give waiting jobs to workers that have room, in their order."""
        while self.waiting and self.crew.give(self.waiting[0], len(self.waiting) - 1):
            self.waiting.popleft()
