"""What the numbers of a file mean as colours, and the same colours in sRGB. Knows PIL images and arrays, no files."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Values: TypeAlias = NDArray[Any]  # h x w of grey or h x w x 3, uint8, uint16 or float32 in 0..1
Floats: TypeAlias = NDArray[np.float32]
Chromaticities: TypeAlias = tuple[float, ...]  # x and y of red, green, blue and white

_D65, _C = (0.3127, 0.3290), (0.310, 0.316)
SRGB: Chromaticities = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *_D65)
ADOBE: Chromaticities = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *_D65)
_601: Chromaticities = (0.63, 0.34, 0.31, 0.595, 0.155, 0.07, *_D65)
# Rec. ITU-T H.273, table 2; 2 is "unspecified"
_PRIMARIES: dict[int, Chromaticities] = {
    1: SRGB,
    2: SRGB,
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, *_C),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *_D65),
    6: _601,
    7: _601,
    8: (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, *_C),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65),
    10: (1, 0, 0, 1, 0, 0, 1 / 3, 1 / 3),
    11: (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.314, 0.351),
    12: (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, *_D65),
    22: (0.63, 0.34, 0.295, 0.605, 0.155, 0.077, *_D65),
}
# Table 3. The curves of SDR video (1, 6, 7, 14, 15) are those of cameras; screens undo them with about sRGB's.
_TRANSFERS: dict[int, str | float] = {4: 2.2, 5: 2.8, 8: "linear", 16: "pq", 17: 2.6, 18: "hlg"}
_TRANSFERS |= dict.fromkeys((1, 2, 6, 7, 11, 12, 13, 14, 15), "srgb")

_WHITE_NITS = 203  # what is white on paper, in HDR (Rec. ITU-R BT.2408)
_KNEE = 0.6  # light, where white is 1, above which HDR is compressed if there is anything brighter than white
_ROWS = 2**18  # numbers that are converted at a time

# Modes that an ICC profile may describe, and that ImageCms takes; all others are brought to RGB first.
_PROFILE_MODE = {"1": "L", "L": "L", "LA": "L", "CMYK": "CMYK", "LAB": "LAB"}


@dataclass(frozen=True)
class Encoding:
    """What numbers mean as colours, where no ICC profile says so.

    transfer: from numbers to light: "srgb", "linear", "pq", "hlg", or the exponent of a power.
    full: whether black is 0 and white the largest number; 16 and 235 of 255 otherwise.
    """

    transfer: str | float = "srgb"
    primaries: Chromaticities = SRGB
    full: bool = True


PLAIN = Encoding()
ADOBE_RGB = Encoding(563 / 256, ADOBE)


def of_codes(primaries: int, transfer: int, full: bool = True) -> Encoding | None:
    """The encoding behind the code points of Rec. ITU-T H.273, as in cICP and nclx; None for those unknown here."""
    if primaries not in _PRIMARIES or transfer not in _TRANSFERS:
        return None
    return Encoding(_TRANSFERS[transfer], _PRIMARIES[primaries], full)


def of_png(info: Mapping[Any, Any]) -> Encoding | None:
    """The encoding that the chunks sRGB, gAMA and cHRM hold, as Pillow read them; None where there are none.

    A gamma of 1/2.2 with the primaries of sRGB is sRGB. Primaries without a gamma have sRGB's curve.
    """
    if "srgb" in info:
        return PLAIN
    gamma, given = info.get("gamma"), info.get("chromaticity")
    primaries = _near_srgb(given)
    transfer: str | float = "srgb"
    if isinstance(gamma, float) and 0.1 < gamma < 10 and (primaries != SRGB or abs(gamma * 2.2 - 1) > 0.02):
        transfer = "linear" if abs(gamma - 1) < 0.001 else 1 / gamma
    return None if gamma is None and given is None else Encoding(transfer, primaries)


def _near_srgb(given: Any) -> Chromaticities:
    """Chromaticities of cHRM (white first), sRGB's for those that are none, or are sRGB's but for rounding."""
    if not isinstance(given, tuple) or len(given) != 8 or not all(isinstance(each, float) for each in given):
        return SRGB
    primaries = (*given[2:], *given[:2])
    if np.allclose(primaries, SRGB, atol=0.002) or _to_xyz(primaries) is None:
        return SRGB
    return primaries


# ---- ICC profiles


def in_srgb(image: Image.Image, profile: bytes | None, encoding: Encoding | None = None) -> Values:
    """The colours of an image of any 8-bit mode in sRGB, h x w x 3, uint8, by its profile, or else by ``encoding``.

    A profile that is broken, or made for other channels, counts as sRGB.
    """
    mode = _PROFILE_MODE.get(image.mode, "RGB")
    image = image if image.mode == mode else image.convert(mode)
    if profile and image.mode == "L":
        ramp = _ramp(profile)
        return np.asarray(image.convert("RGB")) if ramp is None else ramp[np.asarray(image)]
    if profile:
        return np.asarray(_transformed(image, profile) or image.convert("RGB"))
    return to_srgb(np.asarray(image.convert("RGB")), encoding or PLAIN)


def deep_grey_in_srgb(values: Values, profile: bytes | None, encoding: Encoding | None = None) -> Values:
    """Grey of 16 bits or floats, h x w, in sRGB, as ``in_srgb``.

    ImageCms takes grey of 8 bits only, so the profile's curve is learned from a ramp.
    """
    if not profile:
        return to_srgb(values, encoding or PLAIN)
    ramp = _ramp(profile)
    if ramp is None:
        return values
    curve = ramp.mean(axis=1) / 255
    return _by_light(values, lambda x: np.interp(x, np.linspace(0, 1, len(curve)), curve).astype(np.float32))


def _ramp(profile: bytes) -> NDArray[np.uint8] | None:
    """Every grey of 8 bits as the profile has it, 256 x 3; None where it is none for grey."""
    greys = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    found = _transformed(greys, profile, ImageCms.Flags.NOOPTIMIZE)  # else only every eighth one is exact
    return None if found is None else np.asarray(found)[0]


def _transformed(image: Image.Image, profile: bytes, flags: ImageCms.Flags = ImageCms.Flags.NONE) -> Image.Image | None:
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            image.mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION | flags,
        )
        return transform.apply(image)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


# ---- encodings given by numbers


def to_srgb(values: Values, encoding: Encoding) -> Values:
    """Colours of an encoding in sRGB, of the same type and shape. Colours that sRGB lacks are clipped.

    HDR ("pq", "hlg") is shown as on an ordinary screen: the white of paper (203 cd/m2) becomes white. If there is
    light beyond that, everything above 60 % is compressed to make room for it.
    """
    if encoding == PLAIN:
        return values
    matrix = _matrix(encoding.primaries) if values.ndim == 3 else None
    if encoding.transfer not in ("pq", "hlg") and matrix is None:
        return _by_light(values, lambda x: _encode(_light(x, encoding)))
    peak = 1.0
    if encoding.transfer in ("pq", "hlg"):
        peak = max(float(light.max()) for _, light in _lights(values, encoding, matrix))
    out = np.empty_like(values)
    for part, light in _lights(values, encoding, matrix):
        out[part] = _like(_encode(_compressed(light, peak)), values.dtype)
    return out


def _lights(values: Values, encoding: Encoding, matrix: Floats | None) -> Iterator[tuple[slice, Floats]]:
    """Rows, and their light in sRGB's primaries, white being 1."""
    table = None
    if values.dtype.kind == "u":
        table = _light(_levels(values.dtype), encoding)
    rows = max(1, _ROWS // max(1, values[0].size))
    for top in range(0, len(values), rows):
        part = slice(top, top + rows)
        light = _light(values[part], encoding) if table is None else table[values[part]]
        if encoding.transfer == "hlg":
            light = _shown_hlg(light)
        yield part, light if matrix is None else np.maximum(light @ matrix.T, 0)


def _by_light(values: Values, function: Callable[[Values], Floats]) -> Values:
    """A function of single numbers in 0..1, by a table where they are whole."""
    if values.dtype.kind == "u":
        table = _like(function(_levels(values.dtype)), values.dtype)
        return table[values]
    return function(np.clip(values, 0, 1))


def _levels(dtype: np.dtype[Any]) -> Floats:
    most = np.iinfo(dtype).max
    return np.arange(most + 1, dtype=np.float32) / np.float32(most)


def _like(floats: Floats, dtype: np.dtype[Any]) -> Values:
    return np.rint(floats * np.iinfo(dtype).max).astype(dtype) if dtype.kind == "u" else floats.astype(dtype)


def _light(values: Values, encoding: Encoding) -> Floats:
    """Numbers in 0..1 as light: 1 is white; of "hlg" the scene's, before it is shown."""
    x = np.clip(values, 0, 1).astype(np.float32)
    if not encoding.full:
        x = np.clip((x * 255 - 16) / 219, 0, 1)
    if encoding.transfer == "linear":
        return x
    if encoding.transfer == "srgb":
        return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)
    if encoding.transfer == "pq":  # SMPTE ST 2084
        root = np.float64(x) ** (1 / 78.84375)
        nits = 10_000 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
        return np.asarray(nits / _WHITE_NITS, np.float32)
    if encoding.transfer == "hlg":  # ARIB STD-B67
        high = (np.exp((np.maximum(x, 0.5) - 0.55991073) / 0.17883277) + 0.28466892) / 12
        return np.where(x <= 0.5, x**2 / 3, high).astype(np.float32)
    return np.power(x, float(encoding.transfer), dtype=np.float32)


