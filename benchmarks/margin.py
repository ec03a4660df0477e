"""What a margin costs and what it hides: time of painting and frames, for margins of several sizes.

    python -m benchmarks.margin --photos DIR [--network NAME|FILE.onnx] [--style NAME,...] [--output FILE]

One network is exported with each margin. Time is the median of painting a square of noise, bytes in and out, with all
cores; the margins take turns, and ratios are of processor time, which other programs change less. Frames are those of
``impasto eval``: how the mean painting of 60 crops of 256 pixels and of the same upside down differs along its border
from its middle, of 255. A margin suits a network that was trained with one, or with every pixel in the loss.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from rich.console import Console
from rich.table import Table

from impasto import Painter, assets
from impasto.learn.evaluate.artefacts import frames, turned
from impasto.learn.evaluate.scores import FRAMED
from impasto.learn.network.load import load_with_bank
from impasto.learn.network.to_onnx import network_graph
from impasto.learn.photos import PhotoFolder

STYLES = (
    "van-gogh-starry-night,hokusai-great-wave,munch-the-scream,gris-portrait-of-picasso,kandinsky-composition-vii,"
    "mondrian-red-blue-yellow,klimt-the-kiss,monet-impression-sunrise,durer-four-horsemen,picabia-udnie,"
    "vrubel-demon-seated,cezanne-trees-and-houses"
)
TURNS = 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos that were not trained on")
    parser.add_argument("--network", default="full", help="name, or ONNX file with its bank beside it")
    parser.add_argument("--style", default=STYLES, help="NAME,NAME,...")
    parser.add_argument("--margins", default="0,24,32,48")
    parser.add_argument("--sizes", default="512,1024")
    parser.add_argument("--crops", type=int, default=60)
    parser.add_argument("--precision", default="auto", help="auto, f32 or bf16")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "margin.json")
    args = parser.parse_args()
    margins = [int(margin) for margin in args.margins.split(",")]
    drawn = PhotoFolder.open(args.photos).batch(0, 0, args.crops, FRAMED)
    crops = [crop.permute(1, 2, 0).numpy() for crop in drawn]
    with tempfile.TemporaryDirectory() as folder:
        files = {margin: _exported(args.network, margin, Path(folder)) for margin in margins}
        painters = {margin: Painter(file, precision=args.precision) for margin, file in files.items()}
        found = {
            "network": painters[margins[0]].network.fingerprint,
            "precision": painters[margins[0]].network.precision,
            "seconds": {size: _seconds(painters, int(size)) for size in args.sizes.split(",")},
            "photos": frames(turned(crops)),
            "frames": {name: _frames(painters, name, crops) for name in args.style.split(",")},
        }
    _show(found, margins)
    args.output.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found))


def _exported(network: str, margin: int, folder: Path) -> Path:
    """The network's file with another margin, in a folder of its own, with its bank."""
    file = Path(network) if network.endswith(".onnx") else assets.network_file(network)
    opened, bank = load_with_bank(file)
    opened.margin = margin
    path = folder / str(margin) / "full.onnx"
    path.parent.mkdir()
    onnx.save(network_graph(opened), path)
    bank.save(path.with_suffix(".safetensors"))
    return path


def _seconds(painters: Mapping[int, Painter], size: int) -> dict[int, dict[str, float]]:
    """Median seconds for each margin, and its median processor time over that of the first margin."""
    photo = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    spent: dict[int, list[tuple[float, float]]] = {margin: [] for margin in painters}
    for turn in range(TURNS + 2):
        for margin, painter in painters.items():
            begin = time.perf_counter(), time.process_time()
            painter.paint_array(photo, painter.styles[0])
            if turn > 1:  # the first two open, compile and warm up
                spent[margin].append((time.perf_counter() - begin[0], time.process_time() - begin[1]))
    found = {margin: [statistics.median(each) for each in zip(*turns, strict=True)] for margin, turns in spent.items()}
    first = next(iter(found.values()))
    return {margin: {"seconds": wall, "ratio": work / first[1]} for margin, (wall, work) in found.items()}


def _frames(painters: Mapping[int, Painter], name: str, crops: Sequence[Any]) -> dict[int, tuple[float, float]]:
    return {
        margin: frames(painter.paint_array(crop, name) for crop in turned(crops))
        for margin, painter in painters.items()
    }


def _show(found: Mapping[str, Any], margins: Sequence[int]) -> None:
    console = Console(width=160)
    table = Table("pixels a side", *(f"{margin} px: s, ratio" for margin in margins), box=None)
    for size, row in found["seconds"].items():
        table.add_row(size, *(f"{row[margin]['seconds']:.3f}  {row[margin]['ratio']:.2f}" for margin in margins))
    console.print(table)
    table = Table("style", *(f"{margin} px: frame, edge" for margin in margins), box=None)
    for name, row in {**found["frames"], "the photos": dict.fromkeys(margins, found["photos"])}.items():
        table.add_row(name, *("{:.1f}  {:.1f}".format(*row[margin]) for margin in margins))
    console.print(table)


if __name__ == "__main__":
    main()
