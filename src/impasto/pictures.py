"""Files <-> pictures: orientation, colour profile, alpha, 16 bit, oversized headers, atomic saving, metadata.

A *picture* is a float32 array, h x w x 3, 0..1, sRGB, upright. *Pixels* are the same in the type that a file has,
uint8, uint16 or float32, which for large pictures is a third of the memory. This module knows no styles or networks.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import threading
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, PngImagePlugin, UnidentifiedImageError

from impasto import arrays, color, containers, decoders, limits, metadata, sources
from impasto.arrays import refuse_non_finite as _refuse_non_finite
from impasto.arrays import shape as _shape
from impasto.errors import PictureError
from impasto.files import printable as _printable
from impasto.files import write_atomically
from impasto.folders import find as find
from impasto.folders import search as search
from impasto.formats import READABLE as _READABLE
from impasto.transparency import cover

Picture: TypeAlias = NDArray[np.float32]
Pixels: TypeAlias = NDArray[Any]
Source: TypeAlias = str | os.PathLike[str] | bytes | IO[bytes] | Image.Image | NDArray[Any]
Target: TypeAlias = str | os.PathLike[str] | IO[bytes]

DEFAULT_MAX_PIXELS = 200_000_000  # the largest phone cameras make 200 megapixels
NO_LIMIT = 2**62  # pixels
_Decoded: TypeAlias = "tuple[Photo, tuple[int, int] | None]"  # and its full size, if it was decoded smaller than that

_WRITABLE = ("JPEG", "PNG", "WEBP", "TIFF")
PAPER = (255, 255, 255)  # what shows through where a format has no transparency
LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383, "GIF": 65_535}  # pixels; limits of the file formats
_LONGEST_JPEG_EXIF = 65_533  # bytes; one JPEG segment
_LONGEST_PNG_CHUNK = 2**26  # bytes, unpacked: profiles of printers are longer than Pillow's 1 MB

# Modes that a colour profile may describe, and that ImageCms takes; all others are brought to RGB first.
_PROFILE_MODE = {"1": "L", "L": "L", "LA": "L", "CMYK": "CMYK", "LAB": "LAB"}

_UNSEEN = np.float32(1 / 255)  # opacity below which resizing need not weigh colours with it
_ORIENTATION = int(ExifTags.Base.Orientation)


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture, and what else its file held that a painting of it should carry on.

    pixels: h x w x 3, sRGB, upright, uint8, uint16 or float32 in 0..1: the picture as the file has it, but for colours
        that nobody sees: where opacity is 0 they follow from the visible ones (see `transparency.cover`).
    opacity: h x w, of the same types: 0 (clear) .. largest (solid); None where the file has no transparency.
    exif: an EXIF block as Pillow writes it, orientation already set back to 1, with the file's resolution; None if
        there is neither. It may hold the place and more: `save` writes a short list of it only.
    name: of the file, for messages. format: Pillow's name of the file format, None for arrays.
    notes: what whoever reads the picture should know, such as damage that was passed by: a line each, for people.
    """

    pixels: Pixels
    opacity: Pixels | None = None
    exif: bytes | None = None
    name: str = "The picture"
    format: str | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def picture(self) -> Picture:
        """The picture: float32, h x w x 3, 0..1. Made of ``pixels`` when it is asked for, and kept."""
        return unit(self.pixels)

    @cached_property
    def alpha(self) -> Picture | None:
        """The opacity: float32, h x w, 0 (clear) .. 1 (solid); None where the file has no transparency."""
        return None if self.opacity is None else unit(self.opacity)

    def opacity_for(self, painted: Pixels) -> Pixels | None:
        """The opacity that a painting carries on: as the file has it, float32 where the painting has another size."""
        if self.opacity is None or self.opacity.shape == painted.shape[:2]:
            return self.opacity
        height, width = painted.shape[:2]
        return _resized(self.opacity, (width, height))


