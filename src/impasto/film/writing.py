"""Painted frames -> parts of a film, each whole in a file of its own; parts -> the film.

A part has an encoder of its own, and no frame in it looks ahead of another (no B frames). So parts are joined by
copying their packets, and a part that is made again has the same bytes.
"""

from __future__ import annotations

import heapq
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from impasto import pictures
from impasto.errors import FilmError
from impasto.files import printable
from impasto.film import colour
from impasto.film.coding import NO_CRF, Coding, Encoder, base_for, coded, encoder
from impasto.film.drawn import UNITS, Animated, Frames, numbered
from impasto.film.facts import FPS, Facts, Frame, Part
from impasto.film.ffmpeg import av, exact, failing, refusals, to_read
from impasto.film.parts import Made, Making, Target, put
from impasto.film.sound import Along
from impasto.film.stills import NUMBERED
from impasto.pictures import animation

KINDS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
ROOM = 1 << 20  # bytes: with less the disk is full
HOLDS = {"prores": "mov", "ffv1": "matroska"}  # the container of a part; mp4 for the others
MARKER = "painted by impasto"


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


def unused(target: Target, coding: Coding) -> list[str]:
    """A note that names what was asked for of the coding and has no effect on this target."""
    takes: tuple[str, ...] = ("codec", "quality", "chroma") if isinstance(target, Stream) else ()
    if isinstance(target, Stream) and target.coder.codec in NO_CRF:
        takes = ("codec", "chroma")
    lost = [f"--{name}" for name in coding.asked if name not in takes]
    kind = target.coder.codec if isinstance(target, Stream) else target.path.suffix or "a folder of pictures"
    return [f"note: {' and '.join(lost)} {'have' if lost[1:] else 'has'} no effect on {kind}"] if lost else []


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

    @property
    def notes(self) -> list[str]:
        size = (self.facts.width, self.facts.height)
        width, height = coded(size, self.coder)
        if (width, height) == size:
            return []
        return [f"note: {self.coder.codec} takes even sizes: {size[0]} x {size[1]} become {width} x {height} pixels"]

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
            if self.coder.codec == "hevc" and kind != "matroska":
                film.codec_context.codec_tag = "hvc1"  # Apple's players take no other
            along = Along(self.source, out, kind, self.facts, self.wanted)
            is_file = os.path.isfile(self.source) and self.source.suffix.lower() not in animation.KINDS
            others = along.packets(sound=self.sound) if is_file else iter(())
            out.metadata["comment"] = comment
            out.start_encoding()
            broken = 0
            for packet in heapq.merge(self._packets(folder, parts, film), others, key=_begins):
                own = packet.stream is film
                try:
                    out.mux(packet)
                except av().error.FFmpegError:
                    if own or shutil.disk_usage(folder).free < ROOM:
                        raise
                    broken += 1
        if broken:
            along.notes.append(f"{printable(self.source)} is damaged: {broken} packets of sound or words were left out")
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
        self._stream = self._container.add_stream(self.coder.name, rate=self.rate or FPS)
        self.coder.set(self._stream, width, height, self.base, self.rate)

    def close(self) -> Made:
        with failing(self.path, "written"):
            self._container.mux(self._stream.encode(None))
            self._container.close()
            return Made({self.path.name: put(self._unfinished, self.path)}, self._times, self._lasts)

    def drop(self) -> None:
        """Forget the part; its file is left, and overwritten next time."""
        if self._container is not None:
            with suppress(*refusals()):
                self._container.close()
        self._unfinished.unlink(missing_ok=True)


def is_folder(path: Path) -> bool:
    """Whether frames go into numbered pictures: a folder, or a pattern."""
    return os.path.isdir(path) or not path.suffix or NUMBERED.search(path.name) is not None


def made_by_impasto(path: Path) -> bool:
    """Whether this is a film, or an animation, that impasto painted."""
    if path.suffix.lower() not in KINDS:
        return pictures.made_by_impasto(path)
    try:
        with to_read(path) as container:
            return MARKER in {key.lower(): text for key, text in container.metadata.items()}.get("comment", "")
    except refusals():
        return False
