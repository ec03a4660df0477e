"""Frames of FFmpeg -> upright pixels in sRGB, and back into BT.709. The right colours and the right way up.

Video is coded as luma and two differences of colour, by a matrix (BT.601 for small pictures, BT.709 for large ones) and
in a range (limited, 16 to 235, or full). FFmpeg converts as it is asked to: what a file says of itself is passed
on, and what it does not say is guessed as players do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impasto.film.ffmpeg import av

BT709 = 1  # the number of this matrix, of these primaries and of this transfer curve, in H.273
LIMITED, FULL = 1, 2
MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}  # H.273's numbers -> swscale's
HD = 720  # rows from which untagged pictures are taken as BT.709
HDR = {16: "PQ", 18: "HLG"}  # transfer curves beyond what a screen of 100 nit shows
WIDE = (9, 11, 12)  # primaries of BT.2020 and of P3

Bytes = NDArray[np.uint8]
Turn = tuple[bool, bool, bool]  # rows and columns change places, then left and right, then top and bottom


def turn_of(frame: Any) -> Turn:
    """How a decoded frame is to be turned and mirrored, from its display matrix: each of the eight ways."""
    found = frame.side_data.get("DISPLAYMATRIX")
    if found is None:
        return False, False, False
    a, b, _, c, d = np.frombuffer(bytes(found), np.int32)[:5].tolist()  # x' = a x + c y, y' = b x + d y
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, a < 0, d < 0
    return True, c < 0, b < 0


def turned(pixels: Bytes, turn: Turn) -> Bytes:
    """Pixels (h, w, 3) the right way up."""
    swapped, across, down = turn
    if swapped:
        pixels = pixels.transpose(1, 0, 2)
    return np.ascontiguousarray(pixels[:: -1 if down else 1, :: -1 if across else 1])


@dataclass(frozen=True, eq=False)
class Reader:
    """Decoded frames -> pixels (h, w, 3), uint8, sRGB, upright; ``size`` is (width, height) before they are turned.

    Transparent places are over black. HDR is mapped to what a screen shows.
    """

    size: tuple[int, int]
    turn: Turn
    _swscale: Any

    @classmethod
    def of(cls, frame: Any, size: tuple[int, int]) -> Reader:
        return cls(size, turn_of(frame), av().video.reformatter.VideoReformatter())

    def pixels(self, frame: Any) -> Bytes:
        width, height = self.size
        clear = any(each.is_alpha for each in frame.format.components)
        options: dict[str, Any] = {"threads": 1, "interpolation": _scaling("BICUBIC")}
        if (frame.width, frame.height) != self.size:
            options |= {"width": width, "height": height, "interpolation": _scaling("LANCZOS")}
        if not is_rgb(frame):
            options |= {"src_colorspace": matrix_of(frame), "src_color_range": range_of(frame)}
        if frame.color_trc in HDR or frame.color_primaries in WIDE:
            options |= {"dst_color_trc": BT709, "dst_color_primaries": BT709}
        found = self._swscale.reformat(frame, format="rgba" if clear else "rgb24", **options).to_ndarray()
        if clear:
            found = (found[..., :3].astype(np.uint16) * found[..., 3:] + 127) // 255
        return turned(found.astype(np.uint8, copy=False), self.turn)


def _scaling(name: str) -> int:
    """An interpolation that rounds, and takes colours between pixels: the default ones darken by 1 or 2 of 255."""
    known = av().video.reformatter.Interpolation
    return int(known[name] | known.ACCURATE_RND | known.FULL_CHR_H_INT | known.FULL_CHR_H_INP)


def is_rgb(frame: Any) -> bool:
    return bool(frame.format.is_rgb) or frame.format.name in ("pal8", "gray", "ya8")


def matrix_of(frame: Any) -> int:
    """The matrix of a frame, as swscale counts: what the file says, or else BT.709 from 720 rows on, BT.601 below."""
    return MATRICES.get(frame.colorspace, 1 if frame.height >= HD else 5)


def range_of(frame: Any) -> int:
    return FULL if frame.color_range == FULL or frame.format.name.startswith("yuvj") else LIMITED


def tag(context: Any) -> None:
    """Write into an encoder's context that its frames are BT.709, in limited range."""
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = LIMITED


class Writer:
    """Pixels (h, w, 3), uint8, sRGB -> frames of BT.709 in limited range, of the pixel format ``kind``."""

    def __init__(self, kind: str) -> None:
        self._kind, self._swscale = kind, av().video.reformatter.VideoReformatter()

    def frame(self, pixels: Bytes) -> Any:
        made = av().VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        frame = self._swscale.reformat(
            made,
            format=self._kind,
            dst_colorspace=BT709,
            dst_color_range=LIMITED,
            interpolation=_scaling("BICUBIC"),
            threads=1,
        )
        frame.colorspace, frame.color_range = BT709, LIMITED
        frame.color_trc = frame.color_primaries = BT709
        return frame
