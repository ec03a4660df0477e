"""What ``impasto`` takes from the shell beside the open network: a small photo, folders, large pictures, help.

    python -m benchmarks.rates --photo LARGE.jpg [--isa AVX512_CORE] [--parts open,shell,folder,large]
    python -m benchmarks.rates --page        # writes the tables into docs/benchmarks.md, between their marks

open    seconds a megapixel of an open network at 1,024 px, on one thread and on all; memory a megapixel: what the
        process's peak grows by from 1,024 to 2,048 px
shell   seconds from process start to the file written for a photo of 512 px, with an empty cache folder and with the
        one that this left behind; seconds of ``impasto --help``
folder  photos a second of ``impasto paint FOLDER``, without its start, by those of the network alone
large   ``impasto paint --brush small`` in a process of its own: seconds a megapixel, by those of the open network, peak
        memory, and the memory that ``impasto plan`` promises

Least of ``--rounds`` where it is a matter of seconds. ``--isa`` caps what oneDNN takes, as ``benchmarks.speed`` does.
Kept in benchmarks/results/rates.json, by that cap, network and precision.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import size
from benchmarks.guard import Tree, photos
from benchmarks.pages import filled
from benchmarks.speed import machine
from impasto.files import write_atomically

RESULTS = Path(__file__).parent / "results" / "rates.json"
PAGE = RESULTS.parent.parent.parent / "docs" / "benchmarks.md"
ROOT = PAGE.parent.parent
STYLE = "hokusai-great-wave"
SIDES = (1024, 2048)
WORKER = """
import json, resource, sys, time
import numpy as np
from impasto import Painter
from impasto.assets import bank_file, network_file
from impasto.painting.network import Network
from impasto.styles.bank import Bank
name, precision, threads, side, times = sys.argv[1], sys.argv[2], int(sys.argv[3]) or None, *map(int, sys.argv[4:])
network = Network(network_file(name), precision=precision, threads=threads)
row = Bank.load(bank_file(name))["hokusai-great-wave"]
pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
network.prepare(side, side)
spent = []
for _ in range(times):
    begin = time.perf_counter()
    network.paint(pixels, row)
    spent.append(time.perf_counter() - begin)
