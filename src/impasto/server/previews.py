"""Previews and thumbnails, painted in one thread of the server's process: the newest wins, previews before thumbnails.

A preview is painted from the photo as it was shrunk when it came. A sharp one is painted as the painting is, or as the
first of its two passes is, at the same size and by the same network, and shrunk then: it is the painting seen from
afar. A quick one, for dials that move, is painted at the size at which it is shown, where strokes look larger. Of a
look that only gets another strength nothing is painted anew.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
import time
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from impasto import pictures
from impasto.errors import ImpastoError
from impasto.painting.look import Look
from impasto.painting.network import Network
from impasto.painting.painter import Painter, previewed
from impasto.painting.rows import finer
from impasto.server.kits import Painters
from impasto.server.looks import Wanted, named
from impasto.server.settings import PREVIEW_SIDE, QUICK_SIDE
from impasto.server.store import Photo
from impasto.styles import strokes
from impasto.styles.bank import PHOTO, Bank, Floats

Result = TypeVar("Result")
PREVIEW, READY, THUMBNAIL = 0, 1, 2  # what comes first
SLOW = 0.09  # seconds of a preview at 384 px beyond which a quicker network previews
THUMBNAIL_SIDE = 256  # pixels that thumbnails are painted at: below that strokes are blotches
SQUARE = 224  # pixels a side of square ones, which are all of one size: it is compiled before the first photo comes
TRIAL, OTHER = (288, 384), (256, 384)  # height and width of what is painted then: a preview, and another size
QUALITY = 88
THREAD = "previews"
KEPT = 4  # photos whose previews are kept at full strength, for a dial that moves
PATIENCE = 10.0  # seconds that the end waits for a preview


class OvertakenError(ImpastoError):
    """A newer preview of the same photo took the place of this one."""


class Bench:
    """One thread that does one thing after the other, the most pressing first. Its methods are called in one loop."""

    def __init__(self) -> None:
        self._todo: list[tuple[int, int, asyncio.Future[Any], Callable[[], Any]]] = []
        self._count = itertools.count()
        self._thread = ThreadPoolExecutor(1, THREAD)
        self._on: Future[Any] | None = None
        self.closed = False

    def submit(self, rank: int, action: Callable[[], Result]) -> asyncio.Future[Result]:
        """Have it done; a future that is cancelled before its turn never begins."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._todo, (rank, next(self._count), future, action))
        self._next()
        return future

    def withdraw(self, future: asyncio.Future[Any]) -> bool:
        """Cancel what has not begun; False if it has."""
        return any(each is future for _, _, each, _ in self._todo) and future.cancel()

    async def close(self) -> None:
        """Begin nothing more, and wait for what is on: at the end of Python a runtime's threads must be idle."""
        self.closed = True
        for _, _, future, _ in self._todo:
            future.cancel()
        if self._on is not None:
            await asyncio.wait({asyncio.wrap_future(self._on)}, timeout=PATIENCE)
        self._thread.shutdown(wait=self._on is None or self._on.done())

    def _next(self) -> None:
        while self._todo and self._on is None:
            _, _, future, action = heapq.heappop(self._todo)
            if not (self.closed or future.cancelled()):
                self._begin(future, action)

    def _begin(self, future: asyncio.Future[Any], action: Callable[[], Any]) -> None:
        loop = asyncio.get_running_loop()

        def told(on: Future[Any]) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._done, future, on)

        self._on = self._thread.submit(action)
        self._on.add_done_callback(told)

    def _done(self, future: asyncio.Future[Any], on: Future[Any]) -> None:
        self._on = None
        if not future.cancelled():
            error = on.exception()
            if error is None:
                future.set_result(on.result())
            else:
                future.set_exception(error)
        self._next()


class Turn:
    """A preview of ``side`` pixels on its way, which is given up when nobody wants it any more, in the middle too."""

    def __init__(self, side: int) -> None:
        self.side, self.overtaken = side, False
        self.future: asyncio.Future[Preview] | None = None  # once it waits to be painted
        self._lock = threading.Lock()
        self._given_up = False
        self._stop: Callable[[], None] | None = None

    def give_up(self) -> None:
        """From now on ``at`` raises, and what is painted inside it is ended."""
        with self._lock:
            self._given_up = True
            if self._stop is not None:
                self._stop()

    @contextmanager
    def at(self, network: Network) -> Iterator[None]:
        """Where a network paints it, in the thread; InterruptedError once it is given up."""
        with self._lock:
            if self._given_up:
                raise InterruptedError
            self._stop = partial(network.halt, True)
        try:
            yield
        finally:
            with self._lock:
                self._stop = None
            network.halt(False)


