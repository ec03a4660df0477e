"""What a film is made of on its way: parts, each whole on the disk. Knows neither codecs nor pictures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from impasto.film.facts import Frame


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

    @property
    def notes(self) -> list[str]:
        """What people should know before the work."""
        ...

    def part(self, folder: Path, number: int, first: int) -> Making: ...

    def join(self, folder: Path, parts: Sequence[Made], comment: str) -> list[str]:
        """Put the whole in its place, and give notes for people."""
        ...


class Making(Protocol):
    """A part on its way: frame ``first`` of the film is its first one."""

    def write(self, frame: Frame) -> None: ...

    def close(self) -> Made: ...

    def drop(self) -> None: ...


def put(made: Path, path: Path) -> int:
    """Put a file that is ready into its place, once it is on the disk; how many bytes it has."""
    with open(made, "rb+") as file:
        os.fsync(file.fileno())
        size = os.fstat(file.fileno()).st_size
    if path.exists():
        shutil.copymode(path, made)
    os.replace(made, os.path.realpath(path))
    return size
