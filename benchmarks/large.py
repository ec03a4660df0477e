"""Large photos: is a painting one from where one sees all of it, and is it still one at 1:1? What do two passes cost?

    python -m benchmarks.large --photos DIR --styles DIR [--style NAME,...] [--network full] [--parts ways,cost]

ways      content and style distance of one pass and of two, and how far the preview is from the painting shrunk
variants  the same for other ways to cross the two passes over, which were tried and not taken
cost      seconds and peak memory of ``impasto paint``, each in a process of its own

Each painting is measured twice: *whole*, shrunk to a longer side of 1,024 pixels, and *1:1*, the 1,024 x 800 in its
middle. Content is the relative squared distance at relu3_1 from the photo in the same view, style the sum over
relu1_1 .. relu4_1 of the relative squared distances of Gram matrices from the painting at a longer side of 700 and of
1,000 pixels. Photos of less than 9 megapixels are left out. ``--network fast`` lets ``full`` begin, as ``impasto
paint`` does. Kept in benchmarks/results/large.json, by the network's name, after each picture: a run that was ended
goes on where it was. What is there already is measured again with ``--again``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.table import Table

from benchmarks import painted_by, unchanged
from impasto import Painter, pictures
from impasto.files import write_atomically
from impasto.learn.devices import best_dtype
from impasto.learn.loss.features import LossNetwork, load_loss_network
from impasto.learn.loss.losses import content_distance, squared_distance
from impasto.learn.loss.statistics import gram
from impasto.learn.photos import load_paintings
from impasto.painting import passes

RESULTS = Path(__file__).parent / "results" / "large.json"
STYLES = (
    "gris-portrait-of-picasso,leonardo-self-portrait,piranesi-piazza-del-popolo,monet-impression-sunrise,"
    "hokusai-great-wave,cezanne-trees-and-houses,van-gogh-starry-night,kandinsky-composition-vii,munch-the-scream,"
    "delaunay-portrait-of-metzinger,klimt-the-kiss,kirchner-street-berlin"
)  # six muted, six bold
LARGE = 9_000_000  # pixels of a photo that counts
SIZES = (700, 1000)  # of the paintings
LAYERS = ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]
CONTENT = "relu3_1"
SEEN, MIDDLE = 1024, (800, 1024)
FIGURES = ("whole_content", "whole_style_700", "whole_style_1000", "middle_content", "middle_style_700")
FIGURES = (*FIGURES, "middle_style_1000")

# What was tried: the shares of the first pass's octaves, finest first, and how much of the photo's luma comes back.
VARIANTS: dict[str, dict[str, Any]] = {
    "no merge": {"merge": (0.0,)},
    "factor 0.5": {"merge": (0.5,)},
    "factor 0.7": {"merge": (0.7,)},
    "factor 1": {"merge": (1.0,)},
    "0.5, 0.75, 1": {"merge": (0.5, 0.75, 1.0)},
    "0.25, 0.75, 1": {"merge": (0.25, 0.75, 1.0)},
    "0, 0.5, 1": {"merge": (0.0, 0.5, 1.0)},
    "detail 0": {"detail": 0.0},
    "detail 0.25": {"detail": 0.25},
    "detail 1": {"detail": 1.0},
}

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[Any]
Row = dict[str, Any]


class Judge:
    """The loss network, and the paintings in both sizes."""

    def __init__(self, styles: Path, names: list[str]) -> None:
        self._network: LossNetwork = load_loss_network().to(best_dtype())
        self._targets = {
            (name, size): self._seen(painting)[0]
            for size in SIZES
            for name, painting in load_paintings(styles, names, size=size).items()
        }

    @torch.no_grad()
    def _seen(self, picture: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        found = self._network(picture, LAYERS)
        return {layer: gram(found[layer]) for layer in LAYERS}, found[CONTENT].float()

    def score(self, painted: Pixels, photo: Pixels, name: str) -> dict[str, float]:
        """The six figures of a painting."""
        found = {}
        for view, look in (("whole", _whole), ("middle", _middle)):
            grams, content = self._seen(_tensor(look(painted)))
            found[f"{view}_content"] = float(content_distance(content, self._seen(_tensor(look(photo)))[1]))
            for size in SIZES:
                target = self._targets[name, size]
                parts = [
                    squared_distance(grams[layer], target[layer]) / target[layer].square().sum() for layer in LAYERS
                ]
                found[f"{view}_style_{size}"] = float(sum(parts))
        return found


def _tensor(picture: Floats) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]


def _whole(pixels: Pixels) -> Floats:
    return pictures.resize(pixels, SEEN)


def _middle(pixels: Pixels) -> Floats:
    (height, width), (tall, wide) = pixels.shape[:2], MIDDLE
    top, left = (height - tall) // 2, (width - wide) // 2
    return pictures.unit(pixels[top : top + tall, left : left + wide])


def main() -> None:
    args = _arguments()
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    painter = _painter(args)
    name = painter.network.name
    own = {**painted_by(painter, args.style.split(",")), "precision": painter.network.precision}
    own["first"] = painter.first.network.name if painter.first else name
    kept = found.setdefault(name, {})
    if any(kept.get(key) != value for key, value in own.items() if key != "rows"):
        kept.clear()
    changed = set(own["rows"]) - unchanged(kept, own)
    for part in set(kept) & {"ways", "variants"}:  # what is of the other rows is no longer
        kept[part]["pairs"] = [row for row in kept[part]["pairs"] if row["style"] not in changed]
    kept |= {**own, "rows": {**kept.get("rows", {}), **own["rows"]}}
    for part in args.parts.split(","):
        rows = [] if args.again else list(_rows(kept.get(part, [])))
        args.known = {(row["photo"], row.get("style")) for row in rows}
        summary = rows if part == "cost" else _summary(rows)
        for row in PARTS[part](args, painter):
            rows.append(row)
            summary = rows if part == "cost" else _summary(rows)
            kept[part] = rows if part == "cost" else {"pairs": rows, "median": summary}
            write_atomically(RESULTS, (json.dumps(found, indent=1) + "\n").encode())
        _table(part, summary)


def _rows(kept: Any) -> Iterator[Row]:
    """What was measured of a part, less a pair of which one way is missing."""
    rows = kept["pairs"] if isinstance(kept, dict) else kept
    counts = Counter((row["photo"], row.get("style")) for row in rows)
    most = max(counts.values(), default=0)
    return (row for row in rows if counts[row["photo"], row.get("style")] == most)


def ways(args: argparse.Namespace, painter: Painter) -> Iterator[Row]:
    """One pass and two, and the preview."""
    judge = Judge(args.styles, args.style.split(","))
    for file, photo in _photos(args):
        for style in _new(args, file):
            for way, brush in (("one pass", "small"), ("two passes", "medium")):
                painted = painter.paint_array(photo, style, brush=brush)
                row = {"photo": file.stem, "style": style, "way": way, **judge.score(painted, photo, style)}
                if way == "two passes":
                    row["preview_psnr"] = _psnr(painted, np.asarray(painter.preview(photo, style)))
                _keep(args, painted, f"{file.stem}-{style}-{way}")
                yield row


def variants(args: argparse.Namespace, painter: Painter) -> Iterator[Row]:
    """Other ways to cross over, step by step."""
    judge = Judge(args.styles, args.style.split(","))
    for file, photo in _photos(args):
        size = passes.first_size(*photo.shape[:2], brush="medium")
        assert size is not None
        small = passes.shrunk(photo, size)
        for style in _new(args, file):
            composer = painter.first or painter
            first = composer.paint_array(np.ascontiguousarray(small.transpose(1, 2, 0)), style).transpose(2, 0, 1)
            painted: dict[float, Pixels] = {}
            for way, options in {"as it is": {}, **VARIANTS}.items():
                detail = options.get("detail", passes.DETAIL)
                if detail not in painted:
                    seen = passes.Second(first, photo, small, detail=detail).whole()
                    painted = {detail: painter.paint_array(seen, style, brush="small")}
                added = passes.crossed(first, painted[detail], merge=options.get("merge", passes.MERGE))
                out = _added(painted[detail], added)
                _keep(args, out, f"{file.stem}-{style}-{way}")
                yield {"photo": file.stem, "style": style, "way": way, **judge.score(out, photo, style)}


def _added(painted: Pixels, added: passes.Enlarged) -> Pixels:
    out = np.empty_like(painted)
    for rows in passes.bands(len(painted)):
        out[rows] = pictures.to_bytes(np.clip(pictures.unit(painted[rows]) + added(rows).transpose(1, 2, 0), 0, 1))
    return out


def cost(args: argparse.Namespace, painter: Painter) -> Iterator[Row]:
    """Seconds of painting, and peak memory of the process, of one pass and of two; the best of three."""
    style = args.style.split(",")[0]
    for file, photo in _photos(args):
        if (file.stem, None) in args.known:
            continue
        for way, brush in (("one pass", "small"), ("two passes", "medium")):
            runs = [_paint(args, file, style, brush) for _ in range(3)]
            yield {
                "photo": file.stem,
                "megapixels": photo.shape[0] * photo.shape[1] / 1e6,
                "way": way,
                "seconds": min(seconds for seconds, _ in runs),
                "peak_gb": min(peak for _, peak in runs),
            }


def _paint(args: argparse.Namespace, photo: Path, style: str, brush: str) -> tuple[float, float]:
    """Seconds of the painting itself, and the peak memory of the process in GB."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "impasto",
            "paint",
            str(photo),
            "-s",
            style,
            "--network",
            args.network,
            "--json",
        ]
        command += ["--brush", brush, "-o", f"{folder}/out.jpg"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(process.returncode)
    return json.loads(printed)["seconds"], usage.ru_maxrss * 1024 / 1e9


PARTS = {"ways": ways, "variants": variants, "cost": cost}


def _new(args: argparse.Namespace, file: Path) -> list[str]:
    """The styles in which a photo was not measured yet."""
    return [style for style in args.style.split(",") if (file.stem, style) not in args.known]


def _photos(args: argparse.Namespace) -> Iterator[tuple[Path, Pixels]]:
    for file in pictures.find(args.photos)[: args.limit]:
        photo = pictures.load(file, max_side=args.size).pixels
        photo = pictures.to_bytes(photo)
        if photo.shape[0] * photo.shape[1] >= LARGE or args.size:
            yield file, photo


def _psnr(painted: Pixels, preview: Pixels) -> float:
    shrunk = passes.shrunk(painted, preview.shape[:2]).transpose(1, 2, 0)
    return float(-10 * np.log10(np.square(shrunk - pictures.unit(preview)).mean()))


def _keep(args: argparse.Namespace, painted: Pixels, name: str) -> None:
    if args.pictures:
        args.pictures.mkdir(parents=True, exist_ok=True)
        pictures.save(_whole(painted), args.pictures / f"{name}-whole.png")
        pictures.save(_middle(painted), args.pictures / f"{name}-middle.png")


def _painter(args: argparse.Namespace) -> Painter:
    painter = Painter(args.network)
    if args.first:
        painter.first = None if args.first == args.network else Painter(args.first)
    return painter


def _summary(rows: list[Row]) -> list[Row]:
    """Medians over the pairs, and of the ratios to one pass of the same pair, where there is one."""
    found = []
    one = {(row["photo"], row["style"]): row for row in rows if row["way"] == "one pass"}
    for way in dict.fromkeys(row["way"] for row in rows):
        group = [row for row in rows if row["way"] == way]
        line: Row = {"way": way, "pairs": len(group)}
        for key in (*FIGURES, "preview_psnr"):
            if key in group[0]:
                line[key] = statistics.median(row[key] for row in group)
        for key in FIGURES if one else ():
            line[f"{key}_ratio"] = statistics.median(row[key] / one[row["photo"], row["style"]][key] for row in group)
        found.append(line)
    return found


def _table(title: str, rows: list[Row]) -> None:
    table = Table("", *(row["way"] for row in rows), title=title, box=None)
    for key in dict.fromkeys(key for row in rows for key in row if key != "way"):
        values = [row.get(key, "") for row in rows]
        table.add_row(key, *(f"{value:.3f}" if isinstance(value, float) else str(value) for value in values))
    Console(width=200, stderr=True).print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="a folder of large photos")
    parser.add_argument("--styles", type=Path, required=True, help="the folder of the paintings")
    parser.add_argument("--style", default=STYLES, help="NAME,NAME,...; default: six muted ones and six bold ones")
    parser.add_argument("--network", default="full")
    parser.add_argument("--first", help="the network of the first pass; default: as impasto paint chooses it")
    parser.add_argument("--size", type=int, help="shrink the photos to this longer side first, for a quick look")
    parser.add_argument("--limit", type=int, help="so many photos only")
    parser.add_argument("--parts", default="ways,cost", help=", ".join(PARTS))
    parser.add_argument("--again", action="store_true", help="measure again what is there already")
    parser.add_argument("--pictures", type=Path, help="keep both views of every painting in this folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
