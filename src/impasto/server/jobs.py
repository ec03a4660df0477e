"""Paintings that wait and are made: a bounded queue, and the worker processes behind it. Knows no HTTP.

All of it lives in one event loop; threads only carry messages. A worker that dies costs the one task that it was at:
if there were several, each is tried once more, alone.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from impasto.errors import ImpastoError
from impasto.server import pace, worker
from impasto.server.process import Process
from impasto.server.store import Blob, FullError, GoneError, UnknownError
from impasto.server.worker import Report, Setup, Task

GROWTH = 10**9  # bytes by which a worker may grow before it is started afresh, when it has nothing to do
REMEMBERED = 10_000
PAUSE = 1.0  # seconds before the next worker, where one did not even begin


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
    error: ImpastoError | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    facts: dict[str, Any] = field(default_factory=dict)  # of whoever asked for it

    @property
    def id(self) -> str:
        return self.task.id

    @property
    def pixels(self) -> float:
        """Of the painting, about."""
        return float(self.facts.get("pixels", self.task.width * self.task.height))

    def progress(self, now: float) -> tuple[float, float]:
        """How far it is, 0..1, and the seconds that are left, both estimated where the painting does not say."""
        if self.state != "painting":
            return (1.0, 0.0) if self.state == "done" else (0.0, self.estimate)
        return pace.progress(self.estimate, now - self.began, self.share, self.said - self.began)

    def end(self, state: str, error: ImpastoError | None = None) -> None:
        self.state, self.error, self.ended = state, error, time.monotonic()
        self.over.set()


class _Worker(Process):
    """A worker process, and the tasks that it is at."""

    def __init__(self, setup: Setup, received: Callable[[_Worker, Report | None], None]) -> None:
        super().__init__(worker.main, setup, received)
        self.jobs: dict[str, Job] = {}
        self.ready = False
        self.first = self.memory = 0  # bytes that it held when it began, and holds


class Jobs:
    """The queue. ``limit`` jobs may wait, with ``limit_bytes`` of photos; a job may paint for ``time`` seconds."""

    def __init__(
        self,
        setup: Setup,
        *,
        workers: int = 1,
        limit: int = 32,
        limit_bytes: int = 512 * 2**20,
        job_time: float | None = None,
        life: float = 600.0,
    ) -> None:
        self._setup, self._count = setup, workers
        self.limit, self.limit_bytes, self.job_time, self.life = limit, limit_bytes, job_time, life
        self.waiting: deque[Job] = deque()
        self.asked = self.deaths = 0
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._workers: list[_Worker] = []
        self._taught: list[worker.Taught] = []
        self.pace = pace.Pace()
        self._closed = False

    # ---- for those who want paintings

    def start(self) -> None:
        """Start the workers; in an event loop."""
        for _ in range(self._count):
            self._begin()

    @property
    def ready(self) -> bool:
        """Whether a worker is ready and there is room in the queue."""
        return self.ready_workers > 0 and len(self.waiting) < self.limit

    @property
    def ready_workers(self) -> int:
        """How many workers are there, open and waiting for tasks or at them."""
        return sum(each.ready and not each.dead for each in self._workers)

    @property
    def pids(self) -> list[int | None]:
        """The numbers of the worker processes."""
        return [each.pid for each in self._workers]

    @property
    def running(self) -> list[Job]:
        """Jobs that are being painted."""
        return [job for each in self._workers for job in each.jobs.values()]

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
        left = sum(job.estimate for job in waiting) + sum(job.progress(now)[1] for job in self.running)
        return left / max(1, self._count)

    def submit(self, task: Task, body: Blob, pixels: float, *, first: bool = False) -> Job:
        """Put a task into the queue, at its end or as the ``first``; FullError if that is full."""
        self.check_room(body.size)
        self.sweep()
        regions = bool(task.wanted.regions)
        job = Job(task, self.pace.seconds(task.wanted.network, pixels, regions=regions), body)
        job.facts["pixels"] = pixels
        self._jobs[job.id] = job
        self.asked += 1
        self.waiting.insert(0 if first else len(self.waiting), job)
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
        """Stop a job; a large painting on its way is stopped by ending its process."""
        if job.over.is_set():
            return
        job.end("cancelled", error or CancelledError("the painting was cancelled"))
        if job in self.waiting:
            self.waiting.remove(job)
        for each in self._workers:
            if job.id in each.jobs and job.task.heavy:
                each.end()
        self._dispatch()

    def forget(self, job: Job) -> None:
        """Cancel a job, and keep nothing of it."""
        self.cancel(job)
        self._forget(job.id)

    def teach(self, taught: worker.Taught) -> None:
        """Let the workers know more styles."""
        self._taught.append(taught)
        for each in self._workers:
            each.send(taught)

    def sweep(self) -> None:
        """Forget paintings that were kept long enough, and stop what takes too long."""
        now = time.monotonic()
        for job in list(self._jobs.values()):
            if job.over.is_set() and now - job.ended > self.life:
                self._forget(job.id)
        for each in self._workers if self.job_time is not None else ():
            late = [job for job in each.jobs.values() if now - job.began > (self.job_time or 0)]
            for job in late:
                job.end("failed", TooSlowError(f"the painting took more than {self.job_time:g} s; give a smaller size"))
            if late:
                each.end()

    async def close(self) -> None:
        """End all workers and jobs."""
        self._closed = True
        for job in (*self.waiting, *self.running):
            job.end("cancelled", CancelledError("the server ends"))
        self.waiting.clear()
        await asyncio.gather(*(asyncio.to_thread(each.close) for each in self._workers))
        self._jobs.clear()

    # ---- behind them

    def _begin(self) -> None:
        if not self._closed:
            process = _Worker(self._setup, self._received)
            for taught in self._taught:
                process.send(taught)
            self._workers.append(process)

    def _forget(self, id: str) -> None:
        if self._jobs.pop(id, None) is not None:
            self._gone[id] = None
        while len(self._gone) > REMEMBERED:
            self._gone.popitem(last=False)

    def _dispatch(self) -> None:
        """Give waiting jobs to workers that have room, in their order."""
        while self.waiting and not self._closed:
            job = self.waiting[0]
            free = [each for each in self._workers if self._takes(each, job)]
            if not free:
                return
            self.waiting.popleft()
            least = min(free, key=lambda each: len(each.jobs))
            least.jobs[job.id] = job
            job.state, job.began, job.share = "painting", time.monotonic(), 0.0
            least.send(replace(job.task, beside=job.task.small and len(least.jobs) + len(self.waiting) > 1))

    def _takes(self, process: _Worker, job: Job) -> bool:
        if process.dead or not process.ready:
            return False
        if job.alone or not job.task.small:
            return not process.jobs
        others = process.jobs.values()
        room = len(process.jobs) < worker.setup_threads(self._setup.streams)
        return room and all(other.task.small and not other.alone for other in others)

    def _received(self, process: _Worker, report: Report | None) -> None:
        if self._closed:
            return
        if report is None:
            self._died(process)
        elif not report.id:
            process.ready, process.first = True, report.memory
        elif report.share < 1 and report.error is None:
            if report.id in process.jobs:
                process.jobs[report.id].share, process.jobs[report.id].said = report.share, time.monotonic()
        else:
            self._finished(process, report)
        self._dispatch()

    def _finished(self, process: _Worker, report: Report) -> None:
        painting = None if report.painting is None else Blob(report.painting)
        job = process.jobs.pop(report.id, None)
        process.memory = report.memory or process.memory
        if job is not None and not job.over.is_set():
            job.painting, job.size, job.notes = painting, report.size, report.notes
            job.facts["about"], job.facts["seconds"] = report.about, report.seconds
            if report.error is None and not (isinstance(job.task, worker.Window) or process.jobs):
                wanted, passed = job.task.wanted, time.monotonic() - job.began
                self.pace.learn(wanted.network, job.pixels, passed, regions=bool(wanted.regions))
            job.end("done" if report.error is None else "failed", report.error)
        if not process.jobs and process.memory > process.first + GROWTH:
            process.end()

    def _died(self, process: _Worker) -> None:
        """Start another worker; what the dead one was at is tried again, or fails if it was alone."""
        ours = process.dead
        self.deaths += not ours
        threading.Thread(target=process.close, daemon=True).start()
        self._workers.remove(process)
        if process.ready:
            self._begin()
        else:
            asyncio.get_running_loop().call_later(PAUSE, self._begin)
        left = [job for job in process.jobs.values() if not job.over.is_set()]
        for job in process.jobs.values():
            Blob(job.task.target)  # what it has begun to write goes
        if len(left) == 1 and not ours:
            message = "the process that painted ended in the middle; try again, or give a smaller size"
            left.pop().end("failed", WorkerDiedError(message))
        for job in reversed(left):
            job.state, job.alone = "waiting", not ours
            self.waiting.appendleft(job)
