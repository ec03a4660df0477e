"""Writes the tables of docs/papers.md from what benchmarks.paper has measured.

python -m benchmarks.paper_table
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.pages import filled

RESULTS = Path(__file__).parent / "results"
PAGE = RESULTS.parent.parent / "docs" / "papers.md"


def page() -> str:
    """The page as it stands, with its figures as they should be."""
    tables = {"claims": claims(), "new": new(), "artefacts": artefacts()}
    return filled(PAGE, "paper_table.py", tables)


def claims() -> str:
    """What Dumoulin et al. report, beside what the same comparison gives here."""
    one, four, three = _read("t1"), _read("t4")["rows"][0], _read("t3")
    content, style = (
        f"{mean:+.1f} ± {spread:.1f} %" for mean, spread in (one["content_percent"], one["style_percent"])
    )
    lines = [
        "| claim | paper | here | conditions |",
        "|---|---|---|---|",
        f"| content loss of one network with N styles against N networks with one | +8.7 ± 3.9 % (N = 10) | {content} "
        f"(N = {len(one['rows'])}) | {_conditions(one)} |",
        f"| style loss, the same | -8.9 ± 16.5 % | {style} | as above |",
        f"| numbers of a style, of all of a network | about 3 thousand, 0.2 % | {four['numbers_per_style']:,}, "
        f"{four['percent_per_style']:.2f} % | exact |",
        f"| style losses along a line between two styles are monotonic | shown for pairs | {three['monotonic']} of "
        f"{three['pairs']} pairs | {three['size']} px, {100 * three['tolerance']:.0f} % of the way allowed for noise |",
    ]
    return "\n".join(lines) + "\n"


def new() -> str:
    """The loss on the way to a new style, by what is trained."""
    found = _read("t2")
    steps = sorted({key for row in found["rows"] for key in row if key.isdigit()}, key=int)
    lines = ["| painting | what moves | " + " | ".join(steps) + " |", "|---" * (len(steps) + 2) + "|"]
    for row in found["rows"]:
        cells = (f"{row[step]:.2f}" if step in row else "" for step in steps)
        lines.append(f"| {row['painting']} | {row['moved']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def artefacts() -> str:
    """What padding, upsampling and normalisation do, each trained equally."""
    found = _read("artefacts")
    lines = ["| network | content | style | total | checkerboard | border |", "|---|---|---|---|---|---|"]
    for row in found["rows"]:
        cells = [f"{row['content']:.3f}", f"{row['style']:.4f}", f"{row['total']:.3f}"]
        lines.append(
            "| " + " | ".join([row["variant"], *cells, f"{row['checkerboard']:.3f}", f"{row['border']:.2f}"]) + " |"
        )
    return "\n".join(lines) + "\n"


def _conditions(found: dict[str, Any]) -> str:
    return f"{found['steps']:,} steps of {found['batch']} photos of {found['size']} px; paper: 40,000 of 16 of 256 px"


def _read(table: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"paper-{table}.json").read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
