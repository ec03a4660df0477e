"""Which kinds of picture files there are: those that are read, those that need a decoder, those that are not read."""

from __future__ import annotations

import importlib.util
from pathlib import PurePath

# What is read, by Pillow's name. Nothing else: Pillow would hand an EPS file, for one, to Ghostscript.
READABLE = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "MPO": (".mpo",),  # a JPEG with further pictures behind it: of the other eye, or smaller ones
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "AVIF": (".avif",),
    "JPEG2000": (".jp2", ".j2k", ".jpx", ".jpf", ".j2c", ".jpc"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
}
SUFFIXES = frozenset(suffix for suffixes in READABLE.values() for suffix in suffixes)

# Packages that read more. The first one that is installed is used; each is imported when such a file is met.
HEIF, JXL = "HEIF", "JXL"
DECODERS = {HEIF: ("pi_heif", "pillow_heif"), JXL: ("pillow_jxl",)}
_DECODED = {".heic": HEIF, ".heif": HEIF, ".hif": HEIF, ".heics": HEIF, ".heifs": HEIF, ".jxl": JXL}
_INSTALL = {
    HEIF: "HEIC needs a decoder: pip install 'impasto[heif]'",
    JXL: "JPEG XL needs a decoder: pip install pillow-jxl-plugin",
}

_RAW = "a camera's raw file; develop it and export it as JPEG or PNG"
_OTHER = "a format that impasto does not read; export it as PNG or JPEG"
_UNREAD = dict.fromkeys(
    """.3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw .rw2
    .rwl .sr2 .srf .srw .x3f""".split(),
    _RAW,
) | dict.fromkeys(
    """.ai .bpg .cur .dds .dpx .eps .exr .fits .hdr .icns .ico .jxr .kra .ora .pcx .psb .psd .qoi .sgi .svg .svgz .tga
    .wdp .wmf .emf .xcf .xpm""".split(),
    _OTHER,
)


def decoder(kind: str) -> str | None:
    """The package that reads HEIF or JXL here, without importing it; None if none is installed."""
    return next((name for name in DECODERS[kind] if importlib.util.find_spec(name) is not None), None)


def missing(kind: str) -> str:
    """Why HEIF or JXL cannot be read here, and the line that helps."""
    return _INSTALL[kind]


def why_unread(path: PurePath) -> str | None:
    """Why a file that is a picture by its suffix is not read; None if it is read, or is no picture."""
    suffix = path.suffix.lower()
    if suffix in _DECODED:
        kind = _DECODED[suffix]
        return None if decoder(kind) else missing(kind)
    return _UNREAD.get(suffix)


def is_picture(path: PurePath) -> bool:
    """Whether a file is a picture by its suffix, and of a kind that is read here."""
    suffix = path.suffix.lower()
    return suffix in SUFFIXES or (suffix in _DECODED and decoder(_DECODED[suffix]) is not None)
