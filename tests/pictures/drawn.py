"""Pictures and files that tests of pictures draw."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from impasto.errors import PictureError

EXIF_IFD, GPS_IFD = ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo
SUBJECT_AREA, SUBJECT_PLACE = 0x9214, 0xA214
RED, GREEN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


def noise(height=6, width=9, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def smooth(height=16, width=24):
    """A colourful picture without hard edges, so that lossy formats keep it nearly as it is."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return np.stack([y, x, 1 - x * y], axis=-1).astype(np.float32)


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def phone_exif() -> Image.Exif:
    """EXIF as phones and editors write it; everything private holds the word SECRET."""
    exif = Image.Exif()
    for tag in (
        ExifTags.Base.Make,
        ExifTags.Base.Model,
        ExifTags.Base.ImageDescription,
        ExifTags.Base.HostComputer,
        ExifTags.Base.Software,
        ExifTags.Base.CameraSerialNumber,
    ):
        exif[tag] = "SECRET"
    exif[ExifTags.Base.Artist], exif[ExifTags.Base.Copyright] = b"A. Tester", "© Ä. Tester".encode()
    exif[ExifTags.Base.DateTime] = "2024:01:02 03:04:05"
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.XPComment] = b"SECRET"
    exif[ExifTags.Base.XMLPacket] = b"<x:xmpmeta>SECRET</x:xmpmeta>"
    exif[ExifTags.IFD.Exif] = {
        int(ExifTags.Base.DateTimeOriginal): "2024:01:02 03:04:05",
        int(ExifTags.Base.OffsetTimeOriginal): "+02:00",
        int(ExifTags.Base.ExifImageWidth): 4000,
        int(ExifTags.Base.ExifImageHeight): 3000,
        int(ExifTags.Base.ColorSpace): 65535,
        SUBJECT_AREA: (7, 8, 9),
        SUBJECT_PLACE: (7, 8),
        int(ExifTags.Base.MakerNote): b"SECRET",
        int(ExifTags.Base.UserComment): b"ASCII\0\0\0SECRET",
        **{
            int(tag): "SECRET"
            for tag in (ExifTags.Base.BodySerialNumber, ExifTags.Base.LensSerialNumber, ExifTags.Base.ImageUniqueID)
        },
        int(ExifTags.Base.CameraOwnerName): "SECRET",
        int(ExifTags.IFD.Interop): {1: "R03"},
    }
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (52.5, 13.0, 24.0)}
    return exif


def block_of_exif(orientation=None):
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Kamera"
    exif[EXIF_IFD] = {ExifTags.Base.ExposureTime: 0.5}
    exif[GPS_IFD] = {ExifTags.GPS.GPSLatitudeRef: "N"}
    if orientation is not None:
        exif[ExifTags.Base.Orientation] = orientation
    return exif.tobytes()  # bytes, because Pillow leaves the nested directories of an Exif object out of TIFFs


def read_exif(block):
    exif = Image.Exif()
    exif.load(block)
    return exif


def png_claiming(width, height):
    """A PNG of 57 bytes whose header claims any size."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def srgb_profile():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile():
    """sRGB with the red and the green primary exchanged: what is stored as red must be seen as green."""
    profile = srgb_profile()
    return profile.replace(b"rXYZ", b"tmp!").replace(b"gXYZ", b"rXYZ").replace(b"tmp!", b"gXYZ")


def refusal(action, *arguments, **options):
    """The message of the PictureError that the call must raise; always one line, ending as a sentence does."""
    with pytest.raises(PictureError) as caught:
        action(*arguments, **options)
    message = str(caught.value)
    assert message.isprintable() and message.endswith(".") and len(message) > 20
    return message


def assert_is_photo(photo):
    height, width, channels = photo.picture.shape
    assert channels == 3 and height > 0 and width > 0
    assert photo.picture.dtype == np.float32 and photo.picture.flags.c_contiguous and photo.picture.flags.writeable
    assert 0 <= photo.picture.min() and photo.picture.max() <= 1
    if photo.alpha is not None:
        assert photo.alpha.shape == (height, width) and photo.alpha.dtype == np.float32
        assert 0 <= photo.alpha.min() and photo.alpha.max() <= 1
