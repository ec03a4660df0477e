"""Previews and thumbnails, painted in one thread of the server's process: the newest wins, previews before thumbnails.

A preview is painted from the photo as it was shrunk when it came. A sharp one is painted as the painting is, or as the
first of its two passes is, at the same size and by the same network, and shrunk then: it is the painting seen from
afar. A quick one, for dials that move, is painted at the size at which it is shown, where strokes look larger.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from impasto import pictures
from impasto.errors import ImpastoError
from impasto.painting.look import Look
from impasto.painting.painter import Painter, previewed
from impasto.server.kits import Painters
from impasto.server.looks import Wanted, named
from impasto.server.settings import PREVIEW_SIDE
from impasto.server.store import Photo
from impasto.styles.bank import Floats

Result = TypeVar("Result")
PREVIEW, READY, THUMBNAIL = 0, 1, 2  # what comes first
SLOW = 0.09  # seconds of a preview at 384 px beyond which a quicker network previews
THUMBNAIL_SIDE = 256  # pixels that thumbnails are painted at: below that strokes are blotches
QUICK = 384  # pixels of the largest preview that must be there at once
QUALITY = 88
THREAD = "previews"
PATIENCE = 10.0  # seconds that the end waits for a preview


class OvertakenError(ImpastoError):
    """A newer preview of the same photo took the place of this one."""


class Bench:
    """One thread that does one thing after the other, the most pressing first."""

    def __init__(self) -> None:
        self._todo: list[tuple[int, int, Future[Any], Callable[[], Any]]] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        self.closed = False
        self._thread = threading.Thread(target=self._work, name=THREAD, daemon=True)
        self._thread.start()

    def submit(self, rank: int, action: Callable[[], Result]) -> Future[Result]:
        """Have it done; a future that is cancelled before its turn never begins."""
        future: Future[Result] = Future()
        with self._changed:
            heapq.heappush(self._todo, (rank, next(self._count), future, action))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Begin nothing more, and wait for what is on: at the end of Python a runtime's threads must be idle."""
        with self._changed:
            self.closed = True
            for _, _, future, _ in self._todo:
                future.cancel()
            self._todo.clear()
            self._changed.notify()
        self._thread.join(PATIENCE)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not (self._todo or self.closed):
                    self._changed.wait()
                if self.closed:
                    return
                _, _, future, action = heapq.heappop(self._todo)
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(action())
            except BaseException as error:
                future.set_exception(error)


@dataclass(frozen=True)
class Preview:
    """An encoded picture, how long painting it took, and whether it is what the painting will be at this place."""

    data: bytes
    kind: str
    seconds: float
    about: bool = False


