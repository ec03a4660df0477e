"""The table of docs/quality.md, out of benchmarks/results/eval.json, worth.json and quality.json.

python -m benchmarks.quality_table      # writes it into the page, between its marks
"""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PAGE = RESULTS.parent.parent / "docs" / "quality.md"
HEAD = "| style | content | style | total | doing nothing | worth | of the rival's total | diagonal | border |"


def page() -> str:
    """The page as it stands, with its figures as they should be."""
    text, found = re.subn(
        r"(<!-- styles: .*? -->\n).*?(<!-- end -->)",
        lambda match: match[1] + table() + match[2],
        PAGE.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    assert found == 1, f"the page has {found} places for the table"
    return text


def table() -> str:
    """A line for every style, and their medians."""
    measured = _styles("eval")
    worth = {name: style["worth"] for name, style in _styles("worth").items()}
    rival = {style["name"]: style["ratio"] for style in _read("quality")["full"]["styles"]}
    keys = ("content", "style", "total", "untouched", "diagonal", "border")
    rows = []
    for name, style in measured.items():
        rows.append([style[key] for key in keys[:4]] + [worth[name], rival[name]] + [style[key] for key in keys[4:]])
    lines = [HEAD, "|---" * (HEAD.count("|") - 1) + "|"]
    lines += [_line(name, row) for name, row in zip(measured, rows, strict=True)]
    lines.append(_line("**median**", [statistics.median(column) for column in zip(*rows, strict=True)]))
    return "\n".join(lines) + "\n"


def _line(name: str, row: list[float]) -> str:
    content, style, total, untouched, worth, rival, diagonal, border = row
    figures = f"{content:.2f} | {style:.3f} | {total:.2f} | {untouched:.1f} | {worth:.0f} | {rival:.2f}"
    return f"| {name} | {figures} | {diagonal:+.2f} | {border:.2f} |"


def _styles(file: str) -> dict[str, dict[str, Any]]:
    return {style["name"]: style for style in _read(file)["styles"]}


def _read(file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{file}.json").read_text())
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
