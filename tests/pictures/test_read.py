"""What comes out of files of every kind, and what is refused."""

from __future__ import annotations

import io
import os
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
from drawn import (
    EXIF_IFD,
    GPS_IFD,
    GREEN,
    RED,
    assert_is_photo,
    block_of_exif,
    encoded,
    noise,
    png_claiming,
    read_exif,
    refusal,
    smooth,
    srgb_profile,
    swapped_profile,
)
from PIL import ExifTags, Image, PngImagePlugin

from impasto import pictures
from impasto.errors import OptionError, PictureError
from impasto.pictures import decoders, find, from_pil, load, resize, save, to_pil

# ---- sources


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "GIF"])
def test_lossless_files_give_exactly_their_pixels(kind):
    """A lossless file gives value / 255, exactly."""
    values = noise(channels=3)[:, :, [0, 0, 0]] if kind == "GIF" else noise()
    photo = load(encoded(Image.fromarray(values), kind))
    assert_is_photo(photo)
    np.testing.assert_array_equal(photo.picture, values.astype(np.float32) / np.float32(255))
    assert photo.alpha is None and photo.format == kind


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF", "JPEG2000"])
def test_lossy_files_give_nearly_their_pixels(kind):
    """A lossy file gives its picture within a few levels."""
    if kind == "AVIF" and kind not in decoders.readable():
        pytest.skip("this Pillow was built without AVIF")
    photo = load(encoded(to_pil(smooth(64, 96)), kind))
    assert_is_photo(photo)
    np.testing.assert_allclose(photo.picture, smooth(64, 96), atol=0.06)


def test_every_kind_of_source_gives_the_same_picture(tmp_path):
    """Path, string, bytes, file object, pipe, PIL image and array are the same picture."""
    data = encoded(Image.fromarray(noise()))
    path = tmp_path / "cat.png"
    path.write_bytes(data)
    receiver, sender = os.pipe()
    os.write(sender, data)
    os.close(sender)
    with path.open("rb") as file, open(receiver, "rb") as pipe, Image.open(path) as image:
        sources = [path, str(path), data, bytearray(data), io.BytesIO(data), file, pipe, image, noise()]
        photos = [load(source) for source in sources]
    for photo in photos:
        assert_is_photo(photo)
        np.testing.assert_array_equal(photo.picture, noise() / np.float32(255))
    assert photos[0].name == str(path)


def test_arrays_of_every_depth_are_scaled_to_one():
    """uint8, uint16 of either byte order, and floats all end in 0..1."""
    values = noise()
    expected = values / np.float32(255)
    deep = values.astype(np.uint16) * 257
    for array in (values, deep, deep.astype(">u2"), values / 255, expected, values[::-1][::-1]):
        assert_is_photo(load(array))
        np.testing.assert_allclose(load(array).picture, expected, atol=1e-7)


def test_arrays_of_every_shape_become_three_channels():
    """h x w and h x w x 1 are grey, the fourth channel of h x w x 4 is alpha."""
    four = np.maximum(noise(channels=4), 16)  # visible everywhere
    assert (load(four[..., 0]).picture == load(four[..., :1]).picture).all()
    assert load(four[..., 0]).picture.shape == (6, 9, 3)
    assert_is_photo(load(four))
    np.testing.assert_array_equal(load(four).alpha, four[..., 3] / np.float32(255))
    np.testing.assert_array_equal(load(four).picture, four[..., :3] / np.float32(255))


def test_a_loaded_array_is_a_copy():
    """Changing the photo leaves the caller's array alone, also when nothing had to be converted."""
    array = smooth()
    load(array).picture[:] = 0
    assert array.max() > 0


def test_floats_a_little_outside_are_clipped():
    """What sharpening overshoots is cut to 0..1 instead of refused."""
    assert load(np.array([[-0.2, 0.5, 1.3]])).picture[0, :, 0].tolist() == [0, 0.5, 1]


