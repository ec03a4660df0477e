"""Files that are small and would become huge, and others that are made to break whoever reads them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageFile

from impasto.painting import memory
from tests.server.conftest import PNG, TestClient, drawn, problem


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *more: bytes) -> bytes:
    """A PNG whose header claims a size, with hardly any pixels."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def text_bomb() -> bytes:
    """A PNG whose text becomes 256 MB when it is unpacked."""
    part = zlib.compressobj(9)
    packed = b"".join(part.compress(bytes(2**20)) for _ in range(256)) + part.flush()
    return png(64, 64, chunk(b"zTXt", b"a\0\0" + packed))


def gif_of_many_frames() -> bytes:
    """A GIF of 10,000 frames."""
    first = io.BytesIO()
    Image.new("P", (16, 16)).save(first, "GIF")
    data = first.getvalue()
    frame = data[data.index(b",") : -1]
    return data[:-1] + frame * 10_000 + b";"


def profile_bomb() -> bytes:
    """A PNG whose profile says that it is longer than it is."""
    return png(64, 64, chunk(b"iCCP", b"icc\0\0" + zlib.compress(struct.pack(">I", 2**31) + bytes(200))))


def tiff_of_directories() -> bytes:
    """A TIFF whose directories lead back to themselves."""
    entry = struct.pack("<HHII", 256, 4, 1, 16)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + struct.pack("<I", 8)


@pytest.mark.parametrize("path", ["photos", "paint?style=red"])
@pytest.mark.parametrize(
    "data",
    [png(60_000, 60_000), png(2**31 - 1, 2**31 - 1), png(15_000, 15_000), png(1, 10**9)],
    ids=["60k", "2G", "225MP", "line"],
)
def test_too_many_pixels(client: TestClient, data: bytes, path: str) -> None:
    """A header that claims too many pixels is refused before anything is decoded, in hardly any memory."""
    before = memory.used()
    assert problem(client.post(f"/api/v1/{path}", content=data, headers=PNG)) == (422, "too-many-pixels")
    assert memory.used() - before < 300e6  # the least of them takes 675 MB; threads beside this one take some


@pytest.mark.parametrize(
    "made", [text_bomb, gif_of_many_frames, profile_bomb, tiff_of_directories], ids=lambda each: each.__name__
)
def test_costs_little(client: TestClient, made: Callable[[], bytes]) -> None:
    """Whatever else a file unpacks to costs little memory, and the next photo is taken."""
    data, before = made(), memory.used()
    answer = client.post("/api/v1/photos", content=data, headers={"content-type": "application/octet-stream"})
    assert answer.status_code == 201 or problem(answer)[0] in (415, 422)
    assert memory.used() - before < 200e6
    assert client.post("/api/v1/photos", content=drawn(), headers=PNG).status_code == 201


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "AVIF"])
def test_cut_short(client: TestClient, kind: str) -> None:
    """A file that is cut short anywhere is taken as far as it is whole, or refused in one sentence."""
    if kind not in ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP") and kind not in Image.SAVE:
        pytest.skip("Pillow writes no AVIF here")
    whole = drawn(80, 60, kind)
    for share in (0.05, 0.3, 0.7, 0.95):
        answer = client.post("/api/v1/photos", content=whole[: int(share * len(whole)) + 20], headers=PNG)
        assert answer.status_code == 201 or problem(answer) in [(422, "bad-picture"), (415, "unsupported-format")]


def test_noise(client: TestClient) -> None:
    """A file of which bytes were changed is a photo or a sentence, never a fault."""
    rng, whole = np.random.default_rng(0), bytearray(drawn(80, 60, "JPEG"))
    for _ in range(30):
        broken = bytearray(whole)
        for place in rng.integers(2, len(whole), 6):
            broken[place] = rng.integers(256)
        answer = client.post("/api/v1/photos", content=bytes(broken), headers=PNG)
        assert answer.status_code == 201 or problem(answer)[0] in (415, 422)


def test_pillow_is_strict(client: TestClient) -> None:
    """Nothing makes Pillow take half pictures for whole ones, for any request."""
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
