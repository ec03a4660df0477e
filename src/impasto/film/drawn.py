"""Painted frames -> numbered pictures, GIFs and animated WebPs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from impasto import pictures
from impasto.errors import FilmError, foreign
from impasto.files import printable
from impasto.film.facts import Frame
from impasto.film.ffmpeg import reason
from impasto.film.parts import Made, Making
from impasto.film.stills import NUMBERED
from impasto.pictures import animation

UNITS = {".gif": Fraction(1, 100), ".webp": Fraction(1, 1000)}  # seconds; browsers slow GIFs of one unit a frame down
QUALITY_OF_WEBP = 90


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

    @property
    def notes(self) -> list[str]:
        return []

    def part(self, folder: Path, number: int, first: int) -> Making:
        return Drawn(folder, first, self.suffix, self.time_base)

    def join(self, folder: Path, parts: Sequence[Made], comment: str) -> list[str]:
        files = [folder / name for made in parts for name in made.files]
        with foreign(self._unwritten):
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

    def _unwritten(self, error: Exception) -> Exception | None:
        refused = isinstance(error, OSError)
        return FilmError(f"{printable(self.path)} cannot be written ({reason(error)})") if refused else None


@dataclass
class Animated:
    """A GIF or an animated WebP."""

    path: Path
    time_base: Fraction
    unit: Fraction  # that it counts time in, seconds

    @property
    def notes(self) -> list[str]:
        return []

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
