"""Speed and memory of `impasto optimize`, beside pastiche 1.6.0 on the same pairs.

    python -m benchmarks.optimize --pair PHOTO PAINTING [--pair ...] --results FILE [--only PART,PART] [--peer PYTHON]

Parts: ``peer`` runs pastiche's defaults for its L-BFGS steps and keeps the value that its objective has then. ``ours``
measures how long we take to that value, in the eyes of pastiche's own code, which reads our pictures as 8-bit PNGs.
``evaluation`` measures seconds per evaluation of ours. ``polish`` compares a short run from the network's painting
with a long one from the photo. ``memory`` is the peak of a fresh process at a large size. ``others`` asks for the
seconds per step of neural-style 0.5.7 and pystiche 1.0.1, whose objectives are not pastiche's.

With ``--isa AVX512_CORE`` oneDNN uses no instructions beyond those, on both sides, as on a processor without matrix
units, and ours runs in float32; FILE is then optimize-ISA.json. A pair's two sides run one after the other:

    python -m benchmarks.optimize --isa AVX512_CORE --only peer,ours --pair PHOTO PAINTING [--pair ...]

What FILE holds already is kept, so that the parts can be run one by one; nothing else should run meanwhile, and the
share of the cores that each side got is told. PYTHON is an interpreter of a venv with pastiche 1.6.0 and this torch;
the one that runs this has both.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.speed import capped
from impasto import pictures
from impasto.files import write_atomically
from impasto.learn.loss.features import load_loss_network
from impasto.learn.optimize.recipes import settings_for
from impasto.learn.optimize.run import Optimization, OptimizeStep, optimize

HERE = Path(__file__).parent
PARTS = ("peer", "ours", "evaluation", "polish", "memory", "others")
EVERY = 4  # steps between the pictures that pastiche judges
LAST = 60  # pictures at most that it judges


def main() -> None:
    args = _arguments()
    if args.isa and os.environ.get("ONEDNN_MAX_CPU_ISA") != args.isa:  # it is read when torch is loaded
        command = [sys.executable, "-m", "benchmarks.optimize", *sys.argv[1:]]
        os.execve(sys.executable, command, capped(args.isa))
    if args.memory_of is not None:
        print(json.dumps(_memory_here(*args.pair[0], args.memory_of)))
        return
    results = json.loads(args.results.read_text()) if args.results.exists() else {}
    results |= {"machine": _machine(args.isa), "versions": {"torch": torch.__version__, "pastiche": "1.6.0"}}
    results |= {"size": args.size, "steps": args.steps}
    for photo, painting in args.pair:
        row = _row(results.setdefault("pairs", []), photo, painting)
        for part in args.only.split(","):
            _measure(part, photo, painting, row, results, args)
            write_atomically(args.results, json.dumps(results, indent=1).encode())
    _tell(results)
    print(json.dumps(results))


def _measure(
    part: str, photo: str, painting: str, row: dict[str, Any], results: dict[str, Any], args: argparse.Namespace
) -> None:
    """Measure one part of one pair, into the pair's ``row`` or into ``results``."""
    if part == "peer":
        row["peer"] = _peer(photo, painting, args)
    elif part == "ours":
        row["ours"] = _ours(photo, painting, row["peer"], args)
    elif part == "evaluation":
        precisions = ("float32", "auto")
        row["seconds_per_evaluation"] = {p: _seconds_per_evaluation(photo, painting, args.size, p) for p in precisions}
    elif part == "polish":
        row["polish"] = _polish(photo, painting, row.get("polish", {}), args)
    elif part == "memory":
        results["memory"] = _memory((photo, painting), args.memory_size)
    elif part == "others":
        row["others"] = _others(photo, painting, args)
    else:
        sys.exit(f"there is no part {part!r}; choose {', '.join(PARTS)}")
    for name, key in (("time_ratio", "ours"), ("evaluation_ratio", "seconds_per_evaluation")):
        if {"peer", key} <= row.keys() and "value" in row["peer"]:
            row[name] = _ratio(row, name)


def _ratio(row: dict[str, Any], name: str) -> Any:
    if name == "time_ratio":
        return None if row["ours"]["seconds"] is None else row["ours"]["seconds"] / row["peer"]["seconds"]
    each = row["peer"]["seconds_per_evaluation"]
    return {precision: seconds / each for precision, seconds in row["seconds_per_evaluation"].items()}


# ---- until pastiche's value


