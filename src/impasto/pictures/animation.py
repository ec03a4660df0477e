"""Pictures of one size, one after the other, into an animated GIF or WebP. Knows Pillow and nothing of styles."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from impasto import limits
from impasto.errors import PictureError
from impasto.files import write_atomically
from impasto.pictures import metadata
from impasto.pictures.pixels import Picture, Pixels
from impasto.pictures.write import PAPER, check_side, is_clear, no_transparency, to_pil

KINDS = {".gif": "GIF", ".webp": "WEBP"}
FPS = 12.0  # pictures a second, where nothing is said


def is_animation(path: str | os.PathLike[str]) -> bool:
    """Whether ``save`` can write a file with this suffix."""
    return Path(path).suffix.lower() in KINDS


def save(
    pictures: Iterable[Picture],
    path: str | os.PathLike[str],
    *,
    fps: float = FPS,
    durations: Sequence[int] | None = None,
    quality: int = 90,
    alpha: Pixels | None = None,
) -> tuple[str, ...]:
    """Write pictures (h, w, 3), 0..1, as an animation that repeats for ever: whole, or not at all.

    ``durations`` are milliseconds, one for each picture, in place of the same rate for all (a GIF counts in tens).
    GIF has 256 colours a picture; ``quality``, 1 to 100, is WebP's. ``alpha`` (h, w) is every picture's; in a GIF,
    which knows no soft edges, white shows through instead, and a sentence that says so is returned, as by
    ``pictures.save``. OptionError for another quality and for a rate that is not between 0.1 and 50; PictureError for
    another suffix, no picture, more pixels than the format holds, and whatever keeps the file from being written.
    """
    path = Path(path)
    check_target(path, fps=fps)
    limits.QUALITY.check("quality", quality)
    frames = iter(pictures)
    first = next(frames, None)
    if first is None:
        raise PictureError(f"{path} cannot be written: an animation needs a picture at least")
    height, width = first.shape[:2]
    check_target(path, fps=fps, width=width, height=height)
    buffer = io.BytesIO()
    kind = KINDS[path.suffix.lower()]
    options: dict[str, Any] = {"disposal": 1, "comment": metadata.MARKER.encode()}
    if kind == "WEBP":
        options = {"quality": quality, "method": 4, "exif": metadata.write(None, (width, height))}
    images = (to_pil(frame, alpha, paper=PAPER if kind == "GIF" else None) for frame in chain([first], frames))
    lasts = round(1000 / fps) if durations is None else list(durations)
    if isinstance(lasts, list) and len(lasts) == 1:
        lasts = lasts[0]  # Pillow takes a list for several pictures only
    try:
        next(images).save(buffer, kind, save_all=True, append_images=images, duration=lasts, loop=0, **options)
        write_atomically(path, buffer.getvalue())
    except MemoryError as error:
        raise PictureError(f"{path} cannot be written because memory ran out; make it smaller or shorter") from error
    except OSError as error:
        raise PictureError(f"{path} cannot be written ({error.strerror or error})") from error
    return (no_transparency(path),) if kind == "GIF" and is_clear(alpha) else ()


def check_target(
    path: str | os.PathLike[str], *, fps: float = FPS, width: int | None = None, height: int | None = None
) -> None:
    """Raise the error that ``save`` would raise for the path, the rate or the size, before any work is done."""
    if not is_animation(path):
        raise PictureError(f"{path} is no animation; choose a name that ends in .gif or .webp")
    if not Path(path).parent.is_dir():
        raise PictureError(f"{path} cannot be written because its folder does not exist; make it first")
    limits.FPS.check("fps, the pictures a second,", fps)
    check_side(KINDS[Path(path).suffix.lower()], str(path), width or 1, height or 1)
