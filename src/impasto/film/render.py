"""A film on its way from its file to its painting, in parts: killed at any moment, it goes on and ends the same.

Beside the target lies a folder, ``.NAME.parts``, until the film is whole: its parts, what later frames depend on, and
``state.json``, which names what they were made of. The file with the target's name appears at the end, whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time as clock
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image
from safetensors.numpy import load, save

from impasto import assets, files, limits, pictures
from impasto.errors import FilmError, attempt
from impasto.files import printable
from impasto.film import reading, writing
from impasto.film.colour import Bytes
from impasto.film.ffmpeg import av
from impasto.film.keys import Keys
from impasto.film.reading import Film, Frame, Part
from impasto.film.steady import Steady
from impasto.film.writing import Coding, Made, Making, Target
from impasto.painting.look import Look
from impasto.painting.painter import Painter
from impasto.painting.rows import of_strokes
from impasto.pictures import formats
from impasto.styles import blend
from impasto.styles.bank import PHOTO

Item = TypeVar("Item")
FRAMES = 96  # of a part: what is lost at most when a film is killed
AHEAD = 3  # frames that are read, or written, while one is painted
RECENT = 30.0  # seconds from which the pace is told
STATE = "state.json"
SAMPLE = 1 << 20  # bytes at the beginning, in the middle and at the end of a source that its digest is of


@dataclass(frozen=True)
class Settings:
    """How a film is painted, beside its look.

    ``paint_size`` paints at that many pixels on the longer side, and enlarges the painting to the film's size: larger
    strokes, in less time. ``steady`` is how still it holds, 0..1. ``sound``: whether it goes along. ``part.size`` is
    what a look's ``size`` is for a photo.
    """

    part: Part = Part()  # noqa: RUF009
    coding: Coding = Coding()  # noqa: RUF009
    paint_size: int | None = None
    steady: float = 1.0
    sound: bool = True

    def __post_init__(self) -> None:
        limits.STEADY.check("steady", self.steady)
        if self.paint_size is not None:
            limits.SIDE.check("paint_size", self.paint_size)


@dataclass(frozen=True, eq=False)
class Progress:
    """How far a film is. ``share`` 0..1 and seconds ``left`` are None where its length is not known.

    ``seconds`` are those of the film that are painted, ``fps`` frames a second of the last half minute. ``frame`` and
    ``painted`` are the last ones, (h, w, 3), uint8. ``notes`` are new sentences for people. At the end ``done``.
    """

    frames: int
    seconds: float
    share: float | None
    fps: float
    left: float | None
    frame: Bytes | None = None
    painted: Bytes | None = None
    notes: tuple[str, ...] = ()
    done: bool = False


def render(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    look: Look | Keys,
    *,
    painter: Painter,
    settings: Settings = Settings(),  # noqa: B008
    restart: bool = False,
) -> Generator[Progress, None, None]:
    """Paint a film into a file; yields a record for each frame.

    ``source`` and ``target`` are films, GIFs, WebPs, folders of pictures, or patterns such as frame-%04d.png; the sound
    of a film goes along. Masks of the look are pictures, or films themselves. Where a film is half painted already, the
    rest is; ``restart`` paints it from its beginning. Raises FilmError, and what a painter raises.
    """
    keys = look if isinstance(look, Keys) else Keys(look)
    settings = replace(settings, part=replace(settings.part, size=keys.look.size or settings.part.size))
    keys = replace(keys, look=replace(keys.look, size=None))
    for each in keys.looks():
        painter.check(replace(each, masks=None))
    film, where = check(source, target, settings)
    with _locked(folder_of(where.path)) as folder:
        work = Work.begun(folder, _recipe(source, film, where, keys, painter, settings), restart)
        yield from _Render(film, where, keys, painter, settings, work).steps()
        work.over()


def check(source: str | os.PathLike[str], target: str | os.PathLike[str], settings: Settings) -> tuple[Film, Target]:
    """The film and its target, opened: raises at once what ``render`` would raise for them."""
    film = reading.opened(source, settings.part)
    place = Path(target) if os.path.isdir(target) else Path(os.path.realpath(target))
    size = (film.facts.width, film.facts.height)
    part, coding = settings.part, settings.coding
    return film, writing.target_of(place, Path(source), film.facts, part, coding, settings.sound, size)


def folder_of(target: Path) -> Path:
    """The folder beside a target in which its parts lie until it is whole."""
    return target.with_name(f".{target.name}.parts")


# ---- what is there already


@dataclass
class Work:
    """The folder of parts: what of them is whole, and what the frames behind them depend on."""

    folder: Path
    recipe: dict[str, Any]
    parts: list[Made] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)
    whole: bool = False  # there are no more frames

    @classmethod
    def begun(cls, folder: Path, recipe: dict[str, Any], restart: bool) -> Work:
        """What is there, or nothing; FilmError if that was made of something else."""
        work = cls(folder, recipe)
        found = None if restart else attempt(lambda: json.loads((folder / STATE).read_bytes()), None)
        if isinstance(found, dict):
            work._take(found)
        if not work.parts:
            work._clear()
        return work

    def _take(self, found: dict[str, Any]) -> None:
        before = found.get("recipe")
        if not isinstance(before, dict):
            return
        for name, value in self.recipe.items():
            if before.get(name) != value:
                raise FilmError(
                    f"{printable(self.folder)} holds a film that is half painted with another {name}; "
                    "paint it as before, or from its beginning with --restart"
                )
        parts = attempt(lambda: [Made(**each) for each in found["parts"]], [])
        for made in parts:
            for name, size in made.files.items():
                file = self.folder / name
                if not file.is_file() or file.stat().st_size != size:
                    return
        state = attempt(lambda: load((self.folder / found["state"]).read_bytes()), None)
        if parts and state is not None:
            self.parts, self.state, self.whole = parts, state, bool(found.get("whole"))

    @property
    def frames(self) -> int:
        return sum(len(made.times) for made in self.parts)

    def add(self, made: Made, state: Mapping[str, Any]) -> None:
        """A part is whole: from now on it is gone on behind it."""
        name = f"after-{len(self.parts):05}.safetensors"
        files.write_atomically(
            self.folder / name, save({key: np.array(value, order="C") for key, value in state.items()})
        )
        self.parts.append(made)
        self._keep(name)
        if len(self.parts) > 1:
            (self.folder / f"after-{len(self.parts) - 2:05}.safetensors").unlink(missing_ok=True)

    def end(self) -> None:
        """All frames are painted."""
        self.whole = True
        self._keep(f"after-{len(self.parts) - 1:05}.safetensors")

    def _keep(self, state: str) -> None:
        parts = [asdict(each) for each in self.parts]
        found = {"recipe": self.recipe, "state": state, "whole": self.whole, "parts": parts}
        files.write_atomically(self.folder / STATE, json.dumps(found).encode())

    def _clear(self) -> None:
        for each in self.folder.iterdir():
            if each.name != LOCK:
                each.unlink()

    def over(self) -> None:
        """The film is whole: nothing of this is needed any more."""
        shutil.rmtree(self.folder, ignore_errors=True)


LOCK = "lock"


@contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    """The folder of parts, made if it is missing, while no other process paints into it."""
    try:
        folder.mkdir(exist_ok=True)
        lock = open(folder / LOCK, "wb")
    except OSError as error:
        raise FilmError(f"{printable(folder)} cannot be made for the parts of the film ({error.strerror})") from error
    with lock:
        try:
            import fcntl  # Windows has none, and there two runs are not kept apart

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass
        except OSError as error:
            raise FilmError(f"another process is painting this film; its parts are in {printable(folder)}") from error
        try:
            yield folder
        finally:
            with suppress(OSError):  # nothing was painted: nothing is left
                if set(os.listdir(folder)) <= {LOCK}:
                    (folder / LOCK).unlink()
                    folder.rmdir()


def _recipe(
    source: str | os.PathLike[str], film: Film, target: Target, keys: Keys, painter: Painter, settings: Settings
) -> dict[str, Any]:
    """All that the painted frames depend on, by names that people read."""
    look = keys.look
    names = sorted({name for each in keys.looks() for name in each.names})
    strokes = of_strokes(painter.bank, replace(look, style=names[0] if names else look.style))
    rows = [strokes[name] for name in (*names, *([PHOTO] if PHOTO in strokes else []))]
    rows += [np.asarray(each) for each in [look.style] if blend.weights_of(each) is None]
    dials = {"brush": look.brush, "keep_color": look.keep_color, "stroke_size": look.stroke_size}
    own = {
        "source": digest_of(source),
        "target": target.path.name,
        "style": hashlib.sha256(b"".join(np.ascontiguousarray(row).tobytes() for row in rows)).hexdigest(),
        "styles over time": [_plain(keys.styles or [[0, look.style]]), _plain(keys.strengths or look.strength)],
        "masks": {name: _digest_of_mask(mask) for name, mask in (look.masks or {}).items()},
        "network": [painter.network.fingerprint, painter.network.runtime, painter.network.precision],
        "size": [film.facts.width, film.facts.height, settings.paint_size],
        "part of the film": [str(settings.part.start), str(settings.part.end), str(settings.part.fps)],
        "coding": asdict(settings.coding) if isinstance(target, writing.Stream) else None,
        "steadiness": settings.steady,
        **dials,
        "version": [assets.__version__, getattr(attempt(av, None), "__version__", "")],
    }
    return dict(json.loads(json.dumps(own)))


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=lambda row: hashlib.sha256(np.asarray(row).tobytes()).hexdigest()))


def digest_of(source: str | os.PathLike[str]) -> str:
    """What a source is known by: its length and three samples of its bytes; for pictures their names and lengths."""
    path = Path(source)
    found = hashlib.sha256()
    if not path.is_file():
        for file in reading.files_of(path):
            found.update(f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}\n".encode())
        return found.hexdigest()
    with open(path, "rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        for place in (0, max(0, size // 2), max(0, size - SAMPLE)):
            opened.seek(place)
            found.update(opened.read(SAMPLE))
    return f"{size}-{found.hexdigest()}"


def _digest_of_mask(mask: Any) -> str:
    if isinstance(mask, str | os.PathLike):
        return digest_of(mask) if os.path.exists(mask) else str(mask)
    return hashlib.sha256(np.ascontiguousarray(mask).tobytes()).hexdigest()


# ---- the work


@dataclass
class _Render:
    film: Film
    target: Target
    keys: Keys
    painter: Painter
    settings: Settings
    work: Work

    def steps(self) -> Iterator[Progress]:
        """Paint what is missing, and put it together."""
        pace = _Pace(self.film.facts.duration)
        if not self.work.whole:
            yield from self._paint(pace)
            self.work.end()
        comment = f"{writing.MARKER} in the style {_named(self.keys)}"
        notes = self.target.join(self.work.folder, self.work.parts, comment)
        made = self.work.parts[-1]
        seconds = float((made.times[-1] + made.lasts[-1]) * self.target.time_base)
        last = pace.step(self.work.frames, seconds, None, None, (*self._notes(), *notes))
        yield replace(last, share=1.0, left=0.0, done=True)

    def _paint(self, pace: _Pace) -> Iterator[Progress]:
        steady = Steady(self.painter, steady=self.settings.steady)
        if self.work.parts:
            steady.restore(self.work.state)
        with _Writer(self.work, self.target) as writer, closing(self._frames()) as frames:
            for frame, shown, masks in frames:
                look = replace(self.keys.at(float(frame.time)), masks=masks)
                painted = self._enlarged(steady.paint(shown, look, float(frame.time)))
                writer.write(replace(frame, pixels=painted), steady)
                seconds = float(frame.time + frame.lasts)
                yield pace.step(writer.frames, seconds, frame.pixels, painted, self._notes())
            writer.close(steady)

    def _notes(self) -> tuple[str, ...]:
        found = tuple(self.film.notes)
        self.film.notes.clear()
        return found

    def _frames(self) -> Generator[tuple[Frame, Bytes, dict[str, Any] | None], None, None]:
        """Frames, each also as it will be painted, with its masks, read while others are painted."""

        def sized() -> Iterator[tuple[Frame, Bytes, dict[str, Any] | None]]:
            masks = _Masks(self.keys.look.masks or {}, self.settings.part)
            for frame in self.film.frames(self.work.frames):
                shown = self._shrunk(frame.pixels)
                yield frame, shown, masks.at(frame.time, shown.shape[:2])

        return ahead(sized(), AHEAD)

    def _shrunk(self, pixels: Bytes) -> Bytes:
        height, width = pixels.shape[:2]
        if self.settings.paint_size is None or self.settings.paint_size >= max(height, width):
            return pixels
        return _resized(pixels, pictures.shrunk_size(width, height, self.settings.paint_size))

    def _enlarged(self, painted: Bytes) -> Bytes:
        size = (self.film.facts.width, self.film.facts.height)
        return painted if painted.shape[1::-1] == size else _resized(painted, size)


def _resized(pixels: Bytes, size: tuple[int, int]) -> Bytes:
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def _named(keys: Keys) -> str:
    """The styles of a film, in words."""
    styles = [style for _, style in keys.styles] or [keys.look.style]
    return " then ".join(style if isinstance(style, str) else "of its own" for style in styles)


class _Writer:
    """Writes frames into parts, in a thread of its own, some frames behind."""

    def __init__(self, work: Work, target: Target) -> None:
        self._work, self._target = work, target
        self._pool, self._waiting = ThreadPoolExecutor(1), deque()  # type: ThreadPoolExecutor, deque[Future[None]]
        self._making: Making | None = None
        self.frames, self._inside = work.frames, 0

    def __enter__(self) -> _Writer:
        return self

    def write(self, frame: Frame, steady: Steady) -> None:
        if self._making is None:
            self._making = self._target.part(self._work.folder, len(self._work.parts), self._work.frames)
        making = self._making
        self._later(lambda: making.write(frame))
        self.frames, self._inside = self.frames + 1, self._inside + 1
        if self._inside == FRAMES:
            self.close(steady)

    def close(self, steady: Steady) -> None:
        """Close the part; what the next frames depend on is kept with it."""
        if self._making is None:
            return
        making, state = self._making, {name: np.array(value) for name, value in steady.state().items()}
        self._later(lambda: self._work.add(making.close(), state))
        while self._waiting:
            self._waiting.popleft().result()
        self._making, self._inside = None, 0

    def _later(self, task: Any) -> None:
        self._waiting.append(self._pool.submit(task))
        while len(self._waiting) > AHEAD:
            self._waiting.popleft().result()

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        if self._making is not None:
            self._making.drop()


class _Masks:
    """The masks of a look at each moment, (h, w), uint8: pictures, which stay, or films."""

    def __init__(self, masks: Mapping[str, Any], part: Part) -> None:
        self._still: dict[str, Bytes] = {}
        self._films: dict[str, tuple[Iterator[Frame], list[Frame]]] = {}
        for style, mask in masks.items():
            if isinstance(mask, str) and mask == "alpha":
                raise FilmError(f"the mask of {style!r} is alpha, which frames do not have; give a picture or a film")
            if isinstance(mask, str | os.PathLike) and not formats.is_picture(Path(mask)):
                frames = reading.opened(mask, replace(part, size=None)).frames()
                self._films[style] = frames, [next(frames)]
            elif isinstance(mask, np.ndarray):
                self._still[style] = pictures.to_bytes(mask)
            else:
                self._still[style] = _grey(pictures.to_bytes(pictures.load(mask).pixels))
        self._order = list(masks)

    def at(self, time: Fraction, size: tuple[int, ...]) -> dict[str, Any] | None:
        if not self._order:
            return None
        found = {}
        for style in self._order:
            plane = self._still[style] if style in self._still else self._frame(style, time)
            found[style] = plane if plane.shape == tuple(size) else _resized(plane, (size[1], size[0]))
        return found

    def _frame(self, style: str, time: Fraction) -> Bytes:
        """The frame of a film that is shown at a moment; its last one stays."""
        frames, near = self._films[style]
        while near[-1].time <= time and (more := next(frames, None)) is not None:
            near[:] = [near[-1], more]
        return _grey((near[-1] if near[-1].time <= time else near[0]).pixels)


def _grey(pixels: Bytes) -> Bytes:
    return np.asarray(Image.fromarray(pixels).convert("L"))


class _Pace:
    """How quickly a film goes on, from the last half minute: the first frame waits for a compiler."""

    def __init__(self, duration: Fraction | None) -> None:
        self._duration = float(duration) if duration else None
        self._seen: deque[tuple[float, int, float]] = deque()

    def step(
        self, frames: int, seconds: float, frame: Bytes | None, painted: Bytes | None, notes: tuple[str, ...]
    ) -> Progress:
        now = clock.monotonic()
        self._seen.append((now, frames, seconds))
        while now - self._seen[0][0] > RECENT and len(self._seen) > 2:
            self._seen.popleft()
        begin, first, before = self._seen[0]
        spent = max(now - begin, 1e-9)
        fps = (frames - first) / spent
        share = left = None
        if self._duration:
            share = min(1.0, seconds / self._duration)
            if seconds > before:
                left = max(0.0, self._duration - seconds) * spent / (seconds - before)
        return Progress(frames, seconds, share, fps, left, frame, painted, notes)


def ahead(items: Iterator[Item], count: int) -> Generator[Item, None, None]:
    """The same items, made in a thread of their own, up to ``count`` before they are asked for."""
    end = object()
    with ThreadPoolExecutor(1) as pool:
        waiting: deque[Future[Any]] = deque()
        try:
            while True:
                while len(waiting) < count:
                    waiting.append(pool.submit(next, items, end))
                item = waiting.popleft().result()
                if item is end:
                    return
                yield item
        finally:
            pool.shutdown(cancel_futures=True)
            if hasattr(items, "close"):
                items.close()
