"""A show: the newest frame of a source, painted again and again, to be looked at and recorded. Knows no HTTP.

One thread reads and keeps only the newest frame, another paints. So a slow painter shows fewer frames, never old ones.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from impasto import pictures
from impasto.errors import FilmError, ImpastoError, attempt
from impasto.film.colour import Bytes
from impasto.film.masks import resized
from impasto.film.recording import Recorder
from impasto.film.steady import Steady
from impasto.painting.look import Look
from impasto.painting.painter import Painter
from impasto.server.live.newest import Newest
from impasto.server.live.sizes import Fitting, ladder
from impasto.server.live.sources import Say, Source
from impasto.server.live.thumbnails import Thumbnails
from impasto.server.looks import mix, named
from impasto.styles import blend

ABSENT = 10.0  # seconds without anybody looking, after which the page was closed
RECENT = 2.0  # seconds that the rate is measured over
LARGEST = 50_000_000  # pixels of a frame that the page may send
ENDING = 10.0  # seconds that the end waits for a source


@dataclass(frozen=True)
class Staging:
    """How a show is given: the longer ``side`` of the largest painting, how ``steady``, and where it is recorded."""

    side: int = 640
    steady: float = 1.0
    record: Path | None = None


@dataclass(frozen=True, eq=False)
class Shown:
    """A frame and its painting, (h, w, 3), uint8, and when it came, in seconds since the show's ``begin``.

    Paintings a second, and seconds recorded (None: it is not).
    """

    photo: Bytes
    painted: Bytes
    moment: float
    fps: float
    recorded: float | None


class Show:
    """A show of ``source``; without one it is of the frames that are ``sent``.

    ``start`` it, and ``close`` it, which raises what went wrong. ``say`` gets sentences for people.
    """

    def __init__(
        self,
        painter: Painter,
        look: Look,
        source: Source | None = None,
        staging: Staging = Staging(),  # noqa: B008 (it is frozen)
        say: Say = lambda line: None,
    ) -> None:
        self.painter, self.source, self.staging, self.say = painter, source, staging, say
        self.look, self.mirrored = painter.check(look, brush="small"), False
        self.seen: Newest[tuple[float, Bytes | bytes]] = Newest()
        self.shown: Newest[Shown] = Newest()
        self._steady = Steady(painter, steady=staging.steady)
        self._over, self._fault = threading.Event(), None  # type: threading.Event, ImpastoError | None
        self._fitting: tuple[tuple[int, ...], Fitting] | None = None
        self._times: deque[float] = deque()
        self.thumbnails = Thumbnails(painter)
        self.recorder: Recorder | None = None
        self._records = staging.record is not None
        self._looked: float | None = None
        self._pool = ThreadPoolExecutor(1, "painter")
        self._painting: Future[None] | None = None
        self._reading: threading.Thread | None = None
        self.begin = time.monotonic()
        if staging.record is not None:
            self._recorder((staging.side, staging.side))  # what cannot be recorded is refused now

    # ---- beginning and end

    def start(self) -> None:
        self._painting = self._pool.submit(self._paint)
        if self.source is not None:
            self._reading = threading.Thread(target=self._read, args=(self.source,), daemon=True)
            self._reading.start()

    @property
    def over(self) -> bool:
        """Whether there is nothing more to see, or nobody who looks any more."""
        return self._painting is not None and self._painting.done() or self.left

    @property
    def left(self) -> bool:
        """Whether the page was opened, and then closed."""
        return self._looked is not None and time.monotonic() - self._looked > ABSENT

    def looked(self) -> None:
        """Somebody looks."""
        self._looked = time.monotonic()

    def close(self) -> None:
        """End it: the recording is whole then. Raises what ended it, if that was a fault."""
        self._over.set()
        self.seen.close()
        try:
            if self._painting is not None:
                self._painting.result()
        finally:
            self._pool.shutdown()
            self.shown.close()
            if self.recorder is not None:
                self.recorder.close()
            if self._reading is not None:
                self._reading.join(ENDING)
        if self._fault is not None:
            raise self._fault

    # ---- what comes

    def sent(self, data: bytes) -> None:
        """A frame of the page's camera, as a JPEG's bytes."""
        self._put(data)

    def _read(self, source: Source) -> None:
        try:
            for pixels in source.frames(self._over, self.say):
                self._put(pixels)
        except ImpastoError as error:
            self._fault = error
        finally:
            self.seen.close()

    def _put(self, frame: Bytes | bytes) -> None:
        self.seen.put((time.monotonic() - self.begin, frame))

    # ---- how it looks

    def turn(self, styles: Mapping[str, float], strength: float, mirrored: bool) -> None:
        """Another look, from the next frame on; raises what ``Painter.check`` raises."""
        self.look = self.painter.check(replace(self.look, style=dict(styles), strength=strength))
        self.mirrored = mirrored

    @property
    def styles(self) -> dict[str, float]:
        """The styles of the look, with their weights."""
        return blend.weights_of(self.look.style) or {}

    # ---- painting

    def _paint(self) -> None:
        number = 0
        try:
            while (found := self.seen.after(number)) is not None:
                number, (moment, frame) = found
                pixels = _pixels(frame)
                if pixels is None:  # damaged on its way: the next one comes soon
                    continue
                self.thumbnails.paint_one(self._show(pixels, moment))
        finally:
            self.shown.close()
            self.thumbnails.end()

    def _show(self, pixels: Bytes, moment: float) -> Bytes:
        """Paint one frame, show it, and see how long that took; the frame as it was painted from."""
        begin = time.perf_counter()
        fitting = self._fitting_for(pixels)
        photo = resized(pixels, fitting.size) if pixels.shape[1::-1] != fitting.size else pixels
        photo = np.ascontiguousarray(photo[:, ::-1]) if self.mirrored else photo
        painted = pictures.to_bytes(self._steady.paint(photo, self.look, moment))
        if self._records:
            self._record(painted, moment, fitting.sizes[-1])
        recorded = self.recorder.seconds if self._records and self.recorder is not None else None
        self.shown.put(Shown(photo, painted, moment, self._rate(), recorded))
        fitting.took(time.perf_counter() - begin, moment)
        return photo

    def _fitting_for(self, pixels: Bytes) -> Fitting:
        """The sizes for frames like this one, which changes when a phone is turned or the film is another."""
        shape = pixels.shape
        if self._fitting is None or self._fitting[0] != shape:
            self._fitting = shape, Fitting(ladder(shape[1], shape[0], self.staging.side))
        return self._fitting[1]

    def _rate(self) -> float:
        now = time.monotonic()
        self._times.append(now)
        while now - self._times[0] > RECENT:
            self._times.popleft()
        return (len(self._times) - 1) / max(1e-3, now - self._times[0])

    def _record(self, painted: Bytes, moment: float, size: tuple[int, int]) -> None:
        """Record a frame; a disk that is full ends the recording, not the show."""
        try:
            if self.recorder is None:
                self.recorder = self._recorder(size)
            self.recorder.write(painted, moment)
        except FilmError as error:
            self._records = False
            self.say(f"the recording has ended: {error}")
            if self.recorder is not None:
                with suppress(FilmError):
                    self.recorder.close()

    def _recorder(self, size: tuple[int, int]) -> Recorder:
        assert self.staging.record is not None
        return Recorder(self.staging.record, size, f"in the style {mix(self.styles)}")


def _pixels(frame: Bytes | bytes) -> Bytes | None:
    """The pixels of a frame, decoded only now that it is wanted; None where it cannot be."""
    if not isinstance(frame, bytes):
        return frame
    return attempt(lambda: pictures.to_bytes(pictures.load(named(frame, "a frame"), max_pixels=LARGEST).pixels), None)
