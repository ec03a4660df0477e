"""Speed of training: pictures a second of `impasto train`, as it runs here by itself and as plain PyTorch runs it.

    python -m benchmarks.training --photos DIR --styles DIR [--sizes 128,192,256] [--networks full,fast] [--steps 12]

A step is all that training does for four photos: drawing crops, painting, the loss network forward and back, clipping,
the optimiser (Muon) and averaged weights. "as it is" takes bfloat16 and compiles where that pays; "plain" is float32
and eager. The first steps, which compile, do not count; the median of the others does. Results are kept in
benchmarks/results/training.json, size by size.

    python -m benchmarks.training --photos DIR --styles DIR --device cuda [--seconds 20]

On a GPU it is 24 photos of 288 px, with and without a margin of 32 px and a surround of 16, photos from as many
processes as training takes, and each of them for so many seconds: as it is, and "eager", which differs in that nothing
is compiled. "compiling" is the time to the end of the first ten steps, "memory" the most that the GPU's allocator held.
Results are kept in benchmarks/results/training-gpu.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from impasto.files import write_atomically
from impasto.learn.devices import resolve_device
from impasto.learn.loss.features import LossNetwork, load_loss_network
from impasto.learn.paintings import Painting, find_paintings
from impasto.learn.photos import PhotoFolder
from impasto.learn.train.run import Run
from impasto.learn.train.settings import Schedule, TrainSettings

RESULTS = Path(__file__).parent / "results" / "training.json"
WARM = 3  # steps that do not count
GPU_RESULTS = RESULTS.with_name("training-gpu.json")
BORDERS = ((0, 0), (32, 16))  # margin and surround


def main() -> None:
    args = _arguments()
    if args.device == "cpu":
        _cpu(args)
        return
    photos, styles = PhotoFolder.open(args.photos), find_paintings(args.styles)
    found = on_gpu(photos, styles, load_loss_network(args.loss_network), device=args.device, seconds=args.seconds)
    write_atomically(GPU_RESULTS, json.dumps(found, indent=1).encode())
    _show(found["rows"])
    print(json.dumps(found))


def on_gpu(
    photos: PhotoFolder,
    styles: Sequence[Painting],
    loss_network: LossNetwork,
    *,
    device: str = "cuda",
    seconds: float = 20.0,
    batch: int = 24,
    size: int = 288,
    borders: Sequence[tuple[int, int]] = BORDERS,
    ways: Sequence[str] = ("as it is", "eager"),
) -> dict[str, Any]:
    """Pictures per second, seconds to compile and GB of memory, for each margin and surround in ``borders``."""
    device = resolve_device(device)
    rows = []
    for margin, surround in borders:
        settings = TrainSettings(
            batch=batch, size=size, margin=margin, loss_surround=surround, optimizer="muon", content_layer="relu3_3"
        )
        row: dict[str, Any] = {"batch": batch, "size": size, "margin": margin, "surround": surround}
        for way in ways:
            options: dict[str, Any] = {"compile": None if way == "as it is" else False, "device": device}
            row |= {
                f"{way}: {key}": value
                for key, value in _timed(photos, styles, settings, loss_network, seconds, options).items()
            }
        rows.append(row)
    name = torch.cuda.get_device_name() if device.startswith("cuda") else device
    return {"device": name, "torch": torch.__version__, "rows": rows}


def _timed(
    photos: PhotoFolder,
    styles: Sequence[Painting],
    settings: TrainSettings,
    loss_network: LossNetwork,
    seconds: float,
    options: dict[str, Any],
) -> dict[str, float]:
    """The median over the strides of steps behind the first three, which compile and fill the loader's queue."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(folder, photos, styles, settings, loss_network=loss_network, **options)
        begin, ready, speeds = time.monotonic(), 0.0, []
        warnings: list[str] = []
        for step in run.train(Schedule(checkpoint_every=10**9, checkpoint_minutes=10**9, sheet_minutes=10**9)):
            ready = ready or time.monotonic()
            if step.step > 3 * run.steps.stride:
                speeds.append(step.pictures_per_second)
            warnings += [step.warning] if step.warning else []
            if speeds and time.monotonic() - ready > seconds and step.step % run.steps.stride == 0:
                break
    memory = torch.cuda.max_memory_reserved() / 1e9 if torch.cuda.is_available() else 0.0
    found = {
        "pictures/s": statistics.median(speeds),
        "compiling": ready - begin,
        "memory": memory,
        "steps": len(speeds),
    }
    return found | ({"warnings": warnings} if warnings else {})


def _cpu(args: argparse.Namespace) -> None:
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"rows": []}
    found |= {"machine": platform.machine(), "threads": torch.get_num_threads(), "torch": torch.__version__}
    for network in args.networks.split(","):
        for size in (int(size) for size in args.sizes.split(",")):
            row = {"network": network, "size": size}
            row |= {"as it is": _pictures_per_second(args, network, size, plain=False)}
            row |= {"plain": _pictures_per_second(args, network, size, plain=True)}
            row |= {"ratio": row["as it is"] / row["plain"]}
            found["rows"] = [old for old in found["rows"] if (old["network"], old["size"]) != (network, size)] + [row]
            write_atomically(RESULTS, json.dumps(found, indent=1).encode())
    _show(found["rows"])
    print(json.dumps(found))


def _show(rows: Sequence[dict[str, Any]]) -> None:
    table = Table(*rows[0], box=None)
    for row in rows:
        table.add_row(*(f"{value:.2f}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table)


def _pictures_per_second(args: argparse.Namespace, network: str, size: int, *, plain: bool) -> float:
    settings = TrainSettings(steps=args.steps + WARM, size=size, network=network, optimizer="muon")
    photos, styles = PhotoFolder.open(args.photos), find_paintings(args.styles)
    with tempfile.TemporaryDirectory() as folder:
        mode: dict[str, Any] = {"precision": "float32", "compile": False} if plain else {}
        steps = list(Run(folder, photos, styles, settings, **mode).train(Schedule(checkpoint_every=10**9)))
    return statistics.median(step.pictures_per_second for step in steps[WARM:])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--styles", type=Path, required=True)
    parser.add_argument("--sizes", default="128,192,256")
    parser.add_argument("--networks", default="full,fast")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--loss-network", type=Path, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    main()
