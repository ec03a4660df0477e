"""What a picture's size costs: time a megapixel, memory, and how far painting in tiles is from painting whole.

    python -m benchmarks.size --photo LARGE.jpg [--parts growth,modes,styles,ends,folder] [--json results/size.json]

growth  time and peak memory of ``impasto paint`` from 0.25 to 100 megapixels, each in a process of its own
modes   at 12 megapixels: whole, in tiles, also in bfloat16, and how they differ
styles  time to paint with banks of 1 to 10,000 styles, which should be the same
ends    where the time of ``impasto paint`` goes at 12 megapixels: reading, painting, writing
folder  photos a second of ``impasto paint FOLDER`` against those of the network alone

The photo is continued by mirroring, and cut, to each size. ``--json`` keeps what it holds of other parts and sizes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from impasto import Bank, Painter, pictures

GROWTH = (0.25, 1, 4, 12, 36, 100)  # megapixels
MODES = 12
STYLES = (1, 40, 1000, 10_000)
FOLDER = 200  # photos
TILES_GB = 0.7  # --max-memory that makes 12 megapixels go in tiles

Row = dict[str, Any]


def main() -> None:
    args = _arguments()
    kept = json.loads(args.json.read_text()) if args.json and args.json.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for part in args.parts.split(","):
            rows = PARTS[part](args, Path(folder))
            if part == "growth":  # sizes that were not measured again stay
                measured = {(row["precision"], round(row["mp"], 1)) for row in rows}
                old = [row for row in kept.get(part, []) if (row["precision"], round(row["mp"], 1)) not in measured]
                rows = sorted(rows + old, key=lambda row: (row["precision"], row["mp"]))
            _table(part, rows)
            kept[part] = rows
            kept["machine"] = {"cores": len(os.sched_getaffinity(0)), "network": args.network, "style": args.style}
            if args.json:
                args.json.write_text(json.dumps(kept, indent=1) + "\n")
    print(json.dumps(kept))


def growth(args: argparse.Namespace, folder: Path) -> list[Row]:
    rows = []
    for megapixels in args.megapixels:
        photo = _sized(args.photo, megapixels, folder / "photo.jpg")
        row = _paint(args, photo, folder / "out.jpg", "--precision", args.precision)
        each = {"seconds_per_mp": row["seconds"] / row["mp"], "painting_per_mp": row["painting"] / row["mp"]}
        rows.append({"precision": args.precision, **row, **each})
    return rows


def modes(args: argparse.Namespace, folder: Path) -> list[Row]:
    photo = _sized(args.photo, MODES, folder / "photo.png")
    ways: list[tuple[str, list[str]]] = [
        ("whole", []),
        ("tiles", ["--max-memory", str(TILES_GB)]),
    ]
    rows, whole = [], {}
    for precision in ("f32", "bf16"):
        for name, options in ways:
            row = {"precision": precision, "way": name}
            row |= _paint(args, photo, folder / "out.png", "--precision", precision, *options)
            painted = pictures.load(folder / "out.png").pixels
            apart = np.abs(painted.astype(np.int16) - whole.setdefault(precision, painted))
            row |= {"max_of_255": int(apart.max()), "mean_of_255": float(apart.mean()), "psnr": _psnr(apart)}
            row["psnr_to_f32"] = _psnr(painted.astype(np.int16) - whole["f32"])
            rows.append(row)
            if args.pictures:
                pictures.save(painted, args.pictures / f"{precision}-{name}.png")
                pictures.save(
                    np.clip(apart * 50, 0, 255).astype(np.uint8), args.pictures / f"{precision}-{name}-apart.png"
                )
    return rows


def _psnr(apart: Any) -> float | None:
    mean_square = float(np.square(apart, dtype=np.float32).mean())
    return float(10 * np.log10(255**2 / mean_square)) if mean_square else None


def styles(args: argparse.Namespace, folder: Path) -> list[Row]:
    painter = Painter(args.network)
    picture = pictures.load(_sized(args.photo, 0.26, folder / "photo.png")).picture
    rows = []
    for count in STYLES:
        own = painter.bank
        bank = Bank(
            names=tuple(f"style-{i}" for i in range(count)),
            rows=np.resize(own.rows, (count, own.rows.shape[1])),
            cards=(own.cards[0],) * count,
            network=own.network,
            fingerprint=own.fingerprint,
        )
        bank.save(folder / "many.safetensors", overwrite=True)
        open_seconds = _best(lambda: Bank.load(folder / "many.safetensors"), 2)
        painter.bank = bank
        seconds = _best(lambda: painter.paint_array(picture, f"style-{count - 1}"), 4)  # noqa: B023
        rows.append({"styles": count, "open": open_seconds, "paint": seconds})
        painter.bank = own
    return rows


def ends(args: argparse.Namespace, folder: Path) -> list[Row]:
    photo = _sized(args.photo, MODES, folder / "photo.jpg")
    painter = Painter(args.network)
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("read (JPEG)", lambda: pictures.load(photo)),
        ("to floats", lambda: pictures.unit(found["read (JPEG)"].pixels)),
        ("paint", lambda: painter.network.paint(found["to floats"], painter.bank[args.style])),
        ("to bytes", lambda: pictures.to_bytes(found["paint"])),
        ("write (JPEG)", lambda: pictures.save(found["to bytes"], folder / "out.jpg", like=found["read (JPEG)"])),
        ("keep the colours", lambda: pictures.keep_color(found["paint"], found["to floats"])),
        ("shrink to 1024", lambda: pictures.resize(found["read (JPEG)"].pixels, 1024)),
    ]
    found, rows = {}, []
    for name, step in steps:
        begin = time.perf_counter()
        found[name] = step()
        rows.append({"step": name, "seconds": time.perf_counter() - begin})
    total = sum(row["seconds"] for row in rows[:5])
    return [{**row, "share": row["seconds"] / total if i < 5 else None} for i, row in enumerate(rows)]


def folder(args: argparse.Namespace, folder: Path) -> list[Row]:
    """200 photos of ten sizes, by ``impasto paint FOLDER`` without its start, and by the network alone, on pixels."""
    (folder / "in").mkdir()
    painter = Painter(args.network, precision=args.precision)
    photos = []
    for i in range(10):  # about 700 to 1024 pixels on the longer side
        file = _sized(args.photo, 0.35 + 0.05 * i, folder / "in" / f"{i}-0.jpg")
        for copy in range(1, FOLDER // 10):
            shutil.copy(file, folder / "in" / f"{i}-{copy}.jpg")
        photos += [pictures.load(file).pixels] * (FOLDER // 10)
    options = ["-s", args.style, "--network", args.network, "--precision", args.precision]
    begin = time.perf_counter()
    for pixels in photos:
        painter.network.paint(pixels, painter.bank[args.style])
    alone = time.perf_counter() - begin
    del painter
    begin = time.perf_counter()
    words = ["paint", folder / "in", "-o", folder / "out", "--json", *options]
    subprocess.run([sys.executable, "-m", "impasto", *map(str, words)], check=True, capture_output=True)
    whole = time.perf_counter() - begin
    begin = time.perf_counter()
    words = ["paint", folder / "in" / "0-0.jpg", "-o", folder / "one.jpg", *options]
    subprocess.run([sys.executable, "-m", "impasto", *map(str, words)], check=True, capture_output=True)
    start = time.perf_counter() - begin
    row = {"photos": len(photos), "network": alone, "folder": whole, "start": start, "share": alone / (whole - start)}
    return [row]


PARTS = {"growth": growth, "modes": modes, "styles": styles, "ends": ends, "folder": folder}


def _paint(args: argparse.Namespace, photo: Path, out: Path, *options: str) -> Row:
    """Paint with the command line in a process of its own: seconds in all, those of painting, and peak memory."""
    words = ["paint", photo, "-o", out, "-s", args.style, "--network", args.network, "--json", *options]
    command = [sys.executable, "-m", "impasto", *map(str, words)]
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begin
    if process.returncode:
        raise SystemExit(process.returncode)
    record = json.loads(printed)
    megapixels = record["width"] * record["height"] / 1e6
    gigabytes = usage.ru_maxrss * 1024 / 1e9
    return {"mp": megapixels, "seconds": seconds, "painting": record["seconds"], "peak_gb": gigabytes}


def _sized(source: Path, megapixels: float, target: Path) -> Path:
    """The photo at so many megapixels as a file, made by another process: a child's peak begins with its parent's."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        return apart.submit(_cut_or_mirrored, source, megapixels, target).result()


