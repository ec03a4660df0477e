"""What goes into files, and what is refused."""

from __future__ import annotations

import io
import os
import stat

import numpy as np
import pytest
from drawn import EXIF_IFD, RED, block_of_exif, encoded, noise, read_exif, refusal, smooth
from PIL import ExifTags, Image, ImageCms

from impasto import pictures
from impasto.errors import OptionError, PictureError
from impasto.pictures import Photo, formats, load, resize, save, to_pil, write


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".png", ".webp", ".tif", ".tiff"])
def test_saved_pictures_can_be_read_again(suffix, tmp_path):
    """What save() writes is, within the format's loss, what load() reads."""
    save(smooth(), tmp_path / f"out{suffix}")
    tolerance = 0.07 if suffix.lower() in (".jpg", ".jpeg", ".webp") else 0.5 / 255 + 1e-6
    np.testing.assert_allclose(load(tmp_path / f"out{suffix}").picture, smooth(), atol=tolerance)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_saved_files_carry_an_srgb_profile(suffix, tmp_path):
    """Every file says that its numbers are sRGB, and equal pictures make equal files."""
    save(smooth(), tmp_path / f"out{suffix}")
    write._srgb_profile.cache_clear()
    save(smooth(), tmp_path / f"again{suffix}")
    assert (tmp_path / f"out{suffix}").read_bytes() == (tmp_path / f"again{suffix}").read_bytes()
    with Image.open(tmp_path / f"out{suffix}") as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)


