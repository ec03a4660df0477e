"""How a film is coded: which encoders there are, and which of them works here. Knows no films."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any

from impasto import limits
from impasto.errors import FilmError
from impasto.film import colour
from impasto.film.facts import FPS, Facts
from impasto.film.ffmpeg import av, reason, refusals

ENCODERS = {
    "h264": "libx264",
    "hevc": "libx265",
    "vp9": "libvpx-vp9",
    "av1": "libsvtav1",
    "mpeg4": "mpeg4",
    "prores": "prores_ks",
    "ffv1": "ffv1",
}
AUTO = {"webm": ("vp9",)}  # what is tried in a container, one after the other
AUTO_ELSEWHERE = ("h264", "vp9", "mpeg4")
CODEC = limits.Choice(("auto", *ENCODERS))
CHROMA = limits.Choice(("420", "444"))
FULL_CHROMA = {"h264": "yuv444p", "hevc": "yuv444p", "vp9": "yuv444p", "prores": "yuv444p10le", "ffv1": "yuv444p"}
EVEN = ("h264", "hevc", "av1")  # which take even sizes only, where colours are halved
NO_CRF = ("prores", "ffv1")  # which know no CRF
THREADS = 4  # always the same number: what an encoder writes may depend on it
ALONE = ("h264",)  # x264 in several threads now and then writes other bytes when the machine is busy
LARGEST_BASE = 65_535  # of MPEG-4, which counts time in 16 bits


@dataclass(frozen=True)
class Coding:
    """How a film is coded. ``quality`` is a CRF: 0 loses nothing, 18 is hard to tell from it, 51 is the worst."""

    codec: str = "auto"
    quality: int = 18
    chroma: str = "420"

    def __post_init__(self) -> None:
        CODEC.check("codec", self.codec)
        limits.CRF.check("quality", self.quality)
        CHROMA.check("chroma", self.chroma)

    @property
    def asked(self) -> list[str]:
        """The names of what is not as it is by default."""
        return [each.name for each in fields(self) if getattr(self, each.name) != each.default]


@dataclass(frozen=True)
class Encoder:
    """An encoder that is there: its name, and how it is set."""

    codec: str
    name: str
    pixels: str
    options: dict[str, str]
    scale: int = 0
    even: bool = False

    def set(self, stream: Any, width: int, height: int, base: Fraction, rate: Fraction | None) -> None:
        """Set a stream, or an encoder's context, for frames of this size."""
        context = getattr(stream, "codec_context", stream)
        context.width, context.height, context.pix_fmt = width, height, self.pixels
        context.options = self.options
        context.time_base = base
        context.framerate = rate or FPS
        context.thread_count = 1 if self.codec in ALONE else THREADS
        colour.tag(context)
        if self.scale:
            context.qscale, context.global_quality = True, self.scale


def encoder(kind: str, coding: Coding, size: tuple[int, int], facts: Facts) -> Encoder:
    """The first encoder that works here for a container; FilmError where none does."""
    wanted = (coding.codec,) if coding.codec != "auto" else AUTO.get(kind, AUTO_ELSEWHERE)
    refused = ""
    for codec in wanted:
        try:
            found = _encoder(codec, coding)
            _try(found, kind, size, facts)
        except refusals() as error:
            refused = refused or reason(error)
            continue
        return found
    raise FilmError(
        f"a {kind} film of {size[0]} x {size[1]} pixels cannot be coded with {' or '.join(wanted)} ({refused}); "
        "choose another --codec, --chroma, size or suffix"
    )


def _encoder(codec: str, coding: Coding) -> Encoder:
    full, crf = coding.chroma == "444", str(coding.quality)
    if full and codec not in FULL_CHROMA:
        raise FilmError(f"{codec} has no full chroma here")
    pixels = FULL_CHROMA[codec] if full else "yuv422p10le" if codec == "prores" else "yuv420p"
    options = {
        "h264": {"crf": crf, "preset": "veryfast", "bf": "0"},
        "hevc": {"crf": crf, "preset": "veryfast", "x265-params": "bframes=0:log-level=none"},
        "vp9": {"crf": crf, "b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "1"},
        "av1": {"crf": crf, "preset": "10"},
        "mpeg4": {},
        "prores": {"profile": "4" if full else "3"},
        "ffv1": {"level": "3"},
    }[codec]
    scale = 118 * min(31, max(1, round((coding.quality - 9) / 3))) if codec == "mpeg4" else 0  # 118: FFmpeg's unit
    return Encoder(codec, ENCODERS[codec], pixels, options, scale, codec in EVEN and not full)


def _try(coder: Encoder, kind: str, size: tuple[int, int], facts: Facts) -> None:
    """Open the encoder: a list of names also has those whose hardware is missing. And ask the container."""
    width, height = coded(size, coder)
    context = av().CodecContext.create(coder.name, "w")
    coder.set(context, width, height, base_for(coder, facts.time_base), facts.rate)
    context.open()
    with av().open(io.BytesIO(), "w", format=kind) as trial:
        trial.add_stream(coder.name, rate=25)


def coded(size: tuple[int, int], coder: Encoder) -> tuple[int, int]:
    """The size (width, height) that is coded of what is painted: halved colours take even sizes only."""
    width, height = (side - side % 2 for side in size) if coder.even else size
    if not width or not height:
        raise FilmError(f"{size[0]} x {size[1]} pixels are too few for {coder.codec}")
    return width, height


def base_for(coder: Encoder, base: Fraction) -> Fraction:
    return Fraction(1, 1000) if coder.codec == "mpeg4" and base.denominator > LARGEST_BASE else base
