"""Writes the figures of the site without a server into docs/web.md from what benchmarks.web has measured.

python benchmarks/web_table.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.pages import filled

RESULTS = Path(__file__).parent / "results"
PAGE = RESULTS.parent.parent / "docs" / "web.md"
ASKED = {"bytes": 5e6, "usable": 2.0, "ratio": 4.0}


def page() -> str:
    """The page as it stands, with its figures as they should be."""
    return filled(PAGE, "web_table.py", {"web": web()})


def web() -> str:
    """A first visit, and one run of the network beside ONNX Runtime's own."""
    found: dict[str, Any] = json.loads((RESULTS / "web.json").read_text())
    megabytes = found["bytes"] / 1e6
    lines = [
        "| | asked | measured |",
        "|---|---|---|",
        f"| first visit, gzipped, until a photo is painted | {ASKED['bytes'] / 1e6:g} MB | {megabytes:.2f} MB |",
        f"| first visit, until the page is usable | {ASKED['usable']:g} s | {found['usable']:.2f} s |",
        f"| first visit, from a photo to its painting | | {found['first painting']:.2f} s |",
    ]
    for name in ("threads", "one thread"):
        here, native = found[name]["seconds"], found[name]["native"]
        count = found[name]["threads"]
        threads = f"{count} threads" if count > 1 else "one thread"
        lines.append(
            f"| 512 px with `fast`, {threads} | {ASKED['ratio']:g} x native | "
            f"{here * 1000:.0f} ms, {here / native:.1f} x ONNX Runtime's {native * 1000:.0f} ms |"
        )
    machine = found["machine"]
    lines += ["", f"{machine['processor']}, {machine['cores']} cores, Chromium, files from the same machine."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