def unit(pixels: Pixels) -> Picture:
    """Pixels of any shape as float32: whole numbers divided by their type's largest; float32 comes back itself."""
    if pixels.dtype.kind == "u":
        divided: Picture = np.divide(pixels, np.iinfo(pixels.dtype).max, dtype=np.float32)
        return divided
    return pixels.astype(np.float32, copy=False)


# ---- reading


def load(source: Source, *, max_pixels: int | None = DEFAULT_MAX_PIXELS, max_side: int | None = None) -> Photo:
    """The photo in a file, in bytes, in a binary file object, in a PIL image or in an array.

    Orientation is applied, and colours are brought to sRGB: by the ICC profile (a broken one counts as sRGB), or by
    what else tells of them: cICP, sRGB, gAMA and cHRM of PNG, nclx of AVIF and HEIC, Adobe RGB of a camera's EXIF.
    HDR (PQ, HLG) becomes what an ordinary screen shows: see ``color.to_srgb``. Of an animation or of several pages the
    first is taken. Grey keeps its 16 bits; Pillow reads 16-bit *colour* with 8 bits. Integer grey beyond
    16 bits is scaled by 2**31 - 1. Float values, in files and arrays, mean 0..1; a little outside is clipped.

    An array is h x w or h x w x 1, 2, 3 or 4 (grey, with alpha, colour, with alpha), uint8, uint16, bool or float: of
    numpy, or of any library that makes numpy arrays of its own (torch). It is copied.

    Pipes, sockets and devices are read once, to their end, into memory. A JPEG, PNG or WebP that is damaged only
    behind its last pixel is read, and ``notes`` says so.

    With `max_side` the photo is shrunk as `resize` does it; large JPEGs are then decoded at a fraction of their size
    (1/2, 1/4 or 1/8, still twice as large as asked for), which is faster and hardly differs.

    Raises PictureError for whatever cannot be read, and before decoding for more than `max_pixels` pixels (None: for
    any number).
    """
    name = _name_of(source)
    if max_pixels is not None:
        limits.PIXELS.check("max_pixels", max_pixels)
    if max_side is not None:
        _check_side(max_side)
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
        kind = decoders.known(file.read(decoders.HEAD))
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
    """Have a JPEG decoded at a fraction of its size, twice `max_side` or more; gives its full size, upright."""
    width, height = image.size
    across, down = shrunk_size(width, height, max_side)
    if image.draft(None, (2 * across, 2 * down)) is None:
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
    opacity = None if photo.opacity is None else _resized(photo.opacity, size)
    return replace(photo, pixels=_resized_colors(photo.pixels, size, photo.opacity), opacity=opacity)


def once(
    path: str | os.PathLike[str], *, max_pixels: int | None = DEFAULT_MAX_PIXELS
) -> str | os.PathLike[str] | bytes:
    """A source that can be loaded again and again: the bytes of a pipe, socket or device; another path itself."""
    name, limit = _name_of(path), NO_LIMIT if max_pixels is None else max_pixels
    with _reading(name, limit):
        return sources.once(path, name, limit=_bytes_for(limit), known=decoders.known)


def _bytes_for(pixels: int) -> int:
    """The most bytes that come out of a pipe or the like before it is given up as endless."""
    return min(8 * pixels + 2**26, 2**33)


