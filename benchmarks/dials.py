"""What the dials promise: strength 0 is the photo, more strength is more style, and regions cost little.

    python -m benchmarks.dials --photos DIR --styles DIR [--style NAME,...]

Fidelity is the PSNR of strength 0 over 20 held-out photos. Along strength 0 to 1 the style loss is reported for some
styles, as a mean over four photos; it falls monotonically if no step rises by more than 1 % of the whole way. *Way* is
the distance from the photo in relu2_1 and relu3_1 as a share of that at strength 1, the median of the photos. The price
of regions is the median time of painting 512 x 512 in two and in four styles at once over that of painting in one.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from impasto import Painter
from impasto.learn.devices import best_dtype
from impasto.learn.evaluate.scorer import Scorer
from impasto.learn.evaluate.scores import fidelity, load_photos
from impasto.learn.loss.features import load_loss_network
from impasto.learn.loss.settings import LossSettings
from impasto.learn.photos import load_paintings

STYLES = "van-gogh-starry-night,hokusai-great-wave,munch-the-scream,durer-four-horsemen,monet-impression-sunrise"
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
TOLERANCE = 0.01
LAYERS = ["relu2_1", "relu3_1"]
TURNS = 9
RESULTS = Path(__file__).parent / "results" / "dials.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos; the last are held out")
    parser.add_argument("--styles", type=Path, required=True, help="folder of the bank's paintings")
    parser.add_argument("--style", default=STYLES, help="NAME,NAME,...")
    parser.add_argument("--network", default="full")
    args = parser.parse_args()
    painter = Painter(args.network)
    report = {
        "network": painter.network.fingerprint,
        "psnr_of_the_photo_row": _fidelity(args, painter),
        "strength": _strength(args, painter),
        "regions": [_regions(args, runtime) for runtime in ("openvino", "onnxruntime")],
    }
    _show(report)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report))


def _fidelity(args: argparse.Namespace, painter: Painter) -> dict[str, float]:
    photos = load_photos(args.photos, size=512, limit=20)
    each = [fidelity([photo], lambda p: painter.paint_array(p, painter.photo_row(p))) for photo in photos]
    return {"median": float(np.median(each)), "least": min(each), "most": max(each), "photos": len(each)}


@torch.no_grad()
def _strength(args: argparse.Namespace, painter: Painter) -> list[dict[str, Any]]:
    photos = load_photos(args.photos, size=256, limit=4)
    names = args.style.split(",")
    losses = LossSettings.of(painter.bank)
    paintings = load_paintings(args.styles, names, size=losses.style_size)
    judge = Scorer(load_loss_network().to(best_dtype()), paintings, photos, losses)
    rows = []
    for name in names:
        losses = []
        for strength in STRENGTHS:
            score = judge.score(name, photos, lambda p, n, s=strength: painter.paint_array(p, n, strength=s))
            losses.append(score.style)
        against = max(0.0, float(np.diff(losses).max())) / (losses[0] - losses[-1])
        row = {"style": name, "style_losses": losses, "against": against, "monotonic": against <= TOLERANCE}
        rows.append(row | {"way": _way(painter, name, photos)})
    return rows


def _way(painter: Painter, name: str, photos: list[Any]) -> list[float]:
    """For each strength the distance from the photo in two layers, as a share of that at strength 1; the median."""
    network = load_loss_network()

    def features(picture: Any) -> list[torch.Tensor]:
        found = network(torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None], LAYERS)
        return [found[layer] for layer in LAYERS]

    shares = []
    for photo in photos:
        own = features(photo)
        gone = []
        for strength in STRENGTHS:
            painted = features(painter.paint_array(photo, name, strength=strength))
            gone.append(np.mean([float((a - b).norm() / b.norm()) for a, b in zip(painted, own, strict=True)]))
        shares.append(np.array(gone) / gone[-1])
    return [float(share) for share in np.median(shares, 0)]


def _regions(args: argparse.Namespace, runtime: str) -> dict[str, Any]:
    painter = Painter(args.network, runtime=runtime)  # type: ignore[arg-type]
    photo = np.ascontiguousarray(load_photos(args.photos, size=1024, limit=1)[0][:512, :512])
    names = args.style.split(",")
    stripes = [np.zeros((512, 512), np.float32) for _ in range(3)]
    for i, stripe in enumerate(stripes):
        stripe[:, 128 * (i + 1) : 128 * (i + 2)] = 1
    masks = [dict(zip(names[1:], stripes[:count], strict=False)) for count in (0, 1, 3)]

    def paint(which: int) -> Callable[[], object]:
        return lambda: painter.paint_array(photo, names[0], masks=masks[which] or None)

    tasks = [paint(which) for which in range(3)]
    spent: list[list[float]] = [[], [], []]
    for turn in range(TURNS + 1):
        for task, seconds in zip(tasks, spent, strict=True):
            begin = time.perf_counter()
            task()
            if turn > 0:  # the first opens and warms up
                seconds.append(time.perf_counter() - begin)
    plain, two, four = (float(np.median(seconds)) for seconds in spent)
    return {"runtime": runtime, "plain_seconds": plain, "two_styles": two / plain, "four_styles": four / plain}


def _show(report: dict[str, Any]) -> None:
    console = Console(width=160)
    console.print("the photo row, dB:", report["psnr_of_the_photo_row"])
    table = Table("style", *(f"{strength:g}" for strength in STRENGTHS), "monotonic", box=None)
    for row in report["strength"]:
        table.add_row(row["style"], *(f"{loss:.3f}" for loss in row["style_losses"]), str(row["monotonic"]))
    console.print(table)
    table = Table("style", *(f"{strength:g}" for strength in STRENGTHS), title="way", box=None)
    for row in report["strength"]:
        table.add_row(row["style"], *(f"{share:.2f}" for share in row["way"]))
    console.print(table)
    for row in report["regions"]:
        console.print(row)


if __name__ == "__main__":
    main()
