"""Make README's row of pictures: a photo, a painting, and the photo painted in its style.

    python docs/make_readme_picture.py road-with-cypress-and-star.jpg

The photo is scikit-image's ``chelsea`` (CC0). The painting is any picture of Vincent van Gogh's Road with Cypress and
Star (1890, public domain). It is only shown: the style comes from the bank.
"""

from __future__ import annotations

import sys
from pathlib import Path

from make_style_space_pictures import save, strip
from PIL import Image
from skimage import data

import impasto

STYLE = "van-gogh-road-with-cypress-and-star"
HEIGHT = 300  # of every picture of the row: the photo's own


def main() -> None:
    photo = Image.fromarray(data.chelsea())
    painting = Image.open(sys.argv[1]).convert("RGB")
    row = strip([photo, painting, impasto.paint(photo, STYLE)], HEIGHT)
    save(row, Path(__file__).parent / "images" / "readme.jpg")


if __name__ == "__main__":
    main()
