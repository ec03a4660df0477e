"""The tables of docs/large-pictures.md about two passes, out of benchmarks/results/large.json.

python -m benchmarks.large_table      # writes them into the page, between their marks
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from benchmarks.pages import filled

RESULTS = Path(__file__).parent / "results" / "large.json"
PAGE = RESULTS.parent.parent.parent / "docs" / "large-pictures.md"
VIEWS = {"whole": "seen whole", "middle": "at 1:1"}


def page() -> str:
    """The page as it stands, with its figures as they should be."""
    return filled(PAGE, "large_table.py", {"ways": ways(), "cost": cost()})


def ways() -> str:
    """For each network one pass, two, and how they compare: medians over the pairs."""
    head = "| network | painted in | " + " | ".join(
        f"{view}: content | style at 700 / 1000 px" for view in VIEWS.values()
    )
    lines = [head + " | preview |", "|---" * 7 + "|"]
    for name, found in _found("ways"):
        for row in found["ways"]["median"]:
            preview = f"{row['preview_psnr']:.1f} dB" if "preview_psnr" in row else ""
            lines.append(_line(name, row["way"], row, "", preview))
        lines.append(_line(name, "**two by one**", found["ways"]["median"][-1], "_ratio", ""))
    return "\n".join(lines) + "\n"


def _line(network: str, way: str, row: dict[str, Any], end: str, last: str) -> str:
    cells = [f"`{network}`", way]
    for view in VIEWS:
        content, *style = (row[f"{view}_{what}{end}"] for what in ("content", "style_700", "style_1000"))
        cells += [f"{content:.2f}", " / ".join(f"{value:.2f}" for value in style)]
    return "| " + " | ".join([*cells, last]) + " |"


def cost() -> str:
    """For each network seconds and memory of one pass and of two, as medians over the photos."""
    lines = ["| network | painted in | megapixels | seconds | peak |", "|---" * 5 + "|"]
    for name, found in _found("cost"):
        for way in ("one pass", "two passes"):
            rows = [row for row in found["cost"] if row["way"] == way]
            keys = ("megapixels", "seconds", "peak_gb")
            size, seconds, peak = (statistics.median(row[key] for row in rows) for key in keys)
            lines.append(f"| `{name}` | {way} | {size:.1f} | {seconds:.1f} | {peak:.2f} GB |")
    return "\n".join(lines) + "\n" if lines[2:] else ""


def _found(part: str) -> list[tuple[str, dict[str, Any]]]:
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return [(name, found) for name, found in results.items() if part in found]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
