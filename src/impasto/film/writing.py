"""Painted frames -> parts of a film, each whole in a file of its own; parts -> the film.

A part has an encoder of its own, and no frame in it looks ahead of another (no B frames). So parts are joined by
copying their packets, and a part that is made again has the same bytes.
"""

from __future__ import annotations

import heapq
import io
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from impasto import limits, pictures
from impasto.errors import FilmError
from impasto.files import printable
from impasto.film import colour
from impasto.film.ffmpeg import av, exact, failing, reason
from impasto.film.reading import NUMBERED, Facts, Frame, Part
from impasto.film.sound import Along
from impasto.pictures import animation

KINDS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
ENCODERS = {
    "h264": "libx264",
    "hevc": "libx265",
    "vp9": "libvpx-vp9",
    "av1": "libsvtav1",
    "mpeg4": "mpeg4",
    "prores": "prores_ks",
    "ffv1": "ffv1",
}
AUTO = {"webm": ("vp9",)}  # what is tried in a container, one after the other
AUTO_ELSEWHERE = ("h264", "vp9", "mpeg4")
CODEC = limits.Choice(("auto", *ENCODERS))
CHROMA = limits.Choice(("420", "444"))
HOLDS = {"prores": "mov", "ffv1": "matroska"}  # the container of a part; mp4 for the others
FULL_CHROMA = {"h264": "yuv444p", "hevc": "yuv444p", "vp9": "yuv444p", "prores": "yuv444p10le", "ffv1": "yuv444p"}
EVEN = ("h264", "hevc", "av1")  # which take even sizes only, where colours are halved
THREADS = 4  # always the same number: what x264 writes depends on it
LARGEST_BASE = 65_535  # of MPEG-4, which counts time in 16 bits
MARKER = "painted by impasto"
UNITS = {".gif": Fraction(1, 100), ".webp": Fraction(1, 1000)}  # seconds; browsers slow GIFs of one unit a frame down
QUALITY_OF_WEBP = 90


@dataclass(frozen=True)
class Coding:
    """How a film is coded. ``quality`` is a CRF: 0 loses nothing, 18 is hard to tell from it, 51 is the worst."""

    codec: str = "auto"
    quality: int = 18
    chroma: str = "420"

    def __post_init__(self) -> None:
        CODEC.check("codec", self.codec)
        limits.CRF.check("quality", self.quality)
        CHROMA.check("chroma", self.chroma)


@dataclass(frozen=True)
class Made:
    """A part that is whole on the disk: its files with their sizes, and when its frames begin and how long they last.

    Times are whole numbers of the target's time base.
    """

    files: dict[str, int]
    times: list[int]
    lasts: list[int]


class Target(Protocol):
    """Where a film goes: it makes parts in a ``folder``, and of them the whole."""

    path: Path
    time_base: Fraction

    def part(self, folder: Path, number: int, first: int) -> Making: ...

    def join(self, folder: Path, parts: Sequence[Made], comment: str) -> list[str]:
        """Put the whole in its place, and give notes for people."""
        ...


class Making(Protocol):
    """A part on its way: frame ``first`` of the film is its first one."""

    def write(self, frame: Frame) -> None: ...

    def close(self) -> Made: ...

    def drop(self) -> None: ...


def target_of(path: Path, source: Path, facts: Facts, part: Part, coding: Coding, sound: bool, size: Any) -> Target:
    """The target that a path means; FilmError for one that cannot be a film, or where no encoder is there.

    ``size``: (width, height) of what is painted.
    """
    suffix = path.suffix.lower()
    if NUMBERED.search(path.name):
        pictures.check_target(numbered(path, 1), width=size[0], height=size[1])
        return Frames(path, facts.time_base, suffix)
    if suffix in KINDS:
        coder = encoder(KINDS[suffix], coding, size, facts)
        return Stream(path, source, facts, part, coder, sound)
    if suffix in animation.KINDS:
        animation.check_target(path, width=size[0], height=size[1])
        return Animated(path, facts.time_base, UNITS[suffix])
    if suffix and not os.path.isdir(path):
        known = ", ".join((*KINDS, *animation.KINDS))
        raise FilmError(
            f"{printable(path)} cannot be written as {suffix!r}; use one of {known}, a folder, or frame-%04d.png"
        )
    return Frames(path, facts.time_base, ".png")


