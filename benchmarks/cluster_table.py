"""The figures of docs/cluster.md, out of benchmarks/results/cluster.json.

python -m benchmarks.cluster_table      # writes them into the page, between their marks
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.pages import filled

RESULT = Path(__file__).parent / "results" / "cluster.json"
PAGE = RESULT.parent.parent.parent / "docs" / "cluster.md"
MANY = 100_000_000
PRICE = 0.04  # dollars for a core and an hour: put in what yours cost
CREWS = (64, 512, 2_048)  # cores


def page() -> str:
    """The page as it stands, with its figures as they should be."""
    found = json.loads(RESULT.read_text(encoding="utf-8"))
    return filled(PAGE, "cluster_table.py", {"speed": speed(found), "many": many(found)})


def speed(found: dict[str, Any]) -> str:
    alone = found["ways"]["one process"]["rate"]
    rows = ["| | pictures a second | beside one process | first batch after |", "|---|---|---|---|"]
    rows += [
        f"| {way} | {each['rate']:.2f} | {each['rate'] / alone:.2f} | {each['start']:.1f} s |"
        for way, each in found["ways"].items()
    ]
    given = found["settings"]
    size = f"{given['side']} x {given['side'] * 3 // 4}"
    last = (
        f"\nEach way painted {given['pictures']} pictures of {size} pixels with the network `{given['network']}`, "
        f"{given['threads']} thread an actor, on {found['machine']['cores']} cores; medians of {given['rounds']} runs."
    )
    return "\n".join([*rows, last]) + "\n"


def many(found: dict[str, Any]) -> str:
    """What 100 million pictures take, from the rate of one actor."""
    rate = found["ways"]["one actor"]["rate"] / found["settings"]["threads"]  # of a core
    hours = MANY / rate / 3600
    rows = [
        f"A core paints {rate:.2f} pictures a second, so {MANY:,} pictures take {hours:,.0f} core-hours. At "
        f"{PRICE:.2f} dollars a core-hour that is {hours * PRICE:,.0f} dollars, whatever the number of machines.\n",
        "| cores | hours |",
        "|---|---|",
    ]
    return "\n".join(rows + [f"| {cores:,} | {hours / cores:,.1f} |" for cores in CREWS]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
