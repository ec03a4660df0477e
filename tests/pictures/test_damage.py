"""Files that are damaged behind their last pixel are read, with a note; where pixels are missing they are refused."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from impasto.errors import PictureError
from impasto.pictures import load
from tests.conftest import run

NOISE = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
SMOOTH = np.add.outer(np.arange(50), np.arange(70)).astype(np.uint8)
EXIF = Image.Exif()
EXIF[271] = "Kamera" * 20
JPEGS: list[dict[str, Any]] = [
    {},
    {"progressive": True},
    {"subsampling": 0, "quality": 95},
    {"restart_marker_blocks": 2},
]


def encoded(kind: str, values: np.ndarray = NOISE, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind, **options)
    return buffer.getvalue()


def assert_mended(damaged: bytes, whole: bytes) -> None:
    """The damaged file gives the picture of the whole one, and one note that names it."""
    found = load(damaged)
    np.testing.assert_array_equal(found.pixels, load(whole).pixels)
    assert len(found.notes) == 1 and "damaged at its end" in found.notes[0] and not load(whole).notes


def refused(data: bytes) -> str:
    with pytest.raises(PictureError) as caught:
        load(data)
    return str(caught.value)


@pytest.mark.parametrize("values", [NOISE, SMOOTH], ids=["noise", "smooth"])
@pytest.mark.parametrize("options", JPEGS, ids=str)
def test_jpeg_without_its_end(options: dict[str, Any], values: np.ndarray) -> None:
    """One or both bytes of the end marker may be missing, or be something else."""
    whole = encoded("JPEG", values, **options)
    for damaged in (whole[:-1], whole[:-2], whole[:-2] + b"\xff\xff"):
        assert_mended(damaged, whole)
    np.testing.assert_array_equal(load(whole[:-2] + bytes(40)).pixels, load(whole).pixels)


@pytest.mark.parametrize("options", JPEGS, ids=str)
def test_jpeg_without_pixels(options: dict[str, Any]) -> None:
    """Where as little as two bytes of a noisy picture are missing, it is refused."""
    whole = encoded("JPEG", **options)
    for cut in (4, 5, 10, 100, 1000):
        assert "cut short" in refused(whole[:-cut])


def test_jpeg_without_its_last_scan() -> None:
    """A progressive JPEG that ends between two scans lacks details, so it is refused."""
    whole = encoded("JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    assert "cut short" in refused(whole[:last])


def test_garbage_behind_the_end_is_nothing_to_speak_of() -> None:
    """What phones hang onto their JPEGs (films, other sizes) is no damage."""
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP"):
        assert load(encoded(kind) + b"garbage" * 9).notes == ()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_png_without_its_end() -> None:
    """A PNG without IEND, with a cut or broken chunk behind or before its pixels, is whole."""
    whole = encoded("PNG")
    end = len(whole) - 12
    text = chunk(b"tEXt", b"Comment\0nothing")
    broken = text[:-1] + bytes([text[-1] ^ 1])
    for tail in (b"", b"\0\0", text[:10], broken, broken + whole[end:]):
        assert_mended(whole[:end] + tail, whole)
    assert_mended(whole[:33] + broken + whole[33:], whole)
    assert_mended(whole[: end - 3], whole)


def test_png_without_pixels() -> None:
    """A PNG whose pixels are cut short, or wrong by their checksum, is refused."""
    whole = encoded("PNG")
    assert "cut short" in refused(whole[:-200])
    middle = len(whole) // 2
    assert "cut short" in refused(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])


def test_webp_without_its_end() -> None:
    """A WebP whose EXIF is cut short is whole; one whose pixels are, is refused."""
    whole = encoded("WEBP", lossless=True, exif=EXIF.tobytes())
    for cut in (1, 30):
        found = load(whole[:-cut])
        np.testing.assert_array_equal(found.pixels, NOISE)
        assert "damaged at its end" in found.notes[0]
    assert "cut short" in refused(whole[:-400])


def test_shrunk_while_it_is_read() -> None:
    """A JPEG without its end is also read at a fraction of its size."""
    whole = encoded("JPEG", np.tile(SMOOTH, (8, 8)))
    found = load(whole[:-2], max_side=40)
    np.testing.assert_array_equal(found.pixels, load(whole, max_side=40).pixels)


def test_the_command_says_so(network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``paint`` paints it and prints one line about it."""
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(encoded("JPEG")[:-2])
    words = ["paint", photo, "-s", "red", "--network", network_file, "-o", tmp_path / "out.png"]
    code, _, err = run(*words, capsys=capsys)
    lines = err.splitlines()
    assert code == 0
    assert [line for line in lines if "damaged at its end" in line and "photo.jpg" in line] == lines[:1]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_damage_is_a_photo_or_a_sentence(data: st.DataObject) -> None:
    """Bytes that are cut, changed or put in give a picture or a PictureError, never anything else."""
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "BMP", "PPM"]))
    try:
        file = bytearray(encoded(kind, SMOOTH[:9, :13], exif=EXIF.tobytes()))
    except (KeyError, OSError):
        return  # this Pillow was built without it
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(file)))
        file[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        assert load(bytes(file[: data.draw(st.integers(0, len(file)))]), max_pixels=10**6).pixels.ndim == 3
    except PictureError as error:
        assert str(error).isprintable()
