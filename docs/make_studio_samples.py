"""The studio's sample photos, from scikit-image's (CC0 or public domain): twice as large, so that strokes have room."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image
from skimage import data

PLACE = Path(__file__).parents[1] / "src/impasto/server/page/samples"
SCALE, QUALITY = 2, 76
SAMPLES = {
    "astronaut": ("Portrait", "Eileen Collins, NASA, public domain"),
    "coffee": ("Coffee", "Rachel Michetti, Pikolo Espresso Bar, CC0"),
    "chelsea": ("Cat", "Chelsea, Stéfan van der Walt, CC0"),
}


def main() -> None:
    PLACE.mkdir(parents=True, exist_ok=True)
    listed = []
    for name, (title, credit) in SAMPLES.items():
        photo = Image.fromarray(getattr(data, name)())
        large = photo.resize((SCALE * photo.width, SCALE * photo.height), Image.Resampling.LANCZOS)
        large.save(PLACE / f"{name}.jpg", quality=QUALITY, optimize=True, progressive=True)
        listed.append({"name": name, "title": title, "credit": credit, "width": large.width, "height": large.height})
    (PLACE / "samples.json").write_text(json.dumps(listed, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