@pytest.mark.parametrize(
    ("array", "word"),
    [
        (np.zeros((0, 4, 3), np.uint8), "0 x 4 x 3"),
        (np.zeros((3, 20, 30), np.uint8), "3 x 20 x 30"),
        (np.zeros(5, np.uint8), "5"),
        (np.array(0.5), "single number"),
        (np.zeros((1, 4, 4, 3), np.float32), "1 x 4 x 4 x 3"),
        (np.zeros((4, 4), np.int64), "int64"),
        (np.zeros((4, 4), complex), "complex"),
        (np.full((4, 4), None), "object"),
        (np.full((4, 4), np.nan), "NaN"),
        (np.array([[0.5, np.inf]]), "NaN"),
        (np.full((4, 4), 255.0), "255"),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(array, word):
    """An array that is empty, of a wrong shape or type, not finite or far outside 0..1 is refused by name."""
    assert word in refusal(load, array)


# ---- orientation and EXIF


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_upright(orientation, kind):
    """Whatever the EXIF orientation, the picture and its alpha are upright, and the EXIF then says 1."""
    upright = to_pil(smooth(32, 48), 0.1 + 0.9 * smooth(32, 48)[..., 0])
    undo = [None, None, 0, 3, 1, 5, 2, 6, 4][orientation]  # Transpose that stores it so that EXIF brings it back
    stored = upright if undo is None else upright.transpose(undo)
    stored = stored.convert("RGB") if kind == "JPEG" else stored
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    photo = load(encoded(stored, kind, exif=block_of_exif(orientation), **options))
    assert_is_photo(photo)
    tolerance = 0.05 if kind == "JPEG" else 0
    np.testing.assert_allclose(photo.picture, np.asarray(upright)[..., :3] / np.float32(255), atol=tolerance)
    if kind != "JPEG":
        np.testing.assert_array_equal(photo.alpha, np.asarray(upright)[..., 3] / np.float32(255))
    assert read_exif(photo.exif).get(ExifTags.Base.Orientation, 1) == 1


def test_upright_agrees_with_pillow():
    """Our turning of arrays is Pillow's exif_transpose."""
    from PIL import ImageOps

    for orientation in range(1, 9):
        image = Image.fromarray(noise())
        image.getexif()[ExifTags.Base.Orientation] = orientation
        np.testing.assert_array_equal(to_pil(from_pil(image)), ImageOps.exif_transpose(image))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_impossible_orientation_changes_nothing(orientation):
    """An orientation outside 1..8 leaves the picture as it is stored."""
    photo = load(encoded(Image.fromarray(noise()), exif=block_of_exif(orientation)))
    np.testing.assert_array_equal(photo.picture, noise() / np.float32(255))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_survives_a_round_trip(kind):
    """Camera, exposure and place go through load and save where they are asked for, in every format."""
    photo = load(encoded(Image.fromarray(noise()), kind, exif=block_of_exif(6)))
    buffer = io.BytesIO()
    save(photo.picture, buffer, like=photo, format=kind, keep_metadata=True)
    exif = Image.open(buffer).getexif()
    assert exif[ExifTags.Base.Make] == "Kamera"
    assert exif.get_ifd(EXIF_IFD)[ExifTags.Base.ExposureTime] == 0.5
    assert exif.get_ifd(GPS_IFD)[ExifTags.GPS.GPSLatitudeRef] == "N"
    assert exif.get(ExifTags.Base.Orientation, 1) == 1
    assert load(buffer.getvalue()).picture.shape == photo.picture.shape


def test_exif_of_a_tiff_does_not_carry_its_pixel_layout():
    """Strips, sizes and compression of a TIFF stay out of the EXIF of what is saved from it."""
    image = Image.fromarray(noise())
    photo = load(encoded(image, "TIFF", exif=block_of_exif(), compression="raw", icc_profile=srgb_profile()))
    kept = read_exif(photo.exif)
    assert set(kept) == {ExifTags.Base.Make, ExifTags.Base.Orientation, EXIF_IFD, GPS_IFD}
    assert load(encoded(image, "TIFF", compression="tiff_lzw")).exif is None


def test_the_thumbnail_of_the_photo_is_not_carried_on():
    """A painting does not carry the small copy of the photo that cameras put into EXIF."""
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<H HHI4s I", 1, 0x010F, 2, 4, b"abc\0", 26)
    second = struct.pack("<H HHII HHII I", 2, 0x0201, 4, 1, 56, 0x0202, 4, 1, 9, 0) + b"THUMBNAIL"
    data = encoded(Image.fromarray(noise()), "JPEG", exif=b"Exif\0\0" + tiff + second)
    assert Image.open(io.BytesIO(data)).getexif().get_ifd(ExifTags.IFD.IFD1)
    photo = load(data)
    assert b"abc" in photo.exif and b"THUMBNAIL" not in photo.exif
    assert not read_exif(photo.exif).get_ifd(ExifTags.IFD.IFD1)


@pytest.mark.parametrize(
    "block", [b"Exif\0\0rubbish", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]
)
def test_broken_exif_costs_only_the_exif(block):
    """A photo with a damaged EXIF block still gives its picture, silently."""
    photo = load(encoded(Image.fromarray(noise()), "PNG", exif=block))
    np.testing.assert_array_equal(photo.picture, noise() / np.float32(255))


def test_exif_that_cannot_be_written_again_still_turns_the_picture():
    """A camera name that is a fraction cannot be carried on by Pillow; the orientation beside it still counts."""
    block = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H HHIf HHII I", 2, 0x010F, 11, 1, 1.5, 0x0112, 3, 1, 6, 0)
    photo = load(encoded(Image.fromarray(noise()), exif=block))
    assert photo.picture.shape == (9, 6, 3) and photo.exif is None


def test_loading_leaves_the_callers_image_alone():
    """load() neither turns, nor strips, nor closes a PIL image it is given."""
    image = Image.fromarray(noise())
    image.getexif()[ExifTags.Base.Orientation] = 6
    assert load(image).picture.shape == (9, 6, 3)
    assert image.getexif()[ExifTags.Base.Orientation] == 6 and image.size == (9, 6)


# ---- colour


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_colour_profile_is_converted_to_srgb(kind):
    """Pixels stored as red under a profile whose red and green are exchanged are seen as green."""
    photo = load(encoded(Image.new("RGB", (16, 16), (255, 0, 0)), kind, icc_profile=swapped_profile()))
    np.testing.assert_allclose(photo.picture, np.broadcast_to(GREEN, (16, 16, 3)), atol=0.02)


def test_a_colour_profile_leaves_alpha_alone():
    """Alpha passes by the profile conversion, in RGBA and in palettes."""
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 90))
    for stored in (image, image.quantize(4)):
        photo = load(encoded(stored, "PNG", icc_profile=swapped_profile()))
        np.testing.assert_allclose(photo.picture, np.broadcast_to(GREEN, (4, 4, 3)), atol=0.01)
        np.testing.assert_allclose(photo.alpha, 90 / 255, atol=1e-6)


