"""What of a photo's EXIF goes along with its painting: nothing that is private, nothing that is no longer true."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from impasto import pictures
from impasto.pictures import metadata
from tests.pictures.drawn import SUBJECT_AREA, SUBJECT_PLACE, phone_exif

TAG, IFD = ExifTags.Base, ExifTags.IFD
PIXELS = np.full((12, 20, 3), 90, np.uint8)
KINDS = ["jpg", "png", "webp", "tif"]


def phone_photo(**options: Any) -> pictures.Photo:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "JPEG", exif=phone_exif().tobytes(), **options)
    return pictures.load(buffer.getvalue())


def saved(path: Path, photo: pictures.Photo, **options: Any) -> tuple[Image.Exif, dict[int, Any], dict[str, Any]]:
    """EXIF, its inner directory, and Pillow's other findings in a painting of the photo."""
    pictures.save(photo.pixels, path, like=photo, **options)
    with Image.open(path) as image:
        exif = image.getexif()
        exif.get_ifd(IFD.GPSInfo)  # while the file is open
        return exif, exif.get_ifd(IFD.Exif), dict(image.info)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_private_goes_along(kind: str, tmp_path: Path) -> None:
    """Place, serial numbers, maker notes, comments, camera and XMP are in no byte of the painting."""
    path = tmp_path / f"painted.{kind}"
    exif, _, info = saved(path, phone_photo(comment=b"SECRET", xmp=b"<x:xmpmeta>SECRET</x:xmpmeta>"))
    assert b"SECRET" not in path.read_bytes()
    assert not exif.get_ifd(IFD.GPSInfo) and "comment" not in info


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep", [False, True])
def test_author_rights_dates_and_resolution_stay(kind: str, keep: bool, tmp_path: Path) -> None:
    """Whose picture it is and when it was taken stays, in any script, and so does how large it is printed."""
    exif, inner, info = saved(tmp_path / f"painted.{kind}", phone_photo(dpi=(300, 300)), keep_metadata=keep)
    assert exif[TAG.Artist] == "A. Tester" and exif[TAG.DateTime] == "2024:01:02 03:04:05"
    assert exif[TAG.Copyright].encode("latin-1").decode() == "© Ä. Tester"
    assert inner[TAG.DateTimeOriginal] == "2024:01:02 03:04:05" and inner[TAG.OffsetTimeOriginal] == "+02:00"
    assert (exif[TAG.XResolution], exif[TAG.YResolution], exif[TAG.ResolutionUnit]) == (300, 300, 2)
    assert kind == "webp" or info["dpi"] == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_kept_is_true(kind: str, tmp_path: Path) -> None:
    """With keep_metadata place and camera stay; size and colour space are the painting's, what is stale is left out."""
    exif, inner, _ = saved(tmp_path / f"painted.{kind}", phone_photo(), keep_metadata=True, comment="by impasto")
    assert exif[TAG.Model] == "SECRET" and inner[TAG.BodySerialNumber] == "SECRET"
    assert exif.get_ifd(IFD.GPSInfo)[1] == "N"
    assert (inner[TAG.ExifImageWidth], inner[TAG.ExifImageHeight], inner[TAG.ColorSpace]) == (12, 20, 1)
    assert not {SUBJECT_AREA, SUBJECT_PLACE, IFD.Interop} & set(inner) and TAG.XMLPacket not in set(exif) - {700}
    assert exif.get(TAG.Orientation, 1) == 1 and exif[TAG.Software] == "impasto"
    assert metadata.comment_in(exif) == "by impasto"


def test_facts_about_the_old_pixels_go(tmp_path: Path) -> None:
    """Without keep_metadata no size, colour space or subject of the photo is left in the painting."""
    _, inner, _ = saved(tmp_path / "painted.jpg", phone_photo())
    assert set(inner) == {TAG.DateTimeOriginal, TAG.OffsetTimeOriginal}


@pytest.mark.parametrize(("kind", "expected"), [("PNG", 240), ("BMP", 240), ("TIFF", 240), ("JPEG", 240)])
def test_resolution_is_found_in_every_format(kind: str, expected: float, tmp_path: Path) -> None:
    """JFIF's density, PNG's pHYs, TIFF's and BMP's fields are one thing, and end in the painting."""
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, kind, dpi=(expected, expected))
    _, _, info = saved(tmp_path / "painted.jpg", pictures.load(buffer.getvalue()))
    assert info["dpi"] == (expected, expected)


def test_resolutions_that_make_no_sense_are_left_out() -> None:
    """A density of 0, of nothing or beyond what a file can say costs nothing but itself."""
    for value in (0, -5, 1e9, float("nan"), "many"):
        image = Image.fromarray(PIXELS)
        exif = image.getexif()
        exif[TAG.XResolution] = exif[TAG.YResolution] = value
        exif[TAG.Artist] = "A. Tester"
        assert metadata.density_in(metadata.write(pictures.load(image).exif, (20, 12))) is None


def test_a_photo_without_resolution_gets_none(tmp_path: Path) -> None:
    """No 72 dots per inch are made up for a photo that says nothing."""
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "JPEG", exif=phone_exif().tobytes())
    exif, _, _ = saved(tmp_path / "painted.jpg", pictures.load(buffer.getvalue()))
    assert TAG.XResolution not in exif


def test_turned_photos_turn_their_resolution(tmp_path: Path) -> None:
    """Where it differs across and down, it follows the orientation."""
    exif = Image.Exif()
    exif[TAG.Orientation], exif[TAG.XResolution], exif[TAG.YResolution], exif[TAG.ResolutionUnit] = 6, 100.0, 200.0, 2
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "JPEG", exif=exif.tobytes())
    found, _, _ = saved(tmp_path / "painted.jpg", pictures.load(buffer.getvalue()))
    assert (found[TAG.XResolution], found[TAG.YResolution]) == (200, 100)


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0broken", b"Exif\0\0II*\0\xff\xff\xff\xff", b"garbage" * 100])
def test_broken_exif_costs_itself_alone(exif: bytes, tmp_path: Path) -> None:
    """A painting of a photo whose EXIF is broken is written, with the marker."""
    pictures.save(PIXELS, tmp_path / "painted.jpg", like=pictures.Photo(PIXELS, exif=exif), keep_metadata=True)
    assert pictures.made_by_impasto(tmp_path / "painted.jpg")


def test_a_comment_too_long_for_jpeg_costs_itself_alone(tmp_path: Path) -> None:
    """Author and marker stay where a comment does not fit."""
    exif, _, _ = saved(tmp_path / "painted.jpg", phone_photo(), comment="x" * 70_000)
    assert exif[TAG.Artist] == "A. Tester" and exif[TAG.Software] == "impasto"


def test_equal_runs_write_equal_files(tmp_path: Path) -> None:
    """No time and no path of the painting gets into its file."""
    for name in ("a.jpg", "b.jpg"):
        saved(tmp_path / name, phone_photo(), comment="painted by impasto in the style monet")
    assert (tmp_path / "a.jpg").read_bytes() == (tmp_path / "b.jpg").read_bytes()
    assert str(tmp_path).encode() not in (tmp_path / "a.jpg").read_bytes()