# ---- films


@dataclass(frozen=True)
class Encoder:
    """An encoder that is there: its name, and how it is set."""

    codec: str
    name: str
    pixels: str
    options: dict[str, str]
    scale: int = 0
    even: bool = False

    def set(self, stream: Any, width: int, height: int, base: Fraction, rate: Fraction | None) -> None:
        """Set a stream, or an encoder's context, for frames of this size."""
        context = getattr(stream, "codec_context", stream)
        context.width, context.height, context.pix_fmt = width, height, self.pixels
        context.options = self.options
        context.time_base = base
        context.framerate = rate or Fraction(25)
        context.thread_count = THREADS
        colour.tag(context)
        if self.scale:
            context.qscale, context.global_quality = True, self.scale


def encoder(kind: str, coding: Coding, size: tuple[int, int], facts: Facts) -> Encoder:
    """The first encoder that works here for a container; FilmError where none does."""
    wanted = (coding.codec,) if coding.codec != "auto" else AUTO.get(kind, AUTO_ELSEWHERE)
    refused = ""
    for codec in wanted:
        try:
            found = _encoder(codec, coding)
            _try(found, kind, size, facts)
        except _refusals() as error:
            refused = refused or reason(error)
            continue
        return found
    raise FilmError(
        f"a {kind} film of {size[0]} x {size[1]} pixels cannot be coded with {' or '.join(wanted)} ({refused}); "
        "choose another --codec, --chroma, size or suffix"
    )


def _refusals() -> tuple[type[Exception], ...]:
    return FilmError, av().error.FFmpegError, ValueError, LookupError, OSError


