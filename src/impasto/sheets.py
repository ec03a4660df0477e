"""Several pictures on one labelled sheet. Knows Pillow and nothing of styles."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from impasto.pictures import from_pil, to_pil

Floats = npt.NDArray[np.float32]

PAPER, INK = (250, 249, 246), (40, 38, 36)


def contact_sheet(
    pictures: Sequence[Floats],
    labels: Sequence[str] | None = None,
    *,
    columns: int | None = None,
    gap: int = 8,
    alpha: Floats | None = None,
) -> Floats:
    """Pictures of one size, each (h, w, 3) in 0..1, in rows from left to right, with a line of text below each.

    ``columns`` defaults to what makes the sheet about 4:3. ``gap`` is the white space in pixels. The paper
    shows through where ``alpha`` (h, w), 0..1, of all pictures lets it.
    """
    height, width = pictures[0].shape[:2]
    font = ImageFont.load_default(max(11, width // 20))
    line = 0 if labels is None else round(font.size * 1.7)  # type: ignore[union-attr]
    columns = columns or max(1, round(math.sqrt(len(pictures) * 4 / 3 * (height + line) / width)))
    columns = min(columns, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (columns * (width + gap) + gap, rows * (height + line + gap) + gap), PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, picture in enumerate(pictures):
        left, top = gap + i % columns * (width + gap), gap + i // columns * (height + line + gap)
        sheet.paste(to_pil(picture, alpha, paper=PAPER), (left, top))
        if labels is not None:
            text = _fitted(labels[i], width, font)
            draw.text((left + width / 2, top + height + line / 2), text, INK, font, anchor="mm")
    return from_pil(sheet)


def _fitted(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """``text``, cut so that it is at most ``width`` pixels wide."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def map_sheet(
    points: Floats,
    labels: Sequence[str],
    pictures: Sequence[Floats] | None = None,
    *,
    width: int = 1600,
    alpha: Floats | None = None,
) -> Floats:
    """``points`` (N, 2) in 0..1, x to the right and y up, drawn with their labels, and at each its picture if given.

    Pictures of one size; where they would cover each other they are moved apart. The sheet is about ``width``
    pixels wide, or more if moving needs the room. ``alpha`` as in ``contact_sheet``.
    """
    tile = (12, 12) if pictures is None else (pictures[0].shape[1], pictures[0].shape[0])
    font = ImageFont.load_default(max(11, (width if pictures is None else 12 * tile[0]) // 110))
    line = round(font.size * 1.5)  # type: ignore[union-attr]
    box = np.array([max(tile[0], 0 if pictures is not None else 120) + 10, tile[1] + line + 6], np.float64)
    inner = np.array([width - box[0], width - box[0]])
    centres = _apart(np.asarray(points, np.float64) * [1, -1] * inner, box)  # (N, 2), y down
    low = centres.min(axis=0) - box / 2 - 6
    high = centres.max(axis=0) + box / 2 + 6
    sheet = Image.new("RGB", (int(high[0] - low[0]), int(high[1] - low[1])), PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, (x, y) in enumerate(centres - low):
        left, top = round(x - tile[0] / 2), round(y - (tile[1] + line) / 2)
        if pictures is None:
            draw.ellipse((left, top, left + tile[0], top + tile[1]), INK)
        else:
            sheet.paste(to_pil(pictures[i], alpha, paper=PAPER), (left, top))
        text = _fitted(labels[i], int(box[0]) - 4, font)
        draw.text((x, top + tile[1] + line / 2), text, INK, font, anchor="mm")
    return from_pil(sheet)


def _apart(centres: npt.NDArray[np.float64], box: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """``centres`` (N, 2), each moved to the nearest place where its (width, height) covers none of those before it."""
    reach = 4 * (math.isqrt(len(centres)) + 1)
    steps = np.arange(-reach, reach + 1) / 4
    offsets = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2) * box
    offsets = offsets[np.hypot(*offsets.T).argsort(kind="stable")]  # the nearest first
    placed: list[npt.NDArray[np.float64]] = []
    for centre in centres:
        candidates = centre + offsets  # (M, 2)
        free = np.ones(len(candidates), bool)
        for other in placed:
            free &= (np.abs(candidates - other) >= box - 1e-6).any(axis=1)
        placed.append(candidates[free.argmax()])
    return np.array(placed)