def _shown_hlg(scene: Floats) -> Floats:
    """Light of a scene as a screen of 1,000 cd/m2 shows it (Rec. ITU-R BT.2100): the system gamma of 1.2."""
    luma = scene @ np.array([0.2627, 0.6780, 0.0593], np.float32) if scene.ndim == 3 else scene
    gain = np.maximum(luma, np.float32(1e-6)) ** np.float32(0.2) * np.float32(1000 / _WHITE_NITS)
    shown: Floats = scene * (gain[..., None] if scene.ndim == 3 else gain)
    return shown


def _compressed(light: Floats, peak: float) -> Floats:
    """Light up to ``peak`` brought into 0..1 by its strongest channel, so that hues stay; as it is, up to the knee."""
    if peak <= 1:
        return light
    strongest = light.max(axis=-1, keepdims=True) if light.ndim == 3 else light
    over = np.maximum(strongest - _KNEE, 0) / (1 - _KNEE)
    most = (peak - _KNEE) / (1 - _KNEE)
    bent = np.where(strongest > _KNEE, _KNEE + (1 - _KNEE) * over * (1 + over / most**2) / (1 + over), strongest)
    compressed: Floats = light * (bent / np.maximum(strongest, 1e-6))
    return compressed


def _encode(light: Floats) -> Floats:
    x = np.clip(light, 0, 1)
    return np.where(x <= 0.0031308, x * 12.92, 1.055 * x ** (1 / 2.4) - 0.055).astype(np.float32)


