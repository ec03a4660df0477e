"""The figures of docs/optimize.md, out of benchmarks/results/optimize.json, optimize-avx512-core.json and grid.json.

python -m benchmarks.optimize_table      # writes them into the page, between its marks
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TITLES = {
    "kandinsky-composition-vii": "Composition VII",
    "van-gogh-starry-night": "The Starry Night",
    "hokusai-great-wave": "The Great Wave",
    "munch-the-scream": "The Scream",
}
PAGE = HERE.parent / "docs" / "optimize.md"


def page() -> str:
    """The page as it stands, with its figures as they should be."""
    results = json.loads((HERE / "results" / "optimize.json").read_text())
    grid = json.loads((HERE / "results" / "grid.json").read_text())
    without = json.loads((HERE / "results" / "optimize-avx512-core.json").read_text())
    blocks = {"speed": speed(results), "polish": polish(results), "grid": losses(grid)}
    blocks["without"] = f"{_head(without)}{_table([*reached(without), *to_file(without)])}"
    text = PAGE.read_text(encoding="utf-8")
    for name, block in blocks.items():
        text, found = re.subn(
            rf"(<!-- {name}: .*? -->\n).*?(<!-- end -->)", lambda m, b=block: m[1] + b + m[2], text, flags=re.DOTALL
        )
        assert found == 1, f"the page has {found} places for {name}"
    return text


def reached(results: dict[str, Any]) -> list[list[str]]:
    """Time to pastiche's value, a column for each pair."""
    pairs = [row for row in results["pairs"] if "ours" in row]
    ours = [row["ours"] for row in pairs]
    spent = [f"**{run['seconds']:.1f}**" if run["seconds"] else "not reached" for run in ours]
    shares = [f"**1/{1 / row['time_ratio']:.1f}**" if row["time_ratio"] else "" for row in pairs]
    return [
        ["", *(f"{row['photo']}, {_title(row['painting'])}" for row in pairs)],
        [f"pastiche's value after {results['steps']} steps", *(f"{row['peer']['value']:,.0f}" for row in pairs)],
        ["pastiche, seconds", *(f"{row['peer']['seconds']:.0f}" for row in pairs)],
        ["impasto to that value, seconds", *spent],
        ["evaluations, all sizes", *(str(run["evaluations"] or run["planned"]) for run in ours)],
        ["share of pastiche's time", *shares],
        ["value at the end of our run", *(f"{run['final_value']:,.0f}" for run in ours)],
        ["after seconds", *(f"{run['final_seconds']:.0f}" for run in ours)],
        ["pastiche, seconds per evaluation", *(f"{row['peer']['seconds_per_evaluation']:.2f}" for row in pairs)],
    ]


def to_file(results: dict[str, Any]) -> list[list[str]]:
    """When a file of ours is as good as pastiche's own: its pixels may leave what a file holds, ours do not."""
    rows = [["value of pastiche's own file"], ["impasto to the value of that file, seconds"]]
    for pair in results["pairs"]:
        value, curve = pair["peer"]["value_of_its_file"], pair["ours"]["curve"]
        at = next((at for at, (_, _, ours) in enumerate(curve) if ours <= value), None)
        rows[0].append(f"{value:,.0f}")
        rows[1].append("not reached" if at is None else f"{'at most ' if at == 0 else ''}{curve[at][1]:.0f}")
    return rows


def speed(results: dict[str, Any]) -> str:
    """Time to pastiche's value and time per evaluation; memory and the others below."""
    pairs, rows = [row for row in results["pairs"] if "ours" in row], reached(results)
    for precision, label in (("auto", "bfloat16 (`--precision auto`)"), ("float32", "float32")):
        seconds = [(row["seconds_per_evaluation"][precision], row["evaluation_ratio"][precision]) for row in pairs]
        rows.append([f"impasto, {label}", *(f"{each:.2f}, {ratio:.2f} of pastiche's" for each, ratio in seconds)])
    memory = results["memory"]
    text = f"{memory['pixels']} pixels in float32 took {memory['peak_gb']:.1f} GB at the peak "
    text += f"({memory['predicted_gb']:.1f} predicted), {memory['seconds_per_evaluation']:.0f} s per evaluation."
    others = [f"{name} {each:.2f}" for row in pairs for name, each in row.get("others", {}).items()]
    text += f" Seconds per step of others, on the first pair: {', '.join(others)}.\n"
    return f"{_head(results)}{_table(rows)}\n{text}"


def _head(results: dict[str, Any]) -> str:
    return f"{results['machine']}; torch {results['versions']['torch']}; {results['size']} px.\n\n"


def polish(results: dict[str, Any]) -> str:
    """A minute from the network's painting beside five from the photo."""
    rows = [["", "start", "seconds", "evaluations", "content", "style", "total"]]
    for row in results["pairs"]:
        for start, run in row.get("polish", {}).items():
            numbers = [f"{run[key]:.4f}" for key in ("content", "style", "total")]
            pair = f"{row['photo']}, {_title(row['painting'])}"
            rows.append([pair, start, f"{run['seconds']:.0f}", str(run["evaluations"]), *numbers])
    return _table(rows)


def losses(grid: dict[str, Any]) -> str:
    """Content and style of the grid's cells, rows and columns as on the sheet."""
    ratios = list(dict.fromkeys(cell["ratio"] for cell in grid["cells"]))
    rows = [["style layers", *(f"{ratio:g}" for ratio in ratios)]]
    for number in dict.fromkeys(cell["row"] for cell in grid["cells"]):
        cells = [cell for cell in grid["cells"] if cell["row"] == number]
        name = " to ".join(dict.fromkeys((cells[0]["layers"][0], cells[0]["layers"][-1])))
        rows.append([name, *(f"{c['losses']['content']:.2g}, {c['losses']['style']:.2g}" for c in cells)])
    return _table(rows)


def _table(rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]]) + "\n"


def _title(stem: str) -> str:
    """A painting's name without its artist's."""
    return TITLES.get(stem, stem)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
