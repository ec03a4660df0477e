"""Writes the studio's tables into docs/benchmarks.md from what benchmarks.studio, serve and loupe have measured.

python benchmarks/studio_table.py
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from benchmarks.pages import filled

RESULTS = Path(__file__).parent / "results"
PAGE = RESULTS.parent.parent / "docs" / "benchmarks.md"
ASKED = {  # seconds, on two cores with nothing else running
    "start": 1.5,
    "page": None,
    "first painting": 0.8,
    "thumbnails in sight": 0.5,
    "all thumbnails": 3.0,
}


def page() -> str:
    """The page as it stands, with its figures as they should be."""
    tables = {"studio": studio} | ({"loupe": loupe} if (RESULTS / "loupe.json").exists() else {})
    return filled(PAGE, "studio_table.py", {name: table() for name, table in tables.items()})


def studio() -> str:
    """What people wait for, by network."""
    found: dict[str, Any] = json.loads((RESULTS / "studio.json").read_text())
    lines = ["| | asked | " + " | ".join(found) + " |", "|---" * (len(found) + 2) + "|"]
    for name, limit in ASKED.items():
        cells = [f"{each[name]:.2f} s" for each in found.values()]
        lines.append(f"| {name} | {f'{limit} s' if limit else ''} | " + " | ".join(cells) + " |")
    cells = [f"{each['slider']['median'] * 1000:.0f}, {each['slider']['p95'] * 1000:.0f} ms" for each in found.values()]
    lines.append("| slider: median, 95th percentile | , 100 ms | " + " | ".join(cells) + " |")
    machine = next(iter(found.values()))["machine"]
    lines += ["", f"{machine['processor']}, {machine['cores']} cores, {', '.join(machine['instructions'][-3:])}."]
    return "\n".join(lines) + "\n"


def loupe() -> str:
    """How near windows are to the whole painting, by network."""
    found: dict[str, Any] = json.loads((RESULTS / "loupe.json").read_text())
    lines = ["| network | windows | median | least | below 30 dB |", "|---|---|---|---|---|"]
    for name, each in found.items():
        ratios = [window["psnr"] for window in each["windows"]]
        below = sum(ratio < 30 for ratio in ratios)
        middle = statistics.median(ratios)
        lines.append(f"| `{name}` | {len(ratios)} | {middle:.1f} dB | {min(ratios):.1f} dB | {below} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
