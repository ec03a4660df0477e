"""Frames, as they come, into a film that can be watched whatever ends it: a power cut takes its last second.

The file is MPEG-4 in fragments, each with all that a player needs. Closed in peace it becomes an ordinary one.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path
from typing import Any

from impasto.errors import FilmError
from impasto.files import printable
from impasto.film import colour
from impasto.film.coding import Coding, Encoder, coded, encoder
from impasto.film.colour import Bytes
from impasto.film.facts import Facts
from impasto.film.ffmpeg import av, failing
from impasto.film.masks import resized
from impasto.film.writing import MARKER

KINDS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov"}
BASE = Fraction(1, 90_000)  # seconds
FRAGMENT = 15  # frames: what a power cut takes at most
QUICK = {
    "h264": {"preset": "superfast", "tune": "zerolatency"},
    "vp9": {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"},
}
SURVIVES = {"movflags": "hybrid_fragmented+frag_keyframe", "flush_packets": "1"}


def check(path: Path) -> None:
    """FilmError for a name that is no such film's; MissingExtraError without PyAV."""
    if path.suffix.lower() not in KINDS:
        raise FilmError(f"{printable(path)} cannot be recorded; name a file that ends in {', '.join(KINDS)}")
    av()


class Recorder:
    """A film of frames of one ``size`` (width, height), begun with the first frame that is written.

    FilmError for what ``check`` refuses, and where no encoder is there.
    """

    def __init__(self, path: Path, size: tuple[int, int], comment: str = "", quality: int = 18) -> None:
        check(path)
        self.path, self.seconds = path, 0.0
        self._size, self._comment = size, comment
        facts = Facts(*size, time_base=BASE, rate=None, duration=None)
        found = encoder(KINDS[path.suffix.lower()], Coding(quality=quality), size, facts)
        self._coder: Encoder = dataclasses.replace(found, options={**found.options, **QUICK.get(found.codec, {})})
        self._colours = colour.Writer(found.pixels)
        self._container: Any = None
        self._last = -1
        self._begin = 0.0
        self.frames = 0

    def write(self, pixels: Bytes, time: float) -> None:
        """The frame (h, w, 3), uint8, that is seen from ``time`` on, in seconds; it is brought to the film's size."""
        size = coded(self._size, self._coder)
        if pixels.shape[1::-1] != self._size:
            pixels = resized(pixels, self._size)
        with failing(self.path, "written"):
            if self._container is None:
                self._open(size, time)
            made = self._colours.frame(pixels[: size[1], : size[0]])
            self._last = max(self._last + 1, round((time - self._begin) / BASE))
            made.time_base, made.pts = BASE, self._last
            self._container.mux(self._stream.encode(made))
        self.seconds, self.frames = float(self._last * BASE), self.frames + 1

    def _open(self, size: tuple[int, int], time: float) -> None:
        kind = KINDS[self.path.suffix.lower()]
        self._container = av().open(str(self.path), "w", format=kind, options=SURVIVES)
        self._container.metadata["comment"] = f"{MARKER} {self._comment}".strip()
        self._stream = self._container.add_stream(self._coder.name, rate=30)
        self._coder.set(self._stream, *size, BASE, None)
        self._stream.codec_context.gop_size = FRAGMENT
        self._begin = time

    def close(self) -> None:
        """Make it whole; without a frame there is no file."""
        if self._container is None:
            return
        container, self._container = self._container, None
        with failing(self.path, "written"):
            try:
                container.mux(self._stream.encode(None))
            finally:
                container.close()
