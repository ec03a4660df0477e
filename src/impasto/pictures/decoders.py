"""Who decodes which file: Pillow, or a package that is imported when a file needs it; and what a file says beside."""

from __future__ import annotations

import contextlib
import importlib
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import IO, Any, TypeVar

from PIL import Image

from impasto.errors import PictureError, attempt
from impasto.pictures import containers, formats
from impasto.pictures.sources import HEAD

Result = TypeVar("Result")
DAMAGED_END = "is damaged at its end, behind the last pixel; the picture is whole"
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
_JXL = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
_UNMISTAKABLE = ("JPEG", "PNG")  # by their first bytes, and known to Pillow from its start
_PAGES = ("TIFF",)
_STILL = ("MPO",)  # what comes after the first picture is no animation, and every phone writes it
_WHITE_IS_ZERO = 262  # TIFF's tag PhotometricInterpretation, where 0 says so


@cache
def readable() -> tuple[str, ...]:
    """Names of the formats that Pillow reads here; it may be built without some."""
    Image.init()
    return tuple(name for name in formats.READABLE if name in Image.OPEN)


def all_readable() -> tuple[str, ...]:
    """Names of the formats that are read here, by Pillow or by a package that is installed."""
    more = (kind for kind in (formats.HEIF, formats.JXL) if formats.decoder(kind))
    return (*readable(), *more)


def known(head: bytes) -> str | None:
    """The name of the format of a file that begins so, if it may be one that is read."""
    brand = head[8:12] if head[4:8] == b"ftyp" else b""
    if brand in _HEIF_BRANDS and b"avif" not in head:
        return formats.HEIF
    if head.startswith(_JXL):
        return formats.JXL
    Image.preinit()  # knows the common ones; to load the others takes as long as to read a small photo
    common = (name for name in formats.READABLE if name in Image.OPEN)
    return _accepting(common, head) or _accepting(readable(), head)


def _accepting(names: Iterable[str], head: bytes) -> str | None:
    """The first of Pillow's formats that says that a file which begins so is its own."""
    for name in names:
        accept = Image.OPEN[name][1]
        if accept is None or accept(head):
            return name
    return None


@contextlib.contextmanager
def opened(file: IO[bytes], name: str) -> Iterator[Image.Image]:
    """The image in a file, not decoded yet; PictureError where its decoder is not installed."""
    file.seek(0)
    kind = known(file.read(HEAD))
    file.seek(0)
    with _image(file, kind, name) as image:
        if image.format == "JPEG2000" and "icc_profile" not in image.info:
            image.info["icc_profile"] = _kept(file, containers.jp2_profile)
        yield image


def _image(file: IO[bytes], kind: str | None, name: str) -> Image.Image:
    if kind == formats.HEIF:
        image: Image.Image = _package(kind, name).HeifImageFile(file)
        return image
    if kind == formats.JXL:
        _package(kind, name)  # makes itself known to Pillow
        return Image.open(file, formats=(kind,))
    return Image.open(file, formats=(kind,) if kind in _UNMISTAKABLE else readable())


def _package(kind: str, name: str) -> Any:
    package = formats.decoder(kind)
    if package is None:
        raise PictureError(f"{name} cannot be read: {formats.missing(kind)}.")
    return importlib.import_module(package)


def codes(image: Image.Image, file: IO[bytes]) -> containers.Codes | None:
    """What a file says of its colours by the numbers of Rec. ITU-T H.273; None where it does not, or cannot be read."""
    try:
        if image.format == "PNG":
            return _kept(file, containers.png_codes)
        if image.format == "AVIF":
            return _kept(file, containers.avif_codes)
        nclx = image.info.get("nclx_profile")
        return (int(nclx["color_primaries"]), int(nclx["transfer_characteristics"]), True) if nclx else None
    except (EOFError, struct.error, OSError, KeyError, TypeError, ValueError):
        return None


def _kept(file: IO[bytes], look: Callable[[IO[bytes]], Result]) -> Result:
    """What ``look`` finds in a file, whose position is kept: Pillow reads on from there."""
    place = file.tell()
    try:
        return look(file)
    finally:
        file.seek(place)


def notes(image: Image.Image, file: IO[bytes]) -> list[str]:
    """What whoever reads a decoded image should know, as sentences that lack their subject."""
    found = []
    if image.format == "PNG" and not _kept(file, containers.png_ends):
        found.append(DAMAGED_END)
    if image.format not in _STILL and _is_animated(image):
        several = "has several pages" if image.format in _PAGES else "is an animation"
        found.append(f"{several}; the first is taken")
    return found


def _is_animated(image: Image.Image) -> bool:
    return attempt(lambda: bool(getattr(image, "is_animated", False)), False)  # a damaged second frame is none


def white_is_zero(image: Image.Image) -> bool:
    """Whether a TIFF of deep grey stores it as ink, which Pillow minds for 8 bits only."""
    return getattr(image, "tag_v2", {}).get(_WHITE_IS_ZERO) == 0
