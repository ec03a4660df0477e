"""Files, bytes, pipes and arrays -> pictures: orientation, colour profile, alpha, 16 bit, oversized headers."""

from __future__ import annotations

import contextlib
import io
import os
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from impasto import limits
from impasto.errors import PictureError, attempt, foreign
from impasto.limits import DEFAULT_MAX_PIXELS
from impasto.pictures import arrays, color, containers, decoders, metadata, sources
from impasto.pictures.pillow import name_of, quiet_pillow, reason_of
from impasto.pictures.pixels import (
    Photo,
    Picture,
    Source,
    resized_colors,
    resized_plane,
    shrunk_size,
)
from impasto.pictures.transparency import cover
from impasto.pictures.write import WRITABLE

NO_LIMIT = 2**62  # pixels
DRAFTED = 1.9  # times the size that is asked for: half of a camera's 4,000 pixels suffices for 1,024
_Decoded: TypeAlias = "tuple[Photo, tuple[int, int] | None]"  # and its full size, if it was decoded smaller than that

_DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")  # modes of more than 8 bits
_ORIENTATION = int(ExifTags.Base.Orientation)


def load(source: Source, *, max_pixels: int | None = DEFAULT_MAX_PIXELS, max_side: int | None = None) -> Photo:
    """The photo in a file, in bytes, in a binary file object, in a PIL image or in an array.

    Orientation is applied, and colours are brought to sRGB: by the ICC profile (a broken one counts as sRGB), or by
    what else says it: cICP, sRGB, gAMA and cHRM of PNG, nclx of AVIF and HEIC, Adobe RGB of a camera's EXIF.
    HDR (PQ, HLG) becomes what an ordinary screen shows: see ``color.to_srgb``. Of an animation or of several pages the
    first is taken. Grey keeps its 16 bits; Pillow reads 16-bit *colour* with 8 bits. Integer grey beyond
    16 bits is scaled by 2**31 - 1. Float values, in files and arrays, mean 0..1; a little outside is clipped.

    An array is h x w or h x w x 1, 2, 3 or 4 (grey, with alpha, colour, with alpha), uint8, uint16, bool or float: of
    numpy, or of any library that makes numpy arrays of its own (torch). It is copied.

    Pipes, sockets and devices are read once, to their end, into memory. A JPEG, PNG or WebP that is damaged only
    behind its last pixel is read, and ``notes`` says so.

    With `max_side` the photo is shrunk as `resize` does it; large JPEGs are then decoded at a fraction of their size
    (1/2, 1/4 or 1/8, still nearly twice as large as asked for), which is faster and hardly differs.

    Raises PictureError for whatever cannot be read, and before decoding for more than `max_pixels` pixels (None: for
    any number).
    """
    name = name_of(source)
    if max_pixels is not None:
        limits.PIXELS.check("max_pixels", max_pixels)
    if max_side is not None:
        limits.SIDE.check("the longer side in pixels", max_side)
    limit = NO_LIMIT if max_pixels is None else max_pixels
    with _reading(name, limit):
        if isinstance(source, Image.Image):
            return _shrunk(_from_image(source, name, limit), max_side)
        if isinstance(source, np.ndarray) or arrays.is_array(source):
            return _shrunk(_from_array(arrays.as_numpy(source, name), name), max_side)
        with sources.opened(source, name, limit=_bytes_for(limit), known=decoders.known) as file:
            photo, original = _from_file(file, name, limit, max_side)
            return _shrunk(photo, max_side, original)


def _from_file(file: IO[bytes], name: str, limit: int, max_side: int | None) -> _Decoded:
    try:
        return _decoded(file, name, limit, max_side)
    except (OSError, SyntaxError, EOFError) as error:  # that is how Pillow calls a file that is cut short
        file.seek(0)
        kind = decoders.known(file.read(sources.HEAD))
        file.seek(0)
        files = containers.mended(file.read(), kind) if kind in containers.MENDABLE else []
        try:
            found = [_decoded(io.BytesIO(data), name, limit, max_side) for data in files[:1]]
            others = (_decoded(io.BytesIO(data), name, limit, max_side)[0].pixels for data in files[1:])
            if not found or any(not np.array_equal(found[0][0].pixels, other) for other in others):
                raise error
        except (OSError, SyntaxError, EOFError):
            raise error from None
        photo, original = found[0]
        return replace(photo, notes=(f"{name} {decoders.DAMAGED_END}", *photo.notes)), original


def _decoded(file: IO[bytes], name: str, limit: int, max_side: int | None) -> _Decoded:
    with decoders.opened(file, name) as image:
        _check_pixels(image, name, limit)
        original = None if max_side is None else _drafted(image, max_side)
        photo = _from_image(image, name, limit, decoders.codes(image, file))
        return replace(photo, notes=tuple(f"{name} {note}" for note in decoders.notes(image, file))), original