def _peer(photo: str, painting: str, args: argparse.Namespace) -> dict[str, Any]:
    """The value that pastiche reaches, and when; without a value if --at-most cut it short: the next call goes on."""
    state = args.results.with_name(f"{args.results.stem}-{Path(photo).stem}-{Path(painting).stem}.state")
    job = {"photo": photo, "painting": painting, "size": args.size, "steps": args.steps}
    output = str(state.with_suffix(".png"))
    begin, spent = time.perf_counter(), _spent(resource.RUSAGE_CHILDREN)
    found = _ask(args.peer, {**job, "state": str(state), "at_most": args.at_most, "output": output})
    share = (_spent(resource.RUSAGE_CHILDREN) - spent) / (time.perf_counter() - begin)
    seconds, losses = found["seconds"], found["losses"]
    if len(losses) <= args.steps:
        return {"steps": len(losses)}
    state.unlink()
    (of_file,) = _ask(args.peer, {"photo": photo, "painting": painting, "size": args.size, "judge": [output]})
    each = statistics.median(b - a for a, b in zip(seconds, seconds[1:], strict=False))
    return {
        "value": losses[-1],
        "value_of_its_file": of_file,  # what is left of it in 0..1 and 8 bits
        "seconds": args.steps * each,  # of quiet steps: whatever else disturbed some of them does not count against it
        "seconds_by_the_clock": seconds[-2],  # the last one only tells the value
        "seconds_per_evaluation": each,
        "cores": share,
        "curve": [[i, round(seconds[i], 2), losses[i]] for i in range(0, len(losses), 10)],
    }


def _ours(photo: str, painting: str, peer: dict[str, Any], args: argparse.Namespace) -> dict[str, Any]:
    """The first of our pictures that pastiche finds as good as its own, and when it was there."""
    begin, spent = time.perf_counter(), _spent(resource.RUSAGE_SELF)
    options: dict[str, Any] = {"recipe": "pastiche", "size": args.size, "start": args.start, "picture_every": EVERY}
    if args.our_steps:
        options["steps"] = args.our_steps
    if args.precision:
        options["precision"] = args.precision
    steps = list(optimize(photo, painting, **options))
    share = (_spent(resource.RUSAGE_SELF) - spent) / (time.perf_counter() - begin)
    with tempfile.TemporaryDirectory() as folder:
        shown = [step for step in steps if step.picture is not None and step.size == steps[-1].size][-LAST:]
        files = [f"{folder}/ours-{i}.png" for i in range(len(shown))]
        for step, file in zip(shown, files, strict=True):
            assert step.picture is not None
            pictures.save(step.picture, file)
        values = _ask(args.peer, {"photo": photo, "painting": painting, "size": args.size, "judge": files})
    reached = next((s for s, value in zip(shown, values, strict=True) if value <= peer["value"]), None)
    return {
        "seconds": None if reached is None else reached.seconds,
        "evaluations": None if reached is None else reached.evaluations,
        "final_value": values[-1],
        "final_seconds": shown[-1].seconds,
        "planned": steps[-1].planned,
        "start": args.start,
        "precision": args.precision or "auto",
        "cores": share,
        "curve": [[s.evaluations, round(s.seconds, 2), value] for s, value in zip(shown, values, strict=True)],
    }


def _seconds_per_evaluation(photo: str, painting: str, size: int, precision: str) -> float:
    """Median at full size, with the optimiser's own work; with ``auto`` most are in the faster precision."""
    steps = list(optimize(photo, painting, recipe="pastiche", size=size, coarsest=0, steps=12, precision=precision))
    pairs = list(zip(steps[1:], steps[2:], strict=False))
    spent = [
        (b.seconds - a.seconds) / (b.evaluations - a.evaluations) for a, b in pairs if b.evaluations > a.evaluations
    ]
    return statistics.median(spent)


# ---- polish


def _polish(photo: str, painting: str, before: dict[str, Any], args: argparse.Namespace) -> dict[str, Any]:
    """A short run from the network's painting and a long one from the photo, in the default recipe's objective.

    With --at-most a call stops after so many seconds, and the next one goes on from what was ``before``.
    """
    state = args.results.with_name(f"{args.results.stem}-polish.state")
    found = {} if "photo" in before else dict(before)
    for start, seconds in (("network", args.polish), ("photo", 5 * args.polish)):
        if start in found:
            continue
        settings = settings_for(size=args.size, start=start, steps=100_000)
        run = Optimization(photo, painting, settings)
        if start == "photo" and state.exists():
            run.restore(state)
        begin = run.seconds
        for _ in run.run(max_seconds=seconds - begin):
            if start == "photo" and run.seconds - begin > args.at_most:
                run.save(state)
                return found
        parts = run.parts
        assert parts is not None
        found[start] = {"seconds": run.seconds, "evaluations": sum(run.used), "by": run.start}
        found[start] |= {"content": parts.content, "style": parts.style, "total": parts.total}
    state.unlink(missing_ok=True)
    return found


# ---- memory


def _memory(pair: tuple[str, str], size: int) -> dict[str, Any]:
    """Peak of a fresh process."""
    command = [sys.executable, "-m", "benchmarks.optimize", "--pair", *pair, "--memory-of", str(size)]
    return dict(json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()[-1]))


def _memory_here(photo: str, painting: str, size: int) -> dict[str, Any]:
    run = Optimization(photo, painting, settings_for(size=size, coarsest=0, steps=5), max_memory=8 * 2**30)
    last: OptimizeStep
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


# ---- the peers, the machine and the table


