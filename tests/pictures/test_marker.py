"""Pictures that impasto wrote are known by their header."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from impasto import pictures
from impasto.pictures import animation, made_by_impasto, metadata

PICTURE = np.full((8, 12, 3), 0.5, np.float32)


def exif_of(path: Path) -> Image.Exif:
    with Image.open(path) as image:
        return image.getexif()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("comment", [None, "painted by impasto in the style monet"])
def test_saved_pictures_are_known(suffix: str, comment: str | None, tmp_path: Path) -> None:
    """Every format that is written carries the marker, with a comment and without."""
    path = tmp_path / f"painted.{suffix}"
    pictures.save(PICTURE, path, comment=comment)
    assert made_by_impasto(path)


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_animations_are_known(suffix: str, tmp_path: Path) -> None:
    """Animations carry the marker too."""
    path = tmp_path / f"path.{suffix}"
    animation.save([PICTURE, PICTURE * 0.5], path)
    assert made_by_impasto(path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "gif"])
def test_other_pictures_are_not(suffix: str, tmp_path: Path) -> None:
    """A picture that another program wrote is not impasto's."""
    path = tmp_path / f"photo.{suffix}"
    pictures.to_pil(PICTURE).save(path)
    assert not made_by_impasto(path)


@pytest.mark.parametrize("comment", ["painted by impasto in the style monet", '{"made_by": "impasto optimize"}'])
def test_paintings_of_the_first_release_are_known(comment: str, tmp_path: Path) -> None:
    """impasto 0.1.0 wrote a comment and no name of a program."""
    exif = Image.Exif()
    exif[ExifTags.IFD.Exif] = {int(ExifTags.Base.UserComment): b"ASCII\0\0\0" + comment.encode()}
    pictures.to_pil(PICTURE).save(tmp_path / "old.jpg", exif=exif)
    assert made_by_impasto(tmp_path / "old.jpg")


def test_a_painting_that_was_changed_elsewhere_is_the_users_work(tmp_path: Path) -> None:
    """Another program's name in place of impasto's means that there is more in the file than impasto can make again."""
    pictures.save(PICTURE, tmp_path / "painted.jpg", comment="painted by impasto in the style monet")
    exif = exif_of(tmp_path / "painted.jpg")
    exif[ExifTags.Base.Software] = "GIMP 2.10"
    pictures.to_pil(PICTURE).save(tmp_path / "changed.jpg", exif=exif)
    assert not made_by_impasto(tmp_path / "changed.jpg")


def test_what_is_no_picture_is_not(tmp_path: Path) -> None:
    """Missing files, folders, texts, broken pictures and pipes are none of impasto's, and nothing waits for them."""
    (tmp_path / "text.jpg").write_text("painted by impasto")
    pictures.save(PICTURE, tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:30])
    names = ["text.jpg", "cut.jpg", "missing.jpg", "."]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jpg")
        names.append("pipe.jpg")
    assert not any(made_by_impasto(tmp_path / name) for name in names)


def test_no_pixel_is_decoded(tmp_path: Path) -> None:
    """The header is enough: a PNG whose pixels are missing is still known."""
    pictures.save(np.random.default_rng(0).random((64, 64, 3)).astype(np.float32), tmp_path / "whole.png")
    data = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: data.index(b"IDAT") + 40])
    assert made_by_impasto(tmp_path / "cut.png")


def test_a_comment_can_be_read_back() -> None:
    """What was written is what comment_in reads, in any script."""
    for text in ("in the style monet", "im Stil »Der Schrei« 叫び"):
        exif = Image.Exif()
        exif.load(metadata.write(None, (12, 8), comment=text))
        assert metadata.comment_in(exif) == text
