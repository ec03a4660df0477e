"""Files -> frames with their times: films by FFmpeg, and what ``stills`` reads. The same file gives the same frames."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from impasto import limits
from impasto.errors import FilmError
from impasto.files import printable
from impasto.film import colour
from impasto.film.facts import FPS, Facts, Film, Frame, Part, left_of, shrunk
from impasto.film.ffmpeg import av, exact, failing, reason, to_read
from impasto.film.stills import ANIMATED, NUMBERED, Animation, Pictures
from impasto.pictures import formats

NOT_FILMS = ("tty", "image2")  # what FFmpeg takes text and pictures for
PROMISING = ("mov", "matroska", "flv", "asf")  # formats of which FFmpeg knows how long they were
MISSING = Fraction(1, 2)  # seconds that may be missing of that without a word, or as many as a frame lasts
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # of which a path keeps one slash; C:/ is a drive
FILMS = (
    ".mp4",
    ".m4v",
    ".mov",
    ".mkv",
    ".webm",
    ".avi",
    ".mts",
    ".m2ts",
    ".ts",
    ".3gp",
    ".wmv",
    ".flv",
    ".mpg",
    ".ogv",
)


def opened(source: str | os.PathLike[str], part: Part = Part()) -> Film:  # noqa: B008 (it is frozen)
    """A film, an animation (GIF, WebP, APNG), a folder of pictures, or a pattern such as frame-%04d.png.

    Raises FilmError for what is none, MissingExtraError where PyAV is needed and missing.
    """
    path = Path(source)
    if ADDRESS.match(os.fspath(source)) and not os.path.exists(path):
        address = printable(source).replace(":/", "://").replace(":///", "://")
        raise FilmError(f"{address} is an address; save the film in a file, and name that")
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


@dataclass
class _Rest:
    """What is left of a film that ends at a ``promised`` moment, and how long it may be without a word."""

    promised: Fraction | None
    begin: Fraction = Fraction(0)
    usual: Fraction = MISSING

    def without(self, time: Fraction, lasts: Fraction) -> None:
        """A frame less."""
        self.usual, self.begin = max(self.usual, lasts, time - self.begin + lasts), time + lasts


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
            self._promised = _promised(container, stream, self.facts.origin)
            self._first = first
        self.notes.clear()
        self._dropped = self._broken = 0
        if self.facts.hdr:
            self.notes.append(f"note: the film is HDR ({self.facts.hdr}); the painting is not")

    def frames(self, passed: int = 0) -> Iterator[Frame]:
        facts, part = self.facts, self.part
        reader = colour.Reader.of(self._first, self._size)
        usual, found, rest = 1 / (facts.rate or FPS), 0, _Rest(self._promised)
        with failing(self.path, "read"), self._open() as container:
            stream = container.streams[self._number]
            if part.start:
                goal = (part.start + facts.origin) / facts.time_base
                container.seek(int(goal), stream=stream)
            for frame, time in self._timed(container, stream, usual):
                inside = part.at(time)
                if inside is None:
                    rest.promised = None  # it is not wanted
                    break
                lasts = Fraction(frame.duration) * exact_or(frame.time_base, facts.time_base) or usual
                rest.without(time, lasts)
                if not inside:
                    continue
                found += 1
                if found > passed:
                    yield Frame(reader.pixels(frame), time - part.start, lasts)
        if not found:
            raise FilmError(f"{printable(self.path)} has no frame from {float(part.start):g} s on; it ends before")
        self._sum_up(rest)

    def _sum_up(self, rest: _Rest) -> None:
        """Notes of what is missing."""
        if rest.promised is not None and rest.promised - rest.begin > rest.usual:
            there, whole = f"{float(rest.begin):.1f}", f"{float(rest.promised):.1f}"
            self.notes.append(f"{printable(self.path)} is cut off: {there} of its {whole} seconds are there")
        if self._broken:
            self.notes.append(f"{printable(self.path)} is damaged: {self._broken} of its packets could not be decoded")
        if self._dropped:
            self.notes.append(f"note: {self._dropped} frames whose time went back, or stood still, were left out")

    def _open(self) -> Any:
        name = printable(self.path)
        with failing(self.path, "read as a film"):
            container = to_read(self.path)
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
                if packet is not None and packet.has_sidedata("encryption_info"):
                    raise FilmError(f"{printable(self.path)} is encrypted; give a film that is not")
                frames = stream.decode(None) if packet is None else packet.decode()
                whole = packet is None or packet.size == 0  # the last one, which asks for what is held back
            except av().error.FFmpegError as error:
                if isinstance(error, av().error.DecoderNotFoundError):
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
    width, height = shrunk(width, height, part.size)
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
        rate=_rate(stream),
        duration=left_of(duration, part),
        origin=max(Fraction(0), min(starts, default=Fraction(0))),
        hdr=colour.HDR.get(first.color_trc, ""),
    )
    return facts, (width, height)


def _promised(container: Any, stream: Any, origin: Fraction) -> Fraction | None:
    """The moment at which a file says that its film ends, in seconds from the 0 of frames; None where it does not say.

    Without sound the file's own length is the film's; with sound that may be longer than the picture.
    """
    if container.format.name.partition(",")[0] not in PROMISING:  # FFmpeg guesses the length of others
        return None
    base, zero = exact(stream.time_base), int(stream.start_time or 0)
    said = [Fraction(container.duration, av().time_base)] if container.duration else []
    if stream.duration and base:
        return min([(zero + int(stream.duration)) * base - origin, *said])  # a cut may be shorter than its packets
    words = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    if words:
        return 3600 * Fraction(words[1]) + 60 * Fraction(words[2]) + Fraction(words[3]) - origin
    return None if container.streams.audio or not said else said[0]


def _rate(stream: Any) -> Fraction | None:
    """Frames a second, as far as the file knows; some have the ticks of their clock there."""
    found = exact(stream.average_rate) or exact(stream.guessed_rate)
    return found if found is not None and limits.RATE.allows(float(found)) else None


def codec_of(stream: Any) -> str:
    return getattr(getattr(stream, "codec_context", None), "name", None) or "an unknown codec"


def exact_or(number: Any, otherwise: Fraction) -> Fraction:
    return exact(number) or otherwise


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
