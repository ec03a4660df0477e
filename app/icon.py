"""Draws the app's icon, app/icon.png: the cat that comes along, in the style of a painting. Takes some seconds."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

import impasto
from impasto import assets

SIDE, STYLE = 256, "van-gogh-starry-night"
FACE = (0.12, 0.02, 0.72)  # of the photo's width from the left, of its height from the top, of its height


def main() -> None:
    with Image.open(assets.DEMO) as photo:
        left, top, side = FACE[0] * photo.width, FACE[1] * photo.height, FACE[2] * photo.height
        face = photo.convert("RGB").crop((round(left), round(top), round(left + side), round(top + side)))
    painted = impasto.paint(face.resize((2 * SIDE, 2 * SIDE), Image.Resampling.LANCZOS), STYLE)
    icon = painted.resize((SIDE, SIDE), Image.Resampling.LANCZOS).convert("RGBA")
    mask = Image.new("L", (4 * SIDE, 4 * SIDE))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, 4 * SIDE - 1, 4 * SIDE - 1), radius=0.9 * SIDE, fill=255)
    icon.putalpha(mask.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    icon.quantize(128, Image.Quantize.FASTOCTREE).save(Path(__file__).with_name("icon.png"), optimize=True)


if __name__ == "__main__":
    main()