def _cut_or_mirrored(source: Path, megapixels: float, target: Path) -> Path:
    """The photo cut, or continued by mirroring, to so many megapixels, 3:2, as a file; its middle where it is cut."""
    pixels = pictures.load(source).pixels
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    for axis, length in enumerate((height, round(height * 1.5))):
        side = pixels.shape[axis]
        first = max(0, (side - length) // 2)
        places = (np.arange(length) + first) % (2 * side)
        pixels = pixels.take(np.where(places < side, places, 2 * side - 1 - places), axis)
    Image.fromarray(pixels).save(target, quality=95)  # without impasto's mark: folders leave its paintings out
    return target


def _best(action: Callable[[], Any], times: int) -> float:
    seconds = []
    for _ in range(times):
        begin = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def _table(title: str, rows: list[Row]) -> None:
    table = Table(*rows[0], title=title, box=None)
    for row in rows:
        table.add_row(*(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()))
    Console(width=160, stderr=True).print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, required=True, help="a large photo")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--megapixels", type=lambda text: [float(part) for part in text.split(",")], default=GROWTH)
    parser.add_argument("--network", default="full")
    parser.add_argument("--style", default="hokusai-great-wave")
    parser.add_argument("--precision", default="auto", help="of the parts growth and folder")
    parser.add_argument("--pictures", type=Path, help="a folder for the paintings of the part modes")
    parser.add_argument("--json", type=Path, help="keep the results here")
    return parser.parse_args()


if __name__ == "__main__":
    main()
