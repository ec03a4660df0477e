"""Animations, folders and numbered pictures -> frames with their times, by Pillow."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from impasto import pictures
from impasto.errors import FilmError, foreign
from impasto.files import printable
from impasto.film.colour import Bytes
from impasto.film.facts import Facts, Frame, Part, left_of, shrunk
from impasto.film.ffmpeg import reason
from impasto.pictures import formats

ANIMATED = (".gif", ".webp", ".png", ".apng")  # which Pillow reads, frame times and all
NO_TIME = Fraction(1, 10)  # how long browsers show a frame of a GIF that says 0
NUMBERED = re.compile(r"%0?(\d*)d")


class Animation:
    """A GIF, WebP or APNG, read by Pillow; transparent places are over black."""

    def __init__(self, path: Path, part: Part) -> None:
        self.path, self.part, self.notes = path, part, []  # type: Path, Part, list[str]
        with self._open() as image:
            lasts = [self._lasts(image, number) for number in range(self._count(image))]
            if len(lasts) == 1 and path.suffix.lower() != ".gif":
                raise FilmError(f"{printable(path)} is a picture, not a film; impasto paint paints it")
            width, height = shrunk(image.width, image.height, part.size)
        total = sum(lasts, Fraction(0))
        self.facts = Facts(width, height, Fraction(1, 1000), len(lasts) / total, left_of(total, part))

    def frames(self, passed: int = 0) -> Iterator[Frame]:
        time, found = Fraction(0), 0
        with self._open() as image:
            for number in range(self._count(image)):
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

    def _count(self, image: Any) -> int:
        with foreign(self._unread):
            return int(getattr(image, "n_frames", 1))

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
        width, height = shrunk(*pictures.size_of(self.files[0]), part.size)
        duration = left_of(len(self.files) / part.fps, part)
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
