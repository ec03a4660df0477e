"""Packages that decode what Pillow does not: asked only for files that need them, and named where they are missing."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.errors import PictureError
from impasto.pictures import decoders, formats, load, size_of

# Red above blue, upright; stored lying, under a profile with red and green exchanged, and with EXIF of a phone.
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWl4AAAAAG1pZjFoZWl4bWlhZgAABA5tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5waXRtAA"
    "AAAAABAAAANGlsb2MAAAAAREAAAgABAAAAAAQyAAEAAAAAAAAAjgACAAAAAATAAAEAAAAAAAAANgAAADhpaW5mAAAAAAACAAAAFWluZmUCAAAA"
    "AAEAAGh2YzEAAAAAFWluZmUCAAABAAIAAEV4aWYAAAADTWlwcnAAAAMsaXBjbwAAAHdodmNDAQQIAAAAAAAAAAAAHvAA/P/4+AAADwNgAAEAF0"
    "ABDAH//wQIAAADAJ44AAADAAAeugJAYQABACpCAQEECAAAAwCeOAAAAwAAHpAEECCy3VyU1zcBDQYEAAADAAQAAAMABCBiAAEACEQBwXMYMAiQ"
    "AAACWGNvbHJwcm9mAAACTGxjbXMEQAAAbW50clJHQiBYWVogB+oACwAaAAgACQAsYWNzcEFQUEwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP"
    "bWAAEAAAAA0y1sY21zAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAALZGVzYwAAAQgAAAA2Y3BydAAAAUAA"
    "AABMd3RwdAAAAYwAAAAUY2hhZAAAAaAAAAAsZ1hZWgAAAcwAAAAUYlhZWgAAAeAAAAAUclhZWgAAAfQAAAAUclRSQwAAAggAAAAgZ1RSQwAAAg"
    "gAAAAgYlRSQwAAAggAAAAgY2hybQAAAigAAAAkbWx1YwAAAAAAAAABAAAADGVuVVMAAAAaAAAAHABzAFIARwBCACAAYgB1AGkAbAB0AC0AaQBu"
    "AABtbHVjAAAAAAAAAAEAAAAMZW5VUwAAADAAAAAcAE4AbwAgAGMAbwBwAHkAcgBpAGcAaAB0ACwAIAB1AHMAZQAgAGYAcgBlAGUAbAB5WFlaIA"
    "AAAAAAAPbWAAEAAAAA0y1zZjMyAAAAAAABDEIAAAXe///zJQAAB5MAAP2Q///7of///aIAAAPcAADAblhZWiAAAAAAAABvoAAAOPUAAAOQWFla"
    "IAAAAAAAACSfAAAPhAAAtsNYWVogAAAAAAAAYpcAALeHAAAY2XBhcmEAAAAAAAMAAAACZmYAAPKnAAANWQAAE9AAAApbY2hybQAAAAAAAwAAAA"
    "Cj1wAAVHsAAEzNAACZmgAAJmYAAA9cAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAAC"
    "AAAAEHBpeGkAAAAAAwgICAAAAAlpcm90AwAAABlpcG1hAAAAAAAAAAEAAQaBAgMFhIYAAAAaaXJlZgAAAAAAAAAOY2RzYwACAAEAAQAAAMxtZG"
    "F0AAAAiigBrwY4iS58L/ajX///stn9l/kw5KaZf4+hXI/5ViP//4zGpv/ATs0T9bJQ1ZyXuwR0xhlteo5eLFSIzQB/A9kJdqtANlHYrs2PVlrK"
    "D+BExrceEWBQc6h2fsAGDTLg5qUV1HDk5xqStZ1z8JLDjk270qmXo9qTvp6BzVf396AplRBiSls9IaERwAAAAAZFeGlmAABNTQAqAAAACAACAQ"
    "8AAgAAAAYAAAAmARIAAwAAAAEABgAAAAAAAFBob25lAA=="
)
STUB = b"\0\0\0\x20ftypheic\0\0\0\0mif1heicmiaf" + bytes(64)
FAKE = '''
"""A decoder that paints everything grey, 6 x 4 pixels, with the colours of Display P3."""
from PIL import Image, ImageFile

class HeifImageFile(ImageFile.ImageFile):
    format = "HEIF"
    def _open(self):
        self._size, self._mode, self.tile = (6, 4), "RGB", []
        self.info = {"nclx_profile": {"color_primaries": 12, "transfer_characteristics": 13}}
    def load(self):
        self.im = Image.new("RGB", (6, 4), (234, 51, 35)).im
'''


@pytest.fixture
def none_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "decoder", lambda kind: None)


@pytest.mark.parametrize(
    ("data", "pip"),
    [
        (STUB, "pip install 'impasto[heif]'"),
        (STUB.replace(b"ftypheic", b"ftypmif1"), "impasto[heif]"),
        (b"\xff\x0a" + bytes(60), "pip install pillow-jxl-plugin"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(60), "pillow-jxl-plugin"),
    ],
)
def test_what_is_missing_is_named(data: bytes, pip: str, tmp_path: Path, none_installed: None) -> None:
    """Without its decoder a HEIC or JPEG XL file is refused by name, with the line that installs it."""
    path = tmp_path / "IMG_0003.jpg"  # phones and messengers rename them
    path.write_bytes(data)
    for action in (load, size_of):
        with pytest.raises(PictureError) as caught:
            action(path)
        assert "IMG_0003.jpg cannot be read" in str(caught.value) and pip in str(caught.value)


def test_avif_needs_no_other_decoder() -> None:
    """An AVIF of the brand mif1 is not taken for a HEIC."""
    if "AVIF" not in decoders.readable():
        pytest.skip("this Pillow was built without AVIF")
    assert decoders.known(b"\0\0\0\x20ftypmif1\0\0\0\0mif1avifmiaf" + bytes(64)) == "AVIF"


def test_a_decoder_is_imported_when_it_is_needed(tmp_path: Path) -> None:
    """A decoder is imported for HEIC, not for other files, and Pillow does not learn it; the nclx in HEIC counts."""
    (tmp_path / "pi_heif.py").write_text(FAKE)
    (tmp_path / "a.heic").write_bytes(STUB)
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    code = f"""import sys
sys.path.insert(0, {str(tmp_path)!r})
from PIL import Image
from impasto.pictures import find, load
assert len(find({str(tmp_path)!r})) == 2
load({str(tmp_path / "a.png")!r})
assert "pi_heif" not in sys.modules
photo = load({str(tmp_path / "a.heic")!r})
print(photo.format, photo.pixels.shape, abs(photo.pixels[0, 0].astype(int) - (255, 0, 0)).max() <= 2)
assert "HEIF" not in Image.OPEN"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "HEIF (4, 6, 3) True", done.stderr