def test_jpeg_keeps_full_colour_resolution(tmp_path):
    """JPEG is written 4:4:4: sharp colour edges stay sharp."""
    stripes = np.zeros((16, 16, 3), np.float32)
    stripes[:, ::2] = RED
    stripes[:, 1::2] = (0, 0, 1)
    save(stripes, tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.layer[0][1:3] == image.layer[1][1:3] == (1, 1)
    np.testing.assert_allclose(load(tmp_path / "out.jpg").picture, stripes, atol=0.08)


def test_quality_changes_the_size(tmp_path):
    """A lower quality gives a smaller JPEG and WebP; impossible ones are refused."""
    for suffix in (".jpg", ".webp"):
        save(smooth(64, 64), tmp_path / f"fine{suffix}")
        save(smooth(64, 64), tmp_path / f"rough{suffix}", quality=20)
        assert (tmp_path / f"rough{suffix}").stat().st_size < (tmp_path / f"fine{suffix}").stat().st_size
    for quality in (0, 101, float("nan"), 95.5):
        with pytest.raises(OptionError, match=f"quality must be a whole number from 1 to 100, not {quality}"):
            save(smooth(), tmp_path / "bad.jpg", quality=quality)
        assert not (tmp_path / "bad.jpg").exists()


def test_file_objects_are_written_as_png_unless_told():
    """Into a file object goes PNG, or what `format` says."""
    for format, kind in ((None, "PNG"), ("jpg", "JPEG"), ("WebP", "WEBP"), (".tiff", "TIFF")):
        buffer = io.BytesIO()
        save(smooth(), buffer, format=format)
        assert load(buffer.getvalue()).format == kind


def test_format_wins_over_the_suffix(tmp_path):
    """A path without a suffix, or with a strange one, is written as `format` says."""
    save(smooth(), tmp_path / "out.bin", format="png")
    assert load(tmp_path / "out.bin").format == "PNG"


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("text", ["starry night 0.7", "Mädchen 星月夜"])
def test_comments_are_readable_in_every_format(kind, text, tmp_path):
    """A comment goes into EXIF UserComment, beside what the photo's EXIF holds."""
    photo = load(encoded(Image.fromarray(noise()), exif=block_of_exif(3)))
    for like, name in ((photo, f"with.{kind}"), (None, f"without.{kind}")):
        save(smooth(), tmp_path / name, like=like, comment=text, keep_metadata=True)
        with Image.open(tmp_path / name) as image:
            exif = image.getexif()
            comment = exif.get_ifd(EXIF_IFD)[ExifTags.Base.UserComment]
            assert comment[8:].decode("ascii" if comment[:8] == b"ASCII\0\0\0" else "utf-16") == text
            assert (exif.get(ExifTags.Base.Make) == "Kamera") == (like is photo)


def test_exif_too_long_for_jpeg_is_left_out(tmp_path):
    """JPEG holds 64 KB of EXIF; of more, the short list is written rather than costing the picture."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "x" * 70_000
    exif[ExifTags.Base.Artist] = "A. Painter"
    photo = Photo(smooth(), exif=exif.tobytes())
    save(smooth(), tmp_path / "out.jpg", like=photo, comment="a comment", keep_metadata=True)
    save(smooth(), tmp_path / "out.png", like=photo, keep_metadata=True)
    kept = read_exif(load(tmp_path / "out.jpg").exif)
    assert kept[ExifTags.Base.Artist] == "A. Painter" and ExifTags.Base.Make not in kept
    assert kept.get_ifd(EXIF_IFD)[ExifTags.Base.UserComment].endswith(b"a comment")
    assert len(load(tmp_path / "out.png").exif) > 70_000


@pytest.mark.parametrize("name", ["out.gif", "out", "out.", "out.jpgg", ""])
def test_unknown_suffixes_are_refused(name, tmp_path):
    """A suffix that cannot be written is refused with those that can."""
    message = refusal(save, smooth(), str(tmp_path / name) if name else "")
    assert all(suffix in message for suffix in (".jpg", ".png", ".webp", ".tif"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_picture_with_nan_never_reaches_a_file(bad, tmp_path):
    """One NaN or infinite value is enough to refuse the picture."""
    picture = smooth()
    picture[3, 4, 1] = bad
    assert "NaN" in refusal(save, picture, tmp_path / "out.png")
    assert "NaN" in refusal(to_pil, picture)
    assert "NaN" in refusal(to_pil, smooth(), picture[..., 1])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "thing",
    [
        noise().astype(int),
        smooth()[..., 0],
        smooth()[..., :2],
        smooth()[:0],
        smooth().tolist(),
        None,
        smooth().transpose(),
    ],
)
def test_things_that_are_no_pictures_are_not_written(thing, tmp_path):
    """save() takes h x w x 3 floats or uint8 only; other whole numbers would come out white."""
    refusal(save, thing, tmp_path / "out.png")
    assert list(tmp_path.iterdir()) == []


def test_pixels_of_8_bits_are_written_as_they_are(tmp_path):
    """uint8 pixels are the values of the file, with a float picture's name of them or a photo's own type."""
    pixels = noise()
    save(pixels, tmp_path / "out.png")
    np.testing.assert_array_equal(load(tmp_path / "out.png").pixels, pixels)
    assert np.array_equal(np.asarray(to_pil(pixels, pixels[..., 0]))[..., 3], pixels[..., 0])


@pytest.mark.parametrize(("mode", "kind"), [("RGB", np.uint8), ("I;16", np.uint16), ("F", np.float32)])
def test_pixels_keep_the_type_of_the_file(mode, kind):
    """Pixels are what the file has, and the picture is what they mean."""
    values = noise(channels=1)[..., 0]
    image = (
        Image.fromarray(values.astype(kind) / (255 if kind == np.float32 else 1))
        if mode == "F"
        else (Image.fromarray(values.astype(kind)) if mode == "I;16" else Image.fromarray(noise()))
    )
    photo = load(image)
    assert photo.pixels.dtype == kind and photo.pixels.shape == (6, 9, 3)
    np.testing.assert_array_equal(photo.picture, pictures.unit(photo.pixels))
    assert photo.picture is photo.picture and photo.picture.dtype == np.float32


def test_pixels_are_resized_as_their_picture_is():
    """Shrinking uint8 pixels gives what shrinking the float picture gives."""
    values = noise(60, 90)
    np.testing.assert_array_equal(resize(values, 30), resize(load(values).picture, 30))
    np.testing.assert_array_equal(resize(values, 300), load(values).picture)


def test_pictures_longer_than_the_format_allows_are_refused(tmp_path):
    """WebP and JPEG have a longest side, and the message says it."""
    assert "16383" in refusal(save, np.zeros((1, 16_384, 3), np.float32), tmp_path / "out.webp")
    assert "65500" in refusal(save, np.zeros((65_501, 1, 3), np.float32), tmp_path / "out.jpg")
    save(np.zeros((1, 16_383, 3), np.float32), tmp_path / "out.webp")


def test_places_that_cannot_be_written_are_refused(tmp_path):
    """A missing folder, a file in the place of a folder, a folder in the place of a file: each is named."""
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    assert "make it first" in refusal(save, smooth(), tmp_path / "none" / "out.png")
    assert "make it first" in refusal(save, smooth(), tmp_path / "file" / "out.png")
    assert "is a folder" in refusal(save, smooth(), tmp_path / "folder.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.png"]


def test_devices_are_not_replaced_by_files(tmp_path):
    """What is there but no regular file, such as a pipe or /dev/null, is left alone."""
    os.mkfifo(tmp_path / "pipe.png")
    assert "a folder or a device" in refusal(save, smooth(), tmp_path / "pipe.png")
    assert (tmp_path / "pipe.png").is_fifo()


def test_forbidden_places_are_refused(tmp_path, monkeypatch):
    """A write-protected file and a folder that may not be written are refused (root could write to both)."""
    path = tmp_path / "out.png"
    path.touch()
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda path, mode: False)
        assert "write-protected" in refusal(save, smooth(), path)

    def forbidden(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", forbidden)
    assert "permissions" in refusal(save, smooth(), path)


@pytest.mark.parametrize("step", ["os.fsync", "os.replace", "shutil.copymode"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_in_the_middle_leaves_the_old_file(step, error, tmp_path, monkeypatch):
    """If the disk fills up or the user interrupts, the old file is still there and nothing else is."""
    path = tmp_path / "out.png"
    path.write_bytes(b"the old file")

    def fail(*arguments):
        raise error

    monkeypatch.setattr(step, fail)
    with pytest.raises((PictureError, KeyboardInterrupt)) as caught:
        save(smooth(), path)
    if isinstance(error, OSError):
        assert "No space left" in str(caught.value) and "out.png" in str(caught.value)
    assert path.read_bytes() == b"the old file"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_object_that_fails_is_a_refusal(tmp_path):
    """What a file object raises is translated like any other failure."""
    with (tmp_path / "read-only").open("wb"), (tmp_path / "read-only").open("rb") as file:
        assert "cannot be written" in refusal(save, smooth(), file)


def test_an_existing_file_keeps_its_permissions(tmp_path):
    """Overwriting keeps the mode of the file; a new file gets what the umask says."""
    path = tmp_path / "out.png"
    before = os.umask(0o027)
    try:
        save(smooth(), path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        save(smooth(), path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o604
    finally:
        os.umask(before)


def test_saving_through_a_link_keeps_the_link(tmp_path):
    """The file behind a symbolic link is replaced, not the link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link.png").symlink_to(tmp_path / "real" / "out.png")
    save(smooth(), tmp_path / "link.png")
    assert (tmp_path / "link.png").is_symlink()
    assert load(tmp_path / "real" / "out.png").picture.shape == (16, 24, 3)


def test_a_target_can_be_checked_before_the_work(tmp_path):
    """check_target() says what save() would say of a wrong suffix or a missing folder, and writes nothing."""
    for target in (tmp_path / "out.gif", tmp_path / "out", tmp_path / "none" / "out.png"):
        assert refusal(pictures.check_target, target) == refusal(save, smooth(), target)
    pictures.check_target(tmp_path / "out.png")
    pictures.check_target(tmp_path / "out", format="jpg")
    pictures.check_target(io.BytesIO())
    assert list(tmp_path.iterdir()) == []


def test_writable_knows_the_suffixes_that_save_takes(tmp_path):
    """writable() is true of exactly those readable suffixes that save() accepts."""
    for suffix in sorted(formats.SUFFIXES | {".PNG", ".txt", ""}):
        path = tmp_path / f"out{suffix}"
        if pictures.writable(path):
            save(smooth(), path)
        else:
            refusal(save, smooth(), path)