def _encoder(codec: str, coding: Coding) -> Encoder:
    full, crf = coding.chroma == "444", str(coding.quality)
    if full and codec not in FULL_CHROMA:
        raise FilmError(f"{codec} has no full chroma here")
    pixels = FULL_CHROMA[codec] if full else "yuv422p10le" if codec == "prores" else "yuv420p"
    options = {
        "h264": {"crf": crf, "preset": "veryfast", "bf": "0"},
        "hevc": {"crf": crf, "preset": "veryfast", "x265-params": "bframes=0:log-level=none"},
        "vp9": {"crf": crf, "b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "1"},
        "av1": {"crf": crf, "preset": "10"},
        "mpeg4": {},
        "prores": {"profile": "4" if full else "3"},
        "ffv1": {"level": "3"},
    }[codec]
    scale = 118 * min(31, max(1, round((coding.quality - 9) / 3))) if codec == "mpeg4" else 0  # 118: FFmpeg's unit
    return Encoder(codec, ENCODERS[codec], pixels, options, scale, codec in EVEN and not full)


def _try(coder: Encoder, kind: str, size: tuple[int, int], facts: Facts) -> None:
    """Open the encoder: a list of names also has those whose hardware is missing. And ask the container."""
    width, height = coded(size, coder)
    context = av().CodecContext.create(coder.name, "w")
    coder.set(context, width, height, base_for(coder, facts.time_base), facts.rate)
    context.open()
    with av().open(io.BytesIO(), "w", format=kind) as trial:
        trial.add_stream(coder.name, rate=25)


def coded(size: tuple[int, int], coder: Encoder) -> tuple[int, int]:
    """The size (width, height) that is coded of what is painted: halved colours take even sizes only."""
    width, height = (side - side % 2 for side in size) if coder.even else size
    if not width or not height:
        raise FilmError(f"{size[0]} x {size[1]} pixels are too few for {coder.codec}")
    return width, height


def base_for(coder: Encoder, base: Fraction) -> Fraction:
    return Fraction(1, 1000) if coder.codec == "mpeg4" and base.denominator > LARGEST_BASE else base


@dataclass
class Stream:
    """A film in a container, with what goes along of its source."""

    path: Path
    source: Path
    facts: Facts
    wanted: Part
    coder: Encoder
    sound: bool

    def __post_init__(self) -> None:
        self.time_base = base_for(self.coder, self.facts.time_base)

    def part(self, folder: Path, number: int, first: int) -> Making:
        kind = HOLDS.get(self.coder.codec, "mp4")
        return Coded(folder / f"part-{number:05}.{kind}", kind, self.coder, self.time_base, self.facts.rate)

    def join(self, folder: Path, parts: Sequence[Made], comment: str) -> list[str]:
        kind = KINDS[self.path.suffix.lower()]
        whole = folder / f"whole{self.path.suffix}"
        options = {"movflags": "+faststart"} if kind in ("mp4", "mov") else {}
        with failing(self.path, "written"), ExitStack() as open_:
            out = open_.enter_context(
                av().open(
                    str(whole),
                    "w",
                    format=kind,
                    options={"fflags": "+bitexact", "avoid_negative_ts": "disabled", **options},
                )
            )
            model = open_.enter_context(av().open(str(folder / next(iter(parts[0].files)))))
            film = out.add_stream_from_template(model.streams.video[0], opaque=True)  # needs no encoder
            film.time_base = self.time_base
            along = Along(self.source, out, kind, self.facts, self.wanted)
            is_file = os.path.isfile(self.source) and self.source.suffix.lower() not in animation.KINDS
            others = along.packets(sound=self.sound) if is_file else iter(())
            out.metadata["comment"] = comment
            out.start_encoding()
            for packet in heapq.merge(self._packets(folder, parts, film), others, key=_begins):
                out.mux(packet)
        put(whole, self.path)
        return along.notes

    def _packets(self, folder: Path, parts: Sequence[Made], film: Any) -> Iterator[Any]:
        """The packets of all parts, each frame at its own time."""
        for made in parts:
            with av().open(str(folder / next(iter(made.files)))) as container:
                packets = (packet for packet in container.demux(video=0) if packet.size)
                for packet, time, lasts in zip(packets, made.times, made.lasts, strict=True):
                    packet.stream = film
                    packet.time_base = self.time_base
                    packet.pts = packet.dts = time
                    packet.duration = lasts
                    yield packet


def _begins(packet: Any) -> Fraction:
    return (packet.dts or 0) * (exact(packet.time_base) or Fraction(1))


class Coded:
    """A part of a film in a file of its own."""

    def __init__(self, path: Path, kind: str, coder: Encoder, base: Fraction, rate: Fraction | None) -> None:
        self.path, self.kind, self.coder, self.base, self.rate = path, kind, coder, base, rate
        self._unfinished = path.with_name(f"unfinished-{path.name}")
        self._colours = colour.Writer(coder.pixels)
        self._container: Any = None
        self._times: list[int] = []
        self._lasts: list[int] = []

    def write(self, frame: Frame) -> None:
        height, width = frame.pixels.shape[:2]
        width, height = coded((width, height), self.coder)
        with failing(self.path, "written"):
            if self._container is None:
                self._open(width, height)
            made = self._colours.frame(frame.pixels[:height, :width])
            time = round(frame.time / self.base)
            self._times.append(time)
            self._lasts.append(max(1, round((frame.time + frame.lasts) / self.base) - time))
            made.time_base, made.pts, made.duration = self.base, time - self._times[0], self._lasts[-1]
            self._container.mux(self._stream.encode(made))

    def _open(self, width: int, height: int) -> None:
        self._container = av().open(str(self._unfinished), "w", format=self.kind)
        self._stream = self._container.add_stream(self.coder.name, rate=self.rate or 25)
        self.coder.set(self._stream, width, height, self.base, self.rate)

    def close(self) -> Made:
        with failing(self.path, "written"):
            self._container.mux(self._stream.encode(None))
            self._container.close()
            return Made({self.path.name: put(self._unfinished, self.path)}, self._times, self._lasts)

    def drop(self) -> None:
        """Forget the part; its file is left, and overwritten next time."""
        if self._container is not None:
            with suppress(*_refusals()):
                self._container.close()
        self._unfinished.unlink(missing_ok=True)


def put(made: Path, path: Path) -> int:
    """Put a file that is ready into its place, once it is on the disk; how many bytes it has."""
    with open(made, "rb+") as file:
        os.fsync(file.fileno())
        size = os.fstat(file.fileno()).st_size
    if path.exists():
        shutil.copymode(path, made)
    os.replace(made, os.path.realpath(path))
    return size


# ---- pictures


def numbered(path: Path, number: int) -> Path:
    """The picture of this number, counted from 1, for a folder or a pattern."""
    found = NUMBERED.search(path.name)
    if found is None:
        return path / f"frame-{number:04}.png"
    return path.with_name(f"{path.name[: found.start()]}{number:0{found[1] or 1}}{path.name[found.end() :]}")


@dataclass
class Frames:
    """Numbered pictures, in a folder or after a pattern."""

    path: Path
    time_base: Fraction
    suffix: str

    def part(self, folder: Path, number: int, first: int) -> Making:
        return Drawn(folder, first, self.suffix, self.time_base)

    def join(self, folder: Path, parts: Sequence[Made], comment: str) -> list[str]:
        files = [folder / name for made in parts for name in made.files]
        with failing(self.path, "written"):
            numbered(self.path, 1).parent.mkdir(exist_ok=True)
            for number, file in enumerate(files, 1):
                place = numbered(self.path, number)
                copy = file.with_name("unfinished-copy")
                copy.unlink(missing_ok=True)
                try:
                    os.link(file, copy)  # the parts stay until all is in its place
                except OSError:
                    shutil.copyfile(file, copy)
                os.replace(copy, place)
            number = len(files) + 1
            while pictures.made_by_impasto(numbered(self.path, number)):  # of a longer film painted before
                numbered(self.path, number).unlink()
                number += 1
        return []


@dataclass
class Animated:
    """A GIF or an animated WebP."""

    path: Path
    time_base: Fraction
    unit: Fraction  # that it counts time in, seconds

    def part(self, folder: Path, number: int, first: int) -> Making:
        return Drawn(folder, first, ".png", self.time_base)

    def join(self, folder: Path, parts: Sequence[Made], comment: str) -> list[str]:
        files = [folder / name for made in parts for name in made.files]
        times = [time * self.time_base for made in parts for time in made.times]
        kept = paced(times, 2 * self.unit)
        end = (parts[-1].times[-1] + parts[-1].lasts[-1]) * self.time_base
        stops = [round((time - times[0]) / self.unit) for time in (*(times[index] for index in kept), end)]
        lasts = [max(1, stop - start) * int(1000 * self.unit) for start, stop in pairwise(stops)]
        shown = (pictures.load(files[index]).picture for index in kept)
        notes = animation.save(shown, self.path, durations=lasts, quality=QUALITY_OF_WEBP)
        left = len(times) - len(kept)
        more = (f"note: {left} frames were left out: {self.path.suffix} shows at most {1 / (2 * self.unit)} a second",)
        return [*notes, *(more if left else ())]


def paced(times: Sequence[Fraction], least: Fraction) -> list[int]:
    """Which of these frames are shown, if none may follow another sooner than ``least``."""
    kept: list[int] = []
    for index, time in enumerate(times):
        if not kept or time - times[kept[-1]] >= least:
            kept.append(index)
    return kept


class Drawn:
    """A part as pictures."""

    def __init__(self, folder: Path, first: int, suffix: str, base: Fraction) -> None:
        self.folder, self.first, self.suffix, self.base = folder, first, suffix, base
        self._made = Made({}, [], [])

    def write(self, frame: Frame) -> None:
        path = self.folder / f"frame-{self.first + len(self._made.times):06}{self.suffix}"
        time = round(frame.time / self.base)
        pictures.save(frame.pixels, path)
        self._made.files[path.name] = path.stat().st_size
        self._made.times.append(time)
        self._made.lasts.append(max(1, round((frame.time + frame.lasts) / self.base) - time))

    def close(self) -> Made:
        return self._made

    def drop(self) -> None:
        """Forget the part; its pictures are left, and overwritten next time."""


# ---- what is there already


def is_folder(path: Path) -> bool:
    """Whether frames go into numbered pictures: a folder, or a pattern."""
    return os.path.isdir(path) or not path.suffix or NUMBERED.search(path.name) is not None


def made_by_impasto(path: Path) -> bool:
    """Whether this is a film, or an animation, that impasto painted."""
    if path.suffix.lower() not in KINDS:
        return pictures.made_by_impasto(path)
    try:
        with av().open(os.path.abspath(path), metadata_errors="replace") as container:
            return MARKER in {key.lower(): text for key, text in container.metadata.items()}.get("comment", "")
    except _refusals():
        return False
