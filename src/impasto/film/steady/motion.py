"""How parts of a scene move against it, and the past moved along with them.

Objects and parallax are found block by block, by Lucas' and Kanade's steps (1981) from coarse to fine. Shifts are
(down, right), in pixels: a block of the frame shows what the past has so far from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from impasto.film.steady.canvas import Bytes, Shorts, in_threads, together
from impasto.film.steady.change import BLOCK, Change, near, surely
from impasto.film.steady.shift import cubic, grey, halved

Floats: TypeAlias = npt.NDArray[np.float32]
Doubles: TypeAlias = npt.NDArray[np.float64]
Places: TypeAlias = npt.NDArray[np.integer[Any]]

SCALES = 8, 4, 2  # pixels of the frame to one of the pictures that are compared
STEPS = 2  # on each of them
STIFF = 4.0  # light squared: slopes so small move nothing
FEW = 0.02  # of all blocks: so few are not looked for
AROUND = 4  # blocks around those that move that are compared, too
SLIP = 3.0  # pixels by which the worst quarter of a part may be off its place
GRAIN = 3.0  # times the mean difference of noise it may have besides
MOST = 10.0  # of 255: so much it may differ for being off its place, however steep its edges are
CLEAR = 0.2  # pixels by which the scene may be off its place where nothing moved


@dataclass(frozen=True)
class Moving:
    """Blocks (rows, columns) of a frame that show what is elsewhere in the past: ``by`` (2, n) pixels away.

    ``fits`` (n) is 1 where the past, moved so, is what the frame shows, 0 where it is not; ``alike`` is 1 where that
    is still there: so nothing moved, and what looks like it was uncovered here, or is beside a change.
    """

    blocks: tuple[Places, Places]
    by: Floats
    fits: Floats
    alike: Floats

    def carry(self, past: Shorts) -> Shorts:
        """The past, (h, w, 3), with these blocks moved to where the frame has them."""
        if not self.fits.size:
            return past
        out = past.copy()
        _in_blocks(out)[self.blocks[0], :, self.blocks[1]] = np.rint(carried(past, self.blocks, self.by))
        return out

    def weaker(self, strength: Floats) -> Floats:
        """How strong changes are, in blocks, where what only moved is none."""
        out = strength.copy()
        out[self.blocks] *= 1 - self.fits * (1 - self.alike)
        return out

    def held(self, holds: Floats, rest: Floats) -> Floats:
        """How much of a painting is held, in blocks, with these; what did not move only where it is at ``rest``."""
        out = holds * rest
        fits = self.fits * (1 - self.alike * (1 - rest[self.blocks]))
        out[self.blocks] = np.maximum(out[self.blocks], fits)
        return out


def moving(past: Bytes, frame: Bytes, change: Change, known: Floats, threads: int = 1) -> Moving:
    """What of a change is but that parts of the scene moved. Past and frame are canvases."""
    rows, columns = np.nonzero((change.holds < 0.5) & (known > 0))
    blocks = rows, columns
    if len(rows) <= FEW * known.size:
        nothing = np.zeros(0, np.intp)
        return Moving((nothing, nothing), np.zeros((2, 0), np.float32), *np.zeros((2, 0), np.float32))
    top, left = (max(0, int(each.min()) - AROUND) for each in blocks)
    part = tuple(
        slice(BLOCK * first, BLOCK * (int(each.max()) + AROUND + 1))
        for first, each in zip((top, left), blocks, strict=True)
    )
    by = shifts(past[part], frame[part], threads)[:, rows - top, columns - left]
    parts = carried(past.astype(np.int16), blocks, by) - _in_blocks(frame)[rows, :, columns]
    quarters = np.abs(parts).reshape(len(rows), 2, BLOCK // 2, 2, BLOCK // 2, 3).mean((2, 4))
    fits = np.ones_like(known)
    slack = np.minimum(np.float32(MOST), np.float32(SLIP) * change.slopes[blocks])
    fits[blocks] = surely(quarters.reshape(len(rows), -1).max(-1) / (np.float32(GRAIN) * change.noise + slack))
    alike = _still_there(past, frame, blocks, by, change.noise + np.float32(CLEAR) * change.slopes[blocks])
    return Moving(blocks, by, (1 - near((1 - fits) * known))[blocks], alike)


def _still_there(past: Bytes, frame: Bytes, blocks: tuple[Places, Places], by: Floats, noise: Floats) -> Floats:
    """How sure it is, 0..1, that what is where blocks come from did not change: then a look-alike is there.

    It is looked at just there, and not in the blocks around: beside what moves they are part moved, part uncovered.
    """
    starts = [np.rint(BLOCK * place + part).astype(np.intp) for place, part in zip(blocks, by, strict=True)]
    down, right = (np.clip(start, 0, side - BLOCK) for start, side in zip(starts, past.shape, strict=False))
    old, new = (
        np.lib.stride_tricks.sliding_window_view(each.reshape(len(each), -1), (BLOCK, 3 * BLOCK))[down, 3 * right]
        for each in (past, frame)
    )
    apart = np.abs(new.astype(np.int16) - old).reshape(len(old), BLOCK**2, 3)
    return surely(apart.mean(1).max(-1) / noise)


def shifts(past: Bytes, frame: Bytes, threads: int = 1) -> Floats:
    """How each block of a frame has moved, (2, h / 8, w / 8), in pixels; both are canvases."""
    pairs = [together([partial(grey, each, SCALES[-1]) for each in (past, frame)], threads)]
    for _ in SCALES[1:]:
        pairs.append([halved(each) for each in pairs[-1]])
    found: Floats = np.zeros((2, frame.shape[0] // BLOCK, frame.shape[1] // BLOCK), np.float32)
    for scale, (old, new) in zip(SCALES, reversed(pairs), strict=True):
        for _ in range(STEPS):
            found = _smooth(found + np.float32(scale) * _step(old, new, found / np.float32(scale), threads))
    return found


def _step(old: Floats, new: Floats, found: Floats, threads: int) -> Floats:
    """By how much more each block has moved, in pixels of these pictures, at most one."""
    cell = len(old) // found.shape[1]
    moved = _warped(old, np.repeat(np.repeat(found, cell, 1), cell, 2), threads)
    apart, slopes = new - moved, np.gradient(moved)
    pairs = [(slopes[0], slopes[0]), (slopes[0], slopes[1]), (slopes[1], slopes[1])]
    pairs += [(each, apart) for each in slopes]
    down, both, right, *rest = together([partial(_around, *pair, cell) for pair in pairs], threads)
    down, right = down + np.float32(STIFF), right + np.float32(STIFF)
    size = down * right - both * both
    step = np.stack([right * rest[0] - both * rest[1], down * rest[1] - both * rest[0]]) / size
    return np.asarray(np.clip(step, -1, 1))


def _warped(picture: Floats, by: Floats, threads: int) -> Doubles:
    """A picture whose every pixel comes from so far away."""
    (height, width), flat, out = picture.shape, picture.ravel(), np.empty(picture.shape)

    def fill(part: slice) -> None:
        rows = np.arange(part.start, part.stop, dtype=np.float32)[:, None] + by[0, part]
        columns = np.arange(width, dtype=np.float32) + by[1, part]
        rows, columns = np.clip(rows, 0, height - 1.01), np.clip(columns, 0, width - 1.01)
        top, left = rows.astype(np.intp), columns.astype(np.intp)
        down, right = rows - top, columns - left
        at = top * width + left
        above = flat[at] * (1 - right) + flat[at + 1] * right
        below = flat[at + width] * (1 - right) + flat[at + width + 1] * right
        np.add(above * (1 - down), below * down, out=out[part])

    in_threads(fill, height, threads)
    return out


def _around(one: Doubles, other: Doubles, cell: int) -> Doubles:
    """The mean of a product over each block and those around it, up to two away."""
    rows, columns = (length // cell for length in one.shape)
    wide = (one * other).reshape(rows * cell, columns, cell)
    across = sum(wide[:, :, column] for column in range(cell))  # quicker than a sum over two axes
    sums: Any = np.asarray(across).reshape(rows, cell, columns).sum(1) / np.float32(cell**2)
    return np.asarray(_smooth(_smooth(sums[None]))[0], np.float64)


def _smooth(values: Floats) -> Floats:
    """The mean of 3 x 3 in each plane, (n, h, w)."""
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1)), "edge")
    tall = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return np.asarray((tall[:, :, :-2] + tall[:, :, 1:-1] + tall[:, :, 2:]) / np.float32(9))


def carried(past: Shorts, blocks: tuple[Places, Places], by: Floats) -> Floats:
    """What the past, (h, w, 3), has where some blocks come from, (n, 8, 24), between pixels by a cubic."""
    height, width = past.shape[:2]
    starts = [BLOCK * place + part for place, part in zip(blocks, by, strict=True)]
    starts = [np.clip(start, 1, side - BLOCK - 3) for start, side in zip(starts, (height, width), strict=True)]
    whole = [np.floor(start).astype(np.intp) for start in starts]
    down, right = (np.stack(cubic(start - floor)) for start, floor in zip(starts, whole, strict=True))
    windows = np.lib.stride_tricks.sliding_window_view(past.reshape(height, -1), (BLOCK + 3, 3 * (BLOCK + 3)))
    near_by = windows[whole[0] - 1, 3 * (whole[1] - 1)].astype(np.float32)
    tall = sum(down[i][:, None, None] * near_by[:, i : i + BLOCK] for i in range(4))
    return np.asarray(sum(right[i][:, None, None] * tall[:, :, 3 * i : 3 * (i + BLOCK)] for i in range(4)))


def _in_blocks(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Pixels (h, w, 3) as (h / 8, 8, w / 8, 24)."""
    height, width = pixels.shape[:2]
    return pixels.reshape(height // BLOCK, BLOCK, width // BLOCK, 3 * BLOCK)
