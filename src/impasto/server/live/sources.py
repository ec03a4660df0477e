"""What is looked at, as frames that come when they come: a camera of this computer, or a film in its own time.

A third one needs nothing here: the page's own camera, whose frames the page sends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from impasto.errors import FilmError
from impasto.files import printable
from impasto.film import cameras, reading, stills
from impasto.film.colour import Bytes
from impasto.film.facts import Part

Say = Callable[[str], None]


class Source(Protocol):
    """Something that gives frames: its kind and name for people, and the frames, until it is ``over``."""

    kind: str
    name: str

    def frames(self, over: threading.Event, say: Say) -> Iterator[Bytes]: ...


class Played:
    """A film that is seen in its own time: what nobody is quick enough for passes by."""

    kind = "film"

    def __init__(self, path: Path, side: int) -> None:
        self.name, self._film = path.name, reading.opened(path, Part(size=side))

    def frames(self, over: threading.Event, say: Say) -> Iterator[Bytes]:
        begin = time.monotonic()
        for frame in self._film.frames():
            wait = begin + float(frame.time) - time.monotonic()
            begin -= min(0.0, wait)  # decoding was too slow: the film takes longer
            if over.wait(max(0.0, wait)):
                return
            yield frame.pixels
        over.wait(float(frame.lasts))
        for note in self._film.notes:
            say(note)


class Watched:
    """A camera of this computer."""

    kind = "camera"

    def __init__(self, which: cameras.Named) -> None:
        self.name, self._camera = which.name, cameras.Camera(which)

    def frames(self, over: threading.Event, say: Say) -> Iterator[Bytes]:
        try:
            yield from self._camera.frames(over.is_set, say)
        finally:
            self._camera.close()


def opened(which: str, side: int) -> Source:
    """The camera with this number or name, or the film in this file; FilmError where there is none."""
    if not which.strip():
        raise FilmError("the camera has no name; give a number, a name or a film")
    if "://" in which:
        raise FilmError(f"{printable(which)} is an address; --camera takes cameras of this computer and films in files")
    return Played(Path(which), side) if _is_file(which) else Watched(cameras.named(which))


def _is_file(which: str) -> bool:
    path = Path(which)
    if which.isdecimal() or path.is_char_device():  # as /dev/video0
        return False
    return path.exists() or path.suffix.lower() in (*reading.FILMS, *stills.ANIMATED) or "/" in which or "%" in which