def _others(photo: str, painting: str, args: argparse.Namespace) -> dict[str, float]:
    """Seconds per L-BFGS step of neural-style and pystiche, with their defaults, from the photo.

    Both come without weights and would download them; they get those of our loss network as a file.
    """
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        if args.neural_style:
            model = Path(folder) / "vgg19-d01eb7cb.pth"  # by this name it knows that it is a VGG-19
            torch.save(_vgg19(by_number=True), model)
            options = f"-gpu c -init image -image_size {args.size} -print_iter 0 -save_iter 0 -disable_check".split()
            command = [args.neural_style, *options, "-content_image", photo, "-style_image", painting]
            command += ["-model_file", str(model), "-output_image", f"{folder}/out.png", "-num_iterations"]
            spent = []
            for iterations in (4, 16):
                begin = time.perf_counter()
                subprocess.run([*command, str(iterations)], check=True, stdout=subprocess.PIPE)
                spent.append(time.perf_counter() - begin)
            found["neural-style 0.5.7"] = (spent[1] - spent[0]) / 12
        if args.pystiche:
            torch.save(_vgg19(by_number=False), f"{folder}/vgg19.pth")
            job = {"photo": photo, "painting": painting, "size": args.size, "weights": f"{folder}/vgg19.pth"}
            found["pystiche 1.0.1"] = _ask(args.pystiche, job, "peer_pystiche.py")
    return found


def _vgg19(*, by_number: bool) -> dict[str, torch.Tensor]:
    """The original VGG-19: numbered as torchvision's and reading BGR, or by the names of its layers."""
    weights = dict(load_loss_network().named_buffers())
    state, index = {}, 0
    for block, count in enumerate((2, 2, 4, 4, 4), 1):
        for conv in range(1, count + 1):
            name = f"conv{block}_{conv}"
            weight = weights[f"{name}_weight"]
            weight = weight.flip(1) if by_number and index == 0 else weight
            name = f"features.{index}" if by_number else name
            state[f"{name}.weight"] = weight.clone(memory_format=torch.contiguous_format)
            state[f"{name}.bias"] = weights[f"conv{block}_{conv}_bias"].clone()
            index += 2
        index += 1
    return state


def _ask(peer: str, job: dict[str, Any], script: str = "peer_optimize.py") -> Any:
    command = [peer, str(HERE / script)]
    done = subprocess.run(command, input=json.dumps(job), stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _row(rows: list[dict[str, Any]], photo: str, painting: str) -> dict[str, Any]:
    """The row of a pair; a new one if there is none yet."""
    names = {"photo": Path(photo).stem, "painting": Path(painting).stem}
    for row in rows:
        if names.items() <= row.items():
            return row
    rows.append(dict(names))
    return rows[-1]


def _spent(who: int) -> float:
    """Seconds of processor time."""
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def _machine(isa: str) -> str:
    """Cores, processor and memory, as far as the system tells, and the cap of oneDNN's instructions."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    amx = f", no more than {isa}" if isa else ", AMX" if torch.cpu._is_amx_tile_supported() else ""
    return f"{os.cpu_count()} cores of {name}{amx}, {memory:.0f} GiB"


def _tell(results: dict[str, Any]) -> None:
    """The pairs, a column each, without the curves."""
    rows = [_flat({**row}) for row in results["pairs"]]
    table = Table("", *(f"{row['photo']}, {row['painting']}" for row in rows), box=None)
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row.get(name, "") for row in rows]
        table.add_row(name, *(f"{value:.4g}" if isinstance(value, float) else str(value) for value in values))
    Console(width=140).print(table)


def _flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{name}: ")
        elif name != "curve":
            flat[before + name] = value
    return flat


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pair", nargs=2, action="append", required=True, metavar=("PHOTO", "PAINTING"))
    parser.add_argument("--results", type=Path, metavar="FILE", help="default: benchmarks/results/optimize.json")
    parser.add_argument("--isa", default="", help="cap of oneDNN's instructions: AVX2, AVX512_CORE, ...; default: none")
    parser.add_argument("--only", default="peer,ours,evaluation,polish,memory", help=", ".join(PARTS))
    parser.add_argument("--size", type=int, default=512, help="long side in pixels")
    parser.add_argument("--steps", type=int, default=300, help="L-BFGS steps of pastiche")
    parser.add_argument("--at-most", type=float, default=1e9, help="seconds of one call of peer or polish; call again")
    parser.add_argument("--our-steps", type=int, help="evaluations of ours over all sizes; default: the recipe's")
    parser.add_argument("--precision", help="of ours; default: the recipe's, whose last steps are in float32")
    parser.add_argument("--start", default="photo", help="what ours begins with, as impasto optimize has it")
    parser.add_argument("--peer", default=sys.executable, help="Python of a venv with pastiche 1.6.0")
    parser.add_argument("--neural-style", help="the command of neural-style 0.5.7, for the part others")
    parser.add_argument("--pystiche", help="Python of a venv with pystiche 1.0.1, for the part others")
    parser.add_argument("--polish", type=float, default=60.0, help="seconds of the short run")
    parser.add_argument("--memory-size", type=int, default=2048, help="long side in pixels")
    parser.add_argument("--memory-of", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    name = f"optimize-{args.isa.lower().replace('_', '-')}.json" if args.isa else "optimize.json"
    args.results = args.results or HERE / "results" / name
    args.precision = args.precision or ("f32" if args.isa else None)
    return args


if __name__ == "__main__":
    main()
