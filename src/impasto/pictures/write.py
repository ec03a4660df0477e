"""Pictures -> files: atomically, with a profile, and with what goes along of a photo's metadata."""

from __future__ import annotations

import io
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from impasto import limits
from impasto.errors import PictureError, foreign
from impasto.files import printable as _printable, write_atomically
from impasto.pictures import metadata
from impasto.pictures.arrays import refuse_non_finite as _refuse_non_finite, shape as _shape
from impasto.pictures.formats import READABLE as _READABLE
from impasto.pictures.pillow import name_of, quiet_pillow, reason_of
from impasto.pictures.pixels import Photo, Pixels, Target, checked, is_whole, to_bytes

WRITABLE = ("JPEG", "PNG", "WEBP", "TIFF")
PAPER = (255, 255, 255)  # what shows through where a format has no transparency
LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383, "GIF": 65_535}  # pixels; limits of the file formats
_LONGEST_JPEG_EXIF = 65_533  # bytes; one JPEG segment


def to_pil(picture: Pixels, alpha: Pixels | None = None, *, paper: tuple[int, int, int] | None = None) -> Image.Image:
    """A picture as an 8-bit PIL image: clipped to 0..1 and rounded; mode RGB, or RGBA with `alpha` (h x w, 0..1).

    Both may also be uint8. On `paper`, of 0..255, it is RGB in any case: that colour shows through.
    """
    picture = _writable(picture)
    image = Image.fromarray(to_bytes(picture))
    if alpha is None:
        return image
    if alpha.shape != picture.shape[:2]:
        raise PictureError(f"Alpha is {_shape(alpha)} but the picture is {_shape(picture)}; resize one to the other.")
    if alpha.dtype.kind == "f":
        _refuse_non_finite(float(alpha.min()) + float(alpha.max()), "Alpha")
    opacity = Image.fromarray(to_bytes(alpha))
    if paper is None:
        image.putalpha(opacity)
        return image
    sheet = Image.new("RGB", image.size, paper)
    sheet.paste(image, mask=opacity)
    return sheet


def _writable(picture: Pixels) -> Pixels:
    """A picture, or pixels of uint8, that can be written."""
    return picture if is_whole(picture) and picture.dtype == np.uint8 else checked(picture)


def png(picture: Pixels) -> bytes:
    """A picture as the bytes of an 8-bit PNG, such as a notebook shows."""
    stream = io.BytesIO()
    to_pil(picture).save(stream, "PNG")
    return stream.getvalue()


def save(
    picture: Pixels,
    target: Target,
    *,
    like: Photo | None = None,
    quality: int = 95,
    format: str | None = None,
    comment: str | None = None,
    keep_metadata: bool = False,
    dpi: float | None = None,
) -> tuple[str, ...]:
    """Write a picture, or pixels of uint8, as JPEG, PNG, WebP or TIFF, 8 bits a channel, with an sRGB profile.

    target: a path, whose suffix names the format unless `format` does ("png", "jpeg", "webp", "tiff"), or a binary
        file object (PNG unless `format` says otherwise). A path appears complete or not at all, and a file that was
        there keeps its permissions.
    like: the photo whose alpha goes along (resized if need be; in a JPEG white shows through), and author, rights,
        dates and resolution out of its EXIF; with `keep_metadata` also the rest that is true of the painting.
    quality: 1..100, of JPEG (4:4:4) and WebP; PNG and TIFF lose nothing.
    comment: goes into the EXIF field UserComment, in place of the photo's own.
    dpi: pixels per inch, for printing, in place of the photo's own resolution.

    Returns what is to be said of the file, a sentence each: that its format has no transparency.
    Raises OptionError for another quality or resolution.
    Raises PictureError for a picture with NaN, an unknown format, and whatever keeps the file from being written.
    """
    name = name_of(target)
    kind = _kind_of(target, format, name)
    picture = _writable(picture)
    height, width = picture.shape[:2]
    limits.QUALITY.check("quality", quality)
    if dpi is not None:
        limits.DPI.check("dpi", dpi)
    check_side(kind, name, width, height)
    with foreign(lambda error: PictureError(_why_unwritten(name, error))), quiet_pillow():
        alpha = None if like is None else like.opacity_for(picture)
        on_paper = kind == "JPEG" and is_clear(alpha)
        image = to_pil(picture, alpha, paper=PAPER if kind == "JPEG" else None)
        exif = metadata.write(
            None if like is None else like.exif,
            (width, height),
            comment=comment,
            keep=keep_metadata,
            limit=_LONGEST_JPEG_EXIF if kind == "JPEG" else None,
            dpi=dpi,
        )
        data = _encoded(image, kind, quality, exif)
        if isinstance(target, (str, os.PathLike)):
            _replace(target, data, name)
        else:
            target.write(data)
            if hasattr(target, "flush"):  # now, while a sentence can say what fails
                target.flush()
    return (no_transparency(name),) if on_paper else ()