@cache
def _matrix(primaries: Chromaticities) -> Floats | None:
    """From light in these primaries to light in sRGB's; whites are matched (Bradford). None where they are sRGB's."""
    if primaries == SRGB:
        return None
    source, target = _to_xyz(primaries), _to_xyz(SRGB)
    if source is None or target is None:
        return None
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    gain = (bradford @ target.sum(axis=1)) / (bradford @ source.sum(axis=1))
    adapt = np.linalg.inv(bradford) @ np.diag(gain) @ bradford
    matrix: Floats = (np.linalg.inv(target) @ adapt @ source).astype(np.float32)
    return matrix


def _to_xyz(primaries: Chromaticities) -> NDArray[np.float64] | None:
    """From light to XYZ, 3 x 3; None for chromaticities that are none."""
    xy = np.array(primaries, float).reshape(4, 2)
    if not np.isfinite(xy).all() or (xy[3] < 0.05).any():
        return None
    xyz = np.stack([xy[:, 0], xy[:, 1], 1 - xy.sum(axis=1)])
    if abs(np.linalg.det(xyz[:, :3])) < 1e-3:
        return None
    gains = np.linalg.solve(xyz[:, :3], xyz[:, 3] / xy[3, 1])
    return None if (gains <= 0).any() else xyz[:, :3] * gains
