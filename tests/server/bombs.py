"""Small files that are a lot of work for whoever opens them, or something else than they say; drawn, not kept."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def zeros(megabytes: int) -> bytes:
    """A zlib stream that unpacks to so many MB of zeros; its checksum is not reached by who stops early."""
    packer = zlib.compressobj(9)
    head = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + again * (megabytes - 1) + packer.flush()


def png(
    width: int, height: int, *, color: int = 2, depth: int = 8, data: bytes | None = None, extra: bytes = b""
) -> bytes:
    """A black PNG; ``extra`` are chunks before its pixels."""
    channels = {0: 1, 2: 3, 6: 4}[color]
    if data is None:
        size = (1 + -(-width * channels * depth // 8)) * height
        data = zeros(-(-size // 2**20))
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def saved(kind: str, side: int = 64, **options: object) -> bytes:
    """An ordinary picture."""
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, kind, **options)
    return file.getvalue()


def jpeg_of_scans(side: int, scans: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again: a decoder goes through all pixels for each."""
    whole = saved("JPEG", side, progressive=True, quality=5)
    last = whole[whole.rindex(b"\xff\xda") : whole.rindex(b"\xff\xd9")]
    return whole[: whole.rindex(b"\xff\xd9")] + last * scans + b"\xff\xd9"


def jpeg_claiming(width: int, height: int) -> bytes:
    """A small JPEG whose header says another size."""
    data = bytearray(saved("JPEG"))
    at = next(data.index(mark) for mark in (b"\xff\xc0",) if mark in data)
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def frames(kind: str, count: int) -> bytes:
    """An animation of tiny frames."""
    pictures = [Image.new("RGB", (16, 16), (n % 256, n // 256, 0)) for n in range(count)]
    file = io.BytesIO()
    pictures[0].save(file, kind, save_all=True, append_images=pictures[1:], duration=10)
    return file.getvalue()


def icc_of_tags(count: int) -> bytes:
    """A color profile whose table of tags says to be long, and whose tags all point to the table."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = b"".join(struct.pack(">4sII", b"rXYZ", 128, 12 * count + 4) for _ in range(count))
    profile[128:] = struct.pack(">I", count) + tags
    profile[:4] = struct.pack(">I", len(profile))
    return bytes(profile)


def webp_claiming(width: int, height: int) -> bytes:
    """A small WebP whose canvas says another size."""
    inner = saved("WEBP")[12:]
    canvas = struct.pack("<I", 0)[:4] + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + canvas + inner
    return b"RIFF" + struct.pack("<I", len(body)) + body


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.pkl", bytes(10_000_000))
    return file.getvalue()


class _Evil:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return __import__, ("this",)


TEXT = b"Comment\0"
HTML = b"<html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>'

BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG of 60,000 x 60,000 in 440 KB": lambda: png(60_000, 60_000, color=0, depth=1, data=zeros(430)),
    "PNG of 2 billion squared": lambda: png(2**31 - 1, 2**31 - 1, data=b""),
    "PNG of 49 megapixels, as many as are taken": lambda: png(7_000, 7_000),
    "PNG of 12 megapixels, four channels of 16 bits": lambda: png(4_000, 3_000, color=6, depth=16),
    "PNG with less pixels than it says": lambda: png(7_000, 7_000, data=zeros(1)),
    "PNG with more pixels than it says": lambda: png(64, 64, data=zeros(500)),
    "PNG with 400 MB of text": lambda: png(64, 64, extra=chunk(b"zTXt", TEXT + b"\0" + zeros(400))),
    "PNG with 400 MB of international text": lambda: png(64, 64, extra=chunk(b"iTXt", TEXT + b"\1\0\0\0" + zeros(400))),
    "PNG with 600 texts of 1 MB": lambda: png(64, 64, extra=chunk(b"zTXt", TEXT + b"\0" + zeros(1)) * 600),
    "PNG with a profile of 400 MB": lambda: png(64, 64, extra=chunk(b"iCCP", b"x\0\0" + zeros(400))),
    "PNG with a profile in itself": lambda: png(
        64, 64, extra=chunk(b"iCCP", b"x\0\0" + zlib.compress(icc_of_tags(50_000)))
    ),
    "PNG with 50,000 empty chunks": lambda: png(64, 64, extra=chunk(b"prVt", b"") * 50_000),
    "GIF of 10,000 frames": lambda: frames("GIF", 10_000),
    "animated PNG of 2,000 frames": lambda: frames("PNG", 2_000),
    "animated WebP of 1,000 frames": lambda: frames("WEBP", 1_000),
    "JPEG of 65,500 x 65,500 in 5 KB": lambda: jpeg_claiming(65_500, 65_500),
    "JPEG with fewer pixels than it says": lambda: jpeg_claiming(7_000, 7_000),
    "JPEG of 2,000 scans": lambda: jpeg_of_scans(512, 2_000),
    "JPEG with a profile in itself": lambda: saved("JPEG", icc_profile=icc_of_tags(5_000)),
    "WebP of 16,384 x 16,384": lambda: webp_claiming(16_384, 16_384),
    "BMP of a billion": lambda: (
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 2**30, 2**30, 1, 24, *[0] * 6)
    ),
    "TIFF that points to itself": lambda: b"II*\0\x08\0\0\0" + b"\xff\xff" + b"\0" * 12 + struct.pack("<I", 8),
    "ICO, PSD, EPS and PDF": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n",
    "PDF": lambda: b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n",
    "SVG": lambda: SVG,
    "HTML": lambda: HTML,
    "zip": zipped,
    "pickle": lambda: pickle.dumps(_Evil()),
    "numpy": lambda: b"\x93NUMPY\x01\0v\0{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
    "safetensors": lambda: struct.pack("<Q", 2**60) + b"{}",
    "nothing": lambda: b"",
    "zeros": lambda: bytes(1000),
}
POLYGLOTS = {
    "JPEG that is HTML too": lambda: saved("JPEG", comment=HTML) + HTML,
    "PNG that is HTML too": lambda: png(64, 64, extra=chunk(b"tEXt", TEXT + HTML)) + HTML,
    "PNG that is a zip too": lambda: png(64, 64) + zipped(),
    "WebP that is HTML too": lambda: saved("WEBP", exif=b"Exif\0\0" + HTML) + HTML,
}
