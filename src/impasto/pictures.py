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
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from impasto import metadata
from impasto.errors import PictureError
from impasto.files import write_atomically
from impasto.transparency import cover

Picture: TypeAlias = NDArray[np.float32]
Pixels: TypeAlias = NDArray[Any]
Source: TypeAlias = str | os.PathLike[str] | bytes | IO[bytes] | Image.Image | NDArray[Any]
Target: TypeAlias = str | os.PathLike[str] | IO[bytes]

DEFAULT_MAX_PIXELS = 200_000_000  # the largest phone cameras make 200 megapixels

# What is read, by Pillow's name. Nothing else: Pillow would hand an EPS file, for one, to Ghostscript.
_READABLE = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "AVIF": (".avif",),
    "JPEG2000": (".jp2", ".j2k", ".jpx"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}
_SUFFIXES = frozenset(suffix for suffixes in _READABLE.values() for suffix in suffixes)
_WRITABLE = ("JPEG", "PNG", "WEBP", "TIFF")
PAPER = (255, 255, 255)  # what shows through where a format has no transparency
LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383, "GIF": 65_535}  # pixels; limits of the file formats
_LONGEST_JPEG_EXIF = 65_533  # bytes; one JPEG segment

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
    """

    pixels: Pixels
    opacity: Pixels | None = None
    exif: bytes | None = None
    name: str = "The picture"
    format: str | None = None

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


def load(source: Source, *, max_pixels: int = DEFAULT_MAX_PIXELS, max_side: int | None = None) -> Photo:
    """The photo in a file, in bytes, in a binary file object, in a PIL image or in an array.

    Orientation is applied, the colour profile is converted to sRGB (a broken profile counts as sRGB), of an animation
    the first frame is taken. Grey keeps its 16 bits; Pillow reads 16-bit *colour* with 8 bits. Integer grey beyond
    16 bits is scaled by 2**31 - 1. Float values, in files and arrays, mean 0..1; a little outside is clipped.

    An array is h x w or h x w x 1, 3 or 4 (the fourth is alpha), uint8, uint16 or float. It is copied.

    With `max_side` the photo is shrunk as `resize` does it; large JPEGs are then decoded at a fraction of their size
    (1/2, 1/4 or 1/8, still twice as large as asked for), which is faster and hardly differs.

    Raises PictureError for whatever cannot be read, and before decoding for more than `max_pixels` pixels.
    """
    name = _name_of(source)
    if max_side is not None:
        _check_side(max_side)
    if isinstance(source, np.ndarray):
        return _shrunk(_from_array(source, name), max_side)
    with _reading(name, max_pixels):
        if isinstance(source, Image.Image):
            return _shrunk(_from_image(source, name, max_pixels), max_side)
        with _opened(source, name) as file, Image.open(file, formats=_formats()) as image:
            _check_pixels(image, name, max_pixels)
            original = None if max_side is None else _drafted(image, max_side)
            return _shrunk(_from_image(image, name, max_pixels), max_side, original)


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


def size_of(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Width and height of the upright picture in a file, from its header alone; PictureError as in ``load``."""
    name = _name_of(path)
    with _reading(name, 2**62), _opened(path, name) as file, Image.open(file, formats=_formats()) as image:
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


def find(paths: Iterable[str | os.PathLike[str]] | str | os.PathLike[str]) -> list[Path]:
    """`paths` with every folder replaced by the picture files in it and below it, sorted; files pass as they are.

    A picture file is known by its suffix. Hidden files and folders are left out, links to folders are not followed.
    Raises PictureError for a folder that cannot be listed.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    found: list[Path] = []
    for path in map(Path, paths):
        found += sorted(_pictures_below(path)) if path.is_dir() else [path]
    return found


def _pictures_below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, onerror=_refuse_folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(parent, name) for name in files if not name.startswith(".")):
            if path.suffix.lower() in _SUFFIXES:
                yield path


def _refuse_folder(error: OSError) -> None:
    name = _printable(error.filename)
    raise PictureError(f"The folder {name} cannot be listed ({error.strerror}); check its permissions.") from error


def _name_of(thing: Any) -> str:
    if isinstance(thing, (str, os.PathLike)):
        return _printable(thing)
    if isinstance(thing, np.ndarray):
        return "The array"
    if isinstance(thing, Image.Image):
        return _printable(getattr(thing, "filename", "") or "The PIL image")
    if isinstance(thing, (bytes, bytearray, memoryview)):
        return "The byte string"
    name = getattr(thing, "name", None)
    return _printable(name) if isinstance(name, str) and name else "The file object"


def _printable(text: object) -> str:
    """`text` on one line and without control characters, which file names may contain."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in _READABLE if name in Image.OPEN)  # Pillow may be built without some


