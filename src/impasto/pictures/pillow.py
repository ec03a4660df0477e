"""Pillow kept quiet, and what pictures are called in messages."""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from collections.abc import Iterator
from typing import Any

from PIL import Image, PngImagePlugin

from impasto.files import printable as _printable
from impasto.pictures import arrays

_LONGEST_PNG_CHUNK = 2**26  # bytes, unpacked: profiles of printers are longer than Pillow's 1 MB


def name_of(thing: Any) -> str:
    if isinstance(thing, (str, os.PathLike)):
        return _printable(thing)
    if isinstance(thing, Image.Image):
        return _printable(getattr(thing, "filename", "") or "The PIL image")
    if arrays.is_array(thing):
        return "The array"
    if isinstance(thing, (bytes, bytearray, memoryview)):
        return "The byte string"
    name = getattr(thing, "name", None)
    if name == "<stdin>":
        return "Standard input"
    return _printable(name) if isinstance(name, str) and name else "The file object"


class _QuietPillow:
    """Pillow's warnings off, and its own limits not below ours, while any thread is inside.

    These are switches of the whole process, and Pillow offers no others. So the first thread to come in sets them and
    the last one out puts them back; a lock per switch alone would let two threads restore each other's settings.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0

    @contextlib.contextmanager
    def __call__(self, max_pixels: int = 0) -> Iterator[None]:
        self._enter(max_pixels)
        try:
            yield
        finally:
            self._leave()

    def _enter(self, max_pixels: int) -> None:
        with self._lock:
            if self._inside == 0:
                self._limit = Image.MAX_IMAGE_PIXELS
                self._chunk = PngImagePlugin.MAX_TEXT_CHUNK
                PngImagePlugin.MAX_TEXT_CHUNK = max(self._chunk, _LONGEST_PNG_CHUNK)
                self._warnings = warnings.catch_warnings()
                self._warnings.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")
            self._inside += 1
            if Image.MAX_IMAGE_PIXELS is not None:  # Pillow refuses beyond twice this number
                Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, (max_pixels + 1) // 2)

    def _leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._warnings.__exit__(None, None, None)
                Image.MAX_IMAGE_PIXELS = self._limit
                PngImagePlugin.MAX_TEXT_CHUNK = self._chunk


quiet_pillow = _QuietPillow()


def reason_of(error: Exception) -> str:
    return _printable(f"{type(error).__name__}: {error}")