def test_an_srgb_profile_changes_nothing():
    """Pictures that are sRGB already keep every value."""
    photo = load(encoded(Image.fromarray(noise()), icc_profile=srgb_profile()))
    np.testing.assert_array_equal(photo.picture, noise() / np.float32(255))


@pytest.mark.parametrize("profile", [b"rubbish", swapped_profile()[:200], b"\0" * 4000])
def test_a_broken_profile_counts_as_srgb(profile):
    """A profile that cannot be read is ignored instead of costing the picture."""
    photo = load(encoded(Image.fromarray(noise()), icc_profile=profile))
    np.testing.assert_array_equal(photo.picture, noise() / np.float32(255))


def test_a_profile_for_other_channels_counts_as_srgb():
    """A grey picture that carries an RGB profile, as many do, is read as plain grey."""
    values = noise(channels=1)[..., 0]
    photo = load(encoded(Image.fromarray(values), icc_profile=swapped_profile()))
    np.testing.assert_array_equal(photo.picture[..., 1], values / np.float32(255))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb(kind):
    """Ink is not light: no cyan and full magenta and yellow are red (also in Adobe's inverted JPEGs)."""
    photo = load(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), kind))
    np.testing.assert_allclose(photo.picture, np.broadcast_to(RED, (16, 16, 3)), atol=0.03)


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "PA", "RGBX", "RGBa", "La", "HSV", "YCbCr", "LAB", "I", "F"])
def test_images_of_every_mode_become_pictures(mode):
    """There is no PIL mode that load() cannot take."""
    photo = load(Image.new(mode, (5, 4)))
    assert_is_photo(photo)
    assert (photo.alpha is not None) == (mode in ("LA", "PA", "La", "RGBa"))


