"""Files -> frames with their times: films by FFmpeg, animations by Pillow, folders and numbered pictures.

A time is a Fraction of seconds, from the film's own zero on; never a rate times a number. Whoever asks for frames again
gets the same ones.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from impasto import limits, pictures
from impasto.errors import FilmError, foreign
from impasto.files import printable
from impasto.film import colour
from impasto.film.colour import Bytes
from impasto.film.ffmpeg import av, exact, failing, reason
from impasto.pictures import formats

FPS = Fraction(25)  # of pictures in a folder, where nothing is said
ANIMATED = (".gif", ".webp", ".png", ".apng")  # which Pillow reads, frame times and all
NO_TIME = Fraction(1, 10)  # how long browsers show a frame of a GIF that says 0
ALONE = {"protocol_whitelist": "file"}  # a file that names others must not have them fetched
NOT_FILMS = ("tty", "image2")  # what FFmpeg takes text and pictures for
NUMBERED = re.compile(r"%0?(\d*)d")


@dataclass(frozen=True)
class Frame:
    """One frame: pixels (h, w, 3), uint8, sRGB, upright; when it begins, and how long it ``lasts``, in seconds."""

    pixels: Bytes
    time: Fraction
    lasts: Fraction


@dataclass(frozen=True)
class Part:
    """Which part of a film is wanted, and how large.

    ``size`` shrinks the longer side to that many pixels. ``start`` and ``end`` are in seconds of the film. ``fps`` is
    the rate of pictures in a folder.
    """

    size: int | None = None
    start: Fraction = Fraction(0)
    end: Fraction | None = None
    fps: Fraction = FPS

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise FilmError(f"the end, {float(self.end):g} s, must be behind the start, {float(self.start):g} s")
        limits.RATE.check("fps, the pictures a second,", float(self.fps))

    def at(self, time: Fraction) -> bool | None:
        """Whether a moment is in this part; None once it is over."""
        return None if self.end is not None and time >= self.end else time >= self.start


@dataclass(frozen=True)
class Facts:
    """What is known of a film before it is read: sizes are those of its frames, times are seconds.

    ``origin`` is the moment in the file that is the 0 of frames. ``duration`` and ``rate`` are what the file says, and
    may be wrong or missing.
    """

    width: int
    height: int
    time_base: Fraction
    rate: Fraction | None
    duration: Fraction | None
    origin: Fraction = Fraction(0)
    hdr: str = ""


class Film(Protocol):
    """An open film. ``notes`` fill while it is read: sentences for people."""

    facts: Facts
    notes: list[str]

    def frames(self, passed: int = 0) -> Iterator[Frame]:
        """Its frames in their order, without the first ``passed`` ones."""
        ...


def opened(source: str | os.PathLike[str], part: Part = Part()) -> Film:  # noqa: B008 (it is frozen)
    """A film, an animation (GIF, WebP, APNG), a folder of pictures, or a pattern such as frame-%04d.png.

    Raises FilmError for what is none, MissingExtraError where PyAV is needed and missing.
    """
    path = Path(source)
    if os.path.isdir(path) or NUMBERED.search(path.name):
        return Pictures(path, part)
    if not os.path.exists(path):
        raise FilmError(f"there is no file {printable(path)}")
    if os.path.isfile(path) and not os.path.getsize(path):
        raise FilmError(f"{printable(path)} is empty")
    if path.suffix.lower() in ANIMATED:
        return Animation(path, part)
    if formats.is_picture(path):
        raise FilmError(f"{printable(path)} is a picture, not a film; impasto paint paints it")
    return Container(path, part)


def _shrunk(width: int, height: int, size: int | None) -> tuple[int, int]:
    return (width, height) if size is None else pictures.shrunk_size(width, height, size)


# ---- films


class Container:
    """A film that FFmpeg reads."""

    def __init__(self, path: Path, part: Part) -> None:
        self.path, self.part = path, part
        self.notes: list[str] = []
        self._dropped = self._broken = 0
        with self._open() as container:
            stream = self._stream(container)
            self._number = stream.index
            first = next(self._decoded(container, stream), None)
            if first is None:
                raise FilmError(
                    f"{printable(path)} has no frame that can be decoded ({codec_of(stream)}); "
                    "it may be damaged, encrypted, or of a kind that FFmpeg does not know"
                )
            self._interlaced = bool(first.interlaced_frame)
            self.facts, self._size = _facts(container, stream, first, part)
            self._first = first
        self.notes.clear()
        self._dropped = self._broken = 0
        if self.facts.hdr:
            self.notes.append(f"note: the film is HDR ({self.facts.hdr}); the painting is not")

    def frames(self, passed: int = 0) -> Iterator[Frame]:
        facts, part = self.facts, self.part
        reader = colour.Reader.of(self._first, self._size)
        usual, found = 1 / (facts.rate or FPS), 0
        with self._open() as container:
            stream = container.streams[self._number]
            if part.start:
                goal = (part.start + facts.origin) / facts.time_base
                with failing(self.path, "read from there"):
                    container.seek(int(goal), stream=stream)
            for frame, time in self._timed(container, stream, usual):
                inside = part.at(time)
                if inside is None:
                    break
                if not inside:
                    continue
                found += 1
                if found > passed:
                    lasts = Fraction(frame.duration) * exact_or(frame.time_base, facts.time_base)
                    with failing(self.path, "read"):
                        pixels = reader.pixels(frame)
                    yield Frame(pixels, time - part.start, lasts or usual)
        if not found:
            raise FilmError(f"{printable(self.path)} has no frame from {float(part.start):g} s on; it ends before")
        self._sum_up()

    def _sum_up(self) -> None:
        if self._broken:
            self.notes.append(f"{printable(self.path)} is damaged: {self._broken} of its packets could not be decoded")
        if self._dropped:
            self.notes.append(f"note: {self._dropped} frames whose time went back, or stood still, were left out")

    def _open(self) -> Any:
        name = printable(self.path)
        with failing(self.path, "read as a film"):
            container = av().open(os.path.abspath(self.path), options=ALONE, metadata_errors="replace")
        if container.format.name in NOT_FILMS or container.format.name.endswith("_pipe"):
            container.close()
            raise FilmError(f"{name} is no film")
        return container

    def _stream(self, container: Any) -> Any:
        """The film itself: no cover picture, and of several the one that is meant to be shown."""
        disposition = av().stream.Disposition
        films = [each for each in container.streams.video if not each.disposition & disposition.attached_pic]
        if not films:
            what = "only sound" if container.streams.audio else "nothing to see"
            cover = " and a cover picture" if container.streams.video else ""
            raise FilmError(f"{printable(self.path)} is no film: it has {what}{cover} in it")
        return next((each for each in films if each.disposition & disposition.default), films[0])

    def _decoded(self, container: Any, stream: Any) -> Iterator[Any]:
        """Frames as they are decoded; what is torn off at the end, or broken in the middle, costs itself alone."""
        stream.thread_count = 1  # the cores are for painting
        deinterlace, whole = None, False
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None and whole:
                    return
                frames = stream.decode(None) if packet is None else packet.decode()
                whole = packet is None or packet.size == 0  # the last one, which asks for what is held back
            except av().error.FFmpegError as error:
                if not isinstance(error, av().error.InvalidDataError):
                    raise FilmError(f"{printable(self.path)} cannot be decoded ({reason(error)})") from error
                self._broken += 1
                if self._broken > limits.MOST_BROKEN:
                    return
                continue
            for frame in frames:
                if frame.interlaced_frame and deinterlace is None:
                    deinterlace = _deinterlacer(stream)
                yield from (frame,) if deinterlace is None else _filtered(deinterlace, frame)
            if whole and deinterlace is not None:
                yield from _filtered(deinterlace, None)

    def _timed(self, container: Any, stream: Any, usual: Fraction) -> Iterator[tuple[Any, Fraction]]:
        """Frames with their times, which always go on; those without one are counted at the usual rate."""
        last: Fraction | None = None
        for frame in self._decoded(container, stream):
            if frame.pts is None:
                time = Fraction(0) if last is None else last + usual
            else:
                time = frame.pts * exact_or(frame.time_base, self.facts.time_base) - self.facts.origin
            if last is not None and time <= last:
                self._dropped += 1
                continue
            last = time
            yield frame, time


def _facts(container: Any, stream: Any, first: Any, part: Part) -> tuple[Facts, tuple[int, int]]:
    """The facts of a film, and (width, height) of its frames before they are turned."""
    width, height = first.width, first.height
    ratio = exact(stream.sample_aspect_ratio) or Fraction(1)
    if ratio > 1:
        width = round(width * ratio)
    elif ratio < 1:
        height = round(height / ratio)
    width, height = _shrunk(width, height, part.size)
    swapped = colour.turn_of(first)[0]
    base = exact(stream.time_base) or Fraction(1, 90_000)
    starts = [
        each.start_time * (exact(each.time_base) or base)
        for each in (*container.streams.video, *container.streams.audio)
        if each.start_time is not None
    ]
    duration = Fraction(stream.duration) * base if stream.duration else None
    if duration is None and container.duration:
        duration = Fraction(container.duration, av().time_base)
    facts = Facts(
        *((height, width) if swapped else (width, height)),
        time_base=base,
        rate=exact(stream.average_rate) or exact(stream.guessed_rate),
        duration=_left(duration, part),
        origin=max(Fraction(0), min(starts, default=Fraction(0))),
        hdr=colour.HDR.get(first.color_trc, ""),
    )
    return facts, (width, height)


def codec_of(stream: Any) -> str:
    return getattr(getattr(stream, "codec_context", None), "name", None) or "an unknown codec"


def exact_or(number: Any, otherwise: Fraction) -> Fraction:
    return exact(number) or otherwise


def _left(duration: Fraction | None, part: Part) -> Fraction | None:
    """How long the part of a film is."""
    if duration is None:
        return None if part.end is None else part.end - part.start
    return max(Fraction(0), (duration if part.end is None else min(duration, part.end)) - part.start)


def _deinterlacer(stream: Any) -> Any:
    """A filter that makes a whole frame of each two half ones."""
    graph = av().filter.Graph()
    source, filter_, sink = (
        graph.add_buffer(template=stream),
        graph.add("bwdif", "mode=send_frame:deint=interlaced"),
        graph.add("buffersink"),
    )
    source.link_to(filter_)
    filter_.link_to(sink)
    graph.configure()
    return graph


def _filtered(graph: Any, frame: Any) -> Iterator[Any]:
    graph.push(frame)
    while True:
        try:
            yield graph.pull()
        except (av().error.BlockingIOError, av().error.EOFError):
            return


# ---- animations and pictures


class Animation:
    """A GIF, WebP or APNG, read by Pillow; transparent places are over black."""

    def __init__(self, path: Path, part: Part) -> None:
        self.path, self.part, self.notes = path, part, []  # type: Path, Part, list[str]
        with self._open() as image:
            lasts = [self._lasts(image, number) for number in range(getattr(image, "n_frames", 1))]
            if len(lasts) == 1 and path.suffix.lower() != ".gif":
                raise FilmError(f"{printable(path)} is a picture, not a film; impasto paint paints it")
            width, height = _shrunk(image.width, image.height, part.size)
        total = sum(lasts, Fraction(0))
        self.facts = Facts(width, height, Fraction(1, 1000), len(lasts) / total, _left(total, part))

    def frames(self, passed: int = 0) -> Iterator[Frame]:
        time, found = Fraction(0), 0
        with self._open() as image:
            for number in range(getattr(image, "n_frames", 1)):
                lasts = self._lasts(image, number)
                inside = self.part.at(time)
                if inside is None:
                    break
                found += bool(inside)
                if inside and found > passed:
                    with foreign(self._unread):
                        clear = image.convert("RGBA")
                    solid = Image.new("RGBA", clear.size, (0, 0, 0, 255))
                    solid.alpha_composite(clear)
                    yield Frame(_sized(solid.convert("RGB"), self.facts), time - self.part.start, lasts)
                time += lasts
        if not found:
            raise FilmError(f"{printable(self.path)} has no frame from {float(self.part.start):g} s on")

    def _open(self) -> Any:
        with foreign(self._unread):
            return Image.open(self.path)

    def _unread(self, error: Exception) -> Exception:
        return FilmError(f"{printable(self.path)} cannot be read as an animation ({reason(error)})")

    def _lasts(self, image: Any, number: int) -> Fraction:
        with foreign(self._unread):
            image.seek(number)
            image.load()
            return Fraction(round(image.info.get("duration", 0)), 1000) or NO_TIME


class Pictures:
    """Pictures in a folder, sorted as people count, or those that a pattern names; all at the size of the first."""

    def __init__(self, path: Path, part: Part) -> None:
        self.path, self.part, self.notes = path, part, []  # type: Path, Part, list[str]
        self.files = files_of(path)
        if not self.files:
            raise FilmError(f"there is no picture in {printable(path)}")
        width, height = _shrunk(*pictures.size_of(self.files[0]), part.size)
        duration = _left(len(self.files) / part.fps, part)
        self.facts = Facts(width, height, 1 / part.fps, part.fps, duration)
        missing = _gaps(self.files)
        if missing:
            self.notes.append(f"note: {missing} of the numbers in {printable(path)} are missing; the others follow on")

    def frames(self, passed: int = 0) -> Iterator[Frame]:
        found = 0
        for number, file in enumerate(self.files):
            time = number / self.part.fps
            inside = self.part.at(time)
            if inside is None:
                return
            found += bool(inside)
            if inside and found > passed:
                photo = pictures.load(file)
                pixels = pictures.to_bytes(photo.pixels)
                if photo.opacity is not None:
                    pixels = pictures.to_bytes(photo.picture * pictures.unit(photo.opacity)[..., None])
                yield Frame(_sized(Image.fromarray(pixels), self.facts), time - self.part.start, 1 / self.part.fps)
        if not found:
            raise FilmError(f"{printable(self.path)} has no frame from {float(self.part.start):g} s on")


def files_of(path: Path) -> list[Path]:
    """The pictures of a folder or a pattern, in their order: 10 comes behind 9."""
    number = NUMBERED.search(path.name)
    folder = path.parent if number else path
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise FilmError(f"{printable(folder)} cannot be read ({reason(error)})") from error
    if number:
        before, behind = path.name[: number.start()], path.name[number.end() :]
        wanted = re.compile(re.escape(before) + rf"\d{{{number[1] or 1},}}" + re.escape(behind))
        names = [name for name in names if wanted.fullmatch(name)]
    found = [folder / name for name in names if not name.startswith(".") and formats.is_picture(Path(name))]
    return sorted(found, key=lambda file: _counted(file.name))


def _counted(name: str) -> list[tuple[int, str]]:
    """What names are sorted by: the numbers in them as numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _gaps(files: Sequence[Path]) -> int:
    """How many numbers are missing between the first and the last, if the names differ in their last number alone."""
    found = [re.fullmatch(r"(.*?)(\d+)\D*", file.name) for file in files]
    if not all(found) or len({each[1] for each in found if each}) > 1:
        return 0
    numbers = [int(each[2]) for each in found if each]
    return max(numbers) - min(numbers) + 1 - len(set(numbers))


def _sized(image: Image.Image, facts: Facts) -> Bytes:
    size = (facts.width, facts.height)
    return np.asarray(image if image.size == size else image.resize(size, Image.Resampling.LANCZOS))
