"""What a file says of its colours: by an ICC profile, by chunks and boxes, by the camera's EXIF."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from impasto.pictures import color, containers, load

P3, BT2020, LINEAR, PQ, HLG = 12, 9, 8, 16, 18
WHITE = (0.3127, 0.3290)


def png(values: np.ndarray, *chunks: tuple[bytes, bytes], profile: bytes | None = None) -> bytes:
    """A PNG of 8 or 16 bits with chunks of ours right behind its header."""
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG", icc_profile=profile)
    data = buffer.getvalue()
    ours = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return data[:33] + ours + data[33:]


def gamma(number: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(number * 100_000))


def primaries(*xy: float) -> tuple[bytes, bytes]:
    """cHRM of red, green and blue; white is D65."""
    return b"cHRM", struct.pack(">8I", *(round(each * 100_000) for each in (*WHITE, *xy)))


def cicp(first: int, transfer: int, full: int = 1) -> tuple[bytes, bytes]:
    return b"cICP", bytes([first, transfer, 0, full])


def patch(*rgb: int) -> np.ndarray:
    return np.full((4, 5, 3), rgb, np.uint8)


def seen(data: bytes) -> list[int]:
    """The first pixel's colour, 0..255."""
    return [round(float(each) * 255) for each in load(data).picture[0, 0]]


def srgb(light: Any) -> Any:
    """Light as numbers of sRGB, 0..255."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255


def grey_profile(exponent: float) -> bytes:
    """The smallest ICC profile of a grey picture whose numbers are light to the power of 1 / exponent."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(exponent * 256)) + b"\0\0"
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    words = b"desc\0\0\0\0\0\0\0\2g\0" + bytes(80)
    tags, body, place = b"", b"", 128 + 4 + 3 * 12
    for name, data in ((b"wtpt", white), (b"kTRC", curve), (b"desc", words)):
        data += bytes(-len(data) % 4)
        tags += name + struct.pack(">II", place + len(body), len(data))
        body += data
    head = b"\0\0\0\0lcms\x02\x10\0\0mntrGRAYXYZ " + bytes(12) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061) + bytes(48)
    profile = head + struct.pack(">I", 3) + tags + body
    return struct.pack(">I", len(profile)) + profile[4:]


RAMP = np.arange(256, dtype=np.uint8)[None].repeat(3, 0)


@pytest.mark.parametrize("number", [1.0, 1 / 1.8, 1 / 2.8])
def test_a_gamma_is_undone(number: float) -> None:
    """A PNG with gAMA shows the light that its numbers mean."""
    found = load(png(np.dstack([RAMP] * 3), gamma(number))).pixels[0, :, 1]
    np.testing.assert_allclose(found, srgb((np.arange(256) / 255) ** (1 / number)), atol=1)


@pytest.mark.parametrize("chunks", [[gamma(1 / 2.2)], [(b"sRGB", b"\0"), gamma(1.0)], [gamma(0)], []])
def test_what_is_srgb_stays_as_it_is(chunks: list[tuple[bytes, bytes]]) -> None:
    """gAMA of 1/2.2 changes nothing, sRGB is stronger than gAMA, and a gamma of 0 is none."""
    np.testing.assert_array_equal(load(png(np.dstack([RAMP] * 3), *chunks)).pixels[0, :, 0], np.arange(256))


