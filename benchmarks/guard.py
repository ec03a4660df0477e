"""Two commits side by side, in one run: what the newer one costs, as ratios of pairs.

    python -m benchmarks.guard OLD [NEW] [--rounds 5] [--cases "help,shell fast"] [--isa AVX512_CORE] [--output FILE]

Both are checked out beside each other (git worktree) and run by this interpreter, with PYTHONPATH at their src; NEW is
the working tree if it is not given. A round runs each case in the one and at once in the other, in turns of who is
first, so what else the machine does meets both. A ratio is NEW by OLD of one such pair; told is the median of the
pairs, and the least and the largest. "processor" is the time of all cores, which other programs change less than the
seconds on the clock. Everything is in processes of their own, with a cache folder for each commit that the first,
uncounted round fills.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
STYLE = "hokusai-great-wave"
MEASURES = ("seconds", "processor", "peak")
OPEN = """
import sys, numpy as np
from impasto import Painter
painter = Painter(sys.argv[1])
pixels = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), np.uint8)
for _ in range(int(sys.argv[2])):
    painter.paint_array(pixels, "hokusai-great-wave")
"""
PHOTOS = {"small": (512, 512), "large": (1632, 2448), "folder": (512, 640)}  # height, width
FOLDER = 24  # photos


def cases() -> dict[str, list[str]]:
    """What is run, by name: the words behind the interpreter; names in braces are files of ``photos``."""
    found = {"help": ["-m", "impasto", "--help"]}
    for network in ("fast", "full"):
        paint = ["-m", "impasto", "paint", "-s", STYLE, "--network", network, "--brush", "small", "-o", "{out}"]
        found |= {
            f"shell {network}": [*paint, "{small}"],
            f"4 MP {network}": [*paint, "{large}"],
            f"tiles {network}": [*paint, "{large}", "--max-memory", "0.5"],
            f"folder {network}": [*paint[:-1], "{outs}", "{folder}"],
            f"open {network}": ["-c", OPEN, network, "8" if network == "fast" else "2"],
        }
    return found


@dataclass(frozen=True)
class Tree:
    """A commit, checked out, and the cache folder of what runs in it."""

    name: str
    path: Path
    cache: Path

    def run(self, words: list[str], isa: str = "") -> dict[str, float]:
        """Seconds, processor seconds and peak memory (MB) of the interpreter with these words."""
        env = {**os.environ, "PYTHONPATH": str(self.path / "src"), "XDG_CACHE_HOME": str(self.cache)}
        if isa:
            env["ONEDNN_MAX_CPU_ISA"] = isa
        begin = time.perf_counter()
        with subprocess.Popen([sys.executable, *words], env=env, stdout=-3, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            said = process.stderr.read().decode(errors="replace")
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - begin
        if process.returncode:
            raise SystemExit(f"{self.name}: {' '.join(words[:4])} ... failed:\n{said[-2000:]}")
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return {"seconds": seconds, "processor": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss / unit}


@contextmanager
def checked_out(commit: str | None, folder: Path, repository: Path = ROOT) -> Iterator[Tree]:
    """A worktree of the commit in ``folder``, removed at the end; None is the repository as it stands."""
    if commit is None:
        yield Tree("the working tree", repository, folder / "cache")
        return
    git = ["git", "-C", str(repository), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder / "tree"), commit], check=True)
    try:
        yield Tree(commit, folder / "tree", folder / "cache")
    finally:
        subprocess.run([*git, "remove", "--force", str(folder / "tree")], check=True)


def pairs(trees: tuple[Tree, Tree], words: list[str], rounds: int, isa: str = "") -> list[list[dict[str, float]]]:
    """What the two commits took, [old, new], in each round; one round before is not counted."""
    found = []
    for number in range(-1, rounds):
        order = (0, 1) if number % 2 else (1, 0)
        pair: dict[int, dict[str, float]] = {which: trees[which].run(words, isa) for which in order}
        if number >= 0:
            found.append([pair[0], pair[1]])
    return found


def ratios(found: list[list[dict[str, float]]]) -> dict[str, Any]:
    """For each measure the medians of both, and of the pairs' ratios the median, the least and the largest."""
    summary: dict[str, Any] = {}
    for measure in MEASURES:
        old, new = ([pair[which][measure] for pair in found] for which in (0, 1))
        each = [b / a for a, b in zip(old, new, strict=True)]
        summary[measure] = {
            "old": statistics.median(old),
            "new": statistics.median(new),
            "ratio": statistics.median(each),
            "least": min(each),
            "largest": max(each),
        }
    return summary


def photos(folder: Path) -> dict[str, str]:
    """Made-up photos of each size, and a folder of them, by the names that cases have for them."""
    places = {name: folder / f"{name}.jpg" for name in ("small", "large")} | {"folder": folder / "photos"}
    places["folder"].mkdir()
    for name, (height, width) in PHOTOS.items():
        coarse = np.random.default_rng(0).integers(0, 256, (height // 32, width // 32, 3), np.uint8)
        image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        for number in range(FOLDER if name == "folder" else 1):
            image.save(places[name] / f"{number}.jpg" if name == "folder" else places[name])
    outs = {"out": folder / "out.jpg", "outs": folder / "outs"}
    return {name: str(place) for name, place in (places | outs).items()}


def main() -> None:
    args = _arguments()
    known = cases()
    wanted = args.cases.split(",") if args.cases else list(known)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = photos(folder)
        with checked_out(args.old, folder / "old") as old, checked_out(args.new, folder / "new") as new:
            for case in wanted:
                words = [word.format_map(files) if word.startswith("{") else word for word in known[case]]
                results[case] = ratios(pairs((old, new), words, args.rounds, args.isa))
                _show(case, results[case])
    found = {"old": args.old, "new": args.new, "isa": args.isa, "rounds": args.rounds, "cases": results}
    _table(found)
    if args.output:
        args.output.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found))


def _show(case: str, found: dict[str, Any]) -> None:
    print(case, *(f"{name} {found[name]['ratio']:.2f}" for name in MEASURES), file=sys.stderr)


def _table(found: dict[str, Any]) -> None:
    table = Table("", "old", "new", *(f"{name}, new / old" for name in MEASURES), box=None)
    for case, each in found["cases"].items():
        cells = [
            f"{each[name]['ratio']:.2f} ({each[name]['least']:.2f} to {each[name]['largest']:.2f})" for name in MEASURES
        ]
        table.add_row(case, f"{each['seconds']['old']:.2f} s", f"{each['seconds']['new']:.2f} s", *cells)
    Console(width=140, stderr=True).print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", help="a commit")
    parser.add_argument("new", nargs="?", help="another; default: the working tree")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cases", help="names, with commas between them; default: all: " + ", ".join(cases()))
    parser.add_argument("--isa", default="", help="cap of oneDNN's instructions: AVX2, AVX512_CORE, ...")
    parser.add_argument("--output", type=Path, help="a JSON file for the results")
    return parser.parse_args()


if __name__ == "__main__":
    main()