@pytest.mark.parametrize("package", formats.DECODERS[formats.HEIF])
def test_heic_is_upright_and_in_its_colours(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """HEIC is turned once, its profile is converted, its EXIF goes along; its size is that of the upright picture."""
    pytest.importorskip(package)
    monkeypatch.setattr(formats, "decoder", lambda kind: package)
    photo = load(HEIC)
    assert photo.pixels.shape == (64, 48, 3) and photo.format == "HEIF" and photo.notes == ()
    np.testing.assert_allclose(photo.pixels[5, 5], (0, 255, 0), atol=12)
    np.testing.assert_allclose(photo.pixels[-5, 5], (0, 0, 255), atol=12)
    assert photo.exif is not None and b"Phone" in photo.exif
    assert load(HEIC, max_side=32).pixels.shape == (32, 24, 3)
    for broken in (HEIC[:-9], STUB):
        with pytest.raises(PictureError):
            load(broken)
    with pytest.raises(PictureError, match="3,072 pixels"):
        load(HEIC, max_pixels=100)


def test_jpeg_xl_with_its_plugin() -> None:
    """JPEG XL is read where its plugin is installed."""
    pytest.importorskip("pillow_jxl")
    buffer = io.BytesIO()
    Image.new("RGB", (9, 8), (250, 90, 10)).save(buffer, "JXL", lossless=True)
    assert load(buffer.getvalue()).pixels[0, 0].tolist() == [250, 90, 10]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_several_pictures_in_a_file_are_noted(kind: str) -> None:
    """Of an animation or several pages the first is taken, and a note says so; one picture needs no note."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for others in (frames[1:], []):
        buffer = io.BytesIO()
        frames[0].save(buffer, kind, save_all=bool(others), append_images=others)
        photo = load(buffer.getvalue())
        np.testing.assert_allclose(photo.pixels[0, 0], (255, 0, 0), atol=3)
        said = "several pages" if kind == "TIFF" else "an animation"
        assert len(photo.notes) == len(others) and all(said in note for note in photo.notes)


def test_a_second_picture_of_a_phone_is_nothing_to_speak_of() -> None:
    """An MPO, as phones write it, is a JPEG: its first picture is taken without a word."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "MPO", save_all=True, append_images=frames[1:])
    photo = load(buffer.getvalue())
    assert photo.notes == () and photo.pixels[0, 0, 0] > 200
