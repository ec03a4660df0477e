"""How much larger the strokes are of the rows that a style has: the grain of what they paint.

    python -m benchmarks.strokes --photos DIR [--network full] [--bank BANK.safetensors] [--limit 6] [--size 768]

*Length* is the distance in pixels at which the autocorrelation of the luma falls to a half, after what is coarser than
strokes is taken out (a Gaussian of 24 px, twice). For every style that knows several stroke sizes: the median over the
photos for the smallest and the largest, and their ratio. Kept in benchmarks/results/strokes.json.
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

COARSE = 24.0  # px
RESULTS = Path(__file__).parent / "results" / "strokes.json"


def main() -> None:
    args = _arguments()
    painter = Painter(args.network, bank=args.bank)
    photos = load_photos(args.photos, size=args.size, limit=args.limit)
    found: dict[str, dict[str, float]] = {}
    for name in painter.styles:
        sizes = strokes.sizes(painter.bank, name)
        if not sizes:
            continue
        small, large = (
            [length(painter.paint_array(photo, sizes[size])) for photo in photos] for size in (min(sizes), max(sizes))
        )
        ratio = np.median(np.divide(large, small))
        found[name] = {"small": float(np.median(small)), "large": float(np.median(large)), "ratio": float(ratio)}
        print(f"{name:40s} {found[name]['small']:5.2f} {found[name]['large']:5.2f} {ratio:5.2f}", flush=True)
    if not found:
        raise SystemExit(f"no style of {painter.network.name} knows several stroke sizes")
    rows = [row for name in found for row in strokes.family(painter.bank, name)]
    head = {**painted_by(painter, rows), "size": args.size, "photos": len(photos)}
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
    parser.add_argument("--bank", type=Path)
    parser.add_argument("--limit", type=int, default=6)
    parser.add_argument("--size", type=int, default=768)
    return parser.parse_args()


if __name__ == "__main__":
    main()
