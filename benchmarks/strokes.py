"""How much larger strokes get along the dial for their size: the grain of what is painted.

    python -m benchmarks.strokes --photos DIR [--network full] [--style NAME,...] [--sizes 500,1000,2000]
        [--limit 3] [--size 768]

*Length* is the distance in pixels at which the autocorrelation of the luma falls to a half, after what is coarser than
strokes is taken out (a Gaussian of 24 px, twice). It is that of strokes and of the photo's own detail together, which
has one size. For each style and each size of the strokes: the median over the photos. Kept in
benchmarks/results/strokes.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from benchmarks import painted_by
from impasto import Painter
from impasto.files import write_atomically
from impasto.learn.evaluate.artefacts import Floats
from impasto.learn.evaluate.scores import load_photos
from impasto.pictures.recolor import luma
from impasto.styles import strokes

KNOWN = (  # twelve that many people know
    "van-gogh-starry-night,munch-the-scream,hokusai-great-wave,klimt-the-kiss,kandinsky-composition-vii,"
    "kandinsky-composition-viii,monet-impression-sunrise,seurat-seine-at-la-grande-jatte,cezanne-mont-sainte-victoire,"
    "picabia-udnie,renoir-bal-du-moulin-de-la-galette,van-gogh-road-with-cypress-and-star"
)
COARSE = 24.0  # px
RESULTS = Path(__file__).parent / "results" / "strokes.json"


def main() -> None:
    args = _arguments()
    painter = Painter(args.network)
    names, sizes = args.style.split(","), [int(size) for size in args.sizes.split(",")]
    photos = load_photos(args.photos, size=args.size, limit=args.limit)
    found: dict[str, dict[int, float]] = {}
    for name in names:
        painted = {size: [painter.paint_array(each, name, stroke_size=size) for each in photos] for size in sizes}
        found[name] = {size: float(np.median([length(each) for each in those])) for size, those in painted.items()}
        print(f"{name:40s}", *(f"{found[name][size]:5.2f}" for size in sizes), flush=True)
    ratios = {
        f"{large} by {small}": float(np.median([lengths[large] / lengths[small] for lengths in found.values()]))
        for small, large in zip(sizes, sizes[1:], strict=False)
    }
    print(ratios)
    rows = [row for name in found for row in strokes.family(painter.bank, name)]
    head = {**painted_by(painter, rows), "size": args.size, "photos": len(photos), "median_ratio": ratios}
    everything = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    everything[painter.network.name] = {**head, "styles": found}
    write_atomically(RESULTS, json.dumps(everything, indent=1).encode())


def length(picture: Floats) -> float:
    """Pixels at which the autocorrelation of a picture's fine luma falls to a half; (h, w, 3) in 0..1."""
    brightness = luma(picture)
    h, w = brightness.shape
    y, x = np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w)
    fine = np.square(1 - np.exp(-2 * np.square(np.pi * COARSE * np.hypot(y, x))))
    window = np.outer(np.hanning(h), np.hanning(w))
    energy = np.square(np.abs(np.fft.fft2((brightness - brightness.mean()) * window) * fine))
    alike = np.fft.ifft2(energy).real
    away = np.hypot(y * h, x * w).round().astype(int)  # fftfreq counts lags as it counts frequencies
    profile = np.bincount(away.ravel(), alike.ravel()) / np.bincount(away.ravel())
    profile /= profile[0]
    first = int(np.argmax(profile < 0.5))
    return float(first - (0.5 - profile[first]) / (profile[first - 1] - profile[first]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--network", default="full")
    parser.add_argument("--style", default=KNOWN, help="NAME,NAME,...; default: twelve well-known ones")
    parser.add_argument("--sizes", default="500,1000,2000", help="pixels of the paintings, ascending")
    parser.add_argument("--limit", type=int, default=3)
    parser.add_argument("--size", type=int, default=768)
    return parser.parse_args()


if __name__ == "__main__":
    main()
