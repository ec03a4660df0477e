"""The processes that paint: started, given jobs, and started afresh where one has died or has grown.

A worker that dies costs the one job that it was at: if there were several, each is tried once more, alone.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from impasto.server import worker
from impasto.server.job import Job, TooSlowError, WorkerDiedError
from impasto.server.pace import Pace
from impasto.server.process import Process
from impasto.server.store import Blob
from impasto.server.worker import Report, Setup

GROWTH = 10**9  # bytes by which a worker may grow before it is started afresh, when it has nothing to do
PAUSE = 1.0  # seconds before the next worker, where one did not even begin


class Member(Process):
    """A worker process, and the jobs that it is at."""

    def __init__(self, setup: Setup, received: Callable[[Member, Report | None], None]) -> None:
        super().__init__(worker.main, setup, received)
        self.jobs: dict[str, Job] = {}
        self.ready = False
        self.first = self.memory = 0  # bytes that it held when it began, and holds
        self.used = time.monotonic()  # when it last had something to do

    def takes(self, job: Job, streams: int) -> bool:
        """Whether it has room for this job, too."""
        if self.dead or not self.ready:
            return False
        if job.alone or not job.task.small:
            return not self.jobs
        room = len(self.jobs) < worker.setup_threads(streams)
        return room and all(other.task.small and not other.alone for other in self.jobs.values())


class Crew:
    """``count`` workers. ``again`` gets jobs that are to be given once more; ``free`` is called when there may be room.

    With ``idle`` seconds, workers begin with the first job, and end where they had nothing to do for so long.
    """

    def __init__(
        self,
        setup: Setup,
        count: int,
        *,
        again: Callable[[Job], None],
        free: Callable[[], None],
        idle: float | None = None,
    ) -> None:
        self._setup, self.count, self.idle = setup, count, idle
        self._again, self._free = again, free
        self._members: list[Member] = []
        self._wanted = 0
        self._closed = False
        self.pace, self.deaths = Pace(), 0

    def start(self) -> None:
        """Start the workers, unless they are there; in an event loop."""
        if not self._wanted:
            self._wanted = self.count
            for _ in range(self.count):
                self._begin()

    @property
    def ready(self) -> int:
        """How many workers are there, open and waiting for jobs or at them."""
        return sum(each.ready and not each.dead for each in self._members)

    @property
    def pids(self) -> list[int | None]:
        """The numbers of the processes."""
        return [each.pid for each in self._members]

    @property
    def running(self) -> list[Job]:
        """Jobs that are being painted."""
        return [job for each in self._members for job in each.jobs.values()]

    def give(self, job: Job, others: int) -> bool:
        """Have a job painted, while so many ``others`` wait; False if no worker has room."""
        self.start()
        free = [each for each in self._members if each.takes(job, self._setup.streams)]
        if self._closed or not free:
            return False
        least = min(free, key=lambda each: len(each.jobs))
        least.jobs[job.id] = job
        job.begin()
        least.send(replace(job.task, beside=job.task.small and len(least.jobs) + others > 1))
        return True

    def stop(self, job: Job) -> None:
        """Nobody wants a job any more; a large painting is stopped by ending its process."""
        for each in self._members:
            if job.id in each.jobs and job.task.heavy:
                each.end()

    def sweep(self, most: float | None) -> None:
        """Stop what paints for more than ``most`` seconds, and workers that nobody needs."""
        now = time.monotonic()
        for each in self._members:
            late = [job for job in each.jobs.values() if most is not None and now - job.began > most]
            for job in late:
                job.end("failed", TooSlowError(f"the painting took more than {most:g} s; give a smaller size"))
            if late:
                each.end()
            if each.jobs:
                each.used = now
            elif self.idle is not None and now - each.used > self.idle:
                self._wanted = 0
                each.end()

    async def close(self) -> None:
        """End all workers."""
        self._closed = True
        await asyncio.gather(*(asyncio.to_thread(each.close) for each in self._members))

    def _begin(self) -> None:
        if not self._closed and len(self._members) < self._wanted:
            self._members.append(Member(self._setup, self._received))

    def _received(self, member: Member, report: Report | None) -> None:
        if self._closed:
            return
        if report is None:
            self._died(member)
        elif not report.id:
            member.ready, member.first = True, report.memory
        elif report.share < 1 and report.error is None:
            if report.id in member.jobs:
                member.jobs[report.id].share, member.jobs[report.id].said = report.share, time.monotonic()
        else:
            self._finished(member, report)
        self._free()

    def _finished(self, member: Member, report: Report) -> None:
        painting = None if report.painting is None else Blob(report.painting)  # whose file goes if nobody takes it
        job = member.jobs.pop(report.id, None)
        member.memory, member.used = report.memory or member.memory, time.monotonic()
        if job is not None and not job.over.is_set():
            job.finish(report, painting)
            if report.error is None and not member.jobs:
                self.pace.learn(job.task.wanted.network, job.pixels, job.ended - job.began)
        if not member.jobs and member.memory > member.first + GROWTH:
            member.end()

    def _died(self, member: Member) -> None:
        """Start another worker; what the dead one was at is tried again, or fails if it was alone."""
        ours = member.dead
        self.deaths += not ours
        threading.Thread(target=member.close, daemon=True).start()
        self._members.remove(member)
        if member.ready:
            self._begin()
        else:
            asyncio.get_running_loop().call_later(PAUSE, self._begin)
        left = [job for job in member.jobs.values() if not job.over.is_set()]
        for job in member.jobs.values():
            Blob(job.task.target)  # what it has begun to write goes
        if len(left) == 1 and not ours:
            message = "the process that painted ended in the middle; try again, or give a smaller size"
            left.pop().end("failed", WorkerDiedError(message))
        for job in reversed(left):
            job.state, job.alone = "waiting", not ours
            self._again(job)
