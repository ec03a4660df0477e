"""Cameras of this computer -> frames, by FFmpeg. Knows no files.

The page of ``impasto live`` asks the browser for a camera; these are for who wants one without it.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.errors import FilmError, attempt
from impasto.film import colour
from impasto.film.colour import Bytes
from impasto.film.ffmpeg import av, reason, refusals

SYSTEMS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}  # FFmpeg's name for its cameras
ADDRESSES = {"avfoundation": "{}:none", "dshow": "video={}"}  # and no microphone
SIZE = "640x480"  # which all cameras know; more is shrunk anyway
RATES = ("30", "25", "15")  # a second; Macs refuse each rate that is not on a camera's own list
PATIENCE = 10.0  # seconds that a camera may be away
PAUSE = 0.5  # seconds between two tries to open it again
SHORT = 0.005  # seconds until a camera that has nothing yet is asked again


@dataclass(frozen=True)
class Named:
    """A camera: its number in the list, its name for people, and what FFmpeg opens."""

    number: int
    name: str
    address: str


def listed() -> list[Named]:
    """The cameras of this computer; MissingExtraError without PyAV."""
    system = _system()
    package = av()
    devices: list[Any] = attempt(lambda: list(package.enumerate_input_devices(system)), []) if system else []
    pairs = [(each.name, each.description or each.name) for each in devices if _films(each)]
    if system == "v4l2":
        pairs = [(address, name) for address, name in pairs if _captures(address)]
    form = ADDRESSES.get(system or "", "{}")
    return [Named(number, name, form.format(address)) for number, (address, name) in enumerate(pairs)]


def _films(device: Any) -> bool:
    kinds = [str(kind) for kind in getattr(device, "media_types", None) or ["video"]]
    return "video" in kinds


def _captures(address: str) -> bool:
    """Whether a device of Linux gives pictures: each camera has others, for what is known of its pictures."""
    index = Path("/sys/class/video4linux") / Path(address).name / "index"
    return attempt(lambda: index.read_text().strip() == "0", True)


def _system() -> str | None:
    return SYSTEMS.get(sys.platform)


def named(which: str) -> Named:
    """The camera with this number, name, or part of a name; FilmError where there is none, or more than one."""
    found = listed()
    if not found:
        raise FilmError(
            f"there is no camera {which!r} here, nor any other; without --camera the page asks the browser for one"
        )
    if re.fullmatch(r"[0-9]+", which):
        fitting = [each for each in found if each.number == int(which)]
    else:
        fitting = [each for each in found if which in (each.name, each.address)]
        fitting = fitting or [each for each in found if which.lower() in each.name.lower()]
    if len(fitting) != 1:
        names = ", ".join(f"{each.number} ({each.name})" for each in found)
        raise FilmError(f"{'several cameras are' if fitting else 'no camera is'} called {which!r}; there are {names}")
    return fitting[0]


class Camera:
    """An open camera; FilmError for one that cannot be opened."""

    def __init__(self, which: Named) -> None:
        self.which, self.name = which, which.name
        self._container = self._opened()

    def frames(self, ended: Callable[[], bool], say: Callable[[str], None]) -> Iterator[Bytes]:
        """Its frames as they come, (h, w, 3), uint8, until ``ended``. One that is away is waited for.

        FilmError when it stays away.
        """
        lost: float | None = None
        while not ended():
            why = "it was unplugged, perhaps"
            try:
                for pixels in self._frames(ended):
                    lost = None
                    yield pixels
            except refusals() as error:
                why = reason(error)
            self.close()
            if ended():
                return
            if lost is None:
                lost = time.monotonic()
                say(f"the camera {self.name} does not answer ({why}); waiting for it")
            if time.monotonic() - lost > PATIENCE:
                raise FilmError(f"the camera {self.name} is gone ({why}); plug it in, and start again")
            time.sleep(PAUSE)

    def close(self) -> None:
        """Let go of the camera; what comes next opens it again."""
        if self._container is not None:
            container, self._container = self._container, None
            container.close()

    def _frames(self, ended: Callable[[], bool]) -> Iterator[Bytes]:
        if self._container is None:
            self._container = self._opened()
        stream, reader = self._container.streams.video[0], None
        while not ended():
            try:
                frames = next(self._container.demux(stream)).decode()
            except av().error.BlockingIOError:  # nothing yet
                time.sleep(SHORT)
                continue
            except StopIteration:
                return
            for frame in frames[-1:]:
                if reader is None or reader.size != (frame.width, frame.height):
                    reader = colour.Reader.of(frame, (frame.width, frame.height))
                yield reader.pixels(frame)

    def _opened(self) -> Any:
        tries: list[dict[str, str]] = [{"framerate": rate, "video_size": SIZE} for rate in RATES]
        tries += [{"framerate": rate} for rate in RATES] + [{}]
        why = ""
        for options in tries:
            try:
                container = av().open(self.which.address, format=_system(), options=options)
            except refusals() as error:
                why = why or reason(error)
                continue
            if container.streams.video:
                return container
            container.close()
        raise FilmError(
            f"the camera {self.name} cannot be opened ({why or 'it gives no pictures'}); another program may use it, "
            "or this one may not be allowed to"
        )
