"""Run every command of docs/style-space.md and make its pictures: python docs/make_style_space_pictures.py [FOLDER]

Commands whose output lies in FOLDER (default: a temporary one) already are not run again. Teaching takes about ten
minutes on two cores. The closest mix that `impasto match` prints is written into the page.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

DOCS = Path(__file__).parent
PAGE = DOCS / "style-space.md"
LIMIT = 200_000  # bytes of a picture
SIZE = 512  # longer side of the photo
DETAIL = (120, 20, 400, 300)  # of the photo, where strokes are compared

sys.path.insert(0, str(DOCS.parent))  # for benchmarks

STRIPS = {  # picture: the files side by side, and the height of each
    "start": (["painting.png", "photo.jpg"], 330),
    "teach": (["match.png", "taught.png"], 400),
    "strength": ([f"strength-{i}.png" for i in range(4)], 300),
    "blend": ([f"blend-{i}.png" for i in (1, 2, 3)], 360),
    "square": (["square.png"], 860),
    "path": ([f"walk/frame-{i:04}.png" for i in range(1, 8)], 170),
    "region": (["across.png", "region-1.png", "face.png", "region-2.png"], 300),
    "map": (["map.png"], 1000),
    "strokes": ([f"stroke-{i}.png" for i in (1, 2, 3, 4)], 300),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        folder.mkdir(parents=True, exist_ok=True)
        draw_what_the_reader_has(folder)
        for command in commands():
            run(command, folder)
        mix = (folder / "match.txt").read_text().strip()
        run(f"impasto paint photo.jpg -s {mix} -o match.png", folder)
        text = re.sub(
            r"(so that `-s` takes it:\n\n).*?(\n\n## Teach)", rf"\1    {mix}\2", PAGE.read_text(), flags=re.DOTALL
        )
        PAGE.write_text(text)
        for name, (files, height) in STRIPS.items():
            tiles = [Image.open(folder / file).convert("RGB") for file in files]
            if name == "strokes":
                tiles = [tile.crop(DETAIL) for tile in tiles]
            save(strip(tiles, height), DOCS / "images" / f"space-{name}.jpg")


def draw_what_the_reader_has(folder: Path) -> None:
    """painting.png, photo.jpg and two masks: from left to right, and around the face."""
    from skimage import data

    from benchmarks.paintings import strokes

    if (folder / "across.png").exists():
        return
    strokes().save(folder / "painting.png")
    photo = Image.fromarray(data.astronaut()).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    photo.save(folder / "photo.jpg", quality=95)
    mask = Image.new("L", photo.size)
    ImageDraw.Draw(mask).ellipse((150, 20, 300, 225), 255)
    mask.filter(ImageFilter.GaussianBlur(12)).save(folder / "face.png")
    across = np.clip(np.linspace(-0.5, 1.5, SIZE), 0, 1) * 255
    Image.fromarray(across.astype(np.uint8)[None].repeat(SIZE, 0)).save(folder / "across.png")


def commands() -> list[str]:
    """The lines of the page's shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def run(command: str, folder: Path) -> None:
    words = shlex.split(command)
    is_match = words[1] == "match"
    output = folder / ("match.txt" if is_match else words[words.index("-o") + 1])
    if output.exists():
        return
    print(command, flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "impasto", *words[1:]], cwd=folder, check=True, text=True, stdout=subprocess.PIPE
    )
    if is_match:
        output.write_text(done.stdout)


def strip(tiles: list[Image.Image], height: int) -> Image.Image:
    """Pictures side by side, each ``height`` pixels high; one alone is at most so high."""
    if len(tiles) > 1 or tiles[0].height > height:
        tiles = [
            tile.resize((round(tile.width * height / tile.height), height), Image.Resampling.LANCZOS) for tile in tiles
        ]
    gap = 8
    whole = Image.new(
        "RGB", (sum(tile.width + gap for tile in tiles) - gap, max(tile.height for tile in tiles)), "white"
    )
    left = 0
    for tile in tiles:
        whole.paste(tile, (left, 0))
        left += tile.width + gap
    return whole


def save(picture: Image.Image, path: Path) -> None:
    """As a JPEG of at most LIMIT bytes, in the best quality that fits."""
    for quality in np.arange(90, 30, -5):
        picture.save(path, quality=int(quality), optimize=True)
        if path.stat().st_size <= LIMIT:
            break
    print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
