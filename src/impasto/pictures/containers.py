"""Chunks, boxes and markers of picture files: what Pillow passes by in them, and ends that can be mended."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import IO

Codes = tuple[int, int, bool]  # primaries and transfer of Rec. ITU-T H.273, and whether the range is full

_PNG = b"\x89PNG\r\n\x1a\n"
MENDABLE = ("JPEG", "PNG", "WEBP")  # by Pillow's names
_PIXELS_OF_WEBP = (b"VP8 ", b"VP8L", b"ANMF")


# ---- colour


def png_codes(file: IO[bytes]) -> Codes | None:
    """The cICP chunk of a PNG; None where there is none, or one that is not for RGB."""
    for kind, length in _png_chunks(file):
        if kind == b"IDAT":
            return None
        if kind == b"cICP" and length == 4:
            primaries, transfer, matrix, full = file.read(4)
            return (primaries, transfer, full != 0) if matrix == 0 else None
    return None


def avif_codes(file: IO[bytes]) -> Codes | None:
    """The first "nclx" of an AVIF or HEIF, which the picture itself comes with; its range is the decoder's business."""
    file.seek(0)
    for place in _boxes(file, 2**62, (b"meta", b"iprp", b"ipco", b"colr")):
        found = file.read(8)
        if found[:4] == b"nclx" and len(found) == 8:
            return int.from_bytes(found[4:6], "big"), int.from_bytes(found[6:], "big"), True
        file.seek(place)
    return None


def jp2_profile(file: IO[bytes]) -> bytes | None:
    """The ICC profile in a JPEG 2000 file, which Pillow passes by."""
    file.seek(0)
    for place in _boxes(file, 2**62, (b"jp2h", b"colr")):
        if file.read(3)[:1] in (b"\2", b"\3"):  # a profile follows, which begins with its length
            length = file.read(4)
            return length + file.read(max(0, int.from_bytes(length, "big") - 4))
        file.seek(place)
    return None


def _boxes(file: IO[bytes], end: int, path: tuple[bytes, ...]) -> Iterator[int]:
    """Seek the content of each box at the end of a path of nested boxes; yields where the content begins."""
    while file.tell() + 8 <= end:
        start = file.tell()
        head = file.read(8)
        if len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head)
        if size == 1:
            size = int.from_bytes(file.read(8), "big")
        stop = end if size == 0 else start + size
        if stop <= start + 7:
            return
        if kind == path[0]:
            if kind == b"meta":  # a version comes before what it holds
                file.read(4)
            if len(path) == 1:
                yield file.tell()
            else:
                yield from _boxes(file, stop, path[1:])
        file.seek(stop)


# ---- ends


def png_ends(file: IO[bytes]) -> bool:
    """Whether a PNG has its end, and whole chunks between its pixels and that."""
    behind = False
    for kind, length in _png_chunks(file):
        if kind == b"IEND":
            return True
        behind = behind or kind == b"IDAT"
        if behind and kind not in (b"IDAT", b"fdAT"):
            body, crc = file.read(length), file.read(4)
            if crc != zlib.crc32(kind + body).to_bytes(4, "big"):
                return False
    return False


def png_exif(file: IO[bytes]) -> bytes | None:
    """EXIF of a PNG, which may stand behind its pixels."""
    for kind, length in _png_chunks(file):
        if kind == b"eXIf":
            return file.read(length)
    return None


def _png_chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """Kind and length of each chunk; the file is at its data."""
    place = len(_PNG)
    while True:
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        place += 12 + length
        yield kind, length


def mended(data: bytes, kind: str) -> list[bytes]:
    """A file of a ``MENDABLE`` kind with its end put right; [] where that is beyond help.

    If pixels are missing, Pillow refuses it again, or the files of the list come out as different pictures.
    """
    if kind == "PNG":
        return _mended_png(data)
    return _mended_webp(data) if kind == "WEBP" else _mended_jpeg(data)


def _mended_jpeg(data: bytes) -> list[bytes]:
    """The decoder makes up what is missing out of what it finds instead: so it is given different things to find."""
    if not _all_scans(data):
        return []
    end = b"\xff\xd9"
    return [data.rstrip(b"\xff") + filler * 64 + end for filler in (b"", b"\x55", b"\xaa")]


def _all_scans(jpeg: bytes) -> bool:
    """Whether there is a scan for every component, and in a progressive JPEG for the last bit of everything."""
    components: bytes = b""
    missing: set[tuple[int, bool]] = set()  # component, and whether it is about details or averages
    place = 2
    while (found := re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])").search(jpeg, place)) is not None:
        marker, place = found[1][0], found.end()
        length = int.from_bytes(jpeg[place : place + 2], "big")
        body = jpeg[place + 2 : place + length]
        if marker in (0xC0, 0xC1, 0xC2) and len(body) >= 6:
            components = body[6::3]
            missing = {(each, part) for each in components for part in (False, True)}
        if marker == 0xDA and len(body) >= 4:
            first, last, low = body[-3], body[-2], body[-1] & 15
            ends = {(each, part) for each in body[1:-3:2] for part in (False, True) if first == 0 or part}
            if low == 0:
                missing -= {(each, part) for each, part in ends if not part or last == 63}
        if marker == 0xD9:
            break
        place += max(2, length)
    return bool(components) and not missing


def _mended_png(data: bytes) -> list[bytes]:
    """Without the chunks behind the pixels, and without damaged chunks that need not be there."""
    kept, place = [_PNG], len(_PNG)
    while place + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        body, crc = data[place + 8 : place + 8 + length], data[place + 8 + length : place + 12 + length]
        place += 12 + length
        if kind == b"IEND":
            break
        whole = crc == zlib.crc32(kind + body).to_bytes(4, "big")
        cut = place > len(data) and kind == b"IDAT"
        if not whole and not cut and not kind[0] & 32:  # damage in the picture itself
            return []
        if whole or cut:
            kept.append(_png_chunk(kind, body))
    return [b"".join([*kept, _png_chunk(b"IEND", b"")])]


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def _mended_webp(data: bytes) -> list[bytes]:
    """Without a chunk that is cut short, if it holds no pixels."""
    kept, place = b"", 12
    while place + 8 <= len(data):
        kind, length = struct.unpack("<4sI", data[place : place + 8])
        stop = place + 8 + length + length % 2
        if stop > len(data):
            if kind in _PIXELS_OF_WEBP:
                return []
            break
        kept += data[place:stop]
        place = stop
    return [b"RIFF" + struct.pack("<I", len(kept) + 4) + b"WEBP" + kept]