class Previews:
    """All previews of a server."""

    def __init__(self, painters: Painters) -> None:
        self.painters, self.bench = painters, Bench()
        self.asked = self.overtaken = 0
        self._waiting: dict[str, Future[Preview]] = {}

    async def paint(self, photo: Photo, wanted: Wanted, side: int) -> Preview:
        """A preview of at most ``side`` pixels; OvertakenError for all that wait but the newest of a photo."""
        return await self._newest(photo.id, partial(self._painted, photo, wanted, side))

    async def _newest(self, key: str, action: Callable[[], Preview]) -> Preview:
        older = self._waiting.get(key)
        if older is not None:
            older.cancel()
        self.asked += 1
        future = self._waiting[key] = self.bench.submit(PREVIEW, action)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if self._waiting.get(key) is future:
                raise
            self.overtaken += 1
            raise OvertakenError("a newer preview took the place of this one") from None
        finally:
            if self._waiting.get(key) is future:
                del self._waiting[key]

    async def thumbnail(self, photo: Photo, network: str, style: str, side: int) -> bytes:
        """The photo in one style, at most ``side`` pixels, painted once."""
        key = network, style, side
        if key not in photo.thumbnails:
            action = partial(self._thumbnail, photo, Wanted(network, {style: 1.0}), side)
            photo.thumbnails[key] = await asyncio.wrap_future(self.bench.submit(THUMBNAIL, action))
        return photo.thumbnails[key]

    async def row(self, photo: Photo, network: str, row: Floats, side: int) -> Preview:
        """The photo painted with a row of numbers."""
        return await asyncio.wrap_future(self.bench.submit(READY, partial(self._row, photo, network, row, side)))

    async def quicker(self, network: str) -> str:
        """``network``, if it paints 384 px quickly enough for sliders, or else the quickest."""
        times = {}
        for name in dict.fromkeys([min(self.painters.kits), network]):
            times[name] = await asyncio.wrap_future(self.bench.submit(READY, partial(self._trial, name)))
        return network if times[network] <= SLOW else min(times, key=lambda name: times[name])

    def close(self) -> None:
        """Begin nothing more, and wait for what is on; not in the loop."""
        self.bench.close()

    # ---- in the thread

    def _trial(self, network: str) -> float:
        """Seconds that a network takes for noise of 384 px; it is compiled then, for this size and for others."""
        painter, rng = self.painters.get(network), np.random.default_rng(0)
        times = []
        for height in (288, 256, 288, 288):
            if self.bench.closed:
                break
            noise = rng.integers(0, 256, (height, 384, 3), np.uint8)
            begin = time.perf_counter()
            painter.paint_array(noise, painter.bank.names[0])
            times.append(time.perf_counter() - begin)
        return min(times, default=0.0)

    def _painted(self, photo: Photo, wanted: Wanted, side: int) -> Preview:
        begin = time.perf_counter()
        painter = self.painters.get(wanted.network)
        look = painter.check(wanted.look(*_size(photo.small)))
        painter, look, small = _prepared(painter, photo, wanted, look, side)
        painted = painter.prepare(small, look, kind=np.uint8).paint()
        if side < max(painted.shape):
            painted = pictures.to_bytes(pictures.resize(painted, side, opacity=small.opacity))
        data, kind = encoded(painted, small)
        return Preview(data, kind, time.perf_counter() - begin)

    def _row(self, photo: Photo, network: str, row: Floats, side: int) -> Preview:
        begin, small = time.perf_counter(), at_side(photo, side)
        painted = self.painters.get(network).prepare(small, row, kind=np.uint8, brush="small").paint()
        return Preview(*encoded(painted, small), time.perf_counter() - begin)

    def _thumbnail(self, photo: Photo, wanted: Wanted, side: int) -> bytes:
        small = at_side(photo, min(THUMBNAIL_SIDE, max(_size(photo.small))))
        look = wanted.look(*_size(small))
        painted = self.painters.get(wanted.network).prepare(small, look, kind=np.uint8).paint()
        return encoded(pictures.to_bytes(pictures.resize(painted, side)), None)[0]


def _prepared(
    painter: Painter, photo: Photo, wanted: Wanted, look: Look, side: int
) -> tuple[Painter, Look, pictures.Photo]:
    """Who paints the preview, in which look, of which photo."""
    width, height = photo.header.width, photo.header.height
    first, begun_look, begun = previewed(painter, width, height, look)
    if begun is None and look.size is not None:
        width, height = pictures.shrunk_size(width, height, look.size, enlarge=look.enlarge)
    whole = max(begun or (width, height))
    wide = min(whole, PREVIEW_SIDE if side > QUICK else side)
    small = at_side(photo, wide)
    if begun is not None and (side > QUICK or wide == whole):
        painter, look = first, begun_look
    masks = wanted.look(*_size(small)).masks
    return painter, replace(look, size=None, enlarge=False, brush="small", masks=masks), small


def at_side(photo: Photo, side: int) -> pictures.Photo:
    """The photo with its longer side ``side`` pixels long, kept for the next time."""
    if side >= max(_size(photo.small)):
        return photo.small
    found = photo.sizes.get(side)
    if found is None:
        small = pictures.to_bytes(pictures.resize(photo.small.pixels, side, opacity=photo.small.opacity))
        found = replace(photo.small, pixels=small, opacity=photo.small.opacity_for(small))
        while len(photo.sizes) > 3:
            photo.sizes.pop(next(iter(photo.sizes)))
        photo.sizes[side] = found
    return found


def _size(photo: pictures.Photo) -> tuple[int, int]:
    height, width = photo.pixels.shape[:2]
    return width, height


def encoded(picture: pictures.Pixels, like: pictures.Photo | None, quality: int = QUALITY) -> tuple[bytes, str]:
    """A picture as JPEG, or as PNG where the photo has transparency, and which of the two."""
    opacity = None if like is None else like.opacity
    clear = like is not None and pictures.is_clear(opacity)
    target = named(b"", "the preview")
    kept = replace(like, exif=None) if like is not None and clear else None
    pictures.save(picture, target, like=kept, quality=quality, format="png" if clear else "jpeg")
    return target.getvalue(), "image/png" if clear else "image/jpeg"
