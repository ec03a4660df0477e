"""The tables of docs/quality.md, out of eval, eval-fast, frames, worth, quality, even and curve in results/ (JSON).

python -m benchmarks.quality_table      # writes them into the page, between their marks
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.pages import filled

RESULTS = Path(__file__).parent / "results"
PAGE = RESULTS.parent.parent / "docs" / "quality.md"
HEAD = (
    "| style | content | style | total | doing nothing | worth | of the rival's total | style at equal content "
    "| pattern | frame | edge |"
)
UNKNOWN = "-"  # what is slow is measured on some styles only


def page() -> str:
    """The page as it stands, with its figures as they should be."""
    return filled(PAGE, "quality_table.py", {"styles": table(), "fast": fast(), "even": even(), "curve": curve()})


def table() -> str:
    """A line for every style, and their medians."""
    slow = {style["name"]: style for style in _read("worth")["styles"]}
    rival = {style["name"]: style for style in _read("quality")["full"]["styles"]}
    framed = {style["name"]: style for style in _read("frames")["styles"]}
    rows = {}
    for style in _read("eval")["styles"]:
        name = style["name"]
        first = [style[key] for key in ("content", "style", "total", "untouched")]
        worth = slow[name]["worth"] if name in slow else None
        frame, edge = (framed[name][key] for key in ("frame", "edge"))
        beside = [rival[name][key] if name in rival else None for key in ("ratio", "at_equal_content")]
        rows[name] = [*first, worth, *beside, style["pattern"], frame, edge]
    lines = [HEAD, "|---" * (HEAD.count("|") - 1) + "|"]
    lines += [_line(name, row) for name, row in rows.items()]
    columns = ([value for value in column if value is not None] for column in zip(*rows.values(), strict=True))
    lines.append(_line("**median**", [statistics.median(column) for column in columns]))
    return "\n".join(lines) + "\n"


def _line(name: str, row: Sequence[float | None]) -> str:
    kinds = (".2f", ".3f", ".2f", ".1f", ".0f", ".2f", ".2f", ".0f", ".1f", ".1f")
    figures = (UNKNOWN if value is None else format(value, kind) for value, kind in zip(row, kinds, strict=True))
    return f"| {name} | {' | '.join(figures)} |"


def fast() -> str:
    """Medians over the styles of the other network, and its totals over those that ``full`` has in the same styles."""
    found, full = _read("eval-fast"), {style["name"]: style["total"] for style in _read("eval")["styles"]}
    content, style, total, pattern = (
        statistics.median(each[key] for each in found["styles"]) for key in ("content", "style", "total", "pattern")
    )
    ratios = {each["name"]: each["total"] / full[each["name"]] for each in found["styles"]}
    worst = max(ratios, key=lambda name: ratios[name])
    lines = [
        "| content | style | total | of `full`'s total | most | photo row | pattern | most |",
        "|---|---|---|---|---|---|---|---|",
        f"| {content:.2f} | {style:.3f} | {total:.2f} | {statistics.median(ratios.values()):.2f} "
        f"| {ratios[worst]:.2f} ({worst}) | {found['photo_psnr']:.1f} dB | {pattern:.0f} "
        f"| {max(each['pattern'] for each in found['styles']):.0f} |",
    ]
    return "\n".join(lines) + "\n"


def even() -> str:
    """A line for every style that was painted onto even places by the network and by L-BFGS, and their medians."""
    styles = _read("even")["full"]["styles"]
    scenes = list(next(iter(styles.values())))
    heads = [f"{who}: {scene}" for who in ("network", "L-BFGS") for scene in scenes]
    lines = [f"| style | {' | '.join(heads)} | worst, network | worst, L-BFGS |", "|---" * (len(heads) + 3) + "|"]
    rows = {}
    for name, found in styles.items():
        parts = [[found[scene][way] for scene in scenes] for way in ("network", "lbfgs")]
        rows[name] = [*parts[0], *parts[1], max(parts[0]), max(parts[1])]
    rows["**median**"] = [statistics.median(column) for column in zip(*rows.values(), strict=True)]
    lines += [f"| {name} | {' | '.join(format(value, '.0f') for value in row)} |" for name, row in rows.items()]
    return "\n".join(lines) + "\n"


def curve() -> str:
    """A line for every stage of the training: medians over some styles, each on a photo of its own."""
    head = "| step | trained with style weight | content | style | total | worth, median | worth, least |"
    lines = [head, "|---" * (head.count("|") - 1) + "|"]
    for stage in _read("curve")["stages"]:
        losses = f"{stage['content']:.2f} | {stage['style']:.3f} | {stage['total']:.2f}"
        trained = f"{stage['steps']:,} | {stage['style_weight']:g}"
        lines.append(f"| {trained} | {losses} | {stage['worth']:.0f} | {stage['least_worth']} |")
    return "\n".join(lines) + "\n"


def _read(file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{file}.json").read_text())
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
