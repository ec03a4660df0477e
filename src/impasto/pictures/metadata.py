"""EXIF: what of a photo's goes along with its painting, and how impasto's own pictures are known. Knows no files.

A painting is published more often than its photo. So only what is on a short list goes along by itself: author, rights,
dates and resolution. A list of what to leave out would always miss the next camera's private block.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PIL import ExifTags, Image

from impasto.errors import attempt

MARKER = "impasto"  # in EXIF's Software, and in the comment of a GIF, of every picture that impasto writes

_TAG = ExifTags.Base
_RESOLUTION = (int(_TAG.XResolution), int(_TAG.YResolution), int(_TAG.ResolutionUnit))
_KEPT = frozenset(map(int, (_TAG.Artist, _TAG.Copyright, _TAG.DateTime)))
_KEPT_IN_EXIF = frozenset(
    map(
        int,
        (
            *(_TAG.DateTimeOriginal, _TAG.DateTimeDigitized, _TAG.SubsecTime, _TAG.SubsecTimeOriginal),
            *(_TAG.SubsecTimeDigitized, _TAG.OffsetTime, _TAG.OffsetTimeOriginal, _TAG.OffsetTimeDigitized),
        ),
    )
)
# TIFF tags about where and how the pixels lay in the old file: size, strips, tiles, compression, palette, ICC, raw, ...
# Also XMP, IPTC and Photoshop's blocks: they repeat such facts in places that cannot be put right here.
_LAYOUT = frozenset(
    {*range(254, 260), 262, 263, 264, 265, 266, 273, *range(277, 282), 284, *range(288, 294), 297, 301}
    | {*range(317, 348), *range(512, 533), 700, 33723, 34377, 34675, 34908, 37724, *range(50706, 51200)}
)
# What EXIF's inner directory says of the old pixels: coding, the subject's place, the sensor's resolution, colour.
_STALE_IN_EXIF = frozenset({37121, 37122, 37396, 40964, 40965, 41484, 41486, 41487, 41488, 41492, 42240})
_DENSEST = 65_535  # pixels per inch; JFIF holds no more


def read(image: Image.Image, orientation: int = 1) -> bytes | None:
    """Everything in an image's EXIF that holds for its upright pixels too, and its resolution; None for nothing at all.

    The thumbnail, which shows the old picture, is left out. Broken EXIF counts as none: it must not cost the picture.
    """
    found = attempt(image.getexif, Image.Exif())
    density = _density(image, found)
    for copy in (_copy, _allowed):  # a field that cannot be written again costs only those that are left out anyway
        block = attempt(lambda copy=copy: _block(copy(found), density, orientation), None)  # type: ignore[misc]
        if block is not None:
            return block
    return None


def _block(exif: Image.Exif, density: tuple[float, float] | None, orientation: int) -> bytes | None:
    if density is not None:
        _set_density(exif, density if orientation < 5 else density[::-1])
    return exif.tobytes() if exif else None


def write(
    exif: bytes | None,
    size: tuple[int, int],
    *,
    comment: str | None = None,
    keep: bool = False,
    limit: int | None = None,
    dpi: float | None = None,
) -> bytes:
    """The EXIF block of a painting of ``size`` (width, height): the marker, the comment, and what ``exif`` may add.

    That is author, rights, dates and resolution; with ``keep`` everything that is true of the painting too. Where the
    block would have more than ``limit`` bytes, the least important parts are left out. ``dpi`` is a resolution in
    place of the photo's, in pixels per inch.
    """
    photo = Image.Exif()
    attempt(lambda: photo.load(exif or b""), None)
    if dpi is not None:
        _set_density(photo, (dpi, dpi))
    for take, text in ((_true_of, comment), (_allowed, comment), (_allowed, None)):
        if take is _allowed or keep:
            data = _marked(take(photo, size), text)
            if limit is None or len(data) <= limit:
                return data
    least = Image.Exif()
    if dpi is not None:
        _set_density(least, (dpi, dpi))
    return _marked(least, None)


def density_in(exif: bytes) -> tuple[float, float] | None:
    """Pixels per inch, across and down, in a block that ``write`` made; None where it has none."""
    block = opened(exif)
    return _numbers(block.get(tag) for tag in _RESOLUTION[:2])


def opened(exif: bytes) -> Image.Exif:
    """A block that ``write`` made, as TIFF's writer needs it."""
    block = Image.Exif()
    block.load(exif)
    return _texts_of(block)


def comment_in(exif: Image.Exif) -> str:
    """The text of the field UserComment, whose first eight bytes name its coding; "" where there is none."""
    coded = exif.get_ifd(ExifTags.IFD.Exif).get(_TAG.UserComment, b"")
    if not isinstance(coded, bytes):
        return ""
    return coded[8:].decode("utf-16" if coded.startswith(b"UNICODE\0") else "ascii", "replace")