def size_of(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Width and height of the upright picture in a file, from its header alone; PictureError as in ``load``.

    A pipe or a device is refused untouched: what is read of it is gone.
    """
    name = _name_of(path)
    if sources.is_stream(path):
        raise PictureError(f"{name} is no file, so its size is not known before it is read; save the picture first.")
    with (
        _reading(name, NO_LIMIT),
        sources.opened(path, name, limit=_bytes_for(NO_LIMIT), known=decoders.known) as file,
        decoders.opened(file, name) as image,
    ):
        width, height = image.size
        orientation = _orientation_of(image)
    return (height, width) if orientation >= 5 else (width, height)


def made_by_impasto(path: str | os.PathLike[str]) -> bool:
    """Whether impasto wrote this file: a painting, a sheet, a map, a frame or an animation. Reads the header alone.

    False for what is no picture, is not there or cannot be read, and for a painting that another program has changed.
    """
    if not os.path.isfile(path):  # a pipe would be waited for
        return False
    try:
        with _reading(str(path), 2**62), Image.open(path, formats=(*_WRITABLE, "GIF")) as image:
            return metadata.is_marked(image)
    except PictureError:
        return False


def from_pil(image: Image.Image) -> Picture:
    """The picture in a PIL image of any mode, upright and in sRGB; `load(image)` also gives alpha and EXIF."""
    return load(image).picture


def _name_of(thing: Any) -> str:
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


_quiet_pillow = _QuietPillow()


@contextlib.contextmanager
def _reading(name: str, max_pixels: int) -> Iterator[None]:
    """The seam where whatever Pillow and the system raise while reading becomes a PictureError.

    On damaged data Pillow raises nearly every exception there is (SyntaxError, struct.error, KeyError, ...).
    """
    try:
        with _quiet_pillow(max_pixels):
            yield
    except PictureError:
        raise
    except Exception as error:
        if isinstance(error, (TypeError, AttributeError, NameError)) and _raised_by_us(error):
            raise  # a fault of ours is no damage of the file's
        raise PictureError(_why_unreadable(name, error, max_pixels)) from error


def _raised_by_us(error: Exception) -> bool:
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return Path(frame.f_code.co_filename).parent == Path(__file__).parent


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
    return f"{name} cannot be read ({_reason(error)}); it may be damaged or cut short, so copy or export it again."


def _reason(error: Exception) -> str:
    return _printable(f"{type(error).__name__}: {error}")


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
    orientation, exif = _exif_of(image)  # after load(): Pillow turns TIFFs upright itself and then says so
    values, alpha = _values_of(image, name, codes)
    opacity = None if alpha is None else arrays.checked(_upright(alpha, orientation), name)
    pixels = _covered(arrays.as_pixels(_upright(values, orientation), name), opacity)
    return Photo(pixels, opacity, exif, name, image.format)


def _covered(pixels: Pixels, opacity: Pixels | None) -> Pixels:
    return pixels if opacity is None else cover(pixels, opacity)


def _exif_of(image: Image.Image) -> tuple[int, bytes | None]:
    """Orientation 1..8 and what else EXIF says. Broken EXIF counts as none: it must not cost the picture."""
    orientation = _orientation_of(image)
    return orientation, metadata.read(image, orientation)


def _orientation_of(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1
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
    """What tells of the colours: a profile, or an encoding, the stronger one where there are several."""
    profile = image.info.get("icc_profile")
    told = None if codes is None else color.of_codes(*codes)
    if told is not None and (image.format == "PNG" or not profile):  # PNG's cICP is stronger than a profile
        return None, told
    if profile:
        return profile, None
    return None, color.of_png(image.info) or (color.ADOBE_RGB if _says_adobe_rgb(image) else None)


def _says_adobe_rgb(image: Image.Image) -> bool:
    """Whether EXIF says so in the way of cameras (DCF 2.0), which mostly embed no profile."""
    try:
        exif = image.getexif()
        space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
        index = str(exif.get_ifd(ExifTags.IFD.Interop).get(1, "")).strip("\0 ")
    except Exception:
        return False
    return space == 2 or (space in (None, 0xFFFF) and index == "R03")


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
    return Photo(_covered(pixels, alpha), alpha, name=name)


# ---- changing


def resize(picture: Pixels, max_side: int, *, enlarge: bool = False, opacity: Pixels | None = None) -> Picture:
    """`picture` with its longer side `max_side` pixels long, same shape, no side below 1 px; Lanczos on floats.

    A picture that is already small enough comes back itself, unless `enlarge`. Pixels of whole numbers become floats.
    With an `opacity` (h, w) colours count as far as they are seen: no fringe of hidden ones.
    """
    if not is_whole(picture):
        picture = _checked(picture)
    _check_side(max_side)
    height, width = picture.shape[:2]
    if max_side == max(height, width) or (max_side > max(height, width) and not enlarge):
        return unit(picture)
    return _resized_colors(picture, _scaled_size(width, height, max_side), opacity)


def _check_side(max_side: int) -> None:
    limits.SIDE.check("the longer side in pixels", max_side)


def _scaled_size(width: int, height: int, max_side: int) -> tuple[int, int]:
    scale = max_side / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrunk_size(width: int, height: int, max_side: int, *, enlarge: bool = False) -> tuple[int, int]:
    """Width and height of a picture that `resize` has shrunk, or with `enlarge` enlarged."""
    small = max(width, height) <= max_side and not enlarge
    return (width, height) if small else _scaled_size(width, height, max_side)


def _resized_colors(pixels: Pixels, size: tuple[int, int], opacity: Pixels | None = None) -> Picture:
    planes = (pixels[..., channel] for channel in range(3))
    if opacity is None:
        return np.stack([_resized(plane, size) for plane in planes], axis=-1)
    alpha = unit(opacity)
    share = _lanczos(alpha, size)
    inverse = np.maximum(share, 0) / np.maximum(share, _UNSEEN) ** 2  # 1 / share, and 0 where nothing is seen
    out = np.empty((size[1], size[0], 3), np.float32)
    for channel, plane in enumerate(planes):
        plain = _lanczos(plane, size)
        out[..., channel] = plain + (_lanczos(alpha * unit(plane), size) - share * plain) * inverse
    return np.clip(out, 0, 1, out=out)


def is_whole(pixels: Pixels) -> bool:
    """Whether these are pixels, h x w x 3, of uint8 or uint16."""
    return (
        isinstance(pixels, np.ndarray)
        and pixels.dtype in (np.uint8, np.uint16)
        and pixels.ndim == 3
        and pixels.shape[2] == 3
        and pixels.size > 0
    )


def _resized(plane: Pixels, size: tuple[int, int]) -> Picture:
    """One channel, h x w, brought to `size` (width, height); what Lanczos overshoots is clipped."""
    return np.clip(_lanczos(plane, size), 0, 1)


def _lanczos(plane: Pixels, size: tuple[int, int]) -> Picture:
    image = Image.fromarray(np.ascontiguousarray(unit(plane)))  # mode F: no rounding to 8 bits
    resized: Picture = np.asarray(image.resize(size, Image.Resampling.LANCZOS))
    return resized


_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, the Y of YCbCr and of YIQ


def keep_color(painted: Picture, photo: Picture) -> Picture:
    """The luma of `painted` with the colours (Cb and Cr) of `photo`; both h x w x 3, alike in size.

        out = Y(painted) + s * (photo - Y(photo)),   Y = 0.299 R + 0.587 G + 0.114 B

    This is luminance-only transfer after Gatys et al. (2016), "Preserving Color in Neural Artistic Style Transfer".
    They clip; here s <= 1 is, per pixel, the largest share of the colour that fits into 0..1, so luma and hue stay
    exact and only saturation gives way.
    """
    painted, photo = _checked(painted), _checked(photo)
    if painted.shape != photo.shape:
        raise PictureError(
            f"The painting is {_shape(painted)} but the photo is {_shape(photo)}; resize one to the other's size."
        )
    out = np.empty_like(painted)
    rows = max(1, 2**18 // painted[0].size)  # a megabyte at a time stays in the cache
    for top in range(0, len(painted), rows):
        part = slice(top, top + rows)
        out[part] = _keep_color(painted[part], photo[part])
    return out


def _keep_color(painted: Picture, photo: Picture) -> Picture:
    luma = np.clip(painted @ _LUMA, 0, 1)  # h x w
    color = photo - (photo @ _LUMA)[..., None]  # h x w x 3
    red, green, blue = color[..., 0], color[..., 1], color[..., 2]
    up = np.maximum(np.maximum(red, green), blue)
    down = -np.minimum(np.minimum(red, green), blue)
    tiny = np.float32(1e-12)
    share = np.minimum((1 - luma) / np.maximum(up, tiny), luma / np.maximum(down, tiny))
    color *= np.minimum(share, 1)[..., None]
    color += luma[..., None]
    return np.clip(color, 0, 1, out=color)


def _checked(picture: Picture) -> Picture:
    """`picture` as float32 once it is float, h x w x 3, not empty and finite; other floats are converted."""
    if not isinstance(picture, np.ndarray) or picture.dtype.kind != "f":
        kind = picture.dtype if isinstance(picture, np.ndarray) else type(picture).__name__
        raise PictureError(f"A picture is a float array in 0..1, not {kind}; pictures.load(...).picture makes one.")
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0:
        raise PictureError(f"A picture is h x w x 3, not {_shape(picture)}; transpose or cut it.")
    _refuse_non_finite(float(picture.min()) + float(picture.max()), "The picture")
    return picture.astype(np.float32, copy=False)


# ---- writing


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
    return picture if is_whole(picture) and picture.dtype == np.uint8 else _checked(picture)


def to_bytes(values: Pixels) -> NDArray[np.uint8]:
    """Floats in 0..1, clipped and rounded to 0..255, a part at a time; uint8 comes back itself, uint16 is rounded."""
    if values.dtype == np.uint8:
        return values
    out = np.empty(values.shape, np.uint8)
    rows = max(1, 2**18 // values[0].size)  # a megabyte at a time stays in the cache
    for top in range(0, len(values), rows):
        part = unit(values[top : top + rows]) * np.float32(255)
        np.rint(part, out=part)
        out[top : top + rows] = np.clip(part, 0, 255, out=part)
    return out


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

    target: a path, whose suffix tells the format unless `format` does ("png", "jpeg", "webp", "tiff"), or a binary
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
    name = _name_of(target)
    kind = _kind_of(target, format, name)
    picture = _writable(picture)
    height, width = picture.shape[:2]
    check_quality(quality)
    if dpi is not None:
        limits.DPI.check("dpi", dpi)
    check_side(kind, name, width, height)
    with _writing(name):
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
    name = _name_of(target)
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


def check_quality(quality: int) -> None:
    """Raise the OptionError that `save` would raise for this quality."""
    limits.QUALITY.check("quality", quality)


def writable(path: str | os.PathLike[str]) -> bool:
    """Whether `save` can write a file with this suffix."""
    return any(Path(path).suffix.lower() in _READABLE[kind] for kind in _WRITABLE)


def _kind_of(target: Target, format: str | None, name: str) -> str:
    if format is None:
        format = Path(target).suffix if isinstance(target, (str, os.PathLike)) else "png"
    for kind in _WRITABLE:
        if "." + format.lower().lstrip(".") in (*_READABLE[kind], "." + kind.lower()):
            return kind
    known = ", ".join(_READABLE[kind][0] for kind in _WRITABLE)
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


@contextlib.contextmanager
def _writing(name: str) -> Iterator[None]:
    """The seam where whatever Pillow and the system raise while writing becomes a PictureError."""
    try:
        with _quiet_pillow():
            yield
    except PictureError:
        raise
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PictureError(f"{name} cannot be written because its folder does not exist; make it first.") from error
    except PermissionError as error:
        raise PictureError(f"{name} cannot be written; check the permissions of its folder.") from error
    except MemoryError as error:
        raise PictureError(f"{name} cannot be written because memory ran out; make the picture smaller.") from error
    except BrokenPipeError as error:
        raise PictureError(f"{name} was closed by whoever reads it before the picture was whole.") from error
    except OSError as error:
        reason = error.strerror or _reason(error)
        raise PictureError(f"{name} cannot be written ({reason}); try another place or format.") from error
    except Exception as error:
        raise PictureError(f"{name} cannot be written ({_reason(error)}); try another place or format.") from error