def _drafted(image: Image.Image, max_side: int) -> tuple[int, int] | None:
    """Have a JPEG decoded at a fraction of its size, `DRAFTED` times `max_side` or more; its full size, upright."""
    width, height = image.size
    across, down = shrunk_size(width, height, max_side)
    if image.draft(None, (int(DRAFTED * across), int(DRAFTED * down))) is None:
        return None
    return (height, width) if _orientation_of(image) >= 5 else (width, height)


def _shrunk(photo: Photo, max_side: int | None, original: tuple[int, int] | None = None) -> Photo:
    """The photo with its longer side shrunk to `max_side`, in the proportions of the `original` (width, height)."""
    if max_side is None:
        return photo
    width, height = original or photo.pixels.shape[1::-1]
    size = shrunk_size(width, height, max_side)
    if size == photo.pixels.shape[1::-1]:
        return photo
    opacity = None if photo.opacity is None else resized_plane(photo.opacity, size)
    return replace(photo, pixels=resized_colors(photo.pixels, size, photo.opacity), opacity=opacity)


def once(
    path: str | os.PathLike[str], *, max_pixels: int | None = DEFAULT_MAX_PIXELS
) -> str | os.PathLike[str] | bytes:
    """A source that can be loaded again and again: the bytes of a pipe, socket or device; another path itself."""
    name, limit = name_of(path), NO_LIMIT if max_pixels is None else max_pixels
    with _reading(name, limit):
        return sources.once(path, name, limit=_bytes_for(limit), known=decoders.known)


def _bytes_for(pixels: int) -> int:
    """The most bytes that come out of a pipe or the like before it is given up as endless."""
    return min(8 * pixels + 2**26, 2**33)


@dataclass(frozen=True)
class Header:
    """What a file says of its picture before that is decoded: Pillow's name of its format, and its size, upright."""

    format: str
    width: int
    height: int
    alpha: bool = False
    deep: bool = False  # more than 8 bits a channel


def header(source: bytes | IO[bytes], name: str = "the picture") -> Header:
    """The header of the picture in bytes, or in a file to seek in; PictureError, with ``name``, as in ``load``."""
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    with _reading(name, NO_LIMIT), decoders.opened(file, name) as image:
        if image.format == "PNG":  # without that, Pillow would decode all pixels to see whether EXIF comes after them
            image.info.setdefault("exif", containers.png_exif(file))
        width, height = image.size if _orientation_of(image) < 5 else image.size[::-1]
        return Header(image.format or "", width, height, image.has_transparency_data, image.mode in _DEEP)