def test_wide_grey_that_pillow_made_of_8_bits_is_not_black():
    """``image.convert("I")`` keeps 0..255; in a file such numbers are those of a dark picture of 16 bits."""
    grey = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    np.testing.assert_allclose(load(grey.convert("I")).picture, load(grey).picture, atol=1e-6)


def test_a_png_may_have_a_long_profile_and_a_long_text():
    """Profiles of printers and notes of generators are longer than Pillow's megabyte; its limit is put back."""
    text = PngImagePlugin.PngInfo()
    text.add_itxt("workflow", "x" * 3_000_000, zip=True)
    before = PngImagePlugin.MAX_TEXT_CHUNK
    photo = load(encoded(Image.new("RGB", (8, 8), (255, 0, 0)), "PNG", icc_profile=bytes(3_000_000), pnginfo=text))
    np.testing.assert_allclose(photo.picture, np.broadcast_to(RED, (8, 8, 3)), atol=0.01)
    assert before == PngImagePlugin.MAX_TEXT_CHUNK


def test_premultiplied_alpha_is_divided_out():
    """A half clear red that is stored darkened comes back as full red."""
    photo = load(Image.fromarray(np.full((2, 2, 4), (128, 0, 0, 128), np.uint8)).convert("RGBA"))
    assert photo.picture[0, 0, 0] == pytest.approx(128 / 255)
    image = Image.new("RGBA", (2, 2), (255, 0, 0, 128)).convert("RGBa")
    np.testing.assert_allclose(load(image).picture, np.broadcast_to(RED, (2, 2, 3)), atol=0.01)


def test_grey_files_have_three_equal_channels():
    """A grey JPEG is h x w x 3 like any other."""
    picture = load(encoded(Image.fromarray(noise(channels=1)[..., 0]), "JPEG")).picture
    assert picture.shape == (6, 9, 3)
    assert (picture == picture[..., :1]).all()


def test_one_bit_is_black_and_white():
    """A 1-bit picture is 0 and 1, not 0 and 1/255."""
    bits = noise(channels=1)[..., 0] > 127
    for kind in ("PNG", "TIFF", "BMP"):
        np.testing.assert_array_equal(load(encoded(Image.fromarray(bits), kind)).picture[..., 0], bits)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bit_grey_keeps_its_depth(kind):
    """16-bit grey is divided by 65535 and keeps what 8 bits would lose."""
    values = np.arange(0, 65536, 1000, dtype=np.uint16).reshape(6, 11)
    photo = load(encoded(Image.fromarray(values), kind))
    assert_is_photo(photo)
    np.testing.assert_allclose(photo.picture[..., 2], values / 65535, atol=1e-6)


def test_big_endian_sixteen_bit_tiff_is_read():
    """16-bit grey in Motorola byte order is the same picture."""
    image = Image.new("I;16B", (2, 1))
    image.putdata([256, 65535])
    np.testing.assert_allclose(load(encoded(image, "TIFF")).picture[0, :, 0], [256 / 65535, 1], atol=1e-6)


def test_sixteen_bit_grey_knows_its_clear_value():
    """The one grey value that a 16-bit PNG declares clear has alpha 0."""
    values = np.array([[1000, 1001]], np.uint16)
    photo = load(encoded(Image.fromarray(values), "PNG", transparency=1000))
    assert_is_photo(photo)
    assert photo.alpha.tolist() == [[0, 1]]