def test_primaries_of_a_png() -> None:
    """cHRM of Display P3, without a gamma, of Adobe RGB, with one; sRGB's and nonsense change nothing."""
    p3 = primaries(0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
    np.testing.assert_allclose(seen(png(patch(234, 51, 35), p3)), (255, 0, 0), atol=2)
    adobe = primaries(0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
    np.testing.assert_allclose(seen(png(patch(144, 255, 60), adobe, gamma(1 / 2.2))), (0, 255, 0), atol=3)
    for same in (primaries(0.64, 0.33, 0.3, 0.6, 0.15, 0.06), primaries(*[0.0] * 6), primaries(*[0.3] * 6)):
        assert seen(png(patch(234, 51, 35), same)) == [234, 51, 35]


def test_cicp_is_the_strongest() -> None:
    """cICP stands above a profile, the profile above sRGB and gAMA."""
    red = patch(234, 51, 35)
    swapped = _swapped_profile()
    np.testing.assert_allclose(seen(png(red, cicp(P3, 13), gamma(1.0), profile=swapped)), (255, 0, 0), atol=2)
    np.testing.assert_allclose(seen(png(red, (b"sRGB", b"\0"), gamma(1.0), profile=swapped))[1], 234, atol=12)


def test_codes_of_every_kind() -> None:
    """BT.2020 light, gamma 2.8, the narrow range, and codes that nobody knows."""
    np.testing.assert_allclose(seen(png(patch(160, 18, 4), cicp(BT2020, LINEAR))), (255, 0, 0), atol=12)
    np.testing.assert_allclose(seen(png(patch(128, 128, 128), cicp(1, 5)))[0], srgb((128 / 255) ** 2.8), atol=1)
    assert seen(png(patch(235, 16, 126), cicp(1, 13, 0))) == [255, 0, 128]
    assert seen(png(patch(9, 99, 200), cicp(77, 13))) == seen(png(patch(9, 99, 200), cicp(1, 99))) == [9, 99, 200]
    assert seen(png(patch(9, 99, 200), cicp(1, 1))) == [9, 99, 200]  # screens show BT.709 as sRGB


def pq(nits: Any) -> Any:
    """SMPTE ST 2084, from light to numbers in 0..255."""
    power = (np.asarray(nits) / 10_000) ** 0.1593017578125
    return np.rint(255 * ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


def test_pq_without_highlights_is_what_a_screen_shows() -> None:
    """Light up to the white of paper, 203 cd/m2, comes out as it is: the picture is not washed out."""
    light = np.array([0.0, 0.05, 0.2, 0.5, 0.95])
    values = pq(light * 203).astype(np.uint8)[None, :, None].repeat(3, 2)
    found = load(png(values, cicp(BT2020, PQ))).pixels[0, :, 1]
    np.testing.assert_allclose(found, srgb(light), atol=4)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_highlights_of_hdr_are_compressed(transfer: int) -> None:
    """Brighter numbers stay brighter, up to white; grey stays grey; and HLG's paper white is bright."""
    found = load(png(np.dstack([RAMP] * 3), cicp(BT2020, transfer))).pixels[0].astype(int)
    assert (np.diff(found[:, 0]) >= 0).all() and found[0, 0] == 0 and found[255, 0] == 255
    assert np.ptp(found, axis=1).max() <= 1
    assert 190 < found[191 if transfer == HLG else 148, 0] < 250
    assert len(np.unique(found[:, 0])) > 100


def test_deep_grey_with_a_profile_is_the_same_picture() -> None:
    """Grey of 8 bits, 16 bits and floats under one profile, or one gamma, is one picture."""
    profile = grey_profile(1.0)
    deep, floats = RAMP.astype(np.uint16) * 257, (RAMP / 255).astype(np.float32)
    buffer = io.BytesIO()
    Image.fromarray(floats).save(buffer, "TIFF", icc_profile=profile)
    pictures = [load(png(RAMP, profile=profile)), load(png(deep, profile=profile)), load(buffer.getvalue())]
    pictures += [load(png(RAMP, gamma(1.0))), load(png(deep, gamma(1.0)))]
    assert pictures[1].pixels.dtype == pictures[4].pixels.dtype == np.uint16
    for each in pictures:
        np.testing.assert_allclose(each.picture[0, :, 0] * 255, srgb(np.arange(256) / 255), atol=1)


def test_deep_grey_stays_deep() -> None:
    """A profile's curve does not cut 16 bits down to 8."""
    values = np.arange(20_000, 20_256, dtype=np.uint16)[None]
    found = load(png(values, profile=grey_profile(1.0))).pixels[0, :, 0]
    assert len(np.unique(found)) > 200 and (np.diff(found.astype(int)) >= 0).all()


def test_ink_of_deep_grey_is_turned_to_light() -> None:
    """A 16-bit TIFF in which 0 is white comes out as it should."""
    buffer = io.BytesIO()
    values = np.array([[0, 1000, 65535]], np.uint16)
    Image.fromarray(values).save(buffer, "TIFF", tiffinfo={262: 0})
    np.testing.assert_array_equal(load(buffer.getvalue()).pixels[0, :, 0], 65535 - values[0])


def test_nclx_of_avif() -> None:
    """The primaries in an AVIF's colr box count; a profile is stronger."""
    pytest.importorskip("PIL._avif")
    buffer = io.BytesIO()
    Image.fromarray(patch(234, 51, 35)).save(buffer, "AVIF", quality=100, subsampling="4:4:4")
    plain = buffer.getvalue()
    assert b"nclx\0\1\0\x0d" in plain
    np.testing.assert_allclose(seen(plain), (234, 51, 35), atol=3)
    np.testing.assert_allclose(seen(plain.replace(b"nclx\0\1\0\x0d", b"nclx\0\x0c\0\x0d")), (255, 0, 0), atol=3)
    np.testing.assert_allclose(seen(plain.replace(b"nclx\0\1", b"nclx\0\x63")), (234, 51, 35), atol=3)


def test_the_profile_in_a_jpeg_2000() -> None:
    """A profile in a JP2 file counts, though Pillow passes it by; one that is cut short does not."""
    buffer = io.BytesIO()
    Image.fromarray(patch(234, 51, 35)).save(buffer, "JPEG2000")
    data = buffer.getvalue()
    old = b"\0\0\0\x0fcolr\1\0\0\0\0\0\x10"
    assert old in data and seen(data) == [234, 51, 35]
    box = b"colr\2\0\0" + _swapped_profile()
    new = struct.pack(">I", len(box) + 4) + box
    head = data.index(b"jp2h") - 4
    length = int.from_bytes(data[head : head + 4], "big") + len(new) - len(old)
    data = data[:head] + struct.pack(">I", length) + data[head + 4 :].replace(old, new)
    np.testing.assert_allclose(seen(data)[1], 234, atol=12)
    assert seen(data.replace(b"acsp", b"abcd")) == [234, 51, 35]


@pytest.mark.parametrize("data", [b"", b"\0\0\0\1meta", b"\0\0\0\x20meta\0\0\0\0\0\0\0\x14iprp\0\0\0\2ipco", bytes(40)])
def test_broken_boxes_tell_nothing(data: bytes) -> None:
    """Boxes of impossible sizes neither hang nor raise."""
    assert containers.avif_codes(io.BytesIO(data)) is None


def exif(space: int | None, index: str | None) -> bytes:
    block = Image.Exif()
    inner: dict[int, Any] = {} if space is None else {int(ExifTags.Base.ColorSpace): space}
    if index is not None:
        inner[0xA005] = {1: index}
    block[ExifTags.IFD.Exif] = inner
    return block.tobytes()


@pytest.mark.parametrize(
    ("space", "index", "adobe"),
    [(2, None, True), (0xFFFF, "R03", True), (None, "R03", True), (1, "R98", False), (0xFFFF, None, False)],
)
def test_adobe_rgb_of_cameras(space: int | None, index: str | None, adobe: bool) -> None:
    """A JPEG without a profile is Adobe RGB where its EXIF says so in the way of cameras; a profile is stronger."""
    for profile in (None, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()):
        buffer = io.BytesIO()
        image = Image.fromarray(np.full((16, 16, 3), (144, 255, 60), np.uint8))
        image.save(buffer, "JPEG", quality=100, subsampling=0, exif=exif(space, index), icc_profile=profile)
        expected = (0, 255, 0) if adobe and profile is None else (144, 255, 60)
        np.testing.assert_allclose(seen(buffer.getvalue()), expected, atol=6)


def test_every_encoding_keeps_black_white_and_the_type() -> None:
    """Black is black, and white is white, whatever the primaries; 8, 16 bits and floats agree."""
    for first in color._PRIMARIES:
        for transfer in color._TRANSFERS:
            encoding = color.of_codes(first, transfer)
            assert encoding is not None
            values = np.array([[[0, 0, 0], [255, 255, 255], [90, 90, 90]]], np.uint8)
            found = color.to_srgb(values, encoding)
            assert found.dtype == np.uint8
            assert found[0, 0].max() == 0 and found[0, 1].min() >= 254 and np.ptp(found[0, 2].astype(int)) <= 2
            deep = color.to_srgb(values.astype(np.uint16) * 257, encoding)
            floats = color.to_srgb((values / 255).astype(np.float32), encoding)
            np.testing.assert_allclose(deep / 257, found, atol=1)
            np.testing.assert_allclose(floats * 255, found, atol=1)


def _swapped_profile() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"tmp!").replace(b"gXYZ", b"rXYZ").replace(b"tmp!", b"gXYZ")