def is_clear(alpha: Pixels | None) -> bool:
    """Whether something shines through: opacity (h, w) below its largest anywhere."""
    return alpha is not None and float(alpha.min()) < (np.iinfo(alpha.dtype).max if alpha.dtype.kind == "u" else 1)


def no_transparency(name: object, shown: str = "are white") -> str:
    """What is to be said of a file that has no transparency and whose photo has."""
    return f"{name} has no transparency: transparent places {shown}"


def check_target(
    target: Target, *, format: str | None = None, width: int | None = None, height: int | None = None
) -> None:
    """Raise the PictureError that `save` would raise for the target, before any work is done.

    That is its format, its folder, and for a picture of `width` x `height` pixels what the format can hold.
    """
    name = name_of(target)
    kind = _kind_of(target, format, name)
    check_side(kind, name, width or 1, height or 1)
    if isinstance(target, (str, os.PathLike)) and not Path(target).parent.is_dir():
        raise PictureError(f"{name} cannot be written because its folder does not exist; make it first.")


def check_side(kind: str, name: str, width: int, height: int) -> None:
    """Raise a PictureError for more pixels a side than a file of this kind (Pillow's name) can hold."""
    limit = LONGEST_SIDE.get(kind)
    if limit is not None and max(width, height) > limit:
        raise PictureError(
            f"{name} cannot be written: {kind} holds at most {limit} pixels a side, not {width} x {height}; "
            "choose PNG or TIFF, or make the picture smaller with size / --size."
        )


def writable(path: str | os.PathLike[str]) -> bool:
    """Whether `save` can write a file with this suffix."""
    return any(Path(path).suffix.lower() in _READABLE[kind] for kind in WRITABLE)


def _kind_of(target: Target, format: str | None, name: str) -> str:
    if format is None:
        format = Path(target).suffix if isinstance(target, (str, os.PathLike)) else "png"
    for kind in WRITABLE:
        if "." + format.lower().lstrip(".") in (*_READABLE[kind], "." + kind.lower()):
            return kind
    known = ", ".join(_READABLE[kind][0] for kind in WRITABLE)
    asked = f"as {_printable(format)!r}" if format else "without a suffix"
    raise PictureError(f"{name} cannot be written {asked}; use one of {known}.")


def _encoded(image: Image.Image, kind: str, quality: int, exif: bytes) -> bytes:
    options: dict[str, Any] = {"icc_profile": _srgb_profile(), "exif": exif}
    if kind == "JPEG":
        options |= {"quality": quality, "subsampling": 0}  # "optimize" saves 3 %, takes twice as long, fails for noise
    if kind == "PNG":
        options |= {"compress_level": 3}  # twice as fast as the usual 6, for 7 % larger files
    if kind == "WEBP":
        options |= {"quality": quality, "method": 4}
    if kind == "TIFF":  # Pillow (11 to 13) cannot write EXIF's inner directories into compressed TIFF
        options |= {"compression": "raw", "exif": metadata.opened(exif)}
    density = metadata.density_in(exif)
    if density is not None:  # what JFIF and PNG say themselves
        options |= {"dpi": density}
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@cache
def _srgb_profile() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    dated = bytes([7, 208, 0, 1, 0, 1]) + bytes(6)  # 2000-01-01 in place of now, so that equal runs write equal files
    return profile[:24] + dated + profile[36:]


def _replace(target: str | os.PathLike[str], data: bytes, name: str) -> None:
    path = Path(target)
    if path.exists() and not path.is_file():
        raise PictureError(f"{name} is a folder or a device; name a file to write.")
    if path.exists() and not os.access(path, os.W_OK):
        raise PictureError(f"{name} is write-protected; choose another name or change its permissions.")
    write_atomically(path, data)


def _why_unwritten(name: str, error: Exception) -> str:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return f"{name} cannot be written because its folder does not exist; make it first."
    if isinstance(error, PermissionError):
        return f"{name} cannot be written; check the permissions of its folder."
    if isinstance(error, MemoryError):
        return f"{name} cannot be written because memory ran out; make the picture smaller."
    if isinstance(error, BrokenPipeError):
        return f"{name} was closed by whoever reads it before the picture was whole."
    reason = getattr(error, "strerror", None) or reason_of(error)
    return f"{name} cannot be written ({reason}); try another place or format."