class _QuietPillow:
    """Pillow's warnings off, and its own pixel limit not below ours, while any thread is inside.

    Both are switches of the whole process, and Pillow offers no others. So the first thread to come in sets them and
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
        raise PictureError(_why_unreadable(name, error, max_pixels)) from error


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
        kinds = ", ".join(_formats())
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


@contextlib.contextmanager
def _opened(source: str | os.PathLike[str] | bytes | IO[bytes], name: str) -> Iterator[IO[bytes]]:
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            if not file.peek(1):
                raise PictureError(f"{name} is empty; copy or export it again.")
            yield file
        return
    data = source.read() if hasattr(source, "read") else source
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise PictureError(
            f"A picture comes from a path, bytes, a file opened in binary mode, a PIL image or an array, "
            f"not from {type(source).__name__}."
        )
    if not data:
        raise PictureError(f"{name} is empty; a file object may have to be rewound first.")
    yield io.BytesIO(data)


def _check_pixels(image: Image.Image, name: str, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise PictureError(_too_many_pixels(name, width * height, max_pixels))
    if width * height == 0:
        raise PictureError(f"{name} is {width} x {height} pixels large, so there is nothing to read; export it again.")


def _from_image(image: Image.Image, name: str, max_pixels: int) -> Photo:
    _check_pixels(image, name, max_pixels)
    image.load()
    orientation, exif = _exif_of(image)  # after load(): Pillow turns TIFFs upright itself and then says so
    values, alpha = _values_of(image)
    opacity = None if alpha is None else _checked_values(_upright(alpha, orientation), name)
    pixels = _covered(_as_pixels(_upright(values, orientation), name), opacity)
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


def _values_of(image: Image.Image) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Colours in sRGB, h x w x 3, or deep grey, h x w; and alpha, h x w, or None. uint8, uint16 or float."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _deep_grey(image)
    alpha = None
    if image.has_transparency_data:
        clear = image.convert("LA" if image.mode == "La" else "RGBA")
        alpha = np.asarray(clear.getchannel("A"))
        image = image if image.mode == "LA" else clear
    profile = image.info.get("icc_profile")
    mode = _PROFILE_MODE.get(image.mode, "RGB")
    image = image if image.mode == mode else image.convert(mode)
    return np.asarray(_in_srgb(image, profile)), alpha


def _deep_grey(image: Image.Image) -> tuple[NDArray[Any], NDArray[Any] | None]:
    values: NDArray[Any] = np.asarray(image)
    clear = image.info.get("transparency")  # PNG: the one grey value that is clear
    alpha = (values != clear).astype(np.float32) if isinstance(clear, int) else None
    if image.mode == "I":  # 32 bits wide, but the files behind it mostly hold 16
        values = np.clip(values / (65_535 if values.max() <= 65_535 else 2**31 - 1), 0, 1)
    return values, alpha


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """`image` as RGB in sRGB; a profile that is broken, or made for other channels, counts as sRGB."""
    if not profile:
        return image.convert("RGB")
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            image.mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        return transform.apply(image)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image.convert("RGB")


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
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4) or array.size == 0:
        raise PictureError(f"A picture array is h x w, or h x w x 1, 3 or 4, not {_shape(array)}; transpose or cut it.")
    alpha = _checked_values(array[..., 3], name) if channels == 4 else None
    if alpha is not None and array.dtype.kind == "f":  # whatever dividing by an alpha of 0 has left there
        array = np.where(alpha[..., None] > 0, array, 0)
    pixels = _covered(_as_pixels(array[..., :3] if channels == 4 else array, name), alpha)
    return Photo(pixels.copy() if np.shares_memory(pixels, array) else pixels, alpha, name=name)


def _shape(array: NDArray[Any]) -> str:
    return " x ".join(map(str, array.shape)) or "a single number"


def _as_pixels(values: NDArray[Any], name: str) -> Pixels:
    checked = _checked_values(values, name).reshape(*values.shape[:2], -1)
    return np.repeat(checked, 3, axis=2) if checked.shape[2] == 1 else checked


def _checked_values(values: NDArray[Any], name: str) -> Pixels:
    """uint8, uint16 or float values, contiguous; floats as new float32 in 0..1."""
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        return np.ascontiguousarray(values)
    if values.dtype.kind != "f":
        raise PictureError(f"{name} holds {values.dtype} values; convert them to uint8, uint16, or float in 0..1.")
    low, high = float(values.min()), float(values.max())
    _refuse_non_finite(low + high, name)
    if low < -1 or high > 2:  # further out than any sharpening overshoots
        raise PictureError(f"{name} holds float values from {low:g} to {high:g}; divide them so that they span 0..1.")
    clipped: Picture = np.ascontiguousarray(np.clip(values, 0, 1), np.float32)
    return clipped


def _refuse_non_finite(number: float, name: str) -> None:
    if not np.isfinite(number):
        raise PictureError(f"{name} holds NaN or infinite values; look for the step that made them.")


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
    if max_side < 1:
        raise PictureError(f"A picture cannot be resized to {max_side} pixels; its longer side must be at least 1.")


def _scaled_size(width: int, height: int, max_side: int) -> tuple[int, int]:
    scale = max_side / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrunk_size(width: int, height: int, max_side: int) -> tuple[int, int]:
    """Width and height of a picture that `resize` has shrunk."""
    return (width, height) if max(width, height) <= max_side else _scaled_size(width, height, max_side)


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
) -> tuple[str, ...]:
    """Write a picture, or pixels of uint8, as JPEG, PNG, WebP or TIFF, 8 bits a channel, with an sRGB profile.

    target: a path, whose suffix tells the format unless `format` does ("png", "jpeg", "webp", "tiff"), or a binary
        file object (PNG unless `format` says otherwise). A path appears complete or not at all, and a file that was
        there keeps its permissions.
    like: the photo whose alpha goes along (resized if need be; in a JPEG white shows through), and author, rights,
        dates and resolution out of its EXIF; with `keep_metadata` also the rest that is true of the painting.
    quality: 1..100, of JPEG (4:4:4) and WebP; PNG and TIFF lose nothing.
    comment: goes into the EXIF field UserComment, in place of the photo's own.

    Returns what is to be said of the file, a sentence each: that its format has no transparency.
    Raises PictureError for a picture with NaN, an unknown format, and whatever keeps the file from being written.
    """
    name = _name_of(target)
    kind = _kind_of(target, format, name)
    picture = _writable(picture)
    height, width = picture.shape[:2]
    check_quality(quality)
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
    """Raise the PictureError that `save` would raise for this quality."""
    if not 1 <= quality <= 100:
        raise PictureError(f"Quality is {quality}; choose a number from 1 to 100.")


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
