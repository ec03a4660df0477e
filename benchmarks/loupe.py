"""How near a window that is painted by itself is to the same place of the whole painting.

    python -m benchmarks.loupe --photos FOLDER [--networks full,fast] [--style NAME,NAME]

Every photo is painted whole at several sizes, from 3 megapixels up to its own. A window of 512 x 512 pixels somewhere
in each is painted by itself, and both are compared: PSNR, of 8 bits. Kept in benchmarks/results/loupe.json.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed import machine
from impasto import Painter, pictures
from impasto.files import write_atomically
from impasto.painting.loupe import Loupe

RESULTS = Path(__file__).parent / "results" / "loupe.json"
MEGAPIXELS = (3, 4.5, 6, 8, 9.5)
SIDE = 512
STYLES = "hokusai-great-wave,van-gogh-starry-night,munch-the-scream,kandinsky-composition-vii,monet-japanese-bridge"


def main() -> None:
    args = _arguments()
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in args.networks:
        painter = Painter(name)
        rows = list(_rows(painter, sorted(args.photos.glob("*.jpg")), args.style))
        found = [row["psnr"] for row in rows]
        print(f"{name}: median {statistics.median(found):.1f} dB, least {min(found):.1f}, {len(found)} windows")
        print(f"  below 30 dB: {sum(each < 30 for each in found)}")
        results[name] = {"machine": machine(), "precision": painter.network.precision, "windows": rows}
        write_atomically(RESULTS, json.dumps(results, indent=1).encode())


def _rows(painter: Painter, photos: list[Path], styles: list[str]) -> Any:
    generator = np.random.default_rng(0)
    styles = [style for style in styles if style in painter.styles]
    for i, (path, megapixels) in enumerate((path, size) for path in photos for size in MEGAPIXELS):
        photo, style = pictures.load(path), styles[i % len(styles)]
        height, width = photo.pixels.shape[:2]
        size = min(max(height, width), round(max(height, width) * math.sqrt(megapixels * 1e6 / (height * width))))
        job = painter.prepare(photo, style, kind=np.uint8, size=size)
        height, width = job.size
        top, left = int(generator.integers(0, height - SIDE)), int(generator.integers(0, width - SIDE))
        place, loupe = (slice(top, top + SIDE), slice(left, left + SIDE)), Loupe(job)
        loupe.window(*place)  # with the first pass
        begin = time.perf_counter()
        window = loupe.window(*place)
        middle = time.perf_counter()
        whole = job.paint()
        row = {"photo": path.stem, "style": style, "size": [width, height], "psnr": _psnr(window, whole[place])}
        row |= {"window_seconds": middle - begin, "whole_seconds": time.perf_counter() - middle}
        print(row, flush=True)
        yield row


def _psnr(a: pictures.Pixels, b: pictures.Pixels) -> float:
    error = float(((a.astype(np.float32) - b) ** 2).mean())
    return round(10 * math.log10(255**2 / max(error, 1e-6)), 2)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos of 9 megapixels or more")
    parser.add_argument("--networks", type=lambda text: text.split(","), default=["full", "fast"])
    parser.add_argument("--style", type=lambda text: text.split(","), default=STYLES.split(","))
    return parser.parse_args()


if __name__ == "__main__":
    main()
