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
    pictures: Sequence[Floats], labels: Sequence[str] | None = None, *, columns: int | None = None, gap: int = 8
) -> Floats:
    """Pictures of one size, each (h, w, 3) in 0..1, in rows from left to right, with a line of text below each.

    ``columns`` defaults to what makes the sheet about 4:3. ``gap`` is the white space in pixels.
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
        sheet.paste(to_pil(picture), (left, top))
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
