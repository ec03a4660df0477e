"""Where a frame shows something else than the past, and where it differs by no more than noise would do.

All is measured in blocks of 8 x 8 pixels, of 8-bit pictures (h, w, 3) whose sides are multiples of 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from impasto.film.steady.canvas import Bytes, Shorts, in_threads

Floats: TypeAlias = npt.NDArray[np.float32]

BLOCK = 8
STRIP = 4  # rows of blocks that are compared at once: they stay in the processor's cache
QUIET = 0.6  # of 255: mean differences of this size come from rounding
SHARE = 0.3  # of the blocks that are taken to show nothing new when noise is measured
SURE, LOST = 1.3, 2.0  # times the mean difference of noise: up to the first nothing has changed, from the second on all
ROUNDED = 0.4  # of 255: so much may be lighter or darker because it was rounded
STRONG = 30.0  # of 255: a mean difference beyond noise that is felt as far, and as long, as any
DRIFT = 0.6  # of the mean difference of noise: by so much a whole block may be lighter or darker
SLIP = 0.2  # pixels by which the scene may be off its place
AFTER = 0.5  # seconds behind a strong change until all is held again; behind a weaker one they are fewer
RESTING = 0.2  # seconds: nothing is held until so few of them are left
REACH = 3  # blocks around a change in which nothing is old: as far as the network sees it clearly
RISING = np.arange(1, 2 * BLOCK, 2).astype(np.int16)[:, None]  # 16ths that rows have of the block below


def shorts(pixels: Bytes) -> Shorts:
    """Pixels (h, w, 3) as (h, 3 w) numbers that may be subtracted."""
    return pixels.reshape(len(pixels), -1).astype(np.int16)


def means(values: Shorts, channels: int = 3) -> Floats:
    """The mean of each block and channel, (C, h / 8, w / 8), of (h, C w) numbers up to 4,000."""
    tall = np.add.reduce(values.reshape(-1, BLOCK, values.shape[1]), 1, np.int16)
    wide = tall.astype(np.float32).reshape(-1, channels * BLOCK)
    return np.asarray((wide @ _mean(channels)).reshape(len(tall), -1, channels).transpose(2, 0, 1), np.float32)


@cache
def _mean(channels: int) -> Floats:
    """What sums of columns, with their channels, are multiplied by: (8 C, C)."""
    return np.tile(np.eye(channels, dtype=np.float32) / BLOCK**2, (BLOCK, 1))


def compared(past: Bytes, frame: Bytes, threads: int = 1) -> tuple[Floats, Floats, Floats]:
    """Of each block by how much each channel is lighter, its mean difference, (3, h / 8, w / 8), and the mean slope.

    The slope is that of the frame's light, (r + 2 g + b) / 4, down and across.
    """
    height, width = (side // BLOCK for side in frame.shape[:2])
    drift, apart = np.empty((2, 3, height, width), np.float32)
    slopes = np.empty((height, width), np.float32)

    def fill(rows: slice) -> None:
        for first in range(rows.start, rows.stop, STRIP):
            part = slice(first, min(first + STRIP, rows.stop))
            above, stop = int(first > 0), BLOCK * part.stop  # one more row, which slopes need
            new = shorts(frame[BLOCK * first - above : stop])
            change = shorts(past[BLOCK * first : stop])
            np.subtract(new[above:], change, out=change)
            drift[:, part] = means(change)
            apart[:, part] = means(np.abs(change, out=change))
            light = new[:, ::3] + new[:, 2::3]
            light += new[:, 1::3] << 1
            steps = np.zeros_like(light[above:])
            np.subtract(light[1:], light[:-1], out=steps[1 - above :])
            np.abs(steps, out=steps)
            aside = light[above:, 1:] - light[above:, :-1]
            steps[:, 1:] += np.abs(aside, out=aside)
            slopes[part] = means(steps, 1)[0] / 4

    in_threads(fill, height, threads)
    return drift, apart, slopes


def noise_of(frame: Bytes) -> float:
    """The standard deviation of a frame's noise, 0..255, and more where there is nothing plain (Immerkaer 1996).

    The median makes it the noise of most places and not that of edges.
    """
    light = frame[: frame.shape[0] // 3 * 3, :, 1].reshape(-1, 3, frame.shape[1])[::4].astype(np.int16)
    across = light[:, :, :-2] - 2 * light[:, :, 1:-1] + light[:, :, 2:]
    both = across[:, 0] - 2 * across[:, 1] + across[:, 2]
    return float(np.median(np.abs(both))) / (6 * 0.6745) if both.size else 0.0


def near(values: Floats, reach: int = 1) -> Floats:
    """The largest value within so many blocks, (rows, columns)."""
    padded = np.pad(values, reach, "edge")
    rows, columns = values.shape
    spans = range(2 * reach + 1)
    tall = np.max([padded[i : i + rows] for i in spans], 0)
    return np.asarray(np.max([tall[:, i : i + columns] for i in spans], 0))


@dataclass(frozen=True)
class Change:
    """What a frame shows that the past does not, in blocks.

    ``same`` is 1 where nothing but noise changed, 0 where there is something new; ``holds`` is the least of that within
    a block. ``strength`` is 0 where a change is but noise, 1 from ``STRONG`` on. ``noise`` is the mean difference,
    of 255, that noise makes, ``slopes`` are those of the frame's light.
    """

    holds: Floats
    same: Floats
    strength: Floats
    noise: float
    slopes: Floats


def changed(past: Bytes, frame: Bytes, known: Floats, noise: float, threads: int = 1) -> Change:
    """What changed between the past and a frame.

    ``past`` and ``frame`` are canvases; ``noise`` is the most that the frame's can be (standard deviation, 0..255).
    Blocks that are not ``known`` (0) hold nothing, and do not matter to others.
    """
    if not known.any():
        return Change(known, known, known, QUIET, known)
    drift, apart, slopes = compared(past, frame, threads)
    usual = max(QUIET, min(float(np.quantile(apart.mean(0)[known > 0], SHARE)), 0.85 * noise))
    allowed = usual + np.float32(SLIP) * slopes
    worst = np.maximum(apart.max(0) / allowed, np.abs(drift).max(0) / (DRIFT * allowed + ROUNDED) * SURE)
    same = surely(worst) * known
    holds = surely(near(worst * known)) * known
    strength = np.clip((apart.max(0) - LOST * allowed) / np.float32(STRONG), 0, 1) * known
    return Change(holds, same, strength, usual, slopes)


def surely(times: Floats) -> Floats:
    """How sure it is, 0..1, that differences of so many times what noise does are but noise."""
    return np.asarray(np.clip((LOST - times) / (LOST - SURE), 0, 1), np.float32)


def at_rest(wait: Floats) -> Floats:
    """How much of a painting may be held, in blocks: nothing near a strong change, nor where there was one just now.

    ``wait`` is how many seconds are left since then; a weaker change begins with fewer of them.
    """
    return 1 - near(np.clip(wait / np.float32(RESTING), 0, 1), REACH)


def spread_out(holds: Floats, most: float) -> Shorts:
    """Blocks 0..1 as rows of pixels and channels, (h / 8 + 2, 3 w), 0..32 * most, which change evenly between blocks.

    There is a row for each row of blocks, and one more above and below. Between them it is for ``blended``.
    """
    edges = np.pad(holds, 1, "edge") * np.float32(32 * most)
    steps = (np.arange(BLOCK, dtype=np.float32) + np.float32(0.5)) / BLOCK  # from the middle of a block to the next one
    wide = (edges[:, 1:] - edges[:, :-1])[..., None] * steps
    wide += edges[:, :-1, None]
    rows = np.rint(wide, out=wide).reshape(len(edges), -1)[:, BLOCK // 2 : -BLOCK // 2]
    out = np.empty((*rows.shape, 3), np.int16)
    for channel in range(3):
        out[..., channel] = rows
    return out.reshape(len(out), -1)


def blended(old: Shorts, fresh: Bytes, keep: Shorts, threads: int = 1) -> tuple[Shorts, Bytes]:
    """``fresh``, (h, w, 3), with ``keep`` / 32 of ``old`` in it, which is in 64ths; in 64ths, and rounded.

    ``keep`` is what ``spread_out`` gives. Fractions matter: what is old fades away entirely.
    """
    height, width = fresh.shape[:2]
    out, rounded = np.empty((height, 3 * width), np.int16), np.empty((height, 3 * width), np.uint8)
    before, now = old.reshape(height, -1), fresh.reshape(height, -1)

    def fill(rows: slice) -> None:
        for first in range(rows.start, rows.stop, STRIP):
            last = min(first + STRIP, rows.stop)
            above, below = keep[first:last, None], keep[first + 1 : last + 1, None]
            share = (below - above) * RISING  # 16ths of the way from above to below
            share >>= 4
            share += above
            start = BLOCK * first - BLOCK // 2  # rows between the middles of blocks
            top, bottom = max(0, start), min(height, BLOCK * last - BLOCK // 2)
            new = now[top:bottom].astype(np.int16)
            new <<= 6
            part = np.subtract(before[top:bottom], new, out=out[top:bottom])
            part += 8
            part >>= 4
            part *= share.reshape(-1, part.shape[1])[top - start : bottom - start]
            part >>= 1
            part += new
            np.add(part, np.int16(32), out=new)
            new >>= 6
            rounded[top:bottom] = new

    in_threads(fill, height // BLOCK + 1, threads)
    return out.reshape(fresh.shape), rounded.reshape(fresh.shape)