print(json.dumps([min(spent), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""

Found = dict[str, Any]


def main() -> None:
    args = _arguments()
    if args.page:
        PAGE.write_text(page(), encoding="utf-8")
        return
    if args.isa:
        os.environ["ONEDNN_MAX_CPU_ISA"] = args.isa  # for the network that is opened here, and for all children
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for network in args.networks:
        for precision in args.precisions:
            key = f"{args.isa or 'all instructions'}, {network}, {precision}"
            found = results.setdefault(key, {}) | {"machine": machine()}
            with tempfile.TemporaryDirectory() as folder:
                for part in args.parts.split(","):
                    found[part] = PARTS[part](args, network, precision, Path(folder), found)
                    print(key, part, found[part], file=sys.stderr)
            results[key] = found
            write_atomically(RESULTS, json.dumps(results, indent=1).encode())
    print(tables(results))


def opened(args: argparse.Namespace, network: str, precision: str, folder: Path, found: Found) -> Found:
    """Seconds a megapixel of the open network on one thread and on all, and memory a megapixel, in MB."""

    def worker(threads: int, side: int) -> tuple[float, float]:
        words = [network, precision, threads, side, args.rounds]
        command = [sys.executable, "-c", WORKER, *map(str, words)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds, peak = json.loads(done.stdout)
        return seconds / (side**2 / 1e6), peak / (2**20 if sys.platform == "darwin" else 2**10)

    (one, _), (rate, small), (_, large) = worker(1, SIDES[0]), worker(0, SIDES[0]), worker(0, SIDES[1])
    grown = (SIDES[1] ** 2 - SIDES[0] ** 2) / 1e6
    return {"one_thread": one, "seconds_per_mp": rate, "scaling": one / rate, "mb_per_mp": (large - small) / grown}


def shell(args: argparse.Namespace, network: str, precision: str, folder: Path, found: Found) -> Found:
    (folder / "photos").mkdir(exist_ok=True)
    files = photos(folder / "photos")
    words = ["-m", "impasto", "paint", files["small"], "-s", STYLE, "--network", network, "--precision", precision]
    tree = Tree("this", ROOT, folder / "cache")
    first = tree.run([*words, "-o", files["out"]])
    again = [tree.run([*words, "-o", files["out"]]) for _ in range(args.rounds)]
    help = [tree.run(["-m", "impasto", "--help"]) for _ in range(args.rounds)]
    least = {name: min(run[name] for run in again) for name in ("seconds", "processor", "peak")}
    return {"first": first["seconds"], **least, "help": min(run["seconds"] for run in help)}


def folder(args: argparse.Namespace, network: str, precision: str, folder: Path, found: Found) -> Found:
    given = argparse.Namespace(**vars(args) | {"network": network, "precision": precision, "style": STYLE})
    (row,) = size.folder(given, folder)
    return row


def large(args: argparse.Namespace, network: str, precision: str, folder: Path, found: Found) -> list[Found]:
    given = argparse.Namespace(**vars(args) | {"network": network, "style": STYLE})
    rows = []
    for megapixels in args.megapixels:
        photo = size._sized(args.photo, megapixels, folder / "photo.jpg")
        options = ["--precision", precision, "--brush", "small"]
        row = size._paint(given, photo, folder / "out.jpg", *options)
        plan = [sys.executable, "-m", "impasto", "plan", str(photo), "--network", network, "--json", *options]
        done = subprocess.run(plan, check=True, capture_output=True, text=True)
        planned = json.loads(done.stdout)
        each = {"seconds_per_mp": row["seconds"] / row["mp"], "whole": planned["whole"]}
        each |= {"planned_gb": planned["memory"] / 1e9, "disk_gb": planned["disk"] / 1e9}
        rows.append(row | each)
    return rows


PARTS = {"open": opened, "shell": shell, "folder": folder, "large": large}


# ---- tables


def page() -> str:
    """The page as it stands, with the tables of the results kept."""
    return filled(PAGE, "rates.py", {"rates": tables(json.loads(RESULTS.read_text()))})


def tables(results: dict[str, Found]) -> str:
    """Two tables: what every network takes by itself and from the shell, and what large pictures take."""
    if not results:
        return ""
    lines = [
        "| instructions, network, precision | open: s a megapixel | 1 to all threads | memory, MB a megapixel "
        "| 512 px from the shell: first, later | help | folder by network |",
        "|---" * 7 + "|",
    ]
    for key, found in results.items():
        own, start, many = (found.get(name) for name in ("open", "shell", "folder"))
        cells = [
            f"{own['seconds_per_mp']:.3f}" if own else "",
            f"x {own['scaling']:.2f}" if own else "",
            f"{own['mb_per_mp']:.0f}" if own else "",
            f"{start['first']:.2f} s, {start['seconds']:.2f} s" if start else "",
            f"{start['help']:.2f} s" if start else "",
            f"{many['share']:.2f}" if many else "",
        ]
        lines.append(f"| {key} | {' | '.join(cells)} |")
    lines += [
        "",
        "| instructions, network, precision | megapixels | painted | seconds | s a megapixel | by the open network "
        "| peak, planned |",
        "|---" * 7 + "|",
    ]
    for key, found in results.items():
        for row in found.get("large", ()):
            by = f"{row['seconds_per_mp'] / found['open']['seconds_per_mp']:.2f}" if "open" in found else ""
            way = "whole" if row["whole"] else "in tiles"
            lines.append(
                f"| {key} | {row['mp']:.0f} | {way} | {row['seconds']:.1f} | {row['seconds_per_mp']:.2f} | {by} | "
                f"{row['peak_gb']:.2f}, {row['planned_gb']:.2f} GB |"
            )
    machines = {f"{found['machine']['processor']}, {found['machine']['cores']} cores" for found in results.values()}
    return "\n".join([*lines, "", f"{'; '.join(sorted(machines))}."]) + "\n"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, help="a large photo, for the parts folder and large")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--networks", type=lambda text: text.split(","), default=["fast", "full"])
    parser.add_argument("--precisions", type=lambda text: text.split(","), default=["f32", "bf16"])
    parser.add_argument(
        "--megapixels", type=lambda text: [float(part) for part in text.split(",")], default=(4, 12, 25, 100)
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--isa", default="", help="cap of oneDNN's instructions: AVX2, AVX512_CORE, ...")
    parser.add_argument("--page", action="store_true", help="write the tables of the results kept")
    args = parser.parse_args()
    if args.photo is None and not args.page and {"folder", "large"} & set(args.parts.split(",")):
        parser.error("--photo is missing")
    return args


if __name__ == "__main__":
    main()
