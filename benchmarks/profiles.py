"""Every layer of a network on the runtimes: time, bytes moved and arithmetic, beside what the machine can do at most.

    python -m benchmarks.profiles [--network fast|FILE.onnx] [--size 1024] [--isa AVX512_CORE]
    python -m benchmarks.profiles --page      # writes the tables into docs/benchmarks.md, between their marks

Times are the runtimes' own counters, means over paintings; bytes are those of a node's inputs and outputs, operations
two per multiplication of a convolution (zeros in kernels of phases count, as they are multiplied). A node's roofline
is the longer of its bytes at the machine's copy bandwidth (for arrays of the size of the network's, and in memory) and
its operations at the speed of torch's matrix product, both measured in the same run with the same cores. ONNX Runtime
computes in float32 only. Kept in benchmarks/results/profile.json.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pages import filled
from benchmarks.speed import capped, machine, matrix_product
from impasto.files import write_atomically

RESULTS = Path(__file__).parent / "results" / "profile.json"
PAGE = RESULTS.parent.parent.parent / "docs" / "benchmarks.md"
WAYS = (("openvino", "f32"), ("openvino", "bf16"), ("onnxruntime", "f32"))
PAINTINGS, WARM = 12, 3
BYTES = {"f32": 4, "bf16": 2, "f16": 2, "u8": 1, "i8": 1, "i32": 4, "i64": 8, "float": 4, "uint8": 1, "int64": 8}
LARGE, SMALL = 2**28, 12 * 2**20  # bytes of an array that lies in memory, and of one of the network's at 1024 px


def main() -> None:
    args = _arguments()
    if args.worker:
        print(json.dumps(_work(*args.worker.split(","), args)))
        return
    if not args.page:
        found: dict[str, Any] = {"machine": machine(), "limits": {}, "ways": {}}
        for kind in ("f32", "bf16"):
            found["limits"][kind] = _child(args, f"limits,{kind}")
        for runtime, precision in WAYS:
            found["ways"][f"{runtime} {precision}"] = _child(args, f"{runtime},{precision}")
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        key = f"{args.network}, {args.size} px, {args.isa or 'all instructions'}"
        write_atomically(RESULTS, json.dumps(results | {key: found}, indent=1).encode())
        print(sums({key: found}), layers(key, found), sep="\n")
    else:
        PAGE.write_text(page(), encoding="utf-8")


def _child(args: argparse.Namespace, worker: str) -> Any:
    command = [sys.executable, "-m", "benchmarks.profiles", "--worker", worker]
    command += ["--network", args.network, "--size", str(args.size)]
    done = subprocess.run(command, capture_output=True, text=True, env=capped(args.isa))
    if done.returncode:
        raise SystemExit(f"{worker} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _work(what: str, kind: str, args: argparse.Namespace) -> Any:
    if what == "limits":
        gflops = matrix_product("float32" if kind == "f32" else "bfloat16")
        return {"gflops": gflops, "copy_gbs": _copy_speed(LARGE), "copy_small_gbs": _copy_speed(SMALL)}
    from impasto.assets import network_file

    file = Path(args.network) if args.network.endswith(".onnx") else network_file(args.network)
    return openvino_nodes(file, args.size, kind) if what == "openvino" else onnxruntime_nodes(file, args.size)


def _copy_speed(size: int) -> float:
    """Bytes read and written in a second, in GB/s, by copies of arrays of ``size`` bytes: the best of many."""
    import torch

    source, target = torch.ones(size // 4), torch.empty(size // 4)
    best, begin = math.inf, time.perf_counter()
    while time.perf_counter() - begin < 2:
        start = time.perf_counter()
        target.copy_(source)
        best = min(best, time.perf_counter() - start)
    return 2 * size / best / 1e9


# ---- the runtimes' counters


def openvino_nodes(file: Path, size: int, precision: str) -> list[dict[str, Any]]:
    """What OpenVINO counted for each node that took time, in their order, bytes going in and coming out."""
    from impasto import quiet
    from impasto.painting.sessions import with_bytes
    from impasto.painting.tiles.narrow import widened

    core = quiet.core()
    model = with_bytes(widened(core.read_model(file)))
    half = next(each for each in model.inputs if "scale" in each.get_names()).get_partial_shape()[0].get_length()
    model.reshape({"picture": [1, size, size, 3], "scale": [half], "shift": [half]})
    options = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY", "PERF_COUNT": True}
    compiled = core.compile_model(model, "CPU", options)
    for _ in range(PAINTINGS):
        compiled(_feeds(half, _photo(size)))
    nodes = (_openvino_node(node) for node in compiled.get_runtime_model().get_ordered_ops())
    return [node for node in nodes if node["ms"] > 0]


def _openvino_node(node: Any) -> dict[str, Any]:
    info = {key: value.astype(str) for key, value in node.get_rt_info().items()}
    microseconds = info.get("execTimeMcs", "")
    sources = [each.get_source_output() for each in node.inputs()]
    moved = sum(math.prod(each.get_shape()) * _bytes_of(each.get_node()) for each in sources)
    moved += sum(math.prod(each.get_shape()) for each in node.outputs()) * _bytes_of(node)
    outputs = [list(each.get_shape()) for each in node.outputs()]
    found = {
        "name": node.get_friendly_name(),
        "kind": info.get("layerType", ""),
        "kernel": info.get("primitiveType", ""),
        "shape": outputs[0] if outputs else [],
        "ms": int(microseconds) / 1000 if microseconds.isdigit() else 0.0,
        "bytes": moved,
        "operations": 0,
    }
    if found["kind"] in ("Convolution", "Deconvolution"):
        found["operations"] = 2 * math.prod(sources[1].get_shape()) * math.prod(outputs[0][2:])
    return found


def _bytes_of(node: Any) -> int:
    info = node.get_rt_info()
    return BYTES.get(info["outputPrecisions"].astype(str).split(",")[0], 4) if "outputPrecisions" in info else 4


def onnxruntime_nodes(file: Path, size: int) -> list[dict[str, Any]]:
    """What ONNX Runtime counted for each node, in their order: means of the paintings behind the first ones."""
    from impasto import quiet

    runtime = quiet.onnxruntime()
    with tempfile.TemporaryDirectory() as folder:
        options = runtime.SessionOptions()
        options.enable_profiling, options.profile_file_prefix = True, str(Path(folder) / "profile")
        session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        (half,) = next(each for each in session.get_inputs() if each.name == "scale").shape
        planes = _photo(size).transpose(0, 3, 1, 2).astype(np.float32) / 255
        for _ in range(PAINTINGS):
            session.run(None, _feeds(half, planes))
        events = json.loads(Path(session.end_profiling()).read_text())
    kernels = [each for each in events if each.get("cat") == "Node" and each["name"].endswith("_kernel_time")]
    each_time = len(kernels) // PAINTINGS
    later = kernels[WARM * each_time :]
    found = [_onnxruntime_node(later[i::each_time]) for i in range(each_time)]
    return [node for node in found if node["ms"] > 0]


def _onnxruntime_node(events: list[dict[str, Any]]) -> dict[str, Any]:
    args = events[0]["args"]
    inputs, outputs = (
        [item for each in args[f"{way}_type_shape"] for item in each.items()] for way in ("input", "output")
    )
    found = {
        "name": events[0]["name"].removesuffix("_kernel_time"),
        "kind": args["op_name"],
        "kernel": args["provider"],
        "shape": outputs[0][1] if outputs else [],
        "ms": sum(event["dur"] for event in events) / len(events) / 1000,
        "bytes": sum(math.prod(shape) * BYTES.get(kind, 4) for kind, shape in [*inputs, *outputs]),
        "operations": 0,
    }
    if "Conv" in found["kind"] and len(inputs) > 1:
        found["operations"] = 2 * math.prod(inputs[1][1]) * math.prod(found["shape"][2:])
    return found


def _photo(size: int) -> Any:
    return np.random.default_rng(0).integers(0, 256, (1, size, size, 3), np.uint8)


def _feeds(half: int, picture: Any) -> dict[str, Any]:
    return {"picture": picture, "scale": np.ones(half, np.float32), "shift": np.zeros(half, np.float32)}


# ---- tables


def page() -> str:
    """The page as it stands, with its figures as they should be."""
    results = json.loads(RESULTS.read_text())
    tables = [layers(key, found) for key, found in results.items() if found.get("in_page", True)]
    return filled(PAGE, "profiles.py", {"profile": sums(results) + "\n" + "\n".join(tables[:1])})


def sums(results: dict[str, Any]) -> str:
    """For each network and way: time of convolutions and of all that only moves data, and what limits would take."""
    lines = [
        "| | ms | convolutions: ms, GFLOP/s | the rest: ms, MB, GB/s | at the machine's limits |",
        "|---" * 5 + "|",
    ]
    for key, found in results.items():
        for way, nodes in found["ways"].items():
            limits = found["limits"][way.split()[1]]
            convolutions = [node for node in nodes if node["operations"]]
            rest = [node for node in nodes if not node["operations"]]
            total, least = _total(nodes, "ms"), sum(roofline(node, limits) for node in nodes)
            lines.append(
                f"| {key}: {way} | {total:.1f} | {_total(convolutions, 'ms'):.1f}, {_gflops(convolutions):.0f} | "
                f"{_total(rest, 'ms'):.1f}, {_total(rest, 'bytes') / 1e6:.0f}, {_gbs(rest):.0f} | "
                f"{least:.1f} ms ({least / total:.2f}) |"
            )
    for key, found in results.items():
        limits = found["limits"]
        lines += [
            "",
            f"Limits for {key}, {found['machine']['processor']}, {found['machine']['cores']} cores: matrix product "
            f"{limits['f32']['gflops']:.0f} GFLOP/s in float32, {limits['bf16']['gflops']:.0f} in bfloat16; copies "
            f"{limits['f32']['copy_gbs']:.0f} GB/s in memory, {limits['f32']['copy_small_gbs']:.0f} for 12 MB.",
        ]
    return "\n".join(lines) + "\n"


def layers(key: str, found: dict[str, Any]) -> str:
    """Convolution by convolution, in float32 under OpenVINO: its own speed, and that of all passes up to the next."""
    lines = [
        f"Layers of {key}, OpenVINO, float32 (a row is a convolution and all passes over memory up to the next one):",
        "",
        "| output | kernel | ms | GFLOP/s | passes: ms | MB | GB/s |",
        "|---" * 7 + "|",
    ]
    for group in _by_convolution(found["ways"]["openvino f32"]):
        own = [node for node in group if node["operations"]]
        rest = [node for node in group if not node["operations"]]
        name = " x ".join(str(length) for length in own[0]["shape"][1:]) if own else "(before the first)"
        kernel = own[0]["kernel"] if own else ""
        lines.append(
            f"| {name} | {kernel} | {_total(own, 'ms'):.2f} | {_gflops(own):.0f} | {_total(rest, 'ms'):.2f} | "
            f"{_total(rest, 'bytes') / 1e6:.0f} | {_gbs(rest):.0f} |"
        )
    return "\n".join(lines) + "\n"


def _by_convolution(nodes: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    groups: list[list[dict[str, Any]]] = [[]]
    for node in nodes:
        if node["operations"]:
            groups.append([])
        groups[-1].append(node)
    return [group for group in groups if group]


def roofline(node: dict[str, Any], limits: dict[str, float]) -> float:
    """Milliseconds that a node would take at the machine's limits."""
    return max(node["bytes"] / limits["copy_small_gbs"], node["operations"] / limits["gflops"]) / 1e6


def _total(nodes: Iterable[dict[str, Any]], key: str) -> float:
    return float(sum(node[key] for node in nodes))


def _gflops(nodes: list[dict[str, Any]]) -> float:
    return _total(nodes, "operations") / max(_total(nodes, "ms"), 1e-9) / 1e6


def _gbs(nodes: list[dict[str, Any]]) -> float:
    return _total(nodes, "bytes") / max(_total(nodes, "ms"), 1e-9) / 1e6


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="fast", help="name, or ONNX file of impasto export")
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--isa", default="", help="cap of OpenVINO's and torch's instructions, as ONEDNN_MAX_CPU_ISA")
    parser.add_argument("--page", action="store_true", help="write the tables of the results kept")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