@dataclass(frozen=True)
class Preview:
    """An encoded picture, how long painting it took, and whether it is what the painting will be at this place."""

    data: bytes
    kind: str
    seconds: float
    about: bool = False


@dataclass(frozen=True, eq=False)
class Whole:
    """A preview at full strength, not encoded, of which those of all other strengths are made."""

    bank: Bank
    wanted: Wanted
    side: int
    strength: float | None  # the only one that it is of
    small: pictures.Photo
    painted: pictures.Pixels

    def of(self, bank: Bank, wanted: Wanted, side: int) -> bool:
        """Whether it is what is wanted, but for the strength; styles may have been learned anew."""
        strength = wanted.dials.get("strength", 1.0)
        if self.strength != strength and (self.strength is not None or (wanted.protect is not None and strength > 1)):
            return False
        return self.side == side and self.bank is bank and self.wanted.same_but_strength(wanted)

    def at(self, strength: float) -> pictures.Pixels:
        """The preview at a strength, uint8; see ``styles.blend.style_share``."""
        if strength == 1 or self.strength is not None:
            return self.painted
        photo = pictures.unit(self.small.pixels)
        return pictures.as_type(
            photo + np.float32(strength) * (pictures.unit(self.painted) - photo), np.dtype(np.uint8)
        )