def test_sixteen_bit_colour_is_read_with_eight_bits():
    """A 16-bit RGB PNG gives its picture within one level of 8 bits."""
    values = np.random.default_rng(0).integers(0, 65536, (5, 4, 3)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    ihdr, idat = struct.pack(">IIBBBBB", 4, 5, 16, 2, 0, 0, 0), zlib.compress(rows)
    chunks = [(b"IHDR", ihdr), (b"IDAT", idat), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    np.testing.assert_allclose(load(data).picture, values / 65535, atol=1 / 255)


def test_float_tiffs_are_taken_as_they_are():
    """A 32-bit float TIFF means 0..1; one that runs to 255 is refused instead of turning white."""
    values = smooth()[..., 0]
    np.testing.assert_array_equal(load(encoded(Image.fromarray(values), "TIFF")).picture[..., 0], values)
    assert "255" in refusal(load, encoded(Image.fromarray(values * 255), "TIFF"))
    assert "NaN" in refusal(load, encoded(Image.fromarray(values * np.nan), "TIFF"))


def test_thirty_two_bit_grey_is_scaled():
    """Integer grey beyond 16 bits is divided by the largest signed 32-bit number, not clipped to white."""
    values = np.array([[0, 2**30, 2**31 - 1]], np.int32)
    np.testing.assert_allclose(load(encoded(Image.fromarray(values), "TIFF")).picture[0, :, 0], [0, 0.5, 1], atol=1e-6)


def test_the_first_frame_of_an_animation_is_the_picture():
    """Of an animated GIF, WebP or PNG the first frame is taken."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    for kind in ("GIF", "WEBP", "PNG"):
        photo = load(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
        np.testing.assert_allclose(photo.picture, np.broadcast_to(RED, (8, 8, 3)), atol=0.03)


# ---- alpha


@pytest.mark.parametrize("kind", ["png", "webp", "tiff"])
def test_alpha_survives_a_round_trip(kind, tmp_path):
    """PNG, WebP and TIFF give back the alpha that went in, exactly."""
    photo = load(noise(channels=4))
    path = tmp_path / f"out.{kind}"
    save(photo.picture, path, like=photo)
    again = load(path)
    assert_is_photo(again)
    np.testing.assert_array_equal(again.alpha, photo.alpha)
    if kind != "webp":
        visible = photo.alpha > 0.1
        np.testing.assert_array_equal(again.picture[visible], photo.picture[visible])


def test_jpeg_drops_alpha(tmp_path):
    """JPEG cannot hold alpha, so it is left out rather than refused."""
    photo = load(noise(channels=4))
    save(photo.picture, tmp_path / "out.jpg", like=photo)
    assert load(tmp_path / "out.jpg").alpha is None


def test_every_way_to_say_transparent_is_heard():
    """Grey with alpha, a clear palette entry, a clear colour and a clear grey all become alpha."""
    values = np.array([[[10, 0], [200, 255]]], np.uint8)
    assert load(encoded(Image.fromarray(values, "LA"))).alpha.tolist() == [[0, 1]]
    assert load(encoded(Image.fromarray(values, "LA"))).picture[0, 1, 0] == pytest.approx(200 / 255)
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putdata([0, 1])
    assert load(encoded(palette, transparency=0)).alpha.tolist() == [[0, 1]]
    half = load(encoded(palette, transparency=bytes([255, 51])))
    np.testing.assert_allclose(half.alpha, [[1, 0.2]], atol=1e-6)
    assert half.picture[0].tolist() == [list(RED), list(GREEN)]
    assert load(encoded(palette, "GIF", transparency=1)).alpha.tolist() == [[1, 0]]
    assert load(encoded(palette.convert("RGB"), transparency=(0, 255, 0))).alpha.tolist() == [[1, 0]]
    assert load(encoded(Image.fromarray(values[..., 0]), transparency=200)).alpha.tolist() == [[1, 0]]


def test_alpha_is_resized_with_the_picture(tmp_path):
    """A picture that was made smaller than its photo takes a smaller alpha along."""
    photo = load(noise(8, 12, 4))
    save(resize(photo.picture, 6), tmp_path / "small.png", like=photo)
    assert load(tmp_path / "small.png").alpha.shape == (4, 6)


# ---- refusals of reading


def test_files_that_are_not_there_or_no_files_are_refused(tmp_path):
    """A missing file, a folder, and a path that no system can open are named."""
    assert "no file" in refusal(load, tmp_path / "none.jpg") and "none.jpg" in refusal(load, tmp_path / "none.jpg")
    assert "is a folder" in refusal(load, tmp_path)
    assert "ValueError" in refusal(load, "nul\0byte.png")


@pytest.mark.parametrize("source", [None, 7, [1, 2], io.StringIO("text"), "text file"])
def test_sources_of_the_wrong_type_are_refused(source, tmp_path):
    """What is neither path, bytes, binary file, PIL image nor array is refused with the list of what is."""
    if source == "text file":
        (tmp_path / "a.txt").write_text("text")
        with (tmp_path / "a.txt").open() as file:
            assert "binary mode" in refusal(load, file)
        return
    assert "binary mode" in refusal(load, source)


def test_empty_files_are_refused(tmp_path):
    """A file of no bytes is called empty, not damaged."""
    (tmp_path / "cat.jpg").touch()
    for source in (tmp_path / "cat.jpg", b"", io.BytesIO()):
        assert "is empty" in refusal(load, source)


def test_a_text_file_is_not_a_picture(tmp_path):
    """A text file named .jpg is refused with the kinds that can be read."""
    (tmp_path / "cat.jpg").write_text("Dear diary,\n")
    message = refusal(load, tmp_path / "cat.jpg")
    assert "cat.jpg is not a picture" in message and "WEBP" in message


def test_the_name_of_a_file_does_not_matter(tmp_path):
    """A PNG called .jpg is read as what it is."""
    (tmp_path / "cat.jpg").write_bytes(encoded(Image.fromarray(noise())))
    assert load(tmp_path / "cat.jpg").format == "PNG"


def test_postscript_is_never_run():
    """EPS, which Pillow would give to Ghostscript, is not among the kinds that are read."""
    assert "is not a picture" in refusal(load, encoded(Image.fromarray(noise()), "EPS"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"])
def test_truncated_files_are_refused(kind, tmp_path):
    """Half a file is refused, by name, with what Pillow said."""
    data = encoded(Image.fromarray(noise(64, 64)), kind)
    (tmp_path / "half").write_bytes(data[: len(data) // 2])
    message = refusal(load, tmp_path / "half")
    assert "half cannot be read (" in message and "cut short" in message


def test_a_forbidden_file_is_refused(tmp_path, monkeypatch):
    """A file that may not be read is refused with a word about permissions."""
    path = tmp_path / "cat.png"
    path.write_bytes(encoded(Image.fromarray(noise())))

    def forbidden(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", forbidden)  # chmod does not stop root, who may be running this
    assert "permissions" in refusal(load, path)


def test_images_without_pixels_are_refused():
    """A PIL image or a header with a side of 0 holds nothing to paint."""
    assert "0 x 5" in refusal(load, Image.new("RGB", (0, 5)))
    refusal(load, png_claiming(0, 5))


def test_messages_stay_on_one_line():
    """A file name with a line break or an escape sequence cannot break the message up."""
    assert "bad name [31m.png" in refusal(load, "bad\nname\x1b[31m.png")


def test_out_of_memory_is_a_refusal(monkeypatch):
    """A picture that does not fit into memory is an error like any other."""

    def exhausted(image):
        raise MemoryError

    monkeypatch.setattr(Image.Image, "load", exhausted)
    assert "memory" in refusal(load, Image.new("RGB", (4, 4)))


def test_foreign_errors_stay_visible():
    """The error that caused the refusal hangs behind it."""
    with pytest.raises(PictureError) as caught:
        load(b"rubbish")
    assert isinstance(caught.value.__cause__, Image.UnidentifiedImageError)


# ---- the pixel limit


def test_too_many_pixels_are_refused_before_decoding():
    """The message holds the count, the limit and the option; no pixel is decoded for it."""
    message = refusal(load, png_claiming(300, 200), max_pixels=59_999)
    assert "60,000" in message and "59,999" in message
    assert "max_pixels" in message and "--max-pixels" in message


def test_the_limit_is_the_last_size_that_passes():
    """A picture of exactly max_pixels is read, one pixel more is not."""
    data = encoded(Image.fromarray(noise()))
    assert load(data, max_pixels=54).picture.shape == (6, 9, 3)
    refusal(load, data, max_pixels=53)
    refusal(load, Image.fromarray(noise()), max_pixels=53)


@pytest.mark.parametrize("side", [14_142, 14_143, 20_000, 60_000, 2**31 - 1])
def test_the_default_limit_is_ours_not_pillows(side):
    """Up to 200 megapixels the header passes (and the missing data is what is wrong), beyond them it does not."""
    message = refusal(load, png_claiming(side, side))
    assert ("200,000,000" in message) == (side > 14_142)
    assert (f"{side * side:,} pixels" in message) == (side > 14_142)


def test_the_limit_can_be_raised_beyond_pillows_own(monkeypatch):
    """With a raised limit a picture is read that Pillow by itself would refuse; Pillow's own limit stays as it was."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    data = encoded(Image.fromarray(noise()))
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(data))
    assert load(data).picture.shape == (6, 9, 3)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_a_limit_that_the_user_took_off_pillow_stays_off(monkeypatch):
    """Image.MAX_IMAGE_PIXELS = None is left alone, and our own limit still holds."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert "limit" in refusal(load, png_claiming(20_000, 20_000))
    assert Image.MAX_IMAGE_PIXELS is None


def test_reading_in_many_threads_leaves_the_process_as_it_was():
    """Eight threads read at once; afterwards warnings and Pillow's limit are what they were before."""
    good = encoded(Image.fromarray(noise(40, 40)))
    filters, limit, results = list(warnings.filters), Image.MAX_IMAGE_PIXELS, []

    def work():
        for turn in range(20):
            results.append(load(good).picture.shape)
            refusal(load, png_claiming(300, 300), max_pixels=10 if turn % 2 else 10**9)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [(40, 40, 3)] * 160
    assert Image.MAX_IMAGE_PIXELS == limit and warnings.filters == filters


# ---- damaged files


def whole_files():
    """Small sound files of every common kind, with profile, EXIF, palette, alpha, frames and progressive scans."""
    image = Image.fromarray(noise(24, 32)).resize((40, 30))
    clear = Image.fromarray(noise(20, 20, 4))
    exif, profile = block_of_exif(6), srgb_profile()
    deep = Image.fromarray(noise(12, 12, 1)[..., 0].astype(np.uint16) * 257)
    return [
        encoded(image, "JPEG", exif=exif, icc_profile=profile),
        encoded(image, "JPEG", progressive=True, subsampling=2),
        encoded(image.convert("CMYK"), "JPEG"),
        encoded(image, "PNG", exif=exif, icc_profile=profile),
        encoded(image.quantize(16), "PNG", transparency=3),
        encoded(deep, "PNG"),
        encoded(image, "WEBP", exif=exif, icc_profile=profile),
        encoded(clear, "WEBP", lossless=True),
        encoded(image, "TIFF", exif=exif, icc_profile=profile),
        encoded(clear, "TIFF", compression="tiff_lzw"),
        encoded(image, "TIFF", compression="jpeg"),
        encoded(image, "GIF", save_all=True, append_images=[image.rotate(90)]),
        encoded(image, "BMP"),
        encoded(image.quantize(16), "BMP"),
    ]


def mutated(data, random):
    """`data` with one to three wounds: flipped bytes, a cut, foreign bytes, a doubled or a missing piece, zeros."""
    wounded = bytearray(data)
    for _ in range(random.integers(1, 4)):
        start = int(random.integers(0, len(wounded) if random.random() < 0.5 else min(len(wounded), 80)))
        piece = wounded[start : start + int(random.integers(1, 40))]
        match random.integers(0, 6):
            case 0:
                for place in random.integers(0, len(wounded), random.integers(1, 12)):
                    wounded[place] ^= int(random.integers(1, 256))
            case 1:
                del wounded[max(start, 1) :]
            case 2:
                wounded[start:start] = random.bytes(int(random.integers(1, 40)))
            case 3:
                wounded[start:start] = piece
            case 4:
                wounded[start : start + len(piece)] = b"" if len(piece) < len(wounded) else b"?"
            case 5:
                wounded[start : start + len(piece)] = bytes(len(piece))
    return bytes(wounded)


def test_damaged_files_end_in_a_photo_or_a_picture_error(capsys):
    """Of 300 wounded files each gives a sound Photo or a PictureError of one line, without a warning or a word."""
    files, read, refused = whole_files(), 0, 0
    for seed in range(300):
        random = np.random.default_rng(seed)
        data = mutated(files[seed % len(files)], random)
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            try:
                assert_is_photo(load(data, max_pixels=1_000_000))
                read += 1
            except PictureError as error:
                assert str(error).isprintable() and str(error).endswith("."), seed
                refused += 1
        assert not heard, (seed, heard[0])
    assert read > 30 and refused > 100
    assert capsys.readouterr() == ("", "")  # of Python; libtiff itself writes its complaints to descriptor 2


# ---- find


def test_find_expands_folders(tmp_path):
    """Folders become the picture files below them, sorted; hidden and other files are left out."""
    for name in ("b.JPG", "a/c.png", "a/d.txt", ".hidden.png", ".git/e.png", "a/.cache/f.png", "z.webp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert find([tmp_path]) == [tmp_path / "a" / "c.png", tmp_path / "b.JPG", tmp_path / "z.webp"]
    assert find(str(tmp_path)) == find(tmp_path) == find([str(tmp_path)])


def test_find_passes_files_as_they_are(tmp_path):
    """Files keep their order, whatever they are called and whether or not they exist."""
    files = [tmp_path / "z.png", tmp_path / ".hidden.png", tmp_path / "notes.txt"]
    assert find(iter(files)) == files


def test_find_refuses_a_folder_that_cannot_be_listed(tmp_path, monkeypatch):
    """A folder without permission is an error, not an empty folder."""

    def forbidden(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", forbidden)
    assert "permissions" in refusal(find, [tmp_path])


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("size", [(300, 411), (411, 300), (401, 400)], ids=str)
def test_photos_are_shrunk_while_they_are_read(kind, orientation, size):
    """max_side gives the size that resize gives, and nearly its picture, upright, also of a JPEG decoded smaller."""
    data = encoded(to_pil(smooth(*size)), kind, exif=block_of_exif(orientation))
    expected = resize(load(data).picture, 50)
    found = load(data, max_side=50)
    assert found.picture.shape == expected.shape
    np.testing.assert_allclose(found.picture, expected, atol=0.02 if kind == "JPEG" else 0)
    assert found.exif is not None


def test_alpha_is_shrunk_with_its_photo():
    """Transparency gets the size of the picture; a photo that is small enough stays as it is."""
    data = encoded(Image.fromarray(noise(60, 90, 4)))
    found = load(data, max_side=30)
    assert found.picture.shape == (20, 30, 3) and found.alpha.shape == (20, 30)
    np.testing.assert_array_equal(load(data, max_side=90).pixels, load(data).pixels)
    for nonsense in ({"max_side": 0}, {"max_side": float("nan")}, {"max_pixels": 0}, {"max_pixels": float("inf")}):
        with pytest.raises(OptionError, match="must be a whole number"):
            load(data, **nonsense)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_size_of_a_file(tmp_path, orientation):
    """size_of tells width and height of the upright picture from its header; other files are refused."""
    (tmp_path / "a.jpg").write_bytes(encoded(Image.fromarray(noise(6, 9)), "JPEG", exif=block_of_exif(orientation)))
    assert pictures.size_of(tmp_path / "a.jpg") == ((6, 9) if orientation in (6, 8) else (9, 6))
    (tmp_path / "b.jpg").write_text("not a picture")
    assert "b.jpg" in refusal(pictures.size_of, tmp_path / "b.jpg")
    assert pictures.size_of(tmp_path / "a.jpg") == load(tmp_path / "a.jpg").picture.shape[1::-1]


@pytest.mark.parametrize("place", ["before", "behind", "text"])
def test_the_header_of_a_png_is_read_without_its_pixels(monkeypatch, place):
    """A header is read without decoding, so that a bomb costs nothing, and EXIF counts wherever a PNG has it."""
    data = encoded(Image.fromarray(noise(6, 9)), "PNG", exif=block_of_exif(6))
    start, end = data.index(b"eXIf") - 4, data.index(b"IDAT") - 4
    exif = data[start:end]
    without = data[:start] + data[end:]
    if place == "behind":
        data = without[:-12] + exif + without[-12:]
    if place == "text":
        raw = b"\nexif\n%8d\n%s\n" % (len(exif) - 12, exif[8:-4].hex().encode())
        text = b"zTXtRaw profile type exif\0\0" + zlib.compress(raw)
        data = without[:start] + struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
        data += without[start:]
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", lambda self: pytest.fail("decoded"))
    found = pictures.header(data)
    assert (found.format, found.width, found.height) == ("PNG", 6, 9)


@pytest.mark.parametrize("quality", [1, 75, 95, 100])
def test_noise_as_jpeg(tmp_path, quality):
    """What hardly compresses is written too, at any quality."""
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), np.uint8)
    pictures.save(noise, tmp_path / "noise.jpg", quality=quality)
    assert pictures.load(tmp_path / "noise.jpg").pixels.shape == noise.shape