def size_of(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Width and height of the upright picture in a file, from its header alone; PictureError as in ``load``.

    A pipe or a device is refused untouched: what is read of it is gone.
    """
    name = name_of(path)
    if sources.is_stream(path):
        raise PictureError(f"{name} is no file, so its size is not known before it is read; save the picture first.")
    with (
        _reading(name, NO_LIMIT),
        sources.opened(path, name, limit=_bytes_for(NO_LIMIT), known=decoders.known) as file,
    ):
        found = header(file, name)
    return found.width, found.height


def made_by_impasto(path: str | os.PathLike[str]) -> bool:
    """Whether impasto wrote this file: a painting, a sheet, a map, a frame or an animation. Reads the header alone.

    False for what is no picture, is not there or cannot be read, and for a painting that another program has changed.
    """
    if not os.path.isfile(path):  # a pipe would be waited for
        return False
    try:
        with _reading(str(path), 2**62), Image.open(path, formats=(*WRITABLE, "GIF")) as image:
            return metadata.is_marked(image)
    except PictureError:
        return False


def from_pil(image: Image.Image) -> Picture:
    """The picture in a PIL image of any mode, upright and in sRGB; `load(image)` also gives alpha and EXIF."""
    return load(image).picture


@contextlib.contextmanager
def _reading(name: str, max_pixels: int) -> Iterator[None]:
    """The seam where whatever Pillow and the system raise while reading becomes a PictureError.

    On damaged data Pillow raises nearly every exception there is (SyntaxError, struct.error, KeyError, ...).
    """

    def why(error: Exception) -> PictureError | None:
        if isinstance(error, (TypeError, AttributeError, NameError)) and _raised_by_us(error):
            return None  # a fault of ours is no damage of the file's
        return PictureError(_why_unreadable(name, error, max_pixels))

    with foreign(why), quiet_pillow(max_pixels):
        yield


def _raised_by_us(error: Exception) -> bool:
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return Path(__file__).parents[1] in Path(frame.f_code.co_filename).parents


def _why_unreadable(name: str, error: Exception, max_pixels: int) -> str:
    if isinstance(error, Image.DecompressionBombError):
        pixels = re.search(r"\d+", str(error))
        return _too_many_pixels(name, int(pixels[0]) if pixels else None, max_pixels)
    if isinstance(error, FileNotFoundError):
        return f"There is no file {name}; check the path."
    if isinstance(error, IsADirectoryError) or (isinstance(error, PermissionError) and os.path.isdir(name)):
        return f"{name} is a folder, not a picture; name the picture files in it."
    if isinstance(error, PermissionError):
        return f"{name} may not be read; check its permissions."
    if isinstance(error, UnidentifiedImageError):
        kinds = ", ".join(decoders.readable())
        return f"{name} is not a picture that impasto can read ({kinds}); open it elsewhere and save it as PNG or JPEG."
    if isinstance(error, MemoryError):
        return f"{name} does not fit into memory; make it smaller first."
    return f"{name} cannot be read ({reason_of(error)}); it may be damaged or cut short, so copy or export it again."


def _too_many_pixels(name: str, pixels: int | None, max_pixels: int) -> str:
    count = f"{pixels:,} pixels" if pixels else "too many pixels"
    return (
        f"{name} claims {count}, more than the limit of {max_pixels:,}; "
        "if you trust it, raise the limit with max_pixels / --max-pixels."
    )


def _check_pixels(image: Image.Image, name: str, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise PictureError(_too_many_pixels(name, width * height, max_pixels))
    if width * height == 0:
        raise PictureError(f"{name} is {width} x {height} pixels large, so there is nothing to read; export it again.")


def _from_image(image: Image.Image, name: str, limit: int, codes: containers.Codes | None = None) -> Photo:
    _check_pixels(image, name, limit)
    image.load()
    orientation = _orientation_of(image)  # after load(): Pillow turns TIFFs upright itself and then says so
    exif = metadata.read(image, orientation)
    values, alpha = _values_of(image, name, codes)
    opacity = None if alpha is None else arrays.checked(_upright(alpha, orientation), name)
    pixels = cover(arrays.as_pixels(_upright(values, orientation), name), opacity)
    return Photo(pixels, opacity, exif, name, image.format)


def _orientation_of(image: Image.Image) -> int:
    """Orientation 1..8. Broken EXIF counts as none: it must not cost the picture."""
    orientation = attempt(lambda: image.getexif().get(_ORIENTATION, 1), 1)
    return int(orientation) if orientation in range(1, 9) else 1


def _values_of(
    image: Image.Image, name: str, codes: containers.Codes | None
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Colours in sRGB, h x w x 3, or deep grey, h x w; and alpha, h x w, or None. uint8, uint16 or float."""
    profile, encoding = _colors_of(image, codes)
    if image.mode == "F" or image.mode.startswith("I"):
        return _deep_grey(image, name, profile, encoding)
    alpha = None
    if image.has_transparency_data:
        clear = image.convert("LA" if image.mode == "La" else "RGBA")
        alpha = np.asarray(clear.getchannel("A"))
        image = image if image.mode == "LA" else clear
    return color.in_srgb(image, profile, encoding), alpha


def _colors_of(image: Image.Image, codes: containers.Codes | None) -> tuple[bytes | None, color.Encoding | None]:
    """What defines the colours: a profile, or an encoding, the stronger one where there are several."""
    profile = image.info.get("icc_profile")
    encoded = None if codes is None else color.of_codes(*codes)
    if encoded is not None and (image.format == "PNG" or not profile):  # PNG's cICP is stronger than a profile
        return None, encoded
    if profile:
        return profile, None
    return None, color.of_png(image.info) or (color.ADOBE_RGB if _says_adobe_rgb(image) else None)


def _says_adobe_rgb(image: Image.Image) -> bool:
    """Whether EXIF says so in the way of cameras (DCF 2.0), which mostly embed no profile."""
    space, index = attempt(lambda: _dcf_color(image.getexif()), (None, ""))
    return space == 2 or (space in (None, 0xFFFF) and index == "R03")


def _dcf_color(exif: Image.Exif) -> tuple[Any, str]:
    """EXIF's colour space and interoperability index."""
    space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
    return space, str(exif.get_ifd(ExifTags.IFD.Interop).get(1, "")).strip("\0 ")


def _deep_grey(
    image: Image.Image, name: str, profile: bytes | None, encoding: color.Encoding | None
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    values: NDArray[Any] = np.asarray(image)
    clear = image.info.get("transparency")  # PNG: the one grey value that is clear
    alpha = (values != clear).astype(np.float32) if isinstance(clear, int) else None
    if image.mode == "I":  # 32 bits wide, but the files behind it mostly hold 16, and image.convert("I") makes 8
        most = [255] * (image.format is None) + [65_535, 2**31 - 1]
        values = np.clip(values / next(each for each in most if values.max() <= each), 0, 1)
    values = arrays.checked(values, name)
    if decoders.white_is_zero(image):
        values = np.iinfo(values.dtype).max - values if values.dtype.kind == "u" else 1 - values
    return color.deep_grey_in_srgb(values, profile, encoding), alpha


def _upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """EXIF 2.3, tag 0x0112: 5..8 swap the axes, then 2, 3, 6, 7 mirror left-right and 3, 4, 7, 8 top-bottom."""
    if orientation >= 5:
        values = values.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values


def _from_array(array: NDArray[Any], name: str) -> Photo:
    pixels, alpha = arrays.split(array, name)
    return Photo(cover(pixels, alpha), alpha, name=name)
