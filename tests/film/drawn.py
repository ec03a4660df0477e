"""Films that tests draw: small, with all that phones and editors do to films."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from impasto.film.ffmpeg import exact

W, H = 64, 48


def picture(number: int = 0, width: int = W, height: int = H) -> np.ndarray:
    """A soft picture that moves with its number; top left is red, bottom right is blue."""
    y, x = np.mgrid[:height, :width]
    shade = 40 * np.sin((x + 2 * number) / 9) + 30 * np.cos(y / 7)
    pixels = np.stack([shade + 90, shade + 100, shade + 90], -1)
    pixels[: height // 4, : width // 4] = (230, 30, 30)
    pixels[-(height // 4) :, -(width // 4) :] = (30, 30, 230)
    return pixels.round().astype(np.uint8)


@dataclass(frozen=True)
class Drawing:
    """How a film is drawn; ``times`` are seconds."""

    frames: int = 12
    size: tuple[int, int] = (W, H)
    codec: str = "libx264"
    pixels: str = "yuv420p"
    times: Sequence[Fraction] | None = None
    base: Fraction = Fraction(1, 90_000)
    turn: tuple[float, bool, bool] | None = None
    sounds: Sequence[str] = ("aac",)
    tags: tuple[int, int, int, int] | None = None  # matrix, primaries, transfer, range
    ratio: Fraction | None = None
    options: tuple[tuple[str, str], ...] = (("crf", "1"),)
    shown: Any = picture
    metadata: tuple[tuple[str, str], ...] = ()


def film(path: Path, drawing: Drawing = Drawing(), **container: Any) -> Path:  # noqa: B008
    """Draw a film into a file, with a noise as sound."""
    d = drawing
    with av.open(str(path), "w", **container) as out:
        stream = out.add_stream(d.codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = *d.size, d.pixels
        stream.codec_context.time_base = d.base
        stream.codec_context.options = dict(d.options) if d.codec == "libx264" else {}
        if d.ratio is not None:
            stream.codec_context.sample_aspect_ratio = d.ratio
        if d.tags is not None:
            context = stream.codec_context
            context.colorspace, context.color_primaries, context.color_trc, context.color_range = d.tags
        if d.turn is not None:
            stream.set_display_rotation(d.turn[0], hflip=d.turn[1], vflip=d.turn[2])
        out.metadata.update(dict(d.metadata))
        sounds = [out.add_stream(codec, rate=48_000) for codec in d.sounds]
        for sound in sounds:
            sound.layout = "stereo"
        for number in range(d.frames if d.times is None else len(d.times)):
            time = d.times[number] if d.times is not None else Fraction(number, 25)
            frame = d.shown(number, *d.size)
            if isinstance(frame, np.ndarray):
                frame = av.VideoFrame.from_ndarray(frame)
            frame.pts, frame.time_base = round(time / d.base), d.base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        length = float(d.times[-1]) if d.times is not None else d.frames / 25
        for number, sound in enumerate(sounds):
            out.mux([*sound.encode(noise(number, length, sound.format.name)), *sound.encode(None)])
    return path


def noise(seed: int, seconds: float, kind: str) -> Any:
    """Stereo noise of so many seconds."""
    values = np.random.default_rng(seed).normal(0, 0.1, (2, max(1024, int(48_000 * seconds))))
    if kind == "fltp":
        made = av.AudioFrame.from_ndarray(values.astype(np.float32), format="fltp", layout="stereo")
    else:
        whole = (values.T.reshape(1, -1) * 8000).astype(np.int16)
        made = av.AudioFrame.from_ndarray(whole, format="s16", layout="stereo")
    made.sample_rate, made.pts, made.time_base = 48_000, 0, Fraction(1, 48_000)
    return made


def times_of(path: Path) -> list[Fraction]:
    """The times of a film's frames, seconds."""
    with av.open(str(path)) as container:
        return [frame.pts * exact(frame.time_base) for frame in container.decode(video=0)]


def packets_of(path: Path, kind: str = "audio") -> list[list[tuple[Fraction, bytes]]]:
    """Of each stream of a kind its packets, with their times."""
    with av.open(str(path)) as container:
        streams = [each for each in container.streams if each.type == kind]
        found: dict[int, list[tuple[Fraction, bytes]]] = {each.index: [] for each in streams}
        for packet in container.demux(streams) if streams else ():
            if packet.dts is not None:
                found[packet.stream.index].append((packet.pts * exact(packet.time_base), bytes(packet)))
    return list(found.values())


def frames_of(path: Path) -> list[np.ndarray]:
    """A film's frames as they are shown by a player that turns nothing."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
