"""The folder beside a film that is on its way: its parts, and what the frames behind them depend on."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from impasto import files
from impasto.errors import FilmError, attempt
from impasto.files import printable
from impasto.film import stills
from impasto.film.parts import Made

STATE = "state.json"
LOCK = "lock"
OURS = re.compile(r"(part|after|frame|whole|unfinished)\b.*|state\.json|\.[0-9a-f]+\.impasto")  # what is made in it
SAMPLE = 1 << 20  # bytes at the beginning, in the middle and at the end of a source that its digest is of


def folder_of(target: Path) -> Path:
    """The folder beside a target in which its parts lie until it is whole."""
    return target.with_name(f".{target.name}.parts")


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
        parts = attempt(lambda: [self._read(number) for number in range(found["parts"])], [])
        for made in parts:
            for name, size in made.files.items():
                file = self.folder / name
                if not file.is_file() or file.stat().st_size != size:
                    return
        state = attempt(lambda: _copies(load((self.folder / found["state"]).read_bytes())), None)
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
        files.write_atomically(self.folder / _listed(len(self.parts)), json.dumps(asdict(made)).encode())
        self.parts.append(made)
        self._keep(name)
        if len(self.parts) > 1:
            (self.folder / f"after-{len(self.parts) - 2:05}.safetensors").unlink(missing_ok=True)

    def end(self) -> None:
        """All frames are painted."""
        self.whole = True
        self._keep(f"after-{len(self.parts) - 1:05}.safetensors")

    def _keep(self, state: str) -> None:
        found = {"recipe": self.recipe, "state": state, "whole": self.whole, "parts": len(self.parts)}
        files.write_atomically(self.folder / STATE, json.dumps(found).encode())

    def _clear(self) -> None:
        for each in sorted(self.folder.iterdir(), reverse=True):  # the state first
            if OURS.match(each.name):
                each.unlink()

    def over(self) -> None:
        """The film is whole: nothing of this is needed any more."""
        with suppress(OSError):  # it costs room, and no film
            self._clear()

    def _read(self, number: int) -> Made:
        return Made(**json.loads((self.folder / _listed(number)).read_bytes()))


def _copies(arrays: dict[str, Any]) -> dict[str, Any]:
    """Arrays in memory of their own, aligned as numpy does: last bits may depend on it."""
    return {name: np.array(value) for name, value in arrays.items()}


def _listed(number: int) -> str:
    """The file that says what a part is made of."""
    return f"part-{number:05}.json"


@contextmanager
def locked(target: Path) -> Iterator[Path]:
    """The folder of a target's parts, made if it is missing, while no other process paints or records this film."""
    folder = folder_of(target)
    try:
        folder.mkdir(exist_ok=True)
        lock = open(folder / LOCK, "wb")
    except OSError as error:
        raise FilmError(f"{printable(folder)} cannot be made for the parts of the film ({error.strerror})") from error
    with lock:
        try:
            files.hold(lock)
        except OSError as error:
            raise FilmError(
                f"another process is painting this film, {printable(target)}; wait for its end, or name another file"
            ) from error
        try:
            yield folder
        finally:
            if sys.platform == "win32":
                lock.close()  # there an open file cannot be removed
            with suppress(OSError):  # nothing was painted: nothing is left
                if set(os.listdir(folder)) <= {LOCK}:
                    (folder / LOCK).unlink()
                    folder.rmdir()


def digest_of(source: str | os.PathLike[str]) -> str:
    """What a source is known by: its length and three samples of its bytes; for pictures their names and lengths."""
    path = Path(source)
    found = hashlib.sha256()
    if not path.is_file():
        for file in stills.files_of(path):
            found.update(f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}\n".encode())
        return found.hexdigest()
    with open(path, "rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        for place in (0, max(0, size // 2), max(0, size - SAMPLE)):
            opened.seek(place)
            found.update(opened.read(SAMPLE))
    return f"{size}-{found.hexdigest()}"


def digest_of_mask(mask: Any) -> str:
    if isinstance(mask, str | os.PathLike):
        return attempt(lambda: digest_of(mask), str(mask))  # one that is missing is said where it is read
    return hashlib.sha256(np.ascontiguousarray(mask).tobytes()).hexdigest()
