"""What is ordered of a photo: plans, paintings at full size, and windows of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import replace

import numpy as np

from impasto import pictures
from impasto.painting.batch import Saving
from impasto.painting.passes import first_size
from impasto.painting.planner import Plan
from impasto.painting.rows import finer
from impasto.painting.subject import painted_size
from impasto.server import looks
from impasto.server.api import RequestError
from impasto.server.job import Job
from impasto.server.jobs import Jobs
from impasto.server.kits import Painters
from impasto.server.looks import Wanted
from impasto.server.previews import OvertakenError, Preview
from impasto.server.settings import Settings
from impasto.server.store import Blob, Folder, GoneError, Photo, UnknownError, new_id
from impasto.server.worker import Painting, Setup, Task, Window, streams
from impasto.styles.bank import Floats

KEYS = 10_000  # Idempotency-Keys that are remembered
IDLE = 300.0  # seconds without a window after which their process ends
EAGER = 5  # how nice that process is: windows come before paintings
WINDOW = 2e6  # pixels that one counts as, before it is known better
PAINTING = 1e7  # and a painting that becomes a style


class Orders:
    """``jobs`` is the queue of paintings; ``windows`` that of windows, beside it, in a process of their own."""

    def __init__(self, settings: Settings, painters: Painters, folder: Folder) -> None:
        self._settings, self._painters, self._folder = settings, painters, folder
        setup = Setup(settings.kits, settings.default, folder.path, streams())
        room = {"limit": settings.waiting, "limit_bytes": settings.waiting_bytes}
        self.jobs = Jobs(setup, **room, workers=settings.workers, job_time=settings.job_time, life=settings.result_life)
        self.windows = Jobs(replace(setup, nice=EAGER), **room, job_time=settings.job_time, idle=IDLE)
        self._newest: dict[str, Job] = {}  # the window of each photo
        self._keys: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def start(self) -> None:
        """Start the processes that paint; in an event loop."""
        self.jobs.crew.start()

    async def close(self) -> None:
        """End everything."""
        await asyncio.gather(self.jobs.close(), self.windows.close())

    def sweep(self) -> None:
        """Forget what was kept long enough, and stop what takes too long."""
        self.jobs.sweep()
        self.windows.sweep()

    async def plan(self, header: pictures.Header, wanted: Wanted) -> tuple[Plan, float]:
        """How a painting will be made, and the seconds that it will take."""
        self.painted_size(header, wanted)
        plan = await asyncio.to_thread(self._plan, header, wanted)
        pixels = plan.width * plan.height * _scale(plan) * wanted.paintings
        return plan, self.jobs.crew.pace.seconds(wanted.network, pixels)

    def _plan(self, header: pictures.Header, wanted: Wanted) -> Plan:
        dials = wanted.dials
        sizes = {name: dials[name] for name in ("size", "enlarge", "brush", "stroke_size") if name in dials}
        floats = bool(header.deep or dials.get("keep_color"))
        painter = self._painters.get(wanted.network, own=wanted.own)
        planned = painter.plan(
            header.width,
            header.height,
            style=dict(wanted.styles),
            masks=wanted.paintings - 1,
            floats=floats,
            **sizes,
        )
        pixels = planned.width * planned.height * _scale(planned)
        if pixels > self._settings.pixels:
            message = f"such strokes are painted on {pixels:,.0f} pixels, more than"
            raise RequestError(422, "too-many-pixels", f"{message} {self._settings.pixels:,}; give larger ones")
        return planned

    def painted_size(self, header: pictures.Header, wanted: Wanted) -> tuple[int, int]:
        """Width and height of the painting, once they are within the limit: ``size`` may enlarge a photo."""
        look, most = wanted.look(8, 8), self._settings.pixels
        height, width = painted_size((header.height, header.width), look)
        if width * height > most:
            message = f"the painting would have {width * height:,} pixels, more than the limit of {most:,}"
            raise RequestError(422, "too-many-pixels", f"{message}; give a smaller size")
        return width, height

    def submit(
        self, body: Blob, header: pictures.Header, wanted: Wanted, saving: Saving, *, exact: bool = False
    ) -> Job:
        """Put a painting into the queue; FullError if that is full. ``exact``: see ``Task``."""
        width, height = self.painted_size(header, wanted)
        target = looks.named(b"", "the painting")
        pictures.check_target(target, format=saving.format, width=width, height=height)
        size, place = (header.width, header.height), self._folder.new()
        task = Task(new_id(), body.data, *size, wanted, saving, place, self._settings.pixels, exact)
        return self.jobs.submit(task, body, width * height * self._larger(width, height, wanted) * wanted.paintings)

    def _larger(self, width: int, height: int, wanted: Wanted) -> float:
        """How many times more pixels are painted than the painting has, for the sake of fine strokes."""
        if wanted.dials.get("stroke_size") is None:
            return 1.0
        look = wanted.look(8, 8)
        fine = finer(self._painters.get(wanted.network, own=wanted.own).bank, look)
        first = first_size(height, width, look.brush, fine)
        return max(1.0, (max(first) / max(width, height)) ** 2) if first else 1.0

    async def window(self, photo: Photo, wanted: Wanted, key: str, place: tuple[int, int, int, int]) -> Preview:
        """A place of the painting at full size; OvertakenError where a newer one of the same photo was asked for."""
        self.painted_size(photo.header, wanted)
        older = self._newest.get(photo.id)
        if older is not None:
            self.windows.cancel(older, OvertakenError("a newer window took the place of this one"))
        saving = Saving(quality=95, format="jpeg")
        size, target = (photo.header.width, photo.header.height), self._folder.new()
        task = Window(
            new_id(), photo.body.data, *size, wanted, saving, target, self._settings.pixels, key=key, place=place
        )
        job = self._newest[photo.id] = self.windows.submit(task, photo.body, WINDOW)
        try:
            await job.over.wait()
            if job.error is not None:
                raise job.error
            assert job.painting is not None
            data = await asyncio.to_thread(job.painting.read)
            return Preview(data, "image/jpeg", job.seconds, job.about)
        finally:
            self.windows.forget(job)
            if self._newest.get(photo.id) is job:
                del self._newest[photo.id]

    async def row(self, painting: pictures.Pixels, network: str) -> Floats:
        """The row for a painting of 8 bits that nothing was trained on; FullError if too much waits before it."""
        data, (height, width) = Blob(painting.tobytes()), painting.shape[:2]
        wanted, most = Wanted(network, {}), self._settings.pixels
        task = Painting(new_id(), data.data, width, height, wanted, Saving(), self._folder.new(), most)
        job = self.windows.submit(task, data, PAINTING)
        try:
            await job.over.wait()
            if job.error is not None:
                raise job.error
            assert job.painting is not None
            return np.frombuffer(job.painting.read(), np.float32)
        finally:
            self.windows.forget(job)

    def known(self, key: str, request: bytes) -> Job | None:
        """The job that the same request with this Idempotency-Key made before; 422 for another request with it."""
        if key not in self._keys:
            return None
        digest, id = self._keys[key]
        if digest != hashlib.sha256(request).hexdigest():
            raise RequestError(422, "key-used", "this Idempotency-Key was used for another request; take a new one")
        try:
            return self.jobs.get(id)
        except (GoneError, UnknownError):
            return None

    def remember(self, key: str, request: bytes, job: Job) -> None:
        """Have the same request with this key find the job."""
        self._keys[key] = hashlib.sha256(request).hexdigest(), job.id
        while len(self._keys) > KEYS:
            self._keys.popitem(last=False)


def _scale(plan: Plan) -> float:
    """How many times more pixels are painted than the painting has: finer strokes are painted larger."""
    return max(1.0, plan.first / max(plan.width, plan.height)) ** 2
