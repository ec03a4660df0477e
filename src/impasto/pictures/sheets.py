"""Several pictures on one labelled sheet. Knows Pillow and nothing of styles."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from impasto.limits import COLUMNS, GAP, MAP_WIDTH
from impasto.pictures.read import from_pil
from impasto.pictures.write import to_pil

Floats = npt.NDArray[np.float32]
Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont

PAPER, INK = (250, 249, 246), (40, 38, 36)


def contact_sheet(
    pictures: Sequence[Floats],
    labels: Sequence[str] | None = None,
    *,
    columns: int | None = None,
    gap: int = 8,
    alpha: Floats | None = None,
) -> Floats:
    """Pictures of one size, each (h, w, 3) in 0..1, in rows from left to right, with its label below each.

    ``columns`` defaults to what makes the sheet about 4:3. ``gap`` is the white space in pixels. Labels are never cut:
    they are wrapped, and a column is as wide as its longest word needs. The paper
    shows through where ``alpha`` (h, w), 0..1, of all pictures lets it. OptionError for a bad ``columns`` or ``gap``.
    """
    GAP.check("gap, in pixels,", gap)
    if columns is not None:
        COLUMNS.check("columns", columns)
    height, width = pictures[0].shape[:2]
    font = ImageFont.load_default(max(11, width // 20))
    wide, texts, room = _wrapped(labels or (), width, font)
    columns = columns or max(1, round(math.sqrt(len(pictures) * 4 / 3 * (height + room) / wide)))
    columns = min(columns, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (columns * (wide + gap) + gap, rows * (height + room + gap) + gap), PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, picture in enumerate(pictures):
        left, top = gap + i % columns * (wide + gap), gap + i // columns * (height + room + gap)
        sheet.paste(to_pil(picture, alpha, paper=PAPER), (left + (wide - width) // 2, top))
        if labels is not None:
            draw.text(
                (left + wide / 2, top + height + 0.35 * _line(font)), texts[i], INK, font, anchor="ma", align="center"
            )
    return from_pil(sheet)


def _wrapped(labels: Sequence[str], width: int, font: Font) -> tuple[int, list[str], int]:
    """The labels in lines of ``width`` pixels, or of what their longest word needs; that width; and their height."""
    words = {label: re.findall(r"[^\s-]+-*|-+", label) for label in labels}
    wide = max([width, *(math.ceil(font.getlength(word)) for found in words.values() for word in found)])
    texts = []
    for label in labels:
        lines = [""]
        for word in words[label]:
            joint = "" if lines[-1].endswith("-") or not lines[-1] else " "
            if lines[-1] and font.getlength(lines[-1] + joint + word) > wide:
                lines.append(word)
            else:
                lines[-1] += joint + word
        texts.append("\n".join(lines))
    most = max((text.count("\n") + 1 for text in texts), default=0)
    return wide, texts, round((most + 0.7) * _line(font)) if most else 0


def _line(font: Font) -> float:
    """The height of a line of text, with the space to the next."""
    return font.size * 1.2 if isinstance(font, ImageFont.FreeTypeFont) else 14


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
    pixels wide, or more if moving needs the room. Labels are never cut. ``alpha`` as in ``contact_sheet``.
    OptionError for a bad ``width``.
    """
    MAP_WIDTH.check("width, in pixels,", width)
    tile = (12, 12) if pictures is None else (pictures[0].shape[1], pictures[0].shape[0])
    font = ImageFont.load_default(max(11, (width if pictures is None else 12 * tile[0]) // 110))
    wide, texts, room = _wrapped(labels, tile[0] if pictures is not None else 120, font)
    box = np.array([wide + 10, tile[1] + room + 6], np.float64)
    inner = np.full(2, max(0.0, width - box[0]))
    centres = _apart(np.asarray(points, np.float64) * [1, -1] * inner, box)  # (N, 2), y down
    low = centres.min(axis=0) - box / 2 - 6
    high = centres.max(axis=0) + box / 2 + 6
    sheet = Image.new("RGB", (int(high[0] - low[0]), int(high[1] - low[1])), PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, (x, y) in enumerate(centres - low):
        left, top = round(x - tile[0] / 2), round(y - (tile[1] + room) / 2)
        if pictures is None:
            draw.ellipse((left, top, left + tile[0], top + tile[1]), INK)
        else:
            sheet.paste(to_pil(pictures[i], alpha, paper=PAPER), (left, top))
        draw.text((x, top + tile[1] + 0.35 * _line(font)), texts[i], INK, font, anchor="ma", align="center")
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
