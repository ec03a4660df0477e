"""What goes along with a painting of the site is what the library lets go along."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driven import STYLE, drawn
from PIL import ExifTags, Image
from playwright.sync_api import Browser
from sited import Served, Site, bare_page

from impasto import pictures
from tests.pictures.drawn import encoded, phone_exif

pytestmark = pytest.mark.browser
IFD = ExifTags.IFD
COMMENT = f"painted by impasto in the style {STYLE}"


@pytest.fixture(scope="module")
def page(browser: Browser, site: Served) -> Iterator[Site]:
    yield from bare_page(browser, site)


def facts(data: bytes) -> dict[str, Any]:
    """Everything in a file's EXIF, and its resolution."""
    with Image.open(io.BytesIO(data)) as image:
        exif = image.getexif()
        inner, place = dict(exif.get_ifd(IFD.Exif)), dict(exif.get_ifd(IFD.GPSInfo))
        skipped = {int(IFD.Exif), int(IFD.GPSInfo), int(ExifTags.Base.Orientation)}  # the last is 1, said or not
        outer = {tag: value for tag, value in exif.items() if tag not in skipped}
        dpi = image.info.get("dpi") if image.format != "WEBP" else None
        return {
            "outer": outer,
            "inner": inner,
            "place": place,
            "dpi": dpi and tuple(round(float(each)) for each in dpi),
        }


def library(photo: bytes, format: str, tmp_path: Path, **options: Any) -> bytes:
    loaded = pictures.load(photo)
    pictures.save(loaded.pixels, tmp_path / f"painted.{format}", like=loaded, comment=COMMENT, **options)
    return (tmp_path / f"painted.{format}").read_bytes()


def sideways() -> bytes:
    return encoded(drawn(64, 48), "JPEG", exif=phone_exif().tobytes(), dpi=(300, 200))


def little_endian() -> bytes:
    block = phone_exif()
    block.endian = "<"
    return encoded(drawn(64, 48), "PNG", exif=block.tobytes(), dpi=(240, 240))


def webp() -> bytes:
    exif = phone_exif()
    exif[ExifTags.Base.Orientation] = 1  # Chromium turns no WebP
    return encoded(drawn(64, 48), "WEBP", exif=exif.tobytes())


def bare() -> bytes:
    return encoded(drawn(64, 48), "JPEG", dpi=(120, 120))


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("photo", [sideways, little_endian, webp, bare])
def test_exif_goes_along_as_with_the_library(page: Site, photo: Any, keep: bool, format: str, tmp_path: Path) -> None:
    """Author, rights, dates, resolution, comment and marker; place and camera only where they are wanted."""
    data = photo()
    found = page.file(data, STYLE, wrote={"format": format, "quality": 95, "metadata": keep})
    expected = facts(library(data, format, tmp_path, keep_metadata=keep))
    assert facts(found) == expected
    assert keep or b"SECRET" not in found
    (tmp_path / f"found.{format}").write_bytes(found)
    assert pictures.made_by_impasto(tmp_path / f"found.{format}")


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
def test_a_resolution_takes_the_place_of_the_photos(page: Site, format: str, tmp_path: Path) -> None:
    """What is asked for at Pixels per inch stands in EXIF and in the file's own header."""
    found = page.file(sideways(), STYLE, wrote={"format": format, "quality": 95, "dpi": 150})
    assert facts(found) == facts(library(sideways(), format, tmp_path, dpi=150))


def test_webp_keeps_its_transparency(page: Site) -> None:
    """The block that is put into a WebP leaves its picture and its transparency as they were."""
    image = drawn(64, 48).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize((64, 48)))
    found = page.file(encoded(image), STYLE, wrote={"format": "webp", "quality": 100})
    with Image.open(io.BytesIO(found)) as picture:
        assert picture.mode == "RGBA" and picture.size == (64, 48)
        assert np.abs(np.asarray(picture)[..., 3].astype(int) - np.asarray(image)[..., 3]).max() <= 2


@pytest.mark.parametrize("damage", range(8))
def test_broken_exif_counts_as_none(page: Site, damage: int) -> None:
    """EXIF that is cut, or full of random bytes, costs no picture."""
    rng, block = np.random.default_rng(damage), bytearray(phone_exif().tobytes())
    for at in rng.integers(14, len(block), 40):
        block[at] = rng.integers(0, 256)
    found = page.file(
        encoded(drawn(64, 48), "JPEG", exif=bytes(block)), STYLE, wrote={"format": "jpeg", "metadata": True}
    )
    with Image.open(io.BytesIO(found)) as picture:
        assert picture.size in ((48, 64), (64, 48))
        picture.load()