def is_marked(image: Image.Image) -> bool:
    """Whether impasto wrote the file behind an image that was opened, from its header alone.

    Another program that changes a painting puts its own name into Software: the file is the user's work then. Paintings
    of impasto 0.1.0, which left Software alone, are known by their comment where that field is empty.
    """
    if image.format == "GIF":
        comment = image.info.get("comment", b"")
        return isinstance(comment, bytes) and comment.startswith(MARKER.encode())
    exif = _exif_in_header(image)
    if _TAG.Software in exif:
        return bool(exif[_TAG.Software] == MARKER)
    return comment_in(exif).startswith(("painted by impasto", '{"made_by": "impasto'))


def _exif_in_header(image: Image.Image) -> Image.Exif:
    if image.format == "TIFF":
        return image.getexif()
    exif = Image.Exif()  # not getexif, which decodes a PNG to look behind its pixels
    exif.load(image.info.get("exif", b""))
    return exif


# ---- reading


def _copy(found: Image.Exif) -> Image.Exif:
    """All that is no fact about the old file; a copy, because `found` may belong to the caller's image."""
    block = _texts_of(found)
    for tag in _LAYOUT.intersection(block):
        del block[tag]
    if block:
        block[_TAG.Orientation] = 1
    return block


def _texts_of(found: Image.Exif) -> Image.Exif:
    """A copy with every text as the bytes that it is: Pillow would write ? for é."""
    block = Image.Exif()
    block.load(found.tobytes())
    for tag, value in found.items():
        if isinstance(value, str):
            block[tag] = _text(value)
    return block


def _text(value: str) -> str | bytes:
    """A text as EXIF had it: Pillow reads its bytes as Latin-1."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


def _density(image: Image.Image, exif: Image.Exif) -> tuple[float, float] | None:
    """Pixels per inch, across and down, as EXIF or else the file's own header says; None where neither does."""
    across, down, unit = (exif.get(tag) for tag in _RESOLUTION)
    if across is not None and unit in (None, 2, 3):
        found = _numbers((across, down))
        return found if found is None or unit != 3 else _numbers(2.54 * number for number in found)
    if image.format in ("PNG", "BMP") or image.info.get("jfif_unit") in (1, 2):  # elsewhere Pillow makes 72 up
        return _numbers(image.info.get("dpi", ()))
    return None


def _numbers(pair: Iterable[Any]) -> tuple[float, float] | None:
    try:
        across, down = map(float, pair)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return (across, down) if 1 <= across <= _DENSEST and 1 <= down <= _DENSEST else None


def _set_density(block: Image.Exif, density: tuple[float, float]) -> None:
    for tag, value in zip(_RESOLUTION, (*density, 2), strict=True):
        block[tag] = value


# ---- writing


def _true_of(photo: Image.Exif, size: tuple[int, int]) -> Image.Exif:
    """All of it, with the facts about the pixels put right or left out."""
    block = _texts_of(photo)
    inner = {tag: value for tag, value in block.get_ifd(ExifTags.IFD.Exif).items() if tag not in _STALE_IN_EXIF}
    inner |= {int(_TAG.ColorSpace): 1, int(_TAG.ExifImageWidth): size[0], int(_TAG.ExifImageHeight): size[1]}
    block[ExifTags.IFD.Exif] = inner
    return block


def _allowed(photo: Image.Exif, size: tuple[int, int] | None = None) -> Image.Exif:
    """Author, rights, dates and resolution, which hold at any size."""
    block = Image.Exif()
    for tag in _KEPT:
        if isinstance(photo.get(tag), str):
            block[tag] = _text(photo[tag])
    density = _numbers(photo.get(tag) for tag in _RESOLUTION[:2])
    if density is not None:
        _set_density(block, density)
    inner = photo.get_ifd(ExifTags.IFD.Exif)
    dates = {tag: value for tag, value in inner.items() if tag in _KEPT_IN_EXIF and isinstance(value, str)}
    if dates:
        block[ExifTags.IFD.Exif] = dates
    return block


def _marked(block: Image.Exif, comment: str | None) -> bytes:
    """The block as bytes, with the marker, and with the comment if there is one."""
    block[_TAG.Software] = MARKER
    if comment is not None:
        coded = b"ASCII\0\0\0" + comment.encode() if comment.isascii() else b"UNICODE\0" + comment.encode("utf-16")
        block[ExifTags.IFD.Exif] = {**block.get(ExifTags.IFD.Exif, {}), int(_TAG.UserComment): coded}
    return block.tobytes()