class Previews:
    """All previews of a server."""

    def __init__(self, painters: Painters) -> None:
        self.painters, self.bench = painters, Bench()
        self.asked = self.overtaken = 0
        self._newest: dict[str, Turn] = {}
        self._recent: deque[weakref.ref[Photo]] = deque()  # those of which there are some at full strength

    async def paint(self, photo: Photo, wanted: Wanted, side: int, decoded: Callable[[], Awaitable[None]]) -> Preview:
        """A preview of at most ``side`` pixels, once ``decoded`` has seen to the photo.

        OvertakenError where a newer one of the same photo was asked for. That ends those that wait, and one that is
        being painted if it is large: quick ones are over soon.
        """
        turn, older = Turn(side), self._newest.get(photo.id)
        self._newest[photo.id] = turn
        self.asked += 1
        if older is not None:
            self._overtake(older)
        try:
            await decoded()
            if turn.overtaken:
                raise InterruptedError
            turn.future = self.bench.submit(PREVIEW, partial(self._painted, photo, wanted, side, turn))
            return await turn.future
        except (asyncio.CancelledError, InterruptedError):
            if not turn.overtaken:  # whoever asked has gone
                turn.give_up()
                raise
            self.overtaken += 1
            raise OvertakenError("a newer preview took the place of this one") from None
        finally:
            if self._newest.get(photo.id) is turn:
                del self._newest[photo.id]

    def _overtake(self, turn: Turn) -> None:
        waits = turn.future is None or self.bench.withdraw(turn.future)
        turn.overtaken = waits or turn.side > QUICK_SIDE
        if turn.overtaken:
            turn.give_up()

    async def thumbnail(self, photo: Photo, wanted: Wanted, side: int, square: bool) -> bytes:
        """The photo in one style, or its middle, ``square``; at most ``side`` pixels, painted once."""
        key = wanted.network, *wanted.styles, side, square
        if key not in photo.thumbnails:
            action = partial(self._thumbnail, photo, wanted, side, square)
            photo.thumbnails[key] = await self.bench.submit(THUMBNAIL, action)
        return photo.thumbnails[key]

    async def row(self, photo: Photo, network: str, row: Floats, side: int) -> Preview:
        """The photo painted with a row of numbers."""
        return await self.bench.submit(READY, partial(self._row, photo, network, row, side))

    async def quicker(self, network: str) -> str:
        """``network``, if it paints 384 px quickly enough for sliders, or else the quickest.

        Both are compiled then, for previews; for thumbnails the quickest, which paints them; and for other sizes.
        """
        times: dict[str, float] = {}
        for name in dict.fromkeys([min(self.painters.kits), network]):
            others = [OTHER] if times else 2 * [(SQUARE, SQUARE)]  # what comes twice is compiled for
            sizes = [TRIAL, *others, TRIAL, TRIAL]
            found = [(size, await self.bench.submit(READY, partial(self._trial, name, *size))) for size in sizes]
            times[name] = min(seconds for size, seconds in found if size == TRIAL)
        await self.bench.submit(READY, lambda: self.painters.get(network).first)  # opened now, for sharp previews
        return network if times[network] <= SLOW else min(times, key=lambda name: times[name])

    async def close(self) -> None:
        """Begin nothing more, and wait for what is on."""
        await self.bench.close()

    # ---- in the thread

    def _keep(self, photo: Photo, whole: Whole) -> None:
        """Keep a preview with its photo, and those of the last few photos alone."""
        photo.previews = [*photo.previews, whole][-2:]  # a quick one and a sharp one
        self._recent = deque(each for each in self._recent if each() not in (None, photo))
        self._recent.append(weakref.ref(photo))
        while len(self._recent) > KEPT:
            if (old := self._recent.popleft()()) is not None:
                old.previews = []

    def _trial(self, network: str, height: int, width: int) -> float:
        """Seconds that a network takes for noise of a size."""
        painter = self.painters.get(network)
        noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        begin = time.perf_counter()
        painter.paint_array(noise, painter.bank.names[0])
        return time.perf_counter() - begin

    def _painted(self, photo: Photo, wanted: Wanted, side: int, turn: Turn) -> Preview:
        begin = time.perf_counter()
        painter = self.painters.get(wanted.network, own=wanted.own)
        bank, look = self.painters.get(wanted.network).bank, painter.check(wanted.look(*_size(photo.small)))
        strength, whole = look.strength, next((each for each in photo.previews if each.of(bank, wanted, side)), None)
        if whole is None:
            painter, look, small = _prepared(painter, photo, wanted, look, side)
            alone = look.protect is not None and strength > 1  # what is kept is kept of the overdone painting
            with turn.at(painter.network):
                painted = painter.prepare(small, look if alone else replace(look, strength=1.0), kind=np.uint8).paint()
            whole = Whole(bank, wanted, side, strength if alone else None, small, painted)
            self._keep(photo, whole)
        small, painted = whole.small, whole.at(strength)
        if side < max(painted.shape):
            painted = pictures.to_bytes(pictures.resize(painted, side, opacity=small.opacity))
        data, kind = encoded(painted, small)
        return Preview(data, kind, time.perf_counter() - begin)

    def _row(self, photo: Photo, network: str, row: Floats, side: int) -> Preview:
        begin, small = time.perf_counter(), at_side(photo, side)
        painted = self.painters.get(network).prepare(small, row, kind=np.uint8, brush="small").paint()
        return Preview(*encoded(painted, small), time.perf_counter() - begin)

    def _thumbnail(self, photo: Photo, wanted: Wanted, side: int, square: bool) -> bytes:
        small = middle(photo) if square else at_side(photo, min(THUMBNAIL_SIDE, max(_size(photo.small))))
        look = wanted.look(*_size(small))
        painted = self.painters.get(wanted.network, own=wanted.own).prepare(small, look, kind=np.uint8).paint()
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
    wide = min(whole, PREVIEW_SIDE if side > QUICK_SIDE else side)
    small = at_side(photo, wide)
    if begun is not None and (side > QUICK_SIDE or wide == whole):
        if finer(painter.bank, look) is not None and wide < whole:  # the first pass is larger than that
            own = strokes.own_size(first.bank, [name for name in look.names if name != PHOTO])
            begun_look = replace(begun_look, stroke_size=own / min(whole / wide, strokes.RANGE))
        painter, look = first, begun_look
    sized = wanted.look(*_size(small))
    look = replace(look, size=None, enlarge=False, brush="small", masks=sized.masks, protect=sized.protect)
    return painter, look, small


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


def middle(photo: Photo) -> pictures.Photo:
    """The square in the middle of the photo, for thumbnails, kept for the next one."""
    if "middle" not in photo.sizes:
        width, height = _size(photo.small)
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        pixels = np.ascontiguousarray(photo.small.pixels[top : top + side, left : left + side])
        cut = replace(photo.small, pixels=pictures.to_bytes(pictures.resize(pixels, SQUARE)), opacity=None)
        photo.sizes["middle"] = cut
    return photo.sizes["middle"]


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
